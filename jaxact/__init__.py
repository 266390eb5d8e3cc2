"""PyTorch's activations, losses, regularizers, initializers and optimizers for JAX."""

from importlib import metadata

from jaxact import (
    activations,
    errors,
    functional,
    initializers,
    layers,
    losses,
    optim,
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
    "optim",
    "random",
    "regularizers",
]
