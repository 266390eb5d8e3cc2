"""What a call of a domain is made of: factors with levels, and the arguments made so far."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeAlias

import numpy as np

Levels: TypeAlias = Mapping[str, str]
# Levels that do not go together: of each of these factors one of them.
Together: TypeAlias = Mapping[str, str | tuple[str, ...]]
# An argument that is just outside of a domain, computed from one inside.
Beyond: TypeAlias = Callable[[Any], Any]

# Factors of every call; no argument has such a name.
DTYPE, LENGTHS, PARAMETERS = "precision", "lengths", "parameters"
USUAL, EQUAL, NO_AXES, NOTHING = "usual", "equal", "none", "none"
SPECIAL, NAN, TIES, ZEROS = "special", "nan", "ties", "zeros"
SAME = "same"
# Not a factor: the argument that is just outside of the domain, and how: "input:integers".
OUTSIDE, WITHIN = "outside", "no"
# The usual lengths of axes in the order of their names' first appearance; all differ.
LENGTHS_OF_AXES = (5, 3, 4, 2, 6, 7)
# The length of all axes where they are equal.
EQUAL_LENGTH = 3
# Beyond the blocks of vector kernels, and no multiple of any.
LONG = 1031


@dataclass(frozen=True)
class Factor:
    """A choice that a caller has.

    Args:
        name: "reduction", or "weight.numbers" if it depends on another choice.
        levels: the alternatives; the first is the simplest.
        needs: levels of other factors without which this factor has only its first level.
        free: whether calls that differ in it alone run in the same compiled program.
        dear: whether the other levels take so much longer than the first that they are taken only
            where they have to meet something.
    """

    name: str
    levels: tuple[str, ...]
    needs: Mapping[str, tuple[str, ...]] = field(default_factory=dict[str, tuple[str, ...]])
    free: bool = False
    dear: bool = False


@dataclass(frozen=True, kw_only=True)
class Draw:
    """A call in the making.

    Args:
        random: gives the random numbers of the argument of a name.
        levels: the level of each factor.
        lengths: of the axes, by name.
        made: the arguments that are there already, by name.
        axes: their axes, by name.
        constant: the names of arrays without a gradient.
        numeric: the names of those whose gradient only the subject has.
        numbers: the names of hyperparameters that are arrays.
        indices: the names of arrays of indices, of which the reference takes one dtype only.
        dtypes: those of arguments that have another one than the call, by name.
        observed: the random draw of the subject in this call, once it has been made.
    """

    random: Callable[[str], np.random.Generator]
    levels: Levels
    lengths: Mapping[str, int]
    made: dict[str, Any] = field(default_factory=dict[str, Any])
    axes: dict[str, str] = field(default_factory=dict[str, str])
    constant: set[str] = field(default_factory=set[str])
    numeric: set[str] = field(default_factory=set[str])
    numbers: set[str] = field(default_factory=set[str])
    indices: set[str] = field(default_factory=set[str])
    dtypes: Mapping[str, str] = field(default_factory=dict[str, str])
    observed: list[Any] = field(default_factory=list[Any])

    @property
    def dtype(self) -> str:
        """The dtype of floating arguments."""
        return self.levels[DTYPE]

    def dtype_of(self, name: str) -> str:
        """The dtype of the argument, or the part of an argument, of that name."""
        own = self.levels.get(f"{name}.dtype", SAME)
        dtype = self.dtypes.get(name.partition(".")[0], own)
        return self.dtype if dtype == SAME else dtype

    def axes_like(self, other: str, without: str) -> str:
        """The axes of an argument made before, less some."""
        return " ".join(a for a in self.axes[other].split() if a not in without.split())

    def shape(self, name: str, axes: str) -> tuple[int, ...]:
        """The lengths of these axes, "n c d", which are those of the argument of that name."""
        self.axes[name.partition(".")[0]] = axes
        return tuple(self.lengths[axis] for axis in axes.split())


class Choice(Protocol):
    """What an argument may be."""

    def factors(self, name: str) -> Iterator[Factor]:
        """The choices that a caller has for the argument of that name."""
        ...

    def made(self, name: str, draw: Draw) -> Any:
        """The argument in a call: an array, a tree of arrays, or another value."""
        ...

    def beyond(self, name: str) -> dict[str, Beyond]:
        """What is just outside: by label, the argument computed from one that may be given."""
        ...

    @property
    def shapes(self) -> tuple[str, ...]:
        """The axes that it may have, as names separated by spaces."""
        ...
