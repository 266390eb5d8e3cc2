"""Checks of the generator's arguments: seeds, shapes, dtypes and their ranges."""

import operator
from collections.abc import Sequence
from typing import Any, SupportsIndex, cast

import jax.numpy as jnp
import numpy as np
from numpy.typing import DTypeLike, NDArray

from jaxact._arguments import any_dtype
from jaxact.errors import ArgumentTypeError, ArgumentValueError, DtypeError, InvalidTypeError

Shape = SupportsIndex | Sequence[SupportsIndex]
Dtype = np.dtype[Any]
Array = NDArray[Any]

FLOATING: dict[Dtype, int] = {
    np.dtype(np.float16): 11,
    np.dtype(jnp.bfloat16): 8,
    np.dtype(np.float32): 24,
    np.dtype(np.float64): 53,
}
"""The floating dtypes, with the number of binary digits of their significands."""

_SEEDS = range(-(1 << 63), 1 << 64)
_INT64_MIN, _INT64_MAX = -(1 << 63), (1 << 63) - 1


def check_seed(seed: SupportsIndex) -> int:
    """The seed as a Python int.

    Raises:
        ArgumentTypeError: if seed is not an integer.
        ArgumentValueError: if seed is outside torch's range.
    """
    try:
        number = operator.index(seed)
    except TypeError:
        raise ArgumentTypeError(f"TorchGenerator: seed must be an integer, got {seed!r}") from None
    if number not in _SEEDS:
        raise ArgumentValueError(f"TorchGenerator: seed must be in [-2^63, 2^64), got {number}")
    return number


def sizes(method: str, shape: Shape) -> tuple[int, ...]:
    """The shape as a tuple; a single number is the length of one axis.

    Raises:
        TypeError: if shape contains anything but integers.
        ArgumentValueError: if a length is negative.
    """
    try:
        lengths = (shape,) if isinstance(shape, SupportsIndex) else tuple(shape)
        numbers = tuple(operator.index(length) for length in lengths)
    except TypeError:
        raise InvalidTypeError(f"{method}: shape must hold integers, got {shape!r}") from None
    if any(number < 0 for number in numbers):
        raise ArgumentValueError(f"{method}: shape must have no negative length, got {numbers}")
    return numbers


def floating(method: str, dtype: DTypeLike, argument: str = "dtype") -> Dtype:
    """The dtype, which must be floating.

    Raises:
        DtypeError: if dtype is not floating.
    """
    kind = any_dtype(method, argument, dtype)
    if kind not in FLOATING:
        raise DtypeError(
            f"{method}: {argument} must be float16, bfloat16, float32 or float64, got {kind.name}"
        )
    return kind


def numeric(method: str, dtype: DTypeLike) -> Dtype:
    """The dtype, which must be boolean, integer or floating.

    Raises:
        DtypeError: if dtype is none of these.
    """
    kind = any_dtype(method, "dtype", dtype)
    if kind not in FLOATING and kind.kind not in "biu":
        raise DtypeError(f"{method}: dtype must be boolean, integer or floating, got {kind.name}")
    return kind


def wide(kind: Dtype) -> Dtype:
    """The dtype that torch computes in for results of this dtype."""
    return np.dtype(np.float64 if kind == np.float64 else np.float32)


def rounded(values: Array, kind: Dtype) -> Array:
    """The values, rounded to the dtype; for half precision first to float32, as in torch."""
    half = kind in FLOATING and kind.itemsize == 2
    return (values.astype(np.float32) if half else values).astype(kind)


def largest(kind: Dtype) -> float:
    """The greatest finite number of a floating dtype."""
    return float(cast(Any, jnp.finfo(kind)).max)


def bounds(kind: Dtype) -> tuple[int, int]:
    """The least and the greatest int64 that torch accepts for random integers of the dtype."""
    if kind in FLOATING:
        greatest = int(largest(kind))
        return -greatest, greatest
    if kind == np.bool_:
        return 0, 1
    limits = np.iinfo(kind)
    return int(limits.min), min(int(limits.max), _INT64_MAX)


def inwards(low: int, high: int, kind: Dtype) -> tuple[int, int]:
    """The range of integers that stay in [low, high) after rounding to the dtype."""
    after = _through(low + 1, kind)
    before = _through(high - 1, kind)
    if after < low:
        low = after + _gap(low + 1, kind)
    if before >= high:
        high = before - _gap(high - 1, kind)
    return low, high


def _through(number: int, kind: Dtype) -> int:
    """The number converted to the dtype and back; the least int64 on overflow, as on x86."""
    with np.errstate(over="ignore"):
        converted = float(rounded(np.array([number]), kind)[0])
    return int(converted) if -(2.0**63) <= converted < 2.0**63 else _INT64_MIN


def _gap(number: int, kind: Dtype) -> int:
    """The gap between adjacent values of the dtype, around a number that it does not represent."""
    return 1 << (abs(number).bit_length() - FLOATING[kind])
