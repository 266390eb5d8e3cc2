"""Random keys, checked before they are used."""

from typing import Any, cast

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array


def check_key(function: str, key: object, expected: str = "a JAX random key") -> None:
    """What can be told of a key before it is used.

    Raises:
        TypeError: if it is none.
    """
    got = type(key).__name__
    if isinstance(key, Array | np.ndarray):
        dtype = cast(Any, key).dtype
        if jnp.issubdtype(dtype, jax.dtypes.prng_key):
            if not key.ndim:
                return
        elif dtype == np.uint32 and key.ndim == 1:
            try:
                jax.random.wrap_key_data(jnp.asarray(key))
                return
            except (TypeError, ValueError):
                pass  # Of another length than the default implementation's.
        got = f"{dtype.name} of shape {key.shape}"
    raise TypeError(f"{function}: key must be {expected}, got {got}")
