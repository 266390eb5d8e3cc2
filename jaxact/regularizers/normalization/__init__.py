"""Normalization: by mean and variance, and by norms."""

from typing import TYPE_CHECKING

from jaxact.regularizers.normalization.batch import *  # noqa: F403
from jaxact.regularizers.normalization.rescaling import *  # noqa: F403

# Type checkers follow the stars; mypy takes a computed __all__ for an empty one.
if not TYPE_CHECKING:
    from jaxact.regularizers.normalization import batch, rescaling

    __all__ = [*batch.__all__, *rescaling.__all__]
