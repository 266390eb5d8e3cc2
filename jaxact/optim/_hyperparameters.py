"""Hyperparameters of optimizers: their checks, and their values at a step."""

from collections.abc import Callable
from typing import Any, TypeAlias, cast

import jax.numpy as jnp
from jax import Array
from jax.typing import ArrayLike

from jaxact._arguments import Check, check_scalar
from jaxact._checking import nan_unless
from jaxact._numbers import is_number
from jaxact.errors import InvalidTypeError, InvalidValueError

# From the number of steps made so far to a number.
Schedule: TypeAlias = Callable[[Array], ArrayLike]
Scheduled: TypeAlias = ArrayLike | Schedule


def number_at(value: Scheduled, step: Array) -> Array:
    """The hyperparameter at a step, counted from 0, in the widest float dtype."""
    number = value(step) if callable(value) else value
    return jnp.asarray(number).astype(jnp.result_type(float))


def as_number(value: ArrayLike) -> Array:
    """The value, in its dtype if it is a floating array, else in the widest one."""
    array = jnp.asarray(value)
    keeps = not is_number(value) and jnp.issubdtype(array.dtype, jnp.floating)
    return array if keeps else array.astype(jnp.result_type(float))


def is_zero(value: Any) -> bool:
    """Whether the value is known to be 0 before anything is traced."""
    return is_number(value) and value == 0


def within(holds: Callable[[Any], Any], expected: str, *, scheduled: bool = False) -> Check:
    """A real number, of which a condition holds; an array without axes, which is nan otherwise.

    Args:
        holds: the condition, of numbers and of arrays.
        expected: the end of the message after "must", such as "be at least 0".
        scheduled: whether a schedule may be given too.
    """

    def check(function: str, argument: str, value: Any) -> Any:
        if scheduled and callable(value):
            return value
        if isinstance(value, bool):
            raise InvalidTypeError(f"{function}: {argument} must be a number, got {value}")
        check_scalar(function, argument, value)
        if is_number(value):
            if not holds(value):
                raise InvalidValueError(f"{function}: {argument} must {expected}, got {value}")
            return value
        number = as_number(value)
        message = f"{function}: {argument} must {expected}, got {{value}}"
        return nan_unless(number, holds(number), InvalidValueError, message, number)

    return check


at_least_0 = within(lambda value: value >= 0, "be at least 0")
rate = within(lambda value: value >= 0, "be at least 0", scheduled=True)
anything = within(lambda value: value == value, "be a number")
share = within(lambda value: (value >= 0) & (value < 1), "be in [0, 1)", scheduled=True)


def or_none(check: Check) -> Check:
    """None, or what the check accepts."""

    def checked(function: str, argument: str, value: Any) -> Any:
        return None if value is None else check(function, argument, value)

    return checked


def callback(function: str, argument: str, value: Any) -> Any:
    """A function.

    Raises:
        InvalidTypeError: if it cannot be called.
    """
    if not callable(value):
        raise InvalidTypeError(f"{function}: {argument} must be a function, got {value!r}")
    return value


def several(*checks: Check) -> Check:
    """A tuple or list, each entry with a check of its own."""

    def check(function: str, argument: str, value: Any) -> tuple[Any, ...]:
        if not isinstance(value, tuple | list) or len(cast(Any, value)) != len(checks):
            raise InvalidTypeError(
                f"{function}: {argument} must be a tuple of {len(checks)} numbers, got {value!r}"
            )
        entries = zip(checks, cast(Any, value), strict=True)
        return tuple(
            one(function, f"{argument}[{i}]", entry) for i, (one, entry) in enumerate(entries)
        )

    return check


BETAS = several(share, share)
