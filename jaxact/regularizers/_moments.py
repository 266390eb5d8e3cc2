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
from typing import Any, NamedTuple, TypeVar, cast

import jax
import jax.numpy as jnp
from jax import Array, ad_checkpoint, lax
from jax.custom_derivatives import SymbolicZero

from jaxact._core import compute_dtype, recomputed

AxisName = str | tuple[str, ...] | None


_NAME = "jaxact moments"
_named = functools.partial(cast(Any, ad_checkpoint).checkpoint_name, name=_NAME)
T = TypeVar("T")


class Moments(NamedTuple):
    """Of the data along some axes, which have length 1 here."""

    high: Array
    low: Array
    variance: Array


def count_of(shape: Sequence[int], axes: Sequence[int], axis_name: AxisName = None) -> int:
    """How many numbers of an array of this shape make one mean, on all devices together."""
    count = math.prod(shape[axis] for axis in axes)
    return count if axis_name is None else int(cast(int, lax.psum(count, axis_name)))


def moments(
    x: Array, axes: tuple[int, ...], axis_name: AxisName = None, group: int | None = None
) -> Moments:
    """The mean and the biased variance.

    Args:
        x: has numbers along the axes.
        axes: that one mean is taken over.
        axis_name: of the devices that one mean is taken over.
        group: how many neighbours, of what the other axes leave, one mean is taken over: the
            channels of a group. It stands at each of them.
    """
    found: Moments = _moments_along(axes, axis_name, group)(x)
    return Moments(_constant(found.high), found.low, found.variance)


@functools.cache
def _moments_along(
    axes: tuple[int, ...], axis_name: AxisName, group: int | None
) -> Callable[[Array], Moments]:
    def mean(numbers: Array) -> Array:
        total = jnp.sum(numbers, axes, keepdims=True)
        if axis_name is not None:
            total = cast(Array, lax.psum(total, axis_name))
        count = count_of(numbers.shape, axes, axis_name)
        if group is None:
            return total / count
        parts = total.reshape(-1, group)
        whole = jnp.sum(parts, -1, keepdims=True) / (count * group)
        return jnp.broadcast_to(whole, parts.shape).reshape(total.shape)

    @jax.custom_jvp
    def value(x: Array) -> Moments:
        first = _first(x, axes, axis_name, group)
        # Sums of differences to one of the numbers: they are as small as the numbers are spread,
        # however large the mean is, and 0 for a constant.
        offset = mean(x - _own(first)[0])
        high = first + offset
        share = high - first
        low = (first - (high - share)) + (offset - share)
        centered = _centered(x, *_own(high, low))
        return Moments(high, low, mean(centered * centered))

    def rule(primals: Sequence[Array], tangents: Sequence[Array]) -> Any:
        (x,), (x_dot,) = primals, tangents
        high, low, variance = _kept(value(x))
        high = _constant(high)

        def variance_along(x: Array, high: Array, low: Array, x_dot: Array) -> Array:
            low, high = _own(low, high)
            return 2 * mean(_centered(x, high, low) * x_dot)

        low_dot = _apart(mean(x_dot), high)
        variance_dot = _apart(recomputed(variance_along)(x, high, low, x_dot), high)
        tangents_out = Moments(jnp.zeros_like(high), low_dot, variance_dot)
        return Moments(high, low, variance), tangents_out

    value.defjvp(rule)
    return value


def rounded_once(function: Callable[..., Array], x: Array, *others: Any) -> Array:
    """function(x, *others) of x in the dtype computed in; value and gradient are rounded once.

    The backward pass keeps the arguments as they are and moments, and computes the rest again.
    """

    def widened(x: Array, *others: Any) -> Array:
        return function(x.astype(compute_dtype(x.dtype)), *others).astype(x.dtype)

    policy = jax.checkpoint_policies.save_only_these_names(_NAME)
    return cast(Any, jax.checkpoint(widened, prevent_cse=False, policy=policy))(x, *others)


def mean_square(x: Array, axes: tuple[int, ...]) -> Array:
    """The mean of x² along the axes, which have length 1 here."""
    return _mean_square_along(axes)(x)


@functools.cache
def _mean_square_along(axes: tuple[int, ...]) -> Callable[[Array], Array]:
    def mean(numbers: Array) -> Array:
        return jnp.sum(numbers, axes, keepdims=True) / count_of(numbers.shape, axes)

    @jax.custom_jvp
    def value(x: Array) -> Array:
        return mean(x * x)

    def along(x: Array, x_dot: Array) -> Array:
        return 2 * mean(x * x_dot)

    @value.defjvp
    def _(primals: Sequence[Array], tangents: Sequence[Array]) -> tuple[Array, Array]:
        square = _kept(value(*primals))
        return square, _apart(recomputed(along)(*primals, *tangents), square)

    return value


def _first(x: Array, axes: tuple[int, ...], axis_name: AxisName, group: int | None) -> Array:
    """One number of those that make each mean, the same on all devices."""
    ends = [1 if axis in axes else length for axis, length in enumerate(x.shape)]
    first = _constant(lax.slice(x, [0] * x.ndim, ends))
    if group is not None:
        parts = first.reshape(-1, group)
        first = jnp.broadcast_to(parts[:, :1], parts.shape).reshape(first.shape)
    return first if axis_name is None else lax.pmax(first, axis_name)


def normalized(
    x: Array, high: Array, low: Array, scale: Array, weight: Array | None, bias: Array | None
) -> Array:
    """(x - mean) scale weight + bias, each broadcast to x.

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
    high, low, scale, weight, bias = _own(high, low, scale, weight, bias)
    result = _centered(x, high, low) * scale
    if weight is not None:
        result = result * weight
    return result if bias is None else result + bias


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
        steps.append(along["x"] * (own if factor is None else own * factor))
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
        own_high, own_low, factor = _own(high, low, weight)
        step = _centered(x, own_high, own_low)
        steps.append((step if factor is None else step * factor) * along["scale"])
    if "weight" in along:
        own_high, own_low, own = _own(high, low, scale)
        steps.append(_centered(x, own_high, own_low) * own * along["weight"])
    return jnp.broadcast_to(functools.reduce(jnp.add, steps), x.shape)


def _centered(x: Array, high: Array, low: Array) -> Array:
    """X less its mean: the first difference is exact where it cancels."""
    return (x - high) - low


def _kept(small: T) -> T:
    """What `rounded_once` keeps besides its arguments."""
    return cast(T, jax.tree.map(_named, small))


def _constant(x: Array) -> Array:
    return lax.stop_gradient(x)


def _own(*arrays: Any) -> Any:
    """The arrays, None as it is, for this use of them alone.

    Two uses of the same arrays in the same order would be made one again.
    """
    return lax.optimization_barrier(arrays)


def _apart(sums: Array, mean: Array) -> Array:
    """The sums, where there is a mean.

    A choice is what XLA's fused sums on CPUs stop at: the loop that adds up no longer takes in the
    one that uses the sums.
    """
    return jnp.where(mean == mean, sums, 0)
