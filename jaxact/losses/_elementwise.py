"""Shared parts of the element-wise losses: checks, promotion, broadcasting, hidden constants."""

import functools
from typing import cast

import jax
import jax.numpy as jnp
from jax import Array, lax
from jax.typing import ArrayLike

from jaxact._arguments import as_real
from jaxact._numbers import broadcast_to, compute_dtype
from jaxact.errors import ArgumentTypeError, ArgumentValueError, InvalidValueError

# ------------------------------------------------------------------------------------------ checks


def check_same_shape(function: str, input: Array, target: Array) -> None:
    """Checks that input and target have the same shape.

    Raises:
        ValueError: if the shapes differ.
    """
    if target.shape != input.shape:
        raise InvalidValueError(
            f"{function}: target must have the shape of input, {input.shape}, got {target.shape}"
        )


# --------------------------------------------------------------------------------------- operands


def refuse_booleans(function: str, **arrays: Array) -> None:
    """Rejects booleans, which torch does not subtract.

    Raises:
        ArgumentTypeError: if one of the arrays is boolean.
    """
    for argument, array in arrays.items():
        if array.dtype == jnp.bool_:
            raise ArgumentTypeError(f"{function}: {argument} must not be boolean")


def promoted(*arrays: Array | jax.ShapeDtypeStruct) -> jnp.dtype:
    """The dtype that the arrays promote to.

    As in torch, a 0-d array does not widen an array with axes, unless the 0-d array is of a higher
    kind, such as float beside integers.
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
    """The arrays, cast to the compute dtype for results of `dtype`; to integers if these are."""
    wide = dtype if jnp.issubdtype(dtype, jnp.integer) else compute_dtype(dtype)
    return [array.astype(wide) for array in arrays]


def broadcast(function: str, **arrays: Array) -> list[Array]:
    """The arrays, broadcast to their common shape.

    Raises:
        ArgumentValueError: if the shapes do not broadcast.
    """
    shapes = {argument: array.shape for argument, array in arrays.items()}
    try:
        shape = jnp.broadcast_shapes(*shapes.values())
    except ValueError:
        named = ", ".join(f"{argument} {shape}" for argument, shape in shapes.items())
        raise ArgumentValueError(f"{function}: shapes must broadcast, got {named}") from None
    return [broadcast_to(array, shape) for array in arrays.values()]


def broadcast_into(function: str, argument: str, array: Array, shape: tuple[int, ...]) -> Array:
    """The array, broadcast to exactly this shape.

    Raises:
        ArgumentValueError: if the array does not broadcast to the shape.
    """
    try:
        return broadcast_to(array, shape)
    except ValueError:
        raise ArgumentValueError(
            f"{function}: {argument} must broadcast to input's shape {shape}, got {array.shape}"
        ) from None


def number(function: str, argument: str, value: ArrayLike, dtype: jnp.dtype) -> Array:
    """A hyperparameter, cast to the compute dtype for results of `dtype`."""
    return as_real(function, argument, value).astype(compute_dtype(dtype))


def unshared(x: Array, *values: float) -> tuple[Array, ...]:
    """Constants in x's dtype, hidden from XLA, for losses that are summed.

    XLA materializes a constant that loss and gradient share as a whole array, and then both loops
    take 4 times as long.
    """
    return cast(tuple[Array, ...], lax.optimization_barrier([x.dtype.type(v) for v in values]))
