"""a b + c rounded once: numpy has no fused multiply-add, which torch's kernels use widely."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

_SPLITTER = 134217729.0  # 2^27 + 1, splits the 53 digits of a float64 in half
# float32 has 29 digits fewer than float64. Shifted to the top of the word, these 29 digits equal
# _HALFWAY if the number is exactly halfway between two float32 numbers.
_SHIFT = 35
_HALFWAY = np.iinfo(np.int64).min
# With a scale of at least this size, no result with 24 digits is a subnormal float32.
_TINY = 2.0**-64


def fused32(
    a: NDArray[Any], b: NDArray[Any] | np.float32, c: NDArray[Any] | np.float32
) -> NDArray[Any]:
    """a b + c of float32 numbers, rounded once to float32; the result must not be subnormal.

    A float64 holds the product exactly, so only the sum is rounded before the final rounding. Two
    roundings give a wrong result only if the sum lands halfway between two float32 numbers; these
    sums are recomputed with rounding to odd.
    """
    product = np.multiply(a, b, dtype=np.float64)
    total = product + c
    digits = total.view(np.int64) << _SHIFT
    if digits.min(initial=0) == _HALFWAY:
        at = digits == _HALFWAY
        addend = np.broadcast_to(np.asarray(c, np.float64), total.shape)[at]
        total[at] = _to_odd(*_two_sum(product[at], addend))
    return total.astype(np.float32)


def affine(x: NDArray[Any], scale: np.floating[Any], offset: np.floating[Any]) -> NDArray[Any]:
    """x · scale + offset rounded once, in x's dtype, float32 or float64."""
    if scale == 1 and offset == 0:
        return x + offset
    if x.dtype == np.float32:
        if abs(scale) >= _TINY:
            return fused32(x, np.float32(scale), np.float32(offset))
        product = np.multiply(x, scale, dtype=np.float64)
        return _to_odd(*_two_sum(product, np.float64(offset))).astype(np.float32)
    # Scale by powers of two so that the partial products do not overflow.
    exponent = int(np.frexp(max(abs(scale), abs(offset)))[1])
    product, rest = _two_product(x, np.ldexp(scale, -exponent))
    return np.ldexp(_sum_of_three(product, rest, np.ldexp(offset, -exponent)), exponent)


def _sum_of_three(
    product: NDArray[np.float64], rest: NDArray[np.float64], offset: np.float64
) -> NDArray[np.float64]:
    """product + rest + offset rounded once (Boldo and Melquiond, Emulation of FMA, 2008)."""
    upper, lower = _two_sum(rest, offset)
    total, left = _two_sum(product, upper)
    return total + _to_odd(*_two_sum(lower, left))


def _two_sum(a: Any, b: Any) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """a + b, rounded, and its rounding error."""
    total = a + b
    shadow = total - a
    return total, (a - (total - shadow)) + (b - shadow)


def _two_product(
    a: NDArray[np.float64], b: np.float64
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """a b, rounded, and its rounding error."""
    product = a * b
    (a1, a0), (b1, b0) = _split(a), _split(b)
    return product, ((a1 * b1 - product) + a1 * b0 + a0 * b1) + a0 * b0


def _split(a: Any) -> tuple[Any, Any]:
    """a as the sum of two numbers of at most 26 digits."""
    scaled = a * _SPLITTER
    upper = scaled - (scaled - a)
    return upper, a - upper


def _to_odd(total: NDArray[np.float64], lost: NDArray[np.float64]) -> NDArray[np.float64]:
    """total + lost, rounded to odd where it is inexact, so that a later rounding is correct."""
    bits = total.view(np.int64)
    between = (lost != 0) & ((bits & 1) == 0)
    toward = np.where((lost > 0) == (total > 0), 1, -1)
    return (bits + between * toward).view(np.float64)
