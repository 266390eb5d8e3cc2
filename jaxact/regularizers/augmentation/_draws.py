"""Uniform random numbers for the images of a batch, from one key."""

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.typing import ArrayLike

from jaxact.regularizers.augmentation._numbers import nan_unless_bounded


def uniform_draws(key: Array, count: int, x: Array) -> Array:
    """[count, n], uniform on [0, 1), `count` numbers for each image.

    One call for all: each call compiles the generator once more. Always float32, so that jax's
    64-bit mode draws the same numbers.
    """
    return jax.random.uniform(key, (count, x.shape[0]), np.float32)


def uniform_below(draw: Array, count: ArrayLike) -> Array:
    """Integers from 0 to count - 1, uniform if the draw is uniform on [0, 1)."""
    return jnp.floor(draw * jnp.asarray(count).astype(draw.dtype)).astype(np.int32)


def nan_unless_probability(function: str, result: Array, p: Array) -> Array:
    """The result, nan if a traced p is outside of [0, 1]; a checked call raises then."""
    return nan_unless_bounded(function, "p", result, p.astype(jnp.result_type(p, np.float32)), 0, 1)
