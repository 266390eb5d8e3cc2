"""Early stopping as keras.callbacks.EarlyStopping documents it, in Python."""

from __future__ import annotations

import torch
from torch import Tensor


def early_stopping(
    metrics: Tensor, patience: int = 10, min_delta: float = 0.0, mode: str = "min"
) -> Tensor:
    """[steps, 4]: best, wait, whether to stop, and the weights of the best metric, their number."""
    if mode not in ("min", "max"):
        raise ValueError("no such mode")
    if patience < 0 or min_delta < 0:
        raise RuntimeError("must not be negative")
    best = torch.tensor(torch.inf if mode == "min" else -torch.inf, dtype=metrics.dtype)
    wait, stopped, kept = 0, False, 0
    rows: list[Tensor] = []
    for epoch, metric in enumerate(metrics, 1):
        if not stopped:
            wait += 1
            change = float(best) - float(metric) if mode == "min" else float(metric) - float(best)
            if change > min_delta:
                best, wait, kept = metric, 0, epoch
            stopped = wait > 0 and wait >= patience
        others = torch.tensor([wait, stopped, kept], dtype=metrics.dtype)
        rows.append(torch.cat([best.reshape(1), others]))
    return torch.stack(rows)
