"""The number formats: their limits, and which of their numbers count as zero."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

# XLA on CPUs treats subnormal numbers of these formats as zero, torch does not. So they count as
# zero throughout a run, whichever side produced them. float16 is computed in float32, in which its
# subnormal numbers are normal.
FLUSHED = ("float32", "float64", "bfloat16")
SUBNORMALS = "count as zero in " + ", ".join(FLUSHED)


@dataclass(frozen=True)
class Format:
    """A binary floating point format.

    Args:
        mantissa: bits stored after the point.
        least: exponent of the smallest normal number.
        greatest: exponent of the largest finite number.
    """

    name: str
    mantissa: int
    least: int
    greatest: int

    @property
    def epsilon(self) -> float:
        """The distance from 1 to the next number."""
        return 2.0**-self.mantissa

    @property
    def tiny(self) -> float:
        """The smallest positive normal number."""
        return 2.0**self.least

    @property
    def largest(self) -> float:
        """The largest finite number."""
        return 2.0**self.greatest * (2.0 - self.epsilon)

    @property
    def flushed(self) -> bool:
        """Whether subnormal numbers count as zero."""
        return self.name in FLUSHED


FORMATS = {
    "float16": Format("float16", 10, -14, 15),
    "bfloat16": Format("bfloat16", 7, -126, 127),
    "float32": Format("float32", 23, -126, 127),
    "float64": Format("float64", 52, -1022, 1023),
}


def numpy_dtype(name: str) -> np.dtype[Any]:
    """The numpy dtype of that name; bfloat16 comes from ml_dtypes."""
    if name == "bfloat16":
        import ml_dtypes

        return np.dtype(ml_dtypes.bfloat16)
    return np.dtype(name)


def is_floating(name: str) -> bool:
    """Whether gradients exist in this dtype."""
    return name in FORMATS


def rounded(values: Any, name: str) -> NDArray[Any]:
    """The values rounded to the dtype; values beyond its range become infinite."""
    with np.errstate(over="ignore", invalid="ignore", under="ignore"):
        return np.asarray(values).astype(numpy_dtype(name))


def widened(array: NDArray[Any]) -> Floats:
    """The same values in float64, which holds every value of the other formats."""
    with np.errstate(invalid="ignore"):
        return np.asarray(array).astype(np.float64)


def flush(values: Floats, name: str) -> Floats:
    """The values with subnormal numbers replaced by zeros of the same sign."""
    if name not in FLUSHED:
        return values
    return np.where(np.abs(values) < FORMATS[name].tiny, np.copysign(0.0, values), values)
