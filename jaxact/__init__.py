"""PyTorch's activations, losses and layers as pure jitted JAX functions."""
