"""Augmentation: functions of a batch of images, and random ones of a key and a batch.

A batch is [n, c, h, w], as torch's, or [n, h, w, c] with channel_axis=-1; a single image is the
same without the first axis and gets what a batch of one gets. What images are transformed by is one
number for all of them or [n], one for each; a random function draws for each image. Gradients pass
to the images. Floating images are in [0, 1] and uint8 ones in [0, 255] where colours matter. Out of
bounds, a number that is traced gives nan, or 0 where images are integers.
"""

from typing import TYPE_CHECKING

from jaxact.regularizers.augmentation.affine_maps import *  # noqa: F403
from jaxact.regularizers.augmentation.colors import *  # noqa: F403
from jaxact.regularizers.augmentation.crops import *  # noqa: F403
from jaxact.regularizers.augmentation.erasing import *  # noqa: F403
from jaxact.regularizers.augmentation.flips import *  # noqa: F403
from jaxact.regularizers.augmentation.mixing import *  # noqa: F403
from jaxact.regularizers.augmentation.sequences import *  # noqa: F403

# Type checkers follow the stars; mypy takes a computed __all__ for an empty one.
if not TYPE_CHECKING:
    from jaxact.regularizers.augmentation import (
        affine_maps,
        colors,
        crops,
        erasing,
        flips,
        mixing,
        sequences,
    )

    __all__ = [
        *affine_maps.__all__,
        *colors.__all__,
        *crops.__all__,
        *erasing.__all__,
        *flips.__all__,
        *mixing.__all__,
        *sequences.__all__,
    ]
