"""Soft and mixed labels in torch, for the subject's draws."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional


def smooth_labels(labels: Tensor, num_classes: int, smoothing: Tensor | float = 0.1) -> Tensor:
    """The mixture of the labels with the uniform distribution."""
    if isinstance(smoothing, float) and not 0 <= smoothing <= 1:
        raise RuntimeError("smoothing must be between 0 and 1")
    if isinstance(num_classes, float):
        raise TypeError("num_classes must be an int")
    if labels.is_floating_point():
        if labels.shape[-1] != num_classes:
            raise RuntimeError("no such number of classes")
        soft = labels
    elif num_classes < 1 or labels.dtype == torch.bool:
        raise RuntimeError("no such labels")
    else:
        soft = functional.one_hot(labels, num_classes).to(torch.get_default_dtype())
    uniform = torch.full_like(soft, 1 / num_classes)
    return torch.lerp(soft, uniform, torch.as_tensor(smoothing, dtype=soft.dtype))


def mixup(
    images: Tensor,
    labels: Tensor,
    alpha: float = 0.2,
    *,
    drawn: Tensor,
    num_classes: int | None = None,
) -> tuple[Tensor, Tensor]:
    """Images and labels multiplied by the matrix of each image's share in each result."""
    matrix, soft = drawn.to(images.dtype), _soft(labels, images, num_classes)
    return (matrix @ images.flatten(1)).reshape(images.shape), matrix @ soft


def cutmix(
    images: Tensor,
    labels: Tensor,
    alpha: float = 1.0,
    *,
    drawn: Tensor,
    num_classes: int | None = None,
    channel_axis: int = 1,
) -> tuple[Tensor, Tensor]:
    """The pixels, each taken from its image, and the average of the labels of these pixels."""
    source, at = drawn.long(), images.movedim(channel_axis, -1)
    rows, columns = torch.arange(at.shape[1])[:, None], torch.arange(at.shape[2])
    pixels = at[source, rows, columns].movedim(-1, channel_axis)
    # The share of pixels that each result has from each image.
    counts = functional.one_hot(source, len(images)).sum((1, 2)).to(images.dtype)
    shares = counts / (at.shape[1] * at.shape[2])
    return pixels, shares @ _soft(labels, images, num_classes)


def _soft(labels: Tensor, images: Tensor, num_classes: int | None) -> Tensor:
    if num_classes is None:
        return labels
    return functional.one_hot(labels, num_classes).to(images.dtype)
