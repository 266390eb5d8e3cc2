"""The rows of what acts on gradients and weights in training."""
