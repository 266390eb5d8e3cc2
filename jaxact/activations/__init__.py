"""Activation functions under torch's names, and a few that torch lacks."""

from typing import TYPE_CHECKING

from jaxact.activations.distributions import *  # noqa: F403
from jaxact.activations.exponential import *  # noqa: F403
from jaxact.activations.gated import *  # noqa: F403
from jaxact.activations.rectifiers import *  # noqa: F403
from jaxact.activations.shrinkage import *  # noqa: F403
from jaxact.activations.sigmoidal import *  # noqa: F403

# Type checkers follow the star imports; mypy reads a computed __all__ as empty.
if not TYPE_CHECKING:
    from jaxact.activations import (
        distributions,
        exponential,
        gated,
        rectifiers,
        shrinkage,
        sigmoidal,
    )

    __all__ = [
        *distributions.__all__,
        *exponential.__all__,
        *gated.__all__,
        *rectifiers.__all__,
        *shrinkage.__all__,
        *sigmoidal.__all__,
    ]
