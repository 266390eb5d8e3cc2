"""What was measured of a regularizer, compared with the unregularized network."""

import dataclasses

import numpy as np
from numpy.typing import NDArray

from experiments.overfitting.regularizers import REGULARIZERS, Regularizer
from experiments.overfitting.training import Run

Values = NDArray[np.floating]

# A gain of more than so many standard errors counts as one.
ERRORS = 2.0


@dataclasses.dataclass(frozen=True, kw_only=True)
class Found:
    """What was measured of one regularizer.

    Attributes:
        name: of the regularizer.
        strengths: that were tried.
        chosen: which of them is reported.
        runs: of all strengths with all seeds.
        plain: test accuracies without a regularizer, [seeds].
    """

    name: str
    strengths: tuple[float, ...]
    chosen: int
    runs: Run
    plain: Values

    @property
    def row(self) -> Regularizer:
        """Where it acts."""
        return REGULARIZERS[self.name]

    @property
    def run(self) -> Run:
        """Of the chosen strength, [seeds, ...] each."""
        return Run(*(values[self.chosen] for values in self.runs))

    @property
    def gains(self) -> Values:
        """[seeds], test accuracy above that of the network of the same seed without it."""
        return self.run.test[:, -1] - self.plain

    @property
    def gain(self) -> float:
        """The mean."""
        return float(np.mean(self.gains))

    @property
    def error(self) -> float:
        """Its standard error."""
        return standard_error(self.gains)

    @property
    def helps(self) -> bool:
        """Whether the gain is beyond chance."""
        return self.gain > ERRORS * self.error


def standard_error(values: Values) -> float:
    """Of the mean of independent values."""
    return float(np.std(values, ddof=1) / np.sqrt(len(values)))
