"""The study as a row of the registry."""

from pathlib import Path

from experiments.accuracy.config import Config
from experiments.progress import Progress
from experiments.study import Outcome, Study


def run(config: Config, out: Path, progress: Progress) -> Outcome:
    """Measures every function at every point."""
    # Listing the studies must not load both frameworks.
    from experiments.accuracy.survey import measure_all

    return measure_all(config, out, progress)


STUDY = Study(
    name="accuracy",
    summary="errors of every activation in ulp: all half precision numbers, 4 million of float32",
    config=Config,
    run=run,
)
