# pyright: basic
"""Random augmentation of images: mistakes."""

from __future__ import annotations

import functools

import jax
import jax.numpy as jnp

from jaxact.regularizers import augmentation as right
from jaxact.regularizers import augmentation as transforms
from parity.mutation import Mutants
from parity.suite.regularizers.augmentation.random_transforms import SPECS
from parity.suite.regularizers.augmentation.random_transforms_references import STEPS

MUTANTS = Mutants(SPECS)
_wrong = MUTANTS.wrong


def _batched(images):
    return images if jnp.ndim(images) == 4 else images[None]


# ----------------------------------------------------------------------------------- crop and flip


def _crop(draw, most):
    """A random crop, less the last `most` positions."""

    def cropped(key, images, size, *, padding=0, **options):
        sides = padding if isinstance(padding, tuple) else (padding, padding)
        x = jnp.pad(images, ((0, 0), (0, 0), (sides[1],) * 2, (sides[0],) * 2))
        height, width = (size, size) if isinstance(size, int) else size
        rooms = jnp.array([x.shape[2] - height, x.shape[3] - width]) + 1 - most
        top, left = draw(key, (2, len(images)), rooms[:, None])
        return transforms.crop(x, top, left, height, width)

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
def _crop_padded_on_one_side(key, images, size, *, padding=(0, 0), **options):
    right_and_bottom = (0, 0, 2 * padding[0], 2 * padding[1])
    return right.random_crop(key, images, size, padding=right_and_bottom, **options)


@_wrong("random_horizontal_flip", "have_their_rate/any/law")
def _flipped_all_or_none(key, images, p=0.5, *, channel_axis=1):
    return jnp.where(jax.random.bernoulli(key, p), jnp.flip(images, -1), images)


@_wrong("random_horizontal_flip", "have_their_rate/any/law")
def _flipped_with_the_other_probability(key, images, p=0.5, *, channel_axis=1):
    return right.random_horizontal_flip(key, images, 1 - p)


@_wrong("random_vertical_flip", "half/float32/forward")
def _flipped_along_the_wrong_axis(key, images, p=0.5, *, channel_axis=1):
    return right.random_horizontal_flip(key, images, p)


# ------------------------------------------------------------------------------------- affine maps


@_wrong("random_rotation", "angles_are_uniform/any/law")
def _angles_one_way_only(key, images, degrees, **options):
    ends = degrees if isinstance(degrees, tuple) else (0.0, degrees)
    return right.random_rotation(key, images, ends, **options)


@_wrong("random_rotation", "angles_are_uniform/any/law")
def _angles_clockwise(key, images, degrees, **options):
    ends = (-degrees[1], -degrees[0]) if isinstance(degrees, tuple) else degrees
    return right.random_rotation(key, images, ends, **options)


@_wrong("random_affine", "scales_are_uniform/any/law")
def _scales_inverted(key, images, degrees, translate=None, scale=None, shear=None, **options):
    inverse = None if scale is None else (1 / scale[1], 1 / scale[0])
    return right.random_affine(key, images, degrees, translate, inverse, shear, **options)


@_wrong("random_affine", "translations_are_whole_and_uniform/any/law")
def _translations_in_half_images(
    key, images, degrees, translate=None, scale=None, shear=None, **options
):
    half = None if translate is None else tuple(share / 2 for share in translate)
    return right.random_affine(key, images, degrees, half, scale, shear, **options)


# ----------------------------------------------------------------------------------------- colours


@_wrong("color_jitter", "factors_are_uniform/any/law")
def _factors_only_down(key, images, brightness=0.0, contrast=0.0, saturation=0.0, hue=0.0):
    below = brightness if isinstance(brightness, tuple) else (max(1 - brightness, 0), 1.0)
    return right.color_jitter(key, images, below, contrast, saturation, hue)


@_wrong("color_jitter", "factors_are_uniform/any/law")
def _factors_the_same_for_all_images(key, images, *args, **values):
    x = _batched(images)
    keys = jnp.broadcast_to(key, x.shape[:1])
    return jax.vmap(lambda k, image: right.color_jitter(k, image, *args, **values))(keys, x)


@_wrong("color_jitter", "every_order_is_as_likely/any/law")
def _colors_in_fixed_order(key, images, *args, **values):
    for part, (name, value) in zip(jax.random.split(key, 4), values.items(), strict=False):
        images = right.color_jitter(part, images, **{name: value})
    return images


# ----------------------------------------------------------------------------------------- erasing


def _erased(key, images, p, scale, ratio, sides):
    chance, first, second, down, along = jax.random.split(key, 5)
    n, size = (len(images),), images.shape[2]
    share = jax.random.uniform(first, n, minval=scale[0], maxval=scale[1])
    height, width = sides(share, second, ratio)
    height, width = (jnp.round(side * size).astype(int) for side in (height, width))
    top = jax.random.randint(down, n, 0, size - height + 1)
    left = jax.random.randint(along, n, 0, size - width + 1)
    height *= jax.random.bernoulli(chance, p, n)
    return transforms.erase(images, top, left, height, width)


@_wrong("random_erasing", "areas_ratios_and_places_are_uniform/any/law")
def _erased_ratios_not_on_a_logarithmic_scale(
    key, images, p=0.5, scale=(0.02, 0.33), ratio=(0.3, 3.3)
):
    def sides(share, key, ratio):
        found = jax.random.uniform(key, share.shape, minval=ratio[0], maxval=ratio[1])
        return jnp.sqrt(share * found), jnp.sqrt(share / found)

    return _erased(key, images, p, scale, ratio, sides)


@_wrong("random_erasing", "areas_ratios_and_places_are_uniform/any/law")
def _erased_sides_uniform_instead_of_areas(
    key, images, p=0.5, scale=(0.02, 0.33), ratio=(0.3, 3.3)
):
    def sides(share, key, ratio):
        low, high = jnp.sqrt(scale[0]), jnp.sqrt(scale[1])
        side = low + (high - low) * (share - scale[0]) / (scale[1] - scale[0])
        found = jnp.exp(jax.random.uniform(key, share.shape, minval=-0.69, maxval=0.69) / 2)
        return side * found, side / found

    return _erased(key, images, p, scale, ratio, sides)


@_wrong("random_erasing", "what_does_not_fit_is_drawn_again/any/law")
def _erased_at_the_first_attempt_or_not(key, images, p=0.5, scale=(0.02, 0.33), ratio=(0.3, 3.3)):
    def sides(share, key, ratio):
        low, high = (jnp.log(end) for end in ratio)
        found = jnp.exp(jax.random.uniform(key, share.shape, minval=low, maxval=high))
        height, width = jnp.sqrt(share * found), jnp.sqrt(share / found)
        fits = (height < 1) & (width < 1)
        return height * fits, width * fits

    return _erased(key, images, p, scale, ratio, sides)


@_wrong("random_erasing", "noise_is_normal/any/law")
def _erased_with_one_number(key, images, *args, value=0.0, **values):
    number = jax.random.normal(jax.random.fold_in(key, 1)) if value is None else value
    return right.random_erasing(key, images, *args, value=number, **values)


# --------------------------------------------------------------------------------------- sequences


def _compose_with_one_key_for_all(*transforms):
    def composed(key, images):
        for transform in transforms:
            images = transform(key, images)
        return images

    return composed


def _compose_from_right_to_left(*transforms):
    def composed(key, images):
        parts = jax.random.split(key, len(transforms))
        for part, transform in zip(reversed(parts), reversed(transforms), strict=True):
            images = transform(part, images)
        return images

    return composed


for _mistake in (_compose_with_one_key_for_all, _compose_from_right_to_left):
    _wrong("compose", "five/float32/forward")(functools.wraps(_mistake)(_mistake(*STEPS)))
