"""Laws of the random activations, which hold for every draw."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from parity.spec import Law

COUNT = 20_000
SHAPES = ((COUNT,), (100, COUNT // 100), (2, COUNT // 40, 4, 5))
Subject = Callable[..., Any]


def _key(seed: int) -> Any:
    import jax

    return jax.random.key(seed)


def _slopes(rrelu: Subject, seed: int, shape: tuple[int, ...] = SHAPES[0], **values: Any) -> Any:
    x = -np.ones(shape, np.float32)
    return -np.asarray(rrelu(x, training=True, key=_key(seed), **values), np.float64)


def _slopes_are_uniform(rrelu: Subject) -> str | None:
    """Slopes of arrays of several shapes, and neighbours along the first axis independent."""
    for seed, shape in enumerate(SHAPES):
        slopes = _slopes(rrelu, seed, shape, lower=0.5, upper=2.0)
        broken = _not_uniform(slopes.ravel(), 0.5, 2.0) or _correlated(slopes[1:], slopes[:-1])
        if broken:
            return f"shape {shape}: {broken}"
    return None


def _correlated(a: Any, b: Any) -> str | None:
    """A correlation of more than 5 standard errors, which two in a million draws have."""
    found = float(np.corrcoef(a.ravel(), b.ravel())[0, 1]) * np.sqrt(a.size)
    return f"neighbours are correlated: {found:.1f} standard errors" if abs(found) > 5 else None


def _not_uniform(slopes: Any, lower: float, upper: float) -> str | None:
    """By the Kolmogorov-Smirnov distance, which exceeds 1.95/sqrt(n) once in a thousand draws."""
    if slopes.min() < lower or slopes.max() > upper:
        return f"slopes lie in [{slopes.min():.4g}, {slopes.max():.4g}], not in [0.5, 2]"
    place = np.sort((slopes - lower) / (upper - lower))
    rank = np.arange(1, COUNT + 1) / COUNT
    gap = max(np.abs(place - rank).max(), np.abs(place - rank + 1 / COUNT).max())
    limit = 1.95 / np.sqrt(COUNT)
    return f"slopes are not uniform: distance {gap:.3g} > {limit:.3g}" if gap > limit else None


def _slopes_follow_the_key(rrelu: Subject) -> str | None:
    if not np.array_equal(_slopes(rrelu, 0), _slopes(rrelu, 0)):
        return "the same key gives other slopes"
    same = np.array_equal(_slopes(rrelu, 0), _slopes(rrelu, 1))
    return "another key gives the same slopes" if same else None


def _crossed_array_bounds_are_nan(rrelu: Subject) -> str | None:
    import jax.numpy as jnp

    lower, upper = jnp.asarray([0.5, 0.125]), jnp.asarray([0.25, 0.25])
    x = -np.ones(2, np.float32)
    found = np.asarray(rrelu(x, lower, upper, training=True, key=_key(0)))
    right = np.isnan(found[0]) and -0.25 <= found[1] <= -0.125
    return None if right else f"lower = 0.5, 0.125 and upper = 0.25 give {found}"


# Shapes of logits, and the axis of the classes.
OF_CHOICES = (((COUNT, 5), -1), ((5, COUNT), 0), ((100, 5, COUNT // 100), 1))


def _choices_follow_the_softmax(gumbel_softmax: Subject) -> str | None:
    """For logits of several shapes."""
    for seed, (shape, dim) in enumerate(OF_CHOICES):
        broken = _choices_off(gumbel_softmax, seed, shape, dim)
        if broken:
            return f"shape {shape}, dim={dim}: {broken}"
    return None


def _choices_off(
    gumbel_softmax: Subject, seed: int, shape: tuple[int, ...], dim: int
) -> str | None:
    """By Pearson's statistic of hard choices against softmax(logits), with 4 degrees of freedom."""
    logits = np.array([0.0, 1.0, 2.0, -1.0, 0.5], np.float32)
    rows = np.moveaxis(np.broadcast_to(logits, (*np.delete(shape, dim), logits.size)), -1, dim)
    found = gumbel_softmax(rows, hard=True, dim=dim, key=_key(seed))
    chosen = np.moveaxis(np.asarray(found, np.float64), dim, -1).reshape(-1, logits.size)
    if not np.array_equal(np.unique(chosen), [0.0, 1.0]) or (chosen.sum(1) != 1).any():
        return "hard rows are not one-hot"
    weights = np.exp(logits.astype(np.float64))
    expected = COUNT * weights / weights.sum()
    statistic = float(((chosen.sum(0) - expected) ** 2 / expected).sum())
    # Exceeded once in a thousand draws.
    return f"choices do not follow the softmax: chi2 {statistic:.1f}" if statistic > 18.5 else None


def _needs_a_key(name: str, **values: Any) -> Law:
    def broken(subject: Subject) -> str | None:
        try:
            subject(np.ones(3, np.float32), **values)
        except (TypeError, ValueError):
            return None
        return "a call without a key is accepted"

    return Law(name=name, violation=broken)


RRELU = (
    Law(name="slopes_are_uniform", violation=_slopes_are_uniform),
    Law(name="slopes_follow_the_key", violation=_slopes_follow_the_key),
    Law(name="crossed_array_bounds_are_nan", violation=_crossed_array_bounds_are_nan),
    _needs_a_key("training_needs_a_key", training=True),
)
GUMBEL_SOFTMAX = (
    Law(name="choices_follow_the_softmax", violation=_choices_follow_the_softmax),
    _needs_a_key("needs_a_key"),
)
