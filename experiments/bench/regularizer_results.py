"""What is measured of the regularizers."""

import dataclasses
from collections.abc import Mapping, Sequence

from experiments.bench.augmented import Augmented
from experiments.bench.large_mean import LargeMean
from experiments.bench.speed import Comparison


@dataclasses.dataclass(frozen=True, kw_only=True)
class Costs:
    """Everything that was measured.

    Attributes:
        speeds: by number of cores.
        means: errors at large means.
        images: throughput of the augmentation; empty for what was not asked for.
    """

    speeds: Mapping[int, Sequence[Comparison]]
    means: Sequence[LargeMean]
    images: Sequence[Augmented]
