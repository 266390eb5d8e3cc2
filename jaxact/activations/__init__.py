"""Activations: torch's, and the seeds of our own."""

from jaxact.activations import (
    distributions,
    exponential,
    gated,
    rectifiers,
    shrinkage,
    sigmoidal,
)
from jaxact.activations.distributions import *  # noqa: F403
from jaxact.activations.exponential import *  # noqa: F403
from jaxact.activations.gated import *  # noqa: F403
from jaxact.activations.rectifiers import *  # noqa: F403
from jaxact.activations.shrinkage import *  # noqa: F403
from jaxact.activations.sigmoidal import *  # noqa: F403

__all__: list[str] = []
__all__ += distributions.__all__
__all__ += exponential.__all__
__all__ += gated.__all__
__all__ += rectifiers.__all__
__all__ += shrinkage.__all__
__all__ += sigmoidal.__all__
