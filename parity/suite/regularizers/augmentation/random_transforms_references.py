"""What random augmentation does with what it drew, in torch; a sequence with keys split by hand."""

from __future__ import annotations

import functools

import jax
import torch
from torch import Tensor
from torch.nn import functional

from jaxact.regularizers import augmentation
from parity.suite.regularizers.augmentation import transforms_references as transforms
from parity.suite.regularizers.augmentation.transforms_references import Numbers

Pair = tuple[float, float]
Ints = int | tuple[int, ...]


def random_crop(
    images: Tensor, size: Ints, *, padding: Ints = 0, padding_mode: str = "constant", drawn: Tensor
) -> Tensor:
    """Slices of the padded images, whose upper left corners were drawn: [n, 2]."""
    height, width = (size, size) if isinstance(size, int) else size
    margins = (padding,) if isinstance(padding, int) else padding
    left, top, right, bottom = (margins * 4)[:4]
    mode = {"edge": "replicate"}.get(padding_mode, padding_mode)
    padded = functional.pad(images, (left, right, top, bottom), mode=mode)
    rows, columns = drawn.round().int().unbind(1)
    return transforms.windows(padded, rows, columns, height, width)


def random_horizontal_flip(images: Tensor, p: float = 0.5, *, drawn: Tensor) -> Tensor:
    """Those that were drawn, [n], from right to left."""
    return torch.where(drawn.reshape(-1, 1, 1, 1) > 0, torch.flip(images, (-1,)), images)


def random_vertical_flip(images: Tensor, p: float = 0.5, *, drawn: Tensor) -> Tensor:
    """Those that were drawn, [n], upside down."""
    return random_horizontal_flip(images.mT, p, drawn=drawn).mT


def random_rotation(
    images: Tensor,
    degrees: float | Pair,
    *,
    interpolation: str = "bilinear",
    fill: Numbers = 0.0,
    drawn: Tensor,
) -> Tensor:
    """Read at the places that were drawn: [n, 2, 3], in half images."""
    return transforms.affine(images, drawn.to(images.dtype), interpolation=interpolation, fill=fill)


def random_affine(
    images: Tensor,
    degrees: float | Pair,
    translate: Pair | None = None,
    scale: Pair | None = None,
    shear: float | tuple[float, ...] | None = None,
    *,
    interpolation: str = "bilinear",
    fill: Numbers = 0.0,
    drawn: Tensor,
) -> Tensor:
    """The same, whatever the map was drawn from."""
    return random_rotation(images, degrees, interpolation=interpolation, fill=fill, drawn=drawn)


def color_jitter(
    images: Tensor,
    brightness: float = 0.0,
    contrast: float = 0.0,
    saturation: float = 0.0,
    hue: float = 0.0,
    *,
    drawn: Tensor,
) -> Tensor:
    """The one colour that has a strength is changed by the factors that were drawn: [n]."""
    strengths = (brightness, contrast, saturation, hue)
    names = ("brightness", "contrast", "saturation", "hue")
    (color,) = (name for name, strength in zip(names, strengths, strict=True) if strength)
    return getattr(transforms, f"adjust_{color}")(images, drawn)


def random_erasing(
    images: Tensor,
    p: float = 0.5,
    scale: Pair = (0.02, 0.33),
    ratio: Pair = (0.3, 3.3),
    value: Numbers = 0.0,
    *,
    drawn: Tensor,
) -> Tensor:
    """The value where the mask that was drawn, [n, 1, h, w], is 1."""
    new = torch.as_tensor(value, dtype=images.dtype).reshape(-1, 1, 1)
    return torch.where(drawn > 0, new, images)


# --------------------------------------------------------------------------------------- sequences


def _halved(key: jax.Array, images: jax.Array) -> jax.Array:
    return images / 2


_crop = functools.partial(augmentation.random_crop, size=5, padding=2)
_turn = functools.partial(augmentation.random_rotation, degrees=30.0)
STEPS = (_crop, augmentation.random_horizontal_flip, _halved, _turn, _turn)
composed = augmentation.compose(*STEPS)


def by_hand(key: jax.Array, images: jax.Array) -> jax.Array:
    """The steps of the sequence, each with the key that is its turn."""
    keys = jax.random.split(key, 5)
    crop, flip, halve, turn, turn_again = STEPS
    x = flip(keys[1], crop(keys[0], images))
    return turn_again(keys[4], turn(keys[3], halve(keys[2], x)))
