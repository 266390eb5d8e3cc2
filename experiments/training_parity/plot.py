"""The figures of the study: losses, their differences and the drift of the parameters."""

import math
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from experiments import figures
from experiments.figures import FLOAT64, JAXACT, LIMIT, TORCH
from experiments.study import Verdict
from experiments.training_parity import agreement
from experiments.training_parity.agreement import Curve, Runs
from experiments.training_parity.config import Training

Every = Mapping[Training, Runs]
Verdicts = Mapping[Training, Sequence[Verdict]]
Panel = Callable[[Axes, Runs], None]

# Differences of exactly zero have no place on a logarithmic axis: they are drawn at its foot.
FOOT = 1e-17
# Panels beside each other, unless columns are optimizers and rows schedules.
COLUMNS = 5
# With more panels each of them is a thumbnail.
MANY = 40


def draw(runs: Every, verdicts: Verdicts, stem: Path) -> list[Path]:
    """A figure of losses, one of differences and one of parameters, with a panel a training."""
    return [
        *draw_losses(runs, verdicts, stem),
        *_drawn(
            runs,
            verdicts,
            stem.with_name(f"{stem.name}_differences"),
            _differences,
            "difference of the losses",
        ),
        *_drawn(
            runs,
            verdicts,
            stem.with_name(f"{stem.name}_parameters"),
            _parameter_drift,
            "distance of the parameters, relative",
        ),
    ]


def draw_losses(runs: Every, verdicts: Verdicts, stem: Path) -> list[Path]:
    """The losses of both frameworks on top of each other."""
    return _drawn(runs, verdicts, stem, _losses, "cross-entropy [nats]")


def _drawn(runs: Every, verdicts: Verdicts, stem: Path, panel: Panel, quantity: str) -> list[Path]:
    with figures.style():
        drawn, places = _grid(list(runs))
        small = len(runs) > MANY
        for training, axes in places:
            holds = all(verdict.holds for verdict in verdicts[training])
            mark = "" if holds else "\nbeyond a limit"
            axes.set_title(
                f"{_title(training, small)}{mark}",
                fontsize=5 if small else 9.5,
                color="black" if holds else "red",
            )
            panel(axes, runs[training])
            if small:
                axes.tick_params(labelsize=4)
        drawn.supxlabel("step", fontsize=9.5)
        drawn.supylabel(quantity, fontsize=9.5)
        handles, labels = places[0][1].get_legend_handles_labels()
        drawn.legend(handles, labels, loc="outside upper center", ncols=3, fontsize=8)
        return figures.save(drawn, stem)


def _title(training: Training, small: bool) -> str:
    """The training's name, in a thumbnail in several lines."""
    if not small:
        return str(training)
    _, *parts = str(training).split(", ")
    # Before a name, not within a pair of numbers.
    return re.sub(r", (?=[a-z])", "\n", ", ".join(parts))


def _grid(trainings: Sequence[Training]) -> tuple[Figure, list[tuple[Training, Axes]]]:
    """A figure, and the panel of each training."""
    columns = list(dict.fromkeys(_column(training) for training in trainings))
    rows = list(dict.fromkeys(training.schedule for training in trainings))
    crossed = len(rows) > 1 and len(columns) > 1
    width = len(columns) if crossed else min(len(trainings), COLUMNS)
    height = len(rows) if crossed else math.ceil(len(trainings) / width)
    wide, high = (1.2, 1.0) if len(trainings) > MANY else (3.2, 2.6)
    drawn = figures.figure(wide * width + 0.6, high * height + 0.8)
    grid = drawn.subplots(height, width, sharex=True, sharey=True, squeeze=False)
    places: list[tuple[Training, Axes]] = []
    for i, training in enumerate(trainings):
        place = (rows.index(training.schedule), columns.index(_column(training)))
        places.append((training, grid[place if crossed else divmod(i, width)]))
    used = {id(axes) for _, axes in places}
    for axes in grid.flat:
        if id(axes) not in used:
            axes.set_axis_off()
    return drawn, places


def _column(training: Training) -> Training:
    """Of which training the schedule does not matter."""
    return training._replace(schedule="")


def _losses(axes: Axes, runs: Runs) -> None:
    axes.plot(runs.torch64, color=TORCH, linewidth=3, alpha=0.45, label="torch, float64")
    axes.plot(runs.jaxact64, color=JAXACT, linewidth=0.8, label="jaxact, float64")
    axes.plot(runs.jaxact32, color="black", linestyle=":", linewidth=0.8, label="jaxact, float32")
    axes.set_ylim(bottom=0)


def _differences(axes: Axes, runs: Runs) -> None:
    relative, limit = agreement.relative_difference(runs), agreement.drift_limit(runs)
    _log(axes, agreement.torch_drift(runs), TORCH, "torch float32 - torch float64")
    _log(axes, agreement.float32_drift(runs), JAXACT, "jaxact float32 - torch float64")
    _log(axes, limit, LIMIT, "limit for float32: torch's own drift", linestyle="--")
    _log(axes, relative, FLOAT64, "jaxact - torch, float64, relative")
    axes.axhline(agreement.FLOAT64_LIMIT, color=FLOAT64, linestyle="--", label="limit for float64")


def _parameter_drift(axes: Axes, runs: Runs) -> None:
    _log(axes, runs.torch_parameters32, TORCH, "torch float32", linewidth=3, alpha=0.5)
    _log(axes, runs.parameters32, JAXACT, "jaxact float32")
    _log(axes, runs.parameters64, FLOAT64, "jaxact float64, all from torch float64")


def _log(axes: Axes, curve: Curve, colour: str, label: str, **line: Any) -> None:
    axes.semilogy(np.maximum(curve, FOOT), color=colour, label=label, **line)
