"""The study as a page of the documentation."""

from collections.abc import Mapping, Sequence

import numpy as np

from experiments.markdown import table
from experiments.results import measured_on
from experiments.study import Verdict
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

## How far apart the trainings are

*Losses* and *parameters*, in float64: the largest relative difference at any step, of the loss and
of all parameters as one vector. The limit of the losses is {limit:g}. *Drift*, in float32: how far
jaxact's losses drift from torch's in float64, in parts of the limit, which is the furthest that
torch's own losses in float32 do by the same epoch, in {runs} runs that differ only in the order of
their sums. So few runs are a rough limit: a drift of 1.0 to 1.2 is no difference. `rmsprop` with a
momentum of 0.9 is unstable here, and multiplies what rounding leaves.

Weights of pixels that are dark in every image have no gradient but a decay. With `nadam` they end
up in steps of the length of the learning rate about 0, whose signs rounding decides; no loss
depends on them.

{table}
{failed}
## What is not trained here

`sparse_adam` needs sparse gradients, and `muon` matrices alone; torch computes Muon's steps in
bfloat16. With `lbfgs` on batches, rounding alone moves torch's own losses in float64 by a third.
Their rows in the [suite](optim.md) prove them.

{versions}
"""

HEAD = ("training", "losses", "parameters", "drift")


def page(
    runs: Mapping[Training, Runs],
    verdicts: Mapping[Training, Sequence[Verdict]],
    config: Config,
) -> str:
    """The whole page."""
    where = measured_on()
    names = ", ".join(f"{name} {where['packages'][name]}" for name in ("jaxact", "jax", "torch"))
    return PAGE.format(
        options=_options(config),
        hidden=config.hidden,
        steps=config.steps,
        batch=config.batch,
        limit=FLOAT64_LIMIT,
        runs=1 + config.reorderings,
        table=table(HEAD, [_cells(training, found) for training, found in runs.items()]),
        failed=_failed(verdicts),
        versions=f"Measured with {names}, {where['cpu']}, {where['date'][:10]}.",
    )


def _options(config: Config) -> str:
    """The options of the command line that are not the default ones."""
    default = Config()
    fields = ("activation", "optimizer", "schedule", "options", "steps", "batch", "hidden")
    changed = [
        (name, getattr(config, name))
        for name in (*fields, "reorderings")
        if getattr(config, name) != getattr(default, name)
    ]
    return " ".join(
        f"--{name}" if value is True else f"--{name} {value}"
        for name, found in changed
        for value in (found if isinstance(found, tuple) else (found,))
    )


def _cells(training: Training, runs: Runs) -> tuple[str, ...]:
    return (
        str(training),
        f"{np.max(agreement.relative_difference(runs)):.0e}",
        f"{np.max(runs.parameters64):.0e}",
        f"{_of_drift(runs):.2f}",
    )


def _of_drift(runs: Runs) -> float:
    return float(np.max(agreement.float32_drift(runs) / agreement.drift_limit(runs)))


def _failed(verdicts: Mapping[Training, Sequence[Verdict]]) -> str:
    """What is beyond a limit, in words; usually nothing."""
    beyond = [
        str(training)
        for training, found in verdicts.items()
        if not all(verdict.holds for verdict in found)
    ]
    return f"Beyond a limit: {'; '.join(beyond)}.\n" if beyond else "All are within both limits.\n"
