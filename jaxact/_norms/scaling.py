"""The test for an accurate sum of squares, and scale factors for vectors that fail it."""

import jax.numpy as jnp
import numpy as np
from jax import Array


def least_sum_of_squares(dtype: np.dtype, count: int) -> float:
    """The least sum of `count` squares at which underflow costs less than rounding.

    Each square that underflows loses less than the least normal number, `tiny`. All together lose
    less than count tiny, which is eps times the sum if the sum is count tiny / eps.
    """
    limits = np.finfo(dtype)
    return float(limits.tiny) / float(limits.eps) * max(count, 1)


def finite_unit(unit: Array) -> Array:
    """The unit to divide a vector by, with 1 in place of 0 and infinity."""
    return jnp.where((unit == 0) | (unit == jnp.inf), 1, unit)


def or_unit(scaled: Array, unit: Array, total: Array) -> Array:
    """`scaled`, but the unit where the unit is 0 or infinite and no component is nan."""
    alone = ((unit == 0) | (unit == jnp.inf)) & ~jnp.isnan(total)
    return jnp.where(alone, unit, scaled)


def powers_of_two(largest: Array) -> tuple[Array, Array]:
    """2^-e and 2^e, where e is the exponent of the largest number: scale numbers, then their norm.

    Powers of 2 scale without rounding; the reciprocal of the largest number could underflow.
    """
    most = np.finfo(largest.dtype).maxexp - 3
    exponent = jnp.clip(jnp.frexp(largest)[1], -most, most)
    one = jnp.ones_like(largest)
    return jnp.ldexp(one, -exponent), jnp.ldexp(one, exponent)
