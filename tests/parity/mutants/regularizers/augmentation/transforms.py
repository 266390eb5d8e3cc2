# pyright: basic
"""Transformations of images, without chance: mistakes."""

from __future__ import annotations

import jax
import jax.numpy as jnp

from jaxact.regularizers import augmentation as right
from parity.mutation import Mutants
from parity.suite.regularizers.augmentation.transforms import SPECS

MUTANTS = Mutants(SPECS)
_wrong = MUTANTS.wrong
WEIGHTS = jnp.array([0.2989, 0.587, 0.114])


def _each(number):
    return jnp.reshape(number, (-1, 1, 1, 1))


# ---------------------------------------------------------------------------------------- geometry


@_wrong("horizontal_flip", "float32/forward")
def _flip_along_the_rows(images, *, channel_axis=1):
    return jnp.flip(images, 2)


@_wrong("vertical_flip", "float32/forward")
def _flip_turned_upside_down(images, *, channel_axis=1):
    return jnp.flip(images, (2, 3))


@_wrong("crop", "beyond/float32/forward")
def _crop_moved_into_the_image(images, top, left, height, width, *, channel_axis=1):
    where = (0, 0, top, left)
    return jax.lax.dynamic_slice(images, where, (*images.shape[:2], height, width))


@_wrong("crop", "each/float32/forward")
def _crop_with_top_and_left_exchanged(images, top, left, height, width, *, channel_axis=1):
    return right.crop(images, left, top, height, width)


@_wrong("crop", "bytes/float32/forward")
def _crop_from_corners_in_their_own_dtype(images, top, left, height, width, *, channel_axis=1):
    """Bounds below 0 are large numbers there."""
    down, right_ = (
        jnp.clip(first.astype(jnp.uint8), jnp.array(-side).astype(jnp.uint8), size)
        for first, side, size in zip((top, left), (height, width), images.shape[2:], strict=True)
    )
    return right.crop(images, down, right_, height, width)


@_wrong("erase", "bytes/float32/forward")
def _erased_to_sums_that_wrap(images, top, left, height, width, value=0.0, *, channel_axis=1):
    inside = (jnp.arange(5) >= top[:, None]) & (jnp.arange(5) < (top + height)[:, None])
    across = jnp.arange(7) >= left
    return jnp.where(inside[:, None, :, None] & across, value, images)


@_wrong("rotate", "each/float32/forward")
def _rotation_clockwise(images, angle, **options):
    return right.rotate(images, -angle, **options)


@_wrong("rotate", "each/float32/forward")
def _rotation_in_half_images(images, angle, **options):
    """Which is none where the image is not square."""
    turn = jnp.deg2rad(angle)
    cosine, sine, zero = jnp.cos(turn), jnp.sin(turn), jnp.zeros_like(turn)
    rows = [jnp.stack([cosine, -sine, zero], -1), jnp.stack([sine, cosine, zero], -1)]
    return right.affine(images, jnp.stack(rows, -2), **options)


@_wrong("rotate", "nearest/float32/forward")
def _rotation_that_cuts_off_places(images, angle, **options):
    return right.rotate(images, angle, **{**options, "interpolation": "bilinear"})


@_wrong("affine", "bilinear/float32/forward")
def _affine_with_aligned_corners(images, matrix, **options):
    """-1 and 1 are the centres of the outermost pixels."""
    height, width = images.shape[2:]
    scale = jnp.array([width - 1, height - 1]) / jnp.array([width, height])
    inside = matrix * scale[:, None] / jnp.append(scale, 1.0)
    return right.affine(images, inside, **options)


@_wrong("affine", "bilinear/float32/forward")
def _affine_that_repeats_the_border(images, matrix, *, interpolation="bilinear", fill=0.0):
    around = ((0, 0), (0, 0), (8, 8), (8, 8))
    height, width = images.shape[2:]
    sides = jnp.array([(width + 16) / width, (height + 16) / height])
    larger = matrix * jnp.append(sides, 1.0) / sides[:, None]
    padded = right.affine(jnp.pad(images, around, mode="edge"), larger)
    return padded[:, :, 8:-8, 8:-8]


@_wrong("affine", "bilinear/float32/vjp")
def _affine_without_a_slope_in_the_matrix(images, matrix, **options):
    return right.affine(images, jax.lax.stop_gradient(matrix), **options)


@_wrong("affine_matrix", "5_by_7/float32/forward")
def _matrix_of_the_inverse_map(height, width, *, angle, translate, scale, shear):
    (x, y), (along_x, along_y) = translate, shear
    return right.affine_matrix(
        height,
        width,
        angle=-angle,
        translate=(-x, -y),
        scale=1 / scale,
        shear=(-along_x, -along_y),
    )


@_wrong("erase", "each/float32/forward")
def _erased_one_row_more(images, top, left, height, width, value=0.0, *, channel_axis=1):
    return right.erase(images, top, left, height + 1, width, value)


@_wrong("normalize_image", "arrays/float32/forward")
def _normalized_by_the_variance(images, mean, std, *, channel_axis=1):
    return right.normalize_image(images, mean, std**2)


# ----------------------------------------------------------------------------------------- colours


@_wrong("adjust_contrast", "each/float32/forward")
def _contrast_about_the_mean_of_the_batch(images, contrast_factor, *, channel_axis=1):
    mean = jnp.einsum("nchw,c->nhw", images, WEIGHTS).mean()
    factor = _each(contrast_factor)
    return jnp.clip(factor * images + (1 - factor) * mean, 0, 1)


@_wrong("adjust_contrast", "each/float32/forward")
def _contrast_about_the_mean_of_each_channel(images, contrast_factor, *, channel_axis=1):
    mean = images.mean((2, 3), keepdims=True)
    factor = _each(contrast_factor)
    return jnp.clip(factor * images + (1 - factor) * mean, 0, 1)


@_wrong("adjust_saturation", "each/float32/forward")
def _saturation_with_equal_weights(images, saturation_factor, *, channel_axis=1):
    grey = images.mean(1, keepdims=True)
    factor = _each(saturation_factor)
    return jnp.clip(factor * images + (1 - factor) * grey, 0, 1)


@_wrong("adjust_brightness", "each/float32/vjp")
def _brightness_without_white(images, brightness_factor, *, channel_axis=1):
    return images * _each(brightness_factor)


@_wrong("adjust_brightness", "ties/float32/vjp")
def _brightness_with_the_slope_of_clip(images, brightness_factor, *, channel_axis=1):
    """Half of it where black stays black."""
    return jnp.clip(_each(brightness_factor) * images, 0, 1)


@_wrong("adjust_brightness", "by_brightness_of_levels/uint8/forward")
def _levels_cut_off(images, brightness_factor, *, channel_axis=1):
    return jnp.clip(images * brightness_factor, 0, 255).astype(images.dtype)


def _hsv(images):
    red, green, blue = jnp.moveaxis(images, 1, 0)
    value, chroma = images.max(1), jnp.ptp(images, 1)
    safe = jnp.where(chroma == 0, 1, chroma)
    hue = jnp.where(value == green, 2 + (blue - red) / safe, 4 + (red - green) / safe)
    return jnp.where(value == red, (green - blue) / safe, hue), chroma, value


def _rgb(hue, chroma, value, sectors=6):
    place = (jnp.array([5, 3, 1]).reshape(3, 1, 1) + hue[:, None]) % sectors
    depth = jnp.clip(jnp.minimum(place, 4 - place), 0, 1)
    return value[:, None] - chroma[:, None] * depth


@_wrong("adjust_hue", "each/float32/forward")
def _hue_without_wraparound(images, hue_factor, *, channel_axis=1):
    hue, chroma, value = _hsv(images)
    turned = jnp.clip(hue % 6 + 6 * jnp.reshape(hue_factor, (-1, 1, 1)), 0, 6)
    return _rgb(turned, chroma, value)


@_wrong("adjust_hue", "each/float32/forward")
def _hue_turned_in_radians(images, hue_factor, *, channel_axis=1):
    hue, chroma, value = _hsv(images)
    return _rgb(hue + 2 * jnp.pi * jnp.reshape(hue_factor, (-1, 1, 1)), chroma, value)


@_wrong("adjust_hue", "ties/float32/vjp")
def _hue_without_a_slope_at_grey(images, hue_factor, *, channel_axis=1):
    """The quotient has a slope of 0/0."""
    red, green, blue = jnp.moveaxis(images, 1, 0)
    value, chroma = images.max(1), jnp.ptp(images, 1)
    hue = jnp.where(value == green, 2 + (blue - red) / chroma, 4 + (red - green) / chroma)
    hue = jnp.where(value == red, (green - blue) / chroma, hue)
    hue = jnp.where(chroma == 0, 0, hue)
    return _rgb(hue + 6 * jnp.reshape(hue_factor, (-1, 1, 1)), chroma, value)
