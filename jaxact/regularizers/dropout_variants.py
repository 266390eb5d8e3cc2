"""Dropout beyond torch: whole branches, blocks of pixels, weights, Gaussian noise."""

__all__: list[str] = []
