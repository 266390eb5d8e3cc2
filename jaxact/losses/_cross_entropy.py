"""Shared parts of the classification losses: checks, targets and the losses of rows."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, cast

import jax.numpy as jnp
import numpy as np
from jax import Array, lax
from jax.custom_derivatives import SymbolicZero
from jax.typing import ArrayLike

from jaxact._arguments import as_array, as_floating, real_number
from jaxact._checking import nan_unless
from jaxact._numbers import compute_dtype, is_number
from jaxact._rules import rematerialized, with_partials, with_rule
from jaxact.errors import (
    ArgumentTypeError,
    ArgumentValueError,
    InvalidIndexError,
    InvalidValueError,
)
from jaxact.losses._reductions import Reduction, accurate_sum

# ------------------------------------------------------------------------------------- arguments


def smoothing_or_none(function: str, argument: str, label_smoothing: object) -> object:
    """The number, or None if it is known to smooth nothing, so that no smoothing is compiled.

    Raises:
        TypeError: if label_smoothing is not a number.
        ArgumentValueError: if label_smoothing is above 1.
    """
    real_number(function, argument, label_smoothing)
    if not is_number(label_smoothing):
        return label_smoothing
    if label_smoothing > 1:
        raise ArgumentValueError(f"{function}: {argument} must be at most 1, got {label_smoothing}")
    # As in torch, nan smooths nothing.
    return label_smoothing if label_smoothing > 0 else None


def smoothing_of(function: str, label_smoothing: ArrayLike | None, dtype: np.dtype) -> Array | None:
    """[], with 0 for negative values; a value above 1 gives nan and raises in a checked call."""
    if label_smoothing is None or (is_number(label_smoothing) and label_smoothing == 0):
        return None
    value = as_array(function, "label_smoothing", label_smoothing).astype(dtype)
    message = f"{function}: label_smoothing must be at most 1, got {{value}}"
    value = nan_unless(value, ~(value > 1), ArgumentValueError, message, value)
    # jnp.maximum would halve the gradient at 0, the default.
    return value * jnp.where(value < 0, 0, 1)


def class_weights(
    function: str, weight: ArrayLike | None, dtype: np.dtype | None, classes: int
) -> Array | None:
    """[c], in its compute dtype. It must have `dtype`, the scores'; None lets it have any.

    Raises:
        TypeError: if weight is not a floating array, or not of that dtype.
        ArgumentValueError: if weight does not have one element per class.
    """
    if weight is None:
        return None
    weights = as_floating(function, "weight", weight)
    if weights.shape != (classes,):
        raise ArgumentValueError(
            f"{function}: weight must have shape {(classes,)}, got {weights.shape}"
        )
    if dtype is not None and weights.dtype != dtype:
        raise ArgumentTypeError(
            f"{function}: weight must have the dtype of input, {dtype.name}, "
            f"got {weights.dtype.name}"
        )
    return weights.astype(compute_dtype(weights.dtype))


def dtype_of_probabilities(
    function: str, scores: Array, shares: Array, weight: ArrayLike | None
) -> np.dtype:
    """The dtype of the loss of class probabilities: the one that all arguments promote to."""
    dtype = jnp.promote_types(scores.dtype, shares.dtype)
    if weight is None:
        return dtype
    return jnp.promote_types(dtype, as_floating(function, "weight", weight).dtype)


def check_indices(
    function: str, shape: tuple[int, ...], labels: Array, axis: int, alternative: str = ""
) -> None:
    """Checks that the labels are class indices for scores of this shape.

    Raises:
        ArgumentTypeError: if the labels are not integers.
        ValueError: if the number of rows differs from the scores' (torch's ValueError).
        ArgumentValueError: if the shape differs otherwise.
    """
    if not jnp.issubdtype(labels.dtype, jnp.integer):
        raise ArgumentTypeError(
            f"{function}: target must hold integer class indices{alternative}, "
            f"got {labels.dtype.name} of shape {labels.shape}"
        )
    expected = shape[:axis] + shape[axis + 1 :]
    if labels.shape == expected:
        return
    message = f"{function}: target must have shape {expected}, got {labels.shape}"
    if len(shape) == 1 or labels.shape[:1] != shape[:1]:
        raise InvalidValueError(message)
    raise ArgumentValueError(message)


# --------------------------------------------------------------------------------------- targets


class Indices(NamedTuple):
    """Class indices, made safe to gather with.

    Attributes:
        chosen: [...], int32; always an existing class, even if the target is invalid or ignored.
        kept: [...], False for ignored rows.
        nan_if_invalid: [...], 1, but nan where the target is not a class.
    """

    chosen: Array
    kept: Array
    nan_if_invalid: Array


def class_indices(
    function: str, labels: Array, classes: int, ignored: int, dtype: np.dtype
) -> Indices:
    """The targets as `Indices`; a checked call raises an IndexError for a target out of range."""
    limits = jnp.iinfo(labels.dtype)
    kept = jnp.ones_like(labels, jnp.bool_)
    if limits.min <= ignored <= limits.max:
        kept = labels != ignored
    known = labels >= 0
    if classes <= limits.max:
        known &= labels < classes
    message = f"{function}: target must be a class in [0, {classes - 1}], got {{value}}"
    ones = jnp.ones(labels.shape, dtype)
    factor = nan_unless(ones, known | ~kept, InvalidIndexError, message, labels)
    return Indices(jnp.where(kept & known, labels, 0).astype(jnp.int32), kept, factor)


def _take_class_rule(
    axis: int, primals: Sequence[Array], tangents: Sequence[Any]
) -> tuple[Array, Array]:
    x, chosen = primals

    # The transpose of this product fuses with the rest of the gradient; a scatter would not.
    def pick(chosen: Array, tangent: Array) -> Array:
        picked = (1 - _others_mask(tangent, chosen, axis)) * tangent
        return jnp.sum(picked, axis, keepdims=True)

    return take_class(axis, x, chosen), rematerialized(pick)(chosen, tangents[0])


@with_rule(_take_class_rule, static=(0,))
def take_class(axis: int, x: Array, chosen: Array) -> Array:
    """x at one index along the axis, which has length 1 in `chosen` and in the result."""
    # A gather along one axis is local if the other axes are sharded. If this axis is sharded, only
    # the gathered elements move between devices.
    return jnp.take_along_axis(x, chosen, axis, mode="clip")


def _others_mask(x: Array, chosen: Array, axis: int) -> Array:
    """0 for the chosen class, else 1, in the dtype and shape of x."""
    shape = tuple(n if i == axis else 1 for i, n in enumerate(x.shape))
    exact = x.shape[axis] <= 1 / cast(float, cast(Any, jnp.finfo)(x.dtype).eps)
    classes = lax.broadcasted_iota(x.dtype if exact else chosen.dtype, shape, axis)
    # Without the barrier XLA would materialize the class numbers in an array of x's size before a
    # loop over chunks, and read it in every iteration.
    classes, chosen = lax.optimization_barrier((classes, chosen))
    # Arithmetic instead of a select: on CPUs XLA does not vectorize a sum over a select. That takes
    # 50 ms instead of 11 for 4096 rows of 10000 classes on 2 cores.
    distance = classes - chosen.astype(classes.dtype)
    return jnp.minimum(jnp.abs(distance), 1).astype(x.dtype)


# ------------------------------------------------------------------------------------ exponentials


class _Row(NamedTuple):
    """The quantities that a loss needs from the scores of a row, [..., 1, ...] each.

    Attributes:
        top: the largest score, a constant.
        others: the sum of exp(x - top) over the classes that are not chosen.
        below: the score of the chosen class, less top.
    """

    top: Array
    others: Array
    below: Array

    @property
    def log_total(self) -> Array:
        """The log of the sum of exp(x - top) over all classes."""
        return _log_total(self.others, self.below)

    @property
    def loss(self) -> Array:
        """-log softmax(x) at the chosen class."""
        return _row_loss(self.others, self.below)


def _row(x: Array, chosen: Array, valid: Array, axis: int) -> _Row:
    top = lax.stop_gradient(jnp.max(x, axis, keepdims=True, initial=-jnp.inf))
    # Replace ignored rows before computing with them: then their nan and inf reach neither the
    # loss nor the gradient.
    top = jnp.where(valid, top, 0)
    own = jnp.where(valid, take_class(axis, x, chosen), 0)
    others = jnp.where(valid, _sumexp_others(axis, x, top, chosen, valid), 1)
    return _Row(top, others, _differentiable_below(own, top))


# If the chosen class has the largest score, `below` is 0, and the loss and 1 - p are computed from
# the sum over the other classes. A subtraction from 1 would cancel their digits.


def _inverse_total(others: Array, below: Array) -> Array:
    return 1 / (others + jnp.exp(below))


def _minus_own_share_per_total(others: Array, below: Array) -> Array:
    own = jnp.exp(below)
    return -own / jnp.square(others + own)


def _variance(others: Array, below: Array) -> Array:
    """p (1 - p), of the chosen class."""
    own = jnp.exp(below)
    return others * own / jnp.square(others + own)


@with_partials(_minus_own_share_per_total, _variance, summed=False)
def _own_share(others: Array, below: Array) -> Array:
    own = jnp.exp(below)
    return own / (others + own)


@with_partials(_minus_own_share_per_total, _variance, summed=False)
def _minus_share_of_others(others: Array, below: Array) -> Array:
    return -(others / (others + jnp.exp(below)))


def _loss_of_largest(others: Array, below: Array) -> Array:
    """log(1 + others), the loss where below is 0."""
    # There exp(-below) is 1 and changes no digit, but it gives the formula its own slope:
    # differentiated first in another argument of its body, lax.scan drops the rules of the
    # functions that use it (jax 0.10.2).
    return jnp.log1p(others * jnp.exp(-jnp.where(below == 0, below, 0)))


@with_partials(_inverse_total, _own_share, summed=False)
def _log_total(others: Array, below: Array) -> Array:
    """The log of the sum of exp(x - top), from that of the others and own - top."""
    largest = _loss_of_largest(others, below) + below
    return jnp.where(below == 0, largest, jnp.log(others + jnp.exp(below)))


@with_partials(_inverse_total, _minus_share_of_others, summed=False)
def _row_loss(others: Array, below: Array) -> Array:
    """-log softmax(x) of the chosen class."""
    largest = _loss_of_largest(others, below)
    return jnp.where(below == 0, largest, jnp.log(others + jnp.exp(below)) - below)


def _slope_of_others(others: Array, below: Array, total: Array, rest: Array, own: Array) -> Array:
    return total * _inverse_total(others, below)


def _slope_of_own(others: Array, below: Array, total: Array, rest: Array, own: Array) -> Array:
    """p Σ q - q of the chosen class; of a likely one from the others, where that would cancel."""
    p = _own_share(others, below)
    from_others = rest + total * _minus_share_of_others(others, below)
    return jnp.where(p < 0.5, total * p - own, from_others)


@with_partials(_slope_of_others, _slope_of_own, summed=False)
def _expected_loss(others: Array, below: Array, total: Array, rest: Array, own: Array) -> Array:
    """Σ q (-log softmax(x)), but for the gaps between the other scores and the largest one.

    Args:
        others: the sum of exp(x - top) over all classes but the one with the largest score.
        below: 0; the argument exists for the sake of its derivative.
        total: Σ q.
        rest: Σ q over the others.
        own: q of the class with the largest score.
    """
    return total * _row_loss(others, below) + rest * below


def _sumexp_others_rule(
    axis: int, primals: Sequence[Array], tangents: Sequence[Any]
) -> tuple[Array, Array]:
    x, top, chosen, valid = primals
    # These exponentials are the only residual of the size of x; the scores are not kept.
    kept = _others_mask(x, chosen, axis) * jnp.exp(_differentiable_below(x, top, valid))
    along = jnp.sum(kept * tangents[0], axis, keepdims=True)
    return jnp.sum(kept, axis, keepdims=True), along


@with_rule(_sumexp_others_rule, static=(0,))
def _sumexp_others(axis: int, x: Array, top: Array, chosen: Array, valid: Array) -> Array:
    """The sum of exp(x - top) over all classes except the chosen one."""
    kept = _others_mask(x, chosen, axis) * jnp.exp(_below(x, top))
    return jnp.sum(kept, axis, keepdims=True)


def _below(x: Array, top: Array) -> Array:
    """x - top, which is not positive. Not to be differentiated: see `_differentiable_below`."""
    # If x is itself a product, XLA may fuse the product and the subtraction and not round x first;
    # then x can exceed its maximum. The minimum prevents that. x comes second: of two operands
    # XLA's minimum may return the second if one is nan (jax 0.10.2, in long sums on CPUs).
    return jnp.minimum(top, x) - top


def _differentiable_below(x: Array, top: Array, valid: Array | bool = True) -> Array:
    """The same with the slope 1, also at the largest x; 0 where it is not valid."""
    # A minimum halves the slope where both are equal; but XLA does not vectorize a sum of selects.
    return jnp.where(valid & ~(x > top), x, top) - top


# ------------------------------------------------------------------------------- losses of the rows


def index_losses(
    x: Array, target: Indices, weights: Array | None, smoothing: Array | None, axis: int
) -> Array:
    """The loss of each row, in the shape of x without the axis; 0 for ignored rows.

    Args:
        x: [..., c, ...], in the compute dtype.
        target: indices in the shape of the result.
        weights: [c], in the same dtype.
        smoothing: []. None smooths nothing.
        axis: the axis of the classes.
    """
    if x.shape[axis] == 0:
        return jnp.zeros_like(target.nan_if_invalid) * target.nan_if_invalid
    chosen, valid = (jnp.expand_dims(a, axis) for a in (target.chosen, target.kept))
    row = _row(x, chosen, valid, axis)
    losses = row.loss if weights is None else row.loss * weights[chosen]
    if smoothing is not None:
        uniform = _uniform_losses(x, row, weights, valid, axis)
        losses = (1 - smoothing) * losses + _smoothed_part(smoothing, uniform)
    return jnp.where(target.kept, jnp.squeeze(losses, axis) * target.nan_if_invalid, 0)


def _uniform_losses(x: Array, row: _Row, weights: Array | None, valid: Array, axis: int) -> Array:
    """The loss against the uniform distribution over the classes."""
    classes = x.shape[axis]
    broad = jnp.ones((1,) if weights is None else (classes,), x.dtype)
    broad = _along_axis(broad if weights is None else weights, x.ndim, axis)
    weight = classes if weights is None else jnp.sum(weights)
    gaps = jnp.where(valid, _gaps(axis, x, broad, row.top, valid), 0)
    return (weight * row.log_total + gaps) / classes


def _gaps_rule(axis: int, primals: Sequence[Array], tangents: Sequence[Any]) -> tuple[Array, Array]:
    x, weights, top, valid = primals
    along = jnp.zeros(top.shape, x.dtype)
    if not isinstance(tangents[0], SymbolicZero):
        along -= jnp.sum(weights * jnp.where(valid, tangents[0], 0), axis, keepdims=True)
    if not isinstance(tangents[1], SymbolicZero):
        gaps = top - jnp.where(valid, x, top)
        along += jnp.sum(gaps * tangents[1], axis, keepdims=True)
    return _gaps(axis, *primals), along


@with_rule(_gaps_rule, static=(0,))
def _gaps(axis: int, x: Array, weights: Array, top: Array, valid: Array) -> Array:
    """Σ weights (top - x); correct for the valid rows only."""
    # The sum is fast only without a select, so callers mask the invalid rows afterwards. The rule
    # keeps those rows out of the gradient.
    return jnp.sum(weights * (top - x), axis, keepdims=True)


def _smoothed_part(smoothing: Array, uniform: Array) -> Array:
    """smoothing * uniform, but 0 if smoothing is 0 and uniform is not finite."""
    used = (smoothing != 0) | jnp.isfinite(uniform)
    return jnp.where(used, smoothing * jnp.where(used, uniform, 0), 0)


def index_shares(target: Indices, weights: Array | None, dtype: np.dtype) -> Array:
    """The weight of each row in the mean."""
    shares = target.kept.astype(dtype)
    if weights is None or not weights.size:
        return shares
    return shares * weights[target.chosen]


def _along_axis(weights: Array, ndim: int, axis: int) -> Array:
    return weights.reshape((1,) * axis + (-1,) + (1,) * (ndim - 1 - axis))


def probability_losses(
    x: Array, q: Array, weights: Array | None, smoothing: Array | None, axis: int
) -> Array:
    """The loss of each row, in the shape of x without the axis.

    Args:
        x: [..., c, ...], in the compute dtype.
        q: probabilities in the shape of x; in its compute dtype.
        weights: [c], in its compute dtype.
        smoothing: []. None smooths nothing.
        axis: the axis of the classes.
    """
    if x.shape[axis] == 0:
        return jnp.zeros(x.shape[:axis] + x.shape[axis + 1 :], x.dtype)
    if smoothing is not None:
        q = (1 - smoothing) * q + smoothing / x.shape[axis]
    if weights is not None:
        q = q * _along_axis(weights, x.ndim, axis)
    largest = jnp.argmax(x, axis, keepdims=True).astype(jnp.int32)
    row = _row(x, largest, jnp.ones_like(largest, jnp.bool_), axis)
    # Leave the class with the largest score out of the sum: its probability and q may be near 1.
    others = _others_mask(q, largest, axis) * q
    total, rest = (jnp.sum(a, axis, keepdims=True) for a in (q, others))
    gaps = jnp.sum(others * (row.top - x), axis, keepdims=True)
    own = take_class(axis, q, largest)
    losses = _expected_loss(row.others, row.below, total, rest, own) + gaps
    return jnp.squeeze(losses, axis)


def reduce_rows(losses: Array, rows: Array, shares: Array, reduction: Reduction) -> Array:
    """The losses, their sum, or their sum divided by the sum of the shares.

    Args:
        losses: [...].
        rows: [...], False for ignored rows.
        shares: [...], the weight of each row in the mean.
        reduction: "none", "sum" or "mean"; the mean over no rows is nan, with gradient 0.
    """
    if reduction == "none":
        return losses
    whole = accurate_sum(losses)
    return whole if reduction == "sum" else mean_over(rows, shares, lambda count: whole / count)


def mean_over(rows: Array, shares: Array, mean: Callable[[Array], Array]) -> Array:
    """mean(count), where count is the sum of the shares; nan, with gradient 0, if count is 0."""
    count = jnp.sum(shares)
    return jnp.where(count == 0, jnp.nan, mean(jnp.where(jnp.any(rows), count, 1)))
