"""The random functions of images as rows call them: the images first, the key by name."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from jaxact.regularizers import augmentation
from parity.suite.regularizers.subjects import Adapted

Function = Callable[..., Any]


class Keyed(Adapted):
    """f(images, ..., key=key) of f(key, images, ...)."""

    def __call__(self, images: Any, *args: Any, key: Any, **values: Any) -> Any:
        """The function's own result."""
        return self.function(key, images, *args, **values)


def sequence(compose: Function) -> Function:
    """Three transformations and one without a key, as one."""

    def augmented(images: Any, *, key: Any) -> Any:
        return compose(*STEPS)(key, images)

    return augmented


def _cropped(key: Any, images: Any) -> Any:
    return augmentation.random_crop(key, images, 5, padding=2)


def _turned(key: Any, images: Any) -> Any:
    return augmentation.random_rotation(key, images, 30.0)


def _halved(key: Any, images: Any) -> Any:
    return images / 2


STEPS = (_cropped, augmentation.random_horizontal_flip, _halved, _turned, _turned)

random_crop = Keyed(augmentation.random_crop)
random_horizontal_flip = Keyed(augmentation.random_horizontal_flip)
random_vertical_flip = Keyed(augmentation.random_vertical_flip)
random_rotation = Keyed(augmentation.random_rotation)
random_affine = Keyed(augmentation.random_affine)
color_jitter = Keyed(augmentation.color_jitter)
random_erasing = Keyed(augmentation.random_erasing)
compose = sequence(augmentation.compose)
