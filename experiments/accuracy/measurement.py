"""What is measured of one quantity of a function."""

import dataclasses

from experiments.accuracy.errors import Errors
from experiments.activation_rows import Row


@dataclasses.dataclass(frozen=True, kw_only=True)
class Measurement:
    """The errors of one quantity of one row, on one side in one dtype."""

    row: Row
    dtype: str
    quantity: str
    side: str
    errors: Errors
