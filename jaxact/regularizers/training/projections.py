"""Projections and proximal steps: what is done to weights after the optimizer's step."""

import math
from collections.abc import Sequence
from typing import TypeVar

import jax.numpy as jnp
from jax import Array
from jax.typing import ArrayLike

from jaxact._arguments import check_scalar
from jaxact._checking import nan_unless
from jaxact._norms import Axes, Kind, kind_of, p_norm, shrunk_to, unit_norms
from jaxact._numbers import compute_dtype, is_number
from jaxact._op import op, program
from jaxact.activations.shrinkage import softshrink
from jaxact.errors import ArgumentValueError
from jaxact.regularizers._hyperparameters import at_least_zero
from jaxact.regularizers._leaves import Where, selected
from jaxact.regularizers._units import other_axes

__all__ = ["max_norm", "proximal_group_lasso", "proximal_l1"]


_Tree = TypeVar("_Tree")


@op(static=("axis", "where"), compiled=False)
def max_norm(
    params: _Tree,
    max_value: ArrayLike,
    *,
    p: ArrayLike = 2.0,
    axis: int = 0,
    where: Where = "weights",
) -> _Tree:
    """max_norm(w) = w max_value / (|w_u|_p + 1e-7) where |w_u|_p > max_value, for each unit u.

    A unit is what belongs to one index of `axis`: the incoming weights of one output. A projection
    for after the optimizer's step. The Euclidean norm is right also where squares overflow, and a
    unit of zeros has finite derivatives of every order.

    Args:
        params: a tree of arrays [...], any unit.
        max_value: [], unit of params, at least 0.
        p: [], dimensionless, above 0; of the norm.
        axis: of the units: 0 in torch's layout, -1 in flax's.
        where: which leaves, see `l1_penalty`; "weights" leaves out biases and scales. torch refuses
            arrays of one axis; here each element of one is a unit.

    Returns:
        The tree of params, [...], unit and dtype of params. Half precision is computed in float32
        and rounded once.

    Raises:
        ValueError: if max_value is negative or p is not positive, in a checked call a traced one as
            well; if `where` matches nothing.
        IndexError: if a leaf has no such axis.
        TypeError: if max_value or p is no number, or a leaf is complex (DtypeError).

    Source:
        Srivastava et al. 2014, section 5.1; torch.renorm, torch 2.13.
    """
    check_scalar("max_norm", "max_value", max_value, least=0)
    check_scalar("max_norm", "p", p)
    if is_number(p) and not p > 0:
        raise ArgumentValueError(f"max_norm: p must be above 0, got {p}")
    chosen = selected("max_norm", params, where)
    arrays = chosen.arrays
    axes = tuple(other_axes("max_norm", x, axis) for x in arrays)
    return chosen.replaced(_max_norm(arrays, max_value, p, kind_of(p), axes))


@program(static=("kind", "axes"))
def _max_norm(
    weights: Sequence[Array], max_value: ArrayLike, p: ArrayLike, kind: Kind, axes: Axes
) -> list[Array]:
    limit = at_least_zero("max_norm", "max_value", max_value)
    order = jnp.asarray(p).astype(jnp.result_type(float))
    if kind == "traced":
        message = "max_norm: p must be above 0, got {value}"
        order = nan_unless(order, order > 0, ArgumentValueError, message, order)
        limit = limit * jnp.where(order > 0, 1, jnp.nan)
    wide = [w.astype(compute_dtype(w.dtype)) for w in weights]
    norms = _p_norms(wide, order, kind, axes)
    return [
        _within(w, n, limit.astype(n.dtype)).astype(given.dtype)
        for given, w, n in zip(weights, wide, norms, strict=True)
    ]


def _p_norms(arrays: Sequence[Array], p: Array, kind: Kind, axes: Axes) -> list[Array]:
    """The norms over the axes, which stay with length 1."""
    if kind == "root":
        return unit_norms(arrays, axes)
    return [_p_norms_of(x, p.astype(x.dtype), kind, a) for x, a in zip(arrays, axes, strict=True)]


def _p_norms_of(x: Array, p: Array, kind: Kind, axes: tuple[int, ...]) -> Array:
    kept = tuple(i for i in range(x.ndim) if i not in axes)
    rows = jnp.transpose(x, (*kept, *axes)).reshape((*(x.shape[i] for i in kept), -1))
    shape = tuple(1 if i in axes else n for i, n in enumerate(x.shape))
    return p_norm("max_norm", (rows,), p, kind).reshape(shape)


def _within(w: Array, norm: Array, limit: Array) -> Array:
    over = norm > limit
    # torch lets a unit with nan be; a limit of nan is none.
    return shrunk_to(w, limit, norm + 1e-7, over) * jnp.where(limit >= 0, 1, jnp.nan)


@op(static=("where",), compiled=False)
def proximal_l1(params: _Tree, threshold: ArrayLike, *, where: Where = "weights") -> _Tree:
    """proximal_l1(w) = sign(w) max(|w| - threshold, 0): a gradient step's other half.

    After a step of size lr on the loss alone, threshold = lr l1 makes it a proximal gradient step
    on the loss plus l1 times `l1_penalty` (ISTA). What comes within the threshold is exactly 0,
    with the derivative 0; it is 0 on the threshold as well.

    Args:
        params: a tree of arrays [...], any unit.
        threshold: [], unit of params, at least 0.
        where: which leaves, see `l1_penalty`; "weights" leaves out biases and scales.

    Returns:
        The tree of params, [...], unit and dtype of params.

    Raises:
        ValueError: if threshold is negative, in a checked call a traced one as well; if `where`
            matches nothing.
        TypeError: if threshold is no number, or a leaf is complex (DtypeError).

    Source:
        Daubechies et al. 2004; torch.nn.functional.softshrink, torch 2.13.
    """
    check_scalar("proximal_l1", "threshold", threshold, least=0)
    chosen = selected("proximal_l1", params, where)
    return chosen.replaced(_proximal_l1(chosen.arrays, threshold))


@program()
def _proximal_l1(weights: Sequence[Array], threshold: ArrayLike) -> list[Array]:
    limit = at_least_zero("proximal_l1", "threshold", threshold)
    return [softshrink(w, limit) for w in weights]


@op(static=("axis", "where"), compiled=False)
def proximal_group_lasso(
    params: _Tree, threshold: ArrayLike, *, axis: int = 0, where: Where = "weights"
) -> _Tree:
    """proximal_group_lasso(w) = w max(1 - threshold sqrt(n_g) / |w_g|, 0), for each group g of n_g.

    For `group_lasso` what `proximal_l1` is for `l1_penalty`: threshold = lr times its factor. A
    group within the threshold becomes exactly 0, with the derivative 0; so does one whose squares
    all vanish, of numbers below 1e-19 in float32, 1e-154 in float64.

    Args:
        params: a tree of arrays [...], any unit.
        threshold: [], unit of params, at least 0.
        axis: of the groups, see `group_lasso`.
        where: which leaves, see `l1_penalty`; "weights" leaves out biases and scales.

    Returns:
        The tree of params, [...], unit and dtype of params. Half precision is computed in float32
        and rounded once.

    Raises:
        ValueError: if threshold is negative, in a checked call a traced one as well; if `where`
            matches nothing.
        IndexError: if a leaf has no such axis.
        TypeError: if threshold is no number, or a leaf is complex (DtypeError).

    Source:
        Yuan & Lin 2006; beyond torch.nn.functional.softshrink, torch 2.13.
    """
    check_scalar("proximal_group_lasso", "threshold", threshold, least=0)
    chosen = selected("proximal_group_lasso", params, where)
    arrays = chosen.arrays
    axes = tuple(other_axes("proximal_group_lasso", x, axis) for x in arrays)
    return chosen.replaced(_proximal_group_lasso(arrays, threshold, axes))


@program(static=("axes",))
def _proximal_group_lasso(
    weights: Sequence[Array], threshold: ArrayLike, axes: Axes
) -> list[Array]:
    limit = at_least_zero("proximal_group_lasso", "threshold", threshold)
    wide = [w.astype(compute_dtype(w.dtype)) for w in weights]
    shrunk = [
        _shrunk(w, n, limit.astype(n.dtype) * math.sqrt(math.prod(w.shape[i] for i in a)))
        for w, n, a in zip(wide, unit_norms(wide, axes), axes, strict=True)
    ]
    return [s.astype(w.dtype) for s, w in zip(shrunk, weights, strict=True)]


def _shrunk(w: Array, norm: Array, limit: Array) -> Array:
    inside = norm <= limit
    # (norm - limit)/norm and not 1 - limit/norm, which is rounded where it is small.
    # An infinite norm is not shrunk: inf/inf would be nan.
    outside = ~(inside | ((norm == jnp.inf) & (limit < jnp.inf)))
    kept = jnp.where(outside, norm - limit, 1) / jnp.where(outside, norm, 1)
    return w * jnp.where(inside, 0, kept)
