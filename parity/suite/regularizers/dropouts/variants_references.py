"""Dropouts that torch does not have, written with torch; they draw as torchvision does."""

from __future__ import annotations

import math
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor


def _drops(input: Any, p: float, training: bool) -> bool:
    """Whether anything is dropped; raises torch's exception for arguments that torch refuses."""
    if not isinstance(input, Tensor):
        raise TypeError("no tensor")
    if p < 0 or p > 1:
        raise ValueError(f"p = {p}")
    if p != p:
        raise RuntimeError(f"p = {p}")
    if training and 0 < p < 1 and not input.is_floating_point():
        raise NotImplementedError(f"{input.dtype}")
    return training and p > 0


def drop_path(input: Tensor, p: float = 0.5, training: bool = True, *, mode: str = "row") -> Tensor:
    """torchvision.ops.stochastic_depth, with timm's name and default mode."""
    if mode not in ("batch", "row"):
        raise ValueError(f"mode = {mode}")
    if not _drops(input, p, training):
        return input
    if mode == "row" and not input.ndim:
        raise RuntimeError("no rows")
    size = [input.shape[0] if mode == "row" else 1] + [1] * (input.ndim - 1)
    if p == 1:
        return input * torch.zeros(size[: input.ndim], dtype=input.dtype)
    noise = torch.empty(size[: input.ndim], dtype=input.dtype).bernoulli_(1 - p)
    return input * noise.div_(1 - p)


def dropconnect(weight: Tensor, p: float = 0.5, training: bool = True) -> Tensor:
    """A weight is dropped as an input is."""
    return F.dropout(weight, p, training)


def gaussian_dropout(input: Tensor, p: float = 0.5, training: bool = True) -> Tensor:
    """The input times a draw from N(1, p / (1 - p))."""
    if p == 1:
        raise ValueError("p = 1")
    if not _drops(input, p, training):
        return input
    return input * torch.empty_like(input).normal_(1, (p / (1 - p)) ** 0.5)


def _check_blocks(input: Tensor, block_size: Any, channel_axis: int) -> None:
    if input.ndim not in (4, 5):
        raise RuntimeError(f"{input.ndim} axes")
    if not -input.ndim <= channel_axis < input.ndim:
        raise IndexError(f"channel_axis = {channel_axis}")
    if channel_axis % input.ndim == 0:
        raise RuntimeError("channel_axis is that of the samples")
    if not isinstance(block_size, int):
        raise TypeError(f"block_size = {block_size}")
    if block_size < 1:
        raise ValueError(f"block_size = {block_size}")


def dropblock(
    input: Tensor,
    p: float = 0.1,
    block_size: int = 7,
    training: bool = True,
    *,
    channel_axis: int = 1,
) -> Tensor:
    """torchvision.ops.drop_block2d and drop_block3d, for channels on axis 1 and odd sizes."""
    drops = _drops(input, p, training)
    _check_blocks(input, block_size, channel_axis)
    if not drops:
        return input
    n, c, *lengths = input.shape
    size = min(block_size, *lengths)
    first = [length - size + 1 for length in lengths]
    gamma = p
    for length, places in zip(lengths, first, strict=True):
        gamma = gamma * length / (size * places)
    noise = torch.empty((n, c, *first), dtype=input.dtype).bernoulli_(gamma)
    noise = F.pad(noise, [size // 2] * (2 * len(lengths)), value=0)
    pool: Any = F.max_pool2d if len(lengths) == 2 else F.max_pool3d
    # In float32, since torch has no max_pool3d in half precision.
    keep = 1 - pool(noise.float(), stride=1, kernel_size=size, padding=size // 2)
    return normalised(input, keep)


def multiplied(input: Tensor, drawn: Tensor, **ignored: Any) -> Tensor:
    """The input times factors, computed in float32 or wider and rounded once."""
    wide = torch.promote_types(input.dtype, torch.float32)
    return (input.to(wide) * drawn.to(wide)).to(input.dtype)


def noised(
    input: Tensor, p: float = 0.5, training: bool = True, *, drawn: Tensor, **ignored: Any
) -> Tensor:
    """The input times 1 + s z, for a draw z from N(0, 1)."""
    if not training:
        return input
    spread = math.sqrt(p / (1 - p))
    wide = torch.promote_types(input.dtype, torch.float32)
    # In float64 a z near -1 has the digits of the factor.
    return (input.to(wide) * (1 + spread * drawn.double()).to(wide)).to(input.dtype)


def normalised(input: Tensor, drawn: Tensor, **ignored: Any) -> Tensor:
    """The input times a mask, divided by the share that is kept; 0 if nothing is kept."""
    kept, count = drawn.double().sum(), torch.tensor(drawn.numel(), dtype=torch.float64)
    scale = torch.where(kept > 0, count / kept, torch.zeros_like(kept))
    return multiplied(input, drawn.double() * scale)
