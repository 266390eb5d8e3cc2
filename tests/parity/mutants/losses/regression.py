# pyright: basic
"""Wrong losses of differences: see `parity.mutation`."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp

import jaxact
from parity.mutation import Mutants
from parity.suite.losses.regression import SPECS

# Untyped: a wrong function may pass on whatever it got.
functional: Any = jaxact.functional

MUTANTS = Mutants(SPECS)
_wrong = MUTANTS.wrong


def _reduce(losses: Any, reduction: str) -> Any:
    if reduction == "none":
        return losses
    return losses.mean() if reduction == "mean" else losses.sum()


@_wrong("l1_loss", "reduction=none/float32/vjp")
def _l1_has_slope_one_where_equal(input, target, reduction="mean", weight=None):
    d = input - target
    return _reduce(jnp.where(d >= 0, d, -d), reduction)


@_wrong("l1_loss", "reduction=mean,weight=array/float32/forward")
def _l1_divides_its_weighted_mean_by_the_count(input, target, reduction="mean", weight=None):
    losses = functional.l1_loss(input, target, "none")
    return _reduce(losses if weight is None else losses * weight, reduction)


@_wrong("l1_loss", "reduction=mean,weight=array/float32/vjp")
def _l1_takes_its_weights_for_constants(input, target, reduction="mean", weight=None):
    fixed = None if weight is None else jax.lax.stop_gradient(weight)
    return functional.l1_loss(input, target, reduction, fixed)


@_wrong("mse_loss", "reduction=none/float32/forward")
def _mse_is_half_the_square_of_optax(input, target, reduction="mean", weight=None):
    return functional.mse_loss(input, target, reduction, weight) / 2


@_wrong("mse_loss", "reduction=mean/float32/forward")
def _mse_means_over_the_rows_alone(input, target, reduction="mean", weight=None):
    losses = jnp.square(input - target)
    return losses.sum() / len(losses) if reduction == "mean" else _reduce(losses, reduction)


@_wrong("mse_loss", "reduction=none/float32/vjp")
def _mse_gives_its_target_no_gradient(input, target, reduction="mean", weight=None):
    return functional.mse_loss(input, jax.lax.stop_gradient(target), reduction, weight)


@_wrong("mse_loss", "reduction=none/float32/forward")
def _mse_multiplies_out_the_square(input, target, reduction="mean", weight=None):
    return _reduce(input**2 - 2 * input * target + target**2, reduction)


@_wrong("mse_loss", "reduction=none/float16/forward")
def _mse_squares_in_half_precision(input, target, reduction="mean", weight=None):
    d = jax.lax.reduce_precision(input - target, 5, 7)
    return _reduce(d * d, reduction)


@_wrong("smooth_l1_loss", "reduction=none,beta=0.5/float32/forward")
def _smooth_l1_is_huber(input, target, reduction="mean", beta=1.0):
    return functional.huber_loss(input, target, reduction, beta)


@_wrong("smooth_l1_loss", "reduction=none,beta=0.0/float32/forward")
def _smooth_l1_divides_by_a_width_of_0(input, target, reduction="mean", beta=1.0):
    d = jnp.abs(input - target)
    return _reduce(jnp.where(d <= beta, d * d / (2 * beta), d - beta / 2), reduction)


@_wrong("smooth_l1_loss", "beta=array/float32/vjp")
def _smooth_l1_has_no_derivative_in_its_width(input, target, reduction="mean", beta=1.0):
    return functional.smooth_l1_loss(input, target, reduction, jax.lax.stop_gradient(beta))


@_wrong("huber_loss", "reduction=none,delta=0.5/float32/forward")
def _huber_lacks_its_factor(input, target, reduction="mean", delta=1.0, weight=None):
    return functional.smooth_l1_loss(input, target, reduction, delta)


@_wrong("huber_loss", "reduction=mean,weight=array/float32/forward")
def _huber_divides_by_its_weights(input, target, reduction="mean", delta=1.0, weight=None):
    losses = functional.huber_loss(input, target, "none", delta, weight)
    if weight is None or reduction != "mean":
        return _reduce(losses, reduction)
    return losses.sum() / weight.sum()


@_wrong("huber_loss", "reduction=none/float32/vjp")
def _huber_is_flat_beyond_its_width(input, target, reduction="mean", delta=1.0, weight=None):
    d = jnp.clip(input - target, -delta, delta)
    return _reduce(jnp.square(d) / 2, reduction)
