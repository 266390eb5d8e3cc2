"""Classification losses in torch, with array hyperparameters, and accurate where torch is not."""
# pyright: basic

from __future__ import annotations

from typing import Any

import torch


def cross_entropy(
    input: Any,
    target: Any,
    weight: Any = None,
    ignore_index: int = -100,
    reduction: str = "mean",
    label_smoothing: Any = 0.0,
) -> Any:
    """The loss of a class from the sum of the others, without subtracting a probability from 1."""
    axis = min(1, input.ndim - 1)
    x = input.movedim(axis, -1)
    w = torch.ones(x.shape[-1], dtype=x.dtype) if weight is None else weight
    if target.is_floating_point():
        q = (1 - label_smoothing) * target.movedim(axis, -1) + label_smoothing / x.shape[-1]
        losses = (w * q * _class_losses(x)).sum(-1)
        return losses if reduction == "none" else getattr(losses, reduction)()
    kept = target != ignore_index
    chosen = torch.where(kept, target, 0)
    own = _class_losses(x).gather(-1, chosen[..., None])[..., 0] * w[chosen]
    losses = own * (1 - label_smoothing)
    # Without smoothing an infinite loss of another class must not be multiplied by 0.
    if not isinstance(label_smoothing, float) or label_smoothing:
        losses = losses + label_smoothing * (w * -torch.log_softmax(x, -1)).mean(-1)
    losses = torch.where(kept, losses, 0)
    if reduction == "none":
        return losses
    return losses.sum() if reduction == "sum" else losses.sum() / (w[chosen] * kept).sum()


def _class_losses(x: Any) -> Any:
    """-log_softmax(x) for each class of the last axis."""
    n = x.shape[-1]
    others = x[..., None, :].masked_fill(torch.eye(n, dtype=torch.bool), -torch.inf)
    ahead = torch.logsumexp(others, -1) - x
    return torch.logaddexp(ahead, torch.zeros_like(ahead))


def nll_loss(
    input: Any, target: Any, weight: Any, ignore_index: int = -100, reduction: str = "mean"
) -> Any:
    """The loss, differentiable in the weight; torch's is not."""
    kept = target != ignore_index
    chosen = torch.where(kept, target, 0)
    shares = weight[chosen] * kept
    return -(input.gather(1, chosen[:, None])[:, 0] * shares).sum() / shares.sum()


def linear_cross_entropy(
    x: Any, matrix: Any, target: Any, linear_bias: Any = 0, options: Any = None, **loss: Any
) -> Any:
    """All scores at once, then `cross_entropy`; torch's options have another form."""
    scores = x @ matrix.flatten(0, -2).T
    scores = scores.reshape(*x.shape[:-1], *matrix.shape[:-1])
    return cross_entropy(scores + linear_bias, target, **loss)
