"""Weight decay in torch."""
# pyright: basic

from __future__ import annotations

from typing import Any

import torch

from parity.suite.regularizers.penalties_references import selected
from parity.trees import flat, placed


def changed(params: Any, where: Any, change: Any) -> Any:
    """The tree, with a function applied to the leaves that `where` selects."""
    changed = {path: change(w) for path, w in selected(params, where).items()}
    return placed(params, {**flat(params), **changed})


def coupled_weight_decay(
    grads: Any, params: Any, weight_decay: Any, *, where: Any = "weights"
) -> Any:
    """The line of torch.optim.SGD, whose `alpha` has to be a number; written out for arrays."""
    leaves = flat(grads)
    for path, w in selected(params, where).items():
        if isinstance(weight_decay, torch.Tensor):
            leaves[path] = leaves[path] + weight_decay * w
        else:
            leaves[path] = leaves[path].add(w, alpha=weight_decay)
    return placed(grads, leaves)


def decoupled_weight_decay(
    params: Any, lr: Any, weight_decay: Any, *, where: Any = "weights"
) -> Any:
    """The line of torch.optim.AdamW."""
    return changed(params, where, lambda w: w.mul(1 - lr * weight_decay))
