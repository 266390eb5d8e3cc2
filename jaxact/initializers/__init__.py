"""Initializers: torch's, from JAX keys or from torch's own random stream."""

from jaxact.initializers import (
    constants,
    distributions,
    layers,
    structured,
    variance_scaling,
)
from jaxact.initializers.constants import *  # noqa: F403
from jaxact.initializers.distributions import *  # noqa: F403
from jaxact.initializers.layers import *  # noqa: F403
from jaxact.initializers.structured import *  # noqa: F403
from jaxact.initializers.variance_scaling import *  # noqa: F403

__all__: list[str] = []
__all__ += constants.__all__
__all__ += distributions.__all__
__all__ += layers.__all__
__all__ += structured.__all__
__all__ += variance_scaling.__all__
