"""Loss functions under torch's names."""

from typing import TYPE_CHECKING

from jaxact.losses.alignment import *  # noqa: F403
from jaxact.losses.binary import *  # noqa: F403
from jaxact.losses.classification import *  # noqa: F403
from jaxact.losses.distances import *  # noqa: F403
from jaxact.losses.large_vocabulary import *  # noqa: F403
from jaxact.losses.likelihood import *  # noqa: F403
from jaxact.losses.margin import *  # noqa: F403
from jaxact.losses.regression import *  # noqa: F403

# Type checkers follow the star imports; mypy reads a computed __all__ as empty.
if not TYPE_CHECKING:
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

    __all__ = [
        *alignment.__all__,
        *binary.__all__,
        *classification.__all__,
        *distances.__all__,
        *large_vocabulary.__all__,
        *likelihood.__all__,
        *margin.__all__,
        *regression.__all__,
    ]
