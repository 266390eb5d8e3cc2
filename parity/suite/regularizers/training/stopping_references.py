"""Early stopping as keras.callbacks.EarlyStopping documents it, in Python."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor


class early_stopping:
    """Early stopping that gets a metric and the weights after each epoch."""

    def __init__(
        self, params: Any, patience: int = 10, min_delta: float = 0.0, mode: str = "min"
    ) -> None:
        if mode not in ("min", "max") or patience < 0 or min_delta < 0:
            raise ValueError("no such mode, or negative")
        self.patience, self.min_delta, self.sign = patience, min_delta, -1 if mode == "min" else 1
        self.kept, self.best, self.wait = params, torch.tensor(-self.sign * torch.inf), 0
        self.stopped = False

    def step(self, metric: Tensor, params: Any) -> dict[str, Any]:
        """The state after the epoch; the best metric is kept in float32 or wider."""
        metric = metric.to(torch.promote_types(metric.dtype, torch.float32))
        if not self.stopped:
            self.wait += 1
            if self.sign * (float(metric) - float(self.best)) > self.min_delta:
                self.kept, self.best, self.wait = params, metric, 0
            self.stopped = self.wait > 0 and self.wait >= self.patience
        return {
            "state": {
                "best": self.best.to(metric.dtype),
                "wait": torch.tensor(self.wait),
                "should_stop": torch.tensor(self.stopped),
                "params": self.kept,
            }
        }
