"""What every public function is made with: errors, checks, gradient rules, decorators."""

import functools
import inspect
from collections.abc import Callable, Sequence
from typing import Any, Literal, ParamSpec, TypeGuard, TypeVar, cast

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array, lax
from jax.custom_derivatives import SymbolicZero
from jax.typing import ArrayLike

from jaxact._checking import raising

F = TypeVar("F", bound=Callable[..., Any])
P = ParamSpec("P")
Integers = Literal["rejected", "kept", "promoted"]


class ArgumentValueError(ValueError, RuntimeError):
    """A value out of range, for which torch raises a RuntimeError."""


class ArgumentTypeError(TypeError, RuntimeError):
    """An argument of the wrong kind, for which torch raises a RuntimeError."""


class DtypeError(TypeError, NotImplementedError):
    """A dtype for which torch says that the kernel is not implemented."""


# ------------------------------------------------------------------------------------------ checks


def as_array(function: str, argument: str, value: ArrayLike) -> Array:
    """`value` as an array; a TypeError for lists, None and other things that are no array.

    Raises:
        TypeError: if value is neither an array nor a number.
    """
    kinds = (jax.Array, np.ndarray, np.generic, bool, int, float, complex)
    if not isinstance(cast(object, value), kinds):
        raise TypeError(
            f"{function}: {argument} must be an array, got {type(value).__name__}; "
            "convert it with jnp.asarray"
        )
    return jnp.asarray(value)


def as_floating(function: str, argument: str, value: ArrayLike) -> Array:
    """`value` as a float array.

    Raises:
        TypeError: if value is no array.
        DtypeError: if its dtype is not a floating type.
    """
    array = as_array(function, argument, value)
    if not jnp.issubdtype(array.dtype, jnp.floating):
        raise DtypeError(
            f"{function}: {argument} must have a floating dtype, got {array.dtype.name}"
        )
    return array


def check_axis(function: str, axis: int, ndim: int) -> int:
    """`axis` counted from the front; a 0-d array has one axis, as in torch.

    Raises:
        IndexError: if axis is outside [-ndim, ndim).
    """
    rank = max(ndim, 1)
    if not -rank <= axis < rank:
        raise IndexError(
            f"{function}: dim must be in [{-rank}, {rank - 1}] for an input of {ndim} dimensions, "
            f"got {axis}"
        )
    return axis % rank


def per_channel(function: str, argument: str, x: Array, parameter: Array) -> Array:
    """A 0-d or [c] parameter in a shape that broadcasts along x's axis 1.

    Raises:
        ArgumentValueError: if it has more axes, or another length than axis 1 of x.
    """
    if parameter.ndim > 1:
        raise ArgumentValueError(
            f"{function}: {argument} must have no axis or one, got shape {parameter.shape}"
        )
    if parameter.size == 1:
        return parameter.reshape(())
    channels = x.shape[1] if x.ndim > 1 else 1
    if parameter.size != channels:
        raise ArgumentValueError(
            f"{function}: {argument} must have 1 element or one for each of {channels} channels "
            f"(axis 1 of an input of shape {x.shape}), got {parameter.size}"
        )
    return parameter.reshape((channels,) + (1,) * (x.ndim - 2))


def wide_integers(integers: Array) -> Array:
    """The integers in at least 32 bits: sums, and numbers of classes, are beyond fewer."""
    return integers if integers.dtype.itemsize >= 4 else integers.astype(jnp.int32)


def compute_dtype(dtype: np.dtype) -> np.dtype:
    """float32 for half precision, else the dtype itself."""
    return np.promote_types(dtype, np.float32) if dtype.itemsize > 2 else np.dtype(np.float32)


def matmul_precision() -> str | lax.Precision:
    """Of a product of matrices: what the user asked for, else the whole precision of the dtype.

    Left alone, float32 is multiplied with fewer digits than it has on some devices.
    """
    # The attribute is made when jax is imported: a type checker does not see it.
    return cast(Any, jax.config).jax_default_matmul_precision or lax.Precision.HIGHEST


def is_number(value: object) -> TypeGuard[float]:
    """Whether the value is known while Python runs: a number, not an array that may be traced."""
    return isinstance(value, int | float | np.generic)


# ---------------------------------------------------------------------------------- gradient rules


def with_slope(slope: Callable[..., Array]) -> Callable[[F], F]:
    """Gives f(x, *parameters) the derivative `slope(x, *parameters)` in its first argument.

    f and slope are element-wise in x and see float32 where x is of half precision; what comes out
    is rounded once, to x's dtype. Derivatives in the parameters are those of f's own formula;
    parameters that Python knows (numbers, None) are constants of it. Forward mode, reverse mode and
    further derivatives follow from this one rule, and the backward pass keeps x alone, for the
    slope is computed from it again there.
    """

    def decorate(function: F) -> F:
        @functools.wraps(function)
        def applied(x: Array, *parameters: Array | float | None) -> Array:
            value = _filled(function, parameters)
            traced = [jnp.asarray(p) for p in parameters if not _is_known(p)]
            return _ruled(value, _filled(slope, parameters))(x, *traced)

        return cast(F, applied)

    return decorate


def _is_known(parameter: object) -> bool:
    return parameter is None or is_number(parameter)


def _filled(
    formula: Callable[..., Array], parameters: Sequence[Array | float | None]
) -> Callable[..., Array]:
    """The formula as a function of x and of the parameters that are traced."""

    def with_constants(x: Array, *traced: Array) -> Array:
        remaining = iter(traced)
        return formula(x, *(p if _is_known(p) else next(remaining) for p in parameters))

    return with_constants


def _ruled(function: Callable[..., Array], slope: Callable[..., Array]) -> Callable[..., Array]:
    @jax.custom_jvp
    def ruled(x: Array, *parameters: Array) -> Array:
        return function(*_widened(x, parameters)).astype(x.dtype)

    def rule(primals: Sequence[Array], tangents: Sequence[Any]) -> tuple[Array, Array]:
        return ruled(*primals), _tangent(function, slope, primals, tangents)

    ruled.defjvp(rule, symbolic_zeros=True)
    return ruled


def _widened(x: Array, parameters: Sequence[Array]) -> list[Array]:
    """X and the floating parameters in the dtype that is computed in."""
    dtype = compute_dtype(x.dtype)
    return [x.astype(dtype), *(_in_dtype(p, dtype) for p in parameters)]


def _in_dtype(parameter: Array, dtype: np.dtype) -> Array:
    is_key = jnp.issubdtype(parameter.dtype, jax.dtypes.prng_key)
    return parameter if is_key else parameter.astype(dtype)


def _tangent(
    function: Callable[..., Array],
    slope: Callable[..., Array],
    primals: Sequence[Array],
    tangents: Sequence[Any],
) -> Array:
    """slope x_dot + (df/dparameters) parameters_dot, computed from the primals when transposed."""
    active = [i for i, t in enumerate(tangents) if not isinstance(t, SymbolicZero)]

    def pushforward(primals: Sequence[Array], directions: Sequence[Array]) -> Array:
        x, *parameters = primals
        wide = _widened(x, parameters)
        steps = [
            slope(*wide) * d.astype(wide[0].dtype)
            if i == 0
            else _parameter_step(function, wide, i, d.astype(wide[0].dtype))
            for i, d in zip(active, directions, strict=True)
        ]
        return functools.reduce(jnp.add, steps).astype(x.dtype)

    return recomputed(pushforward)(tuple(primals), tuple(tangents[i] for i in active))


def recomputed(function: Callable[P, Array]) -> Callable[P, Array]:
    """The function, for whose backward pass the arguments alone are kept, the rest recomputed."""
    return cast(Callable[P, Array], jax.checkpoint(function, prevent_cse=False))


def _parameter_step(
    function: Callable[..., Array], primals: Sequence[Array], i: int, direction: Array
) -> Array:
    def along(parameter: Array) -> Array:
        return function(*primals[:i], parameter, *primals[i + 1 :])

    return jax.jvp(along, (primals[i],), (direction,))[1]


# -------------------------------------------------------------------------------------- decorators


def op(
    *,
    static: Sequence[str] = (),
    check: Callable[..., None] | None = None,
    by_value: bool = False,
) -> Callable[[F], F]:
    """jit outermost, the signature kept.

    Args:
        static: parameters that select code; the others are traced, so that a new value compiles
            nothing.
        check: called first with the same arguments, outside jit, for what only Python can see.
        by_value: whether the function has errors that depend on values, see `defined`.
    """

    def decorate(function: F) -> F:
        jitted = cast(F, jax.jit(function, static_argnames=tuple(static)))
        if by_value:
            jitted = cast(F, raising(jitted))
        if check is None:
            return jitted
        run_check = check

        @functools.wraps(function)
        def checked(*args: Any, **kwargs: Any) -> Array:
            run_check(*args, **kwargs)
            return jitted(*args, **kwargs)

        return cast(F, checked)

    return decorate


def elementwise(
    slope: Callable[..., Array],
    *,
    integers: Integers = "rejected",
    booleans: bool = False,
    complex_formula: Callable[..., Array] | None = None,
    check: Callable[..., None] | None = None,
) -> Callable[[F], F]:
    """An `op` from the formula of one array argument and number-like parameters.

    Args:
        slope: the derivative in the first argument, see `with_slope`.
        integers: whether integer inputs are rejected, kept (computed and returned in their dtype,
            the parameters truncated) or promoted to float32.
        booleans: whether booleans are promoted to float32 as well.
        complex_formula: the formula for complex inputs; none: they are rejected.
        check: see `op`.
    """

    def decorate(function: F) -> F:
        name, signature = function.__name__, inspect.signature(function)
        first = next(iter(signature.parameters))
        ruled = with_slope(slope)(function)

        @functools.wraps(function)
        def dispatch(*args: Any, **kwargs: Any) -> Array:
            bound = signature.bind(*args, **kwargs)
            bound.apply_defaults()
            value, *parameters = bound.arguments.values()
            x = as_array(name, first, value)
            if jnp.issubdtype(x.dtype, jnp.complexfloating) and complex_formula is not None:
                return complex_formula(x, *parameters)
            if jnp.issubdtype(x.dtype, jnp.integer) and integers == "kept":
                return function(x, *(jnp.asarray(p).astype(x.dtype) for p in parameters))
            promoted = jnp.issubdtype(x.dtype, jnp.integer) and integers == "promoted"
            if promoted or (x.dtype == jnp.bool_ and booleans):
                x = x.astype(jnp.float32)
            x = as_floating(name, first, x)
            return ruled(x, *parameters)

        return cast(F, op(check=check)(dispatch))

    return decorate
