"""Trees of leaves in dicts, lists and tuples, and the paths that name their leaves."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeAlias, TypeVar, cast

Tree: TypeAlias = Any
T = TypeVar("T")
R = TypeVar("R")


def flat(tree: Tree, root: str = "") -> dict[str, Any]:
    """The leaves by path: keys, positions and fields joined by slashes. None is not a leaf.

    Args:
        tree: dicts, lists, tuples and named tuples; everything else is a leaf.
        root: the beginning of every path; it is the whole path of a tree that is a leaf.
    """
    return dict(_leaves(tree, root))


def mapped(change: Callable[[Any], Any], tree: Tree) -> Tree:
    """The tree with a function applied to every leaf."""
    return placed(tree, {path: change(leaf) for path, leaf in flat(tree).items()})


def placed(tree: Tree, leaves: Mapping[str, Any], root: str = "") -> Tree:
    """The tree with its leaves replaced by those given by path."""
    inner = _children(tree)
    if inner is None:
        return leaves[root]
    made = [placed(child, leaves, joined(root, name)) for name, child in inner]
    return _rebuilt(tree, made)


def joined(*names: str) -> str:
    """The names as one path; empty ones are left out."""
    return "/".join(name for name in names if name)


def _leaves(tree: Tree, root: str) -> Iterator[tuple[str, Any]]:
    inner = _children(tree)
    if inner is None:
        yield root, tree
        return
    for name, child in inner:
        yield from _leaves(child, joined(root, name))


def _children(tree: Tree) -> list[tuple[str, Tree]] | None:
    """The names and subtrees of a node; None for a leaf."""
    if tree is None:
        return []
    if isinstance(tree, Mapping):
        items = cast("Mapping[Any, Any]", tree)
        return [(str(name), items[name]) for name in items]
    fields: Any = getattr(tree, "_fields", None)
    if isinstance(tree, tuple) and fields:
        return list(zip(fields, cast("tuple[Any, ...]", tree), strict=True))
    if isinstance(tree, list | tuple):
        return [(str(i), child) for i, child in enumerate(cast("list[Any]", tree))]
    return None


def _rebuilt(tree: Tree, children: list[Tree]) -> Tree:
    if tree is None:
        return None
    if isinstance(tree, Mapping):
        return dict(zip(cast("Mapping[Any, Any]", tree), children, strict=True))
    made = tree
    return type(made)(*children) if hasattr(made, "_fields") else type(made)(children)
