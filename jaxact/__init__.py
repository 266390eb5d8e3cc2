"""PyTorch's activations, losses, initializers and layers as pure jitted JAX functions."""

from jaxact import activations, functional, initializers, layers, losses, random
from jaxact._checking import checked, checking

__all__ = [
    "activations",
    "checked",
    "checking",
    "functional",
    "initializers",
    "layers",
    "losses",
    "random",
]
