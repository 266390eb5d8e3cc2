"""Reductions: from the losses of elements or rows to the result."""

from typing import Literal

import jax.numpy as jnp
import numpy as np
from jax import Array, lax

Reduction = Literal["none", "mean", "sum"]


def apply_reduction(losses: Array, reduction: Reduction, dtype: jnp.dtype) -> Array:
    """The losses, their mean or their sum, rounded once to the dtype.

    Args:
        losses: [...], in the dtype of the sum.
        reduction: "mean" divides by the number of losses; without losses it is 0/0 = nan.
        dtype: the dtype of the result.
    """
    if reduction == "none":
        return losses.astype(dtype)
    total = jnp.sum(losses)
    return (total if reduction == "sum" else total / losses.size).astype(dtype)


def accurate_sum(losses: Array) -> Array:
    """The sum, as accurate as its final rounding allows, in two passes more than a plain sum.

    Meant for the losses of rows: each loss took a pass over all classes, so the extra passes are
    cheap, and training sees the sum.
    """
    fixed = lax.stop_gradient(losses)
    # Split each term: its leading digits, as multiples of a unit so coarse that their sum is
    # exact, and the remainder. The remainders are small, and so are the errors of their sum.
    limits = np.finfo(losses.dtype)
    largest = jnp.max(jnp.abs(fixed), initial=0)
    # A power of two between 4/3 and 8/3 of the largest possible sum.
    above = lax.reduce_precision(2 * losses.size * largest, limits.iexp, 0)
    unit = above * 2.0 ** -(limits.nmant + 1)
    leading = jnp.round(fixed / unit) * unit
    leading = jnp.where(jnp.isfinite(leading), leading, 0)
    return jnp.sum(leading) + jnp.sum(losses - leading)
