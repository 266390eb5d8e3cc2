"""PyTorch's activations, losses, regularizers, initializers, layers: pure jitted JAX functions."""

from jaxact import activations, functional, initializers, layers, losses, random, regularizers

__all__ = [
    "activations",
    "checked",
    "checking",
    "functional",
    "initializers",
    "layers",
    "losses",
    "random",
    "regularizers",
]
