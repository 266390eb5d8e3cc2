"""What acts on gradients and weights in training: clipping, decay, averages, stopping."""

from typing import TYPE_CHECKING

from jaxact.regularizers.training.averaging import *  # noqa: F403
from jaxact.regularizers.training.clipping import *  # noqa: F403
from jaxact.regularizers.training.gradient_transformations import *  # noqa: F403
from jaxact.regularizers.training.projections import *  # noqa: F403
from jaxact.regularizers.training.stopping import *  # noqa: F403
from jaxact.regularizers.training.weight_decay import *  # noqa: F403

# Type checkers follow the stars; mypy takes a computed __all__ for an empty one.
if not TYPE_CHECKING:
    from jaxact.regularizers.training import (
        averaging,
        clipping,
        gradient_transformations,
        projections,
        stopping,
        weight_decay,
    )

    __all__ = [
        *averaging.__all__,
        *clipping.__all__,
        *gradient_transformations.__all__,
        *projections.__all__,
        *stopping.__all__,
        *weight_decay.__all__,
    ]
