"""From the losses of the elements to the result."""

from typing import Literal

import jax.numpy as jnp
import numpy as np
from jax import Array, lax

Reduction = Literal["none", "mean", "sum"]


def apply_reduction(losses: Array, reduction: Reduction, dtype: jnp.dtype) -> Array:
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


def accurate_sum(losses: Array) -> Array:
    """The sum with no more than the last rounding's error, in two passes more than a plain one.

    For the losses of rows: each took a pass over all classes, and the sum is what a training sees.
    """
    fixed = lax.stop_gradient(losses)
    # The leading digits of all terms, as multiples of one unit so coarse that their sum is exact,
    # then what is left of each: a small part of the whole, and so are its errors.
    limits = np.finfo(losses.dtype)
    largest = jnp.max(jnp.abs(fixed), initial=0)
    # A power of two from 4/3 to 8/3 of the largest sum.
    above = lax.reduce_precision(2 * losses.size * largest, limits.iexp, 0)
    unit = above * 2.0 ** -(limits.nmant + 1)
    leading = jnp.round(fixed / unit) * unit
    leading = jnp.where(jnp.isfinite(leading), leading, 0)
    return jnp.sum(leading) + jnp.sum(losses - leading)
