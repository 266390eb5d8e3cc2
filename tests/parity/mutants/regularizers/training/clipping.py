# pyright: basic
"""Gradient clipping: mistakes."""

from __future__ import annotations

import jax
import jax.numpy as jnp

from jaxact.regularizers.training import clipping
from parity.mutation import Mutants
from parity.suite.regularizers.training.clipping import SPECS

MUTANTS = Mutants(SPECS)
_wrong = MUTANTS.wrong


def _scaled(grads, factor):
    return jax.tree.map(lambda g: (g * factor).astype(g.dtype), grads)


def _plain_norm(grads):
    return jnp.sqrt(sum(jnp.sum(g * g) for g in jax.tree.leaves(grads)))


@_wrong("get_total_norm", "norm_type=inf/float32/forward")
def _infinity_norms_are_added(tensors, norm_type=2.0, error_if_nonfinite=False):
    return sum(jnp.max(jnp.abs(x)) for x in jax.tree.leaves(tensors))


@_wrong("get_total_norm", "one_leaf_of_zeros,norm_type=0/float32/forward")
def _zero_norm_counts_elements(tensors, norm_type=2.0, error_if_nonfinite=False):
    return sum(jnp.sum(x != 0, dtype=jnp.float32) for x in jax.tree.leaves(tensors))


@_wrong("get_total_norm", "float32/forward")
def _norms_of_leaves_are_added(tensors, norm_type=2.0, error_if_nonfinite=False):
    return sum(jnp.sqrt(jnp.sum(x * x)) for x in jax.tree.leaves(tensors))


@_wrong("get_total_norm", "huge/float32/forward")
def _squares_of_the_total_overflow(tensors, norm_type=2.0, error_if_nonfinite=False):
    return _plain_norm(tensors)


@_wrong("get_total_norm", "zeros/float32/vjp")
def _slope_at_zeros_is_nan(tensors, norm_type=2.0, error_if_nonfinite=False):
    return _plain_norm(tensors)


@_wrong("get_total_norm", "ties,norm_type=inf/float32/vjp")
def _ties_go_to_the_first(tensors, norm_type=2.0, error_if_nonfinite=False):
    every = jnp.concatenate([x.ravel() for x in jax.tree.leaves(tensors)])
    return jnp.abs(every)[jnp.argmax(jnp.abs(every))]


@_wrong("get_total_norm", "norm_type=array_of_2/float32/vjp")
def _slope_in_the_order_vanishes_at_2(tensors, norm_type=2.0, error_if_nonfinite=False):
    order = jnp.where(norm_type == 2, 2.0, norm_type)
    return clipping.get_total_norm(tensors, order)


@_wrong("clip_grads_with_norm", "max_norm=0.0009765625,total_norm=0.0009765625/float32/forward")
def _clip_adds_nothing_to_the_norm(grads, max_norm, total_norm):
    return _scaled(grads, jnp.minimum(1, max_norm / total_norm))


@_wrong("clip_grads_with_norm", "max_norm=0.0009765625,total_norm=0.0009765625/float32/forward")
def _clip_is_the_identity_at_equality(grads, max_norm, total_norm):
    return _scaled(grads, jnp.where(total_norm <= max_norm, 1, max_norm / (total_norm + 1e-6)))


@_wrong("clip_grads_with_norm", "max_norm=5.0,total_norm=4.0/float32/forward")
def _clip_scales_up(grads, max_norm, total_norm):
    return _scaled(grads, max_norm / (total_norm + 1e-6))


@_wrong("clip_grads_with_norm", "max_norm=1.0,total_norm=nan/float32/forward")
def _clip_lets_a_norm_of_nan_pass(grads, max_norm, total_norm):
    factor = max_norm / (total_norm + 1e-6)
    return _scaled(grads, jnp.where(factor < 1, factor, 1))


@_wrong("clip_grads_with_norm", "max_norm=-2.0,total_norm=5.0/float32/forward")
def _clip_takes_the_size_of_max_norm(grads, max_norm, total_norm):
    return clipping.clip_grads_with_norm(grads, jnp.abs(max_norm), total_norm)


@_wrong("clip_grad_norm", "max_norm=1.0/float32/forward")
def _clip_is_for_each_leaf(grads, max_norm, norm_type=2.0, error_if_nonfinite=False):
    clipped = jax.tree.map(lambda g: clipping.clip_grad_norm(g, max_norm, norm_type)[0], grads)
    return clipped, clipping.get_total_norm(grads, norm_type)


@_wrong("clip_grad_norm", "max_norm=1.0/float32/forward")
def _clip_gives_the_norm_after_clipping(grads, max_norm, norm_type=2.0, error_if_nonfinite=False):
    clipped, _ = clipping.clip_grad_norm(grads, max_norm, norm_type)
    return clipped, clipping.get_total_norm(clipped, norm_type)


@_wrong("clip_grad_norm", "max_norm=1.0/float32/vjp")
def _clip_takes_the_norm_for_a_constant(grads, max_norm, norm_type=2.0, error_if_nonfinite=False):
    total = clipping.get_total_norm(grads, norm_type)
    clipped = clipping.clip_grads_with_norm(grads, max_norm, jax.lax.stop_gradient(total))
    return clipped, total


@_wrong("clip_grad_norm", "norm_beyond_half_precision/float16/forward")
def _clip_rounds_the_norm_in_between(grads, max_norm, norm_type=2.0, error_if_nonfinite=False):
    total = clipping.get_total_norm(grads, norm_type)
    return clipping.clip_grads_with_norm(grads, max_norm, total), total


@_wrong("clip_grad_norm", "max_norm=0.0/float32/forward")
def _clip_ignores_a_bound_of_0(grads, max_norm, norm_type=2.0, error_if_nonfinite=False):
    return clipping.clip_grad_norm(grads, max_norm or float("inf"), norm_type)


@_wrong("clip_grad_value", "clip_value=-0.5/float32/forward")
def _clip_value_takes_its_size(grads, clip_value):
    return clipping.clip_grad_value(grads, jnp.abs(clip_value))


@_wrong("clip_grad_value", "clip_value=0.5/float32/vjp")
def _clip_value_halves_slopes_on_the_bounds(grads, clip_value):
    return jax.tree.map(lambda g: jnp.clip(g, -clip_value, clip_value), grads)


@_wrong("clip_grad_value", "clip_value=0.5/float32/forward")
def _clip_value_removes_nan(grads, clip_value):
    return jax.tree.map(lambda g: jnp.nan_to_num(clipping.clip_grad_value(g, clip_value)), grads)


def _adaptive(g, w, clip_factor, eps, norm):
    most = clip_factor * jnp.maximum(norm(w), eps)
    return jnp.where(norm(g) < most, g, g * most / norm(g))


@_wrong("adaptive_grad_clip", "float32/forward")
def _adaptive_clip_takes_whole_leaves(grads, params, clip_factor=0.01, eps=1e-3, *, layout="torch"):
    def norm(x):
        return jnp.sqrt((x * x).sum())

    return jax.tree.map(lambda g, w: _adaptive(g, w, clip_factor, eps, norm), grads, params)


@_wrong("adaptive_grad_clip", "float32/forward")
def _adaptive_clip_takes_the_global_norm(
    grads, params, clip_factor=0.01, eps=1e-3, *, layout="torch"
):
    most = clip_factor * jnp.maximum(_plain_norm(params), eps)
    return clipping.clip_grad_norm(grads, most)[0]


@_wrong("adaptive_grad_clip", "float32/forward")
def _adaptive_clip_takes_elements_of_a_bias(
    grads, params, clip_factor=0.01, eps=1e-3, *, layout="torch"
):
    def norm(x):
        return jnp.sqrt((x * x).sum(tuple(range(1, x.ndim)), keepdims=True))

    return jax.tree.map(lambda g, w: _adaptive(g, w, clip_factor, eps, norm), grads, params)


@_wrong("adaptive_grad_clip", "clip_factor=1.0,layout=flax/float32/forward")
def _adaptive_clip_ignores_the_layout(grads, params, clip_factor=0.01, eps=1e-3, *, layout="torch"):
    return clipping.adaptive_grad_clip(grads, params, clip_factor, eps)


@_wrong("adaptive_grad_clip", "weights_of_zeros/float32/forward")
def _adaptive_clip_has_no_least_norm(grads, params, clip_factor=0.01, eps=1e-3, *, layout="torch"):
    return clipping.adaptive_grad_clip(grads, params, clip_factor, 0.0)


@_wrong("adaptive_grad_clip", "clip_factor=0.5,eps=4.0/float32/forward")
def _adaptive_clip_adds_eps(grads, params, clip_factor=0.01, eps=1e-3, *, layout="torch"):
    def norm(x):
        axes = tuple(range(1, x.ndim)) if x.ndim > 1 else (0,)
        return jnp.sqrt((x * x).sum(axes, keepdims=True))

    def clipped(g, w):
        most = clip_factor * (norm(w) + eps)
        return jnp.where(norm(g) < most, g, g * most / norm(g))

    return jax.tree.map(clipped, grads, params)
