"""Uniform draws, one of each for every image, from one key."""

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.typing import ArrayLike

from jaxact.regularizers.augmentation._numbers import bounded


def check_key(function: str, key: object) -> None:
    """A random function cannot do without.

    Raises:
        TypeError: if the key is None.
    """
    if key is None:
        raise TypeError(f"{function}: key must be a JAX random key, got None")


def uniform_draws(key: Array, count: int, x: Array) -> Array:
    """[count, n], uniform on [0, 1), `count` numbers for each image.

    One call for all of them, since each one is a large program to compile. 32 bits, so that the
    switch to 64 bits changes no draw.
    """
    return jax.random.uniform(key, (count, x.shape[0]), np.float32)


def uniform_below(draw: Array, count: ArrayLike) -> Array:
    """Uniform whole numbers from 0 to count - 1."""
    return jnp.floor(draw * count).astype(np.int32)


def nan_unless_probability(function: str, result: Array, p: Array) -> Array:
    return bounded(function, "p", result, p.astype(jnp.result_type(p, np.float32)), 0, 1)
