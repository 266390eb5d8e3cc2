"""Gradient clipping in torch: its own functions, and what it takes numbers only for."""
# pyright: basic

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import torch
from torch.nn import utils
from torch.nn.utils import clip_grad

# torch takes no gradients through clipping: these are the functions below its no_grad.
_total_norm: Any = clip_grad._get_total_norm.__wrapped__  # type: ignore[attr-defined]


def get_total_norm(*tensors: Any, norm_type: Any = 2.0, error_if_nonfinite: bool = False) -> Any:
    """Of a list."""
    return _total_norm(list(tensors), norm_type, error_if_nonfinite)


def total_norm_of_any_order(*tensors: Any, norm_type: Any) -> Any:
    """torch takes a number only."""
    every = torch.cat([x.reshape(-1) for x in tensors])
    return (every.abs() ** norm_type).sum() ** (1 / norm_type)


def clip_grad_norm(*grads: Any, max_norm: float, **options: Any) -> Any:
    """The clipped gradients, then the norm: torch's own, in place."""
    parameters = [SimpleNamespace(grad=g.clone()) for g in grads]
    with torch.no_grad():
        total = utils.clip_grad_norm_(parameters, max_norm, **options)  # type: ignore[arg-type]
    return _joined(*(p.grad for p in parameters), total)


def clip_grad_norm_differentiated(
    *grads: Any, max_norm: Any, norm_type: float = 2.0, error_if_nonfinite: bool = False
) -> Any:
    """torch's formula, with gradients."""
    total = _total_norm(list(grads), norm_type, error_if_nonfinite)
    return _joined(*_scaled(grads, max_norm, total), total)


def clip_by_grad_norm(*grads: Any, max_norm: float, norm_type: float = 2.0) -> Any:
    """The gradients alone."""
    total = _total_norm(list(grads), norm_type)
    return _joined(*_scaled(grads, max_norm, total))


def clip_grads_with_norm(*grads: Any, max_norm: float, total_norm: Any) -> Any:
    """torch's own, in place."""
    parameters = [SimpleNamespace(grad=g.clone()) for g in grads]
    with torch.no_grad():
        utils.clip_grads_with_norm_(parameters, max_norm, total_norm)  # type: ignore[arg-type]
    return _joined(*(p.grad for p in parameters))


def clip_grads_with_norm_differentiated(*grads: Any, max_norm: Any, total_norm: Any) -> Any:
    """torch's formula, with gradients."""
    return _joined(*_scaled(grads, max_norm, total_norm))


def _scaled(grads: Any, max_norm: Any, total: Any) -> list[Any]:
    factor = torch.clamp(max_norm / (total + 1e-6), max=1.0)
    return [g * factor.to(g.dtype) for g in grads]


def clip_grad_value(*grads: Any, clip_value: float) -> Any:
    """torch's own, in place."""
    parameters = [SimpleNamespace(grad=g.clone()) for g in grads]
    clip_grad.clip_grad_value_.__wrapped__(parameters, clip_value)  # type: ignore[attr-defined]
    return _joined(*(p.grad for p in parameters))


def clip_grad_value_differentiated(grads: Any, clip_value: Any) -> Any:
    """torch takes a number only."""
    raised = torch.where(grads < -clip_value, -clip_value, grads)
    return torch.where(raised > clip_value, clip_value, raised)


def adaptive_grad_clip(
    *arrays: Any, clip_factor: Any = 0.01, eps: Any = 1e-3, layout: str = "torch"
) -> Any:
    """As timm.utils.agc.adaptive_clip_grad has it; half of the arrays are gradients."""
    count = len(arrays) // 2
    return _joined(
        *(
            _adaptive(g, w, clip_factor, eps, layout)
            for g, w in zip(arrays[:count], arrays[count:], strict=True)
        )
    )


def _adaptive(g: Any, w: Any, clip_factor: Any, eps: Any, layout: str) -> Any:
    def norm(x: Any) -> Any:
        if x.ndim <= 1:
            return x.norm(2)
        outputs = 0 if layout == "torch" else x.ndim - 1
        return x.norm(2, dim=[i for i in range(x.ndim) if i != outputs], keepdim=True)

    w_norm, g_norm = norm(w), norm(g)
    most = torch.where(w_norm < eps, eps, w_norm) * clip_factor
    clipped = g * (most / torch.where(g_norm < most, 1.0, g_norm))
    return torch.where(g_norm < most, g, clipped)


def _joined(*tensors: Any) -> Any:
    if len(tensors) == 1 and not tensors[0].ndim:
        return tensors[0]
    return torch.cat([x.reshape(-1) for x in tensors])
