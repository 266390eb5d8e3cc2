# pyright: basic
"""Local response normalization: mistakes."""

from __future__ import annotations

import jax.numpy as jnp

from jaxact import functional
from parity.mutation import Mutants
from parity.suite.regularizers.normalization.local_response import SPECS

MUTANTS = Mutants(SPECS)
_wrong = MUTANTS.wrong


@_wrong("local_response_norm", "size=4,alpha=0.5,k=2.0/float32/forward")
def _window_of_even_size_is_shifted(input, size, alpha=1e-4, beta=0.75, k=1.0, *, channel_axis=1):
    padding = [(0, 0)] * input.ndim
    padding[1] = ((size - 1) // 2, size // 2)
    return _over_windows(input, padding, size, alpha / size, beta, k)


def _over_windows(input, padding, size, alpha, beta, k):
    squares = jnp.pad(input * input, padding)
    channels = input.shape[1]
    total = sum(squares[:, i : i + channels] for i in range(size))
    return input / (k + alpha * total) ** beta


@_wrong("local_response_norm", "size=3,alpha=0.5/float32/forward")
def _window_is_not_divided_by_its_size(
    input, size, alpha=1e-4, beta=0.75, k=1.0, *, channel_axis=1
):
    padding = [(0, 0)] * input.ndim
    padding[1] = (size // 2, (size - 1) // 2)
    return _over_windows(input, padding, size, alpha, beta, k)


@_wrong("local_response_norm", "size=30,alpha=0.5,k=2.0/float32/forward")
def _window_is_divided_by_the_channels_in_it(
    input, size, alpha=1e-4, beta=0.75, k=1.0, *, channel_axis=1
):
    return functional.local_response_norm(
        input, size, alpha * size / min(size, input.shape[1]), beta, k
    )


@_wrong("local_response_norm", "slopes_of_huge/float32/vjp")
def _squares_of_the_window_overflow(input, size, alpha=1e-4, beta=0.75, k=1.0, *, channel_axis=1):
    padding = [(0, 0)] * input.ndim
    padding[1] = (size // 2, (size - 1) // 2)
    return _over_windows(input, padding, size, alpha / size, beta, k)


@_wrong("local_response_norm", "slopes_of_large/float32/vjp")
def _slope_in_the_sum_of_squares_vanishes(
    input, size, alpha=1e-4, beta=0.75, k=1.0, *, channel_axis=1
):
    padding = [(0, 0)] * input.ndim
    padding[1] = (size // 2, (size - 1) // 2)
    return _over_windows(input, padding, size, alpha / size, beta, k)
