# pyright: basic
"""Wrong losses with a margin."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp

import jaxact
from parity.mutation import Mutants
from parity.suite.losses.margin import SPECS

MUTANTS = Mutants(SPECS)
# Not typed: a reduction that may be any string is handed on.
functional: Any = jaxact.functional
_wrong = MUTANTS.wrong


def _reduced(losses, reduction):
    return {"none": lambda x: x, "mean": jnp.mean, "sum": jnp.sum}[reduction](losses)


# -------------------------------------------------------------------------------- hinge embedding


@_wrong("hinge_embedding_loss", "reduction=none/float32/vjp")
def _hinge_embedding_has_half_the_slope_at_its_margin(input, target, margin=1.0, reduction="mean"):
    unlike = jnp.maximum(margin - input, 0)
    losses = jnp.where(target == 1, input, jnp.where(target == -1, unlike, unlike + input))
    return _reduced(losses, reduction)


@_wrong("hinge_embedding_loss", "reduction=none/float32/forward")
def _hinge_embedding_takes_every_other_label_for_minus_one(
    input, target, margin=1.0, reduction="mean"
):
    losses = jnp.where(target == 1, input, jnp.where(input < margin, margin - input, 0))
    return _reduced(losses, reduction)


@_wrong("hinge_embedding_loss", "reduction=none/float32/forward")
def _hinge_embedding_is_the_hinge_loss(input, target, margin=1.0, reduction="mean"):
    return _reduced(jnp.maximum(margin - target * input, 0), reduction)


@_wrong("hinge_embedding_loss", "margin=array/float32/vjp")
def _hinge_embedding_does_not_learn_its_margin(input, target, margin=1.0, reduction="mean"):
    return functional.hinge_embedding_loss(input, target, jax.lax.stop_gradient(margin), reduction)


# -------------------------------------------------------------------------------- margin ranking


@_wrong("margin_ranking_loss", "reduction=none/float32/vjp")
def _margin_ranking_has_slope_0_at_the_hinge(input1, input2, target, margin=0, reduction="mean"):
    short = margin - target * (input1 - input2)
    return _reduced(jnp.where((short > 0) | jnp.isnan(short), short, 0), reduction)


@_wrong("margin_ranking_loss", "reduction=none,margin=0.5/float32/forward")
def _margin_ranking_subtracts_the_margin(input1, input2, target, margin=0, reduction="mean"):
    return functional.margin_ranking_loss(input1, input2, target, -margin, reduction)


@_wrong("margin_ranking_loss", "float32/forward")
def _margin_ranking_prefers_the_second(input1, input2, target, margin=0, reduction="mean"):
    return functional.margin_ranking_loss(input2, input1, target, margin, reduction)


# ---------------------------------------------------------------------------------- multi margin


def _multi_margin(
    input,
    target,
    p=1,
    margin=1.0,
    weight=None,
    reduction="mean",
    *,
    passes=False,
    counts_target=False,
    fewer=0,
    weights_of=None,
):
    own = jnp.take_along_axis(input, target[:, None], 1)
    short = margin + (input - own)
    active = (short >= 0) if passes else (short > 0)
    others = jnp.arange(input.shape[1]) != target[:, None]
    short = jnp.where(active & (others | counts_target), short, 0)
    losses = (short**p).sum(1) / (input.shape[1] - fewer)
    if weight is not None:
        losses = losses * weight[target if weights_of is None else weights_of(target)]
    return _reduced(losses, reduction)


@_wrong("multi_margin_loss", "kinks/float32/vjp")
def _multi_margin_has_slope_1_at_the_hinge(
    input, target, p=1, margin=1.0, weight=None, reduction="mean"
):
    return _multi_margin(input, target, p, margin, weight, reduction, passes=True)


@_wrong("multi_margin_loss", "float32/forward")
def _multi_margin_counts_the_target(input, target, p=1, margin=1.0, weight=None, reduction="mean"):
    return _multi_margin(input, target, p, margin, weight, reduction, counts_target=True)


@_wrong("multi_margin_loss", "float32/forward")
def _multi_margin_divides_by_the_other_classes(
    input, target, p=1, margin=1.0, weight=None, reduction="mean"
):
    return _multi_margin(input, target, p, margin, weight, reduction, fewer=1)


@_wrong("multi_margin_loss", "reduction=none,p=2/float32/forward")
def _multi_margin_ignores_p(input, target, p=1, margin=1.0, weight=None, reduction="mean"):
    return _multi_margin(input, target, 1, margin, weight, reduction)


@_wrong("multi_margin_loss", "p=2,margin=0.5,weight=array/float32/forward")
def _multi_margin_takes_the_weight_of_the_next_class(
    input, target, p=1, margin=1.0, weight=None, reduction="mean"
):
    return _multi_margin(
        input, target, p, margin, weight, reduction, weights_of=lambda y: (y + 1) % 7
    )


@_wrong("multi_margin_loss", "p=2,margin=0.5,weight=array/float32/forward")
def _multi_margin_squares_the_weight(input, target, p=1, margin=1.0, weight=None, reduction="mean"):
    weight = None if weight is None else weight**p
    return _multi_margin(input, target, p, margin, weight, reduction)


@_wrong("multi_margin_loss", "p=2,margin=0.5,weight=array/float32/forward")
def _multi_margin_divides_by_the_weights(
    input, target, p=1, margin=1.0, weight=None, reduction="mean"
):
    losses = _multi_margin(input, target, p, margin, weight, "none")
    return jnp.sum(losses) / jnp.sum(jnp.ones(len(target)) if weight is None else weight[target])


@_wrong("multi_margin_loss", "reduction=none/float32/forward")
def _multi_margin_lets_nan_through(input, target, p=1, margin=1.0, weight=None, reduction="mean"):
    losses = functional.multi_margin_loss(input, target, p, margin, weight, "none")
    return _reduced(jnp.where(jnp.isnan(input).any(1), jnp.nan, losses), reduction)


# ------------------------------------------------------------------------------ multilabel margin


def _multilabel(input, target, reduction, *, ends=True, once=False, passes=False, all_pairs=False):
    live = jnp.cumprod(target >= 0, 1) == 1 if ends else target >= 0
    counts = jax.nn.one_hot(jnp.where(live, target, -1), input.shape[1]).sum(1)
    counts = jnp.minimum(counts, 1) if once else counts
    short = 1 + (input[:, None, :] - input[:, :, None])
    active = (short >= 0) if passes else (short > 0)
    pairs = counts[:, :, None] * ((counts == 0)[:, None, :] | all_pairs)
    losses = jnp.where(active & (pairs > 0), short * pairs, 0).sum((1, 2)) / input.shape[1]
    return _reduced(losses, reduction)


@_wrong("multilabel_margin_loss", "float32/forward")
def _multilabel_margin_reads_on_after_the_end(input, target, reduction="mean"):
    return _multilabel(input, target, reduction, ends=False)


@_wrong("multilabel_margin_loss", "float32/forward")
def _multilabel_margin_counts_a_repeated_label_once(input, target, reduction="mean"):
    return _multilabel(input, target, reduction, once=True)


@_wrong("multilabel_margin_loss", "kinks/float32/vjp")
def _multilabel_margin_has_slope_1_at_the_hinge(input, target, reduction="mean"):
    return _multilabel(input, target, reduction, passes=True)


@_wrong("multilabel_margin_loss", "float32/forward")
def _multilabel_margin_compares_labels_with_each_other(input, target, reduction="mean"):
    return _multilabel(input, target, reduction, all_pairs=True)
