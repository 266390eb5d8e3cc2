"""Mean, variance and normalization by them, in as few passes over the data as XLA allows.

A mean is the unevaluated sum of two numbers, `high` + `low`, with twice the digits: x - mean is as
accurate at a mean of 10⁴ as at 0, and 0 for a constant. Derivatives by the mean go through `low`;
`high` is a constant to autodiff.

Three workarounds stop XLA on CPUs from materializing temporaries of the data's size. A broadcast
that two loops share is written to memory: each use of a small array goes through a barrier of its
own (`_unshared`). A reduction is fused into the loop that uses its result: a select between them
prevents it (`_fusion_break`). And the backward pass computes what it needs from the data again.
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

from jaxact._numbers import compute_dtype
from jaxact._rules import rematerialized

AxisName = str | tuple[str, ...] | None


_NAME = "jaxact moments"
_named = functools.partial(cast(Any, ad_checkpoint).checkpoint_name, name=_NAME)
T = TypeVar("T")


class Moments(NamedTuple):
    """Mean, high + low, and biased variance along some axes, kept with length 1."""

    high: Array
    low: Array
    variance: Array


class Standard(NamedTuple):
    """The mean, high + low, and the scale 1 / √(variance + eps)."""

    high: Array
    low: Array
    scale: Array


def count_of(shape: Sequence[int], axes: Sequence[int], axis_name: AxisName = None) -> int:
    """The number of elements that one mean is taken over, on all devices together."""
    count = math.prod(shape[axis] for axis in axes)
    return count if axis_name is None else int(cast(int, lax.psum(count, axis_name)))


def moments(x: Array, axes: tuple[int, ...], axis_name: AxisName = None) -> Moments:
    """The mean and the biased variance.

    Args:
        x: the data, not empty along the axes.
        axes: of the mean.
        axis_name: of the devices that share one mean.
    """
    found = _moments_along(_Means(axes, axis_name))(x)
    return Moments(_constant(found.high), found.low, found.variance)


def standard(
    x: Array,
    eps: Array,
    axes: tuple[int, ...],
    axis_name: AxisName = None,
    group: int | None = None,
    constant_is_zero: bool = False,
) -> Standard:
    """The mean and the inverse standard deviation.

    Args:
        x: see `moments`.
        eps: is added to the variance.
        axes: see `moments`.
        axis_name: see `moments`.
        group: the number of neighbours along the last remaining axis, the channels, that share one
            mean, which is repeated for each of them.
        constant_is_zero: whether the scale is 0, not infinite, where variance and eps are 0.
    """
    found = _standard_along(_Means(axes, axis_name, group), constant_is_zero)(x, eps)
    return Standard(_constant(found.high), found.low, found.scale)


def inverse_rms(x: Array, eps: Array, axes: tuple[int, ...]) -> Array:
    """1 / √(mean x² + eps) along the axes, which are kept with length 1."""
    return _inverse_rms_along(_Means(axes))(x, eps)


@jax.custom_jvp
def inverse_root(x: Array) -> Array:
    """1 / √x, with a slope that does not underflow: x^(-3/2) is 0 in float32 from 10²⁵."""
    return lax.rsqrt(x)


@inverse_root.defjvp
def _(primals: Sequence[Array], tangents: Sequence[Array]) -> tuple[Array, Array]:
    root = inverse_root(*primals)
    return root, -0.5 * (root * (root * (root * tangents[0])))


class _Means(NamedTuple):
    """The mean over some axes, devices and groups, see `standard`."""

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
        """The first element that each mean is taken over, which is subtracted before summing.

        It is the same on all devices, and 0 where the differences to it could overflow although the
        sum itself does not.
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
        # Sums of differences to one element: as small as the spread, however large the mean is, and
        # 0 for a constant.
        offset = self(x - _unshared(first)[0])
        high = first + offset
        share = high - first
        low = (first - (high - share)) + (offset - share)
        # An infinite mean has no more digits.
        low = jnp.where(jnp.isinf(high), 0, low)
        centered = _centered(x, *_unshared(high, low))
        return Moments(high, low, self(centered * centered))


@functools.cache
def _moments_along(mean: _Means) -> Callable[[Array], Moments]:
    value = jax.custom_jvp(mean.moments)

    def variance_along(x: Array, high: Array, low: Array, x_dot: Array) -> Array:
        low, high = _unshared(low, high)
        return 2 * mean(_centered(x, high, low) * x_dot)

    @value.defjvp
    def _(primals: Sequence[Array], tangents: Sequence[Array]) -> tuple[Moments, Moments]:
        (x,), (x_dot,) = primals, tangents
        high, low, variance = value(x)
        high = _constant(high)
        low_dot = _fusion_break(mean(x_dot), high)
        variance_dot = _fusion_break(rematerialized(variance_along)(x, high, low, x_dot), high)
        along = Moments(jnp.zeros_like(high), low_dot, variance_dot)
        return Moments(high, low, variance), along

    return value


# The derivatives below multiply normalized numbers, which are about 1, by one scale after another:
# no intermediate product is smaller or larger than the result, whatever the spread of the data.


@functools.cache
def _standard_along(mean: _Means, constant_is_zero: bool) -> Callable[[Array, Array], Standard]:
    def plain(x: Array, eps: Array) -> Standard:
        high, low, variance = mean.moments(x)
        scale = lax.rsqrt(variance + eps)
        if constant_is_zero:
            scale = jnp.where(jnp.isinf(scale) & (eps == 0), 0, scale)
        return Standard(high, low, scale)

    def normal_along(x: Array, high: Array, low: Array, scale: Array, x_dot: Array) -> Array:
        low, high, scale = _unshared(low, high, scale)
        return mean(_centered(x, high, low) * scale * x_dot)

    def rule(primals: Sequence[Array], tangents: Sequence[Any]) -> tuple[Standard, Standard]:
        (x, eps), (x_dot, eps_dot) = primals, tangents
        high, low, scale = _checkpointed(value(x, eps))
        high = _constant(high)
        low_dot = nothing = jnp.zeros_like(high)
        step = None
        if not isinstance(x_dot, SymbolicZero):
            low_dot = _fusion_break(mean(x_dot), high)
            step = _fusion_break(rematerialized(normal_along)(x, high, low, scale, x_dot), high)
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
        return mean(x * _unshared(scale)[0] * x_dot)

    def rule(primals: Sequence[Array], tangents: Sequence[Any]) -> tuple[Array, Array]:
        (x, eps), (x_dot, eps_dot) = primals, tangents
        scale = _checkpointed(value(x, eps))
        step = None
        if not isinstance(x_dot, SymbolicZero):
            step = _fusion_break(rematerialized(normal_along)(x, scale, x_dot), scale)
        return scale, _scale_along(scale, step, eps_dot)

    value = jax.custom_jvp(plain)
    cast(Any, value).defjvp(rule, symbolic_zeros=True)
    return value


def _scale_along(scale: Array, step: Array | None, eps_dot: Any) -> Array:
    """Tangent of 1 / √(variance + eps); `step` is the mean of normalized x times x's tangent."""
    parts: list[Array] = []
    if step is not None:
        parts.append(scale * step)
    if not isinstance(eps_dot, SymbolicZero):
        parts.append(0.5 * (scale * (scale * eps_dot)))
    return -scale * functools.reduce(jnp.add, parts)


def rounded_once(function: Callable[..., Array], x: Array, *others: Any) -> Array:
    """function(x, *others) with x widened; value and gradient are rounded once.

    The residuals of the backward pass are the arguments, not widened, and the checkpointed moments.
    """

    def widened(x: Array, *others: Any) -> Array:
        return function(x.astype(compute_dtype(x.dtype)), *others).astype(x.dtype)

    policy = jax.checkpoint_policies.save_only_these_names(_NAME)
    saving = cast(Any, jax.checkpoint(widened, prevent_cse=False, policy=policy))
    return sharded_by_xla(saving, jax.typeof(x).sharding.spec, x, *others)


def sharded_by_xla(function: Callable[..., T], spec: PartitionSpec, x: Array, *others: Any) -> T:
    """function(x, *others), sharded along spec; explicit mesh axes become automatic inside.

    Along explicit axes, arrays can be neither reshaped nor sliced.
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
        x: the data, the only residual of its size.
        high: of the mean.
        low: of the mean.
        scale: one for each mean, or for each part of its data.
        weight: along the axes of the mean; None if it is a factor of the scale.
        bias: None adds nothing.
    """
    return _normalized(x, high, low, scale, weight, bias)


def _value(
    x: Array, high: Array, low: Array, scale: Array, weight: Array | None, bias: Array | None
) -> Array:
    high, low, scale, weight, bias = _unshared(high, low, scale, weight, bias)
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
    along = rematerialized(_normalized_along)(x, high, low, scale, weight, active)
    return _normalized(x, high, low, scale, weight, bias), along


_normalized = cast(Callable[..., Array], jax.custom_jvp(_value))
cast(Any, _normalized).defjvp(_normalized_rule, symbolic_zeros=True)


def _normalized_along(
    x: Array, high: Array, low: Array, scale: Array, weight: Array | None, along: dict[str, Array]
) -> Array:
    """The tangent; its transpose sums over the data once for each part of the gradient."""
    steps: list[Array] = []
    if "x" in along:
        own, factor = _unshared(scale, weight)
        steps.append(along["x"] * (own if factor is None else own * factor))
    # Terms of the small shape are added first: one broadcast over the data for all.
    shifts: list[Array] = []
    for name in along.keys() & {"high", "low"}:
        shift = -scale * along[name]
        if weight is None:
            shifts.append(shift)
        else:
            steps.append(shift * _unshared(weight)[0])
    if "bias" in along:
        shifts.append(along["bias"])
    if shifts:
        steps.append(functools.reduce(jnp.add, shifts))
    if "scale" in along:
        own_high, own_low, factor = _unshared(high, low, weight)
        step = _centered(x, own_high, own_low)
        steps.append((step if factor is None else step * factor) * along["scale"])
    if "weight" in along:
        own_high, own_low, own = _unshared(high, low, scale)
        steps.append(_centered(x, own_high, own_low) * own * along["weight"])
    return jnp.broadcast_to(functools.reduce(jnp.add, steps), x.shape)


def _centered(x: Array, high: Array, low: Array) -> Array:
    """x - high - low: the first difference is exact where it cancels."""
    return (x - high) - low


def _checkpointed(small: T) -> T:
    """Mark small arrays as residuals that `rounded_once` saves for the backward pass."""
    return cast(T, jax.tree.map(_named, small))


def _constant(x: Array) -> Array:
    return lax.stop_gradient(x)


def _unshared(*arrays: Any) -> Any:
    """The arrays behind a barrier, so that this use shares no broadcast with others; None stays.

    Barriers of the same arrays in the same order are merged: give each use an order of its own.
    """
    return lax.optimization_barrier(arrays)


def _fusion_break(sums: Array, mean: Array) -> Array:
    """The sums, 0 where the mean is nan, behind a select that XLA on CPUs does not fuse across.

    Without it the reduction is fused into the loop over the data that uses its result.
    """
    return jnp.where(mean == mean, sums, 0)
