"""Normalization by mean and variance."""

__all__: list[str] = []
