"""Losses under torch's names."""

from jaxact.losses import (
    alignment,
    binary,
    classification,
    distances,
    large_vocabulary,
    likelihood,
    margin,
    regression,
)
from jaxact.losses.alignment import *  # noqa: F403
from jaxact.losses.binary import *  # noqa: F403
from jaxact.losses.classification import *  # noqa: F403
from jaxact.losses.distances import *  # noqa: F403
from jaxact.losses.large_vocabulary import *  # noqa: F403
from jaxact.losses.likelihood import *  # noqa: F403
from jaxact.losses.margin import *  # noqa: F403
from jaxact.losses.regression import *  # noqa: F403

__all__: list[str] = []
__all__ += alignment.__all__
__all__ += binary.__all__
__all__ += classification.__all__
__all__ += distances.__all__
__all__ += large_vocabulary.__all__
__all__ += likelihood.__all__
__all__ += margin.__all__
__all__ += regression.__all__
