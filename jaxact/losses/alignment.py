"""Losses over all alignments between a sequence of frames and a shorter sequence of labels."""

from collections.abc import Sequence
from typing import Any

import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.core import Tracer
from jax.typing import ArrayLike

from jaxact._arguments import as_array, as_floating, flag, integer, known_reduction
from jaxact._checking import nan_unless
from jaxact._numbers import wide_integers
from jaxact._op import op, program
from jaxact.errors import ArgumentTypeError, ArgumentValueError, DtypeError
from jaxact.losses._alignments import alignment_losses
from jaxact.losses._reductions import Reduction, apply_reduction

__all__ = ["ctc_loss"]


@op(
    static=("blank", "reduction", "zero_infinity"),
    compiled=False,
    checks={"reduction": known_reduction, "blank": integer, "zero_infinity": flag},
)
def ctc_loss(
    log_probs: ArrayLike,
    targets: ArrayLike,
    input_lengths: ArrayLike | Sequence[int],
    target_lengths: ArrayLike | Sequence[int],
    blank: int = 0,
    reduction: Reduction = "mean",
    zero_infinity: bool = False,
) -> Array:
    """ctc_loss(log_probs, targets) = -log Σ_π Π_t exp(log_probs)[t, π_t], over alignments π.

    An alignment assigns a class to each frame. Removing its repetitions and then its blanks gives
    the target. Paths are summed as numbers with a separate exponent, not as logarithms: nothing
    underflows, and the accuracy does not depend on the size of the loss. For 32 sequences of 300
    frames and losses up to 1400, torch's float32 gradient has errors up to 1e-3, this one 1e-6.

    The gradient with respect to log_probs is torch's: exp(log_probs) - p, where p is the
    probability that an alignment has that class in that frame. The partial derivative itself is -p;
    after the backward pass of `log_softmax` both give the same gradient. Frames past an input's
    length have gradient 0. Forward mode uses the same gradient. As in torch, there is no second
    derivative.

    Args:
        log_probs: [t, n, c], or [t, c] for one sequence; in nats, from `log_softmax`. A class at
            -inf has gradient 0 (torch: nan, even if no alignment needs the class).
        targets: [n, s], padded with any values, or [s_1 + ... + s_n], concatenated; class indices,
            dimensionless. A blank or an index out of range gives nan (torch does not check).
        input_lengths: [n], the number of frames of each sequence, at most t, dimensionless. A tuple
            of numbers is checked at the call; in an array, a length out of range gives nan.
        target_lengths: [n], the number of labels of each target, dimensionless, checked in the same
            way. For concatenated targets a tuple saves work, because it determines the longest
            target; with a traced array, each target may be as long as all of them together.
        blank: the class that stands for no label, 0 by default.
        reduction: "mean" divides each loss by the length of its target, or by 1 if the target is
            empty, and averages; "sum"; "none".
        zero_infinity: whether a target without any alignment has loss 0 and gradient 0, instead of
            inf and nan.

    Returns:
        [], or [n] with "none" and log_probs of [t, n, c]; in nats; the dtype of log_probs.

    Raises:
        TypeError: if an argument is of the wrong kind.
        DtypeError: if log_probs is neither float32 nor float64.
        ValueError: if shapes do not match, a length or blank is out of range, or an option has no
            such value.
        NotDifferentiableError: if a second derivative is taken.

    Source:
        Graves et al., "Connectionist Temporal Classification: Labelling Unsegmented Sequence Data
        with Recurrent Neural Networks", 2006; torch.nn.functional.ctc_loss, torch 2.13.
    """
    scores = as_floating("ctc_loss", "log_probs", log_probs)
    _check_scores(scores)
    _check_blank(blank, scores.shape[-1])
    steps, batch = scores.shape[0], scores.shape[1] if scores.ndim == 3 else 1
    classes = as_array("ctc_loss", "targets", targets)
    _check_targets(classes, batch)
    frames = _lengths("input_lengths", input_lengths, batch, steps)
    lengths = _lengths("target_lengths", target_lengths, batch, classes.shape[-1])
    longest = classes.shape[-1] if classes.ndim == 2 else _longest(target_lengths, classes.size)
    return _ctc_loss(scores, classes, frames, lengths, blank, reduction, zero_infinity, longest)


@program(static=("blank", "reduction", "zero_infinity", "longest"))
def _ctc_loss(
    log_probs: Array,
    targets: Array,
    input_lengths: Array,
    target_lengths: Array,
    blank: int,
    reduction: Reduction,
    zero_infinity: bool,
    longest: int,
) -> Array:
    scores = log_probs if log_probs.ndim == 3 else log_probs[:, None]
    steps, _, classes = scores.shape
    # As in torch, floats are truncated to integers.
    is_float = jnp.issubdtype(targets.dtype, jnp.floating)
    indices = targets.astype(jnp.int32) if is_float else wide_integers(targets)
    rows = indices if targets.ndim == 2 else _unpacked(indices, target_lengths, longest)
    used = jnp.arange(longest)[None] < target_lengths[:, None]
    blanks = jnp.full((*rows.shape, 1), blank)
    turns = jnp.concatenate([blanks, jnp.where(used, rows, blank)[..., None]], axis=-1)
    states = jnp.pad(turns.reshape(len(rows), -1), ((0, 0), (0, 1)), constant_values=blank)
    losses = alignment_losses(
        scores,
        jnp.clip(states, 0, classes - 1),
        jnp.clip(input_lengths, 0, steps),
        jnp.clip(target_lengths, 0, longest),
        jnp.asarray(zero_infinity),
    )
    losses = _with_lengths(losses, "input_lengths", input_lengths, steps)
    losses = _with_lengths(losses, "target_lengths", target_lengths, targets.shape[-1])
    if targets.ndim == 1:
        losses = _with_total(losses, target_lengths, targets.size)
    if longest:
        losses = _with_classes(losses, rows, used, blank, classes)
    if reduction == "mean":
        losses = losses / jnp.maximum(target_lengths, 1).astype(losses.dtype)
    losses = losses if log_probs.ndim == 3 else losses[0]
    return apply_reduction(losses, reduction, log_probs.dtype)


# --------------------------------------------------------------------------------------- arguments


def _check_scores(scores: Array) -> None:
    if scores.dtype not in (jnp.float32, jnp.float64):
        raise DtypeError(
            f"ctc_loss: log_probs must have dtype float32 or float64, got {scores.dtype.name}"
        )
    if scores.ndim not in (2, 3):
        raise ArgumentValueError(
            f"ctc_loss: log_probs must have shape [t, n, c] or [t, c], got {scores.shape}"
        )
    if not scores.size:
        raise ArgumentValueError(f"ctc_loss: log_probs must not be empty, got {scores.shape}")


def _check_blank(blank: int, classes: int) -> None:
    if not 0 <= blank < classes:
        raise ArgumentValueError(f"ctc_loss: blank must be in [0, {classes}), got {blank}")


def _check_targets(targets: Array, batch: int) -> None:
    if jnp.issubdtype(targets.dtype, jnp.complexfloating):
        raise ArgumentTypeError(
            f"ctc_loss: targets must hold class indices, got {targets.dtype.name}"
        )
    if targets.ndim != 1 and (targets.ndim != 2 or targets.shape[0] != batch):
        raise ArgumentValueError(
            f"ctc_loss: targets must have shape [{batch}, s] or [s], got {targets.shape}"
        )


def _lengths(argument: str, value: ArrayLike | Sequence[int], batch: int, largest: int) -> Array:
    """The lengths as [n] integers; Python numbers among them are checked."""
    items = _items(value)
    for item in items:
        if isinstance(item, int | np.integer) and not 0 <= item <= largest:
            raise ArgumentValueError(f"ctc_loss: {argument} must be in [0, {largest}], got {item}")
    # As in torch, an array may have any shape; a tuple may contain traced values.
    parts = [jnp.ravel(as_array("ctc_loss", argument, item)) for item in items]
    lengths = parts[0] if len(parts) == 1 else jnp.concatenate(parts or [jnp.zeros(0, jnp.int32)])
    if not jnp.issubdtype(lengths.dtype, jnp.integer):
        raise ArgumentTypeError(
            f"ctc_loss: {argument} must hold integers, got {lengths.dtype.name}"
        )
    if lengths.size != batch:
        raise ArgumentValueError(
            f"ctc_loss: {argument} must hold {batch} lengths, got {lengths.size}"
        )
    return wide_integers(lengths)


def _items(lengths: ArrayLike | Sequence[int]) -> Sequence[Any]:
    return lengths if isinstance(lengths, tuple | list) else (lengths,)


def _longest(lengths: ArrayLike | Sequence[int], total: int) -> int:
    """The length of the longest of the concatenated targets, or an upper bound if it is traced."""
    if any(isinstance(item, Tracer) for item in _items(lengths)):
        return total
    known = np.asarray(lengths)
    if isinstance(lengths, tuple | list) and known.sum() != total:
        raise ArgumentValueError(
            f"ctc_loss: targets must hold {known.sum()} classes, the sum of target_lengths, "
            f"got {total}"
        )
    return int(np.clip(known.max(), 0, total))


def _unpacked(targets: Array, lengths: Array, longest: int) -> Array:
    """Concatenated targets, split into one row per target."""
    starts = jnp.cumsum(lengths) - lengths
    return targets.at[starts[:, None] + jnp.arange(longest)[None]].get(mode="fill", fill_value=-1)


def _with_lengths(losses: Array, argument: str, lengths: Array, largest: int) -> Array:
    message = f"ctc_loss: {argument} must be in [0, {largest}], got {{value}}"
    holds = (lengths >= 0) & (lengths <= largest)
    return nan_unless(losses, holds, ArgumentValueError, message, lengths)


def _with_total(losses: Array, lengths: Array, total: int) -> Array:
    """Makes all losses nan if one length is wrong, because it displaces all targets after it."""
    message = f"ctc_loss: target_lengths must have the sum {total}, got {{value}}"
    holds = (jnp.sum(lengths) == total) & jnp.all(lengths >= 0)
    return nan_unless(losses, holds, ArgumentValueError, message, jnp.sum(lengths))


def _with_classes(losses: Array, rows: Array, used: Array, blank: int, classes: int) -> Array:
    message = f"ctc_loss: targets must be in [0, {classes}) and not {blank}, got {{value}}"
    known = ((rows >= 0) & (rows < classes) & (rows != blank)) | ~used
    first = jnp.take_along_axis(rows, jnp.argmin(known, axis=1, keepdims=True), axis=1)
    return nan_unless(losses, jnp.all(known, axis=1), ArgumentValueError, message, first[:, 0])
