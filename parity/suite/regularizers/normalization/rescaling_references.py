"""torch's normalize and local_response_norm with numbers and axes that torch takes as constants."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional


def normalize(input: Tensor, p: Tensor, eps: Tensor) -> Tensor:
    """normalize over axis 1, differentiable in p and eps."""
    lengths = input.abs().pow(p).sum(1, keepdim=True).pow(1 / p)
    return input / torch.where(lengths < eps, eps, lengths)


def local_response_norm(input: Tensor, size: int, channel_axis: int = 1, **values: Any) -> Tensor:
    """local_response_norm with the channels elsewhere."""
    moved = input.movedim(channel_axis, 1).contiguous()
    return functional.local_response_norm(moved, size, **values).movedim(1, channel_axis)
