"""PyTorch's activations, losses and layers as pure jitted JAX functions."""

from jaxact import activations, functional, layers, losses
from jaxact._checking import checked, checking

__all__ = ["activations", "checked", "checking", "functional", "layers", "losses"]
