# pyright: basic
"""Early stopping: mistakes."""

from __future__ import annotations

import functools

import jax.numpy as jnp

from jaxact.regularizers import EarlyStopping, EarlyStoppingState
from parity.mutation import Mutants
from parity.suite.regularizers.training.stopping import SPECS

MUTANTS = Mutants(SPECS)


def _is_better(metric, best, delta):
    return metric + delta < best


def _stopping(
    patience, min_delta, mode, better=_is_better, freezes=True, more=0, keeps_newest=False
):
    sign = 1.0 if mode == "min" else -1.0

    def init(params):
        return EarlyStoppingState(
            jnp.asarray(sign * jnp.inf, float),
            jnp.zeros((), jnp.int32),
            jnp.zeros((), bool),
            params,
        )

    def update(state, metric, params):
        metric = metric.astype(state.best.dtype)
        good = better(sign * metric, sign * state.best, min_delta)
        frozen = state.should_stop & freezes
        good = good & ~frozen
        wait = jnp.where(frozen, state.wait, jnp.where(good, 0, state.wait + 1))
        stop = frozen | (~good & (wait >= patience + more))
        kept = good | (keeps_newest & ~frozen)
        weight = jnp.where(kept, params["weight"], state.params["weight"])
        best = jnp.where(good, metric, state.best)
        return EarlyStoppingState(best, wait, stop, {"weight": weight})

    return EarlyStopping(init, update)


def _wrong(case):
    def register(changed):
        def factory(patience=10, min_delta=0.0, mode="min"):
            return changed(patience, min_delta, mode)

        functools.update_wrapper(factory, changed)
        del factory.__wrapped__
        MUTANTS.wrong("early_stopping", case)(factory)
        return changed

    return register


@_wrong("patience=4/float32/forward")
def _a_tie_is_an_improvement(patience, min_delta, mode):
    return _stopping(patience, min_delta, mode, lambda m, best, delta: m + delta <= best)


@_wrong("patience=4/float32/forward")
def _nan_is_an_improvement(patience, min_delta, mode):
    return _stopping(patience, min_delta, mode, lambda m, best, delta: ~(m + delta >= best))


@_wrong("patience=4,mode=max/float32/forward")
def _mode_is_forgotten(patience, min_delta, mode):
    return _stopping(patience, min_delta, "min")


@_wrong("patience=12,min_delta=0.25/float32/forward")
def _min_delta_is_taken_off(patience, min_delta, mode):
    return _stopping(patience, min_delta, mode, lambda m, best, delta: m - delta < best)


@_wrong("patience=4/float32/forward")
def _a_finished_training_goes_on(patience, min_delta, mode):
    return _stopping(patience, min_delta, mode, freezes=False)


@_wrong("patience=4/float32/forward")
def _patience_has_to_be_exceeded(patience, min_delta, mode):
    return _stopping(patience, min_delta, mode, more=1)


@_wrong("float32/forward")
def _the_newest_weights_are_kept(patience, min_delta, mode):
    return _stopping(patience, min_delta, mode, keeps_newest=True)
