"""Optimizers written with torch, where torch's own lose digits."""
# pyright: basic

from __future__ import annotations

import math
from typing import Any

import torch

from parity.trees import flat, joined


class Muon:
    """torch.optim.Muon, with the digits of the parameters in the Newton-Schulz iterations."""

    def __init__(self, params: Any, **options: Any) -> None:
        self.weights = {path: leaf.clone() for path, leaf in flat(params).items()}
        self.buffers = {path: torch.zeros_like(leaf) for path, leaf in self.weights.items()}
        self.options, self.steps = options, 0
        torch.optim.Muon(map(torch.nn.Parameter, self.weights.values()), **self._at_step())
        if options.get("ns_steps", 0) >= 100:
            raise ValueError("torch raises in the first step")

    def _at_step(self) -> dict[str, Any]:
        return {n: v(self.steps) if callable(v) else v for n, v in self.options.items()}

    def step(self, grads: Any) -> dict[str, Any]:
        """The parameters and the buffers after the step."""
        at = self._at_step()
        self.steps += 1
        for path, gradient in flat(grads).items():
            self._step(path, gradient, **at)
        state = {joined("state/momentum_buffer", p): b for p, b in self.buffers.items()}
        return {f"params/{path}": weight for path, weight in self.weights.items()} | state

    def _step(
        self,
        path: str,
        gradient: Any,
        lr: Any = 1e-3,
        weight_decay: Any = 0.1,
        momentum: Any = 0.95,
        nesterov: bool = True,
        ns_coefficients: Any = (3.4445, -4.775, 2.0315),
        eps: Any = 1e-7,
        ns_steps: int = 5,
        adjust_lr_fn: str | None = None,
    ) -> None:
        buffer = self.buffers[path] = torch.lerp(self.buffers[path], gradient, 1 - momentum)
        ahead = torch.lerp(gradient, buffer, momentum) if nesterov else buffer
        rows, columns = gradient.shape
        x = ahead.T if rows > columns else ahead
        x = x / x.norm().clamp(min=eps)
        a, b, c = ns_coefficients
        for _ in range(ns_steps):
            gram = x @ x.T
            x = a * x + (b * gram + c * gram @ gram) @ x
        x = x.T if rows > columns else x
        scale = math.sqrt(max(1, rows / columns))
        if adjust_lr_fn == "match_rms_adamw":
            scale = 0.2 * math.sqrt(max(rows, columns))
        self.weights[path] = self.weights[path] * (1 - lr * weight_decay) - lr * scale * x


def muon(params: Any, **options: Any) -> Muon:
    """Muon with these hyperparameters."""
    return Muon(params, **options)
