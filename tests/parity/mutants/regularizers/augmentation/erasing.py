# pyright: basic
"""Erased rectangles, at random or not: mistakes."""

from __future__ import annotations

import jax
import jax.numpy as jnp

from jaxact.regularizers import augmentation as right
from parity.mutation import Mutants
from parity.suite.regularizers.augmentation.erasing import SPECS

MUTANTS = Mutants(SPECS)
_wrong = MUTANTS.wrong


@_wrong("erase", "bytes/float32/forward")
def _erased_to_sums_that_wrap(images, top, left, height, width, value=0.0, *, channel_axis=1):
    inside = (jnp.arange(5) >= top[:, None]) & (jnp.arange(5) < (top + height)[:, None])
    across = jnp.arange(7) >= left
    return jnp.where(inside[:, None, :, None] & across, value, images)


@_wrong("erase", "each/float32/forward")
def _erased_one_row_more(images, top, left, height, width, value=0.0, *, channel_axis=1):
    return right.erase(images, top, left, height + 1, width, value)


def _erased(key, images, p, scale, ratio, sides):
    chance, first, second, down, along = jax.random.split(key, 5)
    n, size = (len(images),), images.shape[2]
    share = jax.random.uniform(first, n, minval=scale[0], maxval=scale[1])
    height, width = sides(share, second, ratio)
    height, width = (jnp.round(side * size).astype(int) for side in (height, width))
    top = jax.random.randint(down, n, 0, size - height + 1)
    left = jax.random.randint(along, n, 0, size - width + 1)
    height *= jax.random.bernoulli(chance, p, n)
    return right.erase(images, top, left, height, width)


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
