"""Transformations of images, without chance."""

__all__: list[str] = []
