# pyright: basic
"""The transformations of images in torch's own operations, as torchvision defines them.

Also colours by Python's colorsys and by Pillow, the results of random augmentation for given draws,
and a sequence with keys split by hand. Batches are [n, c, h, w].
"""

from __future__ import annotations

import colorsys
import functools
from collections.abc import Callable, Sequence
from typing import Any

import jax
import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image, ImageEnhance, ImageOps
from torch import Tensor
from torch.nn import functional

from jaxact.regularizers import augmentation

Number = Tensor | float
Numbers = Number | Sequence[float]


def _check(images: Tensor, *, floating: bool = False, colors: bool = False) -> None:
    if images.ndim != 4:
        raise ValueError(f"not images: {tuple(images.shape)}")
    if floating and not images.is_floating_point():
        raise TypeError(f"not floating: {images.dtype}")
    if colors and images.shape[1] not in (1, 3):
        raise ValueError(f"not colours: {tuple(images.shape)}")


def _wide(x: Tensor) -> Tensor:
    """Widens half precision to float32."""
    return x.to(torch.promote_types(x.dtype, torch.float32))


def _each(value: Number, images: Tensor) -> Tensor:
    """One number for each image."""
    return torch.as_tensor(value).expand(len(images))


def _anywhere(function: Callable[..., Tensor]) -> Callable[..., Tensor]:
    """The function of [n, c, h, w] for images with the channels on another axis."""

    @functools.wraps(function)
    def called(images: Tensor, *args: Any, channel_axis: int = 1, **values: Any) -> Tensor:
        if channel_axis == 1:
            return function(images, *args, **values)
        moved = {
            name: value.movedim(channel_axis, 1) if getattr(value, "ndim", 0) == 4 else value
            for name, value in values.items()
        }
        return function(images.movedim(channel_axis, 1), *args, **moved).movedim(1, channel_axis)

    return called


@_anywhere
def horizontal_flip(images: Tensor) -> Tensor:
    """The images with their columns reversed."""
    _check(images)
    return torch.flip(images, (-1,))


@_anywhere
def vertical_flip(images: Tensor) -> Tensor:
    """The images with their rows reversed."""
    _check(images)
    return torch.flip(images, (-2,))


@_anywhere
def crop(images: Tensor, top: Number, left: Number, height: int, width: int) -> Tensor:
    """Windows of the images, which are surrounded by zeros."""
    _check(images)
    if height < 1 or width < 1:
        raise ValueError(f"no window: {height}, {width}")
    sea = 32
    padded = functional.pad(images, (sea, sea, sea, sea))
    return windows(padded, _each(top, images) + sea, _each(left, images) + sea, height, width)


def windows(images: Tensor, top: Tensor, left: Tensor, height: int, width: int) -> Tensor:
    """One window of each image, which is inside the image."""
    corners = zip(images, map(int, top), map(int, left), strict=True)
    return torch.stack([image[:, i : i + height, j : j + width] for image, i, j in corners])


@_anywhere
def affine(
    images: Tensor, matrix: Tensor, *, interpolation: str = "bilinear", fill: Numbers = 0.0
) -> Tensor:
    """torch's affine_grid and grid_sample, with torchvision's fill by a mask that is sampled too.

    torch has no kernel for half precision, which is computed in float32 and rounded.
    """
    _check(images)
    x, matrices = _wide(images), _wide(matrix).expand(len(images), 2, 3)
    grid = functional.affine_grid(matrices, list(x.shape), align_corners=False)
    inside, weight = (
        functional.grid_sample(y, grid, mode=interpolation, align_corners=False)
        for y in (x, torch.ones_like(x))
    )
    outside = torch.as_tensor(fill, dtype=x.dtype).reshape(-1, 1, 1)
    return (inside + (1 - weight) * outside).to(images.dtype)


def affine_matrix(
    height: int,
    width: int,
    *,
    angle: Number = 0.0,
    translate: Sequence[Number] = (0.0, 0.0),
    scale: Number = 1.0,
    shear: Sequence[Number] = (0.0, 0.0),
) -> Tensor:
    """The inverse of translation, rotation, shear and scale, from one matrix for each."""
    numbers = [torch.as_tensor(number) for number in (angle, *translate, scale, *shear)]
    turn, x, y, larger, along_x, along_y = torch.stack(torch.broadcast_tensors(*numbers))
    one, zero = torch.ones_like(turn), torch.zeros_like(turn)

    def matrix(*entries: Tensor) -> Tensor:
        return torch.stack([*entries, zero, zero, one], -1).reshape(*turn.shape, 3, 3)

    cosine, sine = torch.cos(torch.deg2rad(turn)), torch.sin(torch.deg2rad(turn))
    moved = matrix(one, zero, x, zero, one, y)
    turned = matrix(cosine, -sine, zero, sine, cosine, zero)
    # torchvision's shear along y includes a rotation: R(a) Shear_y Shear_x with determinant 1.
    sheared_y = matrix(one, zero, zero, -torch.tan(torch.deg2rad(along_y)), one, zero)
    sheared_x = matrix(one, -torch.tan(torch.deg2rad(along_x)), zero, zero, one, zero)
    scaled = matrix(larger, zero, zero, zero, larger, zero)
    half = torch.tensor([width / 2, height / 2, 1.0], dtype=turn.dtype)
    whole = moved @ turned @ sheared_y @ sheared_x @ scaled
    return (torch.inverse(whole) * half / half[:, None])[..., :2, :]


@_anywhere
def rotate(
    images: Tensor, angle: Number, *, interpolation: str = "bilinear", fill: Numbers = 0.0
) -> Tensor:
    """torchvision's rotation: counter-clockwise, with rows numbered downwards."""
    _check(images)
    turn = torch.fmod(torch.as_tensor(angle, dtype=torch.float64), 360.0)
    matrix = affine_matrix(*images.shape[-2:], angle=-turn).to(_wide(images).dtype)
    return affine(images, matrix, interpolation=interpolation, fill=fill)


@_anywhere
def erase(
    images: Tensor, top: Number, left: Number, height: Number, width: Number, value: Numbers = 0.0
) -> Tensor:
    """Writes the value into a copy, one image after the other."""
    _check(images)
    new = torch.as_tensor(value, dtype=images.dtype)
    new = (new.reshape(-1, 1, 1) if new.ndim < 2 else new).expand(images.shape)
    result = images.clone()
    numbers = [map(int, _each(number, images)) for number in (top, left, height, width)]
    for n, (i, j, h, w) in enumerate(zip(*numbers, strict=True)):
        rows, columns = slice(max(i, 0), max(i + h, 0)), slice(max(j, 0), max(j + w, 0))
        result[n, :, rows, columns] = new[n, :, rows, columns]
    return result


@_anywhere
def normalize_image(images: Tensor, mean: Numbers, std: Numbers) -> Tensor:
    """Subtracts the mean and divides by the standard deviation."""
    _check(images, floating=True)
    center, scale = (torch.as_tensor(v, dtype=images.dtype).reshape(-1, 1, 1) for v in (mean, std))
    if bool((scale == 0).any()):
        raise ValueError("std is 0")
    return (images - center) / scale


def _blended(images: Tensor, other: Tensor, ratio: Number) -> Tensor:
    _check(images, floating=True)
    if not torch.is_tensor(ratio) and not ratio >= 0:
        raise ValueError(f"negative: {ratio}")
    factor = torch.as_tensor(ratio, dtype=images.dtype).reshape(-1, 1, 1, 1)
    return (factor * images + (1.0 - factor) * other).clamp(0, 1)


def _grey(images: Tensor) -> Tensor:
    _check(images, colors=True)
    if images.shape[1] == 1:
        return images
    weights = torch.tensor([0.2989, 0.587, 0.114], dtype=images.dtype)
    return torch.einsum("nchw,c->nhw", images, weights)[:, None]


@_anywhere
def adjust_brightness(images: Tensor, brightness_factor: Number) -> Tensor:
    """Blended with black."""
    return _blended(images, torch.zeros_like(images), brightness_factor)


@_anywhere
def adjust_contrast(images: Tensor, contrast_factor: Number) -> Tensor:
    """Blended with the mean of the grey image."""
    return _blended(images, _grey(images).mean((1, 2, 3), keepdim=True), contrast_factor)


@_anywhere
def adjust_saturation(images: Tensor, saturation_factor: Number) -> Tensor:
    """Blended with the grey image."""
    grey = _grey(images)
    return images if grey is images else _blended(images, grey, saturation_factor)


@_anywhere
def adjust_hue(images: Tensor, hue_factor: Number) -> Tensor:
    """Converts to HSV and back as torchvision does, without clamps, which [0, 1] does not need.

    Half precision is computed in float32, since small differences of hues would be lost in it.
    """
    _check(images, floating=True, colors=True)
    if not torch.is_tensor(hue_factor) and not -0.5 <= hue_factor <= 0.5:
        raise ValueError(f"not in [-0.5, 0.5]: {hue_factor}")
    if images.shape[1] == 1:
        return images
    return _turned(_wide(images), hue_factor).to(images.dtype)


def _turned(images: Tensor, hue_factor: Number) -> Tensor:
    """Converts to hue, saturation and value, and back by the sector of the hue."""
    red, green, blue = images.unbind(1)
    value, smallest = images.max(1).values, images.min(1).values
    grey, chroma = value == smallest, value - smallest
    saturation, divisor = chroma / value.masked_fill(grey, 1.0), chroma.masked_fill(grey, 1.0)
    from_red, from_green, from_blue = ((value - c) / divisor for c in (red, green, blue))
    hue = torch.where(value == green, 2.0 + from_red - from_blue, 4.0 + from_green - from_red)
    hue = torch.where(value == red, from_blue - from_green, hue)
    shift = torch.as_tensor(hue_factor, dtype=images.dtype).reshape(-1, 1, 1)
    place = (torch.fmod(hue / 6.0 + 1.0, 1.0) + shift) % 1.0 * 6.0
    sector = torch.floor(place)
    rest = place - sector
    low = value * (1.0 - saturation)
    down, up = value * (1.0 - saturation * rest), value * (1.0 - saturation * (1.0 - rest))
    number = sector.to(torch.int64)[None] % 6
    channels = (
        (value, down, low, low, up, value),
        (up, value, value, down, low, low),
        (low, low, up, value, value, down),
    )
    return torch.stack([torch.stack(channel).gather(0, number)[0] for channel in channels], 1)


Pair = tuple[float, float]
Ints = int | tuple[int, ...]


@_anywhere
def random_crop(
    images: Tensor, size: Ints, *, padding: Ints = 0, padding_mode: str = "constant", drawn: Tensor
) -> Tensor:
    """Slices of the padded images at the drawn upper left corners, [n, 2]."""
    height, width = (size, size) if isinstance(size, int) else size
    margins = (padding,) if isinstance(padding, int) else padding
    left, top, right, bottom = (margins * 4)[:4]
    mode = {"edge": "replicate"}.get(padding_mode, padding_mode)
    padded = functional.pad(images, (left, right, top, bottom), mode=mode)
    rows, columns = drawn.round().int().unbind(1)
    return windows(padded, rows, columns, height, width)


@_anywhere
def random_horizontal_flip(images: Tensor, p: float = 0.5, *, drawn: Tensor) -> Tensor:
    """The images with columns reversed where drawn, [n]."""
    return torch.where(drawn.reshape(-1, 1, 1, 1) > 0, torch.flip(images, (-1,)), images)


@_anywhere
def random_vertical_flip(images: Tensor, p: float = 0.5, *, drawn: Tensor) -> Tensor:
    """The images with rows reversed where drawn, [n]."""
    return random_horizontal_flip(images.mT, p, drawn=drawn).mT


@_anywhere
def random_rotation(
    images: Tensor,
    degrees: float | Pair,
    *,
    interpolation: str = "bilinear",
    fill: Numbers = 0.0,
    drawn: Tensor,
) -> Tensor:
    """The images sampled by the drawn maps, [n, 2, 3], in half images."""
    return affine(images, drawn.to(images.dtype), interpolation=interpolation, fill=fill)


@_anywhere
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
    """The images sampled by the drawn maps, as in `random_rotation`."""
    return random_rotation(images, degrees, interpolation=interpolation, fill=fill, drawn=drawn)


@_anywhere
def color_jitter(
    images: Tensor,
    brightness: float = 0.0,
    contrast: float = 0.0,
    saturation: float = 0.0,
    hue: float = 0.0,
    *,
    drawn: Tensor,
) -> Tensor:
    """Applies the one adjustment that has a strength, if any, with the drawn factors, [n]."""
    strengths = (brightness, contrast, saturation, hue)
    names = ("brightness", "contrast", "saturation", "hue")
    colors = [name for name, strength in zip(names, strengths, strict=True) if strength]
    if not colors:
        return images
    (color,) = colors
    return globals()[f"adjust_{color}"](images, drawn)


@_anywhere
def random_erasing(
    images: Tensor,
    p: float = 0.5,
    scale: Pair = (0.02, 0.33),
    ratio: Pair = (0.3, 3.3),
    value: Numbers = 0.0,
    *,
    drawn: Tensor,
) -> Tensor:
    """The images with the value where the drawn mask, [n, 1, h, w], is 1."""
    new = torch.as_tensor(value, dtype=images.dtype).reshape(-1, 1, 1)
    return torch.where(drawn > 0, new, images)


def _halved(key: jax.Array, images: jax.Array) -> jax.Array:
    return images / 2


_crop = functools.partial(augmentation.random_crop, size=5, padding=2)
_turn = functools.partial(augmentation.random_rotation, degrees=30.0)
STEPS = (_crop, augmentation.random_horizontal_flip, _halved, _turn, _turn)
SEQUENCES = {"five": STEPS, "one": STEPS[1:2], "two": STEPS[:2]}


def composed(key: jax.Array, images: jax.Array, transforms: str = "five") -> jax.Array:
    """A sequence, by its name."""
    return augmentation.compose(*SEQUENCES[transforms])(key, images)


def by_hand(key: jax.Array, images: jax.Array, transforms: str = "five") -> jax.Array:
    """The steps of the sequence, each with its own key."""
    steps = SEQUENCES[transforms]
    for step, own in zip(steps, jax.random.split(key, len(steps)), strict=True):
        images = step(own, images)
    return images


def hue_by_colorsys(images: NDArray[Any], *, hue_factor: float) -> NDArray[Any]:
    """Pixel by pixel in Python's float64."""

    def turned(color: NDArray[np.float64]) -> tuple[float, float, float]:
        hue, saturation, value = colorsys.rgb_to_hsv(*color.tolist())
        return colorsys.hsv_to_rgb((hue + hue_factor) % 1.0, saturation, value)

    return np.apply_along_axis(turned, 1, images.astype(np.float64)).astype(images.dtype)


def saturation_by_weights(images: NDArray[Any], *, saturation_factor: float) -> NDArray[Any]:
    """Saturation in numpy's float64: along the line from the grey point through the colour."""
    x = images.astype(np.float64)
    grey = np.tensordot((0.2989, 0.587, 0.114), x, ((0,), (1,)))[:, None]
    return np.clip(grey + saturation_factor * (x - grey), 0, 1).astype(images.dtype)


def of_levels(images: NDArray[Any], *, of: str, **values: Any) -> NDArray[Any]:
    """A transformation of uint8 images: torch's, in float64 on levels / 255, rounded once."""
    result = globals()[of](torch.from_numpy(images / 255), **values)
    return np.rint(result.numpy() * 255).astype(np.uint8)


_PILLOW: dict[str, Any] = {
    "mirror": ImageOps.mirror,
    "flip": ImageOps.flip,
    "rotate": lambda image, angle, kind: image.rotate(angle, Image.Resampling[kind.upper()]),
    "brightness": lambda image, factor: ImageEnhance.Brightness(image).enhance(factor),
    "contrast": lambda image, factor: ImageEnhance.Contrast(image).enhance(factor),
    "saturation": lambda image, factor: ImageEnhance.Color(image).enhance(factor),
}


def by_pillow(images: NDArray[Any], *, of: str, **values: Any) -> NDArray[Any]:
    """Each image transformed by Pillow with 8 bits per channel."""
    levels = np.rint(np.moveaxis(images, 1, -1) * 255).astype(np.uint8)
    results = [_PILLOW[of](Image.fromarray(image), *values.values()) for image in levels]
    return np.moveaxis(np.stack(results) / 255, -1, 1).astype(images.dtype)
