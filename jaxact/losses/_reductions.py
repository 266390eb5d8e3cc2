"""From the losses of the elements to the result."""

from typing import Literal

import jax.numpy as jnp
from jax import Array

Reduction = Literal["none", "mean", "sum"]


def check_reduction(function: str, reduction: object) -> None:
    """Raises where torch does, for a reduction that does not exist.

    Raises:
        ValueError: if it is neither "none", "mean" nor "sum".
    """
    if reduction not in ("none", "mean", "sum"):
        raise ValueError(
            f"{function}: reduction must be 'none', 'mean' or 'sum', got {reduction!r}"
        )


def reduce(losses: Array, reduction: Reduction, dtype: jnp.dtype) -> Array:
    """The losses, their mean or their sum, rounded once to the dtype.

    Args:
        losses: [...], in the dtype to sum in.
        reduction: "mean" divides by the number of losses, 0/0 = nan for none.
        dtype: of the result.
    """
    if reduction == "none":
        return losses.astype(dtype)
    total = jnp.sum(losses)
    return (total if reduction == "sum" else total / losses.size).astype(dtype)
