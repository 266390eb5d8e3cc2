"""Penalties in torch, leaf by leaf."""
# pyright: basic

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import Any

import torch

from parity.trees import flat


def selected(params: Any, where: Any) -> dict[str, Any]:
    """Leaves by path: the weights, all, or those whose path matches a glob or one of several."""

    def is_selected(path: str, leaf: Any) -> bool:
        if where == "weights":
            return leaf.ndim >= 2 and path.rpartition("/")[2] not in ("bias", "scale")
        if callable(where):
            return bool(where(path, leaf))
        globs = (where,) if isinstance(where, str) else where
        return where == "all" or any(fnmatchcase(path, glob) for glob in globs)

    return {path: leaf for path, leaf in flat(params).items() if is_selected(path, leaf)}


def l1_penalty(params: Any, *, where: Any = "weights") -> Any:
    """The sum of absolute values."""
    return sum(w.abs().sum() for w in selected(params, where).values())


def l2_penalty(params: Any, *, where: Any = "weights") -> Any:
    """The sum of squares."""
    return sum(w.square().sum() for w in selected(params, where).values())


def elastic_net(params: Any, l1_ratio: Any = 0.5, *, where: Any = "weights") -> Any:
    """The penalty of sklearn.linear_model.ElasticNet with an alpha of 1."""
    l1, l2 = l1_penalty(params, where=where), l2_penalty(params, where=where)
    return l1_ratio * l1 + 0.5 * (1 - l1_ratio) * l2


def group_lasso(params: Any, *, axis: int = 0, where: Any = "weights") -> Any:
    """The sum of the groups' norms, one group after the other."""
    weights = list(selected(params, where).values())
    groups = [group.flatten() for w in weights for group in w.unbind(axis)]
    nothing = torch.zeros((), dtype=weights[0].dtype)
    return torch.stack([nothing, *(len(group) ** 0.5 * group.norm() for group in groups)]).sum()


def orthogonality_penalty(params: Any, *, where: Any = "weights", layout: str = "torch") -> Any:
    """The penalty from the products of all pairs of rows, or of columns."""
    total: Any = 0.0
    for x in selected(params, where).values():
        matrix = x.flatten(1) if layout == "torch" else x.flatten(0, -2).T
        rows = matrix if matrix.shape[0] <= matrix.shape[1] else matrix.T
        products = (rows[:, None] * rows[None]).sum(-1)
        total = total + (products - torch.eye(len(rows), dtype=x.dtype)).square().sum()
    return total


def jacobian_penalty(f: Any, x: Any, *, key: Any = None, num_projections: int | None = 1) -> Any:
    """The penalty from the full Jacobian of each sample, without random directions."""
    return torch.func.vmap(torch.func.jacrev(f))(x).square().sum() / len(x)
