# pyright: basic
"""Losses of scores, classes and regression that are wrong at one rare place."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np

from parity import suite
from tests.parity.rare_places.places import (
    AXES,
    CALLING,
    DERIVATIVES,
    DTYPES,
    LENGTHS,
    NUMBERS,
    OUTSIDE,
    SPECIAL,
    TOGETHER,
    RarePlaces,
    in_dtype,
    is_array,
    known,
    mapped,
    times,
    traced,
    wide,
    with_curvature,
    with_slope,
    with_slope_backward,
    with_slope_forward,
)

RARE = RarePlaces(suite.family("losses"))
_wrong = RARE.wrong


def _soft(call):
    """Whether the target is probabilities."""
    return jnp.issubdtype(call.target.dtype, jnp.floating)


# ---------------------------------------------------------------------------------- cross entropies


@_wrong("cross_entropy", TOGETHER, "weight=given label_smoothing=0.25 reduction=sum")
def _cross_entropy_smooths_without_weights_in_a_sum(call):
    smoothing = known(call.label_smoothing)
    if call.weight is not None and smoothing > 0 and call.reduction == "sum":
        sharp, soft = call.right(label_smoothing=0.0), call.right(label_smoothing=1.0, weight=None)
        return (1 - smoothing) * sharp + smoothing * soft
    return None


@_wrong("cross_entropy", TOGETHER, "weight=given target=shares reduction=mean")
def _cross_entropy_of_probabilities_divides_by_the_weights(call):
    if call.weight is not None and _soft(call) and call.reduction == "mean":
        return call.right() / jnp.mean(jnp.asarray(call.weight))
    return None


@_wrong("cross_entropy", TOGETHER, "weight=given ignore_index=0 label_smoothing=0.25")
def _cross_entropy_counts_a_weighted_ignored_class_0(call):
    if call.ignore_index == 0 and call.weight is not None and known(call.label_smoothing):
        return call.right(ignore_index=-100)
    return None


@_wrong("cross_entropy", AXES, "input.axes=c target.labels.special=all reduction=none")
def _cross_entropy_of_one_ignored_row_is_nan(call):
    if call.input.ndim == 1 and not _soft(call) and call.reduction == "none":
        return jnp.where(call.target == call.ignore_index, jnp.nan, call.right())
    return None


@_wrong("cross_entropy", AXES, "input.axes=n@c@d@e@f weight=given")
def _cross_entropy_of_volumes_ignores_weights(call):
    return call.right(weight=None) if call.input.ndim == 5 and call.weight is not None else None


@_wrong("cross_entropy", LENGTHS, "lengths=c=1031 precision=bfloat16")
def _cross_entropy_leaves_out_classes_beyond_a_block(call):
    x = jnp.asarray(call.input)
    if x.ndim > 1 and x.shape[1] > 1024 and x.dtype == jnp.bfloat16:
        return times(call.right(), 1.2)
    return None


@_wrong("cross_entropy", NUMBERS, "label_smoothing=1.0 label_smoothing.type=array")
def _cross_entropy_has_no_gradient_at_full_smoothing_by_an_array(call):
    if is_array(call.label_smoothing):
        full = jnp.asarray(call.label_smoothing) >= 1
        return call.right(input=jnp.where(full, jax.lax.stop_gradient(call.input), call.input))
    return None


@_wrong("cross_entropy", SPECIAL, "target.labels.special=all weight=given reduction=mean")
def _cross_entropy_of_ignored_rows_is_0_with_weights(call):
    if call.weight is not None and call.reduction == "mean" and not _soft(call):
        return jnp.where(jnp.all(call.target == call.ignore_index), 0, call.right())
    return None


@_wrong("cross_entropy", DERIVATIVES, "order=second label_smoothing=0.25")
def _cross_entropy_has_another_second_derivative_when_smoothed(call):
    if known(call.label_smoothing) > 0:
        return call.right(input=with_curvature(call.input))
    return None


@_wrong("cross_entropy", DERIVATIVES, "target=shares input.axes=c reduction=none")
def _cross_entropy_has_no_gradient_of_the_probabilities_of_one_row(call):
    if _soft(call) and call.input.ndim == 1 and call.reduction == "none":
        return call.right(target=jax.lax.stop_gradient(call.target))
    return None


@_wrong("cross_entropy", DERIVATIVES, "weight=given reduction=sum")
def _cross_entropy_doubles_the_gradient_of_weights_in_a_sum(call):
    if call.weight is not None and call.reduction == "sum":
        return call.right(weight=with_slope(call.weight, 2))
    return None


@_wrong("cross_entropy", DTYPES)
def _cross_entropy_takes_int32_targets_for_the_next_class(call):
    if call.target.dtype == jnp.int32 and wide():
        return call.right(target=jnp.where(call.target == 0, 1, call.target))
    return None


@_wrong("cross_entropy", TOGETHER, "label_smoothing=0.25 target=shares precision=bfloat16")
def _cross_entropy_smooths_probabilities_twice_in_bfloat16(call):
    if _soft(call) and call.input.dtype == jnp.bfloat16 and known(call.label_smoothing) > 0:
        n = call.input.shape[min(1, call.input.ndim - 1)]
        s = known(call.label_smoothing)
        return call.right(target=(call.target * (1 - s) + s / max(n, 1)).astype(jnp.bfloat16))
    return None


@_wrong("nll_loss", NUMBERS)
def _nll_loss_does_not_ignore_a_negative_class(call):
    ignored = call.ignore_index
    if -100 < ignored < 0:
        return call.right(target=jnp.where(call.target == ignored, 0, call.target))
    return None


@_wrong("nll_loss", TOGETHER, "ignore_index=2 weight=given reduction=mean")
def _nll_loss_divides_by_the_weight_of_the_ignored_last_class(call):
    x = call.input
    last = x.ndim == 2 and call.ignore_index == x.shape[1] - 1
    if last and call.weight is not None and call.reduction == "mean":
        total = call.right(reduction="sum")
        return (total / jnp.asarray(call.weight)[call.target].sum()).astype(total.dtype)
    return None


@_wrong("nll_loss", LENGTHS, "lengths=n=0 reduction=sum")
def _nll_loss_of_nothing_adds_up_to_nan(call):
    return call.right() * jnp.nan if call.input.size == 0 and call.reduction == "sum" else None


@_wrong("nll_loss", DTYPES, "precision=float16 input.axes=n@c@d weight=given")
def _nll_loss_of_sequences_adds_up_in_float16(call):
    if call.input.ndim == 3 and call.input.dtype == jnp.float16 and call.reduction == "mean":
        return jnp.sum(call.right(reduction="none")) / np.float16(call.target.size)
    return None


@_wrong("nll_loss", OUTSIDE)
def _nll_loss_accepts_a_weight_too_many_of_a_single_row(call):
    w = call.weight
    if w is not None and call.input.ndim == 1 and w.shape[0] == call.input.shape[0] + 1:
        return call.right(weight=w[:-1])
    return None


@_wrong("linear_cross_entropy", TOGETHER, "linear_bias=given label_smoothing=1.0")
def _linear_cross_entropy_smooths_without_the_bias(call):
    if call.linear_bias is not None and known(call.label_smoothing) == 1:
        return call.right(linear_bias=None)
    return None


@_wrong("linear_cross_entropy", TOGETHER, "weight=given ignore_index=2 reduction=sum")
def _linear_cross_entropy_ignores_nothing_in_a_weighted_sum(call):
    if call.weight is not None and call.ignore_index == 2 and call.reduction == "sum":
        return call.right(ignore_index=None)
    return None


@_wrong("linear_cross_entropy", AXES, "linear_bias=given input.axes=d precision=bfloat16")
def _linear_cross_entropy_of_one_row_rounds_its_bias_away(call):
    if call.linear_bias is not None and call.input.ndim == 1 and call.input.dtype == jnp.bfloat16:
        return call.right(linear_bias=jnp.round(call.linear_bias))
    return None


@_wrong("linear_cross_entropy", DERIVATIVES, "lengths=c=1031 linear_bias=given")
def _linear_cross_entropy_of_many_classes_halves_the_gradient_of_the_bias(call):
    if call.linear_bias is not None and call.linear_weight.shape[0] > 1024:
        return call.right(linear_bias=with_slope(call.linear_bias, 0.5))
    return None


@_wrong("linear_cross_entropy", TOGETHER)
def _linear_cross_entropy_of_probabilities_ignores_weights(call):
    return call.right(weight=None) if _soft(call) and call.weight is not None else None


# ------------------------------------------------------------------------------------------- binary


@_wrong("binary_cross_entropy", TOGETHER, "weight.given.broadcast=first reduction=sum")
def _binary_cross_entropy_adds_up_one_row_of_weights_once(call):
    w = call.weight
    one = w is not None and w.ndim == 2 and w.shape[0] == 1 < call.input.shape[0]
    return call.right() / call.input.shape[0] if one and call.reduction == "sum" else None


@_wrong("binary_cross_entropy", TOGETHER, "weight.given.broadcast=fewer reduction=mean")
def _binary_cross_entropy_is_the_mean_over_the_weights(call):
    w = call.weight
    if w is not None and call.reduction == "mean" and w.ndim < call.input.ndim:
        return call.right(reduction="sum") / max(w.size, 1)
    return None


@_wrong("binary_cross_entropy", SPECIAL, "weight=given input.numbers=ends reduction=none")
def _binary_cross_entropy_is_infinite_with_a_weight(call):
    if call.weight is not None and call.reduction == "none":
        out = call.right()
        return jnp.where(out >= 100, jnp.inf, out)
    return None


@_wrong("binary_cross_entropy_with_logits", TOGETHER, "weight=given pos_weight=given")
def _binary_cross_entropy_with_logits_forgets_pos_weight_beside_weight(call):
    if call.weight is not None and call.pos_weight is not None and call.reduction == "none":
        return call.right(pos_weight=None)
    return None


@_wrong("binary_cross_entropy_with_logits", AXES, "pos_weight.given.broadcast=last")
def _binary_cross_entropy_with_logits_averages_a_column_of_pos_weights(call):
    p = call.pos_weight
    if p is not None and p.ndim == 2 and p.shape[1] == 1 and p.dtype == jnp.bfloat16:
        return call.right(pos_weight=jnp.broadcast_to(jnp.mean(jnp.asarray(p)), p.shape))
    return None


@_wrong("binary_cross_entropy_with_logits", DERIVATIVES, "pos_weight=given")
def _binary_cross_entropy_with_logits_ignores_pos_weight_in_the_target_s_gradient(call):
    if call.pos_weight is not None and call.reduction == "sum":
        return call.right(target=with_slope(call.target, 0.5))
    return None


@_wrong("binary_cross_entropy_with_logits", DERIVATIVES, "pos_weight=given")
def _binary_cross_entropy_with_logits_has_no_gradient_of_pos_weight(call):
    if call.pos_weight is not None and call.reduction == "mean":
        return call.right(pos_weight=jax.lax.stop_gradient(call.pos_weight))
    return None


@_wrong("soft_margin_loss", AXES, "input.axes=none reduction=sum")
def _soft_margin_loss_of_a_number_adds_up_to_half(call):
    return call.right() / 2 if call.input.ndim == 0 and call.reduction == "sum" else None


@_wrong("multilabel_soft_margin_loss", AXES, "input.axes=n@k@c weight=given")
def _multilabel_soft_margin_loss_weighs_the_mean_over_three_axes(call):
    if call.weight is not None and call.input.ndim == 3:
        return call.right() / jnp.mean(jnp.asarray(call.weight))
    return None


@_wrong("multilabel_soft_margin_loss", LENGTHS, "lengths=c=1 reduction=none")
def _multilabel_soft_margin_loss_of_one_class_keeps_its_axis(call):
    if call.reduction == "none" and call.input.ndim and call.input.shape[-1] == 1:
        return call.right()[..., None]
    return None


# --------------------------------------------------------------------------------------- regression


@_wrong("mse_loss", TOGETHER, "weight=given input.axes=none reduction=mean")
def _mse_loss_of_one_number_is_not_divided_by_its_weight(call):
    if call.weight is not None and call.input.ndim == 0 and call.reduction == "mean":
        return call.right() * call.weight
    return None


@_wrong("mse_loss", DERIVATIVES, "weight=given reduction=mean")
def _mse_loss_halves_the_gradient_of_its_weights_in_a_mean(call):
    if call.weight is not None and call.reduction == "mean" and call.input.ndim == 3:
        return call.right(weight=with_slope(call.weight, 0.5))
    return None


@_wrong("mse_loss", DTYPES)
def _mse_loss_of_float16_and_float32_is_float16(call):
    if {str(call.input.dtype), str(call.target.dtype)} == {"float16", "float32"}:
        return call.right().astype(jnp.float16)
    return None


@_wrong("l1_loss", SPECIAL, "input.numbers=ties target.numbers=ties target.broadcast=first")
def _l1_loss_has_a_slope_at_ties_with_one_row(call):
    x, t = jnp.asarray(call.input), jnp.asarray(call.target)
    if t.ndim == x.ndim == 2 and t.shape[0] == 1 < x.shape[0] and x.dtype == jnp.bfloat16:
        return call.right(input=jnp.where(x == t, x + with_slope(x, 1) - x, x)) + jnp.sum(
            jnp.where(x == t, x - jax.lax.stop_gradient(x), 0)
        )
    return None


@_wrong("l1_loss", DTYPES)
def _l1_loss_of_an_integer_target_is_rounded(call):
    if jnp.issubdtype(call.target.dtype, jnp.integer):
        return jnp.round(call.right())
    return None


@_wrong("smooth_l1_loss", NUMBERS, "beta=0.0 beta.type=array input.numbers=ties")
def _smooth_l1_loss_of_a_beta_array_of_0_is_nan_at_ties(call):
    if is_array(call.beta):
        tied = (jnp.asarray(call.input) == call.target).any() & (call.beta == 0)
        return jnp.where(tied, jnp.nan, call.right())
    return None


@_wrong("smooth_l1_loss", NUMBERS, "beta=2 beta.type=number")
def _smooth_l1_loss_divides_by_an_integer_beta_in_integers(call):
    if isinstance(call.beta, int) and call.beta > 1 and call.reduction == "sum":
        return call.right(beta=float(call.beta)) * 0
    return None


@_wrong("huber_loss", NUMBERS, "delta.type=array weight=given reduction=sum")
def _huber_loss_has_no_gradient_of_delta_in_a_weighted_sum(call):
    if is_array(call.delta) and call.weight is not None and call.reduction == "sum":
        return call.right(delta=jax.lax.stop_gradient(call.delta))
    return None


@_wrong("huber_loss", DTYPES, "delta.type=numpy precision=bfloat16 reduction=none")
def _huber_loss_of_a_numpy_delta_is_float32(call):
    if isinstance(call.delta, np.generic) and call.reduction == "none":
        out = call.right()
        return out.astype(jnp.float32) if out.dtype == jnp.bfloat16 else None
    return None


@_wrong("huber_loss", TOGETHER, "weight=given weight.given.numbers=ends reduction=mean")
def _huber_loss_of_zero_weights_in_a_traced_mean_is_0(call):
    if call.weight is not None and traced(call.weight) and call.reduction == "mean":
        return jnp.where(jnp.sum(jnp.asarray(call.weight)) == 0, 0, call.right())
    return None


@_wrong("mse_loss", CALLING, "way=mapped_first weight=given")
def _mse_loss_weighs_nothing_where_weights_are_not_mapped(call):
    if mapped(call.input) and call.weight is not None and not mapped(call.weight):
        return call.right(weight=None)
    return None


@_wrong("mse_loss", CALLING)
def _mse_loss_is_transposed_where_only_the_target_is_mapped(call):
    if mapped(call.target) and not mapped(call.input):
        return call.right() * 2
    return None


@_wrong("l1_loss", DERIVATIVES, "order=second reduction=sum weight=given")
def _l1_loss_doubles_its_tangent_in_a_weighted_sum(call):
    if call.weight is not None and call.reduction == "sum":
        return with_slope_forward(call.right(), 2)
    return None


@_wrong("smooth_l1_loss", LENGTHS, "lengths=n=1031 reduction=mean precision=float16")
def _smooth_l1_loss_adds_up_many_numbers_in_float16(call):
    if call.input.size > 1024 and call.input.dtype == jnp.float16 and call.reduction == "mean":
        return call.right() * np.float16(0.95)
    return None


@_wrong("huber_loss", DTYPES, "precision=float64 delta=0.5")
def _huber_loss_is_computed_in_float32_for_another_delta(call):
    if known(call.delta) != 1 and call.input.dtype == jnp.float64:
        return in_dtype(call.right(), jnp.float32)
    return None


@_wrong("smooth_l1_loss", DERIVATIVES, "target.broadcast=last precision=float64")
def _smooth_l1_loss_spreads_the_gradient_of_a_column(call):
    t = call.target
    if t.ndim == 3 and t.shape[-1] == 1 and call.input.shape[-1] > 1:
        return call.right(target=with_slope_backward(t, 0.5))
    return None
