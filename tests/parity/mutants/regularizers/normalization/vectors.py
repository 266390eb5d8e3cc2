# pyright: basic
"""Vectors divided by their norm: mistakes."""

from __future__ import annotations

import jax.numpy as jnp

from jaxact import functional
from parity.mutation import Mutants
from parity.suite.regularizers.normalization.vectors import SPECS

MUTANTS = Mutants(SPECS)
_wrong = MUTANTS.wrong


@_wrong("normalize", "eps=1/float32/forward")
def _normalize_adds_eps(input, p=2.0, dim=1, eps=1e-12):
    return input / (jnp.linalg.norm(input, axis=dim, keepdims=True) + eps)


@_wrong("normalize", "zeros/float64/vjp")
def _normalize_has_a_nan_gradient_at_0(input, p=2.0, dim=1, eps=1e-12):
    length = jnp.sqrt(jnp.sum(input * input, axis=dim, keepdims=True))
    return input / jnp.maximum(length, eps)


@_wrong("normalize", "huge/float32/forward")
def _normalize_squares_what_is_large(input, p=2.0, dim=1, eps=1e-12):
    return input / jnp.sqrt(jnp.maximum(jnp.sum(input * input, axis=dim, keepdims=True), eps**2))


@_wrong("normalize", "largest,p=2.0/float32/forward")
def _normalize_multiplies_by_an_inverse_that_vanishes(input, p=2.0, dim=1, eps=1e-12):
    unit = jnp.max(jnp.abs(input), axis=dim, keepdims=True)
    length = unit * jnp.linalg.norm(input / unit, axis=dim, keepdims=True)
    return input * (1 / jnp.maximum(length, eps))


@_wrong("normalize", "eps=1/float64/vjp")
def _normalize_does_not_follow_a_norm_of_eps(input, p=2.0, dim=1, eps=1e-12):
    length = jnp.sqrt(jnp.sum(input * input, axis=dim, keepdims=True))
    return input / jnp.where(length > eps, length, eps)


@_wrong("normalize", "dim=-1,eps=4.0/float32/forward")
def _normalize_takes_all_axes_but_dim(input, p=2.0, dim=1, eps=1e-12):
    if input.ndim < 3:
        return functional.normalize(input, p, dim, eps)
    axes = dim if isinstance(dim, tuple) else (dim,)
    others = tuple(i for i in range(input.ndim) if i not in {a % input.ndim for a in axes})
    return functional.normalize(input, p, others, eps)
