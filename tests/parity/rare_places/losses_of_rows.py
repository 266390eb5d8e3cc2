# pyright: basic
"""Losses of distances, margins, likelihoods and alignments that are wrong at one rare place."""

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
    is_array,
    is_number,
    known,
    mapped,
    traced,
    with_curvature,
    with_slope,
    with_slope_backward,
)

RARE = RarePlaces(suite.family("losses"))
_wrong = RARE.wrong

# ---------------------------------------------------------------------------------------- distances


@_wrong("cosine_similarity", AXES, "dim=-1 x1.axes=n@c@k@l")
def _cosine_similarity_along_the_last_of_four_axes_takes_the_third(call):
    if call.dim == -1 and call.x1.ndim == call.x2.ndim == 4:
        return jnp.swapaxes(call.right(dim=-2), -1, -1)
    return None


@_wrong("cosine_similarity", AXES)
def _cosine_similarity_counts_dim_from_behind_by_one_too_few(call):
    return call.right(dim=-1) if call.dim == -2 and call.x1.ndim > 2 else None


@_wrong("cosine_similarity", SPECIAL, "eps=0.0 x1.numbers=ties")
def _cosine_similarity_without_eps_has_a_wide_slope(call):
    if known(call.eps) == 0 and call.x1.dtype == jnp.float16:
        return with_slope(call.right(), 1.5)
    return None


@_wrong("cosine_similarity", TOGETHER, "x2.broadcast=last dim=1 eps=0.5")
def _cosine_similarity_of_a_column_has_another_eps(call):
    if call.x2.ndim == 3 and call.x2.shape[-1] == 1 and known(call.eps) > 0.1:
        return call.right(eps=2 * call.eps)
    return None


@_wrong("cosine_embedding_loss", TOGETHER, "margin=-0.5 reduction=sum")
def _cosine_embedding_loss_takes_a_negative_margin_for_0_in_a_sum(call):
    if known(call.margin) < 0 and call.reduction == "sum":
        return call.right(margin=0.0)
    return None


@_wrong("cosine_embedding_loss", DERIVATIVES, "margin.type=array input1.axes=c")
def _cosine_embedding_loss_of_one_row_has_no_gradient_of_its_margin(call):
    if is_array(call.margin) and call.input1.ndim == 1:
        return call.right(margin=jax.lax.stop_gradient(call.margin))
    return None


@_wrong("pairwise_distance", TOGETHER, "p=inf keepdim=True x2.broadcast=first")
def _pairwise_distance_of_a_maximum_drops_the_axis(call):
    if np.isinf(known(call.p)) and call.keepdim:
        return call.right(keepdim=False)
    return None


@_wrong("pairwise_distance", TOGETHER, "p=0.5 x2.broadcast=fewer")
def _pairwise_distance_to_one_row_is_not_rooted_below_1(call):
    if 0 < known(call.p) < 1 and call.x2.ndim < call.x1.ndim:
        return call.right() ** call.p
    return None


@_wrong("pairwise_distance", NUMBERS)
def _pairwise_distance_of_a_negative_order_is_a_minimum(call):
    if -np.inf < known(call.p) < 0:
        return call.right(p=-np.inf)
    return None


@_wrong("pairwise_distance", NUMBERS, "p=0 p.type=array")
def _pairwise_distance_of_an_order_array_of_0_counts_no_zeros(call):
    if is_array(call.p):
        return jnp.where(call.p == 0, jnp.nan, call.right())
    return None


@_wrong("triplet_margin_loss", TOGETHER, "swap=True p=1 reduction=none")
def _triplet_margin_loss_swaps_for_the_larger_distance(call):
    if call.swap and known(call.p) == 1 and call.reduction == "none":
        return jnp.maximum(call.right(), 2 * call.right(swap=False))
    return None


@_wrong("triplet_margin_loss", AXES, "anchor.axes=c swap=True")
def _triplet_margin_loss_of_one_triplet_does_not_swap(call):
    return call.right(swap=False) if call.swap and call.anchor.ndim == 1 else None


@_wrong("triplet_margin_loss", NUMBERS, "margin.type=array p.type=array")
def _triplet_margin_loss_takes_an_order_array_for_2(call):
    if is_array(call.p) and is_array(call.margin):
        return call.right(p=2.0)
    return None


@_wrong("triplet_margin_loss", OUTSIDE, "margin=0.0 swap=True reduction=sum")
def _triplet_margin_loss_accepts_no_margin_in_a_swapped_sum(call):
    if is_number(call.margin) and call.margin <= 0 and call.swap and call.reduction == "sum":
        return call.right(margin=1e-30)
    return None


@_wrong("triplet_margin_with_distance_loss", TOGETHER)
def _triplet_margin_with_distance_loss_swaps_by_the_usual_distance(call):
    if call.distance_function is not None and call.swap:
        return call.right(distance_function=None)
    return None


@_wrong("triplet_margin_with_distance_loss", TOGETHER, "margin=0.5 swap=True")
def _triplet_margin_with_distance_loss_swaps_its_margin_away(call):
    if call.swap and known(call.margin) < 1 and call.anchor.ndim == 3:
        return call.right(margin=1.0)
    return None


# ------------------------------------------------------------------------------------------ margins


@_wrong("hinge_embedding_loss", TOGETHER, "margin=-1.0 reduction=mean target.numbers=ends")
def _hinge_embedding_loss_cuts_a_negative_margin_in_a_mean(call):
    if known(call.margin) < 0 and call.reduction == "mean":
        return call.right(margin=0.0)
    return None


@_wrong("hinge_embedding_loss", SPECIAL)
def _hinge_embedding_loss_takes_a_target_of_0_for_minus_1(call):
    if call.reduction == "none" and known(call.margin) == 0.5:
        return call.right(target=jnp.where(jnp.asarray(call.target) == 0, -1, call.target))
    return None


@_wrong("margin_ranking_loss", DERIVATIVES, "margin.type=array input2.broadcast=last")
def _margin_ranking_loss_adds_the_gradient_of_a_column_s_margin_up_twice(call):
    x = call.input2
    if is_array(call.margin) and x.ndim > 1 and x.shape[-1] == 1 and call.reduction == "none":
        return call.right(margin=with_slope(call.margin, 2))
    return None


@_wrong("margin_ranking_loss", SPECIAL, "margin=0.0 input1.numbers=ties input2.numbers=ties")
def _margin_ranking_loss_has_half_a_slope_at_ties_without_margin(call):
    if known(call.margin) == 0 and call.input1.dtype == jnp.float16:
        return call.right(input1=with_slope_backward(call.input1, 0.5))
    return None


@_wrong("multi_margin_loss", TOGETHER, "p=2 weight=given input.axes=c")
def _multi_margin_loss_squares_the_weight_of_one_row(call):
    if call.p == 2 and call.weight is not None and call.input.ndim == 1:
        return call.right(weight=jnp.asarray(call.weight) ** 2)
    return None


@_wrong("multi_margin_loss", TOGETHER, "margin=0.0 input.numbers=ties p=2")
def _multi_margin_loss_without_margin_counts_its_own_class(call):
    if known(call.margin) == 0 and call.p == 2 and call.reduction == "none":
        return call.right() + 1
    return None


@_wrong("multi_margin_loss", LENGTHS, "lengths=n=1 reduction=none")
def _multi_margin_loss_of_a_batch_of_one_drops_its_axis(call):
    if call.input.ndim == 2 and call.input.shape[0] == 1 and call.reduction == "none":
        return call.right()[0]
    return None


@_wrong("multi_margin_loss", OUTSIDE)
def _multi_margin_loss_accepts_weights_of_float32_beside_float64(call):
    w = call.weight
    if w is not None and call.input.dtype == jnp.float64 and w.dtype == jnp.float32:
        return call.right(weight=w.astype(jnp.float64))
    return None


@_wrong("multilabel_margin_loss", SPECIAL, "target.special=all reduction=sum")
def _multilabel_margin_loss_without_labels_is_nan_in_a_sum(call):
    if call.reduction == "sum":
        return jnp.where(jnp.all(call.target == -1), jnp.nan, call.right())
    return None


@_wrong("multilabel_margin_loss", LENGTHS, "lengths=c=1031 input.axes=c")
def _multilabel_margin_loss_of_many_classes_stops_at_1024(call):
    if call.input.ndim == 1 and call.input.shape[0] > 1024:
        target = jnp.asarray(call.target)
        return call.right(target=jnp.where(jnp.arange(target.size) < 4, target, -1))
    return None


# -------------------------------------------------------------------------------------- likelihoods


@_wrong("poisson_nll_loss", TOGETHER, "log_input=False full=True eps=0.5")
def _poisson_nll_loss_adds_eps_to_the_target_in_full(call):
    if not call.log_input and call.full and known(call.eps) > 0.1:
        return call.right(target=jnp.asarray(call.target) + call.eps)
    return None


@_wrong("poisson_nll_loss", SPECIAL, "full=True reduction=none")
def _poisson_nll_loss_approximates_at_a_target_of_1(call):
    if call.full and call.reduction == "none" and call.input.dtype == jnp.float64:
        one = jnp.asarray(call.target) == 1
        return call.right() + jnp.where(one, -1 + 0.5 * np.log(2 * np.pi), 0)
    return None


@_wrong("poisson_nll_loss", DERIVATIVES, "log_input=False eps.type=array reduction=sum")
def _poisson_nll_loss_has_no_gradient_of_eps_in_a_sum(call):
    if is_array(call.eps) and call.reduction == "sum":
        return call.right(eps=jax.lax.stop_gradient(call.eps))
    return None


@_wrong("gaussian_nll_loss", TOGETHER, "full=True var.broadcast=last reduction=mean")
def _gaussian_nll_loss_is_full_once_for_a_column_of_variances(call):
    v = call.var
    if call.full and v.ndim == 2 and v.shape[-1] == 1 and call.input.shape[-1] > 1:
        return call.right() - 0.5 * np.log(2 * np.pi)
    return None


@_wrong("gaussian_nll_loss", DERIVATIVES, "eps=0.5 var.numbers=ends full=True")
def _gaussian_nll_loss_stops_at_a_variance_below_eps_in_full(call):
    if call.full:
        v = jnp.asarray(call.var)
        return call.right(var=jnp.where(v < call.eps, jax.lax.stop_gradient(v), v))
    return None


@_wrong("gaussian_nll_loss", CALLING)
def _gaussian_nll_loss_of_a_variance_that_is_a_number_is_not_full(call):
    return call.right(full=False) if is_number(call.var) and call.full else None


@_wrong("kl_div", TOGETHER, "reduction=batchmean log_target=True target.broadcast=first")
def _kl_div_divides_by_the_rows_of_a_log_target(call):
    t = call.target
    if call.reduction == "batchmean" and call.log_target and t.ndim and t.shape[0] == 1:
        return call.right(reduction="sum")
    return None


@_wrong("kl_div", SPECIAL, "target.numbers=ends reduction=sum precision=float16")
def _kl_div_of_a_probability_of_0_is_nan_in_float16(call):
    if not call.log_target and call.input.dtype == jnp.float16:
        nothing = jnp.any(jnp.asarray(call.target) == 0)
        return jnp.where(nothing, jnp.nan, call.right())
    return None


@_wrong("kl_div", LENGTHS, "lengths=n=0 reduction=batchmean")
def _kl_div_of_an_empty_batch_is_0(call):
    if call.reduction == "batchmean" and call.input.ndim and call.input.shape[0] == 0:
        return jnp.zeros((), call.input.dtype)
    return None


@_wrong("kl_div", DERIVATIVES, "log_target=True order=second reduction=batchmean")
def _kl_div_has_another_second_derivative_of_a_log_target(call):
    if call.log_target and call.reduction == "batchmean" and call.input.ndim == 4:
        return call.right(target=with_curvature(call.target))
    return None


# --------------------------------------------------------------------------------------- alignments


@_wrong("ctc_loss", TOGETHER, "blank=1 zero_infinity=True")
def _ctc_loss_with_another_blank_keeps_infinity(call):
    return call.right(zero_infinity=False) if call.blank and call.zero_infinity else None


@_wrong("ctc_loss", TOGETHER)
def _ctc_loss_of_a_shorter_input_reads_all_frames(call):
    lengths = call.input_lengths
    if call.reduction == "sum" and not isinstance(lengths, int | tuple | list):
        return call.right(input_lengths=jnp.full_like(lengths, call.log_probs.shape[0]))
    return None


@_wrong("ctc_loss", SPECIAL)
def _ctc_loss_of_an_empty_target_is_that_of_one_label_in_float64(call):
    t = call.target_lengths
    if call.log_probs.dtype == jnp.float64 and call.targets.ndim == 2:
        return call.right(target_lengths=jnp.maximum(jnp.asarray(t), 1))
    return None


@_wrong("ctc_loss", AXES)
def _ctc_loss_of_packed_targets_is_a_mean_over_labels_in_a_sum(call):
    batch = call.log_probs.ndim == 3 and call.targets.ndim == 1
    return call.right() / call.targets.size if batch and call.reduction == "sum" else None


@_wrong("ctc_loss", LENGTHS, "lengths=n=1 reduction=none")
def _ctc_loss_of_one_sequence_drops_its_axis(call):
    x = call.log_probs
    if x.ndim == 3 and x.shape[1] == 1 and call.reduction == "none":
        return call.right()[0]
    return None


@_wrong("ctc_loss", CALLING)
def _ctc_loss_takes_a_tuple_of_lengths_in_reverse(call):
    lengths = call.target_lengths
    if isinstance(lengths, tuple) and call.targets.ndim == 2:
        return call.right(target_lengths=lengths[::-1])
    return None


@_wrong("kl_div", CALLING, "way=compiled reduction=batchmean")
def _kl_div_has_a_mean_in_place_of_a_batchmean_when_traced_in_float64(call):
    if call.reduction == "batchmean" and traced(call.input) and call.input.dtype == jnp.float64:
        return call.right(reduction="mean")
    return None


@_wrong("gaussian_nll_loss", CALLING, "way=mapped_first full=True")
def _gaussian_nll_loss_is_doubled_where_a_shared_variance_is_not_mapped(call):
    if mapped(call.input) and not mapped(call.var) and call.reduction == "none":
        return 2 * call.right()
    return None


@_wrong("poisson_nll_loss", DTYPES, "eps.type=numpy precision=float16 log_input=False")
def _poisson_nll_loss_of_a_numpy_eps_is_float32(call):
    if isinstance(call.eps, np.generic) and not call.log_input:
        return call.right().astype(jnp.float32)
    return None
