"""The test for an accurate sum of squares, and scale factors for numbers that fail it."""

import jax.numpy as jnp
import numpy as np
from jax import Array, lax


def least_sum_of_squares(dtype: np.dtype, count: int) -> float:
    """The least sum of `count` squares at which underflow costs less than rounding.

    Each square that underflows loses less than the least normal number, `tiny`. All together lose
    less than count tiny, which is eps times the sum if the sum is count tiny / eps.
    """
    limits = np.finfo(dtype)
    return float(limits.tiny) / float(limits.eps) * max(count, 1)


def rescue(total: Array, least: float) -> Array:
    """The factor to multiply numbers with if the sum of their squares, `total`, is inaccurate.

    A power of 2: large if the sum is below `least`, small if it is infinite, else 1. Which one of
    the three serves can be told from the sum alone. In float32 it is 2^96: numbers whose squares
    sum to less than `least` are below 2^-51 (times the root of their count), their scaled squares
    below 2^90; numbers whose squares overflow are above 2^64 (divided by that root), their scaled
    squares above 2^-64.
    """
    large = 2.0 ** (np.finfo(total.dtype).maxexp * 3 // 4)
    one = jnp.ones_like(total)
    return jnp.where(total < least, large, jnp.where(total == jnp.inf, 1 / large, one))


def all_hold(conditions: Array) -> Array:
    """[], whether all are True.

    Counted with a sum: XLA on CPUs makes three more loops of a conjunction, each to be compiled.
    """
    failed = lax.convert_element_type(lax.bitwise_not(conditions), jnp.float32)
    return lax.reduce_sum(failed, tuple(range(failed.ndim))) == 0
