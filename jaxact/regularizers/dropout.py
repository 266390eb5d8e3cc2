"""torch's dropout family."""

__all__: list[str] = []
