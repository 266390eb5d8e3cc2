"""Arguments that are visited point by point: one long vector for each."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from parity.dtypes import FORMATS, Floats, flush, is_floating, numpy_dtype, rounded, widened
from parity.inputs.streams import stream
from parity.spec import Choices, Sweep, SweepAround

Pointwise = Sweep | SweepAround | Choices
# One length for each dtype, the same for all functions, so that an operation is compiled once.
LENGTH = {"float32": 16384, "float64": 8192}
SPAN_LENGTH = 4096
INTEGER_LENGTH = 512
LINEAR_GRID = np.linspace(-10.0, 10.0, 401)


def common_length(dtype: str, arrays: tuple[Pointwise, ...]) -> int:
    """How many points of its own each argument gets."""
    if not is_floating(dtype):
        return INTEGER_LENGTH
    if not any(_is_unbounded(array) for array in arrays):
        return SPAN_LENGTH
    return LENGTH.get(dtype, 2**16)


def _is_unbounded(array: Pointwise) -> bool:
    return isinstance(array, SweepAround) or (isinstance(array, Sweep) and array.span is None)


def column(key: str, dtype: str, array: Pointwise, length: int) -> NDArray[Any]:
    """The numbers of one argument, independent of the others."""
    if isinstance(array, Choices):
        return rounded(ordinary(stream(key), array, length), dtype)
    if not is_floating(dtype):
        return _integers(key, dtype, length)
    if isinstance(array, Sweep) and array.span:
        return _span(key, dtype, array, length)
    return _points(key, dtype, array, length)


def ordinary(draw: np.random.Generator, array: Pointwise, count: int) -> Floats:
    """Random numbers of ordinary size."""
    match array:
        case Choices():
            return draw.choice(np.asarray(array.values, np.float64), count)
        case Sweep(span=(low, high)):
            return draw.uniform(low, high, count)
        case _:
            return draw.normal(0.0, 3.0, count)


def special(dtype: str, array: Pointwise) -> Floats:
    """The argument's special numbers: kinks and ends with their neighbours, infinities, nan."""
    match array:
        case Choices():
            return np.asarray(array.values, np.float64)
        case SweepAround():
            return specials(dtype)
        case Sweep(span=(low, high)):
            fixed = np.concatenate([[low, high], neighbourhoods(array.kinks, dtype)])
            return fixed[(fixed >= low) & (fixed <= high)]
        case Sweep():
            return np.concatenate([specials(dtype), neighbourhoods((0.0, *array.kinks), dtype)])


def _integers(key: str, dtype: str, length: int) -> NDArray[Any]:
    if dtype == "bool":
        return stream(key).random(length) < 0.5
    lowest = 0 if dtype.startswith("u") else -20
    return stream(key).integers(lowest, 21, length).astype(dtype)


def _span(key: str, dtype: str, array: Sweep, length: int) -> NDArray[Any]:
    fixed = special(dtype, array)
    rest = ordinary(stream(key), array, length - fixed.size)
    return rounded(np.concatenate([fixed, rest]), dtype)


def _points(key: str, dtype: str, array: Sweep | SweepAround, length: int) -> NDArray[Any]:
    if dtype in ("float16", "bfloat16"):
        return every_pattern(dtype)
    draw = stream(key)
    fixed = np.concatenate(
        [special(dtype, array), LINEAR_GRID, tails(draw, dtype), sweep(draw, dtype, length // 2)]
    )
    rest = ordinary(draw, array, length - fixed.size)
    return in_format(np.concatenate([fixed, rest]), dtype)


def in_format(values: Floats, dtype: str) -> NDArray[Any]:
    """The values in the dtype; those that count as zero become zeros."""
    return rounded(flush(rounded_64(values, dtype), dtype), dtype)


def rounded_64(values: Floats, dtype: str) -> Floats:
    """The values rounded to the dtype, held in float64."""
    return widened(rounded(values, dtype))


def every_pattern(dtype: str) -> NDArray[Any]:
    """All 65,536 numbers of a half-precision format; those that count as zero become zeros."""
    patterns = np.arange(2**16, dtype=np.uint16).view(numpy_dtype(dtype))
    return rounded(flush(widened(patterns), dtype), dtype)


def specials(dtype: str) -> Floats:
    """nan, infinities, zeros of both signs, the largest and smallest normal numbers, 1 and -1."""
    limits = FORMATS[dtype]
    positive = np.array([np.inf, limits.largest, limits.tiny, 1.0, 0.0])
    return np.concatenate([[np.nan], positive, -positive])


def neighbourhoods(kinks: tuple[float, ...], dtype: str) -> Floats:
    """Each kink with its two neighbours; those of zero are the smallest normal numbers."""
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
    """Random numbers of both signs, the same number of points in each binade of the format."""
    limits = FORMATS[dtype]
    binades = np.arange(limits.least, limits.greatest + 1)
    each = max(count // (2 * binades.size), 1)
    mantissa = 1.0 + draw.random((2, each, binades.size))
    magnitude = np.minimum(np.ldexp(mantissa, binades), limits.largest)
    return np.concatenate([magnitude[0].ravel(), -magnitude[1].ravel()])


def tails(draw: np.random.Generator, dtype: str) -> Floats:
    """Points up to where exponentials underflow: uniform between -1.1 and 1.1 times that point."""
    reach = 1.1 * (1 - FORMATS[dtype].least) * np.log(2.0)
    return draw.uniform(-reach, reach, 2048)
