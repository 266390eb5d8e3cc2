"""Weight decay, projections and proximal steps in torch."""
# pyright: basic

from __future__ import annotations

from typing import Any

import torch
from torch.nn import functional

# Of a/bias, a/weight, b/bias, b/kernel and b/scale.
WEIGHTS = (1, 3)


def _changed(leaves: Any, places: tuple[int, ...], change: Any) -> Any:
    changed = [change(x) if i in places else x for i, x in enumerate(leaves)]
    return torch.cat([x.reshape(-1) for x in changed])


def coupled_weight_decay(
    *arrays: Any, weight_decay: Any, places: Any = WEIGHTS, where: Any = None
) -> Any:
    """The line of torch.optim.SGD; half of the arrays are gradients. `where` is what places say."""
    count = len(arrays) // 2
    decayed = [
        (
            g + weight_decay * w
            if isinstance(weight_decay, torch.Tensor)
            else g.add(w, alpha=weight_decay)
        )
        if i in places
        else g
        for i, (g, w) in enumerate(zip(arrays[:count], arrays[count:], strict=True))
    ]
    return torch.cat([x.reshape(-1) for x in decayed])


def decoupled_weight_decay(
    *leaves: Any, lr: Any, weight_decay: Any, places: Any = WEIGHTS, where: Any = None
) -> Any:
    """The line of torch.optim.AdamW."""
    return _changed(leaves, places, lambda w: w.mul(1 - lr * weight_decay))


def max_norm(*leaves: Any, max_value: Any, p: Any = 2.0, axis: int = 0) -> Any:
    """torch.renorm."""
    return _changed(leaves, WEIGHTS, lambda w: torch.renorm(w, p, axis, max_value))


def max_norm_of_array(*leaves: Any, max_value: Any, p: Any) -> Any:
    """torch.renorm takes numbers only."""

    def projected(w: Any) -> Any:
        norm = (w.abs() ** p).sum(tuple(range(1, w.ndim)), keepdim=True) ** (1 / p)
        return torch.where(norm > max_value, w * max_value / (norm + 1e-7), w)

    return _changed(leaves, WEIGHTS, projected)


def proximal_l1(weights: Any, threshold: float, where: Any = None) -> Any:
    """Of one leaf."""
    shrunk = functional.softshrink(weights, threshold)
    return shrunk.reshape(-1) if shrunk.ndim else shrunk


def proximal_l1_of_array(weights: Any, threshold: Any, where: Any = None) -> Any:
    """torch takes a number only."""
    shrunk = torch.where(weights > 0, weights - threshold, weights + threshold)
    return torch.where(weights.abs() > threshold, shrunk, 0.0)


def proximal_group_lasso_of_infinity(*leaves: Any, threshold: Any) -> Any:
    """By 1 - threshold/norm, which is 1 for an infinite norm."""

    def shrunk(w: Any) -> Any:
        rows = w.flatten(1)
        norm = rows.norm(dim=1, keepdim=True)
        kept = torch.clamp(1 - threshold * rows.shape[1] ** 0.5 / norm, min=0)
        return (rows * kept).reshape(w.shape)

    return _changed(leaves, WEIGHTS, shrunk)


def proximal_group_lasso(*leaves: Any, threshold: Any, axis: int = 0) -> Any:
    """Group by group."""

    def shrunk(w: Any) -> Any:
        groups = []
        for group in w.unbind(axis):
            norm, most = group.norm(), threshold * group.numel() ** 0.5
            groups.append(group * (norm - most) / norm if norm > most else 0 * group)
        return torch.stack(groups, axis)

    return _changed(leaves, WEIGHTS, shrunk)
