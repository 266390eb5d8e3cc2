"""Losses over all alignments of a sequence of frames with a shorter sequence of labels."""

from collections.abc import Sequence
from functools import reduce
from typing import Any, NamedTuple, TypeVar

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array, lax
from jax.core import Tracer
from jax.typing import ArrayLike

from jaxact._checking import defined
from jaxact._core import (
    ArgumentTypeError,
    ArgumentValueError,
    DtypeError,
    as_array,
    as_floating,
    op,
)
from jaxact._elementary import coefficients, constant
from jaxact.losses import _reductions
from jaxact.losses._reductions import Reduction, check_reduction

__all__ = ["ctc_loss"]

_Tree = TypeVar("_Tree")


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

    An alignment names a class for each frame; without its repetitions, and then without its blanks,
    it is the target. Paths are summed as numbers with exponents of their own, not as logarithms:
    nothing underflows, and no digit is lost to the size of the loss. For 32 sequences of 300 frames
    and losses up to 1400, torch's float32 gradient is off by up to 1e-3, this one by 2e-6.

    The gradient in log_probs is torch's, exp(log_probs) - p, where p is the probability that an
    alignment has that class in that frame. Behind `log_softmax` it is the gradient; the partial
    derivative itself would be -p. Frames past an input's length have gradient 0. Forward mode gives
    the same projection. There is no second derivative, as in torch.

    Args:
        log_probs: [t, n, c], or [t, c] for one sequence; in nats, from `log_softmax`. A class of
            -inf has gradient 0 (torch: nan, even where no alignment needs it).
        targets: [n, s], padded with anything, or [s_1 + ... + s_n], one after another; class
            indices, dimensionless. A blank or no class among them gives nan (torch does not look).
        input_lengths: [n], frames of each sequence, at most t, dimensionless. A tuple of numbers is
            checked at the call; in an array, a length out of range gives nan.
        target_lengths: [n], labels of each target, dimensionless, checked in the same way. With
            targets one after another numbers save work: of a traced array each may be the longest.
        blank: the class that stands for no label; 0 is the first.
        reduction: "mean" divides each loss by the length of its target, or by 1, and averages;
            "sum"; "none".
        zero_infinity: whether a target without any alignment counts for nothing, with gradient 0.
            False: its loss is inf and its gradient nan.

    Returns:
        [], or [n] with "none" and log_probs of [t, n, c]; in nats; the dtype of log_probs.

    Raises:
        TypeError: if an argument is of the wrong kind.
        DtypeError: if log_probs is neither float32 nor float64.
        ValueError: if shapes do not fit, a length or blank is out of range, or an option has no
            such value.
        NotImplementedError: if a second derivative is taken.

    Source:
        Graves et al., "Connectionist Temporal Classification: Labelling Unsegmented Sequence Data
        with Recurrent Neural Networks", 2006; torch.nn.functional.ctc_loss, torch 2.13.
    """
    check_reduction("ctc_loss", reduction)
    scores = as_floating("ctc_loss", "log_probs", log_probs)
    _check_scores(scores)
    _check_options(blank, zero_infinity, scores.shape[-1])
    steps, batch = scores.shape[0], scores.shape[1] if scores.ndim == 3 else 1
    classes = as_array("ctc_loss", "targets", targets)
    _check_targets(classes, batch)
    frames = _lengths("input_lengths", input_lengths, batch, steps)
    lengths = _lengths("target_lengths", target_lengths, batch, classes.shape[-1])
    longest = classes.shape[-1] if classes.ndim == 2 else _longest(target_lengths, classes.size)
    return _ctc_loss(
        scores, classes, frames, lengths, int(blank), reduction, bool(zero_infinity), longest
    )


@op(static=("blank", "reduction", "zero_infinity", "longest"), by_value=True)
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
    # As in torch, a float counts as the integer that is left of it.
    indices = targets.astype(jnp.int32)
    rows = indices if targets.ndim == 2 else _unpacked(indices, target_lengths, longest)
    used = jnp.arange(longest) < target_lengths[:, None]
    # A blank in front of the labels: the state before the first of them.
    states = jnp.pad(jnp.where(used, rows, blank), ((0, 0), (1, 0)), constant_values=blank)
    losses = _alignment_losses(
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
        losses = losses / jnp.maximum(target_lengths, 1)
    losses = losses if log_probs.ndim == 3 else losses[0]
    return _reductions.reduce(losses, reduction, log_probs.dtype)


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


def _check_options(blank: object, zero_infinity: object, classes: int) -> None:
    if isinstance(blank, bool) or not isinstance(blank, int | np.integer):
        raise TypeError(f"ctc_loss: blank must be an int, got {type(blank).__name__}")
    if not 0 <= blank < classes:
        raise ArgumentValueError(f"ctc_loss: blank must be in [0, {classes}), got {blank}")
    if not isinstance(zero_infinity, bool | np.bool):
        kind = type(zero_infinity).__name__
        raise TypeError(f"ctc_loss: zero_infinity must be a bool, got {kind}")


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
    """The lengths as [n] integers; the numbers among them are checked."""
    items = _items(value)
    for item in items:
        if isinstance(item, int | np.integer) and not 0 <= item <= largest:
            raise ArgumentValueError(f"ctc_loss: {argument} must be in [0, {largest}], got {item}")
    # An array of any shape, as in torch; a tuple may hold what is traced.
    parts = [as_array("ctc_loss", argument, item).ravel() for item in items]
    lengths = jnp.concatenate(parts) if parts else jnp.zeros(0, jnp.int32)
    if not jnp.issubdtype(lengths.dtype, jnp.integer):
        raise ArgumentTypeError(
            f"ctc_loss: {argument} must hold integers, got {lengths.dtype.name}"
        )
    if lengths.size != batch:
        raise ArgumentValueError(
            f"ctc_loss: {argument} must hold {batch} lengths, got {lengths.size}"
        )
    return lengths


def _items(lengths: ArrayLike | Sequence[int]) -> Sequence[Any]:
    return lengths if isinstance(lengths, tuple | list) else (lengths,)


def _longest(lengths: ArrayLike | Sequence[int], total: int) -> int:
    """The length of the longest of targets that stand one after another, or a bound on it."""
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
    """Targets that stand one after another, one in each row."""
    starts = jnp.cumsum(lengths) - lengths
    return targets.at[starts[:, None] + jnp.arange(longest)].get(mode="fill", fill_value=-1)


def _with_lengths(losses: Array, argument: str, lengths: Array, largest: int) -> Array:
    message = f"ctc_loss: {argument} must be in [0, {largest}], got {{value}}"
    holds = (lengths >= 0) & (lengths <= largest)
    return defined(losses, holds, ArgumentValueError, message, lengths)


def _with_total(losses: Array, lengths: Array, total: int) -> Array:
    """One wrong length displaces all targets after it: none of the losses is defined then."""
    message = f"ctc_loss: target_lengths must have the sum {total}, got {{value}}"
    holds = (jnp.sum(lengths) == total) & jnp.all(lengths >= 0)
    return defined(losses, holds, ArgumentValueError, message, jnp.sum(lengths))


def _with_classes(losses: Array, rows: Array, used: Array, blank: int, classes: int) -> Array:
    message = f"ctc_loss: targets must be in [0, {classes}) and not {blank}, got {{value}}"
    known = ((rows >= 0) & (rows < classes) & (rows != blank)) | ~used
    first = jnp.take_along_axis(rows, jnp.argmin(known, axis=1, keepdims=True), axis=1)
    return defined(losses, jnp.all(known, axis=1), ArgumentValueError, message, first[:, 0])


# ------------------------------------------------------- numbers without underflow and overflow


class _Scaled(NamedTuple):
    """digits 16^exponent: sums of products of hundreds of probabilities, far below any float.

    Digits are 0 or in [1/8, 2), exponents integral. Unlike logarithms, such numbers lose nothing to
    their own size, and a step takes no exp and no log.
    """

    digits: Array
    exponent: Array


def _lowest(x: Array) -> np.floating:
    """The exponent of 0, to which exponents saturate."""
    return constant(x, -0.9 * float(np.finfo(x.dtype).max))


def _none(shape: Sequence[int], dtype: jnp.dtype) -> _Scaled:
    zero = jnp.zeros(shape, dtype)
    return _Scaled(zero, jnp.full_like(zero, _lowest(zero)))


def _layout(x: Array) -> tuple[Any, int, int]:
    """The word of a float, the place of its exponent, and the exponent of 1."""
    return (jnp.uint64, 52, 1023) if x.dtype == jnp.float64 else (jnp.uint32, 23, 127)


def _power(exponent: Array) -> Array:
    """16^exponent for integral exponents of at most 0; 0 instead of what is subnormal."""
    word, place, bias = _layout(exponent)
    power = 4 * jnp.maximum(exponent, constant(exponent, -bias / 4))
    shifted = power + constant(power, 1.5 * 2.0**place)  # puts the integer into the low bits
    bits = lax.bitcast_convert_type(shifted, word) + word(bias)
    return lax.bitcast_convert_type(lax.shift_left(bits, word(place)), power.dtype)


def _scaled(digits: Array, exponent: Array) -> _Scaled:
    """digits 16^exponent with the digits put in order; nan stays in them."""
    word, place, bias = _layout(digits)
    bits = lax.bitcast_convert_type(digits, word)
    # Four exponents of 2 to one of 16.
    places = lax.shift_right_logical(bits, word(place + 2))
    mantissa = (bits & word(2 ** (place + 2) - 1)) | word((bias // 4) << (place + 2))
    ordered = lax.bitcast_convert_type(mantissa, digits.dtype)
    raised = exponent + (places.astype(digits.dtype) - constant(digits, bias // 4))
    positive = digits > 0
    return _Scaled(
        jnp.where(positive, ordered, digits),
        jnp.where(positive, jnp.maximum(raised, _lowest(digits)), _lowest(digits)),
    )


def _scaled_exp(z: Array, low: Array) -> _Scaled:
    """exp(z + low) for z <= 0 and low below the last digit of z; the digits in [1/4, 4]."""
    c = coefficients(z)
    n = lax.round(z * constant(z, 0.25 / np.log(2)), lax.RoundingMethod.TO_NEAREST_EVEN)
    rest = (z - n * constant(z, 4 * c.ln2_high)) - n * constant(z, 4 * c.ln2_low)
    # Beyond 2^24 the last digit of z is more than n accounts for.
    digits = jnp.exp(jnp.clip(rest, -1.4, 1.4) + low)
    is_zero = z == -jnp.inf
    return _Scaled(jnp.where(is_zero, 0, digits), jnp.where(is_zero, 0, n))


def _aligned(*numbers: _Scaled) -> tuple[list[Array], Array]:
    """The digits of all at the largest of their exponents, and that exponent."""
    top = reduce(jnp.maximum, [number.exponent for number in numbers])
    return [number.digits * _power(number.exponent - top) for number in numbers], top


# -------------------------------------------------------------------------------- sums over paths


class _Paths(NamedTuple):
    """What all paths to a state weigh, [n, s + 1].

    blank[j] has passed j labels and is in the blank after them, label[j] is in the j-th label.
    label[0], which does not exist, stays empty: both kinds of states have one shape.
    """

    blank: _Scaled
    label: _Scaled


class _Shares(NamedTuple):
    """By how much each way into a state contributed to it, [n, s + 1]; they sum to 1, or 0."""

    blank_from_blank: Array
    blank_from_label: Array
    label_from_label: Array
    label_from_blank: Array
    label_from_label_before: Array


def _after(x: _Scaled) -> _Scaled:
    """Each state's value at the state one label later."""
    empty = _none((*x.digits.shape[:-1], 1), x.digits.dtype)
    return _Scaled(
        jnp.concatenate([empty.digits, x.digits[..., :-1]], axis=-1),
        jnp.concatenate([empty.exponent, x.exponent[..., :-1]], axis=-1),
    )


def _before(x: Array) -> Array:
    return jnp.concatenate([x[..., 1:], jnp.zeros_like(x[..., :1])], axis=-1)


def _chosen(condition: Array, x: _Tree, y: _Tree) -> _Tree:
    def choose(a: Array, b: Array) -> Array:
        return jnp.where(condition, a, b)

    return jax.tree.map(choose, x, y)


def _advanced(paths: _Paths, repeats: Array, emitted: _Scaled) -> tuple[_Paths, _Shares]:
    """The paths one frame later, and where they came from."""
    blank_before, label_before = _after(paths.blank), _after(paths.label)
    # A label that repeats the one before it has to be parted from it by a blank.
    label_before = _chosen(repeats, _none(repeats.shape, emitted.digits.dtype), label_before)
    to_blank, blank_top = _aligned(paths.blank, paths.label)
    to_label, label_top = _aligned(paths.label, blank_before, label_before)
    blanks, labels = reduce(jnp.add, to_blank), reduce(jnp.add, to_label)
    after = _Paths(
        _scaled(blanks * emitted.digits[:, :1], blank_top + emitted.exponent[:, :1]),
        _scaled(labels * emitted.digits, label_top + emitted.exponent),
    )
    return after, _Shares(*_parts(to_blank, blanks), *_parts(to_label, labels))


def _parts(terms: Sequence[Array], total: Array) -> list[Array]:
    inverse = 1 / jnp.where(total == 0, 1, total)
    return [term * inverse for term in terms]


class _Sweep(NamedTuple):
    """What the paths of all frames weigh: minus its logarithm [n]; and where they came from."""

    losses: Array
    shares: _Shares  # [t, n, s + 1]
    ends: list[Array]  # [n], the shares of the last blank and of the last label


def _sweep(scores: Array, states: Array, frames: Array, lengths: Array) -> _Sweep:
    places = jnp.broadcast_to(states, (scores.shape[0], *states.shape))
    emissions = jnp.take_along_axis(scores, places, axis=2, mode="promise_in_bounds")
    live = _live(scores, frames)
    # The likeliest state of a frame is taken as 1, its logarithm added up apart: the loss of a
    # confident model, a sum of tiny numbers, would be lost in a product of numbers beside 1.
    largest = jnp.max(emissions, axis=2)
    tops = jnp.where(live & jnp.isfinite(largest), largest, 0)
    repeats = states == jnp.roll(states, 1, axis=1)

    def step(paths: _Paths, frame: tuple[Array, Array, Array]) -> tuple[_Paths, _Shares]:
        emission, top, is_live = frame[0], frame[1][:, None], frame[2][:, None]
        below = emission - top
        # What the difference rounds off.
        low = jnp.where(jnp.isfinite(below), (emission - below) - top, 0)
        after, shares = _advanced(paths, repeats, _scaled_exp(below, low))
        return _chosen(is_live, after, paths), shares

    none = _none(states.shape, scores.dtype)
    first = jnp.arange(states.shape[1]) == 0
    start = _Paths(_chosen(first, _Scaled(jnp.ones_like(none.digits), none.digits), none), none)
    paths, shares = lax.scan(step, start, (emissions, tops, live))
    ends, top = _aligned(*(_at(x, lengths) for x in paths))
    total = ends[0] + ends[1]
    losses = _minus_log(_scaled(total, top), jnp.sum(tops.T, axis=1))
    return _Sweep(losses, shares, _parts(ends, total))


def _live(scores: Array, frames: Array) -> Array:
    """[t, n], whether the frame belongs to the sequence."""
    return jnp.arange(scores.shape[0])[:, None] < frames


def _at(x: _Scaled, state: Array) -> _Scaled:
    def take(a: Array) -> Array:
        return jnp.take_along_axis(a, state[:, None], axis=1)[:, 0]

    return _Scaled(take(x.digits), take(x.exponent))


def _minus_log(x: _Scaled, offset: Array) -> Array:
    """-(log x + offset), the largest parts last."""
    c = coefficients(x.digits)
    power = 4 * x.exponent
    small = power * constant(power, c.ln2_low) + (jnp.log(x.digits) + offset)
    return -(power * constant(power, c.ln2_high) + small)


def _visits(sweep: _Sweep, live: Array, lengths: Array) -> Array:
    """The probability of each label in each frame, [t, n, s + 1]; of all blanks at label 0.

    The shares lead back from the ends of the paths: no second sum over paths, no underflow.
    """
    ends, shares = sweep.ends, sweep.shares
    states = shares.label_from_label.shape[-1]
    last = jnp.arange(states) == lengths[:, None]

    def step(
        after: tuple[Array, Array], frame: tuple[_Shares, Array]
    ) -> tuple[tuple[Array, Array], Array]:
        (blank, label), (share, is_live) = after, frame
        skipped = _before(label * share.label_from_label_before)
        before = (
            blank * share.blank_from_blank + _before(label * share.label_from_blank),
            blank * share.blank_from_label + label * share.label_from_label + skipped,
        )
        visits = jnp.concatenate([jnp.sum(blank, axis=1, keepdims=True), label[:, 1:]], axis=1)
        return _chosen(is_live[:, None], before, after), visits

    start = (jnp.where(last, ends[0][:, None], 0), jnp.where(last, ends[1][:, None], 0))
    return lax.scan(step, start, (shares, live), reverse=True)[1]


# ------------------------------------------------------------------------------- loss and gradient


# A rule for the reason that torch has one: the gradient is the projected one, and the two sweeps
# give it with the loss. The rule is linear in the tangent, so that it works in forward mode too.
@jax.custom_jvp
def _alignment_losses(
    scores: Array, states: Array, frames: Array, lengths: Array, zeroed: Array
) -> Array:
    """The loss of each sequence, [n]."""
    losses = _sweep(scores, states, frames, lengths).losses
    return jnp.where(zeroed & (losses == jnp.inf), 0, losses)


@_alignment_losses.defjvp
def _(primals: Sequence[Array], tangents: Sequence[Any]) -> tuple[Array, Array]:
    losses, slopes = _losses_and_slopes(*primals)
    return losses, jnp.einsum("tnc,tnc->n", slopes, tangents[0])


@jax.custom_jvp
def _losses_and_slopes(
    scores: Array, states: Array, frames: Array, lengths: Array, zeroed: Array
) -> tuple[Array, Array]:
    """The losses, and exp(scores) - p, [t, n, c]."""
    sweep = _sweep(scores, states, frames, lengths)
    live = _live(scores, frames)
    visits = _visits(sweep, live, lengths)
    classes = jax.nn.one_hot(states, scores.shape[2], dtype=scores.dtype)
    # A product of matrices: adding up by index takes several times as long.
    p = jnp.einsum("tns,nsc->tnc", visits, classes, precision=lax.Precision.HIGHEST)
    is_zero = zeroed & (sweep.losses == jnp.inf)
    undefined = ~(is_zero | jnp.isfinite(sweep.losses))
    slopes = jnp.where(undefined[:, None], jnp.nan, _slopes(scores, p))
    counted = (live & ~is_zero)[..., None]
    return jnp.where(is_zero, 0, sweep.losses), jnp.where(counted, slopes, 0)


@_losses_and_slopes.defjvp
def _(*_: Any) -> tuple[Any, Any]:
    raise NotImplementedError("ctc_loss: there is no second derivative, as in torch")


def _slopes(scores: Array, p: Array) -> Array:
    """exp(scores) - p; of a class nearly certain, the difference of what both lack of 1."""
    certain = p > 0.5
    others = jnp.sum(jnp.where(certain, 0, p), axis=2, keepdims=True)
    own = jnp.sum(jnp.where(certain, scores, 0), axis=2, keepdims=True)
    return jnp.where(certain, jnp.expm1(own) + others, jnp.exp(scores) - p)
