"""Division by norms up to the largest finite number.

When XLA divides many numbers by the same divisor, it multiplies by the reciprocal, which underflows
for large divisors. The functions here scale such divisors by a power of 2 first.
"""

from collections.abc import Sequence

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array


def quotient(x: Array, divisor: Array) -> Array:
    """x / divisor, for positive divisors up to the largest finite number."""
    half = np.finfo(x.dtype).maxexp // 2
    scale = jnp.where(divisor > 2.0 ** (half + half // 2), 2.0**-half, jnp.ones_like(divisor))
    return x * scale / (divisor * scale)


@jax.custom_jvp
def divided(x: Array, divisor: Array) -> Array:
    """x / divisor; the gradient avoids the square of the divisor, which could overflow."""
    return quotient(x, divisor)


@divided.defjvp
def _(primals: Sequence[Array], tangents: Sequence[Array]) -> tuple[Array, Array]:
    x, divisor = primals
    x_dot, divisor_dot = tangents
    y = divided(x, divisor)
    return y, quotient(x_dot - y * divisor_dot, divisor)


def shrunk_to(x: Array, limit: Array, length: Array, over: Array) -> Array:
    """x limit/length where `over`, else x; correct even if limit/length underflows."""
    first, then = shrinkage(limit, length, over)
    return x * first * then


def shrinkage(limit: Array, length: Array, over: Array) -> tuple[Array, Array]:
    """Two factors to apply in turn; their product is limit/length where `over`, else 1."""
    # Safe operands: the gradient of the unselected quotient must not be nan.
    limit, length = jnp.where(over, limit, 1), jnp.where(over, length, 1)
    shorter = shortening(length, jnp.abs(limit) < length * 2.0**-100)
    return shorter, limit / (length * shorter)


# The exponent of a power of 2 whose reciprocal is normal and whose product with the size of any
# array is finite.
_INVERTIBLE = {"float32": 100, "float64": 996}


def shortening(length: Array, wanted: Array) -> Array:
    """A power of 2 where `wanted` and the reciprocal of length could underflow, else 1.

    The product of length and this power is near 1.
    """
    exponent = _INVERTIBLE[length.dtype.name]
    return jnp.where((length > 2.0**exponent) & wanted, 2.0**-exponent, jnp.ones_like(length))
