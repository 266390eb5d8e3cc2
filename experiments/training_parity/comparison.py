"""The study itself: every run, the comparison, the files."""

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np

from experiments.progress import Advance, Progress
from experiments.results import measured_on, write_json
from experiments.study import Outcome, Verdict
from experiments.training_parity import agreement, jax_side, plot, torch_side
from experiments.training_parity.agreement import Runs
from experiments.training_parity.config import Config
from experiments.training_parity.problem import Problem, make_problem, reordered


def compare_all(config: Config, out: Path, progress: Progress) -> Outcome:
    """Trains with every activation, writes the results file and the figure."""
    problem = make_problem(config)
    stages = len(config.activation) * (4 + config.reorderings)
    with progress.stages("training_parity", stages) as advance:
        runs = {
            name: train_all(problem, name, jax_side.ACTIVATIONS[name], config.reorderings, advance)
            for name in config.activation
        }
    verdicts = {name: agreement.verdicts(name, runs[name]) for name in runs}
    files = [
        write_json(out / "training_parity.json", _results(config, runs, verdicts)),
        *plot.draw(runs, verdicts, out / "training_parity"),
    ]
    return Outcome(verdicts=[v for found in verdicts.values() for v in found], files=files)


def train_all(
    problem: Problem,
    name: str,
    activation: jax_side.Activation,
    reorderings: int,
    advance: Advance,
) -> Runs:
    """Both frameworks in both precisions; jaxact with `activation`, torch with its own `name`."""

    def torch_run(problem: Problem, dtype: type[np.floating], label: str) -> agreement.Trajectory:
        advance(f"{name} torch {label}")
        return torch_side.train(problem, name, dtype)

    def jaxact_run(dtype: type[np.floating], label: str) -> agreement.Trajectory:
        advance(f"{name} jaxact {label}")
        return jax_side.train(problem, activation, dtype)

    return Runs(
        torch64=torch_run(problem, np.float64, "float64"),
        jaxact64=jaxact_run(np.float64, "float64"),
        torch32=torch_run(problem, np.float32, "float32"),
        jaxact32=jaxact_run(np.float32, "float32"),
        torch32_reordered=[
            torch_run(reordered(problem, seed), np.float32, f"float32, reordered {seed + 1}").losses
            for seed in range(reorderings)
        ],
        epoch=problem.epoch,
    )


def _results(
    config: Config, runs: dict[str, Runs], verdicts: dict[str, list[Verdict]]
) -> dict[str, Any]:
    return {
        "schema": 1,
        "study": "training_parity",
        "config": dataclasses.asdict(config),
        "environment": measured_on(),
        "holds": all(verdict.holds for found in verdicts.values() for verdict in found),
        "activations": {
            name: {
                "verdicts": [dataclasses.asdict(verdict) for verdict in verdicts[name]],
                **_curves(runs[name]),
            }
            for name in runs
        },
    }


def _curves(runs: Runs) -> dict[str, Any]:
    curves = {
        "loss": {
            "torch_float64": runs.torch64.losses,
            "jaxact_float64": runs.jaxact64.losses,
            "torch_float32": runs.torch32.losses,
            "jaxact_float32": runs.jaxact32.losses,
        },
        "loss_difference": {
            "float64_relative": agreement.relative_difference(runs),
            "jaxact_float32_from_float64": agreement.float32_drift(runs),
            "torch_float32_from_float64": agreement.torch_drift(runs),
            "float32_limit": agreement.drift_limit(runs),
        },
        "parameter_drift": {
            "jaxact_float64": agreement.parameter_distance(runs.jaxact64, runs.torch64),
            "torch_float32": agreement.parameter_distance(runs.torch32, runs.torch64),
            "jaxact_float32": agreement.parameter_distance(runs.jaxact32, runs.torch64),
        },
    }
    return {
        quantity: {side: curve.tolist() for side, curve in sides.items()}
        for quantity, sides in curves.items()
    }
