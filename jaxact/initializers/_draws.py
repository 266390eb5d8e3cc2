"""Random arrays, drawn from a JAX key or from torch's stream."""

import math
from typing import ParamSpec, cast

import jax.numpy as jnp
import numpy as np
from jax import Array, lax
from jax.scipy.special import ndtr, ndtri
from jax.typing import ArrayLike

from jaxact._checking import nan_unless
from jaxact._flat_draws import flat_normal, flat_uniform
from jaxact._numbers import compute_dtype, is_number
from jaxact._op import program
from jaxact.errors import ArgumentValueError
from jaxact.initializers._initializer import Dtype, Key, Number, Shape, check_floating, largest
from jaxact.random import TorchGenerator

P = ParamSpec("P")

# At this many standard deviations from the mean, probabilities approach the end of float32's range.
_FAR = 10.0


def draw_uniform(
    function: str, key: Key, shape: Shape, low: Number, high: Number, dtype: Dtype
) -> Array:
    """Uniform on [low, high).

    Raises:
        ArgumentValueError: if low > high, or low, high or high - low exceeds dtype's range.
        DtypeError: if dtype is not floating.
    """
    check_floating(function, dtype)
    check_interval(function, ("a", low), ("b", high), largest(dtype))
    if isinstance(key, TorchGenerator):
        return jnp.asarray(key.uniform(shape, float(low), float(high), dtype))
    return _uniform(function, key, low, high, shape, dtype)


def draw_normal(
    function: str, key: Key, shape: Shape, mean: Number, std: Number, dtype: Dtype
) -> Array:
    """Normal, not truncated.

    Raises:
        ArgumentValueError: if std is negative or nan.
        DtypeError: if dtype is not floating.
    """
    check_floating(function, dtype)
    check_std(function, std)
    if isinstance(key, TorchGenerator):
        return jnp.asarray(key.normal(shape, float(mean), float(std), dtype))
    return _normal(function, key, mean, std, shape, dtype)


def draw_truncated(
    function: str,
    key: Key,
    shape: Shape,
    normal: tuple[Number, Number],
    ends: tuple[Number, Number],
    dtype: Dtype,
) -> Array:
    """Normal with this mean and std, conditioned to lie between the ends.

    Raises:
        ArgumentValueError: if std is negative or nan, or the lower end exceeds the upper one.
        DtypeError: if dtype is not floating.
    """
    check_floating(function, dtype)
    if isinstance(key, TorchGenerator):
        mean, std, low, high = map(float, (*normal, *ends))
        return jnp.asarray(key.trunc_normal(shape, mean, std, low, high, dtype))
    return _truncated(function, key, normal, ends, shape, dtype)


# ------------------------------------------------------------------------------------------ checks


def check_interval(
    function: str,
    low: tuple[str, Number],
    high: tuple[str, Number],
    most: float = math.inf,
) -> None:
    """Checks the ends of an interval as far as they are Python numbers; each comes with its name.

    Raises:
        ArgumentValueError: if low > high, if an end is nan, or if the size of an end or the
            difference exceeds `most`.
    """
    (low_name, a), (high_name, b) = low, high
    for name, end in (low, high):
        if is_number(end) and not abs(end) <= most:
            raise ArgumentValueError(f"{function}: {name} must be within ±{most:g}, got {end}")
    if not (is_number(a) and is_number(b)):
        return
    if not a <= b:
        raise ArgumentValueError(
            f"{function}: {low_name} must not exceed {high_name}, got {a} and {b}"
        )
    if b - a > most:
        raise ArgumentValueError(
            f"{function}: {high_name} - {low_name} must be within {most:g}, got {a} and {b}"
        )


def check_std(function: str, std: Number) -> None:
    """Checks a standard deviation if it is a Python number.

    Raises:
        ArgumentValueError: if std is negative or nan.
    """
    if is_number(std) and not std >= 0:
        raise ArgumentValueError(f"{function}: {_STD_MESSAGE.format(value=std)}")


_STD_MESSAGE = "std must be at least 0, got {value}"
_ENDS_MESSAGE = "a must not exceed b, got {value}"


def _checked_ends(function: str, low: Array, high: Array) -> tuple[Array, Array]:
    """The ends; the lower one is nan where it exceeds the upper one."""
    message = f"{function}: {_ENDS_MESSAGE}"
    return nan_unless(low, low <= high, ArgumentValueError, message, low), high


def _checked_std(function: str, std: Array) -> Array:
    """The standard deviation, but nan where it is negative."""
    return nan_unless(std, std >= 0, ArgumentValueError, f"{function}: {_STD_MESSAGE}", std)


# ------------------------------------------------------------------------------- from a JAX key


def _fixed(drawn: Array) -> Array:
    """The numbers, the same in every program.

    XLA would merge a known scale with the constants of the draw, and round once less.
    """
    return lax.optimization_barrier(drawn)


@program(static=("function", "shape", "dtype"))
def _uniform(
    function: str, key: Array, low: ArrayLike, high: ArrayLike, shape: Shape, dtype: Dtype
) -> Array:
    wide = compute_dtype(dtype)
    least, end = _checked_ends(function, jnp.asarray(low, wide), jnp.asarray(high, wide))
    values = (least + (end - least) * _fixed(flat_uniform(key, shape, wide))).astype(dtype)
    # A value can round to the upper end; as in torch, it becomes the lower end. Between equal ends
    # it stays, and with it the gradients with respect to both.
    low, high = least.astype(dtype), end.astype(dtype)
    return jnp.where((values == high) & (low < high), low, values)


@program(static=("function", "shape", "dtype"))
def _normal(
    function: str, key: Array, mean: ArrayLike, std: ArrayLike, shape: Shape, dtype: Dtype
) -> Array:
    wide = compute_dtype(dtype)
    spread = _checked_std(function, jnp.asarray(std, wide))
    values = jnp.asarray(mean, wide) + spread * _fixed(flat_normal(key, shape, wide))
    return values.astype(dtype)


@program(static=("function", "shape", "dtype"))
def _truncated(
    function: str,
    key: Array,
    normal: tuple[ArrayLike, ArrayLike],
    ends: tuple[ArrayLike, ArrayLike],
    shape: Shape,
    dtype: Dtype,
) -> Array:
    wide = compute_dtype(dtype)
    mean, std, a, b = (jnp.asarray(x, wide) for x in (*normal, *ends))
    std = _checked_std(function, std)
    a, b = _checked_ends(function, a, b)
    lower, upper = (_standardized(end, mean, std) for end in (a, b))
    # Mirror an interval in the upper tail into the lower tail, where small probabilities keep
    # their digits.
    mirrored = lower + upper > 0
    sign = jnp.where(mirrored, -1, 1).astype(wide)
    far, near = jnp.where(mirrored, -upper, lower), jnp.where(mirrored, -lower, upper)
    u = _inner_uniform(key, shape, wide)

    def inside() -> Array:
        return mean + sign * std * _between(u, far, near)

    def in_the_tail() -> Array:
        return jnp.where(mirrored, a, b) - sign * std * _beyond(u, -near, -far)

    values = cast(Array, lax.cond(near > -_FAR, inside, in_the_tail))
    low, high = a.astype(dtype), b.astype(dtype)
    return jnp.clip(jnp.clip(values, a, b).astype(dtype), low, high)


def _standardized(end: Array, mean: Array, std: Array) -> Array:
    """(end - mean) / std; where it is infinite, its slopes are 0 and not nan."""
    infinite = jnp.isinf(end)
    return jnp.where(infinite, end, (jnp.where(infinite, mean, end) - mean) / std)


def _inner_uniform(key: Array, shape: Shape, dtype: Dtype) -> Array:
    """Uniform on the midpoints of equal steps: never 0 or 1, because an end may be infinite."""
    return flat_uniform(key, shape, dtype) + float(np.finfo(dtype).eps) / 2


def _between(u: Array, lower: Array, upper: Array) -> Array:
    """z at the fraction u of the probability between the two ends."""
    least = ndtr(lower)
    return ndtri(least + u * (ndtr(upper) - least))


def _beyond(u: Array, near: Array, far: Array) -> Array:
    """z - near, for z in [near, far] with density exp(-z²/2), far out in the upper tail.

    The probability beyond z is exp(-z²/2) s(z)/z, where the series s is accurate beyond ten
    standard deviations. The factor s(z)/z varies slowly, so three fixed-point iterations find z.
    """

    def log_tail(z: Array, distance: Array) -> Array:
        """log P(beyond z) - log P(beyond near), where z = near + distance."""
        series = jnp.log1p(_series(z)) - jnp.log1p(_series(near))
        return series - jnp.log1p(distance / near) - distance * (near + z) / 2

    share = -jnp.expm1(jnp.where(jnp.isinf(far), -jnp.inf, log_tail(far, far - near)))
    wanted = -jnp.log1p(-u * share)
    distance = jnp.zeros_like(u)
    for _ in range(3):
        z = near + distance
        slow = log_tail(z, distance) + distance * (near + z) / 2
        energy = 2 * jnp.maximum(wanted + slow, 0)
        distance = energy / (near + jnp.sqrt(near**2 + energy))
    return distance


def _series(z: Array) -> Array:
    """-1/z² + 3/z⁴ - 15/z⁶."""
    w = 1 / z**2
    return -w * (1 - 3 * w * (1 - 5 * w))
