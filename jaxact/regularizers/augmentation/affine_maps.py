"""Affine maps: rotation, translation, scale and shear, at random or not."""

from collections.abc import Mapping, Sequence

import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.typing import ArrayLike

from jaxact._arguments import as_array, each_as_array
from jaxact._keys import random_key
from jaxact._op import op, program
from jaxact.errors import ArgumentValueError
from jaxact.regularizers.augmentation._draws import uniform_draws
from jaxact.regularizers.augmentation._images import (
    as_batch,
    as_given,
    axes_of,
    from_compute,
    per_color,
    per_image,
    to_compute,
)
from jaxact.regularizers.augmentation._intervals import (
    TINY,
    Range,
    as_arrays,
    nan_unless_interval,
    parse_interval,
    parse_numbers,
    two_numbers,
    uniform_between,
)
from jaxact.regularizers.augmentation._numbers import Numbers, nan_unless_bounded
from jaxact.regularizers.augmentation._resampling import (
    Interpolation,
    half_images,
    known_interpolation,
    pixel_matrix,
    resampled,
)

__all__ = ["affine", "affine_matrix", "random_affine", "random_rotation", "rotate"]


@op(static=("interpolation", "channel_axis"), checks={"interpolation": known_interpolation})
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
    wide = to_compute("affine", x)
    theta = theta.astype(wide.dtype).reshape(-1, 2, 3)
    in_pixels = theta * half_images(*axes.sizes(x), theta)
    outside = per_color("affine", "fill", fill, x, axes).astype(wide.dtype)
    result = resampled(wide, in_pixels, outside, axes, interpolation)
    return as_given(from_compute(result, x.dtype), images)


@op(
    static=("height", "width"),
    checks={"translate": each_as_array, "shear": each_as_array},
)
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
        translate: x to the right and y downwards, each [] or [n], dimensionless; pixels.
        scale: [] or [n], dimensionless; above 1 enlarges.
        shear: along x and y, each [] or [n], dimensionless; degrees.

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
    return in_pixels / half_images(height, width, in_pixels)


@op(static=("interpolation", "channel_axis"), checks={"interpolation": known_interpolation})
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
    wide = to_compute("rotate", x)
    turn = per_image("rotate", "angle", angle, x).ravel().astype(wide.dtype)
    outside = per_color("rotate", "fill", fill, x, axes).astype(wide.dtype)
    matrix = pixel_matrix(-turn, 0.0, 0.0, 1.0, 0.0, 0.0).astype(wide.dtype)
    result = resampled(wide, matrix, outside, axes, interpolation)
    return as_given(from_compute(result, x.dtype), images)


@op(
    static=("interpolation", "channel_axis"),
    compiled=False,
    checks={"key": random_key, "interpolation": known_interpolation},
)
def random_rotation(
    key: Array,
    images: ArrayLike,
    degrees: Numbers,
    *,
    interpolation: Interpolation = "bilinear",
    fill: Numbers = 0.0,
    channel_axis: int = 1,
) -> Array:
    """random_rotation(key, x, d)[i] = rotate(x[i], a), with a from U(-d, d) for each image.

    Args:
        key: a JAX random key.
        images: [n, c, h, w] or [c, h, w], any unit; floating or uint8.
        degrees: [], dimensionless; the largest angle either way, or the smallest and the largest
            one, counter-clockwise.
        interpolation: "bilinear", or "nearest" as torchvision has it by default.
        fill: [] or [c], unit of images; what lies outside of the image, 0 by default.
        channel_axis: of a batch: 1, or -1 for [n, h, w, c].

    Returns:
        [n, c, h, w], unit and dtype of images.

    Raises:
        ArgumentValueError: if degrees is negative or crossed, or if a shape or option is another
            one.
        TypeError: if key is None, or images is neither floating nor uint8 (DtypeError).

    Source:
        torchvision's RandomRotation; beyond torch.nn.functional.grid_sample, torch 2.13.
    """
    ends = parse_interval("random_rotation", "degrees", degrees, 0.0, -np.inf, np.inf)
    return _random_rotation(key, images, ends, fill, interpolation, channel_axis)


@program(static=("interpolation", "channel_axis"))
def _random_rotation(
    key: Array,
    images: ArrayLike,
    degrees: Range,
    fill: Numbers,
    interpolation: Interpolation,
    channel_axis: int,
) -> Array:
    x, axes = as_batch("random_rotation", images), axes_of("random_rotation", channel_axis)
    wide = to_compute("random_rotation", x)
    angle = uniform_between(uniform_draws(key, 1, x)[0], as_arrays(degrees, wide.dtype))
    matrix = pixel_matrix(-angle, 0.0, 0.0, 1.0, 0.0, 0.0).astype(wide.dtype)
    outside = per_color("random_rotation", "fill", fill, x, axes).astype(wide.dtype)
    result = resampled(wide, matrix, outside, axes, interpolation)
    result = nan_unless_interval(
        "random_rotation", "degrees", result, degrees, -np.inf, np.inf, 0.0
    )
    return as_given(from_compute(result, x.dtype), images)


@op(
    static=("interpolation", "channel_axis"),
    compiled=False,
    checks={"key": random_key, "interpolation": known_interpolation},
)
def random_affine(
    key: Array,
    images: ArrayLike,
    degrees: Numbers,
    translate: Sequence[ArrayLike] | None = None,
    scale: Sequence[ArrayLike] | None = None,
    shear: Numbers | None = None,
    *,
    interpolation: Interpolation = "bilinear",
    fill: Numbers = 0.0,
    channel_axis: int = 1,
) -> Array:
    """random_affine(key, x, d)[i] = affine(x[i], affine_matrix(h, w, angle=a)), a from U(-d, d).

    Translation, scale and shear are drawn for each image as well if they are given.

    Args:
        key: a JAX random key.
        images: [n, c, h, w] or [c, h, w], any unit; floating or uint8.
        degrees: [], dimensionless; the largest angle either way, or the smallest and the largest
            one, clockwise as torchvision's RandomAffine has it.
        translate: the largest shifts along x and y, each [], dimensionless; shares of width and
            height in [0, 1]. The shifts are whole numbers of pixels, as torchvision's.
        scale: the smallest and the largest scale, each [], dimensionless; above 0.
        shear: [], dimensionless; the largest angle either way along x in degrees, or the smallest
            and the largest one, or four numbers, such a pair along x and one along y.
        interpolation: "bilinear", or "nearest" as torchvision has it by default.
        fill: [] or [c], unit of images; what lies outside of the image, 0 by default.
        channel_axis: of a batch: 1, or -1 for [n, h, w, c].

    Returns:
        [n, c, h, w], unit and dtype of images.

    Raises:
        ArgumentValueError: if an interval is crossed or out of bounds, or if a shape or option is
            another one.
        TypeError: if key is None, or images is neither floating nor uint8 (DtypeError).

    Source:
        torchvision's RandomAffine; beyond torch.nn.functional.grid_sample, torch 2.13.
    """
    turn = parse_interval("random_affine", "degrees", degrees, 0.0, -np.inf, np.inf)
    ranges: dict[str, Range] = {"degrees": turn}
    if translate is not None:
        shares = two_numbers("random_affine", "translate", translate)
        for name, share in zip(("right", "down"), shares, strict=True):
            ranges[name] = parse_interval("random_affine", "translate", share, 0.0, -1.0, 1.0)
    if scale is not None:
        pair = two_numbers("random_affine", "scale", scale)
        ranges["scale"] = parse_interval("random_affine", "scale", pair, 1.0, TINY, np.inf)
    if shear is not None:
        numbers = parse_numbers("random_affine", "shear", shear)
        four = numbers if numbers is not None and len(numbers) == 4 else None
        parts: tuple[Numbers, ...] = (four[:2], four[2:]) if four else (shear,)
        for name, part in zip(("shear_x", "shear_y"), parts, strict=False):
            ranges[name] = parse_interval("random_affine", "shear", part, 0.0, -np.inf, np.inf)
    return _random_affine(key, images, ranges, fill, interpolation, channel_axis)


# The argument, the bounds of the interval, and its centre if it may be given by a distance.
_AFFINE: dict[str, tuple[str, float, float, float | None]] = {
    "degrees": ("degrees", -np.inf, np.inf, 0.0),
    "scale": ("scale", TINY, np.inf, None),
    "shear_x": ("shear", -np.inf, np.inf, 0.0),
    "shear_y": ("shear", -np.inf, np.inf, 0.0),
}
_NEUTRAL = {"right": 0.0, "down": 0.0, "scale": 1.0, "shear_x": 0.0, "shear_y": 0.0}


@program(static=("interpolation", "channel_axis"))
def _random_affine(
    key: Array,
    images: ArrayLike,
    ranges: Mapping[str, Range],
    fill: Numbers,
    interpolation: Interpolation,
    channel_axis: int,
) -> Array:
    x, axes = as_batch("random_affine", images), axes_of("random_affine", channel_axis)
    wide = to_compute("random_affine", x)
    height, width = axes.sizes(x)
    draws = dict(zip(("degrees", *_NEUTRAL), uniform_draws(key, 6, x), strict=True))
    drawn: dict[str, Array | float] = {
        **_NEUTRAL,
        **{
            name: uniform_between(draws[name], as_arrays(ranges[name], wide.dtype))
            for name in ranges
        },
    }
    right, down = jnp.round(drawn["right"] * width), jnp.round(drawn["down"] * height)
    matrix = pixel_matrix(
        drawn["degrees"], right, down, drawn["scale"], drawn["shear_x"], drawn["shear_y"]
    )
    outside = per_color("random_affine", "fill", fill, x, axes).astype(wide.dtype)
    result = resampled(wide, matrix.astype(wide.dtype), outside, axes, interpolation)
    for name, interval in ranges.items():
        if name in _AFFINE:
            argument, least, most, center = _AFFINE[name]
            result = nan_unless_interval(
                "random_affine", argument, result, interval, least, most, center
            )
        else:
            share = jnp.asarray(interval.given[0])
            result = nan_unless_bounded("random_affine", "translate", result, share, 0, 1)
    return as_given(from_compute(result, x.dtype), images)
