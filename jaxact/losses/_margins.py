"""What the losses with a margin share."""

import functools
from collections.abc import Sequence

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from jaxact._core import ArgumentValueError, DtypeError, as_array


def hinge(x: Array) -> Array:
    """max(x, 0), with derivative 1 at 0, and 0 where x is nan."""
    return jnp.where(x >= 0, x, jnp.where(x < 0, 0, jax.lax.stop_gradient(x)))


def check_numbers(function: str, **arguments: object) -> None:
    """Raises where torch does, for what is neither a number nor an array.

    Raises:
        TypeError: if an argument is a string, None, a list or the like.
    """
    for argument, value in arguments.items():
        if not isinstance(value, int | float | np.generic | np.ndarray | jax.Array):
            kind = type(value).__name__
            raise TypeError(f"{function}: {argument} must be a number, got {kind}")


def as_real(function: str, argument: str, value: object) -> Array:
    """`value` as an array that is not complex.

    Raises:
        TypeError: if value is no array.
        DtypeError: if it is complex.
    """
    array = as_array(function, argument, value)  # pyright: ignore[reportArgumentType]
    if jnp.issubdtype(array.dtype, jnp.complexfloating):
        raise DtypeError(f"{function}: {argument} must be real, got {array.dtype.name}")
    return array


def check_broadcast(function: str, arrays: dict[str, Array]) -> tuple[int, ...]:
    """The shape of the arrays together.

    Raises:
        ArgumentValueError: if two of them have another length in an axis, neither of them 1.
    """
    try:
        return jnp.broadcast_shapes(*(a.shape for a in arrays.values()))
    except ValueError:
        *first, last = arrays
        shapes = ", ".join(str(a.shape) for a in arrays.values())
        raise ArgumentValueError(
            f"{function}: {', '.join(first)} and {last} must broadcast, got shapes {shapes}"
        ) from None


def result_type(arrays: Sequence[Array]) -> np.dtype:
    """The dtype that the arrays promote to; floating where all are integers.

    As in torch a 0-d array counts only where it is of a higher kind than those that have axes.
    """
    with_axes = [a.dtype for a in arrays if a.ndim]
    without = [a.dtype for a in arrays if not a.ndim]
    dtype = _promoted(with_axes) if with_axes else _promoted(without)
    higher = [d for d in without if _kind(d) > _kind(dtype)]
    if higher:
        dtype = _promoted([dtype, *higher])
    return dtype if jnp.issubdtype(dtype, jnp.floating) else np.dtype(np.float32)


def _promoted(dtypes: Sequence[np.dtype]) -> np.dtype:
    return np.dtype(functools.reduce(jnp.promote_types, dtypes))


def _kind(dtype: np.dtype) -> int:
    return sum(bool(jnp.issubdtype(dtype, kind)) for kind in (jnp.number, jnp.floating))
