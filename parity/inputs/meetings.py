"""Numbers for several arguments visited point by point: combinations of their special values."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from parity.dtypes import FORMATS, Floats, flush, is_floating, numpy_dtype, rounded, widened
from parity.inputs.points import (
    Pointwise,
    column,
    common_length,
    in_format,
    neighbourhoods,
    ordinary,
    rounded_64,
    special,
)
from parity.inputs.streams import stream
from parity.spec import Sweep, SweepAround

# The least number of points with such combinations; they follow the arguments' own points.
MEETINGS = 2048
# Differences of these numbers are exact in every format.
EIGHTHS = np.arange(-32, 33) / 8
# Multiples of a kink; subtracting the kink from them is exact.
MULTIPLES = np.array([0.0, 1.0, 2.0, -1.0, 0.5])
Block = Mapping[str, Floats]


def columns(key: str, dtype: str, arrays: Mapping[str, Pointwise]) -> dict[str, NDArray[Any]]:
    """One long vector for each argument, all of the same length.

    Each argument runs through its own points, arguments after the first in random order. Then come
    all combinations of the special numbers of any two, and the kinks of differences.
    """
    length = common_length(dtype, tuple(arrays.values()))
    own = {name: column(f"{key}/{name}", dtype, a, length) for name, a in arrays.items()}
    if len(arrays) == 1 or not is_floating(dtype):
        return own
    for name in list(own)[1:]:
        own[name] = own[name][stream(f"{key}/{name}/order").permutation(length)]
    met = _meetings(stream(f"{key}/meetings"), dtype, arrays)
    return _without_lost_differences(
        dtype, arrays, {name: np.concatenate([own[name], met[name]]) for name in arrays}
    )


def _without_lost_differences(
    dtype: str, arrays: Mapping[str, Pointwise], numbers: dict[str, NDArray[Any]]
) -> dict[str, NDArray[Any]]:
    """Makes arguments equal where their difference is a subnormal number, which counts as zero."""
    first, *others = arrays
    for name in others:
        if isinstance(arrays[name], SweepAround):
            with np.errstate(invalid="ignore", over="ignore"):
                difference = widened(numbers[first]) - widened(numbers[name])
            lost = (difference != 0) & (flush(difference, dtype) == 0)
            numbers[name] = np.where(lost, numbers[first], numbers[name])
    return numbers


def _meetings(
    draw: np.random.Generator, dtype: str, arrays: Mapping[str, Pointwise]
) -> dict[str, NDArray[Any]]:
    """The blocks in a row; arguments that a block does not name get numbers of ordinary size."""
    blocks = [*_crossed(dtype, arrays), *_apart(dtype, arrays)]
    sizes = [next(iter(block.values())).size for block in blocks]
    blocks.append({})
    sizes.append(max(MEETINGS - sum(sizes), 0))

    def numbers(name: str, block: Block, size: int) -> Floats:
        return block[name] if name in block else ordinary(draw, arrays[name], size)

    return {
        name: in_format(
            np.concatenate([numbers(name, b, n) for b, n in zip(blocks, sizes, strict=True)]), dtype
        )
        for name in arrays
    }


def _crossed(dtype: str, arrays: Mapping[str, Pointwise]) -> Iterator[Block]:
    """All combinations of the special numbers of any two arguments."""
    for first, second in itertools.combinations(arrays, 2):
        left, right = special(dtype, arrays[first]), special(dtype, arrays[second])
        yield {first: np.repeat(left, right.size), second: np.tile(right, left.size)}


def _apart(dtype: str, arrays: Mapping[str, Pointwise]) -> Iterator[Block]:
    """The first argument and another one whose difference is a kink or a neighbour of one."""
    first, *others = arrays
    for name in others:
        beside = arrays[name]
        for kink in beside.kinks if isinstance(beside, SweepAround) else ():
            left, right = around(kink, dtype)
            kept = _inside(left, arrays[first])
            yield {first: left[kept], name: right[kept]}


def _inside(values: Floats, array: Pointwise) -> NDArray[np.bool_]:
    low, high = (isinstance(array, Sweep) and array.span) or (-np.inf, np.inf)
    return (values >= low) & (values <= high)


def around(kink: float, dtype: str) -> tuple[Floats, Floats]:
    """Pairs of numbers whose difference is the kink, or the next number above or below.

    No difference needs rounding, so that every precision finds it on the same side of the kink.
    There are also pairs made from those at the kink by moving one of the two numbers by one ulp.
    """
    at, *beside = (pairs_apart(number, dtype) for number in _neighbours(kink, dtype))
    left, right = at
    stepped = [
        (next_number(left, way, dtype), right) if first else (left, next_number(right, way, dtype))
        for first in (True, False)
        for way in (-np.inf, np.inf)
    ]
    pairs = [at, *beside, *(_exact(*pair, dtype) for pair in stepped)]
    return np.concatenate([a for a, _ in pairs]), np.concatenate([b for _, b in pairs])


def _neighbours(kink: float, dtype: str) -> list[float]:
    """The kink rounded to the dtype, then its neighbours."""
    centre = float(rounded(kink, dtype))
    return [centre, *(n for n in neighbourhoods((kink,), dtype).tolist() if n != centre)]


def pairs_apart(difference: float, dtype: str) -> tuple[Floats, Floats]:
    """Pairs of numbers of the dtype with exactly that difference, for many first numbers."""
    left = rounded_64(np.concatenate([EIGHTHS, MULTIPLES * difference]), dtype)
    right = rounded_64(left - difference, dtype)
    left, right = _exact(left, right, dtype)
    hit = left - right == difference
    return left[hit], right[hit]


def next_number(values: Floats, toward: float, dtype: str) -> Floats:
    """The next number of the dtype towards an infinity."""
    return widened(np.nextafter(rounded(values, dtype), numpy_dtype(dtype).type(toward)))


def _exact(left: Floats, right: Floats, dtype: str) -> tuple[Floats, Floats]:
    """The pairs of normal numbers whose difference is a number of the dtype."""
    difference = left - right
    # The rounding error of the difference in float64.
    back = difference - left
    lost = (left - (difference - back)) - (right + back)
    kept = (lost == 0) & (rounded_64(difference, dtype) == difference)
    for values in (left, right, difference):
        kept &= (values == 0) | (np.abs(values) >= FORMATS[dtype].tiny)
    return left[kept], right[kept]
