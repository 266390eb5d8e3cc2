"""PyTorch's activations, losses and layers as pure jitted JAX functions."""

from jaxact import activations, functional, layers, losses

__all__ = ["activations", "functional", "layers", "losses"]
