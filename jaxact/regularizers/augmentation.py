"""Random augmentation of images."""

__all__: list[str] = []
