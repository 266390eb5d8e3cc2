"""From the descriptions of the arguments to their numbers, always the same for the same key."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from parity.dtypes import numpy_dtype, rounded
from parity.inputs import streams
from parity.inputs.meetings import columns
from parity.inputs.points import Pointwise
from parity.inputs.samples import fixed
from parity.spec import Array, Choices, Described, Fixed, Labels, Sweep, SweepAround, Template
from parity.trees import Tree, flat, joined, placed

Leaves = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Form:
    """How leaves make up the arguments of a call.

    Args:
        positional: a tree for each positional argument.
        named: the same of those given by name.
    """

    positional: tuple[Tree, ...]
    named: Mapping[str, Tree]

    def arguments(self, leaves: Leaves) -> tuple[tuple[Tree, ...], dict[str, Tree]]:
        """The positional arguments, and those given by name, made of leaves by path."""
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
    """The numbers of one call: what every side is given. Leaves of trees go by their paths.

    Args:
        key: the randomness of cotangents and directions.
        dtype: of every array that is not constant.
        arguments: every leaf of every argument.
        form: how they make up the call.
        drawn: what the subject drew at random, for the reference only.
        constant: the arguments that no gradient is taken of.
        pointwise: whether every argument is visited point by point.
        derived: from what cotangents and directions are taken, if not from the key.
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
        """The first leaf of the first argument; nothing, if there are no arguments."""
        return next(iter(self.arguments.values()), np.zeros(()))

    @property
    def differentiated(self) -> tuple[str, ...]:
        """The arguments that gradients are taken of."""
        return tuple(name for name in self.arguments if name not in self.constant)

    def cotangent(self, shape: tuple[int, ...], path: str = "") -> NDArray[Any]:
        """What is pulled back through the result, or through the leaf of it at the path."""
        if self.derived is not None:
            return self.derived.cotangent(shape, path)
        return streams.signed(joined(self.key, "cotangent", path), shape, self.dtype)

    def directions(self) -> dict[str, NDArray[Any]]:
        """For each differentiated argument its tangent, the cotangent of its gradient as well."""
        if self.derived is not None:
            return self.derived.directions()
        return {
            name: streams.signed(
                f"{self.key}/direction/{name}", self.arguments[name].shape, self.dtype
            )
            for name in self.differentiated
        }

    def in_dtype(self, dtype: str) -> Problem:
        """The same numbers, cotangents included, in a wider dtype."""

        def widened(array: NDArray[Any]) -> NDArray[Any]:
            """Labels stay what they are."""
            return rounded(array, dtype) if array.dtype == numpy_dtype(self.dtype) else array

        return replace(
            self,
            dtype=dtype,
            arguments={name: widened(a) for name, a in self.arguments.items()},
            drawn={name: rounded(a, dtype) for name, a in self.drawn.items()},
            derived=Derived(source=self, change=lambda array: rounded(array, dtype)),
        )

    def at(self, index: int) -> Problem:
        """The problem of a single point: one entry of every array, cotangents included."""
        here = slice(index, index + 1)
        return replace(
            self,
            arguments={name: a[here] for name, a in self.arguments.items()},
            pointwise=False,
            derived=Derived(source=self, change=lambda a: a[here], whole=self.first.shape),
        )


@dataclass(frozen=True, kw_only=True)
class Derived:
    """Cotangents and directions that are those of another problem, changed.

    Args:
        source: the other problem.
        change: of each array.
        whole: the shape of the source's result, if that is another one.
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
        key: the randomness; the same key gives the same numbers.
        dtype: of every floating array.
        inputs: descriptions of the positional arguments.
        named: descriptions of the arguments given by name.
        shape: of the arguments that are visited point by point, instead of one long vector: for
            each of them a few numbers of a usual size.
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
    """The end of a column, where there are numbers of a usual size."""
    return column[column.size - int(np.prod(shape)) :].reshape(shape)


def is_pointwise(array: Any) -> bool:
    """Whether the argument is visited point by point."""
    return isinstance(array, Sweep | SweepAround) or (
        isinstance(array, Choices) and array.shape is None
    )


def is_constant(array: Any) -> bool:
    """Whether no gradient is taken of the argument."""
    if isinstance(array, Choices):
        return not array.differentiated
    return isinstance(array, Labels | Fixed | Template)
