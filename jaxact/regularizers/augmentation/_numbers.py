"""Numbers that images are changed by: one or several, and their bounds."""

from collections.abc import Sequence
from typing import TypeAlias, cast

import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.typing import ArrayLike

from jaxact._checking import defined
from jaxact._core import ArgumentValueError, as_array, is_number

# One number, or several: an array, or a sequence of numbers.
Numbers: TypeAlias = ArrayLike | Sequence[ArrayLike]
Interval: TypeAlias = tuple[ArrayLike, ArrayLike]


def several(value: Numbers | None) -> tuple[ArrayLike, ...] | None:
    """The numbers of a sequence; None of an array or a single number."""
    return tuple(cast(Sequence[ArrayLike], value)) if isinstance(value, tuple | list) else None


def check_number(function: str, argument: str, value: ArrayLike) -> None:
    """Refuses what is not a single number.

    Raises:
        TypeError: if it is no array.
        ArgumentValueError: if it has axes.
    """
    if not is_number(value) and as_array(function, argument, value).ndim:
        raise ArgumentValueError(
            f"{function}: {argument} must be a single number, got shape {jnp.shape(value)}"
        )


def check_bounds(
    function: str, argument: str, value: object, least: float, most: float = np.inf
) -> None:
    """Refuses a number that Python knows to be out of bounds.

    Raises:
        ArgumentValueError: if it is, or is nan.
    """
    if is_number(value) and not least <= value <= most:
        raise ArgumentValueError(_out_of_bounds(function, argument, least, most, value))


def bounded(
    function: str, argument: str, result: Array, value: Array, least: float, most: float = np.inf
) -> Array:
    """The result, and nan where the value that only the running program knows is out of bounds."""
    holds = (value >= least) & (value <= most)
    message = _out_of_bounds(function, argument, least, most, "{value}")
    return defined(result, holds, ArgumentValueError, message, value)


def _out_of_bounds(function: str, argument: str, least: float, most: float, value: object) -> str:
    wanted = f"at least {least:g}" if np.isinf(most) else f"in [{least:g}, {most:g}]"
    return f"{function}: {argument} must be {wanted}, got {value}"
