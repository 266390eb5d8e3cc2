"""Random augmentation: functions of a key and a batch, in which every image has its own draw.

A batch is [n, c, h, w], as torch's, or [n, h, w, c] with channel_axis=-1; a single image is the
same without the first axis and gets what a batch of one gets. Gradients pass to the images. Out of
bounds, a probability or strength that is traced gives nan, or 0 where images are integers.
"""

import functools
import operator
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple, cast

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.typing import ArrayLike

from jaxact._checking import defined
from jaxact._core import ArgumentValueError, DtypeError, as_array, is_number, op
from jaxact.regularizers.augmentation._color import check_colors, jittered
from jaxact.regularizers.augmentation._images import (
    Axes,
    Interval,
    Numbers,
    PaddingMode,
    as_batch,
    as_given,
    axes_of,
    bounded,
    check_bounds,
    check_key,
    check_number,
    computed,
    per_color,
    rectangles,
    replacing,
    returned,
    several,
    white,
    windows,
)
from jaxact.regularizers.augmentation._resampling import (
    Interpolation,
    check_interpolation,
    pixel_matrix,
    resampled,
)

__all__ = [
    "color_jitter",
    "compose",
    "random_affine",
    "random_crop",
    "random_erasing",
    "random_horizontal_flip",
    "random_rotation",
    "random_vertical_flip",
]


# -------------------------------------------------------------------------------- drawn intervals


class _Range(NamedTuple):
    """An interval, and the numbers that the user gave for it: the same twice, if it was one."""

    low: ArrayLike
    high: ArrayLike
    given: Interval


def _numbers(function: str, argument: str, value: Numbers) -> tuple[ArrayLike, ...] | None:
    """The numbers of a sequence or of an array of one axis; None of a single number.

    Raises:
        TypeError: if something else is among them.
        ArgumentValueError: if there are more axes.
    """
    numbers = several(value)
    if numbers is None and not is_number(value):
        array = as_array(function, argument, cast(ArrayLike, value))
        # numpy's numbers, unlike JAX's, are known to Python.
        numbers = tuple(cast(Any, value)) if array.ndim == 1 else None
    for number in (cast(ArrayLike, value),) if numbers is None else numbers:
        check_number(function, argument, number)
    return numbers


def _interval(
    function: str, argument: str, value: Numbers, center: float, least: float, most: float
) -> _Range:
    """The interval from both of its ends, or from how far they are from the centre.

    Raises:
        TypeError: if value is no number, array or sequence of them.
        ArgumentValueError: if there are not two, or Python knows that they are crossed or out of
            bounds.
    """
    pair = _numbers(function, argument, value)
    if pair is None:
        radius = cast(ArrayLike, value)
        check_bounds(function, argument, radius, 0, most - center)
        low = center - radius
        low = max(low, least) if is_number(low) else jnp.maximum(low, least)
        return _Range(low, center + radius, (radius, radius))
    if len(pair) != 2:
        raise ArgumentValueError(
            f"{function}: {argument} must be one number or two, got {len(pair)} of them"
        )
    low, high = pair
    if is_number(low) and is_number(high) and not least <= low <= high <= most:
        raise ArgumentValueError(
            f"{function}: {argument} must be {_in_order(least, most)}, got {low} and {high}"
        )
    return _Range(low, high, (low, high))


def _in_order(least: float, most: float) -> str:
    return f"an interval in [{least:g}, {most:g}], its lower end first"


def _within(
    function: str,
    argument: str,
    result: Array,
    given: _Range,
    least: float,
    most: float,
    center: float | None = None,
) -> Array:
    """The result, and nan if ends that only the running program knows are no interval.

    Args:
        function: whose result it is.
        argument: that the interval was given by.
        result: what broadcasts with one number.
        given: the interval.
        least: the smallest number that it may have.
        most: the largest one.
        center: of the interval, where the argument may be its distance from the ends.
    """
    low, high = _as_arrays(given)
    holds = (low >= least) & (low <= high) & (high <= most)
    radius = "" if center is None else f"{_distance(most - center)}, or "
    message = f"{function}: {argument} must be {radius}{_in_order(least, most)}, got {{value}}"
    first, second = (jnp.asarray(number) for number in given.given)
    return defined(
        result, holds, ArgumentValueError, message, jnp.where(first < least, first, second)
    )


def _distance(most: float) -> str:
    return "at least 0" if np.isinf(most) else f"in [0, {most:g}]"


def _draws(key: Array, count: int, x: Array) -> Array:
    """[count, n], uniform on [0, 1), `count` numbers for each image.

    One call for all of them, since each one is a large program to compile. 32 bits, so that the
    switch to 64 bits changes no draw.
    """
    return jax.random.uniform(key, (count, x.shape[0]), np.float32)


def _between(draw: Array, ends: tuple[Array, Array]) -> Array:
    """Uniform numbers between the ends, which are differentiated, in their dtype."""
    low, high = ends
    return low + draw.astype(low.dtype) * (high - low)


def _below(draw: Array, count: ArrayLike) -> Array:
    """Uniform whole numbers from 0 to count - 1."""
    return jnp.floor(draw * count).astype(np.int32)


# ----------------------------------------------------------------------------------- crop and flip


def _check_crop(
    key: Array,
    images: ArrayLike,
    size: int | Sequence[int],
    *,
    padding: int | Sequence[int] = 0,
    padding_mode: PaddingMode = "constant",
    channel_axis: int = 1,
) -> None:
    check_key("random_crop", key)
    if padding_mode not in ("constant", "reflect", "edge"):
        raise ArgumentValueError(
            "random_crop: padding_mode must be 'constant', 'reflect' or 'edge', "
            f"got {padding_mode!r}"
        )
    if min(_margins(padding)) < 0:
        raise ArgumentValueError(f"random_crop: padding must be at least 0, got {padding}")
    if min(_two_sizes(size)) < 1:
        raise ArgumentValueError(f"random_crop: size must be at least 1, got {size}")


def _two_sizes(size: int | Sequence[int]) -> tuple[int, int]:
    """Height and width."""
    numbers = _integers("size", size)
    if len(numbers) not in (1, 2):
        raise ArgumentValueError(f"random_crop: size must be one number or two, got {size}")
    return numbers[0], numbers[-1]


def _integers(argument: str, value: int | Sequence[int]) -> tuple[int, ...]:
    """Python's or numpy's, one of them or several.

    Raises:
        TypeError: if there is something else.
    """
    try:
        return tuple(map(operator.index, np.atleast_1d(np.asarray(value)).tolist()))
    except TypeError:
        raise TypeError(f"random_crop: {argument} must be of integers, got {value}") from None


def _margins(padding: int | Sequence[int]) -> tuple[int, int, int, int]:
    """Left, top, right, bottom: from all four, from left and top, or from one number."""
    numbers = _integers("padding", padding)
    if len(numbers) not in (1, 2, 4):
        raise ArgumentValueError(
            f"random_crop: padding must be one number, two or four, got {padding}"
        )
    left, top, right, bottom = (numbers * 4)[:4]
    return left, top, right, bottom


def random_crop(
    key: Array,
    images: ArrayLike,
    size: int | Sequence[int],
    *,
    padding: int | Sequence[int] = 0,
    padding_mode: PaddingMode = "constant",
    channel_axis: int = 1,
) -> Array:
    """random_crop(key, x, s)[i] = pad(x[i])[..., t : t + s, l : l + s], with t and l uniform.

    Every window that lies in the padded image is as likely as any other, for each image anew.

    Args:
        key: a JAX random key.
        images: [n, c, h, w] or [c, h, w], any unit; any dtype.
        size: of the result: height and width, or one number for both.
        padding: in pixels: on all sides; on left and right, top and bottom; or on left, top, right
            and bottom.
        padding_mode: "constant" for zeros, "reflect" without repeating the border, or "edge".
        channel_axis: of a batch: 1, or -1 for [n, h, w, c].

    Returns:
        [n, c, *size], unit and dtype of images.

    Raises:
        ArgumentValueError: if size is larger than the padded image, if images has neither three
            axes nor four, or if an option is another one.
        TypeError: if key is None or images is no array.

    Source:
        torchvision's RandomCrop; beyond torch.nn.functional.pad, torch 2.13.
    """
    _check_crop(
        key, images, size, padding=padding, padding_mode=padding_mode, channel_axis=channel_axis
    )
    return _random_crop(
        key, images, _two_sizes(size), _margins(padding), padding_mode, channel_axis
    )


@op(static=("size", "margins", "padding_mode", "channel_axis"))
def _random_crop(
    key: Array,
    images: ArrayLike,
    size: tuple[int, int],
    margins: tuple[int, int, int, int],
    padding_mode: PaddingMode,
    channel_axis: int,
) -> Array:
    x, axes = as_batch("random_crop", images), axes_of("random_crop", channel_axis)
    left, top, right, bottom = margins
    height, width = axes.sizes(x)
    rooms = (height + top + bottom - size[0], width + left + right - size[1])
    if min(rooms) < 0:
        raise ArgumentValueError(
            f"random_crop: size must be at most that of the padded image, "
            f"({height + top + bottom}, {width + left + right}), got {size}"
        )
    if padding_mode == "reflect" and (max(top, bottom) >= height or max(left, right) >= width):
        raise ArgumentValueError(
            f"random_crop: padding must be less than the image, ({height}, {width}), to reflect "
            f"it, got {margins}"
        )
    around = [(0, 0)] * 4
    around[axes.height], around[axes.width] = (top, bottom), (left, right)
    down, right = (
        _below(draw, room + 1) for draw, room in zip(_draws(key, 2, x), rooms, strict=True)
    )
    padded = jnp.pad(x, around, mode=padding_mode)
    return as_given(windows(padded, down, right, size, axes), images)


def _check_flip(
    function: str, key: Array, images: ArrayLike, p: ArrayLike = 0.5, *, channel_axis: int = 1
) -> None:
    check_key(function, key)
    check_number(function, "p", p)
    check_bounds(function, "p", p, 0, 1)


@op(
    static=("channel_axis",),
    check=functools.partial(_check_flip, "random_horizontal_flip"),
    by_value=True,
)
def random_horizontal_flip(
    key: Array, images: ArrayLike, p: ArrayLike = 0.5, *, channel_axis: int = 1
) -> Array:
    """random_horizontal_flip(key, x, p)[i] = horizontal_flip(x[i]) with probability p, else x[i].

    Args:
        key: a JAX random key.
        images: [n, c, h, w] or [c, h, w], any unit; any dtype.
        p: [], dimensionless; the probability, 1/2 by default.
        channel_axis: of a batch: 1, or -1 for [n, h, w, c].

    Returns:
        [n, c, h, w], unit and dtype of images.

    Raises:
        ArgumentValueError: if p is outside of [0, 1], or images has neither three axes nor four.
        TypeError: if key is None or images is no array.

    Source:
        torchvision's RandomHorizontalFlip; beyond torch.flip, torch 2.13.
    """
    axes = axes_of("random_horizontal_flip", channel_axis)
    return _flipped("random_horizontal_flip", key, images, p, axes.width)


@op(
    static=("channel_axis",),
    check=functools.partial(_check_flip, "random_vertical_flip"),
    by_value=True,
)
def random_vertical_flip(
    key: Array, images: ArrayLike, p: ArrayLike = 0.5, *, channel_axis: int = 1
) -> Array:
    """random_vertical_flip(key, x, p)[i] = vertical_flip(x[i]) with probability p, else x[i].

    Args:
        key: a JAX random key.
        images: [n, c, h, w] or [c, h, w], any unit; any dtype.
        p: [], dimensionless; the probability, 1/2 by default.
        channel_axis: of a batch: 1, or -1 for [n, h, w, c].

    Returns:
        [n, c, h, w], unit and dtype of images.

    Raises:
        ArgumentValueError: if p is outside of [0, 1], or images has neither three axes nor four.
        TypeError: if key is None or images is no array.

    Source:
        torchvision's RandomVerticalFlip; beyond torch.flip, torch 2.13.
    """
    axes = axes_of("random_vertical_flip", channel_axis)
    return _flipped("random_vertical_flip", key, images, p, axes.height)


def _flipped(function: str, key: Array, images: ArrayLike, p: ArrayLike, axis: int) -> Array:
    x, probability = as_batch(function, images), jnp.asarray(p)
    chosen = _draws(key, 1, x) < probability
    result = jnp.where(chosen.reshape(-1, 1, 1, 1), jnp.flip(x, axis), x)
    return as_given(_probable(function, result, probability), images)


def _probable(function: str, result: Array, p: Array) -> Array:
    return bounded(function, "p", result, p.astype(jnp.result_type(p, np.float32)), 0, 1)


# ------------------------------------------------------------------------------------- affine maps


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
    check_key("random_rotation", key)
    check_interpolation("random_rotation", interpolation)
    ends = _interval("random_rotation", "degrees", degrees, 0.0, -np.inf, np.inf)
    return _random_rotation(key, images, ends, fill, interpolation, channel_axis)


@op(static=("interpolation", "channel_axis"), by_value=True)
def _random_rotation(
    key: Array,
    images: ArrayLike,
    degrees: _Range,
    fill: Numbers,
    interpolation: Interpolation,
    channel_axis: int,
) -> Array:
    x, axes = as_batch("random_rotation", images), axes_of("random_rotation", channel_axis)
    wide = computed("random_rotation", x)
    angle = _between(_draws(key, 1, x)[0], _as_arrays(degrees, wide.dtype))
    matrix = pixel_matrix(-angle, 0.0, 0.0, 1.0, 0.0, 0.0).astype(wide.dtype)
    outside = per_color("random_rotation", "fill", fill, x, axes).astype(wide.dtype)
    result = resampled(wide, matrix, outside, axes, interpolation)
    result = _within("random_rotation", "degrees", result, degrees, -np.inf, np.inf, 0.0)
    return as_given(returned(result, x.dtype), images)


def _as_arrays(given: _Range, dtype: np.dtype | None = None) -> tuple[Array, Array]:
    """Low and high in that dtype, or in one that has all digits of both."""
    low, high = jnp.asarray(given.low), jnp.asarray(given.high)
    wide = jnp.result_type(low, high, np.float32) if dtype is None else dtype
    return low.astype(wide), high.astype(wide)


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
        translate: the largest shifts along x and y as shares of width and height, both in [0, 1];
            the shifts are whole numbers of pixels, as torchvision's.
        scale: the smallest and the largest scale, above 0.
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
    check_key("random_affine", key)
    check_interpolation("random_affine", interpolation)
    turn = _interval("random_affine", "degrees", degrees, 0.0, -np.inf, np.inf)
    ranges: dict[str, _Range] = {"degrees": turn}
    if translate is not None:
        shares = _two("random_affine", "translate", translate)
        for name, share in zip(("right", "down"), shares, strict=True):
            ranges[name] = _interval("random_affine", "translate", share, 0.0, -1.0, 1.0)
    if scale is not None:
        pair = _two("random_affine", "scale", scale)
        ranges["scale"] = _interval("random_affine", "scale", pair, 1.0, _TINY, np.inf)
    if shear is not None:
        numbers = _numbers("random_affine", "shear", shear)
        four = numbers if numbers is not None and len(numbers) == 4 else None
        parts: tuple[Numbers, ...] = (four[:2], four[2:]) if four else (shear,)
        for name, part in zip(("shear_x", "shear_y"), parts, strict=False):
            ranges[name] = _interval("random_affine", "shear", part, 0.0, -np.inf, np.inf)
    return _random_affine(key, images, ranges, fill, interpolation, channel_axis)


# Scales are divided by.
_TINY = float(np.finfo(np.float32).tiny)
# The argument, the bounds of the interval, and its centre if it may be given by a distance.
_AFFINE: dict[str, tuple[str, float, float, float | None]] = {
    "degrees": ("degrees", -np.inf, np.inf, 0.0),
    "scale": ("scale", _TINY, np.inf, None),
    "shear_x": ("shear", -np.inf, np.inf, 0.0),
    "shear_y": ("shear", -np.inf, np.inf, 0.0),
}
_NEUTRAL = {"right": 0.0, "down": 0.0, "scale": 1.0, "shear_x": 0.0, "shear_y": 0.0}


def _two(function: str, argument: str, value: Sequence[ArrayLike]) -> Interval:
    numbers = _numbers(function, argument, value)
    if numbers is None or len(numbers) != 2:
        raise ArgumentValueError(f"{function}: {argument} must be two numbers, got {value}")
    return numbers[0], numbers[1]


@op(static=("interpolation", "channel_axis"), by_value=True)
def _random_affine(
    key: Array,
    images: ArrayLike,
    ranges: Mapping[str, _Range],
    fill: Numbers,
    interpolation: Interpolation,
    channel_axis: int,
) -> Array:
    x, axes = as_batch("random_affine", images), axes_of("random_affine", channel_axis)
    wide = computed("random_affine", x)
    height, width = axes.sizes(x)
    draws = dict(zip(("degrees", *_NEUTRAL), _draws(key, 6, x), strict=True))
    drawn: dict[str, Array | float] = {
        **_NEUTRAL,
        **{name: _between(draws[name], _as_arrays(ranges[name], wide.dtype)) for name in ranges},
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
            result = _within("random_affine", argument, result, interval, least, most, center)
        else:
            share = jnp.asarray(interval.given[0])
            result = bounded("random_affine", "translate", result, share, 0, 1)
    return as_given(returned(result, x.dtype), images)


# ----------------------------------------------------------------------------------------- colours


# The neutral value, and the bounds of what may be drawn.
_FACTORS = {
    "brightness": (1.0, 0.0, np.inf),
    "contrast": (1.0, 0.0, np.inf),
    "saturation": (1.0, 0.0, np.inf),
    "hue": (0.0, -0.5, 0.5),
}


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
        name: _interval("color_jitter", name, value, *_FACTORS[name])
        for name, value in given.items()
        if not _is_nothing(value)
    }
    return _color_jitter(key, images, ranges, channel_axis)


def _is_nothing(value: Numbers) -> bool:
    return is_number(value) and value == 0


@op(static=("channel_axis",), by_value=True)
def _color_jitter(
    key: Array, images: ArrayLike, ranges: Mapping[str, _Range], channel_axis: int
) -> Array:
    x, axes = as_batch("color_jitter", images), axes_of("color_jitter", channel_axis)
    check_colors("color_jitter", x, axes)
    wide = computed("color_jitter", x)
    draws, places = jnp.split(_draws(key, 2 * len(_FACTORS), x)[..., None, None, None], 2)
    factors = {
        name: _between(draw, _as_arrays(ranges[name], wide.dtype))
        for name, draw in zip(_FACTORS, draws, strict=True)
        if name in ranges
    }
    order = jnp.argsort(places[: len(factors)], axis=0)
    result = jittered(wide, factors, order, axes, white(x.dtype))
    for name, interval in ranges.items():
        center, least, most = _FACTORS[name]
        result = _within("color_jitter", name, result, interval, least, most, center)
    return as_given(returned(result, x.dtype), images)


# ----------------------------------------------------------------------------------------- erasing


def _check_erasing(
    key: Array,
    images: ArrayLike,
    p: ArrayLike = 0.5,
    scale: Sequence[ArrayLike] = (0.02, 0.33),
    ratio: Sequence[ArrayLike] = (0.3, 3.3),
    value: Numbers | None = 0.0,
    *,
    channel_axis: int = 1,
) -> None:
    check_key("random_erasing", key)
    check_number("random_erasing", "p", p)
    check_bounds("random_erasing", "p", p, 0, 1)
    for argument, pair, bounds in (("scale", scale, (0.0, 1.0)), ("ratio", ratio, (_TINY, np.inf))):
        two = _two("random_erasing", argument, pair)
        _interval("random_erasing", argument, two, 0.0, *bounds)


# Rectangles that do not fit are drawn again, at most so many in all.
_ATTEMPTS = 10


@op(static=("channel_axis",), check=_check_erasing, by_value=True)
def random_erasing(
    key: Array,
    images: ArrayLike,
    p: ArrayLike = 0.5,
    scale: Sequence[ArrayLike] = (0.02, 0.33),
    ratio: Sequence[ArrayLike] = (0.3, 3.3),
    value: Numbers | None = 0.0,
    *,
    channel_axis: int = 1,
) -> Array:
    """random_erasing(key, x, p)[i] = erase(x[i], t, l, h, w, value) with probability p, else x[i].

    The rectangle's area is a uniform share of the image's, its height over its width is uniform on
    a logarithmic scale, and its place is uniform. Of ten of them the first one that is lower and
    narrower than the image is taken; if there is none, nothing is erased. The gradient of what is
    erased is 0.

    Args:
        key: a JAX random key.
        images: [n, c, h, w] or [c, h, w], any unit; any dtype.
        p: [], dimensionless; the probability, 1/2 by default.
        scale: the smallest and the largest share of the area, in [0, 1].
        ratio: the smallest and the largest height over width, above 0.
        value: [] or [c], unit of images; 0 by default, or None for standard normal numbers, each
            pixel its own. For uint8 it is clipped and rounded to the nearest level.
        channel_axis: of a batch: 1, or -1 for [n, h, w, c].

    Returns:
        [n, c, h, w], unit and dtype of images.

    Raises:
        ArgumentValueError: if p, scale or ratio is out of bounds or crossed, or if a shape is
            another one.
        TypeError: if key is None, or if value is None and images is not floating (DtypeError).

    Source:
        Zhong et al. 2020; torchvision's RandomErasing; beyond torch.where, torch 2.13.
    """
    x, axes = as_batch("random_erasing", images), axes_of("random_erasing", channel_axis)
    drawing, noise = jax.random.split(key)
    chance, down, right, *shapes = _draws(drawing, 3 + 2 * _ATTEMPTS, x)
    shares, ratios = (
        _Range(low, high, (low, high)) for low, high in ((scale[0], scale[1]), (ratio[0], ratio[1]))
    )
    size = axes.sizes(x)
    ends = _as_arrays(shares, chance.dtype), _as_arrays(ratios, chance.dtype)
    height, width = _erased_size(jnp.stack(shapes), *ends, size)
    probability = jnp.asarray(p)
    height *= chance < probability
    top, left = _below(down, size[0] - height + 1), _below(right, size[1] - width + 1)
    if value is None:
        new = _noise(noise, x, axes)
    else:
        new = replacing(per_color("random_erasing", "value", value, x, axes), x.dtype)
    inside = axes.over_pixels(rectangles(top, left, height, width, size))
    result = _probable("random_erasing", jnp.where(inside, new, x), probability)
    result = _within("random_erasing", "scale", result, shares, 0.0, 1.0)
    result = _within("random_erasing", "ratio", result, ratios, _TINY, np.inf)
    return as_given(result, images)


def _erased_size(
    draws: Array, shares: tuple[Array, Array], ratios: tuple[Array, Array], size: tuple[int, int]
) -> tuple[Array, Array]:
    """[n] heights and widths from [2 attempts, n] numbers, 0 where no rectangle fits."""
    first, second = jnp.split(draws, 2)
    share = _between(first, shares)
    ratio = jnp.exp(_between(second, (jnp.log(ratios[0]), jnp.log(ratios[1]))))
    area = share * (size[0] * size[1])
    sides = jnp.round(jnp.stack([jnp.sqrt(area * ratio), jnp.sqrt(area / ratio)]))
    fits = (sides[0] < size[0]) & (sides[1] < size[1])
    first_to_fit = jnp.argmax(fits, axis=0)[None, None]
    sides = jnp.where(fits, sides, 0).astype(np.int32)
    height, width = jnp.take_along_axis(sides, first_to_fit, axis=1)[:, 0]
    return height, width


def _noise(key: Array, x: Array, axes: Axes) -> Array:
    """Standard normal numbers, the same for the same pixel in either layout."""
    if not jnp.issubdtype(x.dtype, jnp.floating):
        raise DtypeError(
            f"random_erasing: images must have a floating dtype to be erased with normal numbers, "
            f"got {x.dtype.name}"
        )
    shape = (x.shape[0], x.shape[axes.channel], *axes.sizes(x))
    return jnp.moveaxis(jax.random.normal(key, shape, x.dtype), 1, axes.channel)


# --------------------------------------------------------------------------------------- sequences


def compose(*transforms: Callable[[Array, Array], Array]) -> Callable[[Array, ArrayLike], Array]:
    """compose(f, g)(key, x) = g(k2, f(k1, x)), with k1, k2 = jax.random.split(key).

    Compiled, the whole sequence is one program: `jax.jit(compose(...))`. What needs no key goes in
    as `lambda key, x: ...`.

    Args:
        transforms: functions of a key and images, applied from left to right.

    Returns:
        A function of a key and images, [n, c, h, w] in any unit, that splits the key into one for
        each transform.

    Raises:
        TypeError: if the key that the function returned gets is None.

    Source:
        torchvision's Compose; beyond torch.nn.Sequential, torch 2.13.
    """

    def composed(key: Array, images: ArrayLike) -> Array:
        check_key("compose", key)
        x = jnp.asarray(images)
        for part, transform in zip(jax.random.split(key, len(transforms)), transforms, strict=True):
            x = transform(part, x)
        return x

    return composed
