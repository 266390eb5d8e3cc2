"""The rows of functions that act on gradients and weights in training."""
