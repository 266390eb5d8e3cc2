# pyright: basic
"""Penalties: what is added to the loss: mistakes."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp

from jaxact.regularizers import penalties
from parity.mutation import Mutants
from parity.suite.regularizers.penalties import SPECS

MUTANTS = Mutants(SPECS)
_wrong = MUTANTS.wrong


def _weights(params):
    return [params["a"]["weight"], params["b"]["kernel"]]


@_wrong("l1_penalty", "float32/forward")
def _l1_penalty_takes_biases(params, *, where="weights"):
    return penalties.l1_penalty(params, where="all")


@_wrong("l1_penalty", "sparse/float32/vjp")
def _l1_penalty_has_the_slope_of_jax_at_0(params, *, where="weights"):
    return sum(jnp.abs(w).sum() for w in _weights(params))


@_wrong("l1_penalty", "where=b/*/float32/forward")
def _l1_penalty_ignores_where(params, *, where="weights"):
    return penalties.l1_penalty(params)


@_wrong("l1_penalty", "half_precision/float16/forward")
def _l1_penalty_of_half_precision_is_float32(params, *, where="weights"):
    return sum(jnp.abs(w.astype(jnp.float32)).sum() for w in _weights(params))


@_wrong("l2_penalty", "float32/forward")
def _l2_penalty_has_a_half(params, *, where="weights"):
    return penalties.l2_penalty(params, where=where) / 2


@_wrong("l2_penalty", "float32/forward")
def _l2_penalty_is_a_mean(params, *, where="weights"):
    return sum(jnp.mean(w * w) for w in _weights(params))


@_wrong("l2_penalty", "float32/forward")
def _l2_penalty_takes_whatever_has_two_axes(params, *, where="weights"):
    return sum(jnp.sum(w * w) for w in jax.tree.leaves(params) if w.ndim > 1)


@_wrong("elastic_net", "l1_ratio=0.0/float32/forward")
def _elastic_net_has_no_half(params, l1_ratio=0.5, *, where="weights"):
    l1, l2 = (f(params, where=where) for f in (penalties.l1_penalty, penalties.l2_penalty))
    return l1_ratio * l1 + (1 - l1_ratio) * l2


@_wrong("elastic_net", "float32/forward")
def _elastic_net_halves_both(params, l1_ratio=0.5, *, where="weights"):
    l1, l2 = (f(params, where=where) for f in (penalties.l1_penalty, penalties.l2_penalty))
    return (l1_ratio * l1 + (1 - l1_ratio) * l2) / 2


@_wrong("elastic_net", "l1_ratio=array/float32/vjp")
def _elastic_net_does_not_learn_its_ratio(params, l1_ratio=0.5, *, where="weights"):
    return penalties.elastic_net(params, jax.lax.stop_gradient(l1_ratio), where=where)


def _norms(w, axis):
    total = jnp.sum(w * w, axis=tuple(i for i in range(w.ndim) if i != axis % w.ndim))
    return jnp.where(total == 0, 0, jnp.sqrt(jnp.where(total == 0, 1, total)))


@_wrong("group_lasso", "float32/forward")
def _group_lasso_has_no_factor_for_the_size(params, *, axis=0, where="weights"):
    return sum(_norms(w, axis).sum() for w in _weights(params))


@_wrong("group_lasso", "float32/forward")
def _group_lasso_has_the_size_itself_for_a_factor(params, *, axis=0, where="weights"):
    return sum(w.size / w.shape[axis] * _norms(w, axis).sum() for w in _weights(params))


@_wrong("group_lasso", "axis=1/float32/forward")
def _group_lasso_sums_over_the_axis_instead_of_the_others(params, *, axis=0, where="weights"):
    norms = [jnp.sqrt((w * w).sum(axis)) * w.shape[axis] ** 0.5 for w in _weights(params)]
    return sum(n.sum() for n in norms)


@_wrong("group_lasso", "groups_of_zeros/float32/vjp")
def _group_lasso_has_nan_slopes_at_zero_groups(params, *, axis=0, where="weights"):
    return sum(
        (w.size / w.shape[axis]) ** 0.5
        * jnp.sqrt((w * w).sum([i for i in range(w.ndim) if i != axis % w.ndim])).sum()
        for w in _weights(params)
    )


@_wrong("group_lasso", "huge/float32/forward")
def _group_lasso_squares_overflow(params, *, axis=0, where="weights"):
    return sum((w.size / w.shape[axis]) ** 0.5 * _norms(w, axis).sum() for w in _weights(params))


def _distance(matrix):
    return jnp.square(matrix @ matrix.T - jnp.eye(len(matrix))).sum()


@_wrong("orthogonality_penalty", "float32/forward")
def _orthogonality_penalty_takes_rows_though_they_are_more(
    params, *, where="weights", layout="torch"
):
    return sum(_distance(w.reshape(w.shape[0], -1)) for w in _weights(params))


@_wrong("orthogonality_penalty", "float32/forward")
def _orthogonality_penalty_flattens_to_the_last_axis(params, *, where="weights", layout="torch"):
    return penalties.orthogonality_penalty(params, where=where, layout="flax")


@_wrong("orthogonality_penalty", "float32/forward")
def _orthogonality_penalty_is_a_norm_of_the_product(params, *, where="weights", layout="torch"):
    matrices = (w.reshape(w.shape[0], -1) for w in _weights(params))
    return sum(jnp.square(m.T @ m if len(m) > m.shape[1] else m @ m.T).sum() for m in matrices)


@_wrong("jacobian_penalty", "num_projections=None/float32/forward")
def _jacobian_penalty_is_a_sum_over_samples(f, x, *, key=None, num_projections=1):
    return len(x) * penalties.jacobian_penalty(f, x, key=key, num_projections=num_projections)


@_wrong("jacobian_penalty", "num_projections=None/float32/vjp")
def _jacobian_penalty_does_not_reach_the_weights(f, x, *, key=None, num_projections=1):
    exact = penalties.jacobian_penalty(f, x, key=key, num_projections=num_projections)
    return jax.lax.stop_gradient(exact) + 0 * x.sum()


def _estimate(f, x, directions, factor):
    _, pull = jax.vjp(f, x)
    return factor * sum(jnp.square(pull(v)[0]).sum() for v in directions) / len(x)


def _units(key, shape):
    drawn = jax.random.normal(key, shape)
    return drawn / jnp.linalg.norm(drawn, axis=-1, keepdims=True)


@_wrong("jacobian_penalty", "is_unbiased/any/law")
def _jacobian_penalty_forgets_the_number_of_outputs(f, x, *, key=None, num_projections=1):
    directions = _units(key, (num_projections, *f(x).shape))
    return _estimate(f, x, directions, 1 / num_projections)


@_wrong("jacobian_penalty", "is_unbiased/any/law")
def _jacobian_penalty_draws_one_direction_for_all_samples(f, x, *, key=None, num_projections=1):
    shape = f(x).shape
    directions = _units(key, (num_projections, 1, shape[1]))
    directions = jnp.broadcast_to(directions, (num_projections, *shape))
    return _estimate(f, x, directions, shape[1] / num_projections)


@_wrong("jacobian_penalty", "is_unbiased/any/law")
def _jacobian_penalty_draws_from_a_cube(f, x, *, key: Any = None, num_projections=1):
    shape = f(x).shape
    drawn = jax.random.uniform(key, (num_projections, *shape))
    directions = drawn / jnp.linalg.norm(drawn, axis=-1, keepdims=True)
    return _estimate(f, x, directions, shape[1] / num_projections)


@_wrong("jacobian_penalty", "follows_its_key/any/law")
def _jacobian_penalty_has_a_key_of_its_own(f, x, *, key=None, num_projections=1):
    return penalties.jacobian_penalty(f, x, key=jax.random.key(0), num_projections=num_projections)
