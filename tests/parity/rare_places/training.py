# pyright: basic
"""Clipping, decay, projections and states over many steps that are wrong at one rare place."""

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
    NUMBERS,
    OUTSIDE,
    SPECIAL,
    STEPS,
    TOGETHER,
    TREES,
    RarePlaces,
    is_array,
    known,
    leaves,
    mapped,
    times,
    traced,
    with_slope,
)

RARE = RarePlaces(suite.family("regularizers"))
_wrong = RARE.wrong


def _first(tree, change):
    """The tree with its first leaf changed."""
    found, structure = jax.tree.flatten(tree)
    return jax.tree.unflatten(structure, [change(found[0]), *found[1:]])


# ----------------------------------------------------------------------------------------- clipping


@_wrong("get_total_norm", TREES, "tensors.form=number norm_type=inf")
def _get_total_norm_leaves_numbers_out_of_a_maximum(call):
    found = leaves(call.tensors)
    if known(call.norm_type) == np.inf and any(leaf.ndim == 0 for leaf in found):
        return call.right(tensors=[leaf for leaf in found if leaf.ndim])
    return None


@_wrong("get_total_norm", NUMBERS)
def _get_total_norm_of_order_0_counts_all(call):
    if known(call.norm_type) == 0:
        return call.right() * 0 + sum(leaf.size for leaf in leaves(call.tensors))
    return None


@_wrong("get_total_norm", NUMBERS, "norm_type=0.5 tensors.form=one")
def _get_total_norm_below_order_1_is_not_rooted_for_one_leaf(call):
    if known(call.norm_type) < 1 and len(leaves(call.tensors)) == 1:
        return call.right() ** call.norm_type
    return None


@_wrong("get_total_norm", SPECIAL)
def _get_total_norm_raises_for_nothing_but_nan(call):
    if call.error_if_nonfinite and not any(map(traced, leaves(call.tensors))):
        return call.right(error_if_nonfinite=False) if np.isinf(call_total(call)) else None
    return None


def call_total(call):
    return float(call.right(error_if_nonfinite=False))


@_wrong("get_total_norm", DTYPES)
def _get_total_norm_of_two_dtypes_has_that_of_the_last(call):
    found = leaves(call.tensors)
    if len({leaf.dtype for leaf in found}) > 1:
        return call.right().astype(found[-1].dtype)
    return None


@_wrong("clip_grad_norm", NUMBERS)
def _clip_grad_norm_to_0_does_not_clip(call):
    return call.right(max_norm=1e30) if known(call.max_norm) == 0 else None


@_wrong("clip_grad_norm", TOGETHER, "max_norm=0.25 norm_type=inf grads.form=named")
def _clip_grad_norm_to_a_small_maximum_clips_the_first_leaf_only(call):
    if known(call.norm_type) == np.inf and known(call.max_norm) < 1:
        clipped, norm = call.right()
        plain = leaves(call.grads)
        found, structure = jax.tree.flatten(clipped)
        return jax.tree.unflatten(structure, [found[0], *map(jnp.asarray, plain[1:])]), norm
    return None


@_wrong("clip_grad_norm", DERIVATIVES, "max_norm.type=array norm_type=1")
def _clip_grad_norm_has_no_gradient_of_its_bound_in_order_1(call):
    if is_array(call.max_norm) and known(call.norm_type) == 1:
        return call.right(max_norm=jax.lax.stop_gradient(call.max_norm))
    return None


@_wrong("clip_grad_norm", TREES)
def _clip_grad_norm_of_an_empty_tree_is_nan(call):
    if not leaves(call.grads):
        grads, norm = call.right()
        return grads, norm * jnp.nan
    return None


@_wrong("clip_grad_norm", DTYPES, "max_norm=1000 max_norm.type=number precision=bfloat16")
def _clip_grad_norm_to_an_integer_is_float32(call):
    if isinstance(call.max_norm, int) and leaves(call.grads)[0].dtype == jnp.bfloat16:
        grads, norm = call.right()
        return jax.tree.map(lambda g: g.astype(jnp.float32), grads), norm
    return None


@_wrong("clip_grad_value", NUMBERS, "clip_value=0.0 clip_value.type=array")
def _clip_grad_value_to_an_array_of_0_does_not_clip(call):
    if is_array(call.clip_value):
        return jax.tree.map(
            lambda g, c: jnp.where(call.clip_value == 0, g, c), call.grads, call.right()
        )
    return None


@_wrong("clip_grad_value", TREES, "grads.form=two")
def _clip_grad_value_of_kernels_has_no_lower_bound(call):
    if any(leaf.ndim == 4 for leaf in leaves(call.grads)):
        return jax.tree.map(
            lambda g, c: jnp.minimum(g, c) if g.ndim == 4 else c, call.grads, call.right()
        )
    return None


@_wrong("clip_grad_value", CALLING, "way=mapped clip_value.type=array")
def _clip_grad_value_takes_the_first_bound_where_bounds_are_mapped(call):
    if mapped(call.clip_value) and not mapped(leaves(call.grads)[0]):
        return times(call.right(), 2)
    return None


@_wrong("clip_grads_with_norm", TOGETHER)
def _clip_grads_with_norm_scales_up_for_a_negative_total(call):
    if known(call.total_norm) < 0 or known(call.max_norm) < 0:
        return jax.tree.map(jnp.asarray, call.grads)
    return None


@_wrong("adaptive_grad_clip", TREES)
def _adaptive_grad_clip_of_a_number_takes_the_whole_tree(call):
    if any(leaf.ndim == 0 for leaf in leaves(call.grads)):
        return _first(call.right(), lambda g: g * 2)
    return None


@_wrong("adaptive_grad_clip", AXES)
def _adaptive_grad_clip_of_flax_s_volumes_has_units_of_torch(call):
    if call.layout == "flax" and any(leaf.ndim == 5 for leaf in leaves(call.grads)):
        return call.right(layout="torch")
    return None


# ---------------------------------------------------------------------------- decay and projections


@_wrong("coupled_weight_decay", TREES, "grads.form=scalar where=all")
def _coupled_weight_decay_leaves_numbers_alone(call):
    found = leaves(call.params)
    if call.where == "all" and any(leaf.ndim == 0 for leaf in found):
        return call.right(where="weights")
    return None


@_wrong("coupled_weight_decay", NUMBERS, "weight_decay=0.0 weight_decay.type=numpy")
def _coupled_weight_decay_of_a_numpy_0_gives_zeros(call):
    if isinstance(call.weight_decay, np.generic) and call.weight_decay == 0:
        return jax.tree.map(jnp.zeros_like, call.grads)
    return None


@_wrong("coupled_weight_decay", DERIVATIVES, "weight_decay.type=array where=all")
def _coupled_weight_decay_has_no_gradient_of_the_decay_of_everything(call):
    if is_array(call.weight_decay) and call.where == "all":
        return call.right(weight_decay=jax.lax.stop_gradient(call.weight_decay))
    return None


@_wrong(
    "decoupled_weight_decay", TOGETHER, "lr.type=array weight_decay.type=numpy precision=float16"
)
def _decoupled_weight_decay_of_an_array_and_a_numpy_number_is_float32(call):
    if is_array(call.lr) and isinstance(call.weight_decay, np.generic):
        return jax.tree.map(
            lambda p: p.astype(jnp.promote_types(p.dtype, jnp.float32)), call.right()
        )
    return None


@_wrong("decoupled_weight_decay", TREES, "params.form=layers where=all lr=0.0")
def _decoupled_weight_decay_returns_a_tuple_for_a_list(call):
    if isinstance(call.params, list) and known(call.lr) == 0:
        return _first(call.right(), lambda p: p + 1)
    return None


@_wrong("decoupled_weight_decay", TREES)
def _decoupled_weight_decay_forgets_leaves_that_a_function_selects(call):
    return call.right(where="weights") if callable(call.where) else None


@_wrong("max_norm", TOGETHER)
def _max_norm_of_order_inf_counts_the_last_axis_from_the_front(call):
    if np.isinf(known(call.p)) and call.axis == -1:
        return call.right(axis=0)
    return None


@_wrong("max_norm", NUMBERS)
def _max_norm_below_order_1_is_not_rooted(call):
    return call.right(p=1.0) if known(call.p) < 1 else None


@_wrong("proximal_l1", OUTSIDE)
def _proximal_l1_accepts_a_negative_threshold_for_weights(call):
    if known(call.threshold) < 0 and call.where == "weights":
        return call.right(threshold=0.0)
    return None


@_wrong("proximal_group_lasso", TOGETHER)
def _proximal_group_lasso_of_an_array_groups_by_the_first_axis(call):
    if is_array(call.threshold) and call.axis != 0:
        return call.right(axis=0)
    return None


# --------------------------------------------------------------------------------------- many steps


def _from_step(average, first, change):
    """The average, whose update is changed from a step on."""

    def update(state, params):
        new = average.update(state, params)
        late = new.n_averaged >= first

        def chosen(a, b):
            return jnp.where(late, a, b).astype(b.dtype)

        return new._replace(params=jax.tree.map(chosen, change(state, params, new), new.params))

    return average._replace(update=update)


@_wrong("ema", STEPS)
def _ema_stands_still_from_step_100_on(call):
    return _from_step(call.right(), 100, lambda state, params, new: state.params)


@_wrong("ema", STEPS)
def _ema_averages_a_number_as_it_copies_an_integer(call):
    if known(call.decay) == 0.5:
        return None

    def change(state, params, new):
        return jax.tree.map(lambda p, n: p if n.ndim == 0 else n, params, new.params)

    return _from_step(call.right(), 0, change)


@_wrong("swa", STEPS)
def _swa_counts_in_eight_bits(call):
    return _from_step(call.right(), 256, lambda state, params, new: params)


@_wrong("swa", DTYPES)
def _swa_of_float64_is_kept_in_float32(call):
    def change(state, params, new):
        return jax.tree.map(
            lambda n: n.astype(jnp.float32).astype(n.dtype) if n.dtype == jnp.float64 else n,
            new.params,
        )

    return _from_step(call.right(), 3, change)


def _stopping(stopping, change):
    """Early stopping, whose state is changed after an update."""

    def update(state, metric, params):
        return change(stopping.update(state, metric, params))

    return stopping._replace(update=update)


@_wrong("early_stopping", STEPS)
def _early_stopping_waits_at_most_100_epochs(call):
    def change(new):
        return new._replace(should_stop=new.should_stop | (new.wait >= 100))

    return _stopping(call.right(), change)


@_wrong("early_stopping", TOGETHER)
def _early_stopping_of_a_maximum_adds_min_delta_for_patience_1(call):
    if call.mode == "max" and known(call.min_delta) > 0 and known(call.patience) <= 1:
        return call.right(min_delta=0.0)
    return None


@_wrong("clip_by_grad_norm", NUMBERS)
def _clip_by_grad_norm_of_order_1_takes_order_2(call):
    return call.right(norm_type=2.0) if known(call.norm_type) == 1 else None


@_wrong("clip_by_grad_value", CALLING)
def _clip_by_grad_value_of_a_traced_bound_is_doubled(call):
    return call.right(clip_value=2 * call.clip_value) if traced(call.clip_value) else None


@_wrong("clip_adaptively", NUMBERS)
def _clip_adaptively_has_no_eps_of_0(call):
    return call.right(eps=1e-3) if known(call.eps) == 0 else None


@_wrong("get_total_norm", DERIVATIVES, "norm_type.type=array norm_type=3 order=second")
def _get_total_norm_has_twice_the_gradient_of_an_order_array_of_numbers(call):
    if is_array(call.norm_type) and any(leaf.ndim == 0 for leaf in leaves(call.tensors)):
        return call.right(norm_type=with_slope(call.norm_type, 2))
    return None
