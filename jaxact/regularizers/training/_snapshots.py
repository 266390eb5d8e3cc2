"""Trees of weights that are kept beside those in training."""

from typing import Any, cast

import jax
import jax.numpy as jnp

from jaxact._arguments import as_array
from jaxact.errors import ArgumentValueError


def copied(function: str, params: Any) -> Any:
    """The tree in memory of its own: a training step may take that of its weights for new ones.

    Raises:
        InvalidTypeError: if a leaf is no array.
    """

    def copy(leaf: Any) -> Any:
        return jnp.array(as_array(function, "a leaf of params", leaf), copy=True)

    return jax.tree.map(copy, params)


def check_alike(function: str, kept: Any, params: Any) -> None:
    """Raises an error unless params are a tree like the one that is kept.

    Raises:
        ArgumentValueError: if the trees or the shapes of their leaves differ.
    """
    expected, found = (cast(Any, jax.tree.structure(tree)) for tree in (kept, params))
    if found != expected:
        raise ArgumentValueError(
            f"{function}: params must have the tree that init was given, {expected}, got {found}"
        )
    for old, new in zip(jax.tree.leaves(kept), jax.tree.leaves(params), strict=True):
        shape = as_array(function, "a leaf of params", new).shape
        if jnp.shape(old) != shape:
            raise ArgumentValueError(
                f"{function}: params must have the shapes that init was given, {jnp.shape(old)}, "
                f"got {shape}"
            )
