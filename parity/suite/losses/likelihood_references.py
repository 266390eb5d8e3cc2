"""Likelihoods in torch, with hyperparameters for every point, and without torch's inaccuracies."""
# pyright: basic

from __future__ import annotations

import math

import torch


def gaussian_nll_loss(input, target, var, full=False, eps=1e-6, reduction="none"):
    """The loss with the division before the square, which would otherwise overflow.

    The logarithm of a number is that of a float64, beside an input of integers too.
    """
    d = input - target
    var = var if isinstance(var, torch.Tensor) else torch.tensor(var, dtype=torch.float64)
    bounded = var + (var.detach().clamp(min=eps) - var.detach())
    bounded = torch.where(var >= eps, var, bounded)
    losses = (torch.log(bounded) + d / bounded * d) / 2
    losses = losses + math.log(2 * math.pi) / 2 if full else losses
    return losses if reduction == "none" else getattr(losses, reduction)()


def poisson_nll_loss(input, target, log_input=True, full=False, eps=1e-8, reduction="none"):
    """The loss with an eps for every point, and no nan in the gradient of Stirling's term."""
    if log_input:
        losses = torch.exp(input) - target * input
    else:
        losses = input - target * torch.log(input + eps)
    if not full:
        return losses
    count = torch.where(target > 1, target, 1)
    stirling = count * torch.log(count) - count + torch.log(2 * math.pi * count) / 2
    return losses + torch.where(target > 1, stirling, 0)


def poisson_nll_loss_of_floats(input, target, *args, **options):
    """torch's own, without its logarithms and exponentials of integers.

    These are float32 beside float64 too.
    """
    if torch.float64 in (input.dtype, target.dtype):
        input = input if input.is_floating_point() else input.double()
        integers = not target.is_floating_point() and target.dtype != torch.bool
        target = target.double() if integers else target
    return torch.nn.functional.poisson_nll_loss(input, target, *args, **options)


class _Divergence(torch.autograd.Function):
    """t (log t - x), whose derivatives at t = 0 and t = inf are limits where torch has nan."""

    @staticmethod
    def forward(ctx, *args, **kwargs):
        ctx.save_for_backward(*args)
        x, t = args
        return torch.where((t == 0) & ~torch.isnan(x), 0, t * (torch.log(t) - x))

    @staticmethod
    def backward(ctx, *grad_outputs):
        x, t = ctx.saved_tensors
        finite = torch.where((t == 0) & torch.isinf(x), 0, x)
        return -grad_outputs[0] * t, grad_outputs[0] * (torch.log(t) - finite + 1)


def kl_div(input, target, reduction="mean", log_target=False):
    """The divergence with 0 log 0 = 0 for every input."""
    if log_target:
        losses = torch.exp(target) * (target - input)
    else:
        losses = _Divergence.apply(input, target)
    if reduction == "none":
        return losses
    rows = input.shape[0] if input.ndim else 1
    return losses.sum() / {"sum": 1, "mean": losses.numel(), "batchmean": rows}[reduction]
