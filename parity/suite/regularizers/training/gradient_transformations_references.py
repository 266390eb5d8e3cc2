"""Gradient clipping in torch, step by step."""
# pyright: basic

from __future__ import annotations

from typing import Any

from parity.suite.regularizers.training.clipping_references import (
    adaptive_grad_clip,
    clip_grad_norm,
    clip_grad_value,
)
from parity.trees import flat, placed


class _Transformed:
    """An object whose updates, added to the parameters, are the clipped gradients."""

    def __init__(self, params: Any, clip: Any) -> None:
        self.params, self.clip = params, clip

    def step(self, grads: Any) -> dict[str, Any]:
        """The updates, and the parameters after the step."""
        updates = self.clip(grads, self.params)
        changed = {path: w + flat(updates)[path] for path, w in flat(self.params).items()}
        self.params = placed(self.params, changed)
        return {"updates": updates, "params": self.params}


def clip_by_grad_norm(params: Any, max_norm: Any, norm_type: Any = 2.0) -> _Transformed:
    """Of the gradients alone."""
    return _Transformed(params, lambda g, _: clip_grad_norm(g, max_norm, norm_type)[0])


def clip_by_grad_value(params: Any, clip_value: float) -> _Transformed:
    """Of the gradients alone."""
    return _Transformed(params, lambda g, _: clip_grad_value(g, clip_value))


def clip_adaptively(
    params: Any, clip_factor: float = 0.01, eps: float = 1e-3, *, layout: str = "torch"
) -> _Transformed:
    """Uses the parameters as they are at the step."""
    return _Transformed(
        params, lambda g, w: adaptive_grad_clip(g, w, clip_factor, eps, layout=layout)
    )
