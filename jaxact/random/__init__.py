"""torch's own CPU random stream, reproduced."""

from jaxact.random import generator
from jaxact.random.generator import *  # noqa: F403

__all__: list[str] = []
__all__ += generator.__all__
