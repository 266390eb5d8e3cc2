"""Mean and variance, and what is normalized by them, in as few passes over the data as XLA allows.

A mean is kept as two numbers, `high` and `low`, whose sum has the digits that one number lacks: the
difference to it is as good at a mean of 10⁴ as at 0, and that of a constant is 0. All derivatives
by the mean go through `low`; `high` has none.

Three things here are for XLA on CPUs, which else writes arrays of the data's size in between:
every use of a small array has a barrier of its own (`_own`), since a broadcast that two loops share
is written out; a sum over the data and what is done with it on the whole data are kept apart
(`_apart`); and what the backward pass needs is computed from the data again.
"""

import functools
import math
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, cast

import jax
import jax.numpy as jnp
from jax import Array, lax
from jax.custom_derivatives import SymbolicZero

from jaxact._core import compute_dtype, recomputed

AxisName = str | tuple[str, ...] | None


class Moments(NamedTuple):
    """Of the data along some axes, which have length 1 here; in the dtype computed in."""

    high: Array
    low: Array
    variance: Array


def count_of(x: Array, axes: Sequence[int], axis_name: AxisName = None) -> int:
    """How many numbers make one mean, on all devices together."""
    count = math.prod(x.shape[axis] for axis in axes)
    return count if axis_name is None else int(lax.psum(count, axis_name))


def moments(x: Array, axes: tuple[int, ...], axis_name: AxisName = None) -> Moments:
    """The mean and the biased variance; x has to have numbers along the axes."""
    found = cast(Moments, _moments_along(axes, axis_name)(x))
    return Moments(_constant(found.high), found.low, found.variance)


@functools.cache
def _moments_along(axes: tuple[int, ...], axis_name: AxisName) -> Any:
    def mean(numbers: Array) -> Array:
        total = jnp.sum(numbers, axes, keepdims=True)
        if axis_name is not None:
            total = cast(Array, lax.psum(total, axis_name))
        return total / count_of(numbers, axes, axis_name)

    @jax.custom_jvp
    def value(x: Array) -> Moments:
        wide = _widened(x)
        first = _first(wide, axes, axis_name)
        # Sums of differences to one of the numbers: they are as small as the numbers are spread,
        # however large the mean is, and 0 for a constant.
        offset = mean(wide - _own(first)[0])
        high = first + offset
        share = high - first
        low = (first - (high - share)) + (offset - share)
        centered = _centered(x, high, low)
        return Moments(high, low, mean(centered * centered))

    def rule(primals: Sequence[Array], tangents: Sequence[Array]) -> Any:
        (x,), (x_dot,) = primals, tangents
        high, low, variance = value(x)
        high = _constant(high)

        def variance_along(x: Array, high: Array, low: Array, x_dot: Array) -> Array:
            return 2 * mean(_centered(x, high, low) * _widened(x_dot))

        low_dot = _apart(mean(_widened(x_dot)), high)
        variance_dot = _apart(recomputed(variance_along)(x, high, low, x_dot), high)
        tangents_out = Moments(jnp.zeros_like(high), low_dot, variance_dot)
        return Moments(high, low, variance), tangents_out

    value.defjvp(rule)
    return value


def mean_square(x: Array, axes: tuple[int, ...]) -> Array:
    """The mean of x² along the axes, which have length 1 here; in the dtype computed in."""
    return _mean_square_along(axes)(x)


@functools.cache
def _mean_square_along(axes: tuple[int, ...]) -> Callable[[Array], Array]:
    def mean(numbers: Array) -> Array:
        return jnp.sum(numbers, axes, keepdims=True) / count_of(numbers, axes)

    @jax.custom_jvp
    def value(x: Array) -> Array:
        wide = _widened(x)
        return mean(wide * wide)

    def along(x: Array, x_dot: Array) -> Array:
        return 2 * mean(_widened(x) * _widened(x_dot))

    @value.defjvp
    def _(primals: Sequence[Array], tangents: Sequence[Array]) -> tuple[Array, Array]:
        square = value(*primals)
        return square, _apart(recomputed(along)(*primals, *tangents), square)

    return value


def _first(x: Array, axes: tuple[int, ...], axis_name: AxisName) -> Array:
    """One number of those that make each mean, the same on all devices."""
    ends = [1 if axis in axes else length for axis, length in enumerate(x.shape)]
    first = _constant(lax.slice(x, [0] * x.ndim, ends))
    return first if axis_name is None else lax.pmax(first, axis_name)


def normalized(
    x: Array, high: Array, low: Array, scale: Array, weight: Array | None, bias: Array | None
) -> Array:
    """(x - mean) scale weight + bias, in x's dtype, each broadcast to x.

    Args:
        x: the data, all that the backward pass keeps but for small arrays.
        high: the mean, or most of it.
        low: the rest of the mean.
        scale: of what has one mean, or of its parts.
        weight: along the axes of the mean; None: it is in the scale.
        bias: None adds nothing.
    """
    return _normalized(x, high, low, scale, weight, bias)


def _value(
    x: Array, high: Array, low: Array, scale: Array, weight: Array | None, bias: Array | None
) -> Array:
    scale, weight, bias = _own(scale, weight, bias)
    result = _centered(x, high, low) * scale
    if weight is not None:
        result = result * weight
    return (result if bias is None else result + bias).astype(x.dtype)


def _normalized_rule(primals: Sequence[Any], tangents: Sequence[Any]) -> tuple[Array, Array]:
    names = ("x", "high", "low", "scale", "weight", "bias")
    active = {
        name: tangent
        for name, tangent in zip(names, tangents, strict=True)
        if tangent is not None and not isinstance(tangent, SymbolicZero)
    }
    x, high, low, scale, weight, bias = primals
    along = recomputed(_normalized_along)(x, high, low, scale, weight, active)
    return _normalized(x, high, low, scale, weight, bias), along


_normalized = cast(Callable[..., Array], jax.custom_jvp(_value))
cast(Any, _normalized).defjvp(_normalized_rule, symbolic_zeros=True)


def _normalized_along(
    x: Array, high: Array, low: Array, scale: Array, weight: Array | None, along: dict[str, Array]
) -> Array:
    """Each step in the order that makes its transpose one sum over the data."""
    steps: list[Array] = []
    if "x" in along:
        own, factor = _own(scale, weight)
        steps.append(_widened(along["x"]) * (own if factor is None else own * factor))
    # What is the same for all numbers of one mean is added up before it meets the data.
    shifts: list[Array] = []
    for name in along.keys() & {"high", "low"}:
        shift = -scale * along[name]
        if weight is None:
            shifts.append(shift)
        else:
            steps.append(shift * _own(weight)[0])
    if "bias" in along:
        shifts.append(along["bias"])
    if shifts:
        steps.append(functools.reduce(jnp.add, shifts))
    if "scale" in along:
        step = _centered(x, high, low) * along["scale"]
        steps.append(step if weight is None else step * _own(weight)[0])
    if "weight" in along:
        steps.append(_centered(x, high, low) * _own(scale)[0] * along["weight"])
    total = functools.reduce(jnp.add, steps)
    return jnp.broadcast_to(total, x.shape).astype(x.dtype)


def _centered(x: Array, high: Array, low: Array) -> Array:
    """X less its mean: the first difference is exact where it cancels."""
    high, low = _own(high, low)
    return (_widened(x) - high) - low


def _widened(x: Array) -> Array:
    return x.astype(compute_dtype(x.dtype))


def _constant(x: Array) -> Array:
    return cast(Array, lax.stop_gradient(x))


def _own(*arrays: Any) -> Any:
    """The arrays, each None as it is, for this use of them alone."""
    return lax.optimization_barrier(arrays)


def _apart(sums: Array, mean: Array) -> Array:
    """The sums, where there is a mean.

    A choice is what XLA's fused sums on CPUs stop at: the loop that adds up no longer takes in the
    one that uses the sums.
    """
    return jnp.where(mean == mean, sums, 0)
