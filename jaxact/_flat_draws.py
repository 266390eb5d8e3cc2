"""Random arrays drawn along one axis, which compiles several times faster than along four."""

import math
from collections.abc import Callable

import jax
from jax import Array
from jax.typing import DTypeLike

__all__ = ["flat_gumbel", "flat_normal", "flat_uniform"]


def flat_normal(key: Array, shape: tuple[int, ...], dtype: DTypeLike) -> Array:
    """The numbers of jax.random.normal, [...]."""
    return _flat(jax.random.normal, key, shape, dtype)


def flat_uniform(key: Array, shape: tuple[int, ...], dtype: DTypeLike) -> Array:
    """The numbers of jax.random.uniform between 0 and 1, [...]."""
    return _flat(jax.random.uniform, key, shape, dtype)


def flat_gumbel(key: Array, shape: tuple[int, ...], dtype: DTypeLike) -> Array:
    """The numbers of jax.random.gumbel, [...]."""
    return _flat(jax.random.gumbel, key, shape, dtype)


def _flat(
    draw: Callable[..., Array], key: Array, shape: tuple[int, ...], dtype: DTypeLike
) -> Array:
    """The numbers of draw(key, shape, dtype), of which only the order counts, [...].

    On CPUs XLA takes 6.2 s to compile 196,608 normal numbers over four axes, 0.4 s over one
    (jax 0.10.2).
    """
    return draw(key, (math.prod(shape),), dtype).reshape(shape)
