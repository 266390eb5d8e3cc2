"""The study as a row of the registry."""

from pathlib import Path

from experiments.descent.config import Config
from experiments.progress import Progress
from experiments.study import Outcome, Study


def run(config: Config, out: Path, progress: Progress) -> Outcome:
    """Trains with every batch size, and follows every optimizer over both surfaces."""
    # Listing the studies must not load a framework.
    from experiments.descent.comparison import compare_all

    return compare_all(config, out, progress)


STUDY = Study(
    name="descent",
    summary="stochastic, mini-batch and batch descent as one loop; paths of the optimizers",
    config=Config,
    run=run,
)
