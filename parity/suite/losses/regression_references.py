"""Losses of differences in torch, with hyperparameters of every point."""
# pyright: basic

from __future__ import annotations

import torch


def smooth_l1_loss(input, target, beta, reduction):
    """torch takes a number only."""
    d = input - target
    return torch.where(d.abs() < beta, d * d / (2 * beta), d.abs() - beta / 2)


def huber_loss(input, target, delta, reduction):
    """torch takes a number only."""
    d = input - target
    return torch.where(d.abs() <= delta, d * d / 2, delta * (d.abs() - delta / 2))
