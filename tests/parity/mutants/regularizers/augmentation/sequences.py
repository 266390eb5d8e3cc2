# pyright: basic
"""Sequences of transformations: mistakes."""

from __future__ import annotations

import functools

import jax

from parity.mutation import Mutants
from parity.suite.regularizers.augmentation.references import STEPS
from parity.suite.regularizers.augmentation.sequences import SPECS

MUTANTS = Mutants(SPECS)
_wrong = MUTANTS.wrong


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
