"""Losses over all alignments between a sequence of frames and a shorter sequence of labels."""

import functools
from collections.abc import Sequence
from typing import Any, NamedTuple, TypeVar

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array, lax
from jax.core import Tracer
from jax.typing import ArrayLike

from jaxact._arguments import as_array, as_floating, flag, integer, known_reduction
from jaxact._checking import nan_unless
from jaxact._elementary import coefficients, constant
from jaxact._numbers import wide_integers
from jaxact._op import op, program
from jaxact.errors import ArgumentTypeError, ArgumentValueError, DtypeError, NotDifferentiableError
from jaxact.losses._reductions import Reduction, apply_reduction

__all__ = ["ctc_loss"]

_Tree = TypeVar("_Tree")


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


# ------------------------------------------------------- numbers without underflow and overflow


class _Scaled(NamedTuple):
    """digits 16^exponent, for sums of products of hundreds of probabilities, far below any float.

    The digits are 0 or in [1/8, 2), the exponents are integral. Unlike logarithms, these numbers
    keep their relative accuracy at any size, and a step needs no exp and no log.
    """

    digits: Array
    exponent: Array


def _lowest(x: Array) -> np.floating:
    """The exponent of 0, which is also the lower bound of all exponents."""
    return constant(x, -0.9 * float(np.finfo(x.dtype).max))


def _none(shape: Sequence[int], dtype: jnp.dtype) -> _Scaled:
    zero = jnp.zeros(shape, dtype)
    return _Scaled(zero, jnp.full_like(zero, _lowest(zero)))


def _layout(x: Array) -> tuple[Any, int, int]:
    """The unsigned type of a float's bits, the position of its exponent, and the exponent bias."""
    return (jnp.uint64, 52, 1023) if x.dtype == jnp.float64 else (jnp.uint32, 23, 127)


def _power(exponent: Array) -> Array:
    """16^exponent for integral exponents <= 0; 0 where the power would be subnormal."""
    word, place, bias = _layout(exponent)
    power = 4 * jnp.maximum(exponent, constant(exponent, -bias / 4))
    shifted = power + constant(power, 1.5 * 2.0**place)  # moves the integer into the low bits
    bits = lax.bitcast_convert_type(shifted, word) + word(bias)
    return lax.bitcast_convert_type(lax.shift_left(bits, word(place)), power.dtype)


def _scaled(digits: Array, exponent: Array) -> _Scaled:
    """digits 16^exponent with the digits normalized; nan digits stay nan."""
    word, place, bias = _layout(digits)
    bits = lax.bitcast_convert_type(digits, word)
    # One exponent of 16 is four exponents of 2.
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
    """exp(z + low) for z <= 0 and low below the last digit of z, with digits in [1/4, 4]."""
    c = coefficients(z)
    n = lax.round(z * constant(z, 0.25 / np.log(2)), lax.RoundingMethod.TO_NEAREST_EVEN)
    rest = (z - n * constant(z, 4 * c.ln2_high)) - n * constant(z, 4 * c.ln2_low)
    # Beyond 2^24 the last digit of z is coarser than the steps of n, so rest needs a bound.
    digits = jnp.exp(jnp.clip(rest, -1.4, 1.4) + low)
    is_zero = z == -jnp.inf
    return _Scaled(jnp.where(is_zero, 0, digits), jnp.where(is_zero, 0, n))


def _aligned(*numbers: _Scaled) -> tuple[list[Array], Array]:
    """The digits of all numbers, scaled to their largest exponent, and that exponent."""
    top = functools.reduce(jnp.maximum, [number.exponent for number in numbers])
    return [number.digits * _power(number.exponent - top) for number in numbers], top


# -------------------------------------------------------------------------------- sums over paths
#
# The 2 s + 1 states of a path alternate between blanks and labels. In each frame a path stays, goes
# on to the next state, or skips a blank. Treating blanks and labels alike keeps the work of a frame
# to a few vector loops.


class _Shares(NamedTuple):
    """The share that each way into a state contributed to it, [n, states]; sums to 1, or to 0."""

    staying: Array
    from_before: Array
    from_two_before: Array


def _after(x: _Scaled, count: int) -> _Scaled:
    """The values, shifted `count` states later."""
    zero = jnp.zeros((), x.digits.dtype)
    config = ((0, 0, 0), (count, -count, 0))
    return _Scaled(
        lax.pad(x.digits, zero, config), lax.pad(x.exponent, jnp.asarray(_lowest(zero)), config)
    )


def _before(x: Array, count: int) -> Array:
    return lax.pad(x, jnp.zeros((), x.dtype), ((0, 0, 0), (-count, count, 0)))


def _chosen(condition: Array, x: _Tree, y: _Tree) -> _Tree:
    def choose(a: Array, b: Array) -> Array:
        return jnp.where(condition, a, b)

    return jax.tree.map(choose, x, y)


def _advanced(paths: _Scaled, passes: Array, emitted: _Scaled) -> tuple[_Scaled, _Shares]:
    """The weights of the paths one frame later, and the shares they came from."""
    passing = _chosen(passes, _after(paths, 2), _none(passes.shape, paths.digits.dtype))
    terms, top = _aligned(paths, _after(paths, 1), passing)
    total = functools.reduce(jnp.add, terms)
    return _scaled(total * emitted.digits, top + emitted.exponent), _Shares(*_parts(terms, total))


def _parts(terms: Sequence[Array], total: Array) -> list[Array]:
    inverse = 1 / jnp.where(total == 0, 1, total)
    return [term * inverse for term in terms]


class _Sweep(NamedTuple):
    """Minus the logarithm of the weight of all paths, [n], and the shares they came from."""

    losses: Array
    shares: _Shares  # [t, n, states]
    ends: list[Array]  # [n], the shares of the last blank and of the last label


def _sweep(scores: Array, states: Array, frames: Array, lengths: Array) -> _Sweep:
    places = jnp.broadcast_to(states, (scores.shape[0], *states.shape))
    emissions = jnp.take_along_axis(scores, places, axis=2, mode="promise_in_bounds")
    live = _live(scores, frames)
    # Scale the likeliest state of each frame to 1 and add up its logarithm separately. The loss of
    # a confident model is a sum of tiny logarithms, whose digits a product of numbers near 1 loses.
    largest = jnp.max(emissions, axis=2)
    tops = jnp.where(live & jnp.isfinite(largest), largest, 0)
    order = jnp.arange(states.shape[1])[None]
    # A path must not skip the blank between two equal labels.
    passes = (order % 2 == 1) & (states != jnp.roll(states, 2, axis=1))

    def step(paths: _Scaled, frame: tuple[Array, Array, Array]) -> tuple[_Scaled, _Shares]:
        emission, top, is_live = frame[0], frame[1][:, None], frame[2][:, None]
        below = emission - top
        # The rounding error of the difference.
        low = jnp.where(jnp.isfinite(below), (emission - below) - top, 0)
        after, shares = _advanced(paths, passes, _scaled_exp(below, low))
        return _chosen(is_live, after, paths), shares

    none = _none(states.shape, scores.dtype)
    # All paths start in the first blank, from which the first frame can move on to a label.
    start = _chosen(order == 0, _Scaled(jnp.ones_like(none.digits), none.digits), none)
    paths, shares = lax.scan(step, start, (emissions, tops, live))
    labelled = _chosen(lengths > 0, _at(paths, jnp.maximum(2 * lengths - 1, 0)), _at(none, lengths))
    ends, top = _aligned(_at(paths, 2 * lengths), labelled)
    total = ends[0] + ends[1]
    losses = _minus_log(_scaled(total, top), jnp.sum(tops.T, axis=1))
    return _Sweep(losses, shares, _parts(ends, total))


def _live(scores: Array, frames: Array) -> Array:
    """[t, n], whether the frame is within the length of its sequence."""
    return jnp.arange(scores.shape[0])[:, None] < frames[None]


def _at(x: _Scaled, state: Array) -> _Scaled:
    def take(a: Array) -> Array:
        return jnp.take_along_axis(a, state[:, None], axis=1)[:, 0]

    return _Scaled(take(x.digits), take(x.exponent))


def _minus_log(x: _Scaled, offset: Array) -> Array:
    """-(log x + offset), adding the largest part last."""
    c = coefficients(x.digits)
    power = 4 * x.exponent
    small = power * constant(power, c.ln2_low) + (jnp.log(x.digits) + offset)
    return -(power * constant(power, c.ln2_high) + small)


def _visits(sweep: _Sweep, live: Array, lengths: Array) -> Array:
    """[t, n, s + 1], the probability of all blanks together and of each label, in each frame.

    The shares are followed back from the ends of the paths, which needs no second sum over paths
    and cannot underflow.
    """
    shares = sweep.shares
    order = jnp.arange(shares.staying.shape[-1])[None]
    last = 2 * lengths[:, None]

    def step(after: Array, frame: tuple[_Shares, Array]) -> tuple[Array, Array]:
        share, is_live = frame
        passing = _before(after * share.from_two_before, 2)
        blanks = jnp.sum(after[:, ::2], axis=1, keepdims=True)
        before = after * share.staying + _before(after * share.from_before, 1) + passing
        visits = jnp.concatenate([blanks, after[:, 1::2]], axis=1)
        return jnp.where(is_live[:, None], before, after), visits

    blank, label = (end[:, None] for end in sweep.ends)
    start = jnp.where(order == last, blank, jnp.where(order == last - 1, label, 0))
    return lax.scan(step, start, (shares, live), reverse=True)[1]


# ------------------------------------------------------------------------------- loss and gradient


# As in torch, a custom rule gives the projected gradient, exp(scores) - p, which the two sweeps
# compute together with the loss. The rule is linear in the tangent, so it works in forward mode
# too.
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
    """The losses, [n], and the gradient exp(scores) - p, [t, n, c]."""
    sweep = _sweep(scores, states, frames, lengths)
    live = _live(scores, frames)
    visits = _visits(sweep, live, lengths)
    places = jnp.concatenate([states[:, :1], states[:, 1::2]], axis=1)
    classes = jax.nn.one_hot(places, scores.shape[2], dtype=scores.dtype)
    # A matrix product with one-hot classes: a scatter-add takes several times as long.
    p = jnp.einsum("tns,nsc->tnc", visits, classes, precision=lax.Precision.HIGHEST)
    is_zero = zeroed & (sweep.losses == jnp.inf)
    undefined = ~(is_zero | jnp.isfinite(sweep.losses))
    slopes = jnp.where(undefined[None, :, None], jnp.nan, _slopes(scores, p))
    counted = (live & ~is_zero[None])[..., None]
    return jnp.where(is_zero, 0, sweep.losses), jnp.where(counted, slopes, 0)


@_losses_and_slopes.defjvp
def _(*_: Any) -> tuple[Any, Any]:
    raise NotDifferentiableError("ctc_loss: there is no second derivative, as in torch")


def _slopes(scores: Array, p: Array) -> Array:
    """exp(scores) - p; for a nearly certain class computed as (1 - p) - (1 - exp(scores))."""
    certain = p > 0.5
    others = jnp.sum(jnp.where(certain, 0, p), axis=2, keepdims=True)
    own = jnp.sum(jnp.where(certain, scores, 0), axis=2, keepdims=True)
    return jnp.where(certain, jnp.expm1(own) + others, jnp.exp(scores) - p)
