# pyright: basic
"""Weight decay, beside the loss: mistakes."""

from __future__ import annotations

import jax
import jax.numpy as jnp

from jaxact.regularizers import training as right
from parity.mutation import Mutants
from parity.suite.regularizers.training.weight_decay import SPECS

MUTANTS = Mutants(SPECS)
_wrong = MUTANTS.wrong


def _changed(params, change):
    def leaf(keys, w):
        return change(w) if str(keys[-1].key) in ("weight", "kernel") else w

    return jax.tree_util.tree_map_with_path(leaf, params)


@_wrong("coupled_weight_decay", "weight_decay=0.125/float32/forward")
def _coupled_decay_takes_biases(grads, params, weight_decay, *, where="weights"):
    return right.coupled_weight_decay(grads, params, weight_decay, where="all")


@_wrong("coupled_weight_decay", "weight_decay=0.125/float32/forward")
def _coupled_decay_has_the_gradient_of_l2_penalty(grads, params, weight_decay, *, where="weights"):
    return right.coupled_weight_decay(grads, params, 2 * weight_decay, where=where)


@_wrong("coupled_weight_decay", "weight_decay=0.125/float32/forward")
def _coupled_decay_grows_the_weights(grads, params, weight_decay, *, where="weights"):
    negative = jax.tree.map(jnp.negative, params)
    return right.coupled_weight_decay(grads, negative, weight_decay, where=where)


@_wrong("decoupled_weight_decay", "lr=0.1,weight_decay=0.3/float32/forward")
def _decoupled_decay_has_lr_twice(params, lr, weight_decay, *, where="weights"):
    return right.decoupled_weight_decay(params, lr, lr * weight_decay, where=where)


@_wrong("decoupled_weight_decay", "lr=0.1,weight_decay=0.3/float32/forward")
def _decoupled_decay_has_no_lr(params, lr, weight_decay, *, where="weights"):
    return right.decoupled_weight_decay(params, 1.0, weight_decay, where=where)


@_wrong("decoupled_weight_decay", "lr=0.1,weight_decay=0.3/float32/forward")
def _decoupled_decay_is_a_quotient(params, lr, weight_decay, *, where="weights"):
    return _changed(params, lambda w: w / (1 + lr * weight_decay))
