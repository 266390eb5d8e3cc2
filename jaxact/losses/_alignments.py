"""Sums over all alignments of a target with its frames, and their gradient."""

import functools
from collections.abc import Sequence
from typing import Any, NamedTuple, TypeVar

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array, lax

from jaxact._elementary import coefficients, constant
from jaxact.errors import NotDifferentiableError

_Tree = TypeVar("_Tree")


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
def alignment_losses(
    scores: Array, states: Array, frames: Array, lengths: Array, zeroed: Array
) -> Array:
    """The loss of each sequence, [n]."""
    losses = _sweep(scores, states, frames, lengths).losses
    return jnp.where(zeroed & (losses == jnp.inf), 0, losses)


@alignment_losses.defjvp
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
    # Of two classes only one can be above this; above 1/2 both can be by rounding.
    certain = p > 0.51
    others = jnp.sum(jnp.where(certain, 0, p), axis=2, keepdims=True)
    own = jnp.sum(jnp.where(certain, scores, 0), axis=2, keepdims=True)
    return jnp.where(certain, jnp.expm1(own) + others, jnp.exp(scores) - p)
