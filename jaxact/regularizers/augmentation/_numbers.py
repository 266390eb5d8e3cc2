"""Scalar arguments of image functions: one number or several, and their bounds."""

from collections.abc import Sequence
from typing import TypeAlias, cast

import numpy as np
from jax import Array
from jax.typing import ArrayLike

from jaxact._arguments import Check
from jaxact._checking import nan_unless
from jaxact._numbers import is_number
from jaxact.errors import ArgumentValueError

# One number, or several: an array, or a sequence of numbers.
Numbers: TypeAlias = ArrayLike | Sequence[ArrayLike]
Interval: TypeAlias = tuple[ArrayLike, ArrayLike]


def as_tuple(value: Numbers | None) -> tuple[ArrayLike, ...] | None:
    """The numbers of a sequence; None of an array or a single number."""
    return tuple(cast(Sequence[ArrayLike], value)) if isinstance(value, tuple | list) else None


def check_bounds(
    function: str, argument: str, value: object, least: float, most: float = np.inf
) -> None:
    """Check a number that is not traced against its bounds.

    Raises:
        ArgumentValueError: if it is out of bounds or nan.
    """
    if is_number(value) and not least <= value <= most:
        raise ArgumentValueError(_out_of_bounds(function, argument, least, most, value))


def within(least: float, most: float = np.inf) -> Check:
    """The check of an argument against its bounds, if it is not traced."""

    def check(function: str, argument: str, value: object) -> object:
        check_bounds(function, argument, value, least, most)
        return value

    return check


def nan_unless_bounded(
    function: str, argument: str, result: Array, value: Array, least: float, most: float = np.inf
) -> Array:
    """The result, nan where a traced value is out of bounds; a checked call raises then."""
    holds = (value >= least) & (value <= most)
    message = _out_of_bounds(function, argument, least, most, "{value}")
    return nan_unless(result, holds, ArgumentValueError, message, value)


def _out_of_bounds(function: str, argument: str, least: float, most: float, value: object) -> str:
    wanted = f"at least {least:g}" if np.isinf(most) else f"in [{least:g}, {most:g}]"
    return f"{function}: {argument} must be {wanted}, got {value}"
