"""A reproduction of torch's CPU random stream."""

from typing import TYPE_CHECKING

from jaxact.random.generator import *  # noqa: F403

# Type checkers follow the star imports; mypy reads a computed __all__ as empty.
if not TYPE_CHECKING:
    from jaxact.random import generator

    __all__ = [*generator.__all__]
