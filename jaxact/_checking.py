"""What depends on the values of arrays: errors inside `checking` and `checked`, nan elsewhere."""

import contextlib
import functools
from collections.abc import Callable, Generator
from typing import Any, Literal, ParamSpec, TypeVar, cast

import jax
import jax.numpy as jnp
from jax import Array
from jax.core import Tracer
from jax.experimental import checkify

__all__ = ["checked", "checking"]

P = ParamSpec("P")
R = TypeVar("R")
Mode = Literal["off", "eager", "compiled"]

# Part of jit's cache key: what was compiled without checks is compiled anew with them.
_MODE = cast(Any, jax.make_user_context(default_value="off"))
_KINDS: dict[str, type[Exception]] = {}


@contextlib.contextmanager
def checking() -> Generator[None]:
    """checking() = a context in which a call with bad values raises what torch raises.

    Without it the result of such a call is nan. It concerns the calls of jaxact's functions that
    Python makes one by one, under `jax.grad` as well; what is compiled or mapped as a whole has no
    values yet while Python runs, and gets its checks from `checked`.

    Source:
        torch raises on the CPU without being asked; jax.experimental.checkify.

    Example:
        >>> with jaxact.checking():
        ...     jaxact.functional.nll_loss(log_probabilities, targets)
    """
    with _MODE("eager"):
        yield


def checked(function: Callable[P, R], **options: Any) -> Callable[P, R]:
    """checked(f)(x) = jax.jit(f)(x), or the error that torch raises for the values of x.

    The checks of every jaxact function that f calls are compiled into its program, through
    `jax.grad`, `jax.vmap`, `jax.lax.scan` and functions that are jitted themselves.

    Args:
        function: any function that jax can compile.
        **options: of `jax.jit`, such as static_argnames.

    Returns:
        The compiled function. It has to wait for the result, to know whether to raise.

    Raises:
        RuntimeError: if the function returned is called inside another compiled function.

    Source:
        jax.experimental.checkify.

    Example:
        >>> step = jaxact.checked(jax.value_and_grad(loss))
    """

    def with_error(*args: P.args, **kwargs: P.kwargs) -> tuple[checkify.Error, R]:
        return _functionalized(functools.partial(function, *args, **kwargs))

    jitted = jax.jit(with_error, **options)
    compiled = cast(Callable[P, tuple[checkify.Error, R]], jitted)

    @functools.wraps(function)
    def call(*args: P.args, **kwargs: P.kwargs) -> R:
        with _MODE("compiled"):
            error, result = compiled(*args, **kwargs)
        if _is_traced(error):
            raise RuntimeError("checked: call the checked function outside of jit and vmap")
        _throw(error)
        return result

    return call


def defined(
    result: Array, holds: Array, error: type[Exception], message: str, values: Array
) -> Array:
    """The result, and nan with a nan gradient where `holds` is False; a checked call raises there.

    Args:
        result: what broadcasts with `holds`.
        holds: [...], what has to be True everywhere.
        error: what a checked call raises.
        message: with `{value}` where the first offending value is to be shown.
        values: what broadcasts to the shape of `holds`.
    """
    _expect(holds, error, message, values)
    # A factor, not a choice: the gradient becomes nan as well.
    return result * jnp.where(holds, 1, jnp.nan).astype(result.dtype)


def _expect(holds: Array, error: type[Exception], message: str, values: Array) -> None:
    if _MODE.value != "compiled" or not holds.size:
        return
    _KINDS[error.__name__] = error
    first = jnp.broadcast_to(values, holds.shape).ravel()[jnp.argmin(holds.ravel())]
    checkify.check(jnp.all(holds), f"{error.__name__}|{message}", value=first)


def raising(function: Callable[P, R]) -> Callable[P, R]:
    """The function, whose checks raise at once inside `checking`."""

    @functools.wraps(function)
    def call(*args: P.args, **kwargs: P.kwargs) -> R:
        if _MODE.value != "eager":
            return function(*args, **kwargs)
        with _MODE("compiled"):
            error, result = _functionalized(functools.partial(function, *args, **kwargs))
        if not _is_traced(error):
            _throw(error)
        return result

    return call


def _functionalized(function: Callable[[], R]) -> tuple[checkify.Error, R]:
    return checkify.checkify(function)()


def _is_traced(error: checkify.Error) -> bool:
    return any(isinstance(leaf, Tracer) for leaf in jax.tree.leaves(error))


def _throw(error: checkify.Error) -> None:
    text = error.get()
    if text is None:
        return
    kind, separator, message = text.partition("|")
    if not separator or kind not in _KINDS:
        # A check of the user's own.
        error.throw()
    raise _KINDS[kind](message.removesuffix(" (`check` failed)"))
