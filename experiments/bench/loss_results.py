"""What is measured of the losses."""

import dataclasses
from collections.abc import Sequence

from experiments.bench.devices import Sharded
from experiments.bench.large_vocabulary import LargeVocabulary
from experiments.bench.speed import Comparison


@dataclasses.dataclass(frozen=True, kw_only=True)
class Costs:
    """Everything that was measured; None for what was not asked for."""

    speeds: Sequence[Comparison]
    large: LargeVocabulary | None
    sharded: Sequence[Sharded]
