"""Laws of random projections; each fails by chance for at most one key in a million."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from parity.spec import Floats, Law

# The two-sided quantile of a normal distribution for a probability of 1e-6.
FARTHEST = 4.892
SAMPLES, INPUTS, OUTPUTS = 4096, 3, 4


def _estimate(
    subject: Callable[..., Any], matrix: Floats, samples: int, seed: int, **values: Any
) -> float:
    """The penalty of the linear map, estimated from this many samples."""
    import jax

    weights, x = matrix.astype(np.float32), np.ones((samples, INPUTS), np.float32)

    def linear(rows: Any) -> Any:
        return rows @ weights

    compiled: Any = jax.jit(functools.partial(subject, linear, **values))
    return float(compiled(x, key=jax.random.key(seed)))


def _is_unbiased(subject: Callable[..., Any]) -> str | None:
    """For a linear map the estimate's mean and variance are known.

    For v uniform on the sphere in c dimensions, c |v^T J|^2 has the mean tr A and the variance
    2c/(c+2) (tr A^2 - (tr A)^2/c), with A = J J^T. The mean of this many is normally distributed.
    """
    matrix = np.random.default_rng(0).normal(size=(INPUTS, OUTPUTS))
    gram = matrix.T @ matrix
    mean = np.trace(gram)
    variance = 2 * OUTPUTS / (OUTPUTS + 2) * (np.trace(gram @ gram) - mean**2 / OUTPUTS)
    for projections in (1, 3):
        found = _estimate(subject, matrix, SAMPLES, projections, num_projections=projections)
        deviation = (found - mean) / np.sqrt(variance / (SAMPLES * projections))
        if not abs(deviation) < FARTHEST:
            return (
                f"{projections} projections: {found:.4f} is {deviation:.1f} sigma from {mean:.4f}"
            )
    return None


def _follows_its_key(subject: Callable[..., Any]) -> str | None:
    matrix = np.random.default_rng(0).normal(size=(INPUTS, OUTPUTS))
    first, again, other = (_estimate(subject, matrix, 5, seed) for seed in (0, 0, 1))
    if first != again:
        return "the same key gives another number"
    return "another key gives the same number" if first == other else None


LAWS = (
    Law(name="is_unbiased", violation=_is_unbiased),
    Law(name="follows_its_key", violation=_follows_its_key),
)
