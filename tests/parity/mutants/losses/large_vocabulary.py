# pyright: basic
"""Wrong losses over a large vocabulary."""

from __future__ import annotations

import jax
import jax.numpy as jnp

from jaxact import functional
from parity.mutation import Mutants
from parity.suite.losses.large_vocabulary import SPECS

MUTANTS = Mutants(SPECS)
_wrong = MUTANTS.wrong

ROWS = 8


def _chunks(input, target):
    """Three chunks of eight rows, and two rows that are left."""
    bounds = range(0, input.shape[0], ROWS)
    return [(input[i : i + ROWS], target[i : i + ROWS]) for i in bounds]


def _summed(input, linear_weight, target, **options):
    options = {**options, "reduction": "sum", "options": None}
    return functional.linear_cross_entropy(input, linear_weight, target, **options)


@_wrong("linear_cross_entropy", "chunks/float32/forward")
def _linear_cross_entropy_is_the_mean_of_the_chunks_means(
    input, linear_weight, target, options=None, **others
):
    means = [
        functional.linear_cross_entropy(x, linear_weight, t, **others)
        for x, t in _chunks(input, target)
    ]
    return jnp.mean(jnp.stack(means))


@_wrong("linear_cross_entropy", "chunks/float32/forward")
def _linear_cross_entropy_drops_the_rows_that_are_left(
    input, linear_weight, target, options=None, **others
):
    whole = input.shape[0] // ROWS * ROWS
    return functional.linear_cross_entropy(input[:whole], linear_weight, target[:whole], **others)


@_wrong("linear_cross_entropy", "chunks/float32/vjp")
def _linear_cross_entropy_has_no_gradient_from_the_rows_that_are_left(
    input, linear_weight, target, options=None, **others
):
    whole = input.shape[0] // ROWS * ROWS
    kept = jnp.arange(input.shape[0])[:, None] < whole
    fixed = jnp.where(kept, input, jax.lax.stop_gradient(input))
    return functional.linear_cross_entropy(fixed, linear_weight, target, **others)


@_wrong("linear_cross_entropy", "many_chunks/bfloat16/forward")
def _linear_cross_entropy_adds_up_chunks_in_bfloat16(input, linear_weight, target, options=None):
    x, matrix = input.astype(jnp.float32), linear_weight.astype(jnp.float32)
    losses = functional.linear_cross_entropy(x, matrix, target, reduction="none")

    def add(total, chunk):
        return jax.lax.reduce_precision(total + chunk, exponent_bits=8, mantissa_bits=7), None

    total = jax.lax.scan(add, jnp.zeros(()), losses.reshape(-1, 2).sum(1))[0]
    return (total / len(losses)).astype(input.dtype)


@_wrong("linear_cross_entropy", "chunks/bfloat16/vjp")
def _linear_cross_entropy_rounds_its_scores_to_bfloat16(
    input, linear_weight, target, linear_bias=None, options=None, **others
):
    scores = input @ linear_weight.T + linear_bias
    return functional.cross_entropy(scores, target, **others)


@_wrong("linear_cross_entropy", "chunks/float32/forward")
def _linear_cross_entropy_ignores_its_bias(
    input, linear_weight, target, linear_bias=None, **options
):
    return functional.linear_cross_entropy(input, linear_weight, target, **options)


@_wrong("linear_cross_entropy", "chunks/float32/vjp")
def _linear_cross_entropy_has_no_gradient_for_its_bias(
    input, linear_weight, target, linear_bias=None, **options
):
    fixed = jax.lax.stop_gradient(linear_bias)
    return functional.linear_cross_entropy(
        input, linear_weight, target, linear_bias=fixed, **options
    )


@_wrong("linear_cross_entropy", "chunks/float32/vjp")
def _linear_cross_entropy_keeps_the_matrix_gradient_of_the_last_chunk(
    input, linear_weight, target, **options
):
    last = jnp.arange(input.shape[0]) >= input.shape[0] // ROWS * ROWS
    options = {**options, "reduction": "none"}
    moving = functional.linear_cross_entropy(input, linear_weight, target, **options)
    fixed = functional.linear_cross_entropy(
        input, jax.lax.stop_gradient(linear_weight), target, **options
    )
    weight = options["weight"]
    shares = jnp.where(target == -100, 0, weight[jnp.maximum(target, 0)])
    return jnp.sum(jnp.where(last, moving, fixed)) / jnp.sum(shares)


@_wrong("linear_cross_entropy", "chunks,reduction=none/float32/vjp")
def _linear_cross_entropy_has_one_cotangent_for_all_rows(
    input, linear_weight, target, linear_bias, **options
):
    def losses(x, matrix, bias):
        return functional.linear_cross_entropy(x, matrix, target, linear_bias=bias, **options)

    ruled = jax.custom_vjp(losses)
    ruled.defvjp(
        lambda *arrays: jax.vjp(losses, *arrays),
        lambda pull, g: pull(jnp.full_like(g, jnp.mean(g))),
    )
    return ruled(input, linear_weight, linear_bias)


@_wrong("linear_cross_entropy", "chunks/float32/vjp")
def _linear_cross_entropy_does_not_scale_its_gradients_by_the_cotangent(
    input, linear_weight, target, linear_bias, **options
):
    def loss(x, matrix, bias):
        return functional.linear_cross_entropy(x, matrix, target, linear_bias=bias, **options)

    ruled = jax.custom_vjp(loss)
    ruled.defvjp(lambda *arrays: jax.vjp(loss, *arrays), lambda pull, g: pull(jnp.ones_like(g)))
    return ruled(input, linear_weight, linear_bias)


@_wrong("linear_cross_entropy", "float32/jvp")
def _linear_cross_entropy_goes_another_way_forward(input, linear_weight, target, **options):
    def loss(x, matrix):
        return functional.linear_cross_entropy(x, matrix, target, **options)

    @jax.custom_jvp
    def ruled(x, matrix):
        return loss(x, matrix)

    @ruled.defjvp
    def _(primals, tangents):
        return loss(*primals), jax.jvp(lambda x: loss(x, primals[1]), primals[:1], tangents[:1])[1]

    return ruled(input, linear_weight)


@_wrong("linear_cross_entropy", "chunks,reduction=sum,label_smoothing=0.25/float32/forward")
def _linear_cross_entropy_smooths_over_the_features(
    input, linear_weight, target, label_smoothing=0.0, **options
):
    classes, features = linear_weight.shape
    scaled = label_smoothing * classes / features
    return functional.linear_cross_entropy(
        input, linear_weight, target, label_smoothing=scaled, **options
    )


@_wrong("linear_cross_entropy", "chunks/float32/forward")
def _linear_cross_entropy_mean_counts_ignored_rows(input, linear_weight, target, **options):
    weight = options["weight"]
    return _summed(input, linear_weight, target, **options) / jnp.sum(weight[target])


@_wrong("linear_cross_entropy", "places/float32/forward")
def _linear_cross_entropy_has_its_positions_before_the_classes(
    input, linear_weight, target, linear_bias=None, **options
):
    classes, positions, features = linear_weight.shape
    swapped = linear_weight.reshape(positions, classes, features).swapaxes(0, 1)
    return functional.linear_cross_entropy(
        input, swapped, target, linear_bias=linear_bias, **options
    )


@_wrong("linear_cross_entropy", "shards/float32/forward")
def _linear_cross_entropy_pairs_rows_of_one_shard_with_targets_of_the_other(
    input, linear_weight, target, **options
):
    return functional.linear_cross_entropy(
        input, linear_weight, jnp.roll(target, input.shape[0] // 2), **options
    )


@_wrong("linear_cross_entropy", "ignore_index_of_probabilities/any/error")
def _linear_cross_entropy_accepts_an_ignore_index_with_probabilities(
    input, linear_weight, target, ignore_index=None, **options
):
    ignored = None if jnp.issubdtype(target.dtype, jnp.floating) else ignore_index
    return functional.linear_cross_entropy(
        input, linear_weight, target, ignore_index=ignored, **options
    )
