"""Functions of trees and functions with several results, as rows compare them: one vector each.

Rows name them by their path, so that jaxact is loaded when a row runs.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp

Function = Callable[..., Any]


class Adapted:
    """A function of jaxact's in the form that a row calls, under its own name and signature.

    Args:
        function: jaxact's, or a wrong one.
    """

    def __init__(self, function: Function) -> None:
        self.function = function
        self.__name__ = self.__qualname__ = function.__name__
        self.__signature__ = inspect.signature(function)


class Joined(Adapted):
    """f(...) with all arrays that it returns as one vector, in the order of the tree.

    Args:
        function: jaxact's, or a wrong one.
        names: of the leaves of a tree; the positional arrays are put there, and the function gets
            the tree as its first argument. None: they are its positional arguments.
    """

    def __init__(self, function: Function, names: tuple[str, ...] | None = None) -> None:
        super().__init__(function)
        self.names = names

    def __call__(self, *arrays: Any, **values: Any) -> Any:
        """The vector, or a single number as it is."""
        if self.names is None:
            return joined(self.function(*arrays, **values))
        tree = tree_of(dict(zip(self.names, arrays, strict=True)))
        return joined(self.function(tree, **values))


def tree_of(leaves: dict[str, Any]) -> Any:
    """{"a/b": x} as the nested dict {"a": {"b": x}}."""
    tree: dict[str, Any] = {}
    for path, leaf in leaves.items():
        *parents, last = path.split("/")
        branch = tree
        for parent in parents:
            branch = branch.setdefault(parent, {})
        branch[last] = leaf
    return tree


def joined(result: Any) -> Any:
    """Every array of the result in one vector; a single number as it is."""
    leaves = jax.tree.leaves(result)
    if len(leaves) == 1 and not jnp.ndim(leaves[0]):
        return leaves[0]
    return jnp.concatenate([jnp.ravel(leaf) for leaf in leaves])
