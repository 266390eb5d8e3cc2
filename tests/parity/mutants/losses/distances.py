# pyright: basic
"""Wrong distances and losses of them."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp
from jax import lax

import jaxact
from parity.mutation import Mutants
from parity.suite.losses.distances import SPECS

MUTANTS = Mutants(SPECS)
# Not typed: a reduction that may be any string is handed on.
functional: Any = jaxact.functional
_wrong = MUTANTS.wrong


def _reduced(losses, reduction):
    return {"none": lambda x: x, "mean": jnp.mean, "sum": jnp.sum}[reduction](losses)


def _length(x, dim=-1):
    """The norm, with gradient 0 at 0."""
    total = (x * x).sum(dim)
    return jnp.where(total == 0, 0, jnp.sqrt(jnp.where(total == 0, 1, total)))


# --------------------------------------------------------------------------------------- cosines


@_wrong("cosine_similarity", "dim=-1,eps=4.0/float32/vjp")
def _cosine_similarity_has_no_slope_below_eps(x1, x2, dim=1, eps=1e-8):
    lengths = jnp.maximum(_length(x1, dim), eps) * jnp.maximum(_length(x2, dim), eps)
    return (x1 * x2).sum(dim) / lengths


@_wrong("cosine_similarity", "dim=-1,eps=4.0/float32/forward")
def _cosine_similarity_bounds_the_product_of_the_norms(x1, x2, dim=1, eps=1e-8):
    return (x1 * x2).sum(dim) / jnp.maximum(_length(x1, dim) * _length(x2, dim), eps)


@_wrong("cosine_similarity", "dim=-1,eps=4.0/float32/forward")
def _cosine_similarity_adds_eps(x1, x2, dim=1, eps=1e-8):
    return (x1 * x2).sum(dim) / ((_length(x1, dim) + eps) * (_length(x2, dim) + eps))


@_wrong("cosine_similarity", "zeros/float32/vjp")
def _cosine_similarity_has_nan_slopes_at_zero_vectors(x1, x2, dim=1, eps=1e-8):
    lengths = (jnp.maximum(jnp.sqrt((x * x).sum(dim)), eps) for x in (x1, x2))
    first, second = lengths
    return (x1 * x2).sum(dim) / (first * second)


@_wrong("cosine_similarity", "float32/forward")
def _cosine_similarity_is_the_distance(x1, x2, dim=1, eps=1e-8):
    return 1 - functional.cosine_similarity(x1, x2, dim, eps)


def _embedding(input1, input2, target, margin, reduction, *, cosine):
    unlike = jnp.maximum(cosine - margin, 0)
    losses = jnp.where(target == 1, 1 - cosine, jnp.where(target == -1, unlike, 0))
    return _reduced(losses, reduction)


@_wrong("cosine_embedding_loss", "zeros/float32/vjp")
def _cosine_embedding_is_that_of_cosine_similarity(
    input1, input2, target, margin=0, reduction="mean"
):
    cosine = functional.cosine_similarity(input1, input2)
    return _embedding(input1, input2, target, margin, reduction, cosine=cosine)


@_wrong("cosine_embedding_loss", "reduction=sum,margin=-0.5/float32/forward")
def _cosine_embedding_adds_the_margin(input1, input2, target, margin=0, reduction="mean"):
    return functional.cosine_embedding_loss(input1, input2, target, -margin, reduction)


@_wrong("cosine_embedding_loss", "float32/forward")
def _cosine_embedding_takes_0_for_unlike(input1, input2, target, margin=0, reduction="mean"):
    signs = jnp.where(target == 1, 1, -1)
    return functional.cosine_embedding_loss(input1, input2, signs, margin, reduction)


@_wrong("cosine_embedding_loss", "zeros/float32/forward")
def _cosine_embedding_of_zero_vectors_is_0(input1, input2, target, margin=0, reduction="mean"):
    losses = functional.cosine_embedding_loss(input1, input2, target, margin, "none")
    zero = (input1 == 0).all(-1) | (input2 == 0).all(-1)
    return _reduced(jnp.where(zero, 0, losses), reduction)


# ------------------------------------------------------------------------------------- distances


@_wrong("pairwise_distance", "p=1.0/float32/forward")
def _pairwise_distance_adds_eps_to_the_norm(x1, x2, p=2, eps=1e-6, keepdim=False):
    return functional.pairwise_distance(x1, x2, p, 0.0, keepdim) + eps


@_wrong("pairwise_distance", "eps=0.0,p=1.0/float32/forward")
def _pairwise_distance_has_a_fixed_eps(x1, x2, p=2, eps=1e-6, keepdim=False):
    return functional.pairwise_distance(x1, x2, p, 1e-6, keepdim)


@_wrong("pairwise_distance", "p=3.0/float32/forward")
def _pairwise_distance_is_euclidean(x1, x2, p=2, eps=1e-6, keepdim=False):
    return functional.pairwise_distance(x1, x2, 2, eps, keepdim)


@_wrong("pairwise_distance", "eps=0.0,p=inf/float32/vjp")
def _pairwise_distance_gives_ties_to_the_first(x1, x2, p=2, eps=1e-6, keepdim=False):
    d = x1 - x2 + eps
    first = jnp.abs(d).argmax(-1)
    return jnp.abs(jnp.take_along_axis(d, first[..., None], -1))[..., 0]


@_wrong("pairwise_distance", "eps=0.0,p=1.0/float32/vjp")
def _pairwise_distance_has_the_slope_of_jax_at_0(x1, x2, p=2, eps=1e-6, keepdim=False):
    d = x1 - x2 + eps
    return jnp.where(d >= 0, d, -d).sum(-1)


@_wrong("pairwise_distance", "special/float32/forward")
def _pairwise_distance_swallows_infinity(x1, x2, p=2, eps=1e-6, keepdim=False):
    d = jnp.nan_to_num(x1 - x2 + eps)
    return functional.pairwise_distance(d, jnp.zeros_like(d), p, 0.0, keepdim)


@_wrong("pairwise_distance", "p=1.5,keepdim=True/float32/forward")
def _pairwise_distance_drops_the_axis(x1, x2, p=2, eps=1e-6, keepdim=False):
    return functional.pairwise_distance(x1, x2, p, eps)


# -------------------------------------------------------------------------------------- triplets


def _triplet(anchor, positive, negative, margin, p, eps, reduction, *, nearer):
    near = functional.pairwise_distance(anchor, positive, p, eps)
    far = functional.pairwise_distance(anchor, negative, p, eps)
    swapped = functional.pairwise_distance(positive, negative, p, eps)
    return _reduced(jnp.maximum(margin + near - nearer(far, swapped), 0), reduction)


@_wrong("triplet_margin_loss", "reduction=none,swap=True,margin=2.0/float32/forward")
def _triplet_swaps_for_the_larger_distance(
    anchor, positive, negative, margin=1.0, p=2, eps=1e-6, swap=False, reduction="mean"
):
    return _triplet(anchor, positive, negative, margin, p, eps, reduction, nearer=jnp.maximum)


@_wrong("triplet_margin_loss", "ties/float32/vjp")
def _triplet_gives_a_tie_to_the_anchor(
    anchor, positive, negative, margin=1.0, p=2, eps=1e-6, swap=False, reduction="mean"
):
    def nearer(far, swapped):
        return jnp.where(far <= swapped, far, swapped)

    return _triplet(anchor, positive, negative, margin, p, eps, reduction, nearer=nearer)


@_wrong("triplet_margin_loss", "float32/forward")
def _triplet_pulls_the_negative(
    anchor, positive, negative, margin=1.0, p=2, eps=1e-6, swap=False, reduction="mean"
):
    return functional.triplet_margin_loss(
        anchor, negative, positive, margin, p, eps, swap, reduction
    )


@_wrong("triplet_margin_loss", "margin=array/float32/vjp")
def _triplet_does_not_learn_its_margin(
    anchor, positive, negative, margin=1.0, p=2, eps=1e-6, swap=False, reduction="mean"
):
    return functional.triplet_margin_loss(
        anchor, positive, negative, lax.stop_gradient(margin), p, eps, swap, reduction
    )


@_wrong("triplet_margin_with_distance_loss", "float32/forward")
def _triplet_with_distance_squares_it(
    anchor, positive, negative, *, distance_function=None, margin=1.0, swap=False, reduction="mean"
):
    near, far = (((anchor - x) ** 2).sum(-1) for x in (positive, negative))
    return _reduced(jnp.maximum(margin + near - far, 0), reduction)
