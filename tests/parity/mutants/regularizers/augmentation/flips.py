# pyright: basic
"""Flips, at random or not: mistakes."""

from __future__ import annotations

import jax
import jax.numpy as jnp

from jaxact.regularizers import augmentation as right
from parity.mutation import Mutants
from parity.suite.regularizers.augmentation.flips import SPECS

MUTANTS = Mutants(SPECS)
_wrong = MUTANTS.wrong


@_wrong("horizontal_flip", "float32/forward")
def _flip_along_the_rows(images, *, channel_axis=1):
    return jnp.flip(images, 2)


@_wrong("vertical_flip", "float32/forward")
def _flip_turned_upside_down(images, *, channel_axis=1):
    return jnp.flip(images, (2, 3))


@_wrong("random_horizontal_flip", "have_their_rate/any/law")
def _flipped_all_or_none(key, images, p=0.5, *, channel_axis=1):
    return jnp.where(jax.random.bernoulli(key, p), jnp.flip(images, -1), images)


@_wrong("random_horizontal_flip", "have_their_rate/any/law")
def _flipped_with_the_other_probability(key, images, p=0.5, *, channel_axis=1):
    return right.random_horizontal_flip(key, images, 1 - p)


@_wrong("random_vertical_flip", "half/float32/forward")
def _flipped_along_the_wrong_axis(key, images, p=0.5, *, channel_axis=1):
    return right.random_horizontal_flip(key, images, p)
