"""From the descriptions of the arguments to their numbers, always the same for the same key."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from parity.dtypes import numpy_dtype, rounded
from parity.inputs import streams
from parity.inputs.meetings import columns
from parity.inputs.points import Pointwise
from parity.inputs.samples import fixed
from parity.spec import Array, Beside, Choices, Given, Labels, Points


@dataclass(frozen=True, kw_only=True)
class Problem:
    """The numbers of one call: what every side is given.

    Args:
        key: the randomness of cotangents and directions.
        dtype: of every array that is not constant.
        arrays: positional arguments.
        named: arguments given by name.
        drawn: what the subject drew at random, for the reference only.
        constant: the arguments that no gradient is taken of, by position or name.
        pointwise: whether every argument is visited point by point.
    """

    key: str
    dtype: str
    arrays: tuple[NDArray[Any], ...]
    named: Mapping[str, NDArray[Any]] = field(default_factory=dict[str, NDArray[Any]])
    drawn: Mapping[str, NDArray[Any]] = field(default_factory=dict[str, NDArray[Any]])
    constant: frozenset[str] = frozenset()
    pointwise: bool = False

    @property
    def arguments(self) -> dict[str, NDArray[Any]]:
        """Every argument, by position or name."""
        return {**{str(i): array for i, array in enumerate(self.arrays)}, **self.named}

    @property
    def differentiated(self) -> tuple[str, ...]:
        """The arguments that gradients are taken of, by position or name."""
        return tuple(name for name in self.arguments if name not in self.constant)

    def cotangent(self, shape: tuple[int, ...]) -> NDArray[Any]:
        """What is pulled back through the function."""
        return streams.signed(f"{self.key}/cotangent", shape, self.dtype)

    def directions(self) -> dict[str, NDArray[Any]]:
        """For each differentiated argument its tangent, the cotangent of its gradient as well."""
        arguments = self.arguments
        return {
            name: streams.signed(f"{self.key}/direction/{name}", arguments[name].shape, self.dtype)
            for name in self.differentiated
        }

    def in_dtype(self, dtype: str) -> Problem:
        """The same numbers, cotangents included, in a wider dtype."""
        return _Widened(
            key=self.key,
            dtype=dtype,
            arrays=tuple(self._widened(a, dtype) for a in self.arrays),
            named={name: self._widened(a, dtype) for name, a in self.named.items()},
            drawn={name: rounded(a, dtype) for name, a in self.drawn.items()},
            constant=self.constant,
            pointwise=self.pointwise,
            source=self,
        )

    def _widened(self, array: NDArray[Any], dtype: str) -> NDArray[Any]:
        """Labels stay what they are."""
        return rounded(array, dtype) if array.dtype == numpy_dtype(self.dtype) else array

    def at(self, index: int) -> Problem:
        """The problem of a single point: one entry of every array, cotangents included."""
        here = slice(index, index + 1)
        return _SinglePoint(
            key=self.key,
            dtype=self.dtype,
            arrays=tuple(a[here] for a in self.arrays),
            named={name: a[here] for name, a in self.named.items()},
            constant=self.constant,
            source=self,
            here=here,
        )


@dataclass(frozen=True, kw_only=True)
class _SinglePoint(Problem):
    source: Problem
    here: slice

    def cotangent(self, shape: tuple[int, ...]) -> NDArray[Any]:
        return self.source.cotangent(self.source.arrays[0].shape)[self.here]

    def directions(self) -> dict[str, NDArray[Any]]:
        return {name: a[self.here] for name, a in self.source.directions().items()}


@dataclass(frozen=True, kw_only=True)
class _Widened(Problem):
    source: Problem

    def cotangent(self, shape: tuple[int, ...]) -> NDArray[Any]:
        return rounded(self.source.cotangent(shape), self.dtype)

    def directions(self) -> dict[str, NDArray[Any]]:
        return {name: rounded(a, self.dtype) for name, a in self.source.directions().items()}


def problem(
    key: str,
    dtype: str,
    inputs: tuple[Array, ...],
    named: Mapping[str, Array] | None = None,
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
    described: dict[str, Array] = {**{str(i): a for i, a in enumerate(inputs)}, **(named or {})}
    points: dict[str, Pointwise] = {}
    arrays: dict[str, NDArray[Any]] = {}
    for name, array in described.items():
        match array:
            case Points() | Beside() | Choices(shape=None):
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
        arrays=tuple(arrays[str(i)] for i in range(len(inputs))),
        named={name: arrays[name] for name in named or {}},
        constant=frozenset(name for name, array in described.items() if is_constant(array)),
        pointwise=shape is None and len(points) == len(described),
    )


def _last(column: NDArray[Any], shape: tuple[int, ...]) -> NDArray[Any]:
    """The end of a column, where there are numbers of a usual size."""
    return column[column.size - int(np.prod(shape)) :].reshape(shape)


def is_pointwise(array: Array) -> bool:
    """Whether the argument is visited point by point."""
    return isinstance(array, Points | Beside) or (
        isinstance(array, Choices) and array.shape is None
    )


def is_constant(array: Array) -> bool:
    """Whether no gradient is taken of the argument."""
    if isinstance(array, Choices):
        return not array.differentiated
    return isinstance(array, Labels | Given)
