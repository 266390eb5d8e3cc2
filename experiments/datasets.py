"""Data that ships inside the packages used: nothing is downloaded."""

import dataclasses

import numpy as np
from numpy.typing import NDArray
from sklearn.datasets import load_digits


@dataclasses.dataclass(frozen=True, kw_only=True)
class Images:
    """Labelled images.

    Attributes:
        pixels: [n, features], float64 in [0, 1]; every value is exact in float32 too.
        labels: [n], int64 in [0, classes).
    """

    pixels: NDArray[np.float64]
    labels: NDArray[np.int64]


def digits() -> Images:
    """1797 handwritten digits, 8x8 pixels in 17 shades, 10 classes (Alpaydin and Kaynak, 1998)."""
    data, target = load_digits(return_X_y=True)
    return Images(pixels=np.asarray(data, np.float64) / 16, labels=np.asarray(target, np.int64))
