"""From the arguments that a row describes to arrays of the benchmark's size."""

import dataclasses
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from parity.spec import Choices, Described, Fixed, Labels, Samples, Sweep, SweepAround, Template
from parity.trees import flat, mapped

Numbers = NDArray[Any]
# None: zeros, which take no memory until they are looked at.
Source = np.random.Generator | None

# Numbers in an argument that a row visits point by point.
ELEMENTS = 2**22
# Weights of a tree: so many matrices, and a bias for each.
LEAVES, ROWS, COLUMNS = 30, 352, 384


@dataclasses.dataclass(frozen=True, kw_only=True)
class Sizes:
    """How shapes of a row become shapes of the benchmark.

    Attributes:
        scale: of the first axis of the first argument, in parts of the full size.
        old, new: the shape of the first argument in the row, and in full at the benchmark.
        named: further sizes by what they are in the row, classes among them.
    """

    scale: float
    old: tuple[int, ...]
    new: tuple[int, ...]
    named: Mapping[int, int] = dataclasses.field(default_factory=dict[int, int])

    @property
    def first(self) -> tuple[int, ...]:
        """The shape of the first argument."""
        rows, *others = self.new or (1,)
        return (part(rows, self.scale), *others) if self.new else ()

    def size(self, old: int) -> int:
        """What a size of the row is at the benchmark; 1 remains 1."""
        if old == 1:
            return 1
        by_axis = dict(zip(reversed(self.old), reversed(self.first), strict=False))
        return {**self.named, **by_axis}.get(old, old)

    def shape(self, old: tuple[int, ...]) -> tuple[int, ...]:
        """What a shape of the row is at the benchmark."""
        return self.first if old and old == self.old else tuple(map(self.size, old))


def part(whole: int, scale: float) -> int:
    """A size, in parts of the full one; never less than 16 if that is not."""
    return max(int(whole * scale), min(whole, 16))


def drawn(described: Described, sizes: Sizes, source: Source) -> Any:
    """An argument: ordinary numbers, without the special ones that a row visits.

    A dict of descriptions becomes the benchmark's tree of weights.
    """
    if isinstance(described, Mapping):
        return weights(next(iter(flat(described).values())), sizes.scale, source)
    return mapped(lambda leaf: _array(leaf, sizes, source), described)


def weights(leaf: Any, scale: float, source: Source) -> dict[str, Numbers]:
    """Four million weights in thirty matrices, and their biases, drawn like the leaf."""
    rows = part(ROWS, scale)
    shapes = {f"{i}/weight": (rows, COLUMNS) for i in range(LEAVES)}
    shapes |= {f"{i}/bias": (rows,) for i in range(LEAVES)}
    return {name: _numbers(leaf, shape, source) for name, shape in shapes.items()}


def _array(described: Any, sizes: Sizes, source: Source) -> Numbers:
    match described:
        case Sweep() | SweepAround() | Choices(shape=None):
            shape = sizes.first if not sizes.old else (part(ELEMENTS, sizes.scale),)
            return _numbers(described, shape, source)
        case Labels(shape=shape, classes=classes):
            wanted = sizes.shape(shape)
            if source is None:
                return np.zeros(wanted, np.int64)
            return source.integers(0, sizes.size(classes), wanted)
        case Fixed(values=values):
            array = np.asarray(values)
            array = array.astype(np.float32) if array.dtype.kind == "f" else array
            return np.resize(array, sizes.shape(array.shape))
        case Template(shape=shape):
            return np.zeros(sizes.shape(shape), np.float32)
        case _:
            return _numbers(described, sizes.shape(described.shape), source)


def _numbers(described: Any, shape: tuple[int, ...], source: Source) -> Numbers:
    """Floating numbers that are distributed as described."""
    if source is None:
        return np.zeros(shape, np.float32)
    match described:
        case Sweep(span=(low, high)):
            return (low + (high - low) * source.random(shape, np.float32)).astype(np.float32)
        case Choices(values=values):
            return np.asarray(values, np.float32)[source.integers(0, len(values), shape)]
        case Samples(center=center, scale=scale):
            normal = source.standard_normal(shape, np.float32)
            return np.asarray(center + scale * normal, np.float32)
        case _:
            return source.standard_normal(shape, np.float32)
