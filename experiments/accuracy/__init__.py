"""Errors of every element-wise activation against real arithmetic, beside torch's and jax.nn's."""
