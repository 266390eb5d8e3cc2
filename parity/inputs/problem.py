"""Turns descriptions of arguments into numbers, always the same for the same key."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from parity.dtypes import is_floating, numpy_dtype, rounded
from parity.inputs import streams
from parity.inputs.meetings import columns
from parity.inputs.points import Pointwise
from parity.inputs.samples import fixed
from parity.spec import Array, Choices, Described, Fixed, Labels, Sweep, SweepAround, Template
from parity.trees import Tree, flat, joined, placed

Leaves = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Form:
    """How the arguments of a call are built from leaves.

    Args:
        positional: a tree for each positional argument.
        named: a tree for each argument given by name.
    """

    positional: tuple[Tree, ...]
    named: Mapping[str, Tree]

    def arguments(self, leaves: Leaves) -> tuple[tuple[Tree, ...], dict[str, Tree]]:
        """The positional arguments and those given by name, built from leaves by path."""
        args = tuple(placed(tree, leaves, str(i)) for i, tree in enumerate(self.positional))
        return args, {name: placed(tree, leaves, name) for name, tree in self.named.items()}

    @property
    def leaves(self) -> dict[str, Any]:
        """The leaves of the trees by path."""
        found: dict[str, Any] = {}
        for i, tree in enumerate(self.positional):
            found |= flat(tree, str(i))
        for name, tree in self.named.items():
            found |= flat(tree, name)
        return found


@dataclass(frozen=True, kw_only=True)
class Problem:
    """The numbers of one call, which every side gets. Leaves of trees are named by their paths.

    Args:
        key: the key from which cotangents and directions are drawn.
        dtype: of every array that is not constant.
        arguments: every leaf of every argument.
        form: how the arguments are built from the leaves.
        drawn: the subject's random draw, for the reference only.
        constant: the arguments that are not differentiated.
        pointwise: whether every argument is visited point by point.
        derived: the source of cotangents and directions, if they are not drawn from the key.
    """

    key: str
    dtype: str
    arguments: Mapping[str, NDArray[Any]]
    form: Form
    drawn: Mapping[str, NDArray[Any]] = field(default_factory=dict[str, NDArray[Any]])
    constant: frozenset[str] = frozenset()
    pointwise: bool = False
    derived: Derived | None = None

    @property
    def first(self) -> NDArray[Any]:
        """The first leaf of the first argument; an empty array if there are no arguments."""
        return next(iter(self.arguments.values()), np.zeros(()))

    @property
    def differentiated(self) -> tuple[str, ...]:
        """The arguments that are differentiated."""
        return tuple(name for name in self.arguments if name not in self.constant)

    def cotangent(self, shape: tuple[int, ...], path: str = "") -> NDArray[Any]:
        """The cotangent of the result, or of its leaf at the path."""
        if self.derived is not None:
            return self.derived.cotangent(shape, path)
        return streams.signed(joined(self.key, "cotangent", path), shape, self.dtype)

    def directions(self) -> dict[str, NDArray[Any]]:
        """The tangent of each differentiated argument, which is also its gradient's cotangent."""
        if self.derived is not None:
            return self.derived.directions()
        leaves = {name: self.arguments[name] for name in self.differentiated}
        return {
            name: streams.signed(f"{self.key}/direction/{name}", leaf.shape, leaf.dtype.name)
            for name, leaf in leaves.items()
        }

    def in_dtype(self, dtype: str) -> Problem:
        """The same numbers, including cotangents, in a wider dtype."""

        def widened(array: NDArray[Any]) -> NDArray[Any]:
            """The array in the wider dtype; labels keep theirs."""
            number = array.dtype == numpy_dtype(self.dtype) or is_floating(array.dtype.name)
            return rounded(array, dtype) if number else array

        return replace(
            self,
            dtype=dtype,
            arguments={name: widened(a) for name, a in self.arguments.items()},
            drawn={name: rounded(a, dtype) for name, a in self.drawn.items()},
            derived=Derived(source=self, change=lambda array: rounded(array, dtype)),
        )

    def at(self, index: int) -> Problem:
        """The problem of a single point: one entry of every array, including cotangents."""
        here = slice(index, index + 1)
        return replace(
            self,
            arguments={name: a[here] for name, a in self.arguments.items()},
            pointwise=False,
            derived=Derived(source=self, change=lambda a: a[here], whole=self.first.shape),
        )


@dataclass(frozen=True, kw_only=True)
class Derived:
    """Cotangents and directions computed from those of another problem.

    Args:
        source: the other problem.
        change: the function applied to each array.
        whole: the shape of the source's result, if it differs.
    """

    source: Problem
    change: Callable[[NDArray[Any]], NDArray[Any]]
    whole: tuple[int, ...] | None = None

    def cotangent(self, shape: tuple[int, ...], path: str) -> NDArray[Any]:
        """See `Problem.cotangent`."""
        whole = shape if self.whole is None else self.whole
        return self.change(self.source.cotangent(whole, path))

    def directions(self) -> dict[str, NDArray[Any]]:
        """See `Problem.directions`."""
        return {name: self.change(array) for name, array in self.source.directions().items()}


def problem(
    key: str,
    dtype: str,
    inputs: tuple[Described, ...],
    named: Mapping[str, Described] | None = None,
    shape: tuple[int, ...] | None = None,
) -> Problem:
    """The numbers for the described arguments.

    Args:
        key: determines the random numbers; the same key gives the same numbers.
        dtype: of every floating array.
        inputs: descriptions of the positional arguments.
        named: descriptions of the arguments given by name.
        shape: of the arguments that are visited point by point, in place of one long vector: each
            of them then gets a few numbers of ordinary size.
    """
    form = Form(positional=inputs, named=named or {})
    described: dict[str, Array] = form.leaves
    points: dict[str, Pointwise] = {}
    arrays: dict[str, NDArray[Any]] = {}
    for name, array in described.items():
        match array:
            case Sweep() | SweepAround() | Choices(shape=None):
                points[name] = array
            case _:
                arrays[name] = fixed(f"{key}/{name}", dtype, array)
    if points:
        arrays |= columns(key, dtype, points)
    if shape is not None:
        arrays |= {name: _last(arrays[name], shape) for name in points}
    return Problem(
        key=key,
        dtype=dtype,
        arguments={name: arrays[name] for name in described},
        form=form,
        constant=frozenset(name for name, array in described.items() if is_constant(array)),
        pointwise=shape is None and bool(points) and len(points) == len(described),
    )


def _last(column: NDArray[Any], shape: tuple[int, ...]) -> NDArray[Any]:
    """The end of a column, where the numbers have ordinary size."""
    return column[column.size - int(np.prod(shape)) :].reshape(shape)


def is_pointwise(array: Any) -> bool:
    """Whether the argument is visited point by point."""
    return isinstance(array, Sweep | SweepAround) or (
        isinstance(array, Choices) and array.shape is None
    )


def is_constant(array: Any) -> bool:
    """Whether the argument is not differentiated."""
    if isinstance(array, Choices):
        return not array.differentiated
    return isinstance(array, Labels | Fixed | Template)
