"""Division by a norm of a vector or of neighbouring channels."""

__all__: list[str] = []
