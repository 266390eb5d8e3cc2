"""Errors of the element-wise activations against real arithmetic, with torch's and jax.nn's."""
