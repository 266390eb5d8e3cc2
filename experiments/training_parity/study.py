"""The study as a row of the registry."""

from pathlib import Path

from experiments.progress import Progress
from experiments.study import Outcome, Study
from experiments.training_parity.config import Config


def run(config: Config, out: Path, progress: Progress) -> Outcome:
    """Trains in both frameworks and compares step by step."""
    # Listing the studies must not load both frameworks.
    from experiments.training_parity.comparison import compare_all

    return compare_all(config, out, progress)


STUDY = Study(
    name="training_parity",
    summary="an MLP on handwritten digits, trained alike in torch and jaxact, losses step by step",
    config=Config,
    run=run,
)
