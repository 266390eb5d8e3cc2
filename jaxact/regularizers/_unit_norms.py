"""Euclidean norms of the units of many arrays, and of many arrays together.

One pass over the arrays in the usual case: numbers whose squares overflow or vanish are looked for
in the sums, and a second way is gone only if there are any. One branch for all arrays, since a
branch of its own for each would make an accelerator wait as often.
"""

import functools
from collections.abc import Callable, Sequence
from typing import cast

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from jaxact.regularizers._dtypes import promoted

Axes = tuple[tuple[int, ...], ...]
Norms = Callable[[Sequence[Array]], list[Array]]

# 2 to that power has a reciprocal and, times the number of any array's elements, is finite.
_FAR = {"float32": 100, "float64": 996}


def unit_norms(arrays: Sequence[Array], axes: Axes) -> list[Array]:
    """For each array its norms over these axes, which stay with length 1; gradient 0 where 0.

    A unit whose squares all vanish, below 1e-19 in float32, counts as zeros whatever the others
    are: to tell it from zeros would take one more pass wherever there are zeros.

    Args:
        arrays: float32 or float64.
        axes: for each array those of one unit.
    """
    return _unit_norms(axes)(list(arrays)) if arrays else []


@functools.cache
def _unit_norms(axes: Axes) -> Norms:
    @jax.custom_jvp
    def norms(arrays: Sequence[Array]) -> list[Array]:
        totals = [jnp.sum(x * x, axis=a, keepdims=True) for x, a in zip(arrays, axes, strict=True)]
        fine = [_is_exact(t, x.size // max(t.size, 1)) for x, t in zip(arrays, totals, strict=True)]
        # One reduction instead of one for each array.
        plain = jnp.all(jnp.concatenate([f.ravel() for f in fine]))

        def scaled() -> list[Array]:
            each = zip(arrays, axes, totals, strict=True)
            return [jnp.where(t == 0, 0, _scaled_norm(x, a)) for x, a, t in each]

        def roots() -> list[Array]:
            return [jnp.sqrt(t) for t in totals]

        return cast(list[Array], jax.lax.cond(plain, roots, scaled))

    @norms.defjvp
    def _(
        primals: tuple[Sequence[Array]], tangents: tuple[Sequence[Array]]
    ) -> tuple[list[Array], list[Array]]:
        (arrays,), (directions,) = primals, tangents
        lengths = norms(arrays)
        steps = [
            jnp.sum(_direction(x, length) * d, axis=a, keepdims=True)
            for x, d, length, a in zip(arrays, directions, lengths, axes, strict=True)
        ]
        return lengths, steps

    return cast(Norms, norms)


@jax.custom_jvp
def norm_of_all(arrays: Sequence[Array]) -> Array:
    """[], the norm of all arrays as one vector; gradient 0 at the zero vector.

    Args:
        arrays: float32 or float64, one at least.
    """
    dtype = promoted(arrays)
    total = _added([jnp.sum(x * x) for x in arrays], dtype)
    plain = (total >= _least(total, sum(x.size for x in arrays))) & (total < jnp.inf)

    def scaled() -> Array:
        wide = [x.astype(dtype) for x in arrays]
        largest = functools.reduce(jnp.maximum, [jnp.max(jnp.abs(x), initial=0) for x in wide])
        near, far = _scales(largest)
        return jnp.sqrt(_added([jnp.sum(jnp.square(x * near)) for x in wide], dtype)) * far

    return cast(Array, jax.lax.cond(plain, lambda: jnp.sqrt(total), scaled))


@norm_of_all.defjvp
def _(primals: tuple[Sequence[Array]], tangents: tuple[Sequence[Array]]) -> tuple[Array, Array]:
    (arrays,), (directions,) = primals, tangents
    length = norm_of_all(arrays)
    steps = [
        jnp.sum(_direction(x, length.astype(x.dtype)) * d)
        for x, d in zip(arrays, directions, strict=True)
    ]
    return length, _added(steps, length.dtype)


def _added(parts: Sequence[Array], dtype: np.dtype) -> Array:
    return functools.reduce(jnp.add, [part.astype(dtype) for part in parts])


def _direction(x: Array, length: Array) -> Array:
    """X over its length, 0 with a slope of 0 where the length is 0."""
    shorter = _shorter(length, length > 0)
    divisor = jnp.where(length == 0, 1, length) * shorter
    return jnp.where(length == 0, 0, x * shorter / divisor)


def shrunk_to(x: Array, limit: Array, length: Array, over: Array) -> Array:
    """X limit/length where `over`, else x; the quotient may be too small for a number."""
    first, then = shrinkage(limit, length, over)
    return x * first * then


def shrinkage(limit: Array, length: Array, over: Array) -> tuple[Array, Array]:
    """Two factors, to be taken one after the other: together limit/length where `over`, else 1."""
    # Otherwise the slope of a quotient that is not taken could be nan.
    limit, length = jnp.where(over, limit, 1), jnp.where(over, length, 1)
    shorter = _shorter(length, jnp.abs(limit) < length * 2.0**-100)
    return shorter, limit / (length * shorter)


def _shorter(length: Array, wanted: Array) -> Array:
    """1, or for lengths whose reciprocals vanish a power of 2 that brings them to numbers near 1.

    Compilers multiply by reciprocals where many numbers are divided by one.
    """
    exponent = _FAR[length.dtype.name]
    return jnp.where((length > 2.0**exponent) & wanted, 2.0**-exponent, jnp.ones_like(length))


def _is_exact(total: Array, count: int) -> Array:
    """Whether a sum of `count` squares neither overflows nor misses squares that vanish."""
    return ((total >= _least(total, count)) | (total == 0)) & (total < jnp.inf)


def _least(x: Array, count: int) -> float:
    limits = np.finfo(x.dtype)
    return float(limits.tiny) / float(limits.eps) * max(count, 1)


def _scaled_norm(x: Array, axis: tuple[int, ...]) -> Array:
    """The norm, of numbers whose largest square neither overflows nor vanishes."""
    near, far = _scales(jnp.max(jnp.abs(x), axis=axis, keepdims=True, initial=0))
    return jnp.sqrt(jnp.sum(jnp.square(x * near), axis=axis, keepdims=True)) * far


def _scales(largest: Array) -> tuple[Array, Array]:
    """Powers of 2 to multiply numbers and then their norm with, by the size of the largest one.

    Not the largest number itself: its reciprocal may vanish, and powers of 2 round nothing.
    """
    most = np.finfo(largest.dtype).maxexp - 3
    exponent = jnp.clip(jnp.frexp(largest)[1], -most, most)
    one = jnp.ones_like(largest)
    return jnp.ldexp(one, -exponent), jnp.ldexp(one, exponent)
