"""Colours, changed at random or not."""

from collections.abc import Mapping

import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.typing import ArrayLike

from jaxact._keys import check_key
from jaxact._numbers import is_number
from jaxact._op import op, program
from jaxact.errors import ArgumentValueError, DtypeError
from jaxact.regularizers.augmentation._color_arithmetic import (
    brightened,
    check_colors,
    contrasted,
    hue_turned,
    jittered,
    saturated,
)
from jaxact.regularizers.augmentation._draws import uniform_draws
from jaxact.regularizers.augmentation._images import (
    as_batch,
    as_given,
    axes_of,
    from_compute,
    max_value,
    per_color,
    per_image,
    to_compute,
)
from jaxact.regularizers.augmentation._intervals import (
    Range,
    as_arrays,
    nan_unless_interval,
    parse_interval,
    uniform_between,
)
from jaxact.regularizers.augmentation._numbers import (
    Numbers,
    as_tuple,
    nan_unless_bounded,
    within,
)

__all__ = [
    "adjust_brightness",
    "adjust_contrast",
    "adjust_hue",
    "adjust_saturation",
    "color_jitter",
    "normalize_image",
]


@op(static=("channel_axis",), checks={"brightness_factor": within(0)})
def adjust_brightness(
    images: ArrayLike, brightness_factor: ArrayLike, *, channel_axis: int = 1
) -> Array:
    """adjust_brightness(x, f) = min(f x, 1).

    The slope is that of torch.clamp: f at the bounds as well, and 0 beyond.

    Args:
        images: [n, c, h, w] or [c, h, w], dimensionless; floating in [0, 1] or uint8 in [0, 255].
        brightness_factor: [] or [n], dimensionless; 0 gives black, 1 the images.
        channel_axis: of a batch: 1, or -1 for [n, h, w, c].

    Returns:
        [n, c, h, w], unit and dtype of images; uint8 is rounded to the nearest level, which
        torchvision cuts off.

    Raises:
        ArgumentValueError: if the factor is negative, or if shapes are others.
        DtypeError: if images is neither floating nor uint8.

    Source:
        torchvision's adjust_brightness; beyond torch.clamp, torch 2.13.
    """
    x, axes = as_batch("adjust_brightness", images), axes_of("adjust_brightness", channel_axis)
    wide = to_compute("adjust_brightness", x)
    factor = per_image("adjust_brightness", "brightness_factor", brightness_factor, x)
    result = brightened(wide, factor.astype(wide.dtype), axes, max_value(x.dtype))
    result = nan_unless_bounded("adjust_brightness", "brightness_factor", result, factor, 0)
    return as_given(from_compute(result, x.dtype), images)


@op(static=("channel_axis",), checks={"contrast_factor": within(0)})
def adjust_contrast(
    images: ArrayLike, contrast_factor: ArrayLike, *, channel_axis: int = 1
) -> Array:
    """adjust_contrast(x, f) = clip(f x + (1 - f) mean(grey(x)), 0, 1), the mean of each image.

    grey(x) = 0.2989 red + 0.587 green + 0.114 blue. The slope is that of torch.clamp: 1 on the
    bounds, 0 beyond.

    Args:
        images: [n, c, h, w] or [c, h, w], dimensionless; floating in [0, 1] or uint8 in [0, 255],
            of 1 or 3 channels.
        contrast_factor: [] or [n], dimensionless; 0 gives plain grey, 1 the images.
        channel_axis: of a batch: 1, or -1 for [n, h, w, c].

    Returns:
        [n, c, h, w], unit and dtype of images; uint8 is rounded to the nearest level, which
        torchvision cuts off.

    Raises:
        ArgumentValueError: if the factor is negative, or if shapes are others.
        DtypeError: if images is neither floating nor uint8.

    Source:
        torchvision's adjust_contrast; beyond torch.clamp, torch 2.13.
    """
    x, axes = as_batch("adjust_contrast", images), axes_of("adjust_contrast", channel_axis)
    check_colors("adjust_contrast", x, axes)
    wide = to_compute("adjust_contrast", x)
    factor = per_image("adjust_contrast", "contrast_factor", contrast_factor, x)
    result = contrasted(wide, factor.astype(wide.dtype), axes, max_value(x.dtype))
    result = nan_unless_bounded("adjust_contrast", "contrast_factor", result, factor, 0)
    return as_given(from_compute(result, x.dtype), images)


@op(static=("channel_axis",), checks={"saturation_factor": within(0)})
def adjust_saturation(
    images: ArrayLike, saturation_factor: ArrayLike, *, channel_axis: int = 1
) -> Array:
    """adjust_saturation(x, f) = clip(f x + (1 - f) grey(x), 0, 1).

    grey(x) = 0.2989 red + 0.587 green + 0.114 blue. The slope is that of torch.clamp: 1 on the
    bounds, 0 beyond. An image of one channel stays what it is.

    Args:
        images: [n, c, h, w] or [c, h, w], dimensionless; floating in [0, 1] or uint8 in [0, 255],
            of 1 or 3 channels.
        saturation_factor: [] or [n], dimensionless; 0 gives grey, 1 the images.
        channel_axis: of a batch: 1, or -1 for [n, h, w, c].

    Returns:
        [n, c, h, w], unit and dtype of images; uint8 is rounded to the nearest level, which
        torchvision cuts off.

    Raises:
        ArgumentValueError: if the factor is negative, or if shapes are others.
        DtypeError: if images is neither floating nor uint8.

    Source:
        torchvision's adjust_saturation; beyond torch.clamp, torch 2.13.
    """
    x, axes = as_batch("adjust_saturation", images), axes_of("adjust_saturation", channel_axis)
    check_colors("adjust_saturation", x, axes)
    wide = to_compute("adjust_saturation", x)
    factor = per_image("adjust_saturation", "saturation_factor", saturation_factor, x)
    result = saturated(wide, factor.astype(wide.dtype), axes, max_value(x.dtype))
    result = nan_unless_bounded("adjust_saturation", "saturation_factor", result, factor, 0)
    return as_given(from_compute(result, x.dtype), images)


@op(static=("channel_axis",), checks={"hue_factor": within(-0.5, 0.5)})
def adjust_hue(images: ArrayLike, hue_factor: ArrayLike, *, channel_axis: int = 1) -> Array:
    """adjust_hue(x, f) = rgb(h + f mod 1, s, v) of (h, s, v) = hsv(x).

    Computed without the division, so that near grey no digits are lost. Grey pixels keep their
    colour, and the gradient there is that of torch's max: all of it goes to the first channel. An
    image of one channel stays what it is.

    Args:
        images: [n, c, h, w] or [c, h, w], dimensionless; floating in [0, 1] or uint8 in [0, 255],
            of 1 or 3 channels.
        hue_factor: [] or [n], dimensionless; the share of the circle in [-0.5, 0.5].
        channel_axis: of a batch: 1, or -1 for [n, h, w, c].

    Returns:
        [n, c, h, w], unit and dtype of images; uint8 is rounded to the nearest level.

    Raises:
        ArgumentValueError: if the factor is outside of [-0.5, 0.5], or if shapes are others.
        DtypeError: if images is neither floating nor uint8.

    Source:
        Smith 1978; torchvision's adjust_hue; beyond torch.remainder, torch 2.13.
    """
    x, axes = as_batch("adjust_hue", images), axes_of("adjust_hue", channel_axis)
    check_colors("adjust_hue", x, axes)
    wide = to_compute("adjust_hue", x)
    factor = per_image("adjust_hue", "hue_factor", hue_factor, x)
    result = hue_turned(wide, factor.astype(wide.dtype), axes, max_value(x.dtype))
    result = nan_unless_bounded("adjust_hue", "hue_factor", result, factor, -0.5, 0.5)
    return as_given(from_compute(result, x.dtype), images)


def _check_normalize(function: str, std: Numbers) -> None:
    if any(is_number(number) and number == 0 for number in as_tuple(std) or (std,)):
        raise ArgumentValueError(f"normalize_image: std must not be 0, got {std}")


@op(static=("channel_axis",), checks={("std",): _check_normalize})
def normalize_image(
    images: ArrayLike,
    mean: Numbers,
    std: Numbers,
    *,
    channel_axis: int = 1,
) -> Array:
    """normalize_image(x, mean, std) = (x - mean) / std, channel by channel.

    Args:
        images: [n, c, h, w] or [c, h, w], any unit; floating.
        mean: [] or [c], unit of images; an array or a sequence of numbers.
        std: [] or [c], unit of images; an array or a sequence of numbers.
        channel_axis: of a batch: 1, or -1 for [n, h, w, c].

    Returns:
        [n, c, h, w], dimensionless; dtype of images.

    Raises:
        ArgumentValueError: if std is 0, or if shapes are others.
        DtypeError: if images is not floating.

    Source:
        torchvision's normalize; beyond torch.sub, torch 2.13.
    """
    x, axes = as_batch("normalize_image", images), axes_of("normalize_image", channel_axis)
    if not jnp.issubdtype(x.dtype, jnp.floating):
        raise DtypeError(f"normalize_image: images must have a floating dtype, got {x.dtype.name}")
    wide = to_compute("normalize_image", x)
    center, scale = (
        per_color("normalize_image", name, value, x, axes).astype(wide.dtype)
        for name, value in (("mean", mean), ("std", std))
    )
    return as_given(((wide - center) / scale).astype(x.dtype), images)


# The neutral value, and the bounds of what may be drawn.
_FACTORS = {
    "brightness": (1.0, 0.0, np.inf),
    "contrast": (1.0, 0.0, np.inf),
    "saturation": (1.0, 0.0, np.inf),
    "hue": (0.0, -0.5, 0.5),
}


@op(static=("channel_axis",), compiled=False)
def color_jitter(
    key: Array,
    images: ArrayLike,
    brightness: Numbers = 0.0,
    contrast: Numbers = 0.0,
    saturation: Numbers = 0.0,
    hue: Numbers = 0.0,
    *,
    channel_axis: int = 1,
) -> Array:
    """color_jitter(key, x, b, c, s, h) = adjust_brightness, ..., adjust_hue in random order.

    Every image draws its own four factors and its own order. The factors are uniform: that of
    brightness on [max(0, 1 - b), 1 + b], those of contrast and saturation likewise, that of hue on
    [-h, h]; what is the number 0 is left out. Nothing is rounded between the steps.

    Args:
        key: a JAX random key.
        images: [n, c, h, w] or [c, h, w], dimensionless; floating in [0, 1] or uint8 in [0, 255],
            of 1 or 3 channels.
        brightness: [], dimensionless; how far from 1 at most, or both ends of the interval.
        contrast: [], dimensionless; the same.
        saturation: [], dimensionless; the same.
        hue: [], dimensionless; how far from 0 at most, up to 0.5, or both ends of the interval.
        channel_axis: of a batch: 1, or -1 for [n, h, w, c].

    Returns:
        [n, c, h, w], unit and dtype of images.

    Raises:
        ArgumentValueError: if an interval is crossed or out of bounds, or if the shape of images
            is another one.
        TypeError: if key is None, or images is neither floating nor uint8 (DtypeError).

    Source:
        torchvision's ColorJitter; beyond torch.clamp, torch 2.13.
    """
    check_key("color_jitter", key)
    given = {"brightness": brightness, "contrast": contrast, "saturation": saturation, "hue": hue}
    ranges = {
        name: parse_interval("color_jitter", name, value, *_FACTORS[name])
        for name, value in given.items()
        if not _is_nothing(value)
    }
    return _color_jitter(key, images, ranges, channel_axis)


def _is_nothing(value: Numbers) -> bool:
    return is_number(value) and value == 0


@program(static=("channel_axis",))
def _color_jitter(
    key: Array, images: ArrayLike, ranges: Mapping[str, Range], channel_axis: int
) -> Array:
    x, axes = as_batch("color_jitter", images), axes_of("color_jitter", channel_axis)
    check_colors("color_jitter", x, axes)
    wide = to_compute("color_jitter", x)
    draws, places = jnp.split(uniform_draws(key, 2 * len(_FACTORS), x)[..., None, None, None], 2)
    factors = {
        name: uniform_between(draw, as_arrays(ranges[name], wide.dtype))
        for name, draw in zip(_FACTORS, draws, strict=True)
        if name in ranges
    }
    order = jnp.argsort(places[: len(factors)], axis=0)
    result = jittered(wide, factors, order, axes, max_value(x.dtype))
    for name, interval in ranges.items():
        center, least, most = _FACTORS[name]
        result = nan_unless_interval("color_jitter", name, result, interval, least, most, center)
    return as_given(from_compute(result, x.dtype), images)
