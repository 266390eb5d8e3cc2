"""What was measured of the compilation of one function."""

import dataclasses
from collections.abc import Mapping

from experiments.bench.timing import Ratio


@dataclasses.dataclass(frozen=True, kw_only=True)
class Compilation:
    """Value and gradient of one function, ours and another library's.

    Attributes:
        label: the function with its setting.
        peer: the other library.
        seconds: of all stages together, the median over the rounds, by library.
        ratios: our time over theirs, by stage and in total.
    """

    label: str
    peer: str
    seconds: Mapping[str, float]
    ratios: Mapping[str, Ratio]
