"""Augmentation: images transformed, at random or not, mixed images and labels."""

from typing import TYPE_CHECKING

from jaxact.regularizers.augmentation.mixing import *  # noqa: F403
from jaxact.regularizers.augmentation.random_transforms import *  # noqa: F403
from jaxact.regularizers.augmentation.transforms import *  # noqa: F403

# Type checkers follow the stars; mypy takes a computed __all__ for an empty one.
if not TYPE_CHECKING:
    from jaxact.regularizers.augmentation import mixing, random_transforms, transforms

    __all__ = [*mixing.__all__, *random_transforms.__all__, *transforms.__all__]
