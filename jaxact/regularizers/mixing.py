"""Soft and mixed labels."""

__all__: list[str] = []
