"""Weights divided by a norm of theirs."""

__all__: list[str] = []
