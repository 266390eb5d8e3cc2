"""The formulas of torch's dropouts, for a known mask."""

from __future__ import annotations

from typing import Any

from torch import Tensor

ALPHA = 1.0507009873554804934193349852946 * 1.6732632423543772848170429916717


def scaled(
    input: Tensor, p: float = 0.5, training: bool = True, *, drawn: Tensor, **ignored: Any
) -> Tensor:
    """The input times the mask, which is 1 for kept values, over 1 - p, as torch computes it."""
    if not training:
        return input
    mask = drawn.to(input.dtype)
    return input * mask if p == 1 else input * mask.div(1 - p)


def saturating(
    input: Tensor, p: float = 0.5, training: bool = True, *, drawn: Tensor, **ignored: Any
) -> Tensor:
    """Dropped values become -ALPHA; then all are scaled and shifted to mean 0 and variance 1."""
    if not training:
        return input
    noise = drawn.to(input.dtype)
    if p == 1:
        return input * noise
    # From mean 0 and variance 1, dropping makes mean -ALPHA p and variance (1 - p) (1 + p ALPHA²).
    a = ((1 - p) * (1 + p * ALPHA**2)) ** -0.5
    return input * (noise * a) + ((noise - 1) * (ALPHA * a) + ALPHA * a * p)
