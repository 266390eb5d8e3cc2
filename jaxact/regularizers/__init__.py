"""Regularizers: dropout, normalization, penalties, clipping, augmentation, averages of weights."""

from typing import TYPE_CHECKING

from jaxact.regularizers.augmentation import *  # noqa: F403
from jaxact.regularizers.dropouts import *  # noqa: F403
from jaxact.regularizers.normalization import *  # noqa: F403
from jaxact.regularizers.penalties import *  # noqa: F403
from jaxact.regularizers.reparametrization import *  # noqa: F403
from jaxact.regularizers.training import *  # noqa: F403

# Type checkers follow the stars; mypy takes a computed __all__ for an empty one.
if not TYPE_CHECKING:
    from jaxact.regularizers import (
        augmentation,
        dropouts,
        normalization,
        penalties,
        reparametrization,
        training,
    )

    __all__ = [
        *augmentation.__all__,
        *dropouts.__all__,
        *normalization.__all__,
        *penalties.__all__,
        *reparametrization.__all__,
        *training.__all__,
    ]
