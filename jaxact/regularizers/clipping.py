"""Gradient clipping."""

__all__: list[str] = []
