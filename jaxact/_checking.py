"""Checks of array values: they raise inside `checking` and `checked`, and give nan elsewhere."""

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

from jaxact.errors import CompilationError

__all__ = ["checked", "checking"]

P = ParamSpec("P")
R = TypeVar("R")

# Part of jit's cache key: a program compiled without checks is recompiled with them.
_CHECKS = cast(Any, jax.make_user_context(default_value=False))
# Errors found by running programs. Programs report them through a callback, because
# jax.experimental.checkify loses every check below the gradient of a scan.
_FOUND: collections.deque[Exception] = collections.deque()


@contextlib.contextmanager
def checking() -> Generator[None]:
    """checking() = a context in which a call with bad values raises torch's error.

    Outside of the context, such a call gives nan. jaxact's functions raise on return, also under
    `jax.grad` and `jax.vmap`. Functions that you jitted yourself raise at the next call of a jaxact
    function or when the context exits; use `checked` to make them raise on return. If several
    threads compute inside of such contexts at once, each error is raised in one of the threads.

    Source:
        torch always runs these checks on the CPU.

    Example:
        >>> with jaxact.checking():
        ...     jaxact.functional.nll_loss(log_probabilities, targets)
    """
    with _forgetting_if_stopped(), _CHECKS(True):
        yield
    _raise_what_was_found()


def checked(function: Callable[P, R], **options: Any) -> Callable[P, R]:
    """checked(f)(x) = jax.jit(f)(x), or the error that torch raises for the values of x.

    The checks of every jaxact function that f calls are compiled into the program of f, also inside
    `jax.grad`, `jax.vmap`, `jax.lax.scan` and nested jitted functions. If several threads call
    checked functions at once, each error is raised in one of the threads. Under `jax.vmap` both
    branches of a `jax.lax.cond` are computed, and both are checked.

    Args:
        function: any function that jax can compile.
        **options: options of `jax.jit`, such as static_argnames.

    Returns:
        The compiled function. Each call waits for the result, to know whether to raise.

    Raises:
        RuntimeError: if the returned function is called inside another compiled function.

    Source:
        torch always runs these checks on the CPU.

    Example:
        >>> step = jaxact.checked(jax.value_and_grad(loss))
    """
    compiled = jax.jit(function, **options)

    @functools.wraps(function)
    def call(*args: P.args, **kwargs: P.kwargs) -> R:
        with _forgetting_if_stopped(), _CHECKS(True):
            result = cast(R, compiled(*args, **kwargs))
            if _is_traced(result):
                raise CompilationError("checked: call the checked function outside of jit and vmap")
        _raise_what_was_found()
        return result

    return call


def nan_unless(
    result: Array, holds: Array, error: type[Exception], message: str, values: Array
) -> Array:
    """The result, with nan values and gradients where `holds` is False; a checked call raises.

    Args:
        result: an array that broadcasts with `holds`.
        holds: [...], the condition, which must be True everywhere.
        error: the exception that a checked call raises.
        message: the exception's text; `{value}` stands for the first offending value.
        values: the values to report; they broadcast to the shape of `holds`.
    """
    report_unless(holds, error, message, values)
    # Multiply instead of selecting: the gradient becomes nan too.
    return result * jnp.where(holds, 1, jnp.nan).astype(result.dtype)


def report_unless(holds: Array, error: type[Exception], message: str, values: Array) -> None:
    """A checked call raises unless `holds` is True everywhere; see `nan_unless`."""
    if not _CHECKS.value or not holds.size:
        return

    def report(all_hold: NDArray[np.bool_], value: NDArray[Any]) -> None:
        if not all_hold:
            _FOUND.append(error(message.format(value=value)))

    first = jnp.broadcast_to(values, holds.shape).ravel()[jnp.argmin(holds.ravel())]
    jax.debug.callback(report, jnp.all(holds), first)


def raise_pending_errors() -> None:
    """Inside `checking`, raises the first error that finished programs have reported."""
    if _CHECKS.value:
        _raise_what_was_found()


@contextlib.contextmanager
def _forgetting_if_stopped() -> Generator[None]:
    """Drops pending errors if an exception leaves the body, so that no later call raises them."""
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
