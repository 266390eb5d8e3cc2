"""The study as a row of the registry."""

from pathlib import Path

from experiments.progress import Progress
from experiments.signal_propagation.config import Config
from experiments.study import Outcome, Study


def run(config: Config, out: Path, progress: Progress) -> Outcome:
    """Measures every pair and compares it with the theory of wide networks."""
    # Listing the studies must not load a framework.
    from experiments.signal_propagation.comparison import compare_all

    return compare_all(config, out, progress)


STUDY = Study(
    name="signal_propagation",
    summary="variance of signals and gradients by depth, for initializers x activations",
    config=Config,
    run=run,
)
