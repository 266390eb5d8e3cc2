"""torch's initializers, drawing from JAX keys or from torch's own random stream."""

from typing import TYPE_CHECKING

from jaxact.initializers.constants import *  # noqa: F403
from jaxact.initializers.distributions import *  # noqa: F403
from jaxact.initializers.layers import *  # noqa: F403
from jaxact.initializers.structured import *  # noqa: F403
from jaxact.initializers.variance_scaling import *  # noqa: F403

# Type checkers follow the star imports; mypy reads a computed __all__ as empty.
if not TYPE_CHECKING:
    from jaxact.initializers import constants, distributions, layers, structured, variance_scaling

    __all__ = [
        *constants.__all__,
        *distributions.__all__,
        *layers.__all__,
        *structured.__all__,
        *variance_scaling.__all__,
    ]
