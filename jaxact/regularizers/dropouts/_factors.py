"""The probability and the factors of a dropout, and checks of its arguments."""

import functools
import math
from collections.abc import Callable
from typing import Any, NamedTuple, cast

import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.typing import ArrayLike

from jaxact._arguments import as_array, flag
from jaxact._checking import nan_unless
from jaxact._numbers import compute_dtype, is_number
from jaxact.errors import ArgumentValueError, InvalidTypeError, InvalidValueError


class NoiseParams(NamedTuple):
    """Parameters of x factor + shift, where an element is dropped with chance threshold / 2^32.

    Args:
        threshold: [] of uint32.
        factors: [2], of dropped and of kept elements.
        shifts: [2], of dropped and of kept elements; None for no shift.
    """

    threshold: Array
    factors: Array
    shifts: Array | None = None


Formula = Callable[[Any, Any, np.dtype[Any]], tuple[Any, Any]]
# α': minus the limit of selu at -∞.
SATURATION = 1.7580993408473766


def inverted_factors(m: Any, p: Any, dtype: np.dtype[Any]) -> tuple[Any, Any]:
    """Factors 0 and 1/(1 - p), rounded to x's dtype as in torch; no shifts."""
    return _stacked(m, 0 * p, _inverse(m, 1 - p), dtype), None


def alpha_factors(m: Any, p: Any, dtype: np.dtype[Any]) -> tuple[Any, Any]:
    """Factors 0 and a, shifts -a α' (1 - p) and a α' p: mean 0 and variance 1 of x stay."""
    a = m.sqrt(_inverse(m, (1 - p) * (1 + p * SATURATION**2)))
    wide = compute_dtype(dtype)
    factors = _stacked(m, 0 * a, a, wide)
    return factors, _stacked(m, a * SATURATION * (p - 1), a * SATURATION * p, wide)


def _stacked(m: Any, dropped: Any, kept: Any, dtype: np.dtype[Any]) -> Any:
    # In float16 1 / (1 - p) may be infinite, as it is in torch.
    with np.errstate(over="ignore"):
        return m.stack([dropped, kept]).astype(dtype)


def _inverse(m: Any, chance: Any) -> Any:
    """1 / chance, and 0 where nothing is kept: torch multiplies by 0 there."""
    some = chance > 0
    return m.where(some, 1 / m.where(some, chance, 1), 0)


_RANGE = 2.0**32


def threshold(p: ArrayLike) -> Array:
    """round(p 2^32), at most 2^32 - 1: 32 random bits are below it with probability p.

    A Python number is multiplied in float64, whatever jax computes in.
    """
    m, chance = _wide(p)
    # The largest number below 2^32 in this dtype. That p = 1 drops everything is in the factors.
    most = _RANGE * (1 - float(np.finfo(chance.dtype).epsneg))
    return cast(Array, m.minimum(m.round(chance * _RANGE), min(most, _RANGE - 1)).astype(np.uint32))


def _wide(p: ArrayLike) -> tuple[Any, Any]:
    """The namespace to compute in, and p as its array: numpy for a number, jax for an array."""
    if is_number(p):
        return np, np.float64(p)
    array = jnp.asarray(p)
    return jnp, array.astype(compute_dtype(jnp.result_type(array, jnp.float16)))


def noise_params(
    function: str, p: ArrayLike, dtype: np.dtype[Any], formula: Formula
) -> NoiseParams:
    """The parameters for the probability p, in a dropout of arrays of this dtype."""
    if is_number(p):
        return _known_noise_params(float(p), dtype, formula)
    m, chance = _wide(p)
    factors, shifts = formula(m, chance, dtype)
    factors = nan_unless_probability(function, factors, chance)
    return NoiseParams(threshold(p), factors, shifts)


@functools.lru_cache(maxsize=1024)
def _known_noise_params(p: float, dtype: np.dtype[Any], formula: Formula) -> NoiseParams:
    return NoiseParams(threshold(p), *formula(np, np.float64(p), dtype))


def nan_unless_probability(function: str, values: Array, p: Array) -> Array:
    """The values, nan if p is no probability."""
    message = f"{function}: p must be in [0, 1], got {{value}}"
    return nan_unless(values, (p >= 0) & (p <= 1), InvalidValueError, message, p)


def check_probability(function: str, p: ArrayLike) -> None:
    """Check a number p, and the shape of an array.

    Raises:
        TypeError: if p is neither a number nor an array.
        ValueError: if it is outside [0, 1].
        ArgumentValueError: if it is nan, or an array with axes.
    """
    if not is_number(p):
        if as_array(function, "p", p, "a number").ndim:
            raise ArgumentValueError(
                f"{function}: p must be a number or an array without axes, got {jnp.shape(p)}"
            )
        return
    if math.isnan(p):
        raise ArgumentValueError(f"{function}: p must be in [0, 1], got {p}")
    if not 0 <= p <= 1:
        raise InvalidValueError(f"{function}: p must be in [0, 1], got {p}")


def is_random(function: str, p: ArrayLike, training: bool) -> bool:
    """Whether anything may be dropped; if not the result is the input itself.

    Raises:
        TypeError: if training is neither True nor False.
    """
    return flag(function, "training", training) and not (is_number(p) and p == 0)


def known_probability(function: str, p: ArrayLike) -> float:
    """p as the float that torch's generator takes.

    Raises:
        TypeError: if it is an array.
    """
    if not is_number(p):
        raise InvalidTypeError(
            f"{function}: p must be a number when key is a TorchGenerator, got an array"
        )
    return float(p)
