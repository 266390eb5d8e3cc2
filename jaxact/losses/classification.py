"""Losses of scores against classes."""

from collections.abc import Sequence
from typing import Any, Literal

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.typing import ArrayLike

from jaxact._core import (
    ArgumentTypeError,
    ArgumentValueError,
    as_array,
    as_floating,
    compute_dtype,
    op,
)
from jaxact.activations import log_softmax

__all__ = ["cross_entropy"]

_Reduction = Literal["none", "mean", "sum"]


def _check_cross_entropy(
    input: ArrayLike,
    target: ArrayLike,
    weight: ArrayLike | None = None,
    ignore_index: object = -100,
    reduction: object = "mean",
    label_smoothing: object = 0.0,
) -> None:
    if isinstance(ignore_index, bool) or not isinstance(ignore_index, int | np.integer):
        kind = type(ignore_index).__name__
        raise TypeError(f"cross_entropy: ignore_index must be an int, got {kind}")
    if reduction not in ("none", "mean", "sum"):
        raise ValueError(
            f"cross_entropy: reduction must be 'none', 'mean' or 'sum', got {reduction!r}"
        )
    if isinstance(label_smoothing, str) or label_smoothing is None:
        kind = type(label_smoothing).__name__
        raise TypeError(f"cross_entropy: label_smoothing must be a number, got {kind}")
    if isinstance(label_smoothing, int | float | np.floating) and label_smoothing > 1:
        raise ArgumentValueError(
            f"cross_entropy: label_smoothing must be at most 1, got {label_smoothing}"
        )


@op(static=("ignore_index", "reduction"), check=_check_cross_entropy)
def cross_entropy(
    input: ArrayLike,
    target: ArrayLike,
    weight: ArrayLike | None = None,
    ignore_index: int = -100,
    reduction: _Reduction = "mean",
    label_smoothing: ArrayLike = 0.0,
) -> Array:
    """cross_entropy(x, q) = -Σ_c weight_c ((1 - ε) q_c + ε/C) log softmax(x)_c, over the classes c.

    A class index stands for q = 1 at that class. The gradient of its score is then minus the sum of
    the other probabilities, not the cancelling p - 1, so that confident predictions keep all their
    digits. Half precision is computed in float32 and rounded once.

    Args:
        input: [c], [n, c] or [n, c, ...], unnormalized scores in nats.
        target: class indices in [0, c), integers of shape [], [n] or [n, ...]; or probabilities,
            floats of input's shape, dimensionless, differentiable, which need not sum to 1. A row
            whose index is neither in range nor ignored gives nan.
        weight: [c], dimensionless, of each class. None weighs all alike.
        ignore_index: a row with this target counts for nothing. -100 is no class.
        reduction: "mean" divides by the number of rows that are not ignored, with a weight by the
            sum of their targets' weights, with probabilities by the number of rows; "sum"; "none".
        label_smoothing: [], ε, dimensionless, in [0, 1]. 0 smooths nothing; below 0 acts as 0,
            traced above 1 gives nan.

    Returns:
        [], or with "none" the shape of class indices, [...]; in nats; the dtype of input, promoted
        with that of probabilities. A mean over nothing is nan, with gradient 0.

    Raises:
        TypeError: if an argument is of the wrong kind.
        DtypeError: if input is not floating.
        ValueError: if shapes do not fit, or an option has no such value.

    Source:
        Szegedy et al., "Rethinking the Inception Architecture for Computer Vision", 2016, for the
        smoothing; torch.nn.functional.cross_entropy, torch 2.13.
    """
    scores = as_floating("cross_entropy", "input", input)
    labels = as_array("cross_entropy", "target", target)
    if scores.ndim == 0:
        raise ArgumentValueError("cross_entropy: input must have at least 1 dimension, got 0")
    axis = min(1, scores.ndim - 1)
    weights = _class_weights(weight, scores, scores.shape[axis])
    smoothing = _smoothing(label_smoothing, compute_dtype(scores.dtype))
    if labels.shape == scores.shape and jnp.issubdtype(labels.dtype, jnp.floating):
        if ignore_index >= 0:
            raise ArgumentValueError(
                "cross_entropy: ignore_index must be negative with probabilities, "
                f"got {ignore_index}"
            )
        losses = _probability_losses(scores, labels, weights, smoothing, axis)
        rows = shares = jnp.ones_like(losses)
        dtype = jnp.promote_types(scores.dtype, labels.dtype)
    else:
        _check_indices(scores, labels, axis)
        rows = _kept(labels, ignore_index)
        losses, shares = _index_losses(scores, labels, rows, weights, smoothing, axis)
        dtype = scores.dtype
    return _reduce(losses, rows, shares, reduction).astype(dtype)


def _kept(labels: Array, ignored: int) -> Array:
    """Which rows count."""
    limits = jnp.iinfo(labels.dtype)
    if not limits.min <= ignored <= limits.max:
        return jnp.ones_like(labels, jnp.bool_)
    return labels != ignored


def _index_losses(
    scores: Array, labels: Array, kept: Array, weights: Array | None, smoothing: Array, axis: int
) -> tuple[Array, Array]:
    """The loss of each row, and what it counts in the mean."""
    classes = scores.shape[axis]
    known = (labels >= 0) & (labels < classes)
    # An ignored row is replaced before anything is computed from it: what is nan or inf in it
    # reaches neither the loss nor the gradient.
    x = jnp.moveaxis(scores, axis, -1).astype(compute_dtype(scores.dtype))
    x = jnp.where(kept[..., None], x, 0)
    chosen = jax.nn.one_hot(labels, classes, dtype=jnp.bool_)
    own, share = _negative_log_likelihood(x, chosen), kept.astype(x.dtype)
    spread = -log_softmax(x, -1)
    if weights is not None:
        weighed = jnp.sum(jnp.where(chosen, weights, 0), axis=-1)
        own, share, spread = own * weighed, share * weighed, spread * weights
    uniform = jnp.sum(spread, axis=-1) / classes
    losses = (1 - smoothing) * own + _smoothed_part(smoothing, uniform)
    # A factor, so that the gradient of an unknown class is nan as well.
    return jnp.where(kept, losses * jnp.where(known, 1, jnp.nan), 0), share


def _probability_losses(
    scores: Array, labels: Array, weights: Array | None, smoothing: Array, axis: int
) -> Array:
    x = jnp.moveaxis(scores, axis, -1).astype(compute_dtype(scores.dtype))
    q = jnp.moveaxis(labels, axis, -1).astype(compute_dtype(labels.dtype))
    q = (1 - smoothing) * q + smoothing / scores.shape[axis]
    terms = -q * log_softmax(x, -1)
    return jnp.sum(terms if weights is None else weights * terms, axis=-1)


@jax.custom_jvp
def _negative_log_likelihood(x: Array, chosen: Array) -> Array:
    """-log softmax(x) at the one class of the last axis that is chosen."""
    top, others, total = _exponentials(x, chosen)
    own = jnp.sum(jnp.where(chosen, x, 0), axis=-1)
    # Where the chosen class is the largest, the sum of the others says by how little it misses 0.
    largest = (own == top) & jnp.isfinite(top)
    return jnp.where(largest, jnp.log1p(jnp.sum(others, axis=-1)), jnp.log(total) + (top - own))


@_negative_log_likelihood.defjvp
def _(primals: Sequence[Array], tangents: Sequence[Any]) -> tuple[Array, Array]:
    x, chosen = primals
    x_dot = tangents[0]
    _, others, total = _exponentials(x, chosen)
    probabilities = others / total[..., None]
    own_dot = jnp.sum(jnp.where(chosen, x_dot, 0), axis=-1)
    # `probabilities` lacks the chosen class: the transpose gives it minus the sum of the others.
    along = jnp.sum(probabilities * x_dot, axis=-1) - own_dot * jnp.sum(probabilities, axis=-1)
    return _negative_log_likelihood(x, chosen), along


def _exponentials(x: Array, chosen: Array) -> tuple[Array, Array, Array]:
    """The largest score, exp(x - largest) without the chosen class, and their sum with it."""
    top = jax.lax.stop_gradient(jnp.max(x, axis=-1, initial=-jnp.inf))
    scaled = jnp.exp(x - top[..., None])
    return top, jnp.where(chosen, 0, scaled), jnp.sum(scaled, axis=-1)


def _smoothed_part(smoothing: Array, uniform: Array) -> Array:
    """The product of both, which is 0 without smoothing even where uniform is not finite."""
    used = (smoothing != 0) | jnp.isfinite(uniform)
    return jnp.where(used, smoothing * jnp.where(used, uniform, 0), 0)


def _reduce(losses: Array, rows: Array, shares: Array, reduction: _Reduction) -> Array:
    if reduction == "none":
        return losses
    total = _total(losses)
    if reduction == "sum":
        return total
    # Divided by 1 where no row counts: a mean over nothing is nan, its gradient 0.
    nothing = jnp.sum(rows) == 0
    count = jnp.sum(shares)
    return jnp.where(count == 0, jnp.nan, total / jnp.where(nothing, 1, count))


def _total(losses: Array) -> Array:
    """The sum, with no more than the last rounding's error."""
    fixed = jax.lax.stop_gradient(losses)
    # The leading digits of all terms, as multiples of one unit so coarse that their sum is exact,
    # then what is left of each: a small part of the whole, and so are its errors.
    largest = jnp.max(jnp.abs(fixed), initial=0)
    exponent: Array = jnp.frexp(largest * losses.size)[1]
    digits = np.finfo(losses.dtype).nmant + 1
    unit = jnp.ldexp(jnp.ones_like(largest), exponent - digits)
    leading = jnp.round(fixed / unit) * unit
    leading = jnp.where(jnp.isfinite(leading), leading, 0)
    return jnp.sum(leading) + jnp.sum(losses - leading)


def _class_weights(weight: ArrayLike | None, scores: Array, classes: int) -> Array | None:
    if weight is None:
        return None
    weights = as_floating("cross_entropy", "weight", weight)
    if weights.shape != (classes,):
        raise ArgumentValueError(
            f"cross_entropy: weight must have shape {(classes,)}, got {weights.shape}"
        )
    if weights.dtype != scores.dtype:
        raise ArgumentTypeError(
            f"cross_entropy: weight must have the dtype of input, {scores.dtype.name}, "
            f"got {weights.dtype.name}"
        )
    return weights.astype(compute_dtype(scores.dtype))


def _smoothing(label_smoothing: ArrayLike, dtype: np.dtype) -> Array:
    value = as_array("cross_entropy", "label_smoothing", label_smoothing).astype(dtype)
    # jnp.maximum would halve the gradient at 0, the default.
    return value * jnp.where(value > 1, jnp.nan, jnp.where(value < 0, 0, 1))


def _check_indices(scores: Array, labels: Array, axis: int) -> None:
    if not jnp.issubdtype(labels.dtype, jnp.integer):
        raise ArgumentTypeError(
            "cross_entropy: target must hold integer class indices, or probabilities of input's "
            f"shape {scores.shape}, got {labels.dtype.name} of shape {labels.shape}"
        )
    expected = scores.shape[:axis] + scores.shape[axis + 1 :]
    if labels.shape == expected:
        return
    message = f"cross_entropy: target must have shape {expected}, got {labels.shape}"
    # In torch a batch axis that does not match is a ValueError, anything else a RuntimeError.
    if scores.ndim > 1 and labels.shape[:1] != scores.shape[:1]:
        raise ValueError(message)
    raise ArgumentValueError(message)
