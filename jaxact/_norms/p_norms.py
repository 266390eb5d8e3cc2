"""p-norms of vectors, free of overflow and with torch's gradients at 0."""

import functools
from collections.abc import Callable, Sequence
from typing import Literal, cast

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from jaxact._elementary import sign
from jaxact._norms.euclidean import euclidean, joined
from jaxact._norms.quotients import quotient
from jaxact._numbers import is_number
from jaxact._rules import with_rule
from jaxact.errors import ArgumentValueError

# The formula of a p-norm: for p = 0, 1, 2, ∞ or -∞, for any other positive or negative number, or
# for a traced p.
Kind = Literal["count", "sum", "root", "largest", "smallest", "power", "inverse", "traced"]


def kind_of(p: object) -> Kind:
    """The formula for this p, chosen by its value if that is known while tracing."""
    if not is_number(p):
        return "traced"
    known: dict[float, Kind] = {
        0.0: "count",
        1.0: "sum",
        2.0: "root",
        np.inf: "largest",
        -np.inf: "smallest",
    }
    return known.get(float(p), "inverse" if p < 0 else "power")


def p_norm(function: str, parts: tuple[Array, ...], p: Array, kind: Kind) -> Array:
    """[...], the p-norm over the last axis of x or of x1 - x2 + eps.

    The gradient is torch's: 0 at the zero vector and at components that are 0. For p = ∞ tied
    components share it evenly.

    Args:
        function: the public function's name, for errors.
        parts: x, [..., d]; or x1, x2 and eps.
        p: [].
        kind: the formula for p, from `kind_of`.

    Raises:
        ArgumentValueError: if d is 0 and `kind` says that p is negative or infinite.
    """
    x = joined(*parts)
    if not x.shape[-1] and kind in ("largest", "smallest", "inverse"):
        raise ArgumentValueError(
            f"{function}: vectors must have components for a norm whose p is negative or infinite, "
            f"got shape {x.shape}"
        )
    match kind:
        case "count":
            return jnp.sum(jnp.where(x == 0, 0, jnp.ones_like(x)), axis=-1)
        case "sum":
            return _sum_norm(x)
        case "root":
            return euclidean(0.0)(*parts)
        case "largest":
            return _extreme_norm(True)(x)
        case "smallest":
            return _extreme_norm(False)(x)
        case "power" | "inverse":
            return _power_norm(x, p)
        case "traced":
            return _traced_norm(function, x, p)


def _traced_norm(function: str, x: Array, p: Array) -> Array:
    special = (p == 0) | jnp.isinf(p)
    # Safe operands: the gradient of an unselected branch must not be nan.
    result = _power_norm(jnp.where(special, 0, x), jnp.where(special, 2, p))
    result = jnp.where(p == 0, p_norm(function, (x,), p, "count"), result)
    if not x.shape[-1]:
        return jnp.where((p >= 0) & (p < jnp.inf), result, jnp.nan)
    result = jnp.where(p == jnp.inf, p_norm(function, (x,), p, "largest"), result)
    return jnp.where(p == -jnp.inf, p_norm(function, (x,), p, "smallest"), result)


def _ruled(function: Callable[..., Array], slope: Callable[..., Array]) -> Callable[..., Array]:
    """The norm with `slope` as its gradient; `slope(x)` has the shape of x."""

    def rule(primals: Sequence[Array], tangents: Sequence[Array]) -> tuple[Array, Array]:
        (x,), (x_dot,) = primals, tangents
        return ruled(x), jnp.sum(slope(x) * x_dot, axis=-1)

    ruled = with_rule(rule)(function)
    return ruled


def _sum_of_sizes(x: Array) -> Array:
    return jnp.sum(jnp.abs(x), axis=-1)


_sum_norm = _ruled(_sum_of_sizes, sign)


def _size(step: int, x: Array) -> Array:
    return jnp.abs(x)


@functools.cache
def _extreme_norm(largest: bool) -> Callable[[Array], Array]:
    reduction = jnp.max if largest else jnp.min

    def value(x: Array) -> Array:
        # XLA's maxima and minima may drop nan (jax 0.10.2 on CPUs, 1,000 numbers or more).
        broken = jnp.any(jnp.isnan(x), axis=-1)
        return jnp.where(broken, jnp.nan, reduction(jnp.abs(x), axis=-1))

    def slope(x: Array) -> Array:
        # Else XLA computes the sizes twice, once with a fused product that is not rounded, and none
        # is equal to the norm (jax 0.10.2 on CPUs). A loop is not fused; one of a single trip is
        # removed.
        size = cast(Array, jax.lax.fori_loop(0, 2, _size, jax.lax.stop_gradient(x)))
        tied = (size == value(size)[..., None]) | jnp.isnan(size)
        return jnp.where(tied, sign(x), 0) / jnp.sum(tied, axis=-1, keepdims=True).astype(x.dtype)

    return _ruled(value, slope)


@jax.custom_jvp
def _power_norm(x: Array, p: Array) -> Array:
    """(Σ |x_i|^p)^(1/p), for finite p other than 0."""
    size = jnp.abs(x)
    if not x.shape[-1]:
        return jnp.where(p > 0, jnp.sum(size, axis=-1), jnp.nan)
    # Divide all components by the dominant one: its ratio is 1, so its power neither overflows nor
    # underflows. The other terms have exponents p log r <= 0, so exp(p log r) keeps all the digits
    # that matter for the sum.
    unit = jnp.where(p > 0, jnp.max(size, axis=-1), jnp.min(size, axis=-1))
    lift = _lift(unit)
    unit = unit * lift
    alone = _vanishes(unit) | (unit == jnp.inf)
    ratio = quotient(size * lift[..., None], jnp.where(alone, 1, unit)[..., None])
    total = jnp.sum(jnp.exp(p * jnp.log(ratio)), axis=-1)
    norm = jnp.where(alone & ~jnp.isnan(total), unit, unit * jnp.power(total, 1 / p))
    return norm / lift


@_power_norm.defjvp
def _(primals: Sequence[Array], tangents: Sequence[Array]) -> tuple[Array, Array]:
    x, p = primals
    x_dot, p_dot = tangents
    value = _power_norm(x, p)
    lift = _lift(value)
    divisor = value * lift
    there = ~_vanishes(divisor)
    unit = quotient(x * lift[..., None], jnp.where(there, divisor, 1)[..., None])
    used = ~_vanishes(jnp.abs(unit)) & there[..., None]
    ratio = jnp.where(used, jnp.abs(unit), 1)
    # For a traced p of 2 the slope is a straight line through components that are 0.
    at_zero = jnp.where((p == 2) & there[..., None], unit, 0)
    slope = jnp.where(used, _sign_or_nan(x) * jnp.power(ratio, p - 1), at_zero)
    along = jnp.where(used, jnp.power(ratio, p) * jnp.log(ratio), 0)
    steps = jnp.sum(slope * x_dot, axis=-1) + value / p * jnp.sum(along, axis=-1) * p_dot
    return value, steps


def _lift(norm: Array) -> Array:
    """A factor that makes a subnormal norm normal, so that its reciprocal is finite."""
    return jnp.where(_vanishes(norm), 2.0 ** (np.finfo(norm.dtype).nmant + 1), jnp.ones_like(norm))


def _vanishes(norm: Array) -> Array:
    """Whether the norm is 0 or subnormal.

    Comparing with 0 is not enough: on CPUs XLA flushes subnormal numbers to 0 in arithmetic, but
    not in every comparison.
    """
    return norm < np.finfo(norm.dtype).tiny


def _sign_or_nan(x: Array) -> Array:
    return jnp.where(x < 0, -1, jnp.ones_like(x))
