# pyright: basic
"""Averages of weights over a training: mistakes."""

from __future__ import annotations

import jax
import jax.numpy as jnp

from jaxact.regularizers import AverageState, WeightAverage
from parity.mutation import Mutants
from parity.suite.regularizers.training.averaging import SPECS

MUTANTS = Mutants(SPECS)
_wrong = MUTANTS.wrong


def _average(share, copies_first=True, copies_integers=True):
    """An average whose new weights have a share that depends on how many there were."""

    def init(params):
        return AverageState(jnp.zeros((), jnp.int32), params)

    def update(state, params):
        first = (state.n_averaged == 0) & copies_first

        def mixed(old, new):
            if jnp.issubdtype(new.dtype, jnp.integer) and copies_integers:
                return new
            part = jnp.where(first, 1, share(state.n_averaged))
            return ((1 - part) * old + part * new).astype(new.dtype)

        return AverageState(state.n_averaged + 1, jax.tree.map(mixed, state.params, params))

    return WeightAverage(init, update)


@_wrong("ema", "decay=0.75/float32/forward")
def _ema_starts_from_0(decay=0.999):
    return _average(lambda n: 1 - decay, copies_first=False)


@_wrong("ema", "decay=0.25/float32/forward")
def _ema_gives_the_new_weights_the_decay(decay=0.999):
    return _average(lambda n: decay)


@_wrong("ema", "decay=0.999/float32/forward")
def _ema_warms_up(decay=0.999):
    return _average(lambda n: 1 - jnp.minimum(decay, (1 + n) / (10 + n)))


@_wrong("ema", "decay=0.75/float64/forward")
def _ema_averages_integers(decay=0.999):
    return _average(lambda n: 1 - decay, copies_integers=False)


@_wrong("ema", "decay=array/float64/vjp")
def _ema_holds_decay_constant(decay=0.999):
    return _average(lambda n: 1 - jax.lax.stop_gradient(decay))


@_wrong("ema", "invalid_traced_decay_is_nan/any/law")
def _ema_takes_any_decay(decay=0.999):
    return _average(lambda n: 1 - decay)


@_wrong("swa", "float32/forward")
def _swa_divides_by_n(**_):
    return _average(lambda n: 1 / jnp.maximum(n, 1))


@_wrong("swa", "float64/forward")
def _swa_counts_the_initial_weights(**_):
    return _average(lambda n: 1 / (n + 2), copies_first=False)
