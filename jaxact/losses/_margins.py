"""Shared parts of the losses with a margin."""

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from jaxact.losses._elementwise import promoted


def hinge(x: Array) -> Array:
    """max(x, 0), with derivative 1 at 0 and derivative 0 at nan."""
    return jnp.where(x >= 0, x, jnp.where(x < 0, 0, jax.lax.stop_gradient(x)))


def promoted_float(*arrays: Array) -> np.dtype:
    """The dtype that the arrays promote to; float32 if this is not a floating dtype."""
    dtype = np.dtype(promoted(*arrays))
    return dtype if jnp.issubdtype(dtype, jnp.floating) else np.dtype(np.float32)
