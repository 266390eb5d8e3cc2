"""Batches of images in either layout: their axes, dtypes and windows."""

from dataclasses import dataclass
from typing import Literal, cast

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array, lax
from jax.typing import ArrayLike

from jaxact._arguments import as_array
from jaxact._numbers import broadcast_to, compute_dtype
from jaxact.errors import ArgumentValueError, DtypeError
from jaxact.regularizers.augmentation._numbers import Numbers, as_tuple

LEVELS = 255
PaddingMode = Literal["constant", "reflect", "edge"]


@dataclass(frozen=True)
class Axes:
    """The axes of a batch [n, c, h, w] or [n, h, w, c]."""

    channel: int
    height: int
    width: int

    def sizes(self, x: Array) -> tuple[int, int]:
        """Height and width."""
        return x.shape[self.height], x.shape[self.width]

    def channels(self, x: Array) -> list[Array]:
        """Every channel of the batch, the axis kept."""
        return jnp.split(x, x.shape[self.channel], axis=self.channel)

    def along_channels(self, values: Array) -> Array:
        """[] or [c] in a shape that broadcasts along the channels of a batch."""
        shape = [1, 1, 1, 1]
        shape[self.channel] = values.size
        return values.reshape(shape)

    def over_pixels(self, values: Array) -> Array:
        """[n, h, w] with an axis of one channel."""
        return jnp.expand_dims(values, self.channel)


CHANNELS_FIRST = Axes(channel=1, height=2, width=3)
CHANNELS_LAST = Axes(channel=3, height=1, width=2)
LAYOUTS = {1: CHANNELS_FIRST, -3: CHANNELS_FIRST, -1: CHANNELS_LAST, 3: CHANNELS_LAST}


def axes_of(function: str, channel_axis: int) -> Axes:
    """The layout of a batch whose channels are on that axis.

    Raises:
        ArgumentValueError: if it is neither that of [n, c, h, w] nor that of [n, h, w, c].
    """
    if channel_axis not in LAYOUTS:
        raise ArgumentValueError(
            f"{function}: channel_axis must be 1 for [n, c, h, w] or -1 for [n, h, w, c], "
            f"got {channel_axis}"
        )
    return LAYOUTS[channel_axis]


def as_batch(function: str, images: ArrayLike) -> Array:
    """The images with four axes: a single one becomes a batch of one.

    Raises:
        TypeError: if images is no array.
        ArgumentValueError: if it has neither three axes nor four.
    """
    x = as_array(function, "images", images)
    if x.ndim not in (3, 4):
        raise ArgumentValueError(
            f"{function}: images must be a batch [n, c, h, w] or an image [c, h, w], "
            f"got shape {x.shape}"
        )
    return x if x.ndim == 4 else x[None]


def as_given(result: Array, images: ArrayLike) -> Array:
    """The batch, or its one image if `images` was a single image."""
    return result if jnp.ndim(images) == 4 else result[0]


def to_compute(function: str, x: Array) -> Array:
    """The batch in the dtype to compute in; uint8 becomes float32 in [0, 255].

    Raises:
        DtypeError: if it is neither floating nor uint8.
    """
    if not (jnp.issubdtype(x.dtype, jnp.floating) or x.dtype == jnp.uint8):
        raise DtypeError(
            f"{function}: images must have a floating dtype or uint8, got {x.dtype.name}"
        )
    return x.astype(np.float32 if x.dtype == jnp.uint8 else compute_dtype(x.dtype))


def as_pixels(values: Array, x: Array) -> Array:
    """Values that replace pixels of x, in its dtype; for uint8 clipped to [0, 255] and rounded."""
    values = broadcast_to(values, x.shape)
    return from_compute(values.astype(np.float32) if x.dtype == jnp.uint8 else values, x.dtype)


def from_compute(result: Array, dtype: np.dtype) -> Array:
    """The result in the dtype of the images; for uint8 clipped to [0, 255] and rounded."""
    if dtype == jnp.uint8:
        return jnp.clip(jnp.round(result), 0, LEVELS).astype(dtype)
    return result.astype(dtype)


def max_value(dtype: np.dtype) -> float:
    """The value of white: 255 for uint8, else 1."""
    return LEVELS if dtype == jnp.uint8 else 1.0


def per_image(function: str, argument: str, value: ArrayLike, x: Array) -> Array:
    """[] or [n] as [1, 1, 1, 1] or [n, 1, 1, 1].

    Raises:
        ArgumentValueError: if it has more axes, or another length than the batch.
    """
    array = as_array(function, argument, value)
    if array.shape not in ((), (1,), (x.shape[0],)):
        raise ArgumentValueError(
            f"{function}: {argument} must be one number or one for each of {x.shape[0]} images, "
            f"got shape {array.shape}"
        )
    return array.reshape(-1, 1, 1, 1)


def per_color(function: str, argument: str, value: Numbers, x: Array, axes: Axes) -> Array:
    """[] or [c], also as a sequence of numbers, in a shape that broadcasts along the channels.

    Raises:
        ArgumentValueError: if it has more axes, or another length than there are channels.
    """
    array = _stacked(value)
    channels = x.shape[axes.channel]
    if array.shape not in ((), (1,), (channels,)):
        raise ArgumentValueError(
            f"{function}: {argument} must be one number or one for each of {channels} channels, "
            f"got shape {array.shape}"
        )
    return axes.along_channels(array)


def _stacked(value: Numbers) -> Array:
    numbers = as_tuple(value)
    if numbers is None:
        return jnp.asarray(cast(ArrayLike, value))
    return jnp.stack([jnp.asarray(number) for number in numbers])


def as_integers(function: str, argument: str, value: ArrayLike, x: Array) -> Array:
    """[] or [n] integers of any dtype as [1] or [n] of int32, clipped to its range.

    Raises:
        ArgumentValueError: if the shape is another one.
        DtypeError: if they are no integers.
    """
    array = per_image(function, argument, value, x)
    if not jnp.issubdtype(array.dtype, jnp.integer):
        raise DtypeError(
            f"{function}: {argument} must have an integer dtype, got {array.dtype.name}"
        )
    given, wanted = jnp.iinfo(array.dtype), jnp.iinfo(np.int32)
    bounded_array = jnp.clip(array, max(given.min, wanted.min), min(given.max, wanted.max))
    return bounded_array.astype(np.int32).ravel()


def windows(x: Array, top: Array, left: Array, size: tuple[int, int], axes: Axes) -> Array:
    """From every image the window of that size whose corner is at (top, left), each [1] or [n]."""
    shape = list(x.shape[1:])
    shape[axes.height - 1], shape[axes.width - 1] = size

    def window(image: Array, top: Array, left: Array) -> Array:
        starts = [jnp.zeros_like(top)] * 3
        starts[axes.height - 1], starts[axes.width - 1] = top, left
        return lax.dynamic_slice(image, starts, shape)

    where = [jnp.broadcast_to(start, x.shape[:1]) for start in (top, left)]
    return jax.vmap(window)(x, *where)


def rectangles(
    top: Array, left: Array, height: Array, width: Array, size: tuple[int, int]
) -> Array:
    """[1 or n, h, w], True inside the rectangles, which are given in int32."""
    down, right = _mask_along(top, height, size[0]), _mask_along(left, width, size[1])
    return down[:, :, None] & right[:, None]


def _mask_along(first: Array, length: Array, size: int) -> Array:
    """[1 or n, size], True on [first, first + length)."""
    places = jnp.arange(size, dtype=np.int32)
    # The sum must not overflow int32.
    room = jnp.iinfo(np.int32).max - jnp.maximum(first, 0)
    end = first + jnp.clip(length, 0, room)
    return (places[None] >= first[:, None]) & (places[None] < end[:, None])
