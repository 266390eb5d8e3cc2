"""The cost of every regularizer: time beside torch, flax and optax, on one core and on all."""

import dataclasses
from pathlib import Path

from experiments.progress import Progress
from experiments.study import Outcome, Study, option


@dataclasses.dataclass(frozen=True, kw_only=True)
class Config:
    """What is measured, and for how long."""

    function: tuple[str, ...] = option((), "measure only this regularizer; repeat for several")
    rounds: int = option(11, "rounds over all regularizers; medians over them are reported")
    scale: float = option(1.0, "size of the workloads, in parts of the full ones")
    table: str = option("", "also write the page of the documentation to this file")

    def __post_init__(self) -> None:
        """Refuses what cannot be measured."""
        # Listing the benchmarks must not load a framework.
        from jaxact import regularizers

        unknown = set(self.function) - set(regularizers.__all__)
        if unknown:
            raise ValueError(f"function must be a regularizer, got {', '.join(sorted(unknown))}")
        if self.rounds < 1:
            raise ValueError(f"rounds must be at least 1, got {self.rounds}")
        if not 0 < self.scale <= 1:
            raise ValueError(f"scale must be above 0 and at most 1, got {self.scale}")


def run(config: Config, out: Path, progress: Progress) -> Outcome:
    """Measures every regularizer on every side."""
    from experiments.bench.regularizer_cost import measure_all

    return measure_all(config, out, progress)


STUDY = Study(
    name="regularizers",
    summary="every regularizer against torch, flax and optax, on one core and on all",
    config=Config,
    run=run,
    decides=False,
)
