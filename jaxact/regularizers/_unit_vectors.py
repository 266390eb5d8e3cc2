"""Division by norms: vectors at length 1, along any axes."""

import functools
import math
from collections.abc import Callable, Sequence
from typing import cast

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from jaxact._norms import norm, quotient


@jax.custom_jvp
def divided(x: Array, divisor: Array) -> Array:
    """x / divisor; the gradient needs no square of the divisor, which would overflow."""
    return quotient(x, divisor)


@divided.defjvp
def _(primals: Sequence[Array], tangents: Sequence[Array]) -> tuple[Array, Array]:
    x, divisor = primals
    x_dot, divisor_dot = tangents
    y = divided(x, divisor)
    return y, quotient(x_dot - y * divisor_dot, divisor)


def unit_vectors(x: Array, least: Array, axes: Sequence[int]) -> Array:
    """[...], x / max(√(Σ x²), least), the sum over the axes.

    Where the norm is below `least` the gradient is that of x / least. Nothing overflows or
    vanishes; where the norm and `least` are 0 the result is nan.
    """
    return _unit(tuple(axes))(x, least)[0]


def with_vectors_last(x: Array, axes: Sequence[int]) -> Array:
    """The array with the axes made into one, the last."""
    others = [i for i in range(x.ndim) if i not in axes]
    shape = (*(x.shape[i] for i in others), math.prod(x.shape[i] for i in axes))
    return jnp.transpose(x, (*others, *sorted(axes))).reshape(shape)


@functools.cache
def _unit(axes: tuple[int, ...]) -> Callable[[Array, Array], tuple[Array, Array, Array]]:
    """A function that gives the vectors, what they were divided by, and 1 where that is the norm.

    With all three the gradient, and its own, need no square root and no x.
    """

    @jax.custom_jvp
    def unit(x: Array, least: Array) -> tuple[Array, Array, Array]:
        length, scale = _length(x, least, axes)
        # A norm that is nan is below nothing.
        below = length < least * scale
        divisor = jnp.where(below, least * scale, length)
        is_norm = jnp.where(below, 0, jnp.ones_like(divisor))
        return x * scale / divisor, divisor / scale, is_norm

    @unit.defjvp
    def _(
        primals: Sequence[Array], tangents: Sequence[Array]
    ) -> tuple[tuple[Array, Array, Array], tuple[Array, Array, Array]]:
        y, divisor, is_norm = unit(*primals)
        x_dot, least_dot = tangents
        along = jnp.sum(y * x_dot, axis=axes, keepdims=True)
        divisor_dot = is_norm * along + (1 - is_norm) * least_dot
        y_dot = quotient(x_dot - y * divisor_dot, divisor)
        return (y, divisor, is_norm), (y_dot, divisor_dot, jnp.zeros_like(is_norm))

    return unit


def _length(x: Array, least: Array, axes: tuple[int, ...]) -> tuple[Array, Array]:
    """√(Σ (scale x)²) over the axes, which are kept with length 1, and the scale: mostly 1."""
    total = jnp.sum(x * x, axis=axes, keepdims=True)
    limits = np.finfo(x.dtype)
    # Below it the squares that vanish would be missed, where they count for anything.
    small = float(limits.tiny) / float(limits.eps) * max(x.size // max(total.size, 1), 1)
    right = (total < jnp.inf) & ((total >= small) | (least > 2 * math.sqrt(small)))
    ones = jnp.ones_like(total)

    def with_care() -> tuple[Array, Array]:
        # The norm of numbers may be none, and the inverse of a norm may vanish.
        quarter = limits.maxexp // 4
        largest = jnp.max(jnp.abs(x), axis=axes, keepdims=True, initial=0)
        finite = (largest > 2.0 ** (3 * quarter)) & (largest < jnp.inf)
        scale = jnp.where(finite, 2.0**-quarter, ones)
        return jnp.expand_dims(norm(with_vectors_last(scale * x, axes)), axes), scale

    def plain() -> tuple[Array, Array]:
        return jnp.sqrt(total), ones

    return cast(tuple[Array, Array], jax.lax.cond(jnp.all(right), plain, with_care))
