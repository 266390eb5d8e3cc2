"""Checks of random keys."""

from typing import Any, cast

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from jaxact.errors import InvalidTypeError


def random_key(function: str, argument: str, key: object) -> object:
    """A JAX random key.

    Raises:
        TypeError: if key is not a JAX random key.
    """
    check_key(function, key)
    return key


def check_key(function: str, key: object, expected: str = "a JAX random key") -> None:
    """Checks a key as far as possible before it is used.

    Raises:
        TypeError: if key is not a JAX random key.
    """
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
                pass  # Its length differs from that of the default implementation's keys.
        got = f"{dtype.name} of shape {key.shape}"
    else:
        got = "None" if key is None else type(key).__name__
    raise InvalidTypeError(
        f"{function}: key must be {expected}, got {got}{_KEY_INSTEAD.get(got, '')}"
    )


def missing_key(function: str) -> InvalidTypeError:
    """The error of a call that draws and was given no key."""
    return InvalidTypeError(
        f"{function}: key must be given when training, got None; write key=jax.random.key(seed)"
    )


_KEY_INSTEAD = {
    "Rngs": "; take one key of it, such as rngs.dropout()",
    "RngStream": "; take one key of it by calling it",
    "Generator": "; write jax.random.key(seed), or jaxact.random.TorchGenerator(seed) for torch's "
    "own numbers",
    "int": "; write jax.random.key(seed)",
    "None": "; write key=jax.random.key(seed)",
}
