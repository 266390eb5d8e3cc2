"""Likelihoods in torch, with hyperparameters of every point, and where torch's float64 is poor."""
# pyright: basic

from __future__ import annotations

import math
from typing import Any

import torch


def gaussian_nll_loss(
    input: Any,
    target: Any,
    var: Any,
    full: bool = False,
    eps: float = 1e-6,
    reduction: str = "none",
) -> Any:
    """The quotient before the square, which overflows."""
    d = input - target
    bounded = var + (var.detach().clamp(min=eps) - var.detach())
    bounded = torch.where(var >= eps, var, bounded)
    losses = (torch.log(bounded) + d / bounded * d) / 2
    return losses + math.log(2 * math.pi) / 2 if full else losses


def poisson_nll_loss(
    input: Any,
    target: Any,
    log_input: bool = True,
    full: bool = False,
    eps: Any = 1e-8,
    reduction: str = "none",
) -> Any:
    """Stirling's term where it counts, and no nan in the gradient elsewhere; eps of every point."""
    if log_input:
        losses = torch.exp(input) - target * input
    else:
        losses = input - target * torch.log(input + eps)
    if not full:
        return losses
    count = torch.where(target > 1, target, 1)
    stirling = count * torch.log(count) - count + torch.log(2 * math.pi * count) / 2
    return losses + torch.where(target > 1, stirling, 0)


def kl_div(input: Any, target: Any, reduction: str = "mean", log_target: bool = False) -> Any:
    """0 log 0 = 0, whatever it is compared with."""
    if log_target:
        losses = torch.exp(target) * (target - input)
    else:
        losses = target * (torch.log(target) - input)
        losses = torch.where((target == 0) & ~torch.isnan(input), 0, losses)
    if reduction == "none":
        return losses
    return losses.sum() / {"sum": 1, "mean": losses.numel(), "batchmean": len(input)}[reduction]
