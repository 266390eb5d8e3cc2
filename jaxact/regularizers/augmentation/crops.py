"""Crops, at random or not."""

import operator
from collections.abc import Sequence

import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.typing import ArrayLike

from jaxact._keys import check_key
from jaxact._op import op, program
from jaxact.errors import ArgumentValueError, InvalidTypeError
from jaxact.regularizers.augmentation._draws import uniform_below, uniform_draws
from jaxact.regularizers.augmentation._images import (
    PaddingMode,
    as_batch,
    as_given,
    as_integers,
    axes_of,
    windows,
)

__all__ = ["crop", "random_crop"]


def _check_crop(function: str, height: int, width: int) -> None:
    if height < 1 or width < 1:
        raise ArgumentValueError(
            f"crop: height and width must be at least 1, got {height} and {width}"
        )


@op(static=("height", "width", "channel_axis"), checks={("height", "width"): _check_crop})
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
    corner = (as_integers("crop", "top", top, x), as_integers("crop", "left", left, x))
    # Windows that begin farther out see the same zeros.
    down, right = (
        jnp.clip(first, -size, most) + size
        for first, size, most in zip(corner, (height, width), axes.sizes(x), strict=True)
    )
    around = [(0, 0)] * 4
    around[axes.height], around[axes.width] = (height, height), (width, width)
    padded = jnp.pad(x, around)
    return as_given(windows(padded, down, right, (height, width), axes), images)


def _check_random_crop(
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
        raise InvalidTypeError(
            f"random_crop: {argument} must be of integers, got {value}"
        ) from None


def _margins(padding: int | Sequence[int]) -> tuple[int, int, int, int]:
    """Left, top, right, bottom: from all four, from left and top, or from one number."""
    numbers = _integers("padding", padding)
    if len(numbers) not in (1, 2, 4):
        raise ArgumentValueError(
            f"random_crop: padding must be one number, two or four, got {padding}"
        )
    left, top, right, bottom = (numbers * 4)[:4]
    return left, top, right, bottom


@op(static=("size", "padding", "padding_mode", "channel_axis"), compiled=False)
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
    _check_random_crop(
        key, images, size, padding=padding, padding_mode=padding_mode, channel_axis=channel_axis
    )
    return _random_crop(
        key, images, _two_sizes(size), _margins(padding), padding_mode, channel_axis
    )


@program(static=("size", "margins", "padding_mode", "channel_axis"))
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
        uniform_below(draw, room + 1)
        for draw, room in zip(uniform_draws(key, 2, x), rooms, strict=True)
    )
    padded = jnp.pad(x, around, mode=padding_mode)
    return as_given(windows(padded, down, right, size, axes), images)
