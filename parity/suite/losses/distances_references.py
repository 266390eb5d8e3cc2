"""Distances and their losses in torch, with hyperparameters that are arrays."""
# pyright: basic

from __future__ import annotations

import torch
from torch.nn import functional


def cosine_similarity(x1, x2, eps):
    """torch takes a number only."""
    n1, n2 = (_at_least(x.norm(dim=1), eps) for x in (x1, x2))
    return (x1 * x2).sum(1) / (n1 * n2)


def _at_least(norm, eps):
    """The larger one, with the gradient of the norm in any case."""
    return norm + torch.where(norm < eps, eps - norm.detach(), 0)


def pairwise_distance(x1, x2, p, eps):
    """torch takes numbers only."""
    return ((x1 - x2 + eps).abs() ** p).sum(-1) ** (1 / p)


def cosine_embedding_loss(input1, input2, target, margin):
    """torch takes a number only."""
    c = 1 - functional.cosine_embedding_loss(
        input1, input2, torch.ones_like(target), reduction="none"
    )
    unlike = torch.clamp_min(c - margin, 0)
    return torch.where(target == 1, 1 - c, torch.where(target == -1, unlike, 0)).mean()


def triplet_margin_loss(anchor, positive, negative, margin):
    """torch takes a number only."""
    near = functional.pairwise_distance(anchor, positive)
    far = functional.pairwise_distance(anchor, negative)
    return torch.clamp_min(margin + near - far, 0).mean()
