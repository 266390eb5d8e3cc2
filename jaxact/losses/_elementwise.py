"""What the losses of single elements share: checks, promotion, broadcasting, gradient rules."""

import functools
from typing import cast

import jax.numpy as jnp
from jax import Array, lax
from jax.typing import ArrayLike

from jaxact._arguments import as_real
from jaxact._numbers import compute_dtype
from jaxact.errors import ArgumentTypeError, ArgumentValueError, InvalidValueError

# ------------------------------------------------------------------------------------------ checks


def check_same_shape(function: str, input: Array, target: Array) -> None:
    """Raises unless input and target have one shape.

    Raises:
        ValueError: if they have not.
    """
    if target.shape != input.shape:
        raise InvalidValueError(
            f"{function}: target must have the shape of input, {input.shape}, got {target.shape}"
        )


# --------------------------------------------------------------------------------------- operands


def refuse_booleans(function: str, **arrays: Array) -> None:
    """Raises where torch does because it subtracts no booleans.

    Raises:
        ArgumentTypeError: if one of the arrays is boolean.
    """
    for argument, array in arrays.items():
        if array.dtype == jnp.bool_:
            raise ArgumentTypeError(f"{function}: {argument} must not be boolean")


def promoted(*arrays: Array) -> jnp.dtype:
    """The dtype of a result of all arrays.

    As in torch an array without axes does not widen one that has some, unless it is of another
    kind: float rather than integer.
    """
    with_axes = [array.dtype for array in arrays if array.ndim]
    without = [array.dtype for array in arrays if not array.ndim]
    if not with_axes or not without:
        return functools.reduce(jnp.promote_types, with_axes or without)
    wide = functools.reduce(jnp.promote_types, with_axes)
    narrow = functools.reduce(jnp.promote_types, without)
    return jnp.promote_types(wide, narrow) if _kind(narrow) > _kind(wide) else wide


def _kind(dtype: jnp.dtype) -> int:
    kinds = (jnp.bool_, jnp.integer, jnp.floating, jnp.complexfloating)
    return next(i for i, kind in enumerate(kinds) if jnp.issubdtype(dtype, kind))


def widened(dtype: jnp.dtype, *arrays: Array) -> list[Array]:
    """The arrays in the dtype that a result of `dtype` is computed in."""
    return [array.astype(compute_dtype(dtype)) for array in arrays]


def broadcast(function: str, **arrays: Array) -> list[Array]:
    """The arrays in their common shape.

    Raises:
        ArgumentValueError: if they have none.
    """
    shapes = {argument: array.shape for argument, array in arrays.items()}
    try:
        shape = jnp.broadcast_shapes(*shapes.values())
    except ValueError:
        named = ", ".join(f"{argument} {shape}" for argument, shape in shapes.items())
        raise ArgumentValueError(f"{function}: shapes must broadcast, got {named}") from None
    return [jnp.broadcast_to(array, shape) for array in arrays.values()]


def broadcast_into(function: str, argument: str, array: Array, shape: tuple[int, ...]) -> Array:
    """The array, expanded to a shape that it must not enlarge.

    Raises:
        ArgumentValueError: if it does not fit.
    """
    try:
        return jnp.broadcast_to(array, shape)
    except ValueError:
        raise ArgumentValueError(
            f"{function}: {argument} must broadcast to input's shape {shape}, got {array.shape}"
        ) from None


def number(function: str, argument: str, value: ArrayLike, dtype: jnp.dtype) -> Array:
    """A hyperparameter in the dtype that a result of `dtype` is computed in."""
    return as_real(function, argument, value).astype(compute_dtype(dtype))


def unshared(x: Array, *values: float) -> tuple[Array, ...]:
    """Constants in x's dtype, hidden from XLA, for a loss that is summed.

    A constant that loss and gradient share is materialized as a whole array, and both loops take
    4 times as long.
    """
    return cast(tuple[Array, ...], lax.optimization_barrier([x.dtype.type(v) for v in values]))
