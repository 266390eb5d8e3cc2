"""Losses of differences in torch, with hyperparameters for every point."""
# pyright: basic

from __future__ import annotations

import torch


def smooth_l1_loss(input, target, beta, reduction):
    """The formula with a hyperparameter as an array; torch takes only a number."""
    d = input - target
    return torch.where(d.abs() < beta, d * d / (2 * beta), d.abs() - beta / 2)


def huber_loss(input, target, delta, reduction):
    """The formula with a hyperparameter as an array; torch takes only a number."""
    d = input - target
    return torch.where(d.abs() <= delta, d * d / 2, delta * (d.abs() - delta / 2))
