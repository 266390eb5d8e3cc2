"""Early stopping."""

from collections.abc import Callable
from typing import Any, Literal, NamedTuple

import jax
import jax.numpy as jnp
from jax import Array
from jax.typing import ArrayLike

from jaxact._arguments import check_scalar
from jaxact._checking import nan_unless
from jaxact._numbers import is_number
from jaxact._op import factory, program
from jaxact.errors import ArgumentTypeError, ArgumentValueError, InvalidValueError
from jaxact.regularizers.training._snapshots import check_alike, copied

__all__ = ["EarlyStopping", "EarlyStoppingState", "early_stopping"]


class EarlyStoppingState(NamedTuple):
    """What early stopping remembers; it no longer changes once should_stop is True.

    Args:
        best: [], the best metric so far; the worst of all numbers before the first one.
        wait: [], how many updates ago that was, dimensionless.
        should_stop: [], whether the training is over.
        params: those of the best metric; None if `init` got none.
    """

    best: Array
    wait: Array
    should_stop: Array
    params: Any


class EarlyStopping(NamedTuple):
    """A rule for the end of a training: pure functions that can be scanned, mapped and compiled.

    Args:
        init: params=None -> state.
        update: (state, metric, params=None) -> state.
    """

    init: Callable[..., EarlyStoppingState]
    update: Callable[..., EarlyStoppingState]


@factory()
def early_stopping(
    patience: ArrayLike = 10, min_delta: ArrayLike = 0.0, mode: Literal["min", "max"] = "min"
) -> EarlyStopping:
    """early_stopping(patience).update(state, m) = stop at the patience-th m without improvement.

    A metric is an improvement if metric + min_delta < best (for "max": metric - min_delta > best);
    nan never is one. The state no longer changes once should_stop is True: mapped over many
    trainings, each of them keeps the weights of its own best metric while others still run.
    torch's ReduceLROnPlateau counts one more: it acts once wait exceeds patience.

    Args:
        patience: [], how many updates without improvement end the training, dimensionless; 0 acts
            as 1.
        min_delta: [], any unit (that of the metric); the least improvement that counts. A traced
            one below 0 makes best nan.
        mode: whether the metric is to be small or large.

    Returns:
        init(params=None) -> state and update(state, metric, params=None) -> state, for a metric []
        and any tree of params, whose dtypes are init's; state.best has the unit of metric.

    Raises:
        ValueError: if mode is neither "min" nor "max", patience or min_delta is negative or nan,
            metric is no single number, or params are another tree than init's.
        TypeError: if init got params and update none, or the other way round.

    Source:
        Prechelt, "Early Stopping - But When?", 1998; as keras.callbacks.EarlyStopping, beyond
        torch.optim.lr_scheduler.ReduceLROnPlateau, torch 2.13.

    Example:
        >>> stopping = early_stopping(patience=5)
        >>> state = stopping.init(params)
        >>> state = stopping.update(state, validation_loss, params)  # after each epoch
        >>> if state.should_stop: ...
    """
    if mode not in ("min", "max"):
        raise InvalidValueError(f"early_stopping: mode must be 'min' or 'max', got {mode!r}")
    for name, value in {"patience": patience, "min_delta": min_delta}.items():
        check_scalar("early_stopping", name, value)
        if is_number(value) and not value >= 0:
            raise ArgumentValueError(f"early_stopping: {name} must not be negative, got {value}")
    sign = 1 if mode == "min" else -1

    def init(params: Any = None) -> EarlyStoppingState:
        worst = jnp.asarray(sign * jnp.inf, float)
        return EarlyStoppingState(
            worst, jnp.zeros((), jnp.int32), jnp.zeros((), bool), copied("early_stopping", params)
        )

    def update(
        state: EarlyStoppingState, metric: ArrayLike, params: Any = None
    ) -> EarlyStoppingState:
        _check_update(state, metric, params)
        return _updated(state, metric, params, patience, min_delta, sign)

    return EarlyStopping(init, update)


def _check_update(state: EarlyStoppingState, metric: ArrayLike, params: Any) -> None:
    if jnp.shape(metric):
        raise ArgumentValueError(
            f"early_stopping: metric must be a single number, got shape {jnp.shape(metric)}"
        )
    if (params is None) != (state.params is None):
        given = "none" if params is None else "some"
        raise ArgumentTypeError(
            f"early_stopping: update must get params if and only if init did, got {given}"
        )
    check_alike("early_stopping", state.params, params)


@program(static=("sign",))
def _updated(
    state: EarlyStoppingState,
    metric: ArrayLike,
    params: Any,
    patience: ArrayLike,
    min_delta: ArrayLike,
    sign: int,
) -> EarlyStoppingState:
    m, least = jnp.asarray(metric, state.best.dtype), jnp.asarray(min_delta, state.best.dtype)
    # All comparisons with nan are false.
    better = m + least < state.best if sign > 0 else m - least > state.best
    running = ~state.should_stop
    better = better & running
    wait = jnp.where(better, 0, state.wait + running.astype(state.wait.dtype))
    stop = state.should_stop | (running & ~better & (wait >= jnp.asarray(patience)))
    message = "early_stopping: min_delta must not be negative, got {value}"
    best = jnp.where(better, m, state.best)
    best = nan_unless(best, least >= 0, ArgumentValueError, message, least)

    def kept(old: ArrayLike, new: ArrayLike) -> Array:
        kept, given = jnp.asarray(old), jnp.asarray(new)
        # Another dtype than init's would break a scan.
        return jnp.where(better, given.astype(kept.dtype), kept)

    return EarlyStoppingState(best, wait, stop, jax.tree.map(kept, state.params, params))
