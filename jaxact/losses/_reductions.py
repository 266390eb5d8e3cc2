"""From the losses of the elements to the result."""

from typing import Literal

import jax.numpy as jnp
from jax import Array

Reduction = Literal["none", "mean", "sum"]


def check_reduction(function: str, reduction: object, *others: str) -> None:
    """Raises where torch does, for a reduction that does not exist.

    Args:
        function: whose argument it is.
        reduction: what came.
        *others: what the function knows besides "none", "mean" and "sum".

    Raises:
        ValueError: if it is none of them.
    """
    known = [repr(name) for name in ("none", "mean", "sum", *others)]
    if not isinstance(reduction, str) or repr(reduction) not in known:
        listed = f"{', '.join(known[:-1])} or {known[-1]}"
        raise ValueError(f"{function}: reduction must be {listed}, got {reduction!r}")


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
