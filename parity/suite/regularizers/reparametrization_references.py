"""torch's parametrizations as functions of everything that they depend on."""

# pyright: basic

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrizations

# The module that `torch.nn.utils.parametrizations.spectral_norm` registers.
_weight_norm: Any = vars(torch)["_weight_norm"]
_Module: Any = vars(parametrizations)["_SpectralNorm"]


def weight_norm_of_torch(v: Tensor, g: Tensor, dim: int | None = 0) -> Tensor:
    """torch's own, in which all of v has one length for dim=-1; torch.nn.utils adds None."""
    return _weight_norm(v, g, -1 if dim is None else dim)


def weight_norm(v: Tensor, g: Tensor, dim: int | None = 0) -> Tensor:
    """The formula, since torch's own double backward differs from it."""
    if dim is None or dim == -1:
        return v / v.pow(2).sum().sqrt() * g
    axes = [i for i in range(v.ndim) if i != dim % v.ndim]
    lengths = v.pow(2).sum(axes, keepdim=True).sqrt()
    return v / lengths * g.reshape(lengths.shape)


def spectral_norm(
    weight: Tensor,
    u: Tensor | None,
    v: Tensor | None,
    n_power_iterations: int = 1,
    eps: float = 1e-12,
    dim: int = 0,
) -> tuple[Tensor, Tensor | None, Tensor | None]:
    """The module's result for the buffers u and v, and the buffers after the call."""
    # The module is not constructed, which would draw the buffers from the global stream.
    module = _Module.__new__(_Module)
    nn.Module.__init__(module)
    module.n_power_iterations, module.eps, module.dim = n_power_iterations, eps, dim % weight.ndim
    module.register_buffer("_u", None if u is None else u.detach().clone())
    module.register_buffer("_v", None if v is None else v.detach().clone())
    module.train(n_power_iterations > 0)
    return module(weight), module._u, module._v


def spectral_norm_init(weight: Tensor, eps: float = 1e-12, dim: int = 0) -> tuple[Tensor, Tensor]:
    """The buffers that the constructor draws."""
    module = _Module(weight, dim=dim, eps=eps)
    return module._u, module._v
