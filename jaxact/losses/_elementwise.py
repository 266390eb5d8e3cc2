"""What the losses of single elements share: checks, promotion, broadcasting, gradient rules."""

import functools
import warnings
from collections.abc import Callable, Sequence
from typing import Any, TypeVar, cast

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array, lax
from jax.custom_derivatives import SymbolicZero
from jax.typing import ArrayLike

from jaxact._core import (
    ArgumentTypeError,
    ArgumentValueError,
    DtypeError,
    as_array,
    compute_dtype,
    recomputed,
)

F = TypeVar("F", bound=Callable[..., Array])


# ------------------------------------------------------------------------------------------ checks


def warn_of_broadcasting(function: str, input: ArrayLike, target: ArrayLike) -> None:
    """torch's warning: two shapes that differ are rarely meant."""
    if np.shape(input) != np.shape(target):
        warnings.warn(
            f"{function}: target's shape {np.shape(target)} differs from input's "
            f"{np.shape(input)}; they are broadcast, which is rarely meant",
            UserWarning,
            stacklevel=4,
        )


def check_number(function: str, argument: str, value: object) -> None:
    """Raises for what is neither a real number nor a real array without axes.

    Raises:
        TypeError: if it is not.
    """
    if np.iscomplexobj(cast(Any, value)):
        raise TypeError(f"{function}: {argument} must be real, got {value!r}")
    if isinstance(value, jax.Array | np.ndarray) and value.ndim:
        shape = cast(tuple[int, ...], value.shape)
        raise TypeError(f"{function}: {argument} must be a number, got an array of shape {shape}")
    if not isinstance(value, jax.Array | np.ndarray | np.generic | int | float):
        raise TypeError(f"{function}: {argument} must be a number, got {value!r}")


def check_flag(function: str, argument: str, value: object) -> None:
    """Raises for what is neither True nor False.

    Raises:
        TypeError: if it is not.
    """
    if not isinstance(value, bool | np.bool_):
        raise TypeError(f"{function}: {argument} must be True or False, got {value!r}")


def check_same_shape(function: str, input: Array, target: Array) -> None:
    """Raises unless input and target have one shape.

    Raises:
        ValueError: if they have not.
    """
    if target.shape != input.shape:
        raise ValueError(
            f"{function}: target must have the shape of input, {input.shape}, got {target.shape}"
        )


# --------------------------------------------------------------------------------------- operands


def as_real(function: str, argument: str, value: ArrayLike) -> Array:
    """`value` as an array of floats, integers or booleans.

    Raises:
        TypeError: if value is no array.
        DtypeError: if it is complex.
    """
    array = as_array(function, argument, value)
    if jnp.issubdtype(array.dtype, jnp.complexfloating):
        raise DtypeError(f"{function}: {argument} must be real, got {array.dtype.name}")
    return array


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


# ----------------------------------------------------------------------------------- gradient rules


def with_partials(*partials: Callable[..., Array]) -> Callable[[F], F]:
    """Gives f the partial derivatives `partials`, one for each argument.

    All see the same arguments, which are float32 or float64 already. The backward pass keeps the
    arguments and computes the derivatives from them.
    """

    def steps(tangents: Sequence[Any]) -> list[_Step]:
        return [
            (partial, tangent)
            for partial, tangent in zip(partials, tangents, strict=True)
            if not isinstance(tangent, SymbolicZero)
        ]

    return _ruled(steps)


def with_slope_in_difference(
    slope: Callable[..., Array], *partials: Callable[..., Array]
) -> Callable[[F], F]:
    """Gives f(x, t, *parameters), a function of x - t, the derivative `slope` in the difference.

    In forward mode the step of the difference is taken first, as a difference of two steps: not as
    one of two products, which would cancel.

    Args:
        slope: of the same arguments as f.
        *partials: the derivatives in the parameters.
    """

    def steps(tangents: Sequence[Any]) -> list[_Step]:
        x_dot, t_dot, *others = tangents
        every = [(slope, _difference(x_dot, t_dot)), *zip(partials, others, strict=True)]
        return [step for step in every if not isinstance(step[1], SymbolicZero)]

    return _ruled(steps)


_Step = tuple[Callable[..., Array], Any]


def _difference(x_dot: Any, t_dot: Any) -> Any:
    if isinstance(t_dot, SymbolicZero):
        return x_dot
    return -t_dot if isinstance(x_dot, SymbolicZero) else x_dot - t_dot


def _ruled(steps: Callable[[Sequence[Any]], list[_Step]]) -> Callable[[F], F]:
    def decorate(function: F) -> F:
        ruled = jax.custom_jvp(function)

        def rule(primals: Sequence[Array], tangents: Sequence[Any]) -> tuple[Array, Array]:
            partials, directions = zip(*steps(tangents), strict=True)

            def pushforward(primals: Sequence[Array], directions: Sequence[Array]) -> Array:
                terms = [
                    partial(*primals) * direction
                    for partial, direction in zip(partials, directions, strict=True)
                ]
                return functools.reduce(jnp.add, terms)

            # Without the barrier XLA computes loss and gradient in one loop, whose sum keeps it
            # from being vectorized: 4 times the time of the two loops.
            apart = cast(tuple[Array, ...], lax.optimization_barrier(tuple(primals)))
            return ruled(*primals), recomputed(pushforward)(apart, directions)

        ruled.defjvp(rule, symbolic_zeros=True)
        return cast(F, ruled)

    return decorate


def unshared(x: Array, *values: float) -> tuple[Array, ...]:
    """Constants in x's dtype for a loss that is summed.

    A constant that occurs in the gradient as well XLA would write out as a whole array for both
    loops, at 4 times their time.
    """
    return cast(tuple[Array, ...], lax.optimization_barrier([x.dtype.type(v) for v in values]))
