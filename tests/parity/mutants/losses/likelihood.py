# pyright: basic
"""Wrong likelihoods and divergences: see `parity.mutation`."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp

import jaxact
from parity.mutation import Mutants
from parity.suite.losses.likelihood import SPECS

# Untyped: a wrong function may pass on whatever it got.
functional: Any = jaxact.functional

MUTANTS = Mutants(SPECS)
_wrong = MUTANTS.wrong


@_wrong("poisson_nll_loss", "reduction=none,log_input=False/float32/forward")
def _poisson_adds_eps_to_its_rate_as_well(
    input, target, log_input=True, full=False, eps=1e-8, reduction="mean"
):
    return functional.poisson_nll_loss(input + 1e-3, target, log_input, full, eps, reduction)


@_wrong("poisson_nll_loss", "reduction=none/float32/forward")
def _poisson_takes_logarithms_for_rates(
    input, target, log_input=True, full=False, eps=1e-8, reduction="mean"
):
    return functional.poisson_nll_loss(input, target, not log_input, full, eps, reduction)


@_wrong("poisson_nll_loss", "reduction=none,full=True/float32/forward")
def _poisson_adds_stirlings_term_to_every_count(
    input, target, log_input=True, full=False, eps=1e-8, reduction="mean"
):
    losses = jnp.exp(input) - target * input
    stirling = target * jnp.log(target) - target + jnp.log(2 * jnp.pi * target) / 2
    return losses + jnp.where(target > 0, stirling, 0)


@_wrong("poisson_nll_loss", "reduction=none,full=True/float32/vjp")
def _poisson_hides_a_nan_in_its_gradient(
    input, target, log_input=True, full=False, eps=1e-8, reduction="mean"
):
    losses = jnp.exp(input) - target * input
    stirling = target * jnp.log(target) - target + jnp.log(2 * jnp.pi * target) / 2
    return losses + jnp.where(target > 1, stirling, 0)


@_wrong("poisson_nll_loss", "eps=array/float32/vjp")
def _poisson_has_no_derivative_in_eps(
    input, target, log_input=True, full=False, eps=1e-8, reduction="mean"
):
    fixed = jax.lax.stop_gradient(eps)
    return functional.poisson_nll_loss(input, target, log_input, full, fixed, reduction)


@_wrong("gaussian_nll_loss", "reduction=none/float32/forward")
def _gaussian_adds_eps_to_its_variance(input, target, var, full=False, eps=1e-6, reduction="mean"):
    return functional.gaussian_nll_loss(input, target, var + eps, full, eps, reduction)


@_wrong("gaussian_nll_loss", "reduction=none/float32/vjp")
def _gaussian_has_no_gradient_below_eps(input, target, var, full=False, eps=1e-6, reduction="mean"):
    return functional.gaussian_nll_loss(input, target, jnp.maximum(var, eps), full, eps, reduction)


@_wrong("gaussian_nll_loss", "reduction=none/float32/forward")
def _gaussian_takes_a_deviation(input, target, var, full=False, eps=1e-6, reduction="mean"):
    return functional.gaussian_nll_loss(input, target, var**2, full, eps, reduction)


@_wrong("gaussian_nll_loss", "reduction=none,full=True,eps=0.5/float32/forward")
def _gaussian_adds_twice_the_constant(input, target, var, full=False, eps=1e-6, reduction="mean"):
    loss = functional.gaussian_nll_loss(input, target, var, full, eps, reduction)
    return loss + 0.9189385 if full else loss


@_wrong("kl_div", "reduction=batchmean/float32/forward")
def _kl_batchmean_is_the_mean(input, target, reduction="mean", log_target=False):
    return functional.kl_div(
        input, target, "mean" if reduction == "batchmean" else reduction, log_target
    )


@_wrong("kl_div", "reduction=mean/float32/forward")
def _kl_mean_is_the_batchmean(input, target, reduction="mean", log_target=False):
    return (
        functional.kl_div(
            input, target, "batchmean" if reduction == "mean" else reduction, log_target
        )
        * 2
    )


@_wrong("kl_div", "reduction=none,log_target=True/float32/forward")
def _kl_takes_log_targets_for_probabilities(input, target, reduction="mean", log_target=False):
    return functional.kl_div(input, target, reduction, False)


@_wrong("kl_div", "reduction=none/float32/forward")
def _kl_swaps_its_arguments(input, target, reduction="mean", log_target=False):
    return functional.kl_div(jnp.log(target), jnp.exp(input), reduction, log_target)


@_wrong("kl_div", "reduction=none/float32/vjp")
def _kl_has_no_gradient_in_its_target(input, target, reduction="mean", log_target=False):
    return functional.kl_div(input, jax.lax.stop_gradient(target), reduction, log_target)


@_wrong("kl_div", "reduction=none/float32/forward")
def _kl_of_an_impossible_target_is_nan(input, target, reduction="mean", log_target=False):
    return target * (jnp.log(target) - input)
