"""The study as a row of the registry."""

from pathlib import Path

from experiments.overfitting.config import Config
from experiments.progress import Progress
from experiments.study import Outcome, Study


def run(config: Config, out: Path, progress: Progress) -> Outcome:
    """Trains every network in one compiled program, unregularized ones included."""
    # Listing the studies must not load a framework.
    from experiments.overfitting.comparison import compare_all

    return compare_all(config, out, progress)


STUDY = Study(
    name="overfitting",
    summary="what every regularizer does to a network that memorizes wrong labels",
    config=Config,
    run=run,
)
