"""What random projections have to be. Each law fails by chance once in a million keys or less."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from parity.spec import Law

# Two-sided, of a normal distribution, with a probability of 1e-6.
FARTHEST = 4.892
SAMPLES, INPUTS, OUTPUTS = 4096, 3, 4


def _is_unbiased(subject: Callable[..., Any]) -> str | None:
    """For a linear map the estimate's mean and variance are known.

    Of v uniform on the sphere of c dimensions, c |v^T J|^2 has the mean tr A and the variance
    2c/(c+2) (tr A^2 - (tr A)^2/c), A = J J^T. The mean of this many is a normal number.
    """
    import jax

    matrix = np.random.default_rng(0).normal(size=(INPUTS, OUTPUTS))
    gram = matrix.T @ matrix
    mean = np.trace(gram)
    variance = 2 * OUTPUTS / (OUTPUTS + 2) * (np.trace(gram @ gram) - mean**2 / OUTPUTS)
    # tanh of numbers so small is linear.
    x = np.full((SAMPLES, INPUTS), 1e-12, np.float32)
    identity = np.eye(INPUTS, dtype=np.float32)
    for projections in (1, 3):
        compiled: Any = jax.jit(functools.partial(subject, num_projections=projections))
        key = jax.random.key(projections)
        found = float(compiled(x, identity, matrix.astype(np.float32), key=key))
        deviation = (found - mean) / np.sqrt(variance / (SAMPLES * projections))
        if not abs(deviation) < FARTHEST:
            return (
                f"{projections} projections: {found:.4f} is {deviation:.1f} sigma from {mean:.4f}"
            )
    return None


def _follows_its_key(subject: Callable[..., Any]) -> str | None:
    import jax

    draw = np.random.default_rng(0)
    arrays = [draw.normal(size=s).astype(np.float32) for s in ((5, 3), (3, 3), (3, 4))]
    compiled: Any = jax.jit(subject)
    first, again, other = (float(compiled(*arrays, key=jax.random.key(i))) for i in (0, 0, 1))
    if first != again:
        return "the same key gives another number"
    return "another key gives the same number" if first == other else None


LAWS = (
    Law(name="is_unbiased", broken=_is_unbiased),
    Law(name="follows_its_key", broken=_follows_its_key),
)
