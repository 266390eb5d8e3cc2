"""The cost of every loss: time beside torch and optax, memory, and several devices."""

import dataclasses
from pathlib import Path

from experiments.progress import Progress
from experiments.study import Outcome, Study, option


@dataclasses.dataclass(frozen=True, kw_only=True)
class Config:
    """What is measured, and for how long."""

    function: tuple[str, ...] = option((), "measure only this loss; repeat for several")
    rounds: int = option(11, "rounds over all losses; medians over them are reported")
    scale: float = option(1.0, "size of the workloads, in parts of the full ones")
    table: str = option("", "also write the page of the documentation to this file")

    def __post_init__(self) -> None:
        """Refuses what cannot be measured."""
        # Listing the benchmarks must not load a framework.
        from jaxact import losses

        unknown = set(self.function) - set(losses.__all__)
        if unknown:
            raise ValueError(f"function must be a loss, got {', '.join(sorted(unknown))}")
        if self.rounds < 1:
            raise ValueError(f"rounds must be at least 1, got {self.rounds}")
        if not 0 < self.scale <= 1:
            raise ValueError(f"scale must be above 0 and at most 1, got {self.scale}")


def run(config: Config, out: Path, progress: Progress) -> Outcome:
    """Measures every loss on every side."""
    from experiments.bench.loss_cost import measure_all

    return measure_all(config, out, progress)


STUDY = Study(
    name="losses",
    summary="value and gradient of every loss against torch and optax, memory, several devices",
    config=Config,
    run=run,
    decides=False,
)
