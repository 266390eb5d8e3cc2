"""Averages of weights over a training."""

__all__: list[str] = []
