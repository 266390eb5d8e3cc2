"""Transformations of images, without chance: flips, crops, affine maps, colours.

A batch is [n, c, h, w], as torch's, or [n, h, w, c] with channel_axis=-1; a single image is the
same without the first axis. What the images are transformed by is one number for all of them or
[n], one for each. Floating images are in [0, 1] and uint8 ones in [0, 255] where colours matter.
Out of bounds, a number that is traced gives nan, or 0 where images are uint8.
"""

from collections.abc import Sequence
from typing import cast

import jax.numpy as jnp
from jax import Array
from jax.typing import ArrayLike

from jaxact._core import ArgumentValueError, DtypeError, as_array, is_number, op
from jaxact.regularizers.augmentation._color import (
    brightened,
    check_colors,
    contrasted,
    hue_turned,
    saturated,
)
from jaxact.regularizers.augmentation._images import (
    Axes,
    Numbers,
    as_batch,
    as_given,
    axes_of,
    bounded,
    check_bounds,
    computed,
    per_color,
    per_image,
    rectangles,
    replacing,
    returned,
    several,
    white,
    whole,
    windows,
)
from jaxact.regularizers.augmentation._resampling import (
    Interpolation,
    check_interpolation,
    half_images,
    pixel_matrix,
    resampled,
)

__all__ = [
    "adjust_brightness",
    "adjust_contrast",
    "adjust_hue",
    "adjust_saturation",
    "affine",
    "affine_matrix",
    "crop",
    "erase",
    "horizontal_flip",
    "normalize_image",
    "rotate",
    "vertical_flip",
]

# ---------------------------------------------------------------------------------------- geometry


@op(static=("channel_axis",))
def horizontal_flip(images: ArrayLike, *, channel_axis: int = 1) -> Array:
    """horizontal_flip(x)[..., i, j] = x[..., i, w - 1 - j].

    Args:
        images: [n, c, h, w] or [c, h, w], any unit; any dtype.
        channel_axis: of a batch: 1, or -1 for [n, h, w, c].

    Returns:
        [n, c, h, w], unit and dtype of images.

    Raises:
        ArgumentValueError: if images has neither three axes nor four.
        TypeError: if images is no array.

    Source:
        torchvision's hflip; beyond torch.flip, torch 2.13.
    """
    axes = axes_of("horizontal_flip", channel_axis)
    return as_given(jnp.flip(as_batch("horizontal_flip", images), axes.width), images)


@op(static=("channel_axis",))
def vertical_flip(images: ArrayLike, *, channel_axis: int = 1) -> Array:
    """vertical_flip(x)[..., i, j] = x[..., h - 1 - i, j].

    Args:
        images: [n, c, h, w] or [c, h, w], any unit; any dtype.
        channel_axis: of a batch: 1, or -1 for [n, h, w, c].

    Returns:
        [n, c, h, w], unit and dtype of images.

    Raises:
        ArgumentValueError: if images has neither three axes nor four.
        TypeError: if images is no array.

    Source:
        torchvision's vflip; beyond torch.flip, torch 2.13.
    """
    axes = axes_of("vertical_flip", channel_axis)
    return as_given(jnp.flip(as_batch("vertical_flip", images), axes.height), images)


def _check_crop(
    images: ArrayLike,
    top: ArrayLike,
    left: ArrayLike,
    height: int,
    width: int,
    *,
    channel_axis: int = 1,
) -> None:
    if height < 1 or width < 1:
        raise ArgumentValueError(
            f"crop: height and width must be at least 1, got {height} and {width}"
        )


@op(static=("height", "width", "channel_axis"), check=_check_crop)
def crop(
    images: ArrayLike,
    top: ArrayLike,
    left: ArrayLike,
    height: int,
    width: int,
    *,
    channel_axis: int = 1,
) -> Array:
    """crop(x, top, left, height, width)[..., i, j] = x[..., top + i, left + j].

    Outside of the image there are zeros.

    Args:
        images: [n, c, h, w] or [c, h, w], any unit; any dtype.
        top: [] or [n], dimensionless; the first row, an integer that may be negative.
        left: [] or [n], dimensionless; the first column.
        height: of the result.
        width: of the result.
        channel_axis: of a batch: 1, or -1 for [n, h, w, c].

    Returns:
        [n, c, height, width], unit and dtype of images.

    Raises:
        ArgumentValueError: if images has neither three axes nor four, if height or width is below
            1, or if top or left has another shape.
        DtypeError: if top or left is not an integer.

    Source:
        torchvision's crop; beyond torch.narrow, torch 2.13.
    """
    x, axes = as_batch("crop", images), axes_of("crop", channel_axis)
    corner = (whole("crop", "top", top, x), whole("crop", "left", left, x))
    # Windows that begin farther out see the same zeros.
    down, right = (
        jnp.clip(first, -size, most) + size
        for first, size, most in zip(corner, (height, width), axes.sizes(x), strict=True)
    )
    around = [(0, 0)] * 4
    around[axes.height], around[axes.width] = (height, height), (width, width)
    padded = jnp.pad(x, around)
    return as_given(windows(padded, down, right, (height, width), axes), images)


def _check_affine(
    images: ArrayLike,
    matrix: ArrayLike,
    *,
    interpolation: Interpolation = "bilinear",
    fill: Numbers = 0.0,
    channel_axis: int = 1,
) -> None:
    check_interpolation("affine", interpolation)


@op(static=("interpolation", "channel_axis"), check=_check_affine)
def affine(
    images: ArrayLike,
    matrix: ArrayLike,
    *,
    interpolation: Interpolation = "bilinear",
    fill: Numbers = 0.0,
    channel_axis: int = 1,
) -> Array:
    """affine(x, A)(p) = x(A (p, 1)), where p = (x, y) goes from -1 to 1 across the image.

    A maps places of the result to places of the image, as affine_grid's theta with
    align_corners=False. The gradient in A is that of the interpolation: 0 for the nearest pixel.

    Args:
        images: [n, c, h, w] or [c, h, w], any unit; floating or uint8.
        matrix: [2, 3] or [n, 2, 3], dimensionless; see `affine_matrix`.
        interpolation: "bilinear", or "nearest" for the pixel that is nearest.
        fill: [] or [c], unit of images; what lies outside of the image, 0 by default.
        channel_axis: of a batch: 1, or -1 for [n, h, w, c].

    Returns:
        [n, c, h, w], unit and dtype of images; uint8 is rounded to the nearest level.

    Raises:
        ArgumentValueError: if interpolation is another one, or if the shape of images, matrix or
            fill is.
        DtypeError: if images is neither floating nor uint8.

    Source:
        Jaderberg et al. 2015; beyond torch.nn.functional.grid_sample, torch 2.13.
    """
    x, axes = as_batch("affine", images), axes_of("affine", channel_axis)
    theta = as_array("affine", "matrix", matrix)
    if theta.shape[-2:] != (2, 3) or theta.shape[:-2] not in ((), (1,), x.shape[:1]):
        raise ArgumentValueError(
            f"affine: matrix must be [2, 3] or [{x.shape[0]}, 2, 3], got shape {theta.shape}"
        )
    wide = computed("affine", x)
    theta = theta.astype(wide.dtype).reshape(-1, 2, 3)
    in_pixels = theta * half_images(*axes.sizes(x), wide.dtype)
    outside = per_color("affine", "fill", fill, x, axes).astype(wide.dtype)
    result = resampled(wide, in_pixels, outside, axes, interpolation)
    return as_given(returned(result, x.dtype), images)


@op(static=("height", "width"))
def affine_matrix(
    height: int,
    width: int,
    *,
    angle: ArrayLike = 0.0,
    translate: Sequence[ArrayLike] = (0.0, 0.0),
    scale: ArrayLike = 1.0,
    shear: Sequence[ArrayLike] = (0.0, 0.0),
) -> Array:
    """affine_matrix(h, w, angle=a, translate=t, scale=s, shear=k) = (T(t) R(a) K(k) s)^-1.

    For `affine`: images of that height and width are scaled, sheared and turned around their
    centre, then moved.

    Args:
        height: of the images.
        width: of the images.
        angle: [] or [n], dimensionless; degrees, clockwise as torchvision's affine has it.
        translate: x to the right and y downwards, each [] or [n], in pixels.
        scale: [] or [n], dimensionless; above 1 enlarges.
        shear: along x and y, each [] or [n], in degrees.

    Returns:
        [2, 3] or [n, 2, 3], dimensionless; float64 if an array among the arguments is, else
        float32: half precision has not the digits of a place in an image. Python's numbers are
        rounded to it: for images of float64 give numpy's, `angle=np.float64(30)`.

    Raises:
        TypeError: if angle or scale is no array.

    Source:
        torchvision's affine; beyond torch.nn.functional.affine_grid, torch 2.13.
    """
    as_array("affine_matrix", "angle", angle)
    as_array("affine_matrix", "scale", scale)
    (right, down), (along_x, along_y) = translate, shear
    in_pixels = pixel_matrix(angle, right, down, scale, along_x, along_y)
    return in_pixels / half_images(height, width, in_pixels.dtype)


def _check_rotate(
    images: ArrayLike,
    angle: ArrayLike,
    *,
    interpolation: Interpolation = "bilinear",
    fill: Numbers = 0.0,
    channel_axis: int = 1,
) -> None:
    check_interpolation("rotate", interpolation)


@op(static=("interpolation", "channel_axis"), check=_check_rotate)
def rotate(
    images: ArrayLike,
    angle: ArrayLike,
    *,
    interpolation: Interpolation = "bilinear",
    fill: Numbers = 0.0,
    channel_axis: int = 1,
) -> Array:
    """rotate(x, a)(p) = x(R(a) p), turned by a counter-clockwise around the centre.

    Differentiable in the angle unless the nearest pixel is taken.

    Args:
        images: [n, c, h, w] or [c, h, w], any unit; floating or uint8.
        angle: [] or [n], dimensionless; degrees, counter-clockwise.
        interpolation: "bilinear", or "nearest" as torchvision has it by default.
        fill: [] or [c], unit of images; what lies outside of the image, 0 by default.
        channel_axis: of a batch: 1, or -1 for [n, h, w, c].

    Returns:
        [n, c, h, w], unit and dtype of images; uint8 is rounded to the nearest level.

    Raises:
        ArgumentValueError: if interpolation is another one, or if the shape of images, angle or
            fill is.
        DtypeError: if images is neither floating nor uint8.

    Source:
        torchvision's rotate; beyond torch.nn.functional.grid_sample, torch 2.13.
    """
    x, axes = as_batch("rotate", images), axes_of("rotate", channel_axis)
    wide = computed("rotate", x)
    turn = per_image("rotate", "angle", angle, x).ravel().astype(wide.dtype)
    outside = per_color("rotate", "fill", fill, x, axes).astype(wide.dtype)
    matrix = pixel_matrix(-turn, 0.0, 0.0, 1.0, 0.0, 0.0).astype(wide.dtype)
    result = resampled(wide, matrix, outside, axes, interpolation)
    return as_given(returned(result, x.dtype), images)


@op(static=("channel_axis",))
def erase(
    images: ArrayLike,
    top: ArrayLike,
    left: ArrayLike,
    height: ArrayLike,
    width: ArrayLike,
    value: Numbers = 0.0,
    *,
    channel_axis: int = 1,
) -> Array:
    """erase(x, top, left, height, width, value) = x with that rectangle set to the value.

    Rectangles may reach beyond the image, and be empty. What is erased has the gradient 0.

    Args:
        images: [n, c, h, w] or [c, h, w], any unit; any dtype.
        top: [] or [n], dimensionless; the first row.
        left: [] or [n], dimensionless; the first column.
        height: [] or [n], dimensionless; rows.
        width: [] or [n], dimensionless; columns.
        value: [], [c] or the shape of images, unit of images; 0 by default. For uint8 it is
            clipped and rounded to the nearest level.
        channel_axis: of a batch: 1, or -1 for [n, h, w, c].

    Returns:
        [n, c, h, w], unit and dtype of images.

    Raises:
        ArgumentValueError: if the shape of images, of the rectangle or of value is another one.
        DtypeError: if the rectangle is not of integers.

    Source:
        Zhong et al. 2020; beyond torch.where, torch 2.13.
    """
    x, axes = as_batch("erase", images), axes_of("erase", channel_axis)
    rectangle = {"top": top, "left": left, "height": height, "width": width}
    first, beside, rows, columns = (
        whole("erase", name, number, x) for name, number in rectangle.items()
    )
    inside = rectangles(first, beside, rows, columns, axes.sizes(x))
    new = replacing(_replacement(value, x, axes), x.dtype)
    return as_given(jnp.where(axes.over_pixels(inside), new, x), images)


def _replacement(value: Numbers, x: Array, axes: Axes) -> Array:
    """What broadcasts with the batch: a number, a colour, or other images."""
    if several(value) is None and jnp.ndim(cast(ArrayLike, value)) > 1:
        new = as_batch("erase", cast(ArrayLike, value))
        if new.shape != x.shape:
            raise ArgumentValueError(
                f"erase: value must be [], [c] or as large as images, {x.shape}, got {new.shape}"
            )
        return new
    return per_color("erase", "value", value, x, axes)


# ----------------------------------------------------------------------------------------- colours


def _check_brightness(
    images: ArrayLike, brightness_factor: ArrayLike, *, channel_axis: int = 1
) -> None:
    check_bounds("adjust_brightness", "brightness_factor", brightness_factor, 0)


@op(static=("channel_axis",), check=_check_brightness, by_value=True)
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
    wide = computed("adjust_brightness", x)
    factor = per_image("adjust_brightness", "brightness_factor", brightness_factor, x)
    result = brightened(wide, factor.astype(wide.dtype), axes, white(x.dtype))
    result = bounded("adjust_brightness", "brightness_factor", result, factor, 0)
    return as_given(returned(result, x.dtype), images)


def _check_contrast(
    images: ArrayLike, contrast_factor: ArrayLike, *, channel_axis: int = 1
) -> None:
    check_bounds("adjust_contrast", "contrast_factor", contrast_factor, 0)


@op(static=("channel_axis",), check=_check_contrast, by_value=True)
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
    wide = computed("adjust_contrast", x)
    factor = per_image("adjust_contrast", "contrast_factor", contrast_factor, x)
    result = contrasted(wide, factor.astype(wide.dtype), axes, white(x.dtype))
    result = bounded("adjust_contrast", "contrast_factor", result, factor, 0)
    return as_given(returned(result, x.dtype), images)


def _check_saturation(
    images: ArrayLike, saturation_factor: ArrayLike, *, channel_axis: int = 1
) -> None:
    check_bounds("adjust_saturation", "saturation_factor", saturation_factor, 0)


@op(static=("channel_axis",), check=_check_saturation, by_value=True)
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
    wide = computed("adjust_saturation", x)
    factor = per_image("adjust_saturation", "saturation_factor", saturation_factor, x)
    result = saturated(wide, factor.astype(wide.dtype), axes, white(x.dtype))
    result = bounded("adjust_saturation", "saturation_factor", result, factor, 0)
    return as_given(returned(result, x.dtype), images)


def _check_hue(images: ArrayLike, hue_factor: ArrayLike, *, channel_axis: int = 1) -> None:
    check_bounds("adjust_hue", "hue_factor", hue_factor, -0.5, 0.5)


@op(static=("channel_axis",), check=_check_hue, by_value=True)
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
    wide = computed("adjust_hue", x)
    factor = per_image("adjust_hue", "hue_factor", hue_factor, x)
    result = hue_turned(wide, factor.astype(wide.dtype), axes, white(x.dtype))
    result = bounded("adjust_hue", "hue_factor", result, factor, -0.5, 0.5)
    return as_given(returned(result, x.dtype), images)


def _check_normalize(
    images: ArrayLike,
    mean: Numbers,
    std: Numbers,
    *,
    channel_axis: int = 1,
) -> None:
    if any(is_number(number) and number == 0 for number in several(std) or (std,)):
        raise ArgumentValueError(f"normalize_image: std must not be 0, got {std}")


@op(static=("channel_axis",), check=_check_normalize)
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
    wide = computed("normalize_image", x)
    center, scale = (
        per_color("normalize_image", name, value, x, axes).astype(wide.dtype)
        for name, value in (("mean", mean), ("std", std))
    )
    return as_given(((wide - center) / scale).astype(x.dtype), images)
