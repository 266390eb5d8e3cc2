"""When a sum of squares is accurate, and what vectors are scaled by where it is not."""

import jax.numpy as jnp
import numpy as np
from jax import Array


def least_sum_of_squares(dtype: np.dtype, count: int) -> float:
    """The sum of `count` squares from which on what is lost to underflow is less than rounding.

    Each square that underflows loses less than the least normal number, `tiny`: together less than
    eps times a sum of count tiny / eps.
    """
    limits = np.finfo(dtype)
    return float(limits.tiny) / float(limits.eps) * max(count, 1)


def finite_unit(unit: Array) -> Array:
    """The unit to divide a vector by: 1 instead of 0 and infinity."""
    return jnp.where((unit == 0) | (unit == jnp.inf), 1, unit)


def or_unit(scaled: Array, unit: Array, total: Array) -> Array:
    """`scaled`, but the unit itself where it is 0 or infinite and no component is nan."""
    alone = ((unit == 0) | (unit == jnp.inf)) & ~jnp.isnan(total)
    return jnp.where(alone, unit, scaled)


def powers_of_two(largest: Array) -> tuple[Array, Array]:
    """2^-e and 2^e, to scale numbers down and their norm up, e the exponent of the largest number.

    Powers of 2, because they round nothing and because the reciprocal of a large number vanishes.
    """
    most = np.finfo(largest.dtype).maxexp - 3
    exponent = jnp.clip(jnp.frexp(largest)[1], -most, most)
    one = jnp.ones_like(largest)
    return jnp.ldexp(one, -exponent), jnp.ldexp(one, exponent)
