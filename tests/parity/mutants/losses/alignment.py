# pyright: basic
"""Wrong losses over alignments."""

from __future__ import annotations

import jax
import jax.numpy as jnp

from jaxact import functional
from parity.mutation import Mutants
from parity.suite.losses.alignment import SPECS

MUTANTS = Mutants(SPECS)
_wrong = MUTANTS.wrong


def _mean(losses, target_lengths):
    return jnp.mean(losses / jnp.maximum(target_lengths, 1))


def _without_value(x):
    """0, with the derivative of x."""
    return x - jax.lax.stop_gradient(x)


def _live(log_probs, input_lengths):
    return (jnp.arange(log_probs.shape[0])[:, None] < input_lengths)[..., None]


def _losses_of_paths(
    log_probs, targets, input_lengths, target_lengths, *, part=True, blank_ends=True
):
    """The losses by logarithms, with torch's gradient.

    `part`: a blank has to part repeated labels; `blank_ends`: a path may end in the last blank.
    """
    steps = log_probs.shape[0]
    states = jnp.zeros((len(targets), 2 * targets.shape[1] + 1), int).at[:, 1::2].set(targets)
    differs = (states != jnp.roll(states, 2, 1)) | (not part)
    skips = differs & (jnp.arange(states.shape[1]) % 2 == 1)
    nothing = -1e9
    paths = jnp.full(states.shape, nothing)
    paths = jnp.pad(paths, ((0, 0), (1, 0))).at[:, 1:].set(nothing)
    for t in range(steps):
        own, before = paths[:, 1:], paths[:, :-1]
        two_before = jnp.pad(paths[:, :-2], ((0, 0), (1, 0)), constant_values=nothing)
        two_before = jnp.where(skips, two_before, nothing)
        emission = jnp.take_along_axis(log_probs[t], states, axis=1)
        ways = jax.nn.logsumexp(jnp.stack([own, before, two_before]), axis=0)
        first = jnp.full((len(targets), 1), nothing)
        after = jnp.concatenate([first, ways + emission], axis=1)
        # In front of the first frame there is a state that leads to the first label as well.
        after = after.at[:, 2].set(jnp.where(t == 0, emission[:, 1], after[:, 2]))
        paths = jnp.where((t < input_lengths)[:, None], after, paths)
    last = 2 * target_lengths[:, None] + 1
    ends = jnp.take_along_axis(paths, last, axis=1)[:, 0]
    labels = jnp.take_along_axis(paths, last - 1, axis=1)[:, 0]
    labels = jnp.where(target_lengths > 0, labels, nothing)
    total = jnp.logaddexp(ends, labels)
    if not blank_ends:
        total = jnp.where(target_lengths > 0, labels, ends)
    projection = jnp.where(_live(log_probs, input_lengths), jnp.exp(log_probs), 0).sum((0, 2))
    return _without_value(projection) - total


@_wrong("ctc_loss", "reduction=none/float32/forward")
def _ctc_loss_joins_repeated_labels(
    log_probs,
    targets,
    input_lengths,
    target_lengths,
    blank=0,
    reduction="mean",
    zero_infinity=False,
):
    return _losses_of_paths(log_probs, targets, input_lengths, target_lengths, part=False)


@_wrong("ctc_loss", "reduction=none/float32/vjp")
def _ctc_loss_ends_with_the_last_label(
    log_probs,
    targets,
    input_lengths,
    target_lengths,
    blank=0,
    reduction="mean",
    zero_infinity=False,
):
    return _losses_of_paths(log_probs, targets, input_lengths, target_lengths, blank_ends=False)


@_wrong("ctc_loss", "float32/forward")
def _ctc_loss_mean_ignores_target_lengths(*args, reduction="mean", **options):
    return jnp.mean(functional.ctc_loss(*args, reduction="none", **options))


@_wrong("ctc_loss", "float32/forward")
def _ctc_loss_mean_divides_by_frames(*args, reduction="mean", **options):
    return _mean(functional.ctc_loss(*args, reduction="none", **options), args[2])


@_wrong("ctc_loss", "float32/forward")
def _ctc_loss_mean_divides_by_no_labels(*args, reduction="mean", **options):
    return jnp.mean(functional.ctc_loss(*args, reduction="none", **options) / args[3])


@_wrong("ctc_loss", "reduction=none/float32/forward")
def _ctc_loss_takes_all_frames(log_probs, targets, input_lengths, *rest, **options):
    every = jnp.full_like(input_lengths, len(log_probs))
    return functional.ctc_loss(log_probs, targets, every, *rest, **options)


@_wrong("ctc_loss", "reduction=none/float32/forward")
def _ctc_loss_takes_all_labels(log_probs, targets, input_lengths, target_lengths, **options):
    every = jnp.full_like(target_lengths, targets.shape[1])
    return functional.ctc_loss(log_probs, targets, input_lengths, every, **options)


@_wrong("ctc_loss", "reduction=sum,blank=4/float32/forward")
def _ctc_loss_has_its_blank_at_zero(log_probs, targets, *rest, blank=0, **options):
    return functional.ctc_loss(log_probs, jnp.maximum(targets, 1), *rest, **options)


@_wrong("ctc_loss", "packed/float32/forward")
def _ctc_loss_starts_each_target_at_the_same_distance(
    log_probs, targets, input_lengths, target_lengths, **options
):
    rows = jnp.resize(targets, (len(target_lengths), 4))
    return functional.ctc_loss(log_probs, rows, input_lengths, target_lengths, **options)


@_wrong("ctc_loss", "impossible/float32/forward")
def _ctc_loss_is_large_where_no_alignment_exists(*args, **options):
    return jnp.minimum(functional.ctc_loss(*args, **options), 1e5)


@_wrong("ctc_loss", "impossible,zero_infinity=True/float32/vjp")
def _ctc_loss_zeroes_infinity_but_not_its_gradient(*args, zero_infinity=False, **options):
    losses = functional.ctc_loss(*args, reduction="none", **options)
    return _mean(jnp.where(jnp.isinf(losses), 0, losses), args[3])


@_wrong("ctc_loss", "reduction=none/float32/vjp")
def _ctc_loss_has_the_partial_derivative(*args, **options):
    probabilities = jnp.where(_live(args[0], args[2]), jnp.exp(args[0]), 0)
    return functional.ctc_loss(*args, **options) - _without_value(probabilities.sum((0, 2)))


@_wrong("ctc_loss", "reduction=none/float32/vjp")
def _ctc_loss_has_a_gradient_past_the_last_frame(*args, **options):
    past = jnp.where(_live(args[0], args[2]), 0, jnp.exp(args[0]))
    return functional.ctc_loss(*args, **options) + _without_value(past.sum((0, 2)))


@_wrong("ctc_loss", "float_lengths/any/error")
def _ctc_loss_accepts_lengths_that_are_floats(log_probs, targets, input_lengths, *rest, **options):
    return functional.ctc_loss(log_probs, targets, input_lengths.astype(int), *rest, **options)


@_wrong("ctc_loss", "half_precision/any/error")
def _ctc_loss_accepts_half_precision(log_probs, *rest, **options):
    return functional.ctc_loss(log_probs.astype(jnp.float32), *rest, **options)
