# pyright: basic
"""Colours, changed at random or not: mistakes."""

from __future__ import annotations

import jax
import jax.numpy as jnp

from jaxact.regularizers import augmentation as right
from parity.mutation import Mutants
from parity.suite.regularizers.augmentation.colors import SPECS

MUTANTS = Mutants(SPECS)
_wrong = MUTANTS.wrong
WEIGHTS = jnp.array([0.2989, 0.587, 0.114])


def _each(number):
    return jnp.reshape(number, (-1, 1, 1, 1))


@_wrong("normalize_image", "arrays/float32/forward")
def _normalized_by_the_variance(images, mean, std, *, channel_axis=1):
    return right.normalize_image(images, mean, std**2)


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


def _batched(images):
    return images if jnp.ndim(images) == 4 else images[None]


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
