"""The speed of every activation: against an addition, jax.nn and torch, all in one run."""

import dataclasses
from pathlib import Path

from experiments.activation_rows import check_functions
from experiments.progress import Progress
from experiments.study import Outcome, Study, option


@dataclasses.dataclass(frozen=True, kw_only=True)
class Config:
    """What is timed, and for how long."""

    function: tuple[str, ...] = option((), "time only this function; repeat for several")
    elements: int = option(2**22, "float32 numbers in the input, a multiple of 2^16")
    rounds: int = option(15, "rounds over all functions; medians over them are reported")
    table: str = option("", "also write the page of the documentation to this file")

    def __post_init__(self) -> None:
        """Refuses what cannot be timed."""
        check_functions(self.function)
        if self.elements < 1 or self.elements % 2**16:
            raise ValueError(f"elements must be a multiple of 2^16, got {self.elements}")
        if self.rounds < 1:
            raise ValueError(f"rounds must be at least 1, got {self.rounds}")


def run(config: Config, out: Path, progress: Progress) -> Outcome:
    """Times every function on every side."""
    # Listing the benchmarks must not load both frameworks.
    from experiments.bench.activation_speed import time_all

    return time_all(config, out, progress)


STUDY = Study(
    name="activations",
    summary="forward and backward on 2^22 float32 numbers, against x + 1, jax.nn and torch",
    config=Config,
    run=run,
    decides=False,
)
