"""Checks of the arguments of schedules."""

from collections.abc import Sequence
from typing import Any, cast

from jaxact._arguments import integer
from jaxact.errors import InvalidDivisorError, InvalidTypeError, InvalidValueError


def period(function: str, argument: str, value: Any) -> int:
    """A number of steps that is divided by.

    Raises:
        InvalidDivisorError: if it is 0.
        InvalidValueError: if it is negative.
    """
    steps = integer(function, argument, value)
    if steps < 1:
        error = InvalidDivisorError if steps == 0 else InvalidValueError
        raise error(f"{function}: {argument} must be at least 1, got {value}")
    return steps


def count(function: str, argument: str, value: Any) -> int:
    """A number of steps, which may be 0.

    Raises:
        InvalidValueError: if it is negative.
    """
    steps = integer(function, argument, value)
    if steps < 0:
        raise InvalidValueError(f"{function}: {argument} must be at least 0, got {value}")
    return steps


def milestones(function: str, argument: str, value: Any) -> tuple[int, ...]:
    """Steps at which something changes.

    Raises:
        InvalidTypeError: if they are no tuple or list.
    """
    if not isinstance(value, tuple | list):
        raise InvalidTypeError(f"{function}: {argument} must be a list of ints, got {value!r}")
    return tuple(integer(function, argument, entry) for entry in cast(Sequence[Any], value))
