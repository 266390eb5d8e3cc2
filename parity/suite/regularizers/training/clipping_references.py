"""Gradient clipping in torch: its own functions, and formulas with array hyperparameters."""
# pyright: basic

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import torch
from torch.nn import utils
from torch.nn.utils import clip_grad

from parity.trees import flat, mapped, placed

# torch does not differentiate clipping: these are its functions without the no_grad decorator.
_total_norm: Any = clip_grad._get_total_norm.__wrapped__  # type: ignore[attr-defined]
_clip_grad_value: Any = clip_grad.clip_grad_value_.__wrapped__  # type: ignore[attr-defined]


def _in_place(clip: Any, grads: Any, *args: Any) -> tuple[Any, Any]:
    """The tree after one of torch's in-place functions, and the function's result."""
    parameters = {path: SimpleNamespace(grad=g.clone()) for path, g in flat(grads).items()}
    returned = clip(list(parameters.values()), *args)
    return placed(grads, {path: p.grad for path, p in parameters.items()}), returned


def get_total_norm(tensors: Any, norm_type: Any = 2.0, error_if_nonfinite: bool = False) -> Any:
    """torch's own, on the leaves as a list."""
    return _total_norm(list(flat(tensors).values()), norm_type, error_if_nonfinite)


def total_norm_of_any_order(tensors: Any, *, norm_type: Any) -> Any:
    """The formula with a hyperparameter as an array; torch takes only a number."""
    every = torch.cat([x.reshape(-1) for x in flat(tensors).values()])
    return (every.abs() ** norm_type).sum() ** (1 / norm_type)


def clip_grads_with_norm(grads: Any, max_norm: float, total_norm: Any) -> Any:
    """torch's own."""
    with torch.no_grad():
        return _in_place(utils.clip_grads_with_norm_, grads, max_norm, total_norm)[0]


def clip_grads_with_norm_differentiated(grads: Any, max_norm: Any, total_norm: Any) -> Any:
    """torch's formula."""
    factor = torch.clamp(max_norm / (total_norm + 1e-6), max=1.0)
    return mapped(lambda g: g * factor.to(g.dtype), grads)


def clip_grad_norm(
    grads: Any, max_norm: Any, norm_type: float = 2.0, error_if_nonfinite: bool = False
) -> tuple[Any, Any]:
    """torch's formula."""
    total = get_total_norm(grads, norm_type, error_if_nonfinite)
    return clip_grads_with_norm_differentiated(grads, max_norm, total), total


def clip_grad_norm_in_place(grads: Any, max_norm: float) -> tuple[Any, Any]:
    """torch's own."""
    with torch.no_grad():
        return _in_place(utils.clip_grad_norm_, grads, max_norm)


def clip_grad_value(grads: Any, clip_value: float) -> Any:
    """torch's own."""
    return _in_place(_clip_grad_value, grads, clip_value)[0]


def clip_grad_value_differentiated(grads: Any, clip_value: Any) -> Any:
    """The formula with a hyperparameter as an array; torch takes only a number."""
    raised = torch.where(grads < -clip_value, -clip_value, grads)
    return torch.where(raised > clip_value, clip_value, raised)


def adaptive_grad_clip(
    grads: Any, params: Any, clip_factor: Any = 0.01, eps: Any = 1e-3, *, layout: str = "torch"
) -> Any:
    """The formula of timm.utils.agc.adaptive_clip_grad."""

    def norm(x: Any) -> Any:
        if x.ndim <= 1:
            return x.norm(2)
        outputs = 0 if layout == "torch" else x.ndim - 1
        return x.norm(2, dim=[i for i in range(x.ndim) if i != outputs], keepdim=True)

    def clipped(g: Any, w: Any) -> Any:
        w_norm, g_norm = norm(w), norm(g)
        most = torch.where(w_norm < eps, eps, w_norm) * clip_factor
        scaled = g * (most / torch.where(g_norm < most, 1.0, g_norm))
        return torch.where(g_norm < most, g, scaled)

    weights = flat(params)
    return placed(grads, {path: clipped(g, weights[path]) for path, g in flat(grads).items()})
