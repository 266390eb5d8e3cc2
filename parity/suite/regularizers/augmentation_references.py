"""What random augmentation does with what it drew, in torch; a sequence with keys split by hand."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from parity.suite.regularizers import image_transforms_references as transforms


def cropped_at(
    images: Tensor,
    size: int | tuple[int, int],
    *,
    padding: int | tuple[int, ...] = 0,
    padding_mode: str = "constant",
    drawn: Tensor,
) -> Tensor:
    """Slices of the padded images.

    Args:
        images: [n, c, h, w].
        size: of the result.
        padding: one number, two or four, as torchvision's.
        padding_mode: torchvision's name.
        drawn: [n, 2], the upper left corners.
    """
    height, width = (size, size) if isinstance(size, int) else size
    margins = (padding,) if isinstance(padding, int) else padding
    left, top, right, bottom = (*margins, *margins, *margins, *margins)[:4]
    mode = {"edge": "replicate"}.get(padding_mode, padding_mode)
    padded = functional.pad(images, (left, right, top, bottom), mode=mode)
    windows: list[Tensor] = []
    for image, corner in zip(padded, drawn, strict=True):
        i, j = round(float(corner[0])), round(float(corner[1]))
        windows.append(image[:, i : i + height, j : j + width])
    return torch.stack(windows)


def flipped_where(images: Tensor, p: float = 0.5, *, axis: int, drawn: Tensor) -> Tensor:
    """Those that were drawn."""
    return torch.where(drawn.reshape(-1, 1, 1, 1) > 0, torch.flip(images, (axis,)), images)


def mapped_by(images: Tensor, *args: Any, drawn: Tensor, **values: Any) -> Tensor:
    """Read at the places that were drawn: [n, 2, 3] in half images."""
    kept = {name: values[name] for name in ("interpolation", "fill") if name in values}
    return transforms.affine(images, drawn.to(images.dtype), **kept)


def erased_where(
    images: Tensor, *args: Any, drawn: Tensor, value: Any = 0.0, **rest: Any
) -> Tensor:
    """The value where the mask [n, 1, h, w] is 1."""
    new = torch.as_tensor(value, dtype=images.dtype).reshape(-1, 1, 1)
    return torch.where(drawn > 0, new, images)


def by_hand(images: Any) -> Any:
    """The steps of the sequence, each with the key that is its turn, of key 5."""
    import jax

    from parity.suite.regularizers.augmentation_subjects import STEPS

    keys = jax.random.split(jax.random.key(5), 5)
    crop, flip, halve, turn, turn_again = STEPS
    x = flip(keys[1], crop(keys[0], images))
    return turn_again(keys[4], turn(keys[3], halve(keys[2], x)))


def changed_brightness(images: Tensor, *, drawn: Tensor, brightness: float) -> Tensor:
    """By the factors that were drawn."""
    return transforms.adjust_brightness(images, drawn)


def changed_contrast(images: Tensor, *, drawn: Tensor, contrast: float) -> Tensor:
    """By the factors that were drawn."""
    return transforms.adjust_contrast(images, drawn)


def changed_saturation(images: Tensor, *, drawn: Tensor, saturation: float) -> Tensor:
    """By the factors that were drawn."""
    return transforms.adjust_saturation(images, drawn)


def changed_hue(images: Tensor, *, drawn: Tensor, hue: float) -> Tensor:
    """By the factors that were drawn."""
    return transforms.adjust_hue(images, drawn)
