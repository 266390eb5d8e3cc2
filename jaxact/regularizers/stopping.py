"""Early stopping."""

__all__: list[str] = []
