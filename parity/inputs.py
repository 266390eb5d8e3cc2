"""From the description of an argument to its numbers, always the same for the same key."""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from parity.dtypes import FORMATS, Floats, flush, is_floating, numpy_dtype, rounded, widened
from parity.spec import Array, Points, Samples

# One length for each dtype, whatever the function: op-by-op programs are then compiled once.
LENGTH = {"float32": 16384, "float64": 8192}
SPAN_LENGTH = 4096
INTEGER_LENGTH = 512
LINEAR_GRID = np.linspace(-10.0, 10.0, 401)


@dataclass(frozen=True, kw_only=True)
class Problem:
    """The numbers of one call: what every side is given.

    Args:
        key: the randomness of cotangents and directions.
        dtype: of every array.
        arrays: positional arguments.
        named: hyperparameters given as arrays.
        drawn: what the subject drew at random, for the reference only.
    """

    key: str
    dtype: str
    arrays: tuple[NDArray[Any], ...]
    named: Mapping[str, NDArray[Any]] = field(default_factory=dict[str, NDArray[Any]])
    drawn: Mapping[str, NDArray[Any]] = field(default_factory=dict[str, NDArray[Any]])

    def cotangent(self, shape: tuple[int, ...]) -> NDArray[Any]:
        """What is pulled back through the function."""
        return signed(f"{self.key}/cotangent", shape, self.dtype)

    def directions(self) -> tuple[tuple[NDArray[Any], ...], dict[str, NDArray[Any]]]:
        """One direction for each argument: the tangents, and the cotangents of the gradients."""
        arrays = tuple(
            signed(f"{self.key}/direction/{i}", a.shape, self.dtype)
            for i, a in enumerate(self.arrays)
        )
        named = {
            name: signed(f"{self.key}/direction/{name}", a.shape, self.dtype)
            for name, a in self.named.items()
        }
        return arrays, named

    def in_dtype(self, dtype: str) -> Problem:
        """The same numbers, cotangents included, in a wider dtype."""
        return _Widened(
            key=self.key,
            dtype=dtype,
            arrays=tuple(rounded(a, dtype) for a in self.arrays),
            named={name: rounded(a, dtype) for name, a in self.named.items()},
            drawn={name: rounded(a, dtype) for name, a in self.drawn.items()},
            source=self,
        )

    def at(self, index: int) -> Problem:
        """The problem of a single point: one entry of every array, cotangents included."""
        return _SinglePoint(
            key=self.key,
            dtype=self.dtype,
            arrays=tuple(a[index : index + 1] for a in self.arrays),
            named={name: a[index : index + 1] for name, a in self.named.items()},
            source=self,
            index=index,
        )


@dataclass(frozen=True, kw_only=True)
class _SinglePoint(Problem):
    source: Problem
    index: int

    def cotangent(self, shape: tuple[int, ...]) -> NDArray[Any]:
        whole = self.source.cotangent(self.source.arrays[0].shape)
        return whole[self.index : self.index + 1]

    def directions(self) -> tuple[tuple[NDArray[Any], ...], dict[str, NDArray[Any]]]:
        arrays, named = self.source.directions()
        here = slice(self.index, self.index + 1)
        return tuple(a[here] for a in arrays), {name: a[here] for name, a in named.items()}


@dataclass(frozen=True, kw_only=True)
class _Widened(Problem):
    source: Problem

    def cotangent(self, shape: tuple[int, ...]) -> NDArray[Any]:
        return rounded(self.source.cotangent(shape), self.dtype)

    def directions(self) -> tuple[tuple[NDArray[Any], ...], dict[str, NDArray[Any]]]:
        arrays, named = self.source.directions()
        return (
            tuple(rounded(a, self.dtype) for a in arrays),
            {name: rounded(a, self.dtype) for name, a in named.items()},
        )


def stream(key: str) -> np.random.Generator:
    """A random stream that depends on the key alone, on every machine and in every run."""
    digest = hashlib.blake2b(key.encode(), digest_size=16).digest()
    return np.random.Generator(np.random.PCG64(int.from_bytes(digest, "little")))


@functools.lru_cache(maxsize=64)
def signed(key: str, shape: tuple[int, ...], dtype: str) -> NDArray[Any]:
    """Random numbers of both signs and of magnitude 1/4 to 1, half of them powers of two.

    A power of two adds no rounding of its own; the others show that a product was formed at all.
    None is above 1: a normal product then has normal factors, which nobody flushes to zero.
    """
    draw = stream(key)
    magnitude = np.where(
        draw.random(shape) < 0.5, 2.0 ** draw.integers(-2, 1, shape), draw.uniform(0.25, 1.0, shape)
    )
    values = rounded(np.where(draw.random(shape) < 0.5, -magnitude, magnitude), dtype)
    values.flags.writeable = False
    return values


def problem(
    key: str,
    dtype: str,
    inputs: tuple[Array, ...],
    named: Mapping[str, Array] | None = None,
) -> Problem:
    """The numbers for the described arguments.

    Args:
        key: the randomness; the same key gives the same numbers.
        dtype: of every array.
        inputs: descriptions of the positional arguments.
        named: descriptions of hyperparameters given as arrays.
    """
    named = named or {}
    length = _length(dtype, (*inputs, *named.values()))
    return Problem(
        key=key,
        dtype=dtype,
        arrays=tuple(_array(f"{key}/{i}", dtype, a, length) for i, a in enumerate(inputs)),
        named={name: _array(f"{key}/{name}", dtype, a, length) for name, a in named.items()},
    )


def elementwise(arrays: tuple[Array, ...]) -> bool:
    """Whether the arguments are visited point by point."""
    return all(isinstance(array, Points) for array in arrays)


def _length(dtype: str, arrays: tuple[Array, ...]) -> int:
    if any(isinstance(a, Points) and a.span for a in arrays):
        return SPAN_LENGTH
    if not is_floating(dtype):
        return INTEGER_LENGTH
    return LENGTH.get(dtype, 2**16)


def _array(key: str, dtype: str, array: Array, length: int) -> NDArray[Any]:
    if isinstance(array, Samples):
        return _samples(key, dtype, array)
    if not is_floating(dtype):
        return _integers(key, dtype, length)
    if array.span:
        return _span(key, dtype, array, array.span, length)
    return _points(key, dtype, array, length)


def _integers(key: str, dtype: str, length: int) -> NDArray[Any]:
    if dtype == "bool":
        return stream(key).random(length) < 0.5
    lowest = 0 if dtype.startswith("u") else -20
    return stream(key).integers(lowest, 21, length).astype(dtype)


def _span(
    key: str, dtype: str, array: Points, span: tuple[float, float], length: int
) -> NDArray[Any]:
    low, high = span
    fixed = np.concatenate([rounded([low, high], "float64"), neighbourhoods(array.kinks, dtype)])
    fixed = fixed[(fixed >= low) & (fixed <= high)]
    rest = stream(key).uniform(low, high, length - fixed.size)
    return rounded(np.concatenate([fixed, rest]), dtype)


def _points(key: str, dtype: str, array: Points, length: int) -> NDArray[Any]:
    if dtype in ("float16", "bfloat16"):
        return every_pattern(dtype)
    draw = stream(key)
    fixed = np.concatenate(
        [
            specials(dtype),
            neighbourhoods((0.0, *array.kinks), dtype),
            LINEAR_GRID,
            tails(draw, dtype),
            sweep(draw, dtype, length // 2),
        ]
    )
    rest = draw.normal(0.0, 3.0, length - fixed.size)
    return rounded(flush(rounded_64(np.concatenate([fixed, rest]), dtype), dtype), dtype)


def rounded_64(values: Floats, dtype: str) -> Floats:
    """The values rounded to the dtype, held in float64."""
    return widened(rounded(values, dtype))


def every_pattern(dtype: str) -> NDArray[Any]:
    """All 65,536 numbers of a half precision format; those that count as zero are zeros."""
    patterns = np.arange(2**16, dtype=np.uint16).view(numpy_dtype(dtype))
    return rounded(flush(widened(patterns), dtype), dtype)


def specials(dtype: str) -> Floats:
    """nan, infinities, zeros of both signs, the largest and the smallest numbers, the units."""
    limits = FORMATS[dtype]
    positive = np.array([np.inf, limits.largest, limits.tiny, 1.0, 0.0])
    return np.concatenate([[np.nan], positive, -positive])


def neighbourhoods(kinks: tuple[float, ...], dtype: str) -> Floats:
    """Each kink with the numbers below and above it; beside zero the smallest normal ones."""
    points: list[float] = []
    for kink in kinks:
        centre = rounded(kink, dtype)
        if centre == 0:
            points += [-FORMATS[dtype].tiny, -0.0, 0.0, FORMATS[dtype].tiny]
        else:
            points += [
                float(np.nextafter(centre, numpy_dtype(dtype).type(-np.inf))),
                float(centre),
                float(np.nextafter(centre, numpy_dtype(dtype).type(np.inf))),
            ]
    return np.array(points, dtype=np.float64)


def sweep(draw: np.random.Generator, dtype: str, count: int) -> Floats:
    """Both signs, every binade of the format alike: the same number of points in each."""
    limits = FORMATS[dtype]
    binades = np.arange(limits.least, limits.greatest + 1)
    each = max(count // (2 * binades.size), 1)
    mantissa = 1.0 + draw.random((2, each, binades.size))
    magnitude = np.minimum(np.ldexp(mantissa, binades), limits.largest)
    return np.concatenate([magnitude[0].ravel(), -magnitude[1].ravel()])


def tails(draw: np.random.Generator, dtype: str) -> Floats:
    """Where exponentials run out of range: evenly between -1.1 and 1.1 times that point."""
    reach = 1.1 * (1 - FORMATS[dtype].least) * np.log(2.0)
    return draw.uniform(-reach, reach, 2048)


def _samples(key: str, dtype: str, array: Samples) -> NDArray[Any]:
    values = stream(key).normal(array.center, array.scale, array.shape)
    if not is_floating(dtype):
        return np.clip(np.rint(values), 0 if dtype.startswith("u") else -20, 20).astype(dtype)
    if array.special and array.axis is not None:
        by_sample = np.moveaxis(values, array.axis, 0)
        for sample, change in zip(by_sample, SPECIAL_SAMPLES, strict=False):
            sample[...] = change(sample)
    return rounded(values, dtype)


def _with_entry(value: float) -> Callable[[Floats], Floats]:
    def change(sample: Floats) -> Floats:
        changed = sample.copy()
        changed.flat[0] = value
        return changed

    return change


def _every_other_missing(sample: Floats) -> Floats:
    changed = sample.copy()
    changed.flat[::2] = -np.inf
    return changed


def _raised_by_1000(sample: Floats) -> Floats:
    return sample + 1000.0


def _spread_out(sample: Floats) -> Floats:
    return sample * 20.0


def _constant(value: float) -> Callable[[Floats], Floats]:
    return lambda sample: np.full_like(sample, value)


def _tied(sample: Floats) -> Floats:
    return np.sign(sample)


SPECIAL_SAMPLES: tuple[Callable[[Floats], Floats], ...] = (
    _with_entry(-np.inf),
    _every_other_missing,
    _constant(0.0),
    _with_entry(100.0),
    _with_entry(-100.0),
    _raised_by_1000,
    _spread_out,
    _tied,
    _with_entry(np.inf),
    _with_entry(np.nan),
    _constant(-np.inf),
)
