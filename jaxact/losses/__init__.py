"""Losses under torch's names."""

from jaxact.losses.classification import cross_entropy

__all__ = ["cross_entropy"]
