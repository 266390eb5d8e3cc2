"""The benchmarks as rows of the registry."""

from pathlib import Path

from experiments.bench.config import (
    ActivationsConfig,
    CompilingConfig,
    LossesConfig,
    OptimizersConfig,
    RegularizersConfig,
)
from experiments.progress import Progress
from experiments.study import Outcome, Study

# Each imports what measures when it runs: listing the benchmarks must not load a framework.


def time_activations(config: ActivationsConfig, out: Path, progress: Progress) -> Outcome:
    """Times every activation on every side."""
    from experiments.bench.activation_speed import measure_all

    return measure_all(config, out, progress)


def measure_losses(config: LossesConfig, out: Path, progress: Progress) -> Outcome:
    """Measures every loss on every side."""
    from experiments.bench.loss_cost import measure_all

    return measure_all(config, out, progress)


def measure_regularizers(config: RegularizersConfig, out: Path, progress: Progress) -> Outcome:
    """Measures every regularizer on every side."""
    from experiments.bench.regularizer_cost import measure_all

    return measure_all(config, out, progress)


def measure_optimizers(config: OptimizersConfig, out: Path, progress: Progress) -> Outcome:
    """Measures every optimizer on every side."""
    from experiments.bench.optimizer_cost import measure_all

    return measure_all(config, out, progress)


def time_compiling(config: CompilingConfig, out: Path, progress: Progress) -> Outcome:
    """Compiles every function that another library of JAX has too, and theirs."""
    from experiments.bench.compile_cost import measure_all

    return measure_all(config, out, progress)


BENCHMARKS: tuple[Study, ...] = (
    Study(
        name="activations",
        summary="forward and backward on 2^22 float32 numbers, against x + 1, jax.nn and torch",
        config=ActivationsConfig,
        run=time_activations,
        decides=False,
    ),
    Study(
        name="losses",
        summary="value and gradient of every loss against torch and optax, memory, several devices",
        config=LossesConfig,
        run=measure_losses,
        decides=False,
    ),
    Study(
        name="regularizers",
        summary="every regularizer against torch, flax and optax, on one core and on all",
        config=RegularizersConfig,
        run=measure_regularizers,
        decides=False,
    ),
    Study(
        name="optim",
        summary="a step of every optimizer against torch's fused and foreach paths and optax",
        config=OptimizersConfig,
        run=measure_optimizers,
        decides=False,
    ),
    Study(
        name="compiling",
        summary="tracing, lowering and compiling, against jax.nn, optax and flax",
        config=CompilingConfig,
        run=time_compiling,
        decides=False,
    ),
)
