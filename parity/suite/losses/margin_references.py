"""Losses with a margin in torch, with hyperparameters as arrays."""
# pyright: basic

from __future__ import annotations

from typing import Any

import torch


def hinge_embedding_loss(
    input: Any, target: Any, margin: Any = 1.0, reduction: str = "none"
) -> Any:
    """The loss with the margin as an array, without torch's rounding where both terms count."""
    active = margin - input >= 0
    unlike = torch.clamp_min(margin - input, 0)
    both = torch.where(active, margin, input)
    return torch.where(target == 1, input, torch.where(target == -1, unlike, both)) + 0.0


def margin_ranking_loss(
    input1: Any, input2: Any, target: Any, margin: Any, reduction: str = "none"
) -> Any:
    """The loss with the margin as an array; torch takes only a number."""
    return torch.clamp_min(-target * (input1 - input2) + margin, 0)


def multi_margin_loss(input: Any, target: Any, margin: Any, weight: Any) -> Any:
    """The loss, differentiable in the margin and the weight; torch's is not."""
    own = input.gather(1, target[:, None])
    short = torch.relu(margin - own + input)
    others = torch.arange(input.shape[1]) != target[:, None]
    return ((short * others).sum(1) / input.shape[1] * weight[target]).mean()
