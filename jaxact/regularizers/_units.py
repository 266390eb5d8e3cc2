"""Units of weights: the axes of a leaf that belong to one output."""

import numpy as np
from jax import Array

from jaxact.errors import InvalidIndexError, InvalidTypeError


def other_axes(function: str, x: Array, axis: object) -> tuple[int, ...]:
    """All axes of x but the one of its units.

    Raises:
        TypeError: if axis is no int.
        IndexError: if x has no such axis; an array of no axes counts as one unit.
    """
    if isinstance(axis, bool) or not isinstance(axis, int | np.integer):
        raise InvalidTypeError(f"{function}: axis must be an int, got {type(axis).__name__}")
    rank = max(x.ndim, 1)
    if not -rank <= axis < rank:
        raise InvalidIndexError(
            f"{function}: axis must be in [{-rank}, {rank - 1}] for a leaf of shape {x.shape}, "
            f"got {axis}"
        )
    return tuple(i for i in range(x.ndim) if i != axis % rank)
