# pyright: basic
"""Crops, at random or not: mistakes."""

from __future__ import annotations

import jax
import jax.numpy as jnp

from jaxact.regularizers import augmentation as right
from parity.mutation import Mutants
from parity.suite.regularizers.augmentation.crops import SPECS

MUTANTS = Mutants(SPECS)
_wrong = MUTANTS.wrong


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


def _crop(draw, most):
    """A random crop, less the last `most` positions."""

    def cropped(key, images, size, *, padding=0, **options):
        sides = padding if isinstance(padding, tuple) else (padding, padding)
        x = jnp.pad(images, ((0, 0), (0, 0), (sides[1],) * 2, (sides[0],) * 2))
        height, width = (size, size) if isinstance(size, int) else size
        rooms = jnp.array([x.shape[2] - height, x.shape[3] - width]) + 1 - most
        top, left = draw(key, (2, len(images)), rooms[:, None])
        return right.crop(x, top, left, height, width)

    return cropped


def _uniform(key, shape, rooms):
    return jax.random.randint(key, shape, 0, rooms)


@_wrong("random_crop", "corners_are_uniform/any/law")
def _corners_never_the_last(key, images, size, **options):
    return _crop(_uniform, 1)(key, images, size, **options)


@_wrong("random_crop", "corners_are_uniform/any/law")
def _corners_the_same_for_all_images(key, images, size, **options):
    def one(key, shape, rooms):
        return jnp.broadcast_to(_uniform(key, (2, 1), rooms), shape)

    return _crop(one, 0)(key, images, size, **options)


@_wrong("random_crop", "corners_are_uniform/any/law")
def _corners_on_the_diagonal(key, images, size, **options):
    """One number for rows and columns."""

    def equal(key, shape, rooms):
        share = jax.random.uniform(key, shape[1:])
        return jnp.floor(share * rooms).astype(int)

    return _crop(equal, 0)(key, images, size, **options)


@_wrong("random_crop", "corners_are_uniform/any/law")
def _corners_on_the_diagonal_with_the_channels_last(
    key, images, size, *, channel_axis=1, **options
):
    if channel_axis == 1:
        return right.random_crop(key, images, size, **options)
    first = jnp.moveaxis(images, -1, 1)
    return jnp.moveaxis(_corners_on_the_diagonal(key, first, size, **options), 1, -1)


@_wrong("random_crop", "corners_are_uniform/any/law")
def _crop_padded_on_one_side(key, images, size, *, padding=(0, 0), **options):
    right_and_bottom = (0, 0, 2 * padding[0], 2 * padding[1])
    return right.random_crop(key, images, size, padding=right_and_bottom, **options)
