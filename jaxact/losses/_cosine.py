"""The cosine of two vectors, free of overflow, and 1 - cosine accurate for small angles."""

import functools
from collections.abc import Callable, Sequence
from typing import Any, cast

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.custom_derivatives import SymbolicZero

from jaxact._norms import least_sum_of_squares, norm
from jaxact._rules import rematerialized


def cosine(
    x1: Array,
    x2: Array,
    *,
    squared: float = 0.0,
    least: Array | float = 0.0,
    labels: Array | None = None,
) -> Array:
    """[...], c = Σ x1_i x2_i / (n1 n2) over the last axis, n = max(√(Σ x_i² + squared), least).

    As in torch, the gradient uses the derivative of √(Σ x_i² + squared) for that of n everywhere,
    also where `least` is the larger.

    Args:
        x1: [..., d].
        x2: [..., d], broadcasts with x1 except along the last axis.
        squared: a constant.
        least: [], differentiable.
        labels: [...]. The result is 1 - c where the label is 1, without cancellation; c where it
            is -1; and 0, with gradient 0, for any other label. None: the result is c.
    """
    signs = None if labels is None else _label_signs(labels)
    return _cosine(squared)(x1, x2, jnp.asarray(least, x1.dtype), signs)


def _label_signs(labels: Array) -> Array:
    """The factor on the gradient of c: -1 for the label 1, 1 for the label -1, 0 for others."""
    return jnp.where(labels == 1, -1, jnp.where(labels == -1, 1, 0))


@functools.cache
def _cosine(squared: float) -> Callable[..., Array]:
    @jax.custom_jvp
    def value(x1: Array, x2: Array, least: Array, signs: Array | None) -> Array:
        plain, lengths = zip(*(_lengths(x, squared, least) for x in (x1, x2)), strict=True)
        if signs is None:
            # The cosine of finite vectors is 0 if `least` is infinite or there are no components.
            vanishes = (jnp.isinf(least) | (x1.shape[-1] == 0)) & jnp.isfinite(plain[0] + plain[1])
            return jnp.where(vanishes, 0, _quotient(x1, x2, *lengths))
        (u1, n1), (u2, n2) = _unit(x1, lengths[0]), _unit(x2, lengths[1])
        # 1 - c = |u1/n1 - u2/n2|² / 2 avoids subtracting nearly equal numbers: it starts from the
        # differences of the components. An error in n1/n2 changes it only by the error's square.
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
                lambda: _cosine_grad(x1, x2, c, squared, least, signs),
                lambda: _cosine_grad(x2, x1, c, squared, least, signs),
            )
            steps = [
                jnp.sum(slopes[i]() * direction, axis=-1)
                if i < 2
                else _least_grad(x1, x2, c, squared, least) * direction
                for i, direction in zip(active, directions, strict=True)
            ]
            total = functools.reduce(jnp.add, steps)
            return total if signs is None else total * signs.astype(total.dtype)

        steps = rematerialized(pushforward)(tuple(primals), tuple(tangents[i] for i in active))
        return value(*primals), steps

    value.defjvp(rule, symbolic_zeros=True)
    return value


def _quotient(x1: Array, x2: Array, n1: Array, n2: Array) -> Array:
    """Σ x1 x2 / (n1 n2), free of overflow."""

    def plain() -> Array:
        return jnp.sum(x1 * x2, axis=-1) / (n1 * n2)

    def scaled() -> Array:
        (u1, m1), (u2, m2) = _unit(x1, n1), _unit(x2, n2)
        return jnp.sum(u1 * u2, axis=-1) / (m1 * m2)

    high = 0.5 * float(np.finfo(x1.dtype).max) ** 0.5
    # For norms above `low`, the products that underflow are below the rounding error of the sum.
    low = least_sum_of_squares(x1.dtype, x1.shape[-1]) ** 0.5
    moderate = [jnp.all((low <= n) & (n <= high)) for n in (n1, n2)]
    return cast(Array, jax.lax.cond(moderate[0] & moderate[1], plain, scaled))


def _cosine_grad(
    x1: Array, x2: Array, c: Array, squared: float, least: Array, signs: Array | None
) -> Array:
    """dc/dx1, in the broadcast shape of x1 and x2."""
    length, floored = _lengths(x1, squared, least)
    # A zero vector divided by its norm counts as zero: the norm has gradient 0 there.
    own = x1 / jnp.where(length == 0, 1, length)[..., None]
    other = x2 / _lengths(x2, squared, least)[1][..., None]
    slope = (other - c[..., None] * own) / floored[..., None]
    return slope if signs is None else jnp.where((signs == 0)[..., None], 0, slope)


def _least_grad(x1: Array, x2: Array, c: Array, squared: float, least: Array) -> Array:
    """dc/dleast."""
    shares = (
        jnp.where(length < least, 1 / floored, 0)
        for length, floored in (_lengths(x, squared, least) for x in (x1, x2))
    )
    return -c * sum(shares)


def _lengths(x: Array, squared: float, least: Array) -> tuple[Array, Array]:
    """√(Σ x_i² + squared), and the maximum of this norm and `least`."""
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
    # The quotient is a power of two; where it underflows, use the smallest normal power.
    scale = jnp.maximum(mantissa / jnp.where(fixed == 0, 1, fixed), np.finfo(x.dtype).tiny)
    scale = jnp.where(fixed == 0, 1, scale)
    return x * scale[..., None], length * scale
