"""Dropouts: torch's, and others."""

from typing import TYPE_CHECKING

from jaxact.regularizers.dropouts.standard import *  # noqa: F403
from jaxact.regularizers.dropouts.variants import *  # noqa: F403

# Type checkers follow the stars; mypy takes a computed __all__ for an empty one.
if not TYPE_CHECKING:
    from jaxact.regularizers.dropouts import standard, variants

    __all__ = [*standard.__all__, *variants.__all__]
