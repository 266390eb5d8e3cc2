# pyright: basic
"""Division by a norm of a vector or of neighbouring channels: mistakes."""

from __future__ import annotations

import jax.numpy as jnp

from jaxact import functional
from parity.mutation import Mutants
from parity.suite.regularizers.normalization.rescaling import SPECS

MUTANTS = Mutants(SPECS)


@MUTANTS.wrong("normalize", "eps=1/float32/forward")
def _normalize_adds_eps(input, p=2.0, dim=1, eps=1e-12):
    return input / (jnp.linalg.norm(input, axis=dim, keepdims=True) + eps)


@MUTANTS.wrong("normalize", "zeros/float64/vjp")
def _normalize_has_a_nan_gradient_at_0(input, p=2.0, dim=1, eps=1e-12):
    length = jnp.sqrt(jnp.sum(input * input, axis=dim, keepdims=True))
    return input / jnp.maximum(length, eps)


@MUTANTS.wrong("normalize", "huge/float32/forward")
def _normalize_squares_what_is_large(input, p=2.0, dim=1, eps=1e-12):
    return input / jnp.sqrt(jnp.maximum(jnp.sum(input * input, axis=dim, keepdims=True), eps**2))


@MUTANTS.wrong("normalize", "largest,p=2.0/float32/forward")
def _normalize_multiplies_by_an_inverse_that_vanishes(input, p=2.0, dim=1, eps=1e-12):
    unit = jnp.max(jnp.abs(input), axis=dim, keepdims=True)
    length = unit * jnp.linalg.norm(input / unit, axis=dim, keepdims=True)
    return input * (1 / jnp.maximum(length, eps))


@MUTANTS.wrong("normalize", "eps=1/float64/vjp")
def _normalize_does_not_follow_a_norm_of_eps(input, p=2.0, dim=1, eps=1e-12):
    length = jnp.sqrt(jnp.sum(input * input, axis=dim, keepdims=True))
    return input / jnp.where(length > eps, length, eps)


@MUTANTS.wrong("normalize", "dim=-1,eps=4.0/float32/forward")
def _normalize_takes_all_axes_but_dim(input, p=2.0, dim=1, eps=1e-12):
    if input.ndim < 3:
        return functional.normalize(input, p, dim, eps)
    axes = dim if isinstance(dim, tuple) else (dim,)
    others = tuple(i for i in range(input.ndim) if i not in {a % input.ndim for a in axes})
    return functional.normalize(input, p, others, eps)


@MUTANTS.wrong("local_response_norm", "size=4,alpha=0.5,k=2.0/float32/forward")
def _window_of_even_size_is_shifted(input, size, alpha=1e-4, beta=0.75, k=1.0, *, channel_axis=1):
    padding = [(0, 0)] * input.ndim
    padding[1] = ((size - 1) // 2, size // 2)
    return _over_windows(input, padding, size, alpha / size, beta, k)


def _over_windows(input, padding, size, alpha, beta, k):
    squares = jnp.pad(input * input, padding)
    channels = input.shape[1]
    total = sum(squares[:, i : i + channels] for i in range(size))
    return input / (k + alpha * total) ** beta


@MUTANTS.wrong("local_response_norm", "size=3,alpha=0.5/float32/forward")
def _window_is_not_divided_by_its_size(
    input, size, alpha=1e-4, beta=0.75, k=1.0, *, channel_axis=1
):
    padding = [(0, 0)] * input.ndim
    padding[1] = (size // 2, (size - 1) // 2)
    return _over_windows(input, padding, size, alpha, beta, k)


@MUTANTS.wrong("local_response_norm", "size=30,alpha=0.5,k=2.0/float32/forward")
def _window_is_divided_by_the_channels_in_it(
    input, size, alpha=1e-4, beta=0.75, k=1.0, *, channel_axis=1
):
    return functional.local_response_norm(
        input, size, alpha * size / min(size, input.shape[1]), beta, k
    )


@MUTANTS.wrong("local_response_norm", "slopes_of_huge/float32/vjp")
def _squares_of_the_window_overflow(input, size, alpha=1e-4, beta=0.75, k=1.0, *, channel_axis=1):
    padding = [(0, 0)] * input.ndim
    padding[1] = (size // 2, (size - 1) // 2)
    return _over_windows(input, padding, size, alpha / size, beta, k)


@MUTANTS.wrong("local_response_norm", "slopes_of_large/float32/vjp")
def _slope_in_the_sum_of_squares_vanishes(
    input, size, alpha=1e-4, beta=0.75, k=1.0, *, channel_axis=1
):
    padding = [(0, 0)] * input.ndim
    padding[1] = (size // 2, (size - 1) // 2)
    return _over_windows(input, padding, size, alpha / size, beta, k)
