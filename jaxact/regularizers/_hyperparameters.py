"""Checks of scalar hyperparameters: while tracing, and of values that only a program knows."""

import jax.numpy as jnp
from jax import Array
from jax.typing import ArrayLike

from jaxact._checking import nan_unless
from jaxact.errors import ArgumentValueError


def at_least_zero(function: str, argument: str, value: ArrayLike) -> Array:
    """The number, or nan if it is negative, for which a checked call raises."""
    number = jnp.asarray(value).astype(jnp.result_type(float))
    message = f"{function}: {argument} must be at least 0, got {{value}}"
    return nan_unless(number, number >= 0, ArgumentValueError, message, number)
