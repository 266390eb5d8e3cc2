"""Losses against two-sided targets in forms that neither overflow nor lose digits in float64."""
# pyright: basic

from __future__ import annotations

from typing import Any

import torch

# Above, softplus is its argument in float64; torch's default of 20 would cost digits.
_THRESHOLD = 700.0


def _soft_plus(x: Any) -> Any:
    return torch.nn.functional.softplus(x, threshold=_THRESHOLD)


def _reduced(losses: Any, reduction: str) -> Any:
    if reduction == "none":
        return losses
    return losses.mean() if reduction == "mean" else losses.sum()


def binary_cross_entropy(input: Any, target: Any, weight: Any = None, reduction: str = "mean"):
    """torch has no gradient in the weight."""
    losses = torch.nn.functional.binary_cross_entropy(input, target, reduction="none")
    return _reduced(losses if weight is None else losses * weight, reduction)


def binary_cross_entropy_with_logits(
    input: Any,
    target: Any,
    weight: Any = None,
    reduction: str = "mean",
    pos_weight: Any = None,
) -> Any:
    """torch subtracts what cancels, and has no gradient in the weights."""
    if pos_weight is None:
        losses = _two_sided(input, target)
    else:
        losses = target * pos_weight * _soft_plus(-input) + (1 - target) * _soft_plus(input)
    return _reduced(losses if weight is None else losses * weight, reduction)


def _two_sided(input: Any, target: Any) -> Any:
    # The derivative in the target is -input itself, not a difference.
    above, below = torch.where(input >= 0, input, 0), torch.where(input >= 0, 0, input)
    return torch.where(
        input >= 0,
        (1 - target) * above + _soft_plus(-above),
        -target * below + _soft_plus(below),
    )


def soft_margin_loss(input: Any, target: Any, reduction: str = "mean") -> Any:
    """torch overflows, and has no gradient in the target."""
    return _reduced(_soft_plus(-target * input), reduction)


def multilabel_soft_margin_loss(
    input: Any, target: Any, weight: Any = None, reduction: str = "mean"
) -> Any:
    """The mean over the classes."""
    losses = _two_sided(input, target)
    losses = losses if weight is None else losses * weight
    return _reduced(losses.mean(-1), reduction)
