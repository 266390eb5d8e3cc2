"""The transformations of images in torch's own operations, as torchvision defines them.

Colours by Python's colorsys and by Pillow as well. Batches are [n, c, h, w].
"""

from __future__ import annotations

import colorsys
import importlib
import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

Number = Tensor | float


# ---------------------------------------------------------------------------------------- geometry


def horizontal_flip(images: Tensor) -> Tensor:
    """From right to left."""
    _check_rank(images)
    return torch.flip(images, (-1,))


def vertical_flip(images: Tensor) -> Tensor:
    """Upside down."""
    _check_rank(images)
    return torch.flip(images, (-2,))


def _check_rank(images: Tensor) -> None:
    if images.ndim not in (3, 4):
        raise ValueError(f"not images: {tuple(images.shape)}")


def crop(images: Tensor, top: Number, left: Number, height: int, width: int) -> Tensor:
    """Windows of the images in a sea of zeros."""
    _check_rank(images)
    if height < 1 or width < 1:
        raise ValueError(f"no window: {height}, {width}")
    sea = 16
    padded = functional.pad(images, (sea, sea, sea, sea))
    rows, columns = _each(top, images), _each(left, images)
    windows = [
        image[:, sea + i : sea + i + height, sea + j : sea + j + width]
        for image, i, j in zip(padded, map(int, rows), map(int, columns), strict=True)
    ]
    return torch.stack(windows)


def _each(value: Number, images: Tensor) -> Tensor:
    """One number for each image."""
    return torch.as_tensor(value).expand(len(images))


def affine(
    images: Tensor,
    matrix: Tensor,
    *,
    interpolation: str = "bilinear",
    fill: Number | Sequence[float] = 0.0,
) -> Tensor:
    """torch's affine_grid and grid_sample; torchvision's fill, by a mask that is sampled as well.

    torch has no kernel for half precision: it is computed in float32 and rounded.
    """
    _check_rank(images)
    if images.dtype in (torch.float16, torch.bfloat16):
        wide = affine(images.float(), matrix.float(), interpolation=interpolation, fill=fill)
        return wide.to(images.dtype)
    matrices = matrix.expand(len(images), 2, 3)
    grid = functional.affine_grid(matrices, list(images.shape), align_corners=False)

    def sampled(x: Tensor) -> Tensor:
        return functional.grid_sample(
            x, grid, mode=interpolation, padding_mode="zeros", align_corners=False
        )

    outside = torch.as_tensor(fill, dtype=images.dtype).reshape(-1, 1, 1)
    return sampled(images) + (1 - sampled(torch.ones_like(images))) * outside


def affine_matrix(numbers: Tensor, *, height: int, width: int) -> Tensor:
    """The inverse of translation, rotation, shear and scale, each a matrix of its own.

    Args:
        numbers: [n, 6]; angle, x, y, scale less 1, shears along x and y.
        height: of the images.
        width: of the images.
    """
    if numbers.dtype in (torch.float16, torch.bfloat16):
        return affine_matrix(numbers.float(), height=height, width=width).to(numbers.dtype)
    one = torch.ones_like(numbers[:, 0])
    zero = torch.zeros_like(one)
    turn, x, y, larger, along_x, along_y = (numbers * _UNITS.to(numbers.dtype)).unbind(1)

    def matrix(*entries: Tensor) -> Tensor:
        return torch.stack(entries, -1).reshape(-1, 3, 3)

    def rotation(a: Tensor) -> Tensor:
        cosine, sine = torch.cos(a), torch.sin(a)
        return matrix(cosine, -sine, zero, sine, cosine, zero, zero, zero, one)

    moved = matrix(one, zero, x, zero, one, y, zero, zero, one)
    # torchvision shears along y by turning: R(a) Shear_y Shear_x with unit determinant.
    sheared_y = matrix(one, zero, zero, -torch.tan(along_y), one, zero, zero, zero, one)
    sheared_x = matrix(one, -torch.tan(along_x), zero, zero, one, zero, zero, zero, one)
    scale = 1 + larger**2
    scaled = matrix(scale, zero, zero, zero, scale, zero, zero, zero, one)
    whole = moved @ rotation(turn) @ sheared_y @ sheared_x @ scaled
    half = torch.tensor([width / 2, height / 2, 1.0], dtype=numbers.dtype)
    linalg: Any = torch.linalg
    return (linalg.inv(whole) * half / half[:, None])[:, :2]


_DEGREE = math.pi / 180
_UNITS = torch.tensor([_DEGREE, 1.0, 1.0, 1.0, _DEGREE, _DEGREE], dtype=torch.float64)


def rotate(
    images: Tensor,
    angle: Number,
    *,
    interpolation: str = "bilinear",
    fill: Number | Sequence[float] = 0.0,
) -> Tensor:
    """torchvision's: counter-clockwise, the rows of the image pointing down."""
    _check_rank(images)
    turn = torch.fmod(torch.as_tensor(angle, dtype=torch.float64), 360.0) * _DEGREE
    turn = turn.to(torch.promote_types(images.dtype, torch.float32))
    cosine, sine = torch.cos(turn), torch.sin(turn)
    height, width = images.shape[-2:]
    rows = (
        torch.stack([cosine, -sine * (height / width), torch.zeros_like(sine)], -1),
        torch.stack([sine * (width / height), cosine, torch.zeros_like(sine)], -1),
    )
    return affine(images, torch.stack(rows, -2), interpolation=interpolation, fill=fill)


def erase(
    images: Tensor,
    top: Number,
    left: Number,
    height: Number,
    width: Number,
    value: Number | Sequence[float] = 0.0,
) -> Tensor:
    """Written into a copy, one image after the other."""
    _check_rank(images)
    new = torch.as_tensor(value, dtype=images.dtype)
    new = (new.reshape(-1, 1, 1) if new.ndim < 2 else new).expand(images.shape)
    result = images.clone()
    numbers = [map(int, _each(number, images)) for number in (top, left, height, width)]
    for n, (i, j, h, w) in enumerate(zip(*numbers, strict=True)):
        rows, columns = slice(max(i, 0), max(i + h, 0)), slice(max(j, 0), max(j + w, 0))
        result[n, :, rows, columns] = new[n, :, rows, columns]
    return result


def normalize_image(
    images: Tensor, mean: Tensor | Sequence[float], std: Tensor | Sequence[float]
) -> Tensor:
    """Less the mean, by the standard deviation."""
    _check_rank(images)
    if not images.is_floating_point():
        raise TypeError(f"not floating: {images.dtype}")
    center, scale = (torch.as_tensor(v, dtype=images.dtype).reshape(-1, 1, 1) for v in (mean, std))
    if bool((scale == 0).any()):
        raise ValueError("std is 0")
    return (images - center) / scale


# ----------------------------------------------------------------------------------------- colours


def _blended(images: Tensor, other: Tensor, ratio: Number) -> Tensor:
    if not torch.is_tensor(ratio) and not ratio >= 0:
        raise ValueError(f"negative: {ratio}")
    factor = torch.as_tensor(ratio, dtype=images.dtype).reshape(-1, 1, 1, 1)
    return (factor * images + (1.0 - factor) * other).clamp(0, 1)


def _grey(images: Tensor) -> Tensor:
    if images.shape[1] not in (1, 3):
        raise ValueError(f"not colours: {tuple(images.shape)}")
    if images.shape[1] == 1:
        return images
    weights = torch.tensor([0.2989, 0.587, 0.114], dtype=images.dtype)
    return torch.einsum("nchw,c->nhw", images, weights)[:, None]


def _batched(adjust: Callable[[Tensor, Any], Tensor], images: Tensor, factor: Any) -> Tensor:
    _check_rank(images)
    if not images.is_floating_point():
        raise TypeError(f"not floating: {images.dtype}")
    return adjust(images, factor) if images.ndim == 4 else adjust(images[None], factor)[0]


def adjust_brightness(images: Tensor, brightness_factor: Number) -> Tensor:
    """Blended with black."""
    return _batched(lambda x, f: _blended(x, torch.zeros_like(x), f), images, brightness_factor)


def adjust_contrast(images: Tensor, contrast_factor: Number) -> Tensor:
    """Blended with the mean of the grey image."""
    return _batched(
        lambda x, f: _blended(x, _grey(x).mean((1, 2, 3), keepdim=True), f), images, contrast_factor
    )


def adjust_saturation(images: Tensor, saturation_factor: Number) -> Tensor:
    """Blended with the grey image."""
    return _batched(
        lambda x, f: x if x.shape[1] == 1 else _blended(x, _grey(x), f), images, saturation_factor
    )


def adjust_hue(images: Tensor, hue_factor: Number) -> Tensor:
    """To HSV and back, as torchvision does; without its clamps, which images in [0, 1] never meet.

    Half precision is computed in float32: of the small differences of its own hues nothing is left.
    """
    if not torch.is_tensor(hue_factor) and not -0.5 <= hue_factor <= 0.5:
        raise ValueError(f"not in [-0.5, 0.5]: {hue_factor}")
    return _batched(_hue_adjusted, images, hue_factor)


def _hue_adjusted(images: Tensor, hue_factor: Number) -> Tensor:
    if images.shape[1] not in (1, 3):
        raise ValueError(f"not colours: {tuple(images.shape)}")
    if images.shape[1] == 1:
        return images
    if images.dtype in (torch.float16, torch.bfloat16):
        factor = hue_factor.float() if torch.is_tensor(hue_factor) else hue_factor
        return _hue_adjusted(images.float(), factor).to(images.dtype)
    shift = torch.as_tensor(hue_factor, dtype=images.dtype).reshape(-1, 1, 1)
    hue, saturation, value = _to_hsv(images)
    return _from_hsv((hue + shift) % 1.0, saturation, value)


def _to_hsv(images: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    red, green, blue = images.unbind(1)
    largest, smallest = images.max(1).values, images.min(1).values
    grey = largest == smallest
    ones = torch.ones_like(largest)
    chroma = largest - smallest
    saturation = chroma / torch.where(grey, ones, largest)
    divisor = torch.where(grey, ones, chroma)
    from_red, from_green, from_blue = ((largest - c) / divisor for c in (red, green, blue))
    is_red, is_green = largest == red, (largest == green) & (largest != red)
    hue = is_red * (from_blue - from_green)
    hue = hue + is_green * (2.0 + from_red - from_blue)
    hue = hue + (~is_red & ~is_green) * (4.0 + from_green - from_red)
    return torch.fmod(hue / 6.0 + 1.0, 1.0), saturation, largest


def _from_hsv(hue: Tensor, saturation: Tensor, value: Tensor) -> Tensor:
    sector = torch.floor(hue * 6.0)
    rest = hue * 6.0 - sector
    low = value * (1.0 - saturation)
    down = value * (1.0 - saturation * rest)
    up = value * (1.0 - saturation * (1.0 - rest))
    number = sector.to(torch.int64) % 6
    channels = (
        (value, down, low, low, up, value),
        (up, value, value, down, low, low),
        (low, low, up, value, value, down),
    )
    choices = [torch.stack(channel) for channel in channels]
    return torch.stack([choice.gather(0, number[None])[0] for choice in choices], 1)


def hue_by_colorsys(images: NDArray[Any], *, hue_factor: float) -> NDArray[Any]:
    """Pixel by pixel in Python's float64."""
    pixels = np.moveaxis(images, 1, -1).reshape(-1, 3).astype(np.float64)
    turned: list[tuple[float, float, float]] = []
    for red, green, blue in pixels.tolist():
        hue, saturation, value = colorsys.rgb_to_hsv(red, green, blue)
        turned.append(colorsys.hsv_to_rgb((hue + hue_factor) % 1.0, saturation, value))
    shape = (len(images), *images.shape[2:], 3)
    return np.moveaxis(np.array(turned).reshape(shape), -1, 1).astype(images.dtype)


def saturation_by_weights(images: NDArray[Any], *, saturation_factor: float) -> NDArray[Any]:
    """numpy's float64: the way from the grey point through the colour."""
    x = images.astype(np.float64)
    grey = np.tensordot((0.2989, 0.587, 0.114), x, ((0,), (1,)))[:, None]
    return np.clip(grey + saturation_factor * (x - grey), 0, 1).astype(images.dtype)


def _by_pillow(images: NDArray[Any], apply: Callable[[Any], Any]) -> NDArray[Any]:
    """Each image through Pillow with 8 bits a channel."""
    pillow: Any = importlib.import_module("PIL.Image")
    levels = np.rint(np.moveaxis(images, 1, -1) * 255).astype(np.uint8)
    results = [np.asarray(apply(pillow.fromarray(image))) for image in levels]
    return np.moveaxis(np.stack(results) / 255, -1, 1).astype(images.dtype)


def _enhanced(name: str) -> Callable[..., NDArray[Any]]:
    def enhanced(images: NDArray[Any], **values: float) -> NDArray[Any]:
        enhance: Any = importlib.import_module("PIL.ImageEnhance")
        (factor,) = values.values()
        return _by_pillow(images, lambda image: getattr(enhance, name)(image).enhance(factor))

    return enhanced


pillow_brightness = _enhanced("Brightness")
pillow_contrast = _enhanced("Contrast")
pillow_saturation = _enhanced("Color")


def pillow_mirror(images: NDArray[Any]) -> NDArray[Any]:
    """PIL.ImageOps.mirror."""
    ops: Any = importlib.import_module("PIL.ImageOps")
    return _by_pillow(images, ops.mirror)


def pillow_flip(images: NDArray[Any]) -> NDArray[Any]:
    """PIL.ImageOps.flip."""
    ops: Any = importlib.import_module("PIL.ImageOps")
    return _by_pillow(images, ops.flip)


def pillow_rotate(images: NDArray[Any], *, angle: float, interpolation: str) -> NDArray[Any]:
    """PIL.Image.rotate."""
    pillow: Any = importlib.import_module("PIL.Image")
    kind = {"bilinear": pillow.BILINEAR, "nearest": pillow.NEAREST}[interpolation]
    return _by_pillow(images, lambda image: image.rotate(angle, resample=kind))


def levels(function: str) -> Callable[..., NDArray[Any]]:
    """A transformation of uint8: torch's in float64 on levels over 255, rounded once."""

    def on_levels(images: NDArray[Any], **values: Any) -> NDArray[Any]:
        floats = torch.from_numpy(images.astype(np.float64) / 255)
        given = {
            name: torch.from_numpy(v) if isinstance(v, np.ndarray) else v
            for name, v in values.items()
        }
        result = globals()[function](floats, **given)
        return np.rint(result.numpy() * 255).astype(np.uint8)

    return on_levels


brightness_of_levels = levels("adjust_brightness")
contrast_of_levels = levels("adjust_contrast")
saturation_of_levels = levels("adjust_saturation")
hue_of_levels = levels("adjust_hue")
rotation_of_levels = levels("rotate")
