"""The study itself: every run, the comparison, the files."""

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from experiments.progress import Advance, Progress
from experiments.results import write_bytes, write_json, write_text
from experiments.study import Outcome, Verdict, findings
from experiments.training_parity import agreement, jax_side, page, plot, torch_side
from experiments.training_parity.agreement import Runs
from experiments.training_parity.config import Config, Training
from experiments.training_parity.problem import Problem, Trajectory, make_problem, reordered


def compare_all(config: Config, out: Path, progress: Progress) -> Outcome:
    """Makes every training on both sides, writes the results file, the figures and the page."""
    problem = make_problem(config)
    stages = len(config.trainings) * (4 + config.reorderings)
    with progress.stages("training_parity", stages) as advance:
        runs = {
            training: train_all(problem, training, config.reorderings, advance)
            for training in config.trainings
        }
    verdicts = {training: agreement.verdicts(str(training), runs[training]) for training in runs}
    files = [
        write_json(out / "training_parity.json", _results(config, runs, verdicts)),
        *plot.draw(runs, verdicts, out / "training_parity"),
    ]
    if config.table:
        target = Path(config.table)
        losses = (out / "training_parity.png").read_bytes()
        files += [
            write_text(target, page.page(runs, verdicts, config)),
            write_bytes(target.with_suffix(".png"), losses),
        ]
    return Outcome(verdicts=[v for found in verdicts.values() for v in found], files=files)


def train_all(
    problem: Problem,
    training: Training,
    reorderings: int,
    advance: Advance,
    activation: jax_side.Activation | None = None,
) -> Runs:
    """Both frameworks in both precisions; jaxact with another activation, if one is given."""

    def torch_run(problem: Problem, dtype: type[np.floating], label: str) -> Trajectory:
        advance(f"{training}: torch {label}")
        return torch_side.train(problem, training, dtype)

    def jaxact_run(dtype: type[np.floating], label: str) -> Trajectory:
        advance(f"{training}: jaxact {label}")
        return jax_side.train(problem, training, dtype, activation)

    torch64 = torch_run(problem, np.float64, "float64")
    jaxact64 = jaxact_run(np.float64, "float64")
    torch32 = torch_run(problem, np.float32, "float32")
    jaxact32 = jaxact_run(np.float32, "float32")
    return Runs(
        torch64=torch64.losses,
        jaxact64=jaxact64.losses,
        torch32=torch32.losses,
        jaxact32=jaxact32.losses,
        torch32_reordered=[
            torch_run(reordered(problem, seed), np.float32, f"float32, reordered {seed + 1}").losses
            for seed in range(reorderings)
        ],
        parameters64=agreement.parameter_distance(jaxact64, torch64),
        parameters32=agreement.parameter_distance(jaxact32, torch64),
        torch_parameters32=agreement.parameter_distance(torch32, torch64),
        epoch=problem.epoch,
    )


def _results(
    config: Config,
    runs: Mapping[Training, Runs],
    verdicts: Mapping[Training, Sequence[Verdict]],
) -> dict[str, Any]:
    every = [verdict for found in verdicts.values() for verdict in found]
    return {
        **findings("training_parity", config, every),
        "trainings": {
            str(training): {
                "verdicts": [dataclasses.asdict(verdict) for verdict in verdicts[training]],
                **_curves(found),
            }
            for training, found in runs.items()
        },
    }


def _curves(runs: Runs) -> dict[str, Any]:
    curves = {
        "loss": {
            "torch_float64": runs.torch64,
            "jaxact_float64": runs.jaxact64,
            "torch_float32": runs.torch32,
            "jaxact_float32": runs.jaxact32,
        },
        "loss_difference": {
            "float64_relative": agreement.relative_difference(runs),
            "jaxact_float32_from_float64": agreement.float32_drift(runs),
            "torch_float32_from_float64": agreement.torch_drift(runs),
            "float32_limit": agreement.drift_limit(runs),
        },
        "parameter_drift": {
            "jaxact_float64": runs.parameters64,
            "torch_float32": runs.torch_parameters32,
            "jaxact_float32": runs.parameters32,
        },
    }
    return {
        quantity: {side: curve.tolist() for side, curve in sides.items()}
        for quantity, sides in curves.items()
    }
