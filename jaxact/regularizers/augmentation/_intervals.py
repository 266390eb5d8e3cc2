"""Intervals to draw from: parsing of arguments, checks, and uniform draws."""

from collections.abc import Sequence
from typing import Any, NamedTuple, cast

import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.typing import ArrayLike

from jaxact._arguments import as_array, check_scalar
from jaxact._checking import nan_unless
from jaxact._numbers import is_number
from jaxact.errors import ArgumentValueError
from jaxact.regularizers.augmentation._numbers import (
    Interval,
    Numbers,
    as_tuple,
    check_bounds,
)

# The least scale: it is divided by.
TINY = float(np.finfo(np.float32).tiny)


class Range(NamedTuple):
    """An interval, and the argument it was given by: both ends, or one number twice."""

    low: ArrayLike
    high: ArrayLike
    given: Interval


def parse_numbers(function: str, argument: str, value: Numbers) -> tuple[ArrayLike, ...] | None:
    """The numbers of a sequence or of an array of one axis; None of a single number.

    Raises:
        TypeError: if something else is among them.
        ArgumentValueError: if there are more axes.
    """
    numbers = as_tuple(value)
    if numbers is None and not is_number(value):
        array = as_array(function, argument, cast(ArrayLike, value))
        # numpy's numbers, unlike JAX's, are known to Python.
        numbers = tuple(cast(Any, value)) if array.ndim == 1 else None
    for number in (cast(ArrayLike, value),) if numbers is None else numbers:
        check_scalar(function, argument, number)
    return numbers


def two_numbers(function: str, argument: str, value: Sequence[ArrayLike]) -> Interval:
    """Both numbers of a pair.

    Raises:
        ArgumentValueError: if there are not two.
    """
    numbers = parse_numbers(function, argument, value)
    if numbers is None or len(numbers) != 2:
        raise ArgumentValueError(f"{function}: {argument} must be two numbers, got {value}")
    return numbers[0], numbers[1]


def parse_interval(
    function: str, argument: str, value: Numbers, center: float, least: float, most: float
) -> Range:
    """The interval from its two ends, or from its half width.

    Raises:
        TypeError: if value is no number, array or sequence of them.
        ArgumentValueError: if there are not two, or Python knows that they are crossed or out of
            bounds.
    """
    pair = parse_numbers(function, argument, value)
    if pair is None:
        radius = cast(ArrayLike, value)
        check_bounds(function, argument, radius, 0, most - center)
        low = center - radius
        low = max(low, least) if is_number(low) else jnp.maximum(low, least)
        return Range(low, center + radius, (radius, radius))
    if len(pair) != 2:
        raise ArgumentValueError(
            f"{function}: {argument} must be one number or two, got {len(pair)} of them"
        )
    low, high = pair
    if is_number(low) and is_number(high) and not least <= low <= high <= most:
        raise ArgumentValueError(
            f"{function}: {argument} must be {_in_order(least, most)}, got {low} and {high}"
        )
    return Range(low, high, (low, high))


def _in_order(least: float, most: float) -> str:
    return f"an interval in [{least:g}, {most:g}], its lower end first"


def nan_unless_interval(
    function: str,
    argument: str,
    result: Array,
    given: Range,
    least: float,
    most: float,
    center: float | None = None,
) -> Array:
    """The result, nan if traced ends are crossed or out of bounds; a checked call raises then.

    Args:
        function: whose result it is.
        argument: its argument that gave the interval.
        result: the result, any shape.
        given: the interval.
        least: the smallest lower end.
        most: the largest upper end.
        center: of the interval, where the argument may be its half width.
    """
    low, high = as_arrays(given)
    holds = (low >= least) & (low <= high) & (high <= most)
    radius = "" if center is None else f"{_distance(most - center)}, or "
    message = f"{function}: {argument} must be {radius}{_in_order(least, most)}, got {{value}}"
    first, second = (jnp.asarray(number) for number in given.given)
    return nan_unless(
        result, holds, ArgumentValueError, message, jnp.where(first < least, first, second)
    )


def _distance(most: float) -> str:
    return "at least 0" if np.isinf(most) else f"in [0, {most:g}]"


def as_arrays(given: Range, dtype: np.dtype | None = None) -> tuple[Array, Array]:
    """Low and high in that dtype, by default one that represents both."""
    low, high = jnp.asarray(given.low), jnp.asarray(given.high)
    wide = jnp.result_type(low, high, np.float32) if dtype is None else dtype
    return low.astype(wide), high.astype(wide)


def uniform_between(draw: Array, ends: tuple[Array, Array]) -> Array:
    """Uniform numbers between the ends, in their dtype; differentiable in the ends."""
    low, high = ends
    return low + draw.astype(low.dtype) * (high - low)
