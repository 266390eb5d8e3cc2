# pyright: basic
"""Projections and proximal steps: mistakes."""

from __future__ import annotations

import jax
import jax.numpy as jnp

from jaxact.regularizers import training as right
from parity.mutation import Mutants
from parity.suite.regularizers.training.projections import SPECS

MUTANTS = Mutants(SPECS)
_wrong = MUTANTS.wrong


def _changed(params, change):
    def leaf(keys, w):
        return change(w) if str(keys[-1].key) in ("weight", "kernel") else w

    return jax.tree_util.tree_map_with_path(leaf, params)


def _projected(w, max_value, axis, eps=1e-7, always=False):
    norm = jnp.sqrt((w * w).sum([i for i in range(w.ndim) if i != axis % w.ndim], keepdims=True))
    return jnp.where((norm > max_value) | always, w * (max_value / (norm + eps)), w)


@_wrong("max_norm", "max_value=3.0/float32/forward")
def _max_norm_takes_the_other_axis(params, max_value, *, p=2.0, axis=0, where="weights"):
    return right.max_norm(params, max_value, p=p, axis=1 - axis, where=where)


@_wrong("max_norm", "max_value=3.0/float32/forward")
def _max_norm_takes_the_whole_matrix(params, max_value, *, p=2.0, axis=0, where="weights"):
    def project(w):
        norm = jnp.sqrt((w * w).sum())
        return jnp.where(norm > max_value, w * (max_value / (norm + 1e-7)), w)

    return _changed(params, project)


@_wrong("max_norm", "max_value=inf/float32/forward")
def _max_norm_scales_small_units_up(params, max_value, *, p=2.0, axis=0, where="weights"):
    return _changed(params, lambda w: _projected(w, max_value, axis, always=True))


@_wrong("max_norm", "max_value=3.0,p=1.0/float32/forward")
def _max_norm_is_euclidean(params, max_value, *, p=2.0, axis=0, where="weights"):
    return right.max_norm(params, max_value, axis=axis, where=where)


@_wrong("max_norm", "units_of_zeros/float32/vjp")
def _max_norm_has_nan_slopes_at_zeros(params, max_value, *, p=2.0, axis=0, where="weights"):
    return _changed(params, lambda w: _projected(w, max_value, axis))


@_wrong("max_norm", "huge/float32/forward")
def _max_norm_squares_overflow(params, max_value, *, p=2.0, axis=0, where="weights"):
    return _changed(params, lambda w: _projected(w, max_value, axis))


@_wrong("proximal_l1", "default/float32/forward")
def _soft_threshold_is_a_hard_one(params, threshold, *, where="weights"):
    return jax.tree.map(lambda w: jnp.where(jnp.abs(w) <= threshold, 0, w), params)


@_wrong("proximal_l1", "default/float32/forward")
def _soft_threshold_crosses_zero(params, threshold, *, where="weights"):
    return jax.tree.map(lambda w: w - threshold * jnp.sign(w), params)


@_wrong("proximal_l1", "default/float32/forward")
def _soft_threshold_swallows_nan(params, threshold, *, where="weights"):
    return jax.tree.map(
        lambda w: jnp.where(jnp.abs(w) > threshold, w - threshold * jnp.sign(w), 0), params
    )


def _blocks(w, threshold, axis, size):
    others = tuple(i for i in range(w.ndim) if i != axis % w.ndim)
    norm = jnp.sqrt((w * w).sum(others, keepdims=True))
    most = threshold * (w.size / w.shape[axis]) ** size
    return w * jnp.maximum(1 - most / norm, 0)


@_wrong("proximal_group_lasso", "threshold=1.5/float32/forward")
def _block_threshold_has_no_factor_for_the_size(params, threshold, *, axis=0, where="weights"):
    return _changed(params, lambda w: _blocks(w, threshold, axis, 0.0))


@_wrong("proximal_group_lasso", "zeros/float32/vjp")
def _block_threshold_divides_by_zero(params, threshold, *, axis=0, where="weights"):
    return _changed(params, lambda w: _blocks(w, threshold, axis, 0.5))


@_wrong("proximal_group_lasso", "threshold=1.5/float32/forward")
def _block_threshold_is_that_of_elements(params, threshold, *, axis=0, where="weights"):
    return right.proximal_l1(params, threshold, where=where)


@_wrong("proximal_group_lasso", "inf/float32/forward")
def _block_threshold_divides_infinities(params, threshold, *, axis=0, where="weights"):
    def shrunk(w):
        others = tuple(i for i in range(w.ndim) if i != axis % w.ndim)
        norm = jnp.sqrt((w * w).sum(others, keepdims=True))
        most = threshold * (w.size / w.shape[axis]) ** 0.5
        return w * jnp.where(norm <= most, 0, (norm - most) / norm)

    return _changed(params, shrunk)
