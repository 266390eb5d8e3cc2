"""Distances and their losses in torch, with hyperparameters as arrays."""
# pyright: basic

from __future__ import annotations

import torch
from torch.nn import functional


def cosine_similarity(x1, x2, eps):
    """The formula with a hyperparameter as an array; torch takes only a number."""
    n1, n2 = (_at_least(x.norm(dim=1), eps) for x in (x1, x2))
    return (x1 * x2).sum(1) / (n1 * n2)


def _at_least(norm, eps):
    """The larger of the two, but always with the gradient of the norm."""
    return norm + torch.where(norm < eps, eps - norm.detach(), 0)


def pairwise_distance(x1, x2, p, eps):
    """The formula with hyperparameters as arrays; torch takes only numbers."""
    return ((x1 - x2 + eps).abs() ** p).sum(-1) ** (1 / p)


def cosine_embedding_loss(input1, input2, target, margin):
    """The formula with a hyperparameter as an array; torch takes only a number."""
    c = 1 - functional.cosine_embedding_loss(
        input1, input2, torch.ones_like(target), reduction="none"
    )
    unlike = torch.clamp_min(c - margin, 0)
    return torch.where(target == 1, 1 - c, torch.where(target == -1, unlike, 0)).mean()


def triplet_margin_loss(anchor, positive, negative, margin):
    """The formula with a hyperparameter as an array; torch takes only a number."""
    near = functional.pairwise_distance(anchor, positive)
    far = functional.pairwise_distance(anchor, negative)
    return torch.clamp_min(margin + near - far, 0).mean()
