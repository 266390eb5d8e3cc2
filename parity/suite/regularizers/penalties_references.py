"""Penalties in torch, leaf by leaf."""
# pyright: basic

from __future__ import annotations

from typing import Any

import torch


def l1_penalty(*leaves: Any, places: tuple[int, ...] = (1, 3), where: Any = None) -> Any:
    """Of the leaves at these places: by default the weights."""
    return sum(leaves[i].abs().sum() for i in places)


def l2_penalty(*leaves: Any, places: tuple[int, ...] = (1, 3), where: Any = None) -> Any:
    """Of the leaves at these places: by default the weights."""
    return sum(leaves[i].square().sum() for i in places)


def elastic_net(*leaves: Any, l1_ratio: Any = 0.5) -> Any:
    """The penalty of sklearn.linear_model.ElasticNet with an alpha of 1."""
    return l1_ratio * l1_penalty(*leaves) + 0.5 * (1 - l1_ratio) * l2_penalty(*leaves)


def group_lasso(*leaves: Any, axis: int = 0) -> Any:
    """Group by group."""
    groups = [group.flatten() for i in (1, 3) for group in leaves[i].unbind(axis)]
    return torch.stack([len(group) ** 0.5 * group.norm() for group in groups]).sum()


def orthogonality_penalty(*leaves: Any, layout: str = "torch") -> Any:
    """By the products of all pairs of rows, or of columns."""
    total = torch.zeros((), dtype=leaves[1].dtype)
    for x in (leaves[1], leaves[3]):
        matrix = x.flatten(1) if layout == "torch" else x.flatten(0, -2).T
        rows = matrix if matrix.shape[0] <= matrix.shape[1] else matrix.T
        products = (rows[:, None] * rows[None]).sum(-1)
        total = total + (products - torch.eye(len(rows), dtype=x.dtype)).square().sum()
    return total


def jacobian_penalty(x: Any, first: Any, second: Any, num_projections: int | None = None) -> Any:
    """By all derivatives of two layers, sample by sample."""

    def network(row: Any) -> Any:
        return torch.tanh(row @ first) @ second

    jacobians = torch.func.vmap(torch.func.jacrev(network))(x)
    return jacobians.square().sum() / len(x)
