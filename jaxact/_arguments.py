"""Argument checks and conversions, with errors that name what was expected and what came.

A check takes the function's name, the argument's name and its value, and returns the value to use.
`op` runs the checks of a function before it traces the function.
"""

import functools
from collections.abc import Callable, Sequence
from typing import Any, Literal, cast

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.core import Tracer
from jax.typing import ArrayLike

from jaxact._numbers import compute_dtype, is_number
from jaxact._warnings import warn
from jaxact.errors import (
    ArgumentTypeError,
    ArgumentValueError,
    DtypeError,
    InvalidIndexError,
    InvalidTypeError,
    InvalidValueError,
    JaxactError,
)

Check = Callable[[str, str, Any], Any]

# ----------------------------------------------------------------------------------------- arrays

_ARRAY_LIKE = (Array, np.ndarray, np.generic, bool, int, float, complex)


def is_array_like(value: object) -> bool:
    """Whether the value is an array or a number, or has a `__jax_array__`."""
    return isinstance(value, _ARRAY_LIKE) or hasattr(value, "__jax_array__")


def is_tensor(value: object) -> bool:
    """Whether the value is a tensor of torch, which need not be installed."""
    return _is_of_torch(value) and hasattr(value, "detach")


def _got(value: object) -> str:
    if is_tensor(value):
        return got_tensor(value)
    kind = type(value)
    return f"got {kind.__name__}{'; convert it with jnp.asarray' if kind in (list, tuple) else ''}"


def got_tensor(tensor: object) -> str:
    """The end of the message about a tensor in place of an array."""
    kind = type(tensor)
    return (
        f"got a {kind.__module__}.{kind.__name__}; "
        "convert it with jnp.asarray(tensor.detach().cpu().numpy())"
    )


def as_dtype(function: str, argument: str, value: Any) -> np.dtype[Any]:
    """The dtype, with 64 bits only where jax computes in them.

    Raises:
        TypeError: if value is no dtype.
    """
    return jax.dtypes.canonicalize_dtype(any_dtype(function, argument, value))


def any_dtype(function: str, argument: str, value: Any) -> np.dtype[Any]:
    """The dtype as it is.

    Raises:
        TypeError: if value is no dtype.
    """
    try:
        return np.dtype(value)
    except TypeError:
        near = f"; write jnp.{str(value).removeprefix('torch.')}" if _is_of_torch(value) else ""
        raise InvalidTypeError(
            f"{function}: {argument} must be a dtype, got {value!r}{near}"
        ) from None


def dtype_or_none(function: str, argument: str, value: Any) -> np.dtype[Any] | None:
    """A dtype, or None where it was left out.

    Raises:
        TypeError: if value is neither.
    """
    return None if value is None else as_dtype(function, argument, value)


def _is_of_torch(value: object) -> bool:
    return type(value).__module__.partition(".")[0] == "torch"


def as_array(function: str, argument: str, value: ArrayLike, expected: str = "an array") -> Array:
    """`value` as an array; lists, None and other non-arrays raise a TypeError.

    Raises:
        TypeError: if value is neither an array nor a number, and has no `__jax_array__`.
    """
    if isinstance(value, Array):
        return value
    if not is_array_like(value):
        raise InvalidTypeError(f"{function}: {argument} must be {expected}, {_got(value)}")
    return jnp.asarray(value)


def each_as_array(function: str, argument: str, value: Any) -> Any:
    """A tuple or list of numbers, with an array for each entry that carries `__jax_array__`."""
    if not isinstance(value, tuple | list):
        return value
    entries = cast(Sequence[Any], value)
    return tuple(jnp.asarray(e) if hasattr(e, "__jax_array__") else e for e in entries)


def as_floating(function: str, argument: str, value: ArrayLike) -> Array:
    """`value` as a float array.

    Raises:
        TypeError: if value is not an array.
        DtypeError: if value's dtype is not floating.
    """
    array = as_array(function, argument, value)
    if not jnp.issubdtype(array.dtype, jnp.floating):
        raise DtypeError(
            f"{function}: {argument} must have a floating dtype, got {array.dtype.name}"
        )
    return array


def as_real(function: str, argument: str, value: ArrayLike) -> Array:
    """`value` as an array of floats, integers or booleans.

    Raises:
        TypeError: if value is not an array.
        DtypeError: if value is complex.
    """
    array = as_array(function, argument, value)
    if jnp.issubdtype(array.dtype, jnp.complexfloating):
        raise DtypeError(f"{function}: {argument} must be real, got {array.dtype.name}")
    return array


def as_number(function: str, argument: str, value: ArrayLike) -> Array:
    """`value` as an array of floats or integers.

    Raises:
        TypeError: if value is not an array.
        DtypeError: if value is boolean or complex.
    """
    array = as_array(function, argument, value)
    return array if is_integral(array) else as_floating(function, argument, array)


def as_inexact(function: str, argument: str, value: ArrayLike, *, booleans: bool = False) -> Array:
    """`value` as an array of floats or complex numbers; integers become float32.

    Args:
        function: the function's name, for errors.
        argument: the argument's name, for errors.
        value: the argument's value.
        booleans: whether booleans become float32 too.

    Raises:
        TypeError: if value is not an array.
        DtypeError: if value is boolean and `booleans` is False.
    """
    array = as_array(function, argument, value)
    if jnp.issubdtype(array.dtype, jnp.complexfloating):
        return array
    if is_integral(array) or (booleans and array.dtype == jnp.bool_):
        array = array.astype(jnp.float32)
    return as_floating(function, argument, array)


def is_integral(array: Array) -> bool:
    """Whether the array holds integers; booleans do not count."""
    return jnp.issubdtype(array.dtype, jnp.integer)


def is_complex(array: Array) -> bool:
    """Whether the array holds complex numbers."""
    return jnp.issubdtype(array.dtype, jnp.complexfloating)


def truncated(function: str, argument: str, value: ArrayLike, dtype: np.dtype[Any]) -> Array:
    """The parameter of an integer input, truncated toward zero to the input's dtype."""
    return as_array(function, argument, value).astype(dtype)


def check_axis(function: str, axis: int, ndim: int) -> int:
    """`axis`, counted from the front; a 0-d array counts as having one axis, as in torch.

    Raises:
        IndexError: if axis is outside [-ndim, ndim).
    """
    rank = max(ndim, 1)
    if not -rank <= axis < rank:
        raise InvalidIndexError(
            f"{function}: dim must be in [{-rank}, {rank - 1}] for an input of {ndim} dimensions, "
            f"got {axis}"
        )
    return int(axis) % rank


def per_channel(function: str, argument: str, x: Array, parameter: Array) -> Array:
    """A 0-d or [c] parameter, reshaped to broadcast along axis 1 of x.

    Raises:
        ArgumentValueError: if parameter has more than one axis, or its length differs from the
            length of axis 1 of x.
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


# ---------------------------------------------------------------------------------------- options


def one_of(
    *options: str,
    error: type[JaxactError] = InvalidValueError,
    no_text: type[JaxactError] = InvalidValueError,
) -> Check:
    """Accepts one of these strings; raises `error` for other strings, `no_text` for other types."""
    quoted = [repr(option) for option in options]
    listed = f"{', '.join(quoted[:-1])} or {quoted[-1]}"

    def check(function: str, argument: str, value: object) -> object:
        if not isinstance(value, str) or value not in options:
            raise (error if isinstance(value, str) else no_text)(
                f"{function}: {argument} must be {listed}, got {value!r}"
            )
        return value

    return check


Layout = Literal["torch", "flax"]
known_layout = one_of("torch", "flax")
_reductions = one_of("none", "mean", "sum")


def known_reduction(function: str, argument: str, value: object) -> str:
    """One of torch's reductions.

    Raises:
        ValueError: if value is not one of torch's reductions.
    """
    if isinstance(value, str) and value == "elementwise_mean":
        warn(f"{function}: {argument} 'elementwise_mean' is deprecated; write 'mean'")
        return "mean"
    return _reductions(function, argument, value)


def flag(function: str, argument: str, value: Any) -> bool:
    """True or False; the value selects code, so it must be known while tracing.

    Raises:
        TypeError: if value is not a boolean.
    """
    if value is True or value is False:
        return value
    if isinstance(value, np.bool_):
        return bool(cast(object, value))
    if isinstance(value, Tracer):
        raise InvalidTypeError(
            f"{function}: {argument} must be known while tracing, got a traced value; make it "
            f"static: jax.jit(..., static_argnames={argument!r})"
        )
    raise InvalidTypeError(f"{function}: {argument} must be True or False, got {value!r}")


def integer(function: str, argument: str, value: Any) -> int:
    """An int that is known while tracing.

    Raises:
        TypeError: if value is not an int.
    """
    if isinstance(value, bool) or not isinstance(value, int | np.integer):
        raise InvalidTypeError(f"{function}: {argument} must be an int, got {_kind(value)}")
    return int(cast(int, value))


def _kind(value: object) -> str:
    return type(value).__name__


def axis(function: str, argument: str, value: object) -> int | None:
    """An int, or None for an axis that was left out.

    Raises:
        TypeError: if value is neither an int nor None.
    """
    return None if value is None else integer(function, argument, value)


def real_number(function: str, argument: str, value: object) -> object:
    """A real number or a real 0-d array.

    Raises:
        TypeError: if value is neither.
    """
    if is_number(value):
        return value
    if hasattr(value, "__jax_array__"):
        value = jnp.asarray(cast(ArrayLike, value))
    if np.iscomplexobj(cast(Any, value)):
        raise InvalidTypeError(f"{function}: {argument} must be real, got {value!r}")
    if not isinstance(value, jax.Array | np.ndarray):
        raise InvalidTypeError(f"{function}: {argument} must be a number, got {value!r}")
    array = cast(Array, value)
    if array.ndim:
        raise InvalidTypeError(
            f"{function}: {argument} must be a number, got an array of shape {array.shape}"
        )
    return array


def real_number_with(
    holds: Callable[[float], bool],
    expected: str,
    error: type[InvalidValueError] = ArgumentValueError,
) -> Check:
    """A real number or 0-d array; a number known to Python must satisfy a condition.

    Args:
        holds: the condition.
        expected: the end of the message after "must", such as "be positive".
        error: the exception to raise if the condition does not hold.
    """

    def check(function: str, argument: str, value: object) -> object:
        real_number(function, argument, value)
        if is_number(value) and not holds(value):
            raise error(f"{function}: {argument} must {expected}, got {value}")
        return value

    return check


def check_scalar(
    function: str, argument: str, value: object, *, least: float | None = None
) -> None:
    """Check what is static about a hyperparameter: that it is a real scalar, and its lower bound.

    Raises:
        TypeError: if it is no real number.
        ArgumentValueError: if it has axes, or is known to be below `least` or nan.
    """
    if is_number(value) and not isinstance(value, np.complexfloating):
        if least is not None and not value >= least:
            raise ArgumentValueError(
                f"{function}: {argument} must be at least {least:g}, got {value}"
            )
        return
    array = as_array(function, argument, cast(ArrayLike, value), "a number")
    if jnp.issubdtype(array.dtype, jnp.complexfloating):
        raise ArgumentTypeError(f"{function}: {argument} must be real, got {array.dtype}")
    if array.ndim:
        raise ArgumentValueError(
            f"{function}: {argument} must be one number, got shape {array.shape}"
        )


def number_or_array(function: str, argument: str, value: object) -> object:
    """A number or an array of any shape.

    Raises:
        TypeError: if value is neither.
    """
    if is_number(value):
        return value
    return as_array(function, argument, cast(ArrayLike, value), "a number or an array")


def real_parameter(holds: Callable[[float], bool], expected: str) -> Check:
    """An array of any shape, or a real number, which must satisfy a condition.

    Args:
        holds: the condition.
        expected: the end of the message after "must", such as "be positive".
    """

    def check(function: str, argument: str, value: object) -> object:
        if is_number(value) and not holds(value):
            raise ArgumentValueError(f"{function}: {argument} must {expected}, got {value}")
        return value

    return check


def held_by_input(*arguments: str, wide: bool = False) -> Callable[..., None]:
    """Checks that input's dtype can represent every parameter that is a Python number.

    Args:
        *arguments: the parameters' names.
        wide: whether to test the compute dtype of input instead of its own dtype.

    The check raises an ArgumentValueError, as torch does: for finite numbers beyond the range of
    the dtype, and for infinities and nan beside integers.
    """

    def check(function: str, input: object, *values: object) -> None:
        for argument, value in zip(arguments, values, strict=True):
            # Fast path: these numbers pass for every dtype.
            if (type(value) is float and -127 <= value <= 127) or not is_number(value):
                continue
            given = np.dtype(getattr(input, "dtype", np.float32))
            finite = np.isfinite(value)
            dtype = compute_dtype(given) if wide and finite else given
            held = abs(value) <= _largest(dtype) if finite else dtype.kind not in "iu"
            if not held:
                raise ArgumentValueError(
                    f"{function}: {argument} must be a number that {dtype.name} holds, got {value}"
                )

    return check


@functools.cache
def _largest(dtype: np.dtype[Any]) -> float:
    kind: Any = jnp.finfo if jnp.issubdtype(dtype, jnp.inexact) else jnp.iinfo
    # Other checks reject booleans.
    return float(kind(dtype).max) if dtype != jnp.bool_ else np.inf
