# pyright: basic
"""Wrong losses of classes."""

from __future__ import annotations

import jax
import jax.numpy as jnp

from jaxact import functional
from parity.mutation import Mutants
from parity.suite.losses.classification import SPECS
from parity.verdict import Outcome

MUTANTS = Mutants(SPECS)
_wrong = MUTANTS.wrong


def _none(input, target, **options):
    return functional.cross_entropy(input, target, **{**options, "reduction": "none"})


def _log_softmax_losses(input, target):
    """Right but for its digits."""
    return -jnp.take_along_axis(jax.nn.log_softmax(input), target[:, None], 1)[:, 0]


# ------------------------------------------------------------------------------------ reductions


@_wrong("cross_entropy", "float32/forward")
def _cross_entropy_mean_is_over_all_rows(input, target, **options):
    return jnp.mean(_none(input, target, **options))


@_wrong("cross_entropy", "float32/forward")
def _cross_entropy_sums_for_the_mean(input, target, **options):
    return functional.cross_entropy(input, target, **{**options, "reduction": "sum"})


@_wrong("cross_entropy", "float32/forward")
def _cross_entropy_counts_ignored_rows_as_class_zero(input, target, **options):
    return functional.cross_entropy(input, jnp.maximum(target, 0), **options)


@_wrong("cross_entropy", "weight/float32/forward")
def _cross_entropy_mean_ignores_the_weights(input, target, **options):
    return jnp.sum(_none(input, target, **options)) / jnp.sum(target != -100)


@_wrong("cross_entropy", "weight=learned,label_smoothing=0.25/float32/forward")
def _cross_entropy_divides_its_smoothing_by_the_rows(
    input, target, weight, label_smoothing, **options
):
    kept = target != -100
    own = functional.cross_entropy(input, target, weight)
    spread = -jnp.mean(weight * jax.nn.log_softmax(input), 1)
    uniform = jnp.sum(jnp.where(kept, spread, 0)) / jnp.sum(kept)
    return (1 - label_smoothing) * own + label_smoothing * uniform


@_wrong("cross_entropy", "probabilities,weight,label_smoothing=0.25/float32/forward")
def _cross_entropy_normalizes_weighted_probabilities(input, target, weight, **options):
    losses = functional.cross_entropy(input, target, weight, **options)
    return losses / jnp.sum(weight * target, 1)


@_wrong("cross_entropy", "probabilities/float32/forward")
def _cross_entropy_makes_probabilities_sum_to_one(input, target, **options):
    total = jnp.sum(target, 1, keepdims=True)
    return functional.cross_entropy(input, target / jnp.maximum(total, 1e-6), **options)


# ------------------------------------------------------------------------------------- smoothing


@_wrong("cross_entropy", "smoothed_weight/float32/forward")
def _cross_entropy_spreads_its_smoothing_over_the_other_classes(
    input, target, label_smoothing=0.0, **options
):
    classes = input.shape[1]
    wider = label_smoothing * classes / (classes - 1)
    return functional.cross_entropy(input, target, label_smoothing=wider, **options)


@_wrong("cross_entropy", "smoothed_weight/float32/forward")
def _cross_entropy_smooths_without_the_weights(
    input, target, weight=None, label_smoothing=0.0, **options
):
    own = functional.cross_entropy(input, target, weight, **options)
    spread = jnp.where(target == -100, 0, -jnp.mean(jax.nn.log_softmax(input), 1))
    return (1 - label_smoothing) * own + label_smoothing * spread


@_wrong("cross_entropy", "smoothed_weight/float32/forward")
def _cross_entropy_smooths_with_the_targets_weight(
    input, target, weight=None, label_smoothing=0.0, **options
):
    assert weight is not None
    kept = target != -100
    shares = jnp.where(kept, weight[jnp.maximum(target, 0)], 0)
    own = functional.cross_entropy(input, target, **options)
    spread = -jnp.mean(jax.nn.log_softmax(input), 1)
    return shares * ((1 - label_smoothing) * own + label_smoothing * spread)


@_wrong("cross_entropy", "label_smoothing=learned/float32/forward", Outcome.ERROR)
def _cross_entropy_needs_a_fixed_smoothing(input, target, label_smoothing=0.0, **options):
    return functional.cross_entropy(
        input, target, label_smoothing=float(label_smoothing), **options
    )


@_wrong("cross_entropy", "label_smoothing=learned/float32/vjp")
def _cross_entropy_does_not_learn_its_smoothing(input, target, label_smoothing=0.0, **options):
    fixed = jax.lax.stop_gradient(label_smoothing)
    return functional.cross_entropy(input, target, label_smoothing=fixed, **options)


# --------------------------------------------------------------------------------------- targets


@_wrong("cross_entropy", "ignore_index=2/float32/forward")
def _cross_entropy_ignores_nothing_but_minus_100(input, target, ignore_index=-100, **options):
    return functional.cross_entropy(input, target, **options)


@_wrong("cross_entropy", "float32/forward")
def _cross_entropy_lets_negative_classes_wrap_around(input, target, **options):
    return jnp.mean(_log_softmax_losses(input, target % input.shape[1]))


@_wrong("cross_entropy", "places/float32/forward")
def _cross_entropy_has_its_classes_in_the_last_axis(input, target, weight=None, **options):
    scores = input.reshape(input.shape[0], -1, input.shape[1])
    losses = functional.cross_entropy(
        scores.reshape(-1, input.shape[1]), target.reshape(-1), weight, **options
    )
    return losses.reshape(target.shape)


# As torch: a difference that is declared and does not show.
@_wrong("cross_entropy", "special/float32/vjp", Outcome.STALE)
def _cross_entropy_has_nan_gradients_for_ignored_rows(input, target, **options):
    losses = _none(input, jnp.maximum(target, 0), **options)
    return losses * (target != -100)


# ------------------------------------------------------------------------- digits and gradients


@_wrong("cross_entropy", "confident/float32/forward")
def _cross_entropy_is_a_difference_from_logsumexp(input, target, **options):
    return _log_softmax_losses(input, target)


@_wrong("cross_entropy", "confident/float32/vjp")
def _cross_entropy_gradient_is_p_minus_one(input, target, **options):
    @jax.custom_vjp
    def loss(x):
        return functional.cross_entropy(x, target, **options)

    def backward(x, g):
        one_hot = jax.nn.one_hot(target, x.shape[1])
        return (g[:, None] * (jax.nn.softmax(x) - one_hot),)

    loss.defvjp(lambda x: (loss(x), x), backward)
    return loss(input)


@_wrong("cross_entropy", "confident/float32/forward")
def _cross_entropy_overflows(input, target, **options):
    e = jnp.exp(4 * input) ** 0.25
    own = jnp.take_along_axis(e, target[:, None], 1)[:, 0]
    return jnp.log(jnp.sum(e, 1)) - jnp.log(own)


def _sum_in_bfloat16(losses):
    def add(total, loss):
        return jax.lax.reduce_precision(total + loss, exponent_bits=8, mantissa_bits=7), None

    wide = losses.astype(jnp.float32)
    return jax.lax.scan(add, jnp.zeros(()), wide)[0]


@_wrong("cross_entropy", "many_rows/bfloat16/forward")
def _cross_entropy_adds_up_in_bfloat16(input, target, **options):
    total = _sum_in_bfloat16(_none(input, target, **options))
    return (total / jnp.sum(target != -100)).astype(input.dtype)


@_wrong("cross_entropy", "weight=learned,label_smoothing=0.25/float32/vjp")
def _cross_entropy_takes_its_weights_for_constants(input, target, weight=None, **options):
    return functional.cross_entropy(input, target, jax.lax.stop_gradient(weight), **options)


@_wrong("cross_entropy", "probabilities/float32/vjp")
def _cross_entropy_takes_its_probabilities_for_constants(input, target, **options):
    return functional.cross_entropy(input, jax.lax.stop_gradient(target), **options)


# --------------------------------------------------------------------------------------- nll_loss


@_wrong("nll_loss", "float32/forward")
def _nll_loss_takes_the_logarithm(input, target, **options):
    return functional.cross_entropy(input, target, **options)


@_wrong("nll_loss", "weight/float32/forward")
def _nll_loss_mean_ignores_the_weights(input, target, **options):
    losses = functional.nll_loss(input, target, **{**options, "reduction": "none"})
    return jnp.sum(losses) / jnp.sum(target != -100)


@_wrong("nll_loss", "weight=learned/float32/vjp")
def _nll_loss_forgets_the_weights_in_the_denominator(input, target, weight, **options):
    total = functional.nll_loss(input, target, weight, reduction="sum")
    assert weight is not None
    kept = target != -100
    shares = jnp.where(kept, weight[jnp.maximum(target, 0)], 0)
    return total / jax.lax.stop_gradient(jnp.sum(shares))


@_wrong("nll_loss", "reduction=none/float32/forward")
def _nll_loss_lets_ignored_rows_poison_the_others(input, target, **options):
    odd = jnp.argmax(jnp.abs(input), 1)
    losses = functional.nll_loss(input, jnp.where(target == -100, odd, target), **options)
    return losses * jnp.minimum(target + 100, 1)


@_wrong("nll_loss", "ignore_index=2/float32/vjp")
def _nll_loss_ignores_nothing_but_minus_100(input, target, ignore_index=-100, **options):
    return functional.nll_loss(input, target, **options)
