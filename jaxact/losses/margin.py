"""Margin losses: scores have to differ by at least a margin."""

from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array
from jax.typing import ArrayLike

from jaxact._arguments import as_array, as_floating, as_real, known_reduction, real_number
from jaxact._checking import nan_unless
from jaxact._numbers import compute_dtype, wide_integers
from jaxact._op import op
from jaxact.errors import ArgumentTypeError, ArgumentValueError, InvalidValueError
from jaxact.losses._elementwise import broadcast, refuse_booleans
from jaxact.losses._margins import hinge, promoted_float
from jaxact.losses._reductions import Reduction, apply_reduction

__all__ = [
    "hinge_embedding_loss",
    "margin_ranking_loss",
    "multi_margin_loss",
    "multilabel_margin_loss",
]


@op(static=("reduction",), checks={"reduction": known_reduction, "margin": real_number})
def hinge_embedding_loss(
    input: ArrayLike,
    target: ArrayLike,
    margin: ArrayLike = 1.0,
    reduction: Reduction = "mean",
) -> Array:
    """hinge_embedding_loss(x, y) = x where y = 1, max(0, margin - x) where y = -1.

    Where y is neither 1 nor -1, the loss is the sum of both terms, max(x, margin). At x = margin
    the derivative of the second term is that of margin - x; at a nan x it is 0.

    Args:
        input: [...], x, such as distances, any unit; floating or integer.
        target: [...], y, dimensionless, 1 or -1; broadcasts with input.
        margin: [], unit of input. With 1, the default, dissimilar pairs have no loss at distances
            of 1 or more. For an integer input the margin is truncated toward zero.
        reduction: "mean", "sum" or "none".

    Returns:
        [], or with "none" the broadcast shape of input and target, [...]; unit and dtype of input.
        The mean of an empty input is nan.

    Raises:
        TypeError: if input is boolean or complex (DtypeError), if input is integer and reduction is
            "mean", or if an argument is neither an array nor a number.
        ValueError: if shapes do not broadcast, or reduction is unknown.

    Source:
        torch.nn.functional.hinge_embedding_loss, torch 2.13.
    """
    scores = as_real("hinge_embedding_loss", "input", input)
    labels = as_array("hinge_embedding_loss", "target", target)
    refuse_booleans("hinge_embedding_loss", input=scores)
    broadcast("hinge_embedding_loss", input=scores, target=labels)
    floating = jnp.issubdtype(scores.dtype, jnp.floating)
    if not floating and reduction == "mean":
        raise ArgumentTypeError(
            "hinge_embedding_loss: input must have a floating dtype to be averaged, "
            f"got {scores.dtype.name}"
        )
    dtype = compute_dtype(scores.dtype) if floating else scores.dtype
    x = scores.astype(dtype)
    least = jnp.asarray(margin).astype(dtype)
    # The sum of both terms is max(x, margin), which needs no rounding. XLA would also not vectorize
    # the mean of a sum of two selects, which takes eight times as long.
    both = jnp.where(least - x >= 0, least, x)
    # Adding a 0 that is computed at run time turns -0 into torch's +0; XLA folds a literal 0 away.
    alike = x + jnp.where(labels == 1, 0, least)
    losses = jnp.where(labels == 1, alike, jnp.where(labels == -1, hinge(least - x), both))
    return apply_reduction(losses, reduction, scores.dtype)


@op(static=("reduction",), checks={"reduction": known_reduction, "margin": real_number})
def margin_ranking_loss(
    input1: ArrayLike,
    input2: ArrayLike,
    target: ArrayLike,
    margin: ArrayLike = 0.0,
    reduction: Reduction = "mean",
) -> Array:
    """margin_ranking_loss(x1, x2, y) = max(0, margin - y (x1 - x2)).

    At the hinge, margin = y (x1 - x2), the derivative is that of margin - y (x1 - x2).

    Args:
        input1: [...], x1, any unit; floating or integer.
        input2: [...], x2, unit of input1; of the same rank as input1, broadcasts.
        target: [...], y, dimensionless: 1 if x1 should be larger than x2, -1 if smaller; of the
            same rank as input1, broadcasts; differentiable.
        margin: [], unit of input1; the required difference. 0, the default, requires only the
            order.
        reduction: "mean", "sum" or "none".

    Returns:
        [], or with "none" the broadcast shape of the arguments, [...]; unit of input1; the dtype
        that the three promote to, float32 for integers. The mean of an empty input is nan.

    Raises:
        TypeError: if an argument is boolean, complex (DtypeError), or neither an array nor a
            number.
        ValueError: if shapes do not match, or reduction is unknown.

    Source:
        torch.nn.functional.margin_ranking_loss, torch 2.13.
    """
    named = {"input1": input1, "input2": input2, "target": target}
    arrays = {name: as_real("margin_ranking_loss", name, a) for name, a in named.items()}
    refuse_booleans("margin_ranking_loss", **arrays)
    first, second, sign = arrays.values()
    if not first.ndim == second.ndim == sign.ndim:
        raise ArgumentValueError(
            "margin_ranking_loss: input1, input2 and target must have as many dimensions each, "
            f"got shapes {first.shape}, {second.shape} and {sign.shape}"
        )
    broadcast("margin_ranking_loss", **arrays)
    dtype = promoted_float(*arrays.values())
    x1, x2, y = (a.astype(compute_dtype(dtype)) for a in arrays.values())
    losses = hinge(jnp.asarray(margin).astype(x1.dtype) - y * (x1 - x2))
    return apply_reduction(losses, reduction, dtype)


def _one_or_two(function: str, argument: str, p: object) -> object:
    if p not in (1, 2):
        raise InvalidValueError(f"{function}: {argument} must be 1 or 2, got {p!r}")
    return p


@op(
    static=("p", "reduction"),
    checks={"reduction": known_reduction, "margin": real_number, "p": _one_or_two},
)
def multi_margin_loss(
    input: ArrayLike,
    target: ArrayLike,
    p: int = 1,
    margin: ArrayLike = 1.0,
    weight: ArrayLike | None = None,
    reduction: Reduction = "mean",
) -> Array:
    """multi_margin_loss(x, y) = weight_y Σ_{j≠y} max(0, margin - x_y + x_j)^p / C.

    C is the number of classes. At the hinge the derivative is 0; a nan difference counts as one
    that satisfies the margin. x_j - x_y is computed before the margin is added, so large scores do
    not absorb the margin, as they do in torch.

    Args:
        input: [c] or [n, c], scores, any unit.
        target: [] or [n], class indices in [0, c), integers, dimensionless. A row with any other
            index gives nan.
        p: 1 or 2.
        margin: [], unit of input. 1, the default, requires a lead of 1 over every other class.
        weight: [c], dimensionless, the weight of each class; dtype of input. None weights all
            equally.
        reduction: "mean" divides by the number of rows, whatever their weights; "sum"; "none".

    Returns:
        [], or with "none" the shape of target, [n]; unit of input, to the power of p; the dtype of
        input. Without rows the mean is nan and the sum 0; torch returns uninitialized memory.

    Raises:
        TypeError: if input or weight is not floating (DtypeError), or target is not integer.
        ValueError: if shapes do not match, or an option has an unknown value.
        RuntimeError: if a class index is out of range, in a checked call.

    Source:
        Crammer & Singer 2001; torch.nn.functional.multi_margin_loss, torch 2.13, which supports
        half precision only on GPUs and has no second derivatives.
    """
    scores = as_floating("multi_margin_loss", "input", input)
    labels = as_array("multi_margin_loss", "target", target)
    weights = _one_axis(weight)
    _check_classes("multi_margin_loss", scores, labels)
    labels = wide_integers(labels)
    rows = scores.shape[0] if scores.ndim == 2 else 1
    if labels.ndim > 1 or labels.size != rows:
        raise ArgumentValueError(
            f"multi_margin_loss: target must have shape {(rows,)} for an input of shape "
            f"{scores.shape}, got {labels.shape}"
        )
    dtype = compute_dtype(scores.dtype)
    classes = scores.shape[-1] if scores.ndim else 1
    x = scores.astype(dtype).reshape(rows, classes)
    chosen = labels.reshape(rows, 1)
    own = jnp.take_along_axis(x, jnp.clip(chosen, 0, classes - 1), axis=1)
    short = jnp.asarray(margin).astype(dtype) + (x - own)
    counted = (short > 0) & (jnp.arange(classes)[None] != chosen)
    short = jnp.where(counted, short, 0)
    losses = jnp.sum(short if p == 1 else short * short, axis=1) / classes
    if weights is not None:
        _check_weights(scores, weights, classes)
        losses = losses * weights.astype(dtype)[jnp.clip(chosen[:, 0], 0, classes - 1)]
    losses = losses.reshape(labels.shape)
    known = (labels >= 0) & (labels < classes)
    message = f"multi_margin_loss: target must be in [0, {classes}), got {{value}}"
    losses = nan_unless(losses, known, ArgumentValueError, message, labels)
    return apply_reduction(losses, reduction, scores.dtype)


def _one_axis(weight: ArrayLike | None) -> Array | None:
    """The weights of classes; torch looks at their axes before it looks at anything else."""
    if weight is None:
        return None
    weights = as_array("multi_margin_loss", "weight", weight)
    if weights.ndim != 1:
        raise InvalidValueError(f"multi_margin_loss: weight must have 1 axis, got {weights.ndim}")
    return weights


def _check_weights(scores: Array, weights: Array, classes: int) -> None:
    if weights.dtype != scores.dtype:
        raise ArgumentTypeError(
            f"multi_margin_loss: weight must have the dtype of input, {scores.dtype.name}, "
            f"got {weights.dtype.name}"
        )
    if weights.size != classes:
        raise ArgumentValueError(
            f"multi_margin_loss: weight must have shape {(classes,)}, got {weights.shape}"
        )


def _check_classes(function: str, scores: Array, labels: Array) -> None:
    if scores.ndim > 2 or (scores.ndim and not scores.shape[-1]):
        raise ArgumentValueError(
            f"{function}: input must have shape [c] or [n, c] with c > 0, got {scores.shape}"
        )
    if not jnp.issubdtype(labels.dtype, jnp.integer):
        raise ArgumentTypeError(
            f"{function}: target must hold integer class indices, got {labels.dtype.name}"
        )


@op(static=("reduction",), checks={"reduction": known_reduction})
def multilabel_margin_loss(
    input: ArrayLike, target: ArrayLike, reduction: Reduction = "mean"
) -> Array:
    """multilabel_margin_loss(x, y) = Σ_{a in y} Σ_{j not in y} max(0, 1 - x_a + x_j) / C.

    C is the number of classes, and y are the indices before the first -1 of a row; a repeated index
    counts repeatedly. At the hinge the derivative is 0; a nan difference counts as one that
    satisfies the margin. Time grows with C times the largest number of labels in a row, memory with
    the size of the input.

    Args:
        input: [c] or [n, c], scores, dimensionless.
        target: [c] or [n, c], class indices in [0, c), integers, dimensionless, padded with -1.
            Indices after the first -1 are ignored, but must be in [-1, c) too. A row with any other
            index gives nan.
        reduction: "mean", "sum" or "none".

    Returns:
        [], or with "none" and a batch [n]; dimensionless, the dtype of input. Without rows the mean
        is nan; torch returns uninitialized memory.

    Raises:
        TypeError: if input is not floating (DtypeError), or target is not integer.
        ValueError: if shapes do not match, or reduction is unknown.
        RuntimeError: if a class index is out of range, in a checked call.

    Source:
        torch.nn.functional.multilabel_margin_loss, torch 2.13, which supports half precision only
        on GPUs and has no second derivatives.
    """
    scores = as_floating("multilabel_margin_loss", "input", input)
    labels = as_array("multilabel_margin_loss", "target", target)
    _check_classes("multilabel_margin_loss", scores, labels)
    labels = wide_integers(labels)
    matrix = scores.ndim == 2
    fits = labels.shape == scores.shape
    if not fits and (matrix or labels.ndim > 1 or labels.size != scores.size):
        raise ArgumentValueError(
            "multilabel_margin_loss: target must have the shape of input, "
            f"{scores.shape}, got {labels.shape}"
        )
    classes = scores.shape[-1] if scores.ndim else 1
    x = scores.astype(compute_dtype(scores.dtype)).reshape(-1, classes)
    y = labels.reshape(x.shape)
    losses = _multilabel(x, y) / classes
    known = (y >= -1) & (y < classes)
    offending = jnp.take_along_axis(y, jnp.argmin(known, axis=1)[:, None], axis=1)
    message = f"multilabel_margin_loss: target must be in [-1, {classes}), got {{value}}"
    losses = nan_unless(losses, known.all(axis=1), ArgumentValueError, message, offending[:, 0])
    return apply_reduction(losses if matrix else losses[0], reduction, scores.dtype)


# The number of labels per row that are compared with all classes at a time. A larger block reads
# the scores less often; a smaller one wastes less work on rows with few labels.
_BLOCK = 4


@jax.custom_jvp
def _multilabel(x: Array, y: Array) -> Array:
    """Σ_a Σ_j max(0, 1 - x_a + x_j) of each row."""

    def add(total: Array, own: Array, block: Array, others: Array) -> Array:
        short = _short(x, own, block, others)
        return total + jnp.sum(jnp.where(short > 0, short, 0), axis=1)

    return jnp.sum(_over_labels(x, y, add), axis=1)


@_multilabel.defjvp
def _(primals: Sequence[Array], tangents: Sequence[Any]) -> tuple[Array, Array]:
    x, y = primals
    # The slope is constant between the kinks.
    slope = _multilabel_grad(jax.lax.stop_gradient(x), y)
    return _multilabel(x, y), jnp.sum(slope * tangents[0], axis=1)


def _multilabel_grad(x: Array, y: Array) -> Array:
    def add(total: Array, own: Array, block: Array, others: Array) -> Array:
        short = _short(x, own, block, others)
        active = (short > 0).astype(x.dtype)
        each = jnp.sum(active, axis=2, keepdims=True)
        return total + jnp.sum(active - jnp.where(_same(x, block), each, 0), axis=1)

    return _over_labels(x, y, add)


def _short(x: Array, own: Array, block: Array, others: Array) -> Array:
    """[n, block, c], by how much each label misses the margin to each class that is not a label."""
    counted = (block >= 0)[:, :, None] & others[:, None, :]
    return jnp.where(counted, 1 + (x[:, None, :] - own[:, :, None]), 0)


def _same(x: Array, block: Array) -> Array:
    """[n, block, c], whether the label equals the class."""
    return block[:, :, None] == jnp.arange(x.shape[1], dtype=block.dtype)[None, None]


def _over_labels(x: Array, y: Array, add: Callable[..., Array]) -> Array:
    """Accumulates `add` over blocks of labels, up to the largest number of labels in a row."""
    classes = x.shape[1]
    count = jnp.argmax(jnp.pad(y < 0, ((0, 0), (0, 1)), constant_values=True), axis=1)
    kept = jnp.where(jnp.arange(classes)[None] < count[:, None], y, -1).astype(jnp.int32)
    kept = jnp.pad(kept, ((0, 0), (0, -classes % _BLOCK)), constant_values=-1)
    most = jnp.max(count, initial=0).astype(jnp.int32)

    def over_blocks(step: Callable[[Array, Array], Array], start: Array) -> Array:
        def body(state: tuple[Array, Array]) -> tuple[Array, Array]:
            at, total = state
            block = jax.lax.dynamic_slice_in_dim(kept, at, _BLOCK, axis=1)
            return at + _BLOCK, step(total, block)

        state = (jnp.zeros_like(most), start)
        return jax.lax.while_loop(lambda state: state[0] < most, body, state)[1]

    def mark(found: Array, block: Array) -> Array:
        return found | _same(x, block).any(axis=1)

    labelled = over_blocks(mark, jnp.zeros(x.shape, jnp.bool_))

    def step(total: Array, block: Array) -> Array:
        own = jnp.take_along_axis(x, jnp.clip(block, 0, classes - 1), axis=1)
        return add(total, own, block, ~labelled)

    return over_blocks(step, jnp.zeros_like(x))
