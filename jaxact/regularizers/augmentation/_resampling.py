"""Resampling of images by affine maps, with torch.nn.functional.grid_sample's semantics.

Centres of pixels lie at whole numbers, and the image ends half a pixel beyond its last ones
(align_corners=False). What lies outside has the value `fill`.
"""

from typing import Literal

import jax.numpy as jnp
import numpy as np
from jax import Array, lax
from jax.typing import ArrayLike

from jaxact._arguments import one_of
from jaxact._numbers import compute_dtype
from jaxact.errors import ArgumentValueError
from jaxact.regularizers.augmentation._images import Axes

Interpolation = Literal["bilinear", "nearest"]
known_interpolation = one_of(
    "bilinear", "nearest", error=ArgumentValueError, no_text=ArgumentValueError
)


def pixel_matrix(
    angle: ArrayLike,
    x: ArrayLike,
    y: ArrayLike,
    scale: ArrayLike,
    shear_x: ArrayLike,
    shear_y: ArrayLike,
) -> Array:
    """[..., 2, 3], the map from pixels of the result to pixels of the image, from their centres.

    Args:
        angle: [] or [n], degrees, clockwise.
        x: [] or [n], pixels to the right.
        y: [] or [n], pixels down.
        scale: [] or [n].
        shear_x: [] or [n], degrees.
        shear_y: [] or [n], degrees.
    """
    dtype = compute_dtype(jnp.result_type(angle, x, y, scale, shear_x, shear_y, np.float32))
    turn, along_x, along_y = (_radians(jnp.asarray(v, dtype)) for v in (angle, shear_x, shear_y))
    back = 1 / jnp.asarray(scale, dtype)
    tilt, slant = jnp.tan(along_x), back / jnp.cos(along_y)
    cosine, sine = jnp.cos(turn - along_y) * slant, jnp.sin(turn - along_y) * slant
    # The inverse of rotation and shear, divided by the scale.
    linear = (
        (jnp.cos(turn) * back - sine * tilt, jnp.sin(turn) * back + cosine * tilt),
        (-sine, cosine),
    )
    rows = [(first, second, -(first * x + second * y)) for first, second in linear]
    shape = jnp.broadcast_shapes(*(entry.shape for row in rows for entry in row))
    columns = [jnp.stack([jnp.broadcast_to(e, shape) for e in row], -1) for row in rows]
    return jnp.stack(columns, -2)


def _radians(degrees: Array) -> Array:
    """The angle in radians. Whole turns are subtracted before, in degrees, where that is exact."""
    return jnp.deg2rad(degrees - 360 * lax.stop_gradient(jnp.round(degrees / 360)))


def half_images(height: int, width: int, matrix: Array) -> Array:
    """[..., 2, 3], the factors that turn a matrix in half images into one in pixels.

    Args:
        height: of the images.
        width: of the images.
        matrix: [..., 2, 3]; the factors have its number of axes and its dtype.
    """
    half = np.array([width, height]) / 2
    factors = np.concatenate([half[:, None] / half, half[:, None]], axis=1)
    return jnp.asarray(factors.reshape((1,) * (matrix.ndim - 2) + (2, 3)), matrix.dtype)


def resampled(
    x: Array, transform: Array, fill: Array, axes: Axes, interpolation: Interpolation
) -> Array:
    """Each image read where the affine map sends the pixels of the result.

    Args:
        x: a float batch.
        transform: [1 or n, 2, 3], in pixels from the centre: result's (x, y, 1) to image's (x, y).
        fill: the value outside of the image, broadcasts with x.
        axes: of x.
        interpolation: bilinear, or the nearest pixel.
    """
    height, width = axes.sizes(x)
    down = _centred(height, x.dtype)[None, :, None]
    right = _centred(width, x.dtype)[None, None]
    rows = transform[:, :, :, None, None]
    places_x = rows[:, 0, 0] * right + rows[:, 0, 1] * down + rows[:, 0, 2] + (width - 1) / 2
    places_y = rows[:, 1, 0] * right + rows[:, 1, 1] * down + rows[:, 1, 2] + (height - 1) / 2
    if interpolation == "nearest":
        return _pixels(x, jnp.round(places_y), jnp.round(places_x), fill, axes)
    return _between_pixels(x, places_y, places_x, fill, axes)


def _centred(size: int, dtype: np.dtype) -> Array:
    """Coordinates of the pixels' centres, 0 at that of the image."""
    return jnp.arange(size, dtype=dtype) - (size - 1) / 2


def _between_pixels(x: Array, y: Array, right: Array, fill: Array, axes: Axes) -> Array:
    top, left = jnp.floor(y), jnp.floor(right)
    low, aside = axes.over_pixels(y - top), axes.over_pixels(right - left)
    corners = [[_pixels(x, top + i, left + j, fill, axes) for j in (0, 1)] for i in (0, 1)]
    above, below = (first * (1 - aside) + second * aside for first, second in corners)
    return above * (1 - low) + below * low


def _pixels(x: Array, row: Array, column: Array, fill: Array, axes: Axes) -> Array:
    """The pixels at [1 or n, h, w] integer rows and columns, `fill` outside of the image."""
    height, width = axes.sizes(x)
    inside = (row >= 0) & (row <= height - 1) & (column >= 0) & (column <= width - 1)
    # where and not clip: nan has to become a valid index too.
    flat = jnp.where(inside, row, 0).astype(jnp.int32) * width
    flat += jnp.where(inside, column, 0).astype(jnp.int32)
    if axes.channel == 1:
        pixels, along, shape = x.reshape(*x.shape[:2], height * width), 2, (-1, 1, height * width)
    else:
        pixels, along, shape = x.reshape(x.shape[0], height * width, -1), 1, (-1, height * width, 1)
    taken = jnp.take_along_axis(pixels, flat.reshape(shape), along, mode="promise_in_bounds")
    return jnp.where(axes.over_pixels(inside), taken.reshape(x.shape), fill)
