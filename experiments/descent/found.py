"""What was measured of one batch size, with confidence intervals over the seeds."""

import dataclasses
import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from experiments.descent.config import Kind

Values = NDArray[np.float64]

CONFIDENCE = 0.95


class Interval(NamedTuple):
    """A mean of independent values and what it may be off by with 95 % confidence.

    Attributes:
        mean: in the unit of the values.
        margin: half the width of Student's interval.
    """

    mean: float
    margin: float

    @property
    def low(self) -> float:
        """The lower bound."""
        return self.mean - self.margin

    @property
    def high(self) -> float:
        """The upper bound."""
        return self.mean + self.margin

    def text(self, scale: float = 1) -> str:
        """Both, times `scale`, to the second digit of the margin."""
        mean, margin = scale * self.mean, scale * self.margin
        # Rounding may add a digit; of 0, infinity and nan none is the first.
        margin = float(f"{margin:.1e}")
        first = math.floor(math.log10(margin)) if 0 < margin < math.inf else 0
        digits = max(1 - first, 0)
        return f"{mean:.{digits}f} ± {margin:.{digits}f}"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Found:
    """What was measured of one batch size.

    Attributes:
        kind: its name, batch size and learning rate.
        images: in the training set.
        steps: [records], made before each measurement.
        losses: [seeds, records], on the whole training set, in nats.
        accuracies: [seeds, records], on the unseen digits.
        seconds: [timings], of all steps of all seeds side by side, without any measurement.
    """

    kind: Kind
    images: int
    steps: NDArray[np.int64]
    losses: Values
    accuracies: Values
    seconds: Values

    @property
    def passes(self) -> Values:
        """[records], how often every image was seen before each measurement."""
        return self.steps * self.kind.batch / self.images

    @property
    def elapsed(self) -> Values:
        """[records], seconds to each measurement, by the median of the timings."""
        return self.steps * float(np.median(self.seconds)) / self.steps[-1]

    def passes_to(self, target: float) -> Values:
        """[seeds], passes to the first measured loss of at most `target`; inf without one."""
        return self._first(self.passes, target)

    def seconds_to(self, target: float) -> Values:
        """[seeds], the same in seconds of all seeds side by side."""
        return self._first(self.elapsed, target)

    def rises(self, steps: int) -> Values:
        """[seeds], in which part of the first steps, which are all measured, the loss rises."""
        losses = self.losses[:, : steps + 1]
        return np.mean(losses[:, 1:] > losses[:, :-1], axis=1)

    def _first(self, along: Values, target: float) -> Values:
        reached = self.losses <= target
        return np.where(reached.any(axis=1), along[np.argmax(reached, axis=1)], np.inf)


def interval(values: Values) -> Interval:
    """Of [seeds]; infinite or nan if a value is."""
    if not np.all(np.isfinite(values)):
        return Interval(float(np.sum(values)), float("nan"))
    return Interval(float(np.mean(values)), float(_margins(values)))


def band(values: Values) -> tuple[Values, Values, Values]:
    """Geometric mean of positive [seeds, records] and its bounds, [records] each."""
    logarithms = np.log(values)
    mean, margin = np.mean(logarithms, axis=0), _margins(logarithms)
    return np.exp(mean), np.exp(mean - margin), np.exp(mean + margin)


def _margins(values: Values) -> Values:
    seeds = len(values)
    quantile = stats.t.ppf((1 + CONFIDENCE) / 2, seeds - 1)
    return quantile * np.std(values, axis=0, ddof=1) / np.sqrt(seeds)
