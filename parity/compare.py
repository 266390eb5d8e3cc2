"""The distance between two arrays, without a judgement.

Distances are counted in units in the last place (ulp) of the dtype. nan agrees with nan and with
nothing else; an infinity agrees only with itself. Subnormal numbers count as zero where
`dtypes.FLUSHED` says so, and zero lies one ulp below the smallest normal number there.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from parity.dtypes import FORMATS, Floats, flush, widened

Trace = dict[str, NDArray[Any]]


@dataclass(frozen=True)
class Distance:
    """How far two arrays lie apart at the worst point, and where that is."""

    ulp: float
    index: int
    unequal: int
    signs_of_zero: int


def distance(a: NDArray[Any], b: NDArray[Any], dtype: str) -> Distance:
    """The worst point of two arrays of one dtype."""
    if a.shape != b.shape:
        raise ValueError(f"arrays of shapes {a.shape} and {b.shape} have no distance")
    if not a.size:
        return Distance(0.0, -1, 0, 0)
    gaps = ulps(a, b, dtype).ravel()
    signs = int(np.count_nonzero(signs_of_zero_differ(a, b)))
    return Distance(float(gaps.max()), int(gaps.argmax()), int(np.count_nonzero(gaps)), signs)


def ordinals(values: Floats, dtype: str) -> NDArray[np.int64]:
    """The position of each number among all numbers of the dtype in order; 0 for zero.

    nan has no position.
    """
    limits = FORMATS[dtype]
    # In units of its last place a number is an integer; together with the exponent it gives the
    # ordinal.
    magnitude = np.abs(flush(values, dtype))
    _, exponent = np.frexp(magnitude)
    exponent = np.where(magnitude == 0, limits.least, np.maximum(exponent - 1, limits.least))
    with np.errstate(invalid="ignore"):
        steps = np.ldexp(magnitude, limits.mantissa - exponent)  # in units of the last place
        whole = np.where(np.isfinite(steps), steps, 0.0).astype(np.int64)
    ordinal = (exponent - limits.least).astype(np.int64) * 2**limits.mantissa + whole
    if limits.flushed:
        ordinal = np.maximum(ordinal - (2**limits.mantissa - 1), 0)
    return np.asarray(np.where(np.signbit(values), -ordinal, ordinal), dtype=np.int64)


def ulps(a: NDArray[Any], b: NDArray[Any], dtype: str) -> Floats:
    """Steps from a to b through the numbers of the dtype; inf where the two cannot be compared."""
    if dtype not in FORMATS:
        return np.where(a == b, 0.0, np.inf)
    left, right = widened(a), widened(b)
    here, there = ordinals(left, dtype), ordinals(right, dtype)
    # Across zero the difference of two float64 ordinals does not fit into 64 bits.
    across = np.abs(here.astype(np.float64)) + np.abs(there.astype(np.float64))
    same_side = (here < 0) == (there < 0)
    gap = np.where(same_side, np.abs(here - np.where(same_side, there, here)), across)
    gap = gap.astype(np.float64)
    if FORMATS[dtype].flushed:
        flushed = flush(left, dtype), flush(right, dtype)
        gap = np.minimum(gap, _steps_beside_zero(*flushed, FORMATS[dtype].tiny))
    return _with_special_values(left, right, gap)


def ulps_from_truth(
    values: NDArray[Any], truth: Floats, dtype: str, rest: Floats | None = None
) -> Floats:
    """Distance from a real number, in ulp at that number; at most 0.5 if correctly rounded.

    Args:
        values: numbers of the dtype.
        truth: the real number, rounded to float64.
        rest: the real number less `truth`.
        dtype: of the values.
    """
    limits = FORMATS[dtype]
    found = flush(widened(values), dtype)
    with np.errstate(invalid="ignore", over="ignore"):
        # There the truth rounds to infinity in the dtype.
        beyond = np.abs(truth) > limits.largest * (1.0 + limits.epsilon / 4)
    target = np.where(beyond, np.copysign(np.inf, truth), truth)
    unit = ulp(target, dtype)
    with np.errstate(invalid="ignore", over="ignore"):
        gap = np.abs((found - target) - (0.0 if rest is None else rest)) / unit
    if limits.flushed:
        gap = np.where(found == 0, _ulps_from_zero(target, unit, limits.tiny), gap)
        gap = np.minimum(gap, _steps_beside_zero(found, target, limits.tiny))
    return _with_special_values(found, target, gap)


def ulp(values: Floats, dtype: str) -> Floats:
    """The unit in the last place at each value."""
    limits = FORMATS[dtype]
    _, exponent = np.frexp(np.where(np.isfinite(values), values, 1.0))
    exponent = np.clip(exponent - 1, limits.least, limits.greatest)
    return np.ldexp(1.0, exponent - limits.mantissa)


def _ulps_from_zero(target: Floats, unit: Floats, tiny: float) -> Floats:
    with np.errstate(invalid="ignore", over="ignore"):
        return np.where(np.abs(target) < tiny, 0.0, (np.abs(target) - tiny) / unit + 1.0)


def _steps_beside_zero(a: Floats, b: Floats, tiny: float) -> Floats:
    """The distance near zero in units of `tiny`, where intermediate results may be flushed."""
    near = (np.abs(a) <= 2 * tiny) & (np.abs(b) <= 2 * tiny)
    with np.errstate(invalid="ignore", over="ignore"):
        return np.where(near, np.abs(a - b) / tiny, np.inf)


def _with_special_values(a: Floats, b: Floats, gap: Floats) -> Floats:
    finite = np.isfinite(a) & np.isfinite(b)
    same = (np.isnan(a) & np.isnan(b)) | (np.isinf(a) & (a == b))
    return np.where(finite, gap, np.where(same, 0.0, np.inf))


def signs_of_zero_differ(a: NDArray[Any], b: NDArray[Any]) -> NDArray[np.bool_]:
    """Where one is +0 and the other -0."""
    left, right = widened(a), widened(b)
    return (left == 0) & (right == 0) & (np.signbit(left) != np.signbit(right))


def absolute(a: NDArray[Any], b: NDArray[Any]) -> Floats:
    """The absolute difference; inf where the two cannot be compared."""
    left, right = widened(a), widened(b)
    with np.errstate(invalid="ignore", over="ignore"):
        return _with_special_values(left, right, np.abs(left - right))
