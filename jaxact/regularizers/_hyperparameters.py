"""Checks of scalar hyperparameters: while tracing, and of values that only a program knows."""

from typing import cast

import jax.numpy as jnp
from jax import Array
from jax.typing import ArrayLike

from jaxact._arguments import as_array
from jaxact._checking import nan_unless
from jaxact._numbers import is_number
from jaxact.errors import ArgumentTypeError, ArgumentValueError


def check_number(
    function: str, argument: str, value: object, *, least: float | None = None
) -> None:
    """Check what is static about a hyperparameter: that it is a real scalar, and its lower bound.

    Raises:
        TypeError: if it is no real number.
        ArgumentValueError: if it has axes, or is known to be below `least` or nan.
    """
    array = as_array(function, argument, cast(ArrayLike, value))
    if jnp.issubdtype(array.dtype, jnp.complexfloating):
        raise ArgumentTypeError(f"{function}: {argument} must be real, got {array.dtype}")
    if array.ndim:
        raise ArgumentValueError(
            f"{function}: {argument} must be one number, got shape {array.shape}"
        )
    if least is not None and is_number(value) and not value >= least:
        raise ArgumentValueError(f"{function}: {argument} must be at least {least:g}, got {value}")


def at_least_zero(function: str, argument: str, value: ArrayLike) -> Array:
    """The number, or nan if it is negative, for which a checked call raises."""
    number = jnp.asarray(value).astype(jnp.result_type(float))
    message = f"{function}: {argument} must be at least 0, got {{value}}"
    return nan_unless(number, number >= 0, ArgumentValueError, message, number)
