"""The leaves of a tree that a function acts on: by `where`, by dtype, or paired with gradients."""

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from typing import Any, TypeAlias, cast

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from jaxact._arguments import got_tensor, is_tensor
from jaxact.errors import ArgumentTypeError, ArgumentValueError, DtypeError, InvalidTypeError

Tree: TypeAlias = Any
# "weights", "all", a glob, several globs, a predicate of path and leaf, or a tree of booleans.
Where: TypeAlias = str | tuple[str, ...] | Callable[[str, Any], bool] | Tree
_NO_WEIGHTS = ("bias", "scale")
_IN_BOX = (jax.tree_util.GetAttrKey("value"),)


@dataclass(frozen=True)
class Selection:
    """The leaves of a tree, and the indices of those that are selected.

    Args:
        leaves: all of them; None counts as one.
        paths: of all of them.
        structure: of the tree.
        places: indices of the selected leaves.
    """

    leaves: list[Any]
    paths: list[str]
    structure: Any
    places: tuple[int, ...]

    @property
    def arrays(self) -> list[Array]:
        """The selected leaves."""
        leaves = (self.leaves[place] for place in self.places)
        return [leaf if isinstance(leaf, Array) else jnp.asarray(leaf) for leaf in leaves]

    def replaced(self, arrays: Sequence[Array]) -> Tree:
        """The tree with these arrays in place of the selected leaves."""
        leaves = list(self.leaves)
        for place, array in zip(self.places, arrays, strict=True):
            leaves[place] = array
        return jax.tree.unflatten(self.structure, leaves)


def selected(function: str, tree: Tree, where: Where) -> Selection:
    """The floating leaves of params that `where` selects.

    Raises:
        ValueError: if a glob matches no floating leaf, or booleans are a tree of another structure.
        TypeError: if where is something else.
        DtypeError: if a leaf that is selected is complex.
    """
    paths, leaves, structure = _flattened(function, tree)
    numbers = [place for place, leaf in enumerate(leaves) if _is(leaf, jnp.inexact)]
    selects = _predicate_of(function, [paths[i] for i in numbers], structure, where)
    places = tuple(i for i in numbers if selects(i, paths[i], leaves[i]))
    for place in places:
        _check_floating(
            function, "params that where selects", leaves[place], paths[place], complex_too=False
        )
    return Selection(leaves, paths, structure, places)


def inexact_leaves(
    function: str, argument: str, tree: Tree, *, complex_too: bool = True
) -> Selection:
    """All leaves but None and float0, which jax gives as the gradient of an integer.

    Raises:
        ArgumentTypeError: if a leaf is neither floating nor complex.
        DtypeError: if a leaf is complex, unless complex_too.
    """
    whole = all_leaves(function, tree)
    places = tuple(i for i in whole.places if not _is_nothing(whole.leaves[i]))
    for i in places:
        _check_floating(function, argument, whole.leaves[i], whole.paths[i], complex_too)
    return replace(whole, places=places)


def all_leaves(function: str, tree: Tree) -> Selection:
    """All leaves, whatever they are."""
    paths, leaves, structure = _flattened(function, tree)
    return Selection(leaves, paths, structure, tuple(range(len(leaves))))


def paired(function: str, grads: Tree, params: Selection) -> tuple[Selection, Selection]:
    """The gradients of the selected params, and these params, where there are both.

    Raises:
        ArgumentValueError: if the trees have other structures, or their leaves other shapes.
        ArgumentTypeError: if one of those leaves is neither floating nor complex.
        DtypeError: if one of them is complex.
    """
    given = all_leaves(function, grads)
    if given.structure != params.structure:
        raise ArgumentValueError(
            f"{function}: grads must be a tree of the structure of params, got {given.structure} "
            f"for {params.structure}"
        )
    places = tuple(
        i for i in params.places if not (_is_nothing(given.leaves[i]) or params.leaves[i] is None)
    )
    for i in places:
        for argument, tree in (("grads", given), ("params", params)):
            _check_floating(function, argument, tree.leaves[i], tree.paths[i], complex_too=False)
        shapes = jnp.shape(given.leaves[i]), jnp.shape(params.leaves[i])
        if shapes[0] != shapes[1]:
            raise ArgumentValueError(
                f"{function}: the leaves of grads must have the shapes of those of params, got "
                f"{shapes[0]} for {shapes[1]} at {given.paths[i]!r}"
            )
    return replace(given, places=places), replace(params, places=places)


def _check_floating(
    function: str, argument: str, leaf: object, path: str, complex_too: bool
) -> None:
    if _is(leaf, jnp.inexact if complex_too else jnp.floating):
        return
    error = DtypeError if _is(leaf, jnp.inexact) else ArgumentTypeError
    kind = getattr(leaf, "dtype", type(leaf).__name__)
    raise error(
        f"{function}: the leaves of {argument} must have a floating dtype, got {kind} at {path!r}"
    )


def _flattened(function: str, tree: Tree) -> tuple[list[str], list[Any], Any]:
    """Paths such as encoder/layers/0/weight, leaves and structure; None is a leaf."""
    leaves, structure = cast(tuple[list[Any], Any], jax.tree.flatten(tree, is_leaf=_is_none))
    paths = _PATHS.get(structure)
    if paths is None:
        if len(_PATHS) >= _MOST_STRUCTURES:
            _PATHS.clear()
        paths = _PATHS[structure] = _paths_of(tree)
    return paths, [_known(function, leaf) for leaf in leaves], structure


def _known(function: str, leaf: Any) -> Any:
    """The leaf, as an array if it has a `__jax_array__`.

    Raises:
        InvalidTypeError: if it is a tensor of torch.
    """
    if isinstance(leaf, _KNOWN):
        return cast(Any, leaf)
    if is_tensor(leaf):
        raise InvalidTypeError(f"{function}: a leaf of a tree must be an array, {got_tensor(leaf)}")
    return jnp.asarray(leaf) if hasattr(leaf, "__jax_array__") else leaf


_KNOWN = (Array, np.ndarray, type(None), float)


# Of the structures that were seen: making the paths of a tree takes longer than a compiled step.
_PATHS: dict[Any, list[str]] = {}
_MOST_STRUCTURES = 256


def _paths_of(tree: Tree) -> list[str]:
    boxes = _boxes()

    def is_box(node: object) -> bool:
        return node is None or isinstance(node, boxes)

    paths: list[str] = []
    for keys, node in _with_keys(tree, is_box):
        for below, _ in _with_keys(node, _is_none):
            # The array inside a box has the path of the box, without its attribute `value`.
            named = below[1:] if below[:1] == _IN_BOX else below
            paths.append(jax.tree_util.keystr((*keys, *named), simple=True, separator="/"))
    return paths


def _with_keys(tree: Tree, is_leaf: Callable[[object], bool]) -> list[tuple[tuple[Any, ...], Any]]:
    return cast(Any, jax.tree_util.tree_flatten_with_path(tree, is_leaf=is_leaf)[0])


def _boxes() -> tuple[type, ...]:
    """The types of flax's nodes that hold one array; none if flax has not been imported."""
    variable = getattr(sys.modules.get("flax.nnx"), "Variable", None)
    metadata = getattr(sys.modules.get("flax.core.meta"), "AxisMetadata", None)
    return tuple(box for box in (variable, metadata) if box is not None)


def _is_none(leaf: object) -> bool:
    return leaf is None


def _is_nothing(leaf: object) -> bool:
    return leaf is None or getattr(leaf, "dtype", None) == jax.dtypes.float0


def _is(leaf: object, kind: Any) -> bool:
    """Whether the leaf is an array or a number of that kind."""
    if isinstance(leaf, float):
        return True
    dtype = getattr(leaf, "dtype", None)
    return dtype is not None and jnp.issubdtype(dtype, kind)


def _predicate_of(
    function: str, paths: Sequence[str], structure: Any, where: Where
) -> Callable[[int, str, Any], bool]:
    """The predicate (place, path, leaf) -> bool that `where` stands for."""
    if isinstance(where, str) and where == "weights":
        return _is_weight
    if isinstance(where, str) and where == "all":
        return lambda place, path, leaf: True
    if isinstance(where, str):
        return _matching(function, paths, (where,))
    if isinstance(where, tuple) and all(isinstance(part, str) for part in cast(Any, where)):
        return _matching(function, paths, cast(tuple[str, ...], where))
    if callable(cast(object, where)) and not _is_tree(cast(object, where)):
        predicate = cast(Callable[[str, Any], bool], where)
        return lambda place, path, leaf: bool(predicate(path, leaf))
    return _marked(function, structure, where)


def _is_tree(value: object) -> bool:
    return not jax.tree_util.all_leaves([value])


def _is_weight(place: int, path: str, leaf: Any) -> bool:
    return jnp.ndim(leaf) >= 2 and path.rpartition("/")[2] not in _NO_WEIGHTS


def _matching(
    function: str, paths: Sequence[str], globs: tuple[str, ...]
) -> Callable[[int, str, Any], bool]:
    for glob in globs or ("",):
        if not any(fnmatchcase(path, glob) for path in paths):
            raise ArgumentValueError(
                f"{function}: where must be 'weights', 'all' or match a floating leaf of params, "
                f"got {glob!r} for the paths {', '.join(paths) or '(none)'}"
            )
    return lambda place, path, leaf: any(fnmatchcase(path, glob) for glob in globs)


def _marked(function: str, structure: Any, where: Tree) -> Callable[[int, str, Any], bool]:
    _, marks, given = _flattened(function, where)
    if not all(mark is None or isinstance(mark, bool | np.bool_) for mark in marks):
        raise ArgumentTypeError(
            f"{function}: where must be a string, a tuple of strings, a function of path and leaf "
            f"or a tree of booleans, got {where!r}"
        )
    if given != structure:
        raise ArgumentValueError(
            f"{function}: where must have the structure of params, got {given} for {structure}"
        )
    return lambda place, path, leaf: bool(marks[place])
