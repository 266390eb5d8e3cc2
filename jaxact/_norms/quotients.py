"""Division by norms up to the largest number.

Where many numbers are divided by one, XLA multiplies by its reciprocal, which vanishes for large
divisors: these are scaled by a power of 2 first.
"""

from collections.abc import Sequence

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array


def quotient(x: Array, divisor: Array) -> Array:
    """x / divisor, for positive divisors up to the largest number."""
    half = np.finfo(x.dtype).maxexp // 2
    scale = jnp.where(divisor > 2.0 ** (half + half // 2), 2.0**-half, jnp.ones_like(divisor))
    return x * scale / (divisor * scale)


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


def shrunk_to(x: Array, limit: Array, length: Array, over: Array) -> Array:
    """x limit/length where `over`, else x; limit/length itself may vanish."""
    first, then = shrinkage(limit, length, over)
    return x * first * then


def shrinkage(limit: Array, length: Array, over: Array) -> tuple[Array, Array]:
    """Two factors to multiply with in turn: their product is limit/length where `over`, else 1."""
    # Safe operands: the gradient of the quotient that is not selected must not be nan.
    limit, length = jnp.where(over, limit, 1), jnp.where(over, length, 1)
    shorter = shortening(length, jnp.abs(limit) < length * 2.0**-100)
    return shorter, limit / (length * shorter)


# The exponent of a power of 2 whose reciprocal is normal, and which is finite times the number of
# elements of any array.
_INVERTIBLE = {"float32": 100, "float64": 996}


def shortening(length: Array, wanted: Array) -> Array:
    """1, or where `wanted` a power of 2 that brings lengths without a reciprocal near 1."""
    exponent = _INVERTIBLE[length.dtype.name]
    return jnp.where((length > 2.0**exponent) & wanted, 2.0**-exponent, jnp.ones_like(length))
