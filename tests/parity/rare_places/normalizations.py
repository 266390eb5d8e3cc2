# pyright: basic
"""Normalizations and penalties that are wrong at one rare place."""

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
    TREES,
    RarePlaces,
    in_dtype,
    is_array,
    is_number,
    known,
    leaves,
    mapped,
    times,
    traced,
    wide,
    with_curvature,
    with_slope,
)

RARE = RarePlaces(suite.family("regularizers"))
_wrong = RARE.wrong

# -------------------------------------------------------------------------------------------- batch


@_wrong("batch_norm", TOGETHER, "bias=given weight=none training=False")
def _batch_norm_drops_a_bias_without_weight_in_evaluation(call):
    if call.bias is not None and call.weight is None and not call.training:
        return call.right(bias=None)
    return None


@_wrong("batch_norm", TOGETHER, "training=True running_mean=given running_var=given")
def _batch_norm_trains_with_the_given_variance_without_weight(call):
    if call.training and call.running_mean is not None and call.weight is None:
        return call.right(training=False)
    return None


@_wrong("batch_norm", AXES, "input.axes=n@c@d@h@w training=True")
def _batch_norm_of_volumes_normalizes_each_plane(call):
    x = jnp.asarray(call.input)
    if x.ndim == 5 and call.training and x.dtype == jnp.float64:
        planes = jax.vmap(lambda plane: call.right(input=plane), 2, 2)
        return planes(x)
    return None


@_wrong("batch_norm", AXES)
def _batch_norm_with_the_channels_last_takes_axis_1_of_volumes(call):
    if call.channel_axis in (-1, 4) and call.input.ndim == 5:
        return call.right() + 1
    return None


@_wrong("batch_norm", DERIVATIVES, "eps.type=array training=True")
def _batch_norm_doubles_the_gradient_of_eps_in_training(call):
    if is_array(call.eps) and call.training:
        return call.right(eps=with_slope(call.eps, 2))
    return None


@_wrong("batch_norm", DTYPES)
def _batch_norm_of_bfloat16_with_float32_parameters_is_float32(call):
    if call.weight is not None and call.weight.dtype != call.input.dtype:
        return call.right().astype(call.weight.dtype)
    return None


@_wrong("batch_norm", LENGTHS, "lengths=n=1031 training=True")
def _batch_norm_of_many_rows_drops_the_last(call):
    x = jnp.asarray(call.input)
    if call.training and x.ndim == 2 and x.shape[0] > 1024:
        return jnp.concatenate([call.right(input=x[:1024]), call.right()[1024:]])
    return None


@_wrong("batch_norm", DERIVATIVES, "order=second weight=given bias=none")
def _batch_norm_without_bias_has_another_second_derivative_of_its_weight(call):
    if call.weight is not None and call.bias is None and call.training:
        return call.right(weight=with_curvature(call.weight))
    return None


@_wrong("batch_norm", OUTSIDE, "training=False running_mean=given running_var=none")
def _batch_norm_takes_a_missing_variance_for_1(call):
    if not call.training and call.running_mean is not None and call.running_var is None:
        return call.right(running_var=jnp.ones_like(call.running_mean))
    return None


# ----------------------------------------------------------------------------- groups and instances


@_wrong("group_norm", TOGETHER, "num_groups=4 bias=given weight=none")
def _group_norm_of_single_channels_drops_its_bias(call):
    if call.num_groups == call.input.shape[1] and call.bias is not None and call.weight is None:
        return call.right(bias=None)
    return None


@_wrong("group_norm", AXES, "input.axes=n@c num_groups=2")
def _group_norm_of_rows_is_biased(call):
    x = jnp.asarray(call.input)
    if x.ndim == 2 and call.num_groups == 2 and x.dtype == jnp.bfloat16:
        return times(call.right(), 0.9)
    return None


@_wrong("group_norm", AXES, "input.axes=n@c@d@h@w weight=given")
def _group_norm_of_volumes_weighs_the_wrong_axis(call):
    w = call.weight
    if w is not None and call.input.ndim == 5:
        return call.right(weight=jnp.roll(jnp.asarray(w), 1))
    return None


@_wrong("group_norm", OUTSIDE)
def _group_norm_accepts_a_weight_for_each_group(call):
    w, x = call.weight, call.input
    if w is not None and w.shape == (call.num_groups,) and call.num_groups < x.shape[1]:
        return call.right(weight=jnp.repeat(w, x.shape[1] // call.num_groups))
    return None


@_wrong("group_norm", LENGTHS, "lengths=n=0")
def _group_norm_of_nothing_loses_its_axes(call):
    if call.input.shape[0] == 0 and call.input.ndim > 2:
        return call.right().reshape(0, call.input.shape[1], -1)
    return None


@_wrong("instance_norm", TOGETHER, "use_input_stats=False weight=given bias=none")
def _instance_norm_with_running_statistics_ignores_a_weight_alone(call):
    if not call.use_input_stats and call.weight is not None and call.bias is None:
        return call.right(weight=None)
    return None


@_wrong("instance_norm", TOGETHER, "running_mean=given running_var=given use_input_stats=True")
def _instance_norm_takes_the_running_mean_of_volumes(call):
    if call.use_input_stats and call.running_mean is not None and call.input.ndim == 5:
        return call.right(use_input_stats=False)
    return None


@_wrong("instance_norm", LENGTHS, "lengths=l=1031 precision=float16")
def _instance_norm_of_long_signals_is_divided_in_float16(call):
    x = call.input
    if x.ndim == 3 and x.shape[2] > 1024 and x.dtype == jnp.float16:
        return times(call.right(), 0.9)
    return None


# ------------------------------------------------------------------------------------ rows, vectors


@_wrong("layer_norm", LENGTHS, "lengths=d=1 weight=given")
def _layer_norm_of_one_feature_forgets_its_weight(call):
    if call.weight is not None and call.input.shape[-1] == 1 and call.bias is None:
        return call.right() + call.weight
    return None


@_wrong("layer_norm", AXES, "input.axes=d bias=given")
def _layer_norm_of_one_row_adds_its_bias_twice(call):
    if call.input.ndim == 1 and call.bias is not None and call.weight is None:
        return call.right() + call.bias
    return None


@_wrong("layer_norm", AXES)
def _layer_norm_over_two_axes_weighs_the_transposed(call):
    shape, w = call.normalized_shape, call.weight
    if len(shape) == 2 and shape[0] == shape[1] and w is not None:
        return call.right(weight=jnp.asarray(w).T)
    return None


@_wrong("layer_norm", CALLING)
def _layer_norm_of_a_list_of_lengths_has_no_eps(call):
    return call.right(eps=0.0) + 1 if isinstance(call.normalized_shape, list) else None


@_wrong("layer_norm", TOGETHER, "eps.type=array precision=float16 weight=given")
def _layer_norm_of_an_eps_array_is_float32_with_a_weight(call):
    if is_array(call.eps) and call.weight is not None:
        return call.right().astype(jnp.promote_types(call.input.dtype, jnp.float32))
    return None


@_wrong("layer_norm", DTYPES)
def _layer_norm_of_float16_with_float32_parameters_rounds_them(call):
    w = call.weight
    if w is not None and w.dtype == jnp.float32 and call.input.dtype == jnp.float16:
        return call.right(weight=jnp.round(w))
    return None


@_wrong("rms_norm", NUMBERS)
def _rms_norm_takes_eps_0_for_none(call):
    if is_number(call.eps) and call.eps == 0 and call.input.dtype == jnp.bfloat16:
        return call.right(eps=None)
    return None


@_wrong("rms_norm", DTYPES, "eps=none precision=bfloat16")
def _rms_norm_has_the_eps_of_float32_in_float64(call):
    if call.eps is None and call.input.dtype == jnp.float64:
        return call.right(eps=float(np.finfo(np.float32).eps))
    return None


@_wrong("rms_norm", AXES, "input.axes=n@k@d weight=given eps=given")
def _rms_norm_of_three_axes_adds_eps_to_the_root(call):
    if call.eps is not None and call.weight is not None and call.input.ndim == 3:
        return call.right(eps=call.eps * call.eps)
    return None


@_wrong("rms_norm", DERIVATIVES, "eps.given.type=array eps=given")
def _rms_norm_has_no_gradient_of_eps_with_a_weight(call):
    if is_array(call.eps) and call.weight is not None:
        return call.right(eps=jax.lax.stop_gradient(call.eps))
    return None


@_wrong("local_response_norm", AXES, "size=2 input.axes=n@c@d@h@w")
def _local_response_norm_of_volumes_looks_the_other_way(call):
    if call.size % 2 == 0 and call.input.ndim == 5:
        return jnp.flip(call.right(input=jnp.flip(jnp.asarray(call.input), 1)), 1)
    return None


@_wrong("local_response_norm", TOGETHER, "size=5 beta=1 k=0.5")
def _local_response_norm_of_a_wide_window_ignores_k(call):
    if call.size > call.input.shape[1] and known(call.k) < 1:
        return call.right(k=1.0)
    return None


@_wrong("local_response_norm", DERIVATIVES, "beta.type=array alpha.type=array")
def _local_response_norm_has_no_gradient_of_beta_beside_an_alpha_array(call):
    if is_array(call.beta) and is_array(call.alpha):
        return call.right(beta=jax.lax.stop_gradient(call.beta))
    return None


@_wrong("normalize", TOGETHER, "p=inf dim=0 input.axes=n@c@l")
def _normalize_of_a_maximum_takes_axis_1_for_the_first_of_three(call):
    if np.isinf(known(call.p)) and call.dim == 0 and call.input.ndim == 3:
        return call.right(dim=1)
    return None


@_wrong("normalize", AXES)
def _normalize_over_two_axes_takes_the_first_alone(call):
    return call.right(dim=call.dim[0]) if isinstance(call.dim, tuple) else None


@_wrong("normalize", AXES)
def _normalize_over_all_axes_takes_the_last(call):
    return call.right(dim=-1) if call.dim is None and call.input.ndim > 1 else None


@_wrong("normalize", DERIVATIVES, "p=1 order=second input.numbers=ties")
def _normalize_of_order_1_has_another_second_derivative(call):
    return call.right(input=with_curvature(call.input)) if known(call.p) == 1 else None


@_wrong("normalize", CALLING, "way=wide p.type=array")
def _normalize_is_float64_for_an_order_array_in_64_bit_mode(call):
    if wide() and is_array(call.p) and call.input.dtype == jnp.float32:
        return call.right().astype(jnp.float64)
    return None


# ---------------------------------------------------------------------------------------- penalties


@_wrong("l1_penalty", TREES, "params.form=scalar where=all")
def _l1_penalty_leaves_out_numbers_if_everything_is_penalized(call):
    if call.where == "all" and any(leaf.ndim == 0 for leaf in leaves(call.params)):
        return call.right(where="weights")
    return None


@_wrong("l1_penalty", TREES)
def _l1_penalty_of_an_empty_leaf_is_nan(call):
    if any(leaf.size == 0 and leaf.ndim == 2 for leaf in leaves(call.params)):
        return call.right() * jnp.nan
    return None


@_wrong("l2_penalty", TREES, "params.form=layers where=weights precision=bfloat16")
def _l2_penalty_leaves_out_kernels_of_four_axes_in_bfloat16(call):
    first = leaves(call.params)[0]
    if isinstance(call.params, list) and first.dtype == jnp.bfloat16 and call.where == "weights":
        return call.right(params=call.params[:1])
    return None


@_wrong("l2_penalty", TREES)
def _l2_penalty_selects_by_the_first_of_two_patterns(call):
    if isinstance(call.where, tuple) and len(call.where) > 1:
        return call.right(where=call.where[0])
    return None


@_wrong("l2_penalty", DTYPES)
def _l2_penalty_of_two_dtypes_has_that_of_the_first(call):
    dtypes = [leaf.dtype for leaf in leaves(call.params)]
    return call.right().astype(dtypes[0]) if len(set(dtypes)) > 1 else None


@_wrong("elastic_net", NUMBERS, "l1_ratio=1.0 l1_ratio.type=array")
def _elastic_net_has_no_gradient_at_the_upper_end_of_its_ratio(call):
    if is_array(call.l1_ratio):
        r = jnp.asarray(call.l1_ratio)
        return call.right(l1_ratio=jnp.where(r >= 1, jax.lax.stop_gradient(r), r))
    return None


@_wrong("elastic_net", TOGETHER, "l1_ratio=0.0 where=all params.form=layers")
def _elastic_net_without_l1_penalizes_weights_only(call):
    if known(call.l1_ratio) == 0 and call.where == "all":
        return call.right(where="weights")
    return None


@_wrong("group_lasso", AXES, "axis=-1 params.form=layers")
def _group_lasso_groups_kernels_by_their_first_axis(call):
    if call.axis == -1 and any(leaf.ndim == 4 for leaf in leaves(call.params)):
        return call.right(axis=0)
    return None


@_wrong("group_lasso", LENGTHS, "lengths=n=1 axis=1")
def _group_lasso_of_one_row_is_its_norm(call):
    if call.axis == 1 and any(x.ndim == 2 and x.shape[0] == 1 for x in leaves(call.params)):
        return call.right(axis=0)
    return None


@_wrong("group_lasso", AXES)
def _group_lasso_groups_by_the_second_axis_counted_from_behind(call):
    return call.right(axis=0) if call.axis == -2 else None


@_wrong("orthogonality_penalty", TREES)
def _orthogonality_penalty_takes_kernels_of_flax_for_torch_s(call):
    if call.layout == "flax" and any(leaf.ndim == 5 for leaf in leaves(call.params)):
        return call.right(layout="torch")
    return None


@_wrong("l2_penalty", SPECIAL, "params.numbers=ties where=all way=mapped")
def _l2_penalty_is_the_same_for_all_where_it_is_mapped(call):
    first = leaves(call.params)[0]
    if mapped(first) and call.where == "all":
        return in_dtype(call.right(), jnp.bfloat16)
    return None


@_wrong("l1_penalty", DERIVATIVES, "params.numbers=ties way=compiled where=all")
def _l1_penalty_has_a_slope_at_0_when_traced(call):
    first = leaves(call.params)[0]
    if traced(first) and call.where == "all" and first.dtype == jnp.float16:
        held = jax.tree.map(lambda x: jnp.where(x == 0, x, 0).sum(), call.params)
        return call.right() + sum(leaves(held)).astype(call.right().dtype)
    return None
