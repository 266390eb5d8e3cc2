"""What is measured of networks, and what theory expects of them."""

import dataclasses

import numpy as np
from numpy.typing import NDArray

Curve = NDArray[np.float64]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Signals:
    """Mean squares over units, images and networks, [depth].

    Attributes:
        forward: of what enters the activation of each layer.
        backward: of the gradient there, of a random projection of the last layer.
    """

    forward: Curve
    backward: Curve


@dataclasses.dataclass(frozen=True, kw_only=True)
class Pair:
    """One initializer with one activation.

    Attributes:
        initializer, activation: their names.
        measured: the mean of several networks.
        expected: of infinitely wide ones.
        nearby: the same for first layers as much smaller and larger as a finite width makes them.
    """

    initializer: str
    activation: str
    measured: Signals
    expected: Signals
    nearby: tuple[Signals, Signals]
