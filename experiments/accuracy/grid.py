"""The inputs: every number of a half precision, every n-th of float32."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from parity.dtypes import numpy_dtype, widened


def grid(dtype: str, step: int) -> NDArray[Any]:
    """All finite bit patterns of a half precision, every `step`-th of float32, ascending."""
    if dtype == "float32":
        patterns = np.arange(0, 2**32, step, dtype=np.uint64).astype(np.uint32)
    else:
        patterns = np.arange(0, 2**16, dtype=np.uint32).astype(np.uint16)
    numbers = patterns.view(numpy_dtype(dtype))
    with np.errstate(invalid="ignore"):  # signalling nans are among the patterns
        values = widened(numbers)
    finite = np.flatnonzero(np.isfinite(values))
    return numbers[finite[np.argsort(values[finite], kind="stable")]]
