"""PyTorch's activations, losses, regularizers, initializers, layers as pure jitted functions."""

from importlib import metadata

from jaxact import (
    activations,
    errors,
    functional,
    initializers,
    layers,
    losses,
    random,
    regularizers,
)
from jaxact._checking import checked, checking

__version__ = metadata.version("jaxact")

__all__ = [
    "__version__",
    "activations",
    "checked",
    "checking",
    "errors",
    "functional",
    "initializers",
    "layers",
    "losses",
    "random",
    "regularizers",
]
