"""Penalties: what is added to the loss."""

__all__: list[str] = []
