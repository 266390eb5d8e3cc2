"""Norms of vectors and the angle between two, with no overflow and with gradients at 0."""

import functools
from collections.abc import Callable, Sequence
from typing import Any, Literal, cast

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.custom_derivatives import SymbolicZero

from jaxact._core import ArgumentValueError, is_number, recomputed

# Which formula a p-norm takes: that of p = 0, 1, 2, ∞ or -∞, that of any other number above or
# below 0, or that of a p that only the running program knows.
Kind = Literal["count", "sum", "root", "largest", "smallest", "power", "inverse", "traced"]


def kind_of(p: object) -> Kind:
    """The formula for this p, from its value if Python knows it."""
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


def p_norm(parts: tuple[Array, ...], p: Array, kind: Kind) -> Array:
    """[...], the p-norm over the last axis of x or of x1 - x2 + eps.

    The gradient is torch's: 0 at the zero vector and at components that are 0, shared evenly by
    the components that tie for p = ∞.

    Args:
        parts: x, [..., d], alone; or x1, x2 and eps.
        p: [].
        kind: of p.

    Raises:
        ArgumentValueError: if d is 0 and p is known to be negative or infinite.
    """
    x = _joined(*parts)
    if not x.shape[-1] and kind in ("largest", "smallest", "inverse"):
        raise ArgumentValueError(
            "pairwise_distance: vectors must have components for a norm whose p is negative or "
            f"infinite, got a difference of shape {x.shape}"
        )
    match kind:
        case "count":
            return jnp.sum(jnp.where(x == 0, 0, jnp.ones_like(x)), axis=-1)
        case "sum":
            return _sum_norm(x)
        case "root":
            return _euclidean(0.0)(*parts)
        case "largest":
            return _extreme_norm(True)(x)
        case "smallest":
            return _extreme_norm(False)(x)
        case "power" | "inverse":
            return _power_norm(x, p)
        case "traced":
            return _traced_norm(x, p)


def _joined(x: Array, *others: Array) -> Array:
    return x - others[0] + others[1] if others else x


def _traced_norm(x: Array, p: Array) -> Array:
    special = (p == 0) | jnp.isinf(p)
    # What is not chosen is computed from numbers that give it no nan gradient.
    result = _power_norm(jnp.where(special, 0, x), jnp.where(special, 2, p))
    result = jnp.where(p == 0, p_norm((x,), p, "count"), result)
    if not x.shape[-1]:
        return jnp.where(p > 0, result, jnp.nan)
    result = jnp.where(p == jnp.inf, p_norm((x,), p, "largest"), result)
    return jnp.where(p == -jnp.inf, p_norm((x,), p, "smallest"), result)


def _sign(x: Array) -> Array:
    """The sign of x, 0 for nan as in torch."""
    return jnp.where(x > 0, jnp.ones_like(x), jnp.where(x < 0, -1, 0))


def _ruled(function: Callable[..., Array], slope: Callable[..., Array]) -> Callable[..., Array]:
    """The norm with the gradient that `slope` gives, of the norm's shape and one axis more."""
    ruled = jax.custom_jvp(function)

    def rule(primals: Sequence[Array], tangents: Sequence[Array]) -> tuple[Array, Array]:
        (x,), (x_dot,) = primals, tangents
        return ruled(x), jnp.sum(slope(x) * x_dot, axis=-1)

    ruled.defjvp(rule)
    return ruled


def _sum_of_sizes(x: Array) -> Array:
    return jnp.sum(jnp.abs(x), axis=-1)


_sum_norm = _ruled(_sum_of_sizes, _sign)


@functools.cache
def _extreme_norm(largest: bool) -> Callable[[Array], Array]:
    reduction = jnp.max if largest else jnp.min

    def value(x: Array) -> Array:
        return reduction(jnp.abs(x), axis=-1)

    def slope(x: Array) -> Array:
        size = jax.lax.stop_gradient(jnp.abs(x))
        tied = (size == value(size)[..., None]) | jnp.isnan(size)
        return jnp.where(tied, _sign(x), 0) / jnp.sum(tied, axis=-1, keepdims=True)

    return _ruled(value, slope)


# ------------------------------------------------------------------------------ powers of any p


@jax.custom_jvp
def _power_norm(x: Array, p: Array) -> Array:
    """(Σ |x_i|^p)^(1/p), for finite p other than 0."""
    size = jnp.abs(x)
    if not x.shape[-1]:
        return jnp.where(p > 0, jnp.sum(size, axis=-1), jnp.nan)
    # The term that counts most is divided by itself: no power of it overflows or vanishes, and the
    # exponents of the others are not positive, which leaves exp(p log r) all digits that count.
    unit = jnp.where(p > 0, jnp.max(size, axis=-1), jnp.min(size, axis=-1))
    total = jnp.sum(jnp.exp(p * jnp.log(size / _finite_unit(unit)[..., None])), axis=-1)
    scaled = unit * jnp.power(total, 1 / p)
    return _or_unit(scaled, unit, total)


@_power_norm.defjvp
def _(primals: Sequence[Array], tangents: Sequence[Array]) -> tuple[Array, Array]:
    x, p = primals
    x_dot, p_dot = tangents
    value = _power_norm(x, p)
    there = value != 0
    ratio = jnp.abs(x) / jnp.where(there, value, 1)[..., None]
    used = (x != 0) & there[..., None]
    ratio = jnp.where(used, ratio, 1)
    slope = _sign_or_nan(x) * jnp.where(used, jnp.power(ratio, p - 1), 0)
    along = jnp.where(used, jnp.power(ratio, p) * jnp.log(ratio), 0)
    steps = jnp.sum(slope * x_dot, axis=-1) + value / p * jnp.sum(along, axis=-1) * p_dot
    return value, steps


def _sign_or_nan(x: Array) -> Array:
    return jnp.where(x < 0, -1, jnp.ones_like(x))


def _finite_unit(unit: Array) -> Array:
    """What can be divided by."""
    return jnp.where((unit == 0) | (unit == jnp.inf), 1, unit)


def _or_unit(scaled: Array, unit: Array, total: Array) -> Array:
    """`scaled`, but the unit itself if it is 0 or infinite and no component is nan."""
    alone = ((unit == 0) | (unit == jnp.inf)) & ~jnp.isnan(total)
    return jnp.where(alone, unit, scaled)


# ----------------------------------------------------------------------------- the Euclidean norm


def norm(x: Array, squared: float = 0.0) -> Array:
    """[...], √(Σ x_i² + squared) over the last axis of x, [..., d]; gradient 0 where it is 0."""
    return _euclidean(squared)(x)


@functools.cache
def _euclidean(squared: float) -> Callable[..., Array]:
    """The norm of x, or of the difference that `_joined` gives."""

    @jax.custom_jvp
    def value(*parts: Array) -> Array:
        x = _joined(*parts)
        total = jnp.sum(x * x, axis=-1) + squared
        limits = np.finfo(x.dtype)
        # Below it the squares that vanish would be missed.
        least = float(limits.tiny) / float(limits.eps) * max(x.shape[-1], 1)
        plain = jnp.all((total >= least) & (total < jnp.inf))
        # A branch makes the difference anew from its parts: as an argument it would be written to
        # memory first.
        scaled = functools.partial(_scaled_norm, parts, squared)
        return cast(Array, jax.lax.cond(plain, functools.partial(jnp.sqrt, total), scaled))

    @value.defjvp
    def _(primals: Sequence[Array], tangents: Sequence[Array]) -> tuple[Array, Array]:
        length = value(*primals)
        slope = _joined(*primals) / jnp.where(length == 0, 1, length)[..., None]
        return length, jnp.sum(slope * _joined(*tangents), axis=-1)

    return value


def _scaled_norm(parts: tuple[Array, ...], squared: float) -> Array:
    """The norm, from numbers divided by the largest of them."""
    x = _joined(*parts)
    shift = float(np.sqrt(squared))
    unit = jnp.max(jnp.abs(x), axis=-1, initial=shift)
    finite = _finite_unit(unit)
    total = jnp.sum(jnp.square(x / finite[..., None]), axis=-1) + jnp.square(shift / finite)
    return _or_unit(finite * jnp.sqrt(total), unit, total)


# ------------------------------------------------------------------------------------- the angle


def cosine(
    x1: Array,
    x2: Array,
    *,
    squared: float = 0.0,
    least: Array | float = 0.0,
    labels: Array | None = None,
) -> Array:
    """[...], c = Σ x1_i x2_i / (n1 n2) over the last axis, n = max(√(Σ x_i² + squared), least).

    The gradient takes the slope of n to be that of √(Σ x_i² + squared) everywhere, as torch does.

    Args:
        x1: [..., d].
        x2: [..., d], broadcasts with x1 but for the last axis.
        squared: a constant.
        least: [], differentiated as well.
        labels: [...]. Where it is 1 the result is 1 - c, with all of its digits; where it is
            neither 1 nor -1 it is 0, with gradient 0.
    """
    signs = None if labels is None else _label_signs(labels)
    return _cosine(squared)(x1, x2, jnp.asarray(least, x1.dtype), signs)


def _label_signs(labels: Array) -> Array:
    """What the gradient of c counts for: -1 for the label 1, 1 for -1, 0 for others."""
    return jnp.where(labels == 1, -1, jnp.where(labels == -1, 1, 0))


@functools.cache
def _cosine(squared: float) -> Callable[..., Array]:
    @jax.custom_jvp
    def value(x1: Array, x2: Array, least: Array, signs: Array | None) -> Array:
        lengths = _lengths(x1, squared, least)[1], _lengths(x2, squared, least)[1]
        if signs is None:
            return _quotient(x1, x2, *lengths)
        (u1, n1), (u2, n2) = _unit(x1, lengths[0]), _unit(x2, lengths[1])
        # |u1/n1 - u2/n2|² / 2 is 1 - c without a difference of near equals: it starts from what
        # the components differ by. An error in n1/n2 moves it by the square of that error alone.
        apart = u1 - (n1 / n2)[..., None] * u2
        toward = signs == -1
        total = jnp.sum(jnp.where(toward[..., None], apart * apart, u1 * u2), axis=-1)
        rest = sum(0.5 * squared / jnp.square(length) for length in lengths)
        distance = 0.5 * total / (n1 * n1) + rest
        return jnp.where(toward, distance, jnp.where(signs == 0, 0, total / (n1 * n2)))

    def rule(primals: Sequence[Any], tangents: Sequence[Any]) -> tuple[Array, Array]:
        active = [i for i in range(3) if not isinstance(tangents[i], SymbolicZero)]

        def pushforward(primals: Sequence[Any], directions: Sequence[Array]) -> Array:
            x1, x2, least, signs = primals
            c = value(x1, x2, least, None)
            slopes = (
                lambda: _cosine_slope(x1, x2, c, squared, least, signs),
                lambda: _cosine_slope(x2, x1, c, squared, least, signs),
            )
            steps = [
                jnp.sum(slopes[i]() * direction, axis=-1)
                if i < 2
                else _least_slope(x1, x2, c, squared, least) * direction
                for i, direction in zip(active, directions, strict=True)
            ]
            total = functools.reduce(jnp.add, steps)
            return total if signs is None else total * signs.astype(total.dtype)

        steps = recomputed(pushforward)(tuple(primals), tuple(tangents[i] for i in active))
        return value(*primals), steps

    value.defjvp(rule, symbolic_zeros=True)
    return value


def _quotient(x1: Array, x2: Array, n1: Array, n2: Array) -> Array:
    """Σ x1 x2 / (n1 n2), with no overflow."""

    def plain() -> Array:
        return jnp.sum(x1 * x2, axis=-1) / (n1 * n2)

    def scaled() -> Array:
        (u1, m1), (u2, m2) = _unit(x1, n1), _unit(x2, n2)
        return jnp.sum(u1 * u2, axis=-1) / (m1 * m2)

    limits = np.finfo(x1.dtype)
    high = 0.5 * float(limits.max) ** 0.5
    # Products of components that vanish are then smaller than what is rounded off anyway.
    low = (float(limits.tiny) / float(limits.eps) * max(x1.shape[-1], 1)) ** 0.5
    moderate = [jnp.all((low <= n) & (n <= high)) for n in (n1, n2)]
    return cast(Array, jax.lax.cond(moderate[0] & moderate[1], plain, scaled))


def _cosine_slope(
    x1: Array, x2: Array, c: Array, squared: float, least: Array, signs: Array | None
) -> Array:
    """dc/dx1, of the shape of x1 and x2 together."""
    length, floored = _lengths(x1, squared, least)
    # Zero by the norm of zero is zero: the norm has no slope there.
    own = x1 / jnp.where(length == 0, 1, length)[..., None]
    other = x2 / _lengths(x2, squared, least)[1][..., None]
    slope = (other - c[..., None] * own) / floored[..., None]
    return slope if signs is None else jnp.where((signs == 0)[..., None], 0, slope)


def _least_slope(x1: Array, x2: Array, c: Array, squared: float, least: Array) -> Array:
    """dc/dleast."""
    shares = (
        jnp.where(length < least, 1 / floored, 0)
        for length, floored in (_lengths(x, squared, least) for x in (x1, x2))
    )
    return -c * sum(shares)


def _lengths(x: Array, squared: float, least: Array) -> tuple[Array, Array]:
    """√(Σ x_i² + squared), and that or `least` if it is larger."""
    length = norm(x, squared)
    return length, _at_least(length, least)


@jax.custom_jvp
def _at_least(length: Array, least: Array) -> Array:
    return jnp.maximum(length, least)


@_at_least.defjvp
def _(primals: Sequence[Array], tangents: Sequence[Array]) -> tuple[Array, Array]:
    length, least = primals
    length_dot, least_dot = tangents
    return _at_least(length, least), length_dot + jnp.where(length < least, least_dot, 0)


def _unit(x: Array, length: Array) -> tuple[Array, Array]:
    """x and its length, divided by a power of two near the length."""
    fixed = jax.lax.stop_gradient(length)
    mantissa: Array = jnp.frexp(fixed)[0]
    # The quotient is a power of two; the smallest normal one if it would vanish.
    scale = jnp.maximum(mantissa / jnp.where(fixed == 0, 1, fixed), np.finfo(x.dtype).tiny)
    scale = jnp.where(fixed == 0, 1, scale)
    return x * scale[..., None], length * scale
