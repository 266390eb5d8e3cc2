"""Running means and variances: checks of them, and their update."""

from collections.abc import Mapping

from jax import Array
from jax.typing import ArrayLike

from jaxact._arguments import as_array
from jaxact.errors import ArgumentValueError, InvalidValueError
from jaxact.regularizers.normalization._channels import Layout
from jaxact.regularizers.normalization._parameters import check_parameters


def running_statistics(
    function: str, x: Array | None, layout: Layout, mean: ArrayLike, variance: ArrayLike
) -> tuple[Array, Array]:
    """Running mean and variance as arrays, their shapes and dtypes checked."""
    given = {
        "running_mean": as_array(function, "running_mean", mean),
        "running_var": as_array(function, "running_var", variance),
    }
    check_parameters(function, x, (layout.channels,), **given)
    return given["running_mean"], given["running_var"]


def running_average(old: Array, new: Array, share: Array) -> Array:
    """(1 - share) old + share new, computed in the dtype of new and rounded once to that of old."""
    return ((1 - share) * old.astype(share.dtype) + share * new).astype(old.dtype)


def check_both_or_none(function: str, running: Mapping[str, ArrayLike | None]) -> None:
    """Raises ValueError if one of the two is None and the other is not."""
    if len({value is None for value in running.values()}) > 1:
        raise InvalidValueError(
            f"{function}: running_mean and running_var must both be None or both be given, "
            "got one of them"
        )


def check_given(function: str, running: Mapping[str, ArrayLike | None], needed: bool) -> None:
    """Raises ArgumentValueError if one is None although it is needed."""
    for name, value in running.items():
        if needed and value is None:
            raise ArgumentValueError(
                f"{function}: {name} must be given in evaluation mode, got None"
            )


def check_more_than_one(function: str, part: str, count: int) -> None:
    """Raises ValueError if a variance would be taken of a single value."""
    if count == 1:
        raise InvalidValueError(
            f"{function}: input must have more than one value for each {part} when training, got 1"
        )
