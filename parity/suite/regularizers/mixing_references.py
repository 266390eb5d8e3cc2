"""Soft and mixed labels in torch, of what the subject drew."""

from __future__ import annotations

from typing import Any

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


def mixup(images: Tensor, labels: Tensor, drawn: Tensor, **values: Any) -> Tensor:
    """Both times the matrix that says how much of which image is in each."""
    matrix = drawn.to(images.dtype)
    soft = _soft(labels, images, values)
    return torch.cat([(matrix @ x.flatten(1)).flatten() for x in (images, soft)])


def cutmix(images: Tensor, labels: Tensor, drawn: Tensor, **values: Any) -> Tensor:
    """The pixels of the images that they are from, and the labels of these pixels on average."""
    source = drawn.long()
    at = images.movedim(values.get("channel_axis", 1), -1)
    rows, columns = torch.arange(at.shape[1])[:, None], torch.arange(at.shape[2])
    pixels = at[source, rows, columns].movedim(-1, values.get("channel_axis", 1))
    # Of how many pixels each image has from which.
    counts = functional.one_hot(source, len(images)).sum((1, 2)).to(images.dtype)
    shares = counts / (at.shape[1] * at.shape[2])
    return torch.cat([pixels.flatten(), (shares @ _soft(labels, images, values)).flatten()])


def _soft(labels: Tensor, images: Tensor, values: Any) -> Tensor:
    if labels.is_floating_point():
        return labels
    return functional.one_hot(labels, values["num_classes"]).to(images.dtype)
