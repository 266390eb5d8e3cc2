"""From computed and exact results to the largest errors, by the rules that the library promises.

Counted are points where the input and the exact result are normal numbers of the dtype. Within 2^-4
of a point x != 0 where the exact result of float32 crosses zero, the absolute error counts instead:
there an ulp of the result says nothing. Beyond these, no finite input may give nan or infinity
where the exact result is a finite number of the dtype, nor a normal number where it is none.
"""

import dataclasses
from typing import Any

import numpy as np
from numpy.typing import NDArray

from parity.compare import ulp
from parity.dtypes import FORMATS, Floats, widened

# In ulp.
LIMITS = {"bfloat16": 1.0, "float16": 1.0, "float32": 4.0}
# Around a crossing: the half-width, and the largest absolute error.
NEIGHBOURHOOD, CROSSING_LIMIT = 2.0**-4, 2.0**-22
# A sign change between two neighbouring points is a crossing if the result is this small at both,
# otherwise it is a jump.
CONTINUOUS = 2.0**-6


@dataclasses.dataclass(frozen=True, kw_only=True)
class Errors:
    """The largest errors of one quantity in one dtype.

    Attributes:
        points: how many inputs were counted; none for a result that is 0 everywhere.
        ulp: the largest error, in ulp of the exact result.
        input: where that was.
        found: what was computed there.
        exact: what should have been.
        crossing: the largest absolute error around crossings; None where there are none.
        undefined: how many results are nan or infinite that should be finite.
        stray: how many results are normal that should be smaller than any normal number.
    """

    points: int
    ulp: float
    input: float
    found: float
    exact: float
    crossing: float | None
    undefined: int
    stray: int

    def within(self, dtype: str) -> bool:
        """Whether all rules hold."""
        return (
            self.ulp <= LIMITS[dtype]
            and (self.crossing is None or self.crossing <= CROSSING_LIMIT)
            and self.undefined == 0
            and self.stray == 0
        )


def measure(x: NDArray[Any], found: NDArray[Any], exact: Floats, dtype: str) -> Errors:
    """The errors of `found`, in `dtype`, at the finite and ascending inputs `x`."""
    limits = FORMATS[dtype]
    point, result, size = widened(x), widened(found), np.abs(exact)
    finite_exact = size < limits.largest * (1 + limits.epsilon / 4)
    near = around_crossings(point, exact) if dtype == "float32" else np.zeros(point.shape, bool)
    normal = (np.abs(point) >= limits.tiny) & (size >= limits.tiny) & finite_exact
    ulps = np.where(normal & ~near, _ulps(result, exact, dtype), 0.0)
    worst = int(np.argmax(ulps))
    # Rounding may lift a number just below the smallest normal one to it.
    lifted = limits.tiny * (1 + 4 * limits.epsilon)
    crossing = None
    if near.any():
        crossing = float(np.max(np.abs(result - exact), where=near & finite_exact, initial=0.0))
    return Errors(
        points=int(np.count_nonzero(normal)),
        ulp=float(ulps[worst]),
        input=float(point[worst]),
        found=float(result[worst]),
        exact=float(exact[worst]),
        crossing=crossing,
        undefined=int(np.count_nonzero(finite_exact & ~np.isfinite(result))),
        stray=int(np.count_nonzero((size < limits.tiny) & ~near & (np.abs(result) > lifted))),
    )


def _ulps(result: Floats, exact: Floats, dtype: str) -> Floats:
    """Errors in ulp of the exact result, infinite for nan."""
    limits = FORMATS[dtype]
    with np.errstate(invalid="ignore", over="ignore"):
        errors = np.abs(result - exact) / ulp(exact, dtype)
    # Where results below the smallest normal number become 0, that is the number next to it.
    flushed = (result == 0) & (np.abs(exact) < limits.tiny * (1 + 4 * limits.epsilon))
    return np.where(flushed, 1.0, np.nan_to_num(errors, nan=np.inf, posinf=np.inf))


def around_crossings(x: Floats, exact: Floats) -> NDArray[np.bool_]:
    """Which inputs, ascending, lie around a point other than 0 where `exact` crosses zero."""
    nonzero = np.flatnonzero(exact != 0)
    left, right = nonzero[:-1], nonzero[1:]
    crossed = (
        (exact[left] * exact[right] < 0)
        & (x[left] * x[right] > 0)
        & (np.maximum(np.abs(exact[left]), np.abs(exact[right])) < CONTINUOUS)
        # Further apart the result is zero on an interval: nothing is crossed at a point.
        & (right - left <= 2)
    )
    near = np.zeros(x.shape, bool)
    for low, high in zip(x[left[crossed]], x[right[crossed]], strict=True):
        near |= (x >= low - NEIGHBOURHOOD) & (x <= high + NEIGHBOURHOOD)
    return near
