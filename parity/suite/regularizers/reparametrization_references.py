"""torch's parametrizations as functions of all that they depend on."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrizations

# The module that `torch.nn.utils.parametrizations.spectral_norm` registers.
_Module: Any = vars(parametrizations)["_SpectralNorm"]


def weight_norm(v: Tensor, g: Tensor, dim: int | None = 0) -> Tensor:
    """The formula; torch's own double backward is another one."""
    if dim is None or dim == -1:
        return v / v.pow(2).sum().sqrt() * g
    axes = [i for i in range(v.ndim) if i != dim % v.ndim]
    lengths = v.pow(2).sum(axes, keepdim=True).sqrt()
    return v / lengths * g.reshape(lengths.shape)


def _module(n_power_iterations: int, eps: float, dim: int) -> Any:
    """The module without its buffers: its constructor draws them from the global stream."""
    module = _Module.__new__(_Module)
    nn.Module.__init__(module)
    module.n_power_iterations, module.eps, module.dim = n_power_iterations, eps, dim
    return module


def spectral_norm(
    weight: Tensor,
    u: Tensor | None = None,
    v: Tensor | None = None,
    n_power_iterations: int = 1,
    eps: float = 1e-12,
    dim: int = 0,
) -> Tensor:
    """The module's result from the buffers u and v, and the buffers afterwards."""
    if weight.ndim == 1:
        return _module(n_power_iterations, eps, 0)(weight)
    module = _module(n_power_iterations, eps, dim % weight.ndim)
    assert u is not None
    assert v is not None
    module.register_buffer("_u", u.detach().clone())
    module.register_buffer("_v", v.detach().clone())
    module.train(n_power_iterations > 0)
    return torch.cat([module(weight).flatten(), module.get_buffer("_u"), module.get_buffer("_v")])


def spectral_norm_init(
    weight: Tensor, *, seed: int = 0, eps: float = 1e-12, dim: int = 0
) -> Tensor:
    """The constructor's buffers after `manual_seed`."""
    generator = torch.Generator().manual_seed(seed)
    module = _module(1, eps, dim % weight.ndim)
    matrix = module._reshape_weight_to_matrix(weight)
    for name, size in zip(("_u", "_v"), matrix.shape, strict=True):
        drawn = matrix.new_empty(size).normal_(generator=generator)
        module.register_buffer(name, nn.functional.normalize(drawn, dim=0, eps=eps))
    module._power_method(matrix, 15)
    return torch.cat([module.get_buffer("_u"), module.get_buffer("_v")])
