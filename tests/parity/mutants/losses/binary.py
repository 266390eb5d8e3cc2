# pyright: basic
"""Wrong losses against two-sided targets: see `parity.mutation`."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp

import jaxact
from parity.mutation import Mutants
from parity.suite.losses.binary import SPECS

# Untyped: a wrong function may pass on whatever it got.
functional: Any = jaxact.functional

MUTANTS = Mutants(SPECS)
_wrong = MUTANTS.wrong


def _reduce(losses: Any, reduction: str) -> Any:
    if reduction == "none":
        return losses
    return losses.mean() if reduction == "mean" else losses.sum()


@_wrong("binary_cross_entropy", "reduction=none/float32/forward")
def _bce_does_not_bound_its_logarithms(input, target, weight=None, reduction="mean"):
    return _reduce(-target * jnp.log(input) - (1 - target) * jnp.log1p(-input), reduction)


@_wrong("binary_cross_entropy", "reduction=none/float32/forward")
def _bce_moves_its_input_by_an_epsilon(input, target, weight=None, reduction="mean"):
    x = jnp.clip(input, 1e-7, 1 - 1e-7)
    return functional.binary_cross_entropy(x, target, weight, reduction)


@_wrong("binary_cross_entropy", "reduction=none/float32/vjp")
def _bce_has_no_gradient_where_it_is_bounded(input, target, weight=None, reduction="mean"):
    certain = jnp.maximum(jnp.log(input), -100)
    otherwise = jnp.maximum(jnp.log1p(-input), -100)
    return _reduce(-target * certain - (1 - target) * otherwise, reduction)


@_wrong("binary_cross_entropy", "reduction=mean,weight=array/float32/forward")
def _bce_divides_its_mean_by_the_weights(input, target, weight=None, reduction="mean"):
    losses = functional.binary_cross_entropy(input, target, weight, "none")
    if weight is None or reduction != "mean":
        return _reduce(losses, reduction)
    return losses.sum() / weight.sum()


@_wrong("binary_cross_entropy_with_logits", "reduction=none/float32/forward")
def _bce_with_logits_takes_the_sigmoid_first(
    input, target, weight=None, reduction="mean", pos_weight=None
):
    return functional.binary_cross_entropy(jax.nn.sigmoid(input), target, weight, reduction)


@_wrong("binary_cross_entropy_with_logits", "reduction=none/float32/forward")
def _bce_with_logits_subtracts_as_torch_does(
    input, target, weight=None, reduction="mean", pos_weight=None
):
    return _reduce((1 - target) * input - jax.nn.log_sigmoid(input), reduction)


@_wrong("binary_cross_entropy_with_logits", "reduction=none/float32/vjp")
def _bce_with_logits_has_the_slope_that_cancels(
    input, target, weight=None, reduction="mean", pos_weight=None
):
    @jax.custom_jvp
    def losses(x, t):
        return functional.binary_cross_entropy_with_logits(x, t, reduction="none")

    @losses.defjvp
    def _(primals, tangents):
        x, t = primals
        slope = jax.nn.sigmoid(x) - t
        return losses(x, t), slope * tangents[0] - x * tangents[1]

    return _reduce(losses(input, target), reduction)


@_wrong("binary_cross_entropy_with_logits", "reduction=none,pos_weight=array/float32/forward")
def _bce_with_logits_weighs_the_negative_part(
    input, target, weight=None, reduction="mean", pos_weight=None
):
    return functional.binary_cross_entropy_with_logits(
        -input, 1 - target, weight, reduction, pos_weight
    )


@_wrong("binary_cross_entropy_with_logits", "reduction=none,pos_weight=array/float32/forward")
def _bce_with_logits_takes_pos_weight_for_weight(
    input, target, weight=None, reduction="mean", pos_weight=None
):
    return functional.binary_cross_entropy_with_logits(input, target, pos_weight, reduction)


@_wrong("soft_margin_loss", "reduction=none/float32/forward")
def _soft_margin_overflows(input, target, reduction="mean"):
    return _reduce(jnp.log1p(jnp.exp(-target * input)), reduction)


@_wrong("soft_margin_loss", "reduction=none/float32/forward")
def _soft_margin_has_the_wrong_sign(input, target, reduction="mean"):
    return functional.soft_margin_loss(-input, target, reduction)


@_wrong("multilabel_soft_margin_loss", "reduction=none/float32/forward")
def _multilabel_sums_over_the_classes(input, target, weight=None, reduction="mean"):
    return (
        functional.multilabel_soft_margin_loss(input, target, weight, reduction) * input.shape[-1]
    )


@_wrong("multilabel_soft_margin_loss", "reduction=sum/float32/forward")
def _multilabel_sums_over_rows_and_classes(input, target, weight=None, reduction="mean"):
    return functional.binary_cross_entropy_with_logits(input, target, weight, reduction)


@_wrong("multilabel_soft_margin_loss", "weight=array/float32/forward")
def _multilabel_divides_by_its_weights(input, target, weight=None, reduction="mean"):
    loss = functional.multilabel_soft_margin_loss(input, target, weight, reduction)
    return loss if weight is None else loss / weight.mean()
