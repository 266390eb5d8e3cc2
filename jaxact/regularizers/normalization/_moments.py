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
import numpy as np
from jax import Array, ad_checkpoint, lax
from jax.custom_derivatives import SymbolicZero
from jax.sharding import AxisType, NamedSharding, PartitionSpec

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


class Standard(NamedTuple):
    """What normalizes the data: their mean, and 1 / √(variance + eps)."""

    high: Array
    low: Array
    scale: Array


def count_of(shape: Sequence[int], axes: Sequence[int], axis_name: AxisName = None) -> int:
    """How many numbers of an array of this shape make one mean, on all devices together."""
    count = math.prod(shape[axis] for axis in axes)
    return count if axis_name is None else int(cast(int, lax.psum(count, axis_name)))


def moments(x: Array, axes: tuple[int, ...], axis_name: AxisName = None) -> Moments:
    """The mean and the biased variance.

    Args:
        x: has numbers along the axes.
        axes: that one mean is taken over.
        axis_name: of the devices that one mean is taken over.
    """
    found = _moments_along(_Means(axes, axis_name))(x)
    return Moments(_constant(found.high), found.low, found.variance)


def standard(
    x: Array,
    eps: Array,
    axes: tuple[int, ...],
    axis_name: AxisName = None,
    group: int | None = None,
) -> Standard:
    """The mean and the inverse of the deviation.

    Args:
        x: see `moments`.
        eps: is added to the variance.
        axes: see `moments`.
        axis_name: see `moments`.
        group: how many neighbours, of what the other axes leave, one mean is taken over: the
            channels of a group. It stands at each of them.
    """
    found = _standard_along(_Means(axes, axis_name, group))(x, eps)
    return Standard(_constant(found.high), found.low, found.scale)


def inverse_rms(x: Array, eps: Array, axes: tuple[int, ...]) -> Array:
    """1 / √(the mean of x² + eps) along the axes, which have length 1 here."""
    return _inverse_rms_along(_Means(axes))(x, eps)


@jax.custom_jvp
def inverse_root(x: Array) -> Array:
    """1 / √x, whose slope is never computed as x^(-3/2), which is 0 in float32 from 10²⁵."""
    return lax.rsqrt(x)


@inverse_root.defjvp
def _(primals: Sequence[Array], tangents: Sequence[Array]) -> tuple[Array, Array]:
    root = inverse_root(*primals)
    return root, -0.5 * (root * (root * (root * tangents[0])))


class _Means(NamedTuple):
    """Which means are taken, see `standard`."""

    axes: tuple[int, ...]
    axis_name: AxisName = None
    group: int | None = None

    def count(self, x: Array) -> int:
        return count_of(x.shape, self.axes, self.axis_name) * (self.group or 1)

    def __call__(self, numbers: Array) -> Array:
        total = jnp.sum(numbers, self.axes, keepdims=True)
        if self.axis_name is not None:
            total = cast(Array, lax.psum(total, self.axis_name))
        if self.group is None:
            return total / self.count(numbers)
        parts = total.reshape(-1, self.group)
        whole = jnp.sum(parts, -1, keepdims=True) / self.count(numbers)
        return jnp.broadcast_to(whole, parts.shape).reshape(total.shape)

    def first(self, x: Array) -> Array:
        """One number of those that make each mean, the same on all devices.

        Where differences to it could overflow though the numbers' sum does not, it is 0.
        """
        ends = [1 if axis in self.axes else length for axis, length in enumerate(x.shape)]
        first = _constant(lax.slice(x, [0] * x.ndim, ends))
        if self.group is not None:
            parts = first.reshape(-1, self.group)
            first = jnp.broadcast_to(parts[:, :1], parts.shape).reshape(first.shape)
        largest = float(np.finfo(x.dtype).max) / (4 * self.count(x))
        first = jnp.where(jnp.abs(first) <= largest, first, 0)
        return first if self.axis_name is None else lax.pmax(first, self.axis_name)

    def moments(self, x: Array) -> Moments:
        first = self.first(x)
        # Sums of differences to one of the numbers: they are as small as the numbers are spread,
        # however large the mean is, and 0 for a constant.
        offset = self(x - _own(first)[0])
        high = first + offset
        share = high - first
        low = (first - (high - share)) + (offset - share)
        # An infinite mean has no more digits.
        low = jnp.where(jnp.isinf(high), 0, low)
        centered = _centered(x, *_own(high, low))
        return Moments(high, low, self(centered * centered))


@functools.cache
def _moments_along(mean: _Means) -> Callable[[Array], Moments]:
    value = jax.custom_jvp(mean.moments)

    def variance_along(x: Array, high: Array, low: Array, x_dot: Array) -> Array:
        low, high = _own(low, high)
        return 2 * mean(_centered(x, high, low) * x_dot)

    @value.defjvp
    def _(primals: Sequence[Array], tangents: Sequence[Array]) -> tuple[Moments, Moments]:
        (x,), (x_dot,) = primals, tangents
        high, low, variance = value(x)
        high = _constant(high)
        low_dot = _apart(mean(x_dot), high)
        variance_dot = _apart(recomputed(variance_along)(x, high, low, x_dot), high)
        along = Moments(jnp.zeros_like(high), low_dot, variance_dot)
        return Moments(high, low, variance), along

    return value


# The derivatives below are written in normalized numbers, which are about 1, times one scale after
# the other: no product is smaller than the result, nor larger, however the data are spread.


@functools.cache
def _standard_along(mean: _Means) -> Callable[[Array, Array], Standard]:
    def plain(x: Array, eps: Array) -> Standard:
        high, low, variance = mean.moments(x)
        return Standard(high, low, lax.rsqrt(variance + eps))

    def normal_along(x: Array, high: Array, low: Array, scale: Array, x_dot: Array) -> Array:
        low, high, scale = _own(low, high, scale)
        return mean(_centered(x, high, low) * scale * x_dot)

    def rule(primals: Sequence[Array], tangents: Sequence[Any]) -> tuple[Standard, Standard]:
        (x, eps), (x_dot, eps_dot) = primals, tangents
        high, low, scale = _kept(value(x, eps))
        high = _constant(high)
        low_dot = nothing = jnp.zeros_like(high)
        step = None
        if not isinstance(x_dot, SymbolicZero):
            low_dot = _apart(mean(x_dot), high)
            step = _apart(recomputed(normal_along)(x, high, low, scale, x_dot), high)
        scale_dot = _scale_along(scale, step, eps_dot)
        return Standard(high, low, scale), Standard(nothing, low_dot, scale_dot)

    value = jax.custom_jvp(plain)
    cast(Any, value).defjvp(rule, symbolic_zeros=True)
    return value


@functools.cache
def _inverse_rms_along(mean: _Means) -> Callable[[Array, Array], Array]:
    def plain(x: Array, eps: Array) -> Array:
        return lax.rsqrt(mean(x * x) + eps)

    def normal_along(x: Array, scale: Array, x_dot: Array) -> Array:
        return mean(x * _own(scale)[0] * x_dot)

    def rule(primals: Sequence[Array], tangents: Sequence[Any]) -> tuple[Array, Array]:
        (x, eps), (x_dot, eps_dot) = primals, tangents
        scale = _kept(value(x, eps))
        step = None
        if not isinstance(x_dot, SymbolicZero):
            step = _apart(recomputed(normal_along)(x, scale, x_dot), scale)
        return scale, _scale_along(scale, step, eps_dot)

    value = jax.custom_jvp(plain)
    cast(Any, value).defjvp(rule, symbolic_zeros=True)
    return value


def _scale_along(scale: Array, step: Array | None, eps_dot: Any) -> Array:
    """Of 1 / √(variance + eps), from the mean of the normalized numbers times x's tangent."""
    parts: list[Array] = []
    if step is not None:
        parts.append(scale * step)
    if not isinstance(eps_dot, SymbolicZero):
        parts.append(0.5 * (scale * (scale * eps_dot)))
    return -scale * functools.reduce(jnp.add, parts)


def rounded_once(function: Callable[..., Array], x: Array, *others: Any) -> Array:
    """function(x, *others) of x in the dtype computed in; value and gradient are rounded once.

    The backward pass keeps the arguments as they are and moments, and computes the rest again.
    """

    def widened(x: Array, *others: Any) -> Array:
        return function(x.astype(compute_dtype(x.dtype)), *others).astype(x.dtype)

    policy = jax.checkpoint_policies.save_only_these_names(_NAME)
    saving = cast(Any, jax.checkpoint(widened, prevent_cse=False, policy=policy))
    return sharded_by_xla(saving, jax.typeof(x).sharding.spec, x, *others)


def sharded_by_xla(function: Callable[..., T], spec: PartitionSpec, x: Array, *others: Any) -> T:
    """function(x, *others), sharded along spec, whose steps XLA shards if the user's mesh does not.

    Arrays on a mesh of explicit axes have no reshape and no first number along these.
    """
    mesh = jax.typeof(x).sharding.mesh
    explicit = tuple(
        name
        for name, kind in zip(mesh.axis_names, mesh.axis_types, strict=True)
        if kind is AxisType.Explicit
    )
    if not explicit:
        return function(x, *others)
    automatic = cast(Any, jax.sharding.auto_axes)
    out = NamedSharding(mesh, spec)
    return cast(T, automatic(function, axes=explicit, out_sharding=out)(x, *others))


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
