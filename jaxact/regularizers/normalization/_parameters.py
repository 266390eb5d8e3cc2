"""Checks of the parameters of normalizations: weights, statistics, eps, flags and numbers."""

from collections.abc import Mapping
from typing import cast

import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.typing import ArrayLike

from jaxact._arguments import as_array, as_floating
from jaxact._numbers import compute_dtype
from jaxact.errors import ArgumentTypeError, ArgumentValueError


def check_parameters(
    function: str, x: Array | None, shape: tuple[int, ...], **given: ArrayLike | None
) -> dict[str, Array | None]:
    """The parameters as arrays of this shape; None stays.

    Args:
        function: whose parameters they are.
        x: whose dtype they must have, or float32 beside half precision. None: any floating dtype.
        shape: of each parameter.
        **given: the parameters by name.
    """
    arrays: dict[str, Array | None] = {}
    dtypes: dict[str, np.dtype] = {}
    for name, value in given.items():
        arrays[name] = None
        if value is None:
            continue
        array = arrays[name] = as_floating(function, name, value)
        if array.shape != shape:
            raise ArgumentValueError(
                f"{function}: {name} must have shape {shape}, got {array.shape}"
            )
        if not array.weak_type:
            dtypes[name] = array.dtype
    if x is not None:
        _check_dtypes(function, x.dtype, dtypes)
    return arrays


def _check_dtypes(function: str, dtype: np.dtype, dtypes: Mapping[str, np.dtype]) -> None:
    allowed = {dtype, compute_dtype(dtype)}
    for name, other in dtypes.items():
        if other not in allowed:
            choice = " or ".join(sorted(d.name for d in allowed))
            raise ArgumentTypeError(
                f"{function}: {name} must have dtype {choice} for an input of {dtype.name}, "
                f"got {other.name}"
            )
    if len(set(dtypes.values())) > 1:
        found = ", ".join(f"{name} of {other.name}" for name, other in dtypes.items())
        raise ArgumentTypeError(f"{function}: parameters must have one dtype, got {found}")


def eps_array(function: str, eps: ArrayLike, dtype: np.dtype) -> Array:
    """eps as an array of this dtype."""
    return as_array(function, "eps", eps).astype(dtype)


def check_numbers(function: str, **numbers: ArrayLike) -> None:
    """Raises ArgumentTypeError unless each is a real scalar."""
    for name, value in numbers.items():
        if isinstance(value, float | int):
            continue
        if not isinstance(cast(object, value), Array | np.ndarray | np.generic | int | float):
            raise ArgumentTypeError(f"{function}: {name} must be a number, got {value!r}")
        array = jnp.asarray(value)
        if array.ndim or jnp.issubdtype(array.dtype, jnp.complexfloating):
            raise ArgumentTypeError(
                f"{function}: {name} must be a real number, got {array.dtype.name} of shape "
                f"{array.shape}"
            )
