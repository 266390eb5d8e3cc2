"""The formulas of torch's dropouts, for a mask that is known."""

from __future__ import annotations

from typing import Any

from torch import Tensor

ALPHA = 1.0507009873554804934193349852946 * 1.6732632423543772848170429916717


def scaled(input: Tensor, drawn: Tensor, p: float = 0.5, **ignored: Any) -> Tensor:
    """The input times a mask, 1 where it is kept, over 1 - p: as torch computes it."""
    return input * drawn.to(input.dtype).div(1 - p)


def saturating(input: Tensor, drawn: Tensor, p: float = 0.5, **ignored: Any) -> Tensor:
    """-ALPHA where nothing is kept, then scaled and shifted to mean 0 and variance 1."""
    noise = drawn.to(input.dtype)
    # Of a number of mean 0 and variance 1: mean -ALPHA p, variance (1 - p) (1 + p ALPHA²).
    a = ((1 - p) * (1 + p * ALPHA**2)) ** -0.5
    return input * (noise * a) + ((noise - 1) * (ALPHA * a) + ALPHA * a * p)
