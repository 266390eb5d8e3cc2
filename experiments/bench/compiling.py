"""How long value and gradient of a function take to trace, lower and compile."""

from pathlib import Path

from experiments.bench.config import CompilingConfig
from experiments.progress import Progress
from experiments.study import Outcome, Study


def run(config: CompilingConfig, out: Path, progress: Progress) -> Outcome:
    """Times every function that jax.nn, optax or flax has too."""
    # Listing the benchmarks must not load a framework.
    from experiments.bench.compile_cost import measure_all

    return measure_all(config, out, progress)


STUDY = Study(
    name="compiling",
    summary="tracing, lowering and compiling value and gradient, against jax.nn, optax and flax",
    config=CompilingConfig,
    run=run,
    decides=False,
)
