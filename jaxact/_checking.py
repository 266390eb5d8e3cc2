"""What depends on the values of arrays: errors inside `checking` and `checked`, nan elsewhere."""

import collections
import contextlib
import functools
from collections.abc import Callable, Generator
from typing import Any, ParamSpec, TypeVar, cast

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.core import Tracer
from numpy.typing import NDArray

__all__ = ["checked", "checking"]

P = ParamSpec("P")
R = TypeVar("R")

# Part of jit's cache key: what was compiled without checks is compiled anew with them.
_CHECKS = cast(Any, jax.make_user_context(default_value=False))
# What running programs found. They report by a callback and not through
# jax.experimental.checkify, which loses every check below the gradient of a scan.
_FOUND: collections.deque[Exception] = collections.deque()


@contextlib.contextmanager
def checking() -> Generator[None]:
    """checking() = a context in which a call with bad values raises what torch raises.

    Without it the result of such a call is nan. jaxact's functions raise on return, under
    `jax.grad` and `jax.vmap` as well; functions that you compiled yourself raise at the next call
    of a jaxact function or on leaving the context. `checked` makes them raise on return.

    Source:
        torch raises on the CPU without being asked.

    Example:
        >>> with jaxact.checking():
        ...     jaxact.functional.nll_loss(log_probabilities, targets)
    """
    with _forgetting_if_stopped(), _CHECKS(True):
        yield
    _raise_what_was_found()


def checked(function: Callable[P, R], **options: Any) -> Callable[P, R]:
    """checked(f)(x) = jax.jit(f)(x), or the error that torch raises for the values of x.

    The checks of every jaxact function that f calls are compiled into its program, through
    `jax.grad`, `jax.vmap`, `jax.lax.scan` and functions that are jitted themselves. Where several
    threads call checked functions at once, each error is raised in one of them. Below `jax.vmap`
    both branches of a `jax.lax.cond` are computed, and checked.

    Args:
        function: any function that jax can compile.
        **options: of `jax.jit`, such as static_argnames.

    Returns:
        The compiled function. It has to wait for the result, to know whether to raise.

    Raises:
        RuntimeError: if the function returned is called inside another compiled function.

    Source:
        torch raises on the CPU without being asked.

    Example:
        >>> step = jaxact.checked(jax.value_and_grad(loss))
    """
    compiled = jax.jit(function, **options)

    @functools.wraps(function)
    def call(*args: P.args, **kwargs: P.kwargs) -> R:
        with _forgetting_if_stopped(), _CHECKS(True):
            result = cast(R, compiled(*args, **kwargs))
            if _is_traced(result):
                raise RuntimeError("checked: call the checked function outside of jit and vmap")
        _raise_what_was_found()
        return result

    return call


def nan_unless(
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
    if _CHECKS.value and holds.size:
        _report(holds, error, message, values)
    # A factor, not a choice: the gradient becomes nan as well.
    return result * jnp.where(holds, 1, jnp.nan).astype(result.dtype)


def _report(holds: Array, error: type[Exception], message: str, values: Array) -> None:
    def report(all_hold: NDArray[np.bool_], value: NDArray[Any]) -> None:
        if not all_hold:
            _FOUND.append(error(message.format(value=value)))

    first = jnp.broadcast_to(values, holds.shape).ravel()[jnp.argmin(holds.ravel())]
    jax.debug.callback(report, jnp.all(holds), first)


def raise_pending_errors() -> None:
    """Inside `checking`, what the programs that ran have found."""
    if _CHECKS.value:
        _raise_what_was_found()


@contextlib.contextmanager
def _forgetting_if_stopped() -> Generator[None]:
    """Whoever stops what runs inside hears of that alone, and nobody later of what it found."""
    try:
        yield
    except BaseException:
        jax.effects_barrier()
        _FOUND.clear()
        raise


def _is_traced(result: object) -> bool:
    return any(isinstance(leaf, Tracer) for leaf in jax.tree.leaves(result))


def _raise_what_was_found() -> None:
    jax.effects_barrier()
    if _FOUND:
        first = _FOUND.popleft()
        _FOUND.clear()
        raise first
