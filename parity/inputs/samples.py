"""Arguments of a fixed shape: samples, labels, and arrays that are given as they are."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from parity.dtypes import Floats, is_floating, numpy_dtype, rounded
from parity.inputs.streams import stream
from parity.spec import Choices, Fixed, Labels, Samples, Template

# One class index in this many is a special one.
STRIDE = 4


def fixed(
    key: str, dtype: str, array: Samples | Choices | Labels | Fixed | Template
) -> NDArray[Any]:
    """The numbers of an argument of a fixed shape."""
    match array:
        case Samples():
            return _samples(key, dtype, array)
        case Choices():
            return rounded(stream(key).choice(array.values, array.shape), dtype)
        case Labels():
            return _labels(key, array)
        case Fixed():
            return _given(dtype, array)
        case Template():
            return np.zeros(array.shape, numpy_dtype(dtype))


def _labels(key: str, array: Labels) -> NDArray[Any]:
    labels = stream(key).integers(0, array.classes, array.shape)
    if array.special:
        flat = labels.reshape(-1)
        flat[::STRIDE] = np.resize(array.special, flat[::STRIDE].size)
    return labels


def _given(dtype: str, array: Fixed) -> NDArray[Any]:
    values = np.asarray(array.values)
    return rounded(values, dtype) if values.dtype.kind == "f" else values


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
