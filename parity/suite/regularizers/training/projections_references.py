"""Projections and proximal steps in torch."""
# pyright: basic

from __future__ import annotations

from typing import Any

import torch
from torch.nn import functional

from parity.suite.regularizers.training.weight_decay_references import changed


def max_norm(
    params: Any, max_value: Any, *, p: Any = 2.0, axis: int = 0, where: Any = "weights"
) -> Any:
    """torch.renorm."""
    return changed(params, where, lambda w: torch.renorm(w, p, axis, max_value))


def max_norm_of_array(params: Any, *, max_value: Any, p: Any) -> Any:
    """The formula with a hyperparameter as an array; torch.renorm takes only numbers."""

    def projected(w: Any) -> Any:
        norm = (w.abs() ** p).sum(tuple(range(1, w.ndim)), keepdim=True) ** (1 / p)
        return torch.where(norm > max_value, w * max_value / (norm + 1e-7), w)

    return changed(params, "weights", projected)


def proximal_l1(params: Any, threshold: float, *, where: Any = "weights") -> Any:
    """torch's soft threshold."""
    return changed(params, where, lambda w: functional.softshrink(w, threshold))


def proximal_l1_of_array(weights: Any, threshold: Any, where: Any) -> Any:
    """The formula with a hyperparameter as an array; torch takes only a number."""
    shrunk = torch.where(weights > 0, weights - threshold, weights + threshold)
    return torch.where(weights.abs() > threshold, shrunk, 0.0)


def proximal_group_lasso(
    params: Any, threshold: Any, *, axis: int = 0, where: Any = "weights"
) -> Any:
    """The proximal step, one group after the other."""

    def shrunk(w: Any) -> Any:
        groups = []
        for group in w.unbind(axis):
            norm, most = group.norm(), threshold * group.numel() ** 0.5
            groups.append(group * (norm - most) / norm if norm > most else 0 * group)
        return torch.stack(groups, axis)

    return changed(params, where, shrunk)


def proximal_group_lasso_of_infinity(params: Any, *, threshold: Any) -> Any:
    """The step with the factor 1 - threshold/norm, which is 1 for an infinite norm."""

    def shrunk(w: Any) -> Any:
        rows = w.flatten(1)
        norm = rows.norm(dim=1, keepdim=True)
        kept = torch.clamp(1 - threshold * rows.shape[1] ** 0.5 / norm, min=0)
        return (rows * kept).reshape(w.shape)

    return changed(params, "weights", shrunk)
