"""Losses with binary targets in forms that neither overflow nor lose digits in float64."""
# pyright: basic

from __future__ import annotations

import numpy as np
import torch

# Above this, softplus equals its argument in float64; torch's default of 20 would lose digits.
_THRESHOLD = 700.0
# The lower bound of x (1 - x) in torch's derivative of binary_cross_entropy.
_BOUND = float(np.float32(1e-12))


def _soft_plus(x):
    return torch.nn.functional.softplus(x, threshold=_THRESHOLD)


def _reduced(losses, reduction):
    if reduction == "none":
        return losses
    return losses.mean() if reduction == "mean" else losses.sum()


class _BoundedLoss(torch.autograd.Function):
    """torch's losses and slopes; second derivatives are those of the bounded formula."""

    @staticmethod
    def forward(ctx, *args, **kwargs):
        ctx.save_for_backward(*args)
        return torch.nn.functional.binary_cross_entropy(*args, reduction="none")

    @staticmethod
    def backward(ctx, *grad_outputs):
        x, t = ctx.saved_tensors
        variance = x * (1 - x)
        is_inside = variance > _BOUND
        inside = torch.where(is_inside, x, 0.5)
        # The terms of `split` cancel in its value but not in its derivatives; the value is taken
        # from the quotient, where nothing cancels.
        split = (1 - t) / (1 - inside) - t / inside
        quotient = ((x - t) / variance).detach() + (split - split.detach())
        slope = torch.where(is_inside, quotient, (x - t) / _BOUND)
        along_t = torch.log1p(-x) - torch.log(x)
        return grad_outputs[0] * slope, grad_outputs[0] * along_t


def each_binary_cross_entropy(input, target, reduction):
    """The losses of single points, without the 1e-12 that torch's double backward adds."""
    assert reduction == "none"
    return _BoundedLoss.apply(input, target)


def binary_cross_entropy(input, target, weight=None, reduction="mean"):
    """The loss, differentiable in the weight; torch's is not."""
    losses = torch.nn.functional.binary_cross_entropy(input, target, reduction="none")
    return _reduced(losses if weight is None else losses * weight, reduction)


def binary_cross_entropy_with_logits(input, target, weight=None, reduction="mean", pos_weight=None):
    """The loss without cancellation, and differentiable in the weights; torch's is neither."""
    if pos_weight is None:
        losses = _two_sided(input, target)
    else:
        losses = target * pos_weight * _soft_plus(-input) + (1 - target) * _soft_plus(input)
    return _reduced(losses if weight is None else losses * weight, reduction)


def _two_sided(input, target):
    # The derivative in the target is -input itself, not a difference.
    above, below = torch.where(input >= 0, input, 0), torch.where(input >= 0, 0, input)
    positive, negative = (1 - target) * above, -target * below
    return torch.where(input >= 0, positive + _soft_plus(-above), negative + _soft_plus(below))


def soft_margin_loss(input, target, reduction="mean"):
    """The loss without overflow, and differentiable in the target; torch's is neither."""
    return _reduced(_soft_plus(-target * input), reduction)


def multilabel_soft_margin_loss(input, target, weight=None, reduction="mean"):
    """The mean over the classes."""
    losses = _two_sided(input, target)
    losses = losses if weight is None else losses * weight
    return _reduced(losses.mean(-1), reduction)
