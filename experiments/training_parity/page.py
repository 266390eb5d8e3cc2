"""The study as a page of the documentation."""

from collections.abc import Callable, Mapping

import numpy as np

from experiments.markdown import table
from experiments.results import measured_on
from experiments.training_parity import agreement
from experiments.training_parity.agreement import FLOAT64_LIMIT, Runs
from experiments.training_parity.config import Config, Training

PAGE = """\
# The same training in torch and jaxact

<!-- written by the study: do not edit -->

    .venv/bin/python -m experiments run training_parity {options} --table docs/training_parity.md

A network, 64-{hidden}-10, is trained on handwritten digits by {steps} steps with batches of
{batch}, in torch with its modules, its autograd, its optimizers and its schedulers, and in jaxact
as one compiled scan. Both start from the same weights and see the same batches. Each panel is one
training; torch's losses are the broad line, jaxact's the thin one.

![Losses of both frameworks on top of each other](training_parity.png)

{tables}
## What is not trained here

`sparse_adam` needs sparse gradients, and `muon` matrices alone; torch computes Muon's steps in
bfloat16. With `lbfgs` on batches, rounding alone moves torch's own losses in float64 by a third.
Their rows in the [suite](optim.md) prove them.

{versions}
"""

TABLES = """\
## {activation}: losses in float64

The largest relative difference of the losses at any step; the limit is {limit:g}.

{float64}
## {activation}: losses in float32

How far jaxact's losses in float32 drift from torch's in float64, in parts of the limit: the
furthest that torch's own float32 losses do by the same epoch, in {runs} runs that differ only in
the order of their sums.

{float32}"""


def page(runs: Mapping[Training, Runs], config: Config) -> str:
    """The whole page."""
    where = measured_on()
    names = ", ".join(f"{name} {where['packages'][name]}" for name in ("jaxact", "jax", "torch"))
    return PAGE.format(
        options=_options(config),
        hidden=config.hidden,
        steps=config.steps,
        batch=config.batch,
        tables="\n".join(
            TABLES.format(
                activation=activation,
                limit=FLOAT64_LIMIT,
                runs=1 + config.reorderings,
                float64=_table(runs, activation, _relative),
                float32=_table(runs, activation, _of_drift),
            )
            for activation in config.activation
        ),
        versions=f"Measured with {names}, {where['cpu']}, {where['date'][:10]}.",
    )


def _options(config: Config) -> str:
    default = Config()
    given = [
        f"--{name} {value}"
        for name in ("activation", "optimizer", "schedule")
        if getattr(config, name) != getattr(default, name)
        for value in getattr(config, name)
    ]
    given += [
        f"--{name} {getattr(config, name)}"
        for name in ("steps", "batch", "hidden", "reorderings")
        if getattr(config, name) != getattr(default, name)
    ]
    return " ".join(given)


def _table(runs: Mapping[Training, Runs], activation: str, cell: Callable[[Runs], str]) -> str:
    """A line for each schedule, a column for each optimizer."""
    chosen = [training for training in runs if training.activation == activation]
    optimizers = list(dict.fromkeys(training.optimizer for training in chosen))
    schedules = list(dict.fromkeys(training.schedule for training in chosen))

    def at(optimizer: str, schedule: str) -> str:
        training = Training(activation, optimizer, schedule)
        return cell(runs[training]) if training in runs else "–"

    lines = [[f"`{s}`", *(at(o, s) for o in optimizers)] for s in schedules]
    return table(["", *(f"`{optimizer}`" for optimizer in optimizers)], lines)


def _relative(runs: Runs) -> str:
    return f"{np.max(agreement.relative_difference(runs)):.0e}"


def _of_drift(runs: Runs) -> str:
    return f"{np.max(agreement.float32_drift(runs) / agreement.drift_limit(runs)):.2f}"
