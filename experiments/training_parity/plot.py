"""The figure of the study: losses, their difference and the drift of the parameters."""

from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from experiments import figures
from experiments.figures import FLOAT64, JAXACT, LIMIT, TORCH
from experiments.study import Verdict
from experiments.training_parity import agreement
from experiments.training_parity.agreement import Curve, Runs

# Differences of exactly zero have no place on a logarithmic axis: they are drawn at its foot.
FOOT = 1e-17


def draw(runs: dict[str, Runs], verdicts: dict[str, list[Verdict]], stem: Path) -> list[Path]:
    """One column an activation; rows: losses, differences per step, parameter drift."""
    with figures.style():
        drawn = figures.figure(4.1 * len(runs) + 0.4, 9)
        grid = drawn.subplots(3, len(runs), sharex=True, sharey="row", squeeze=False)
        for column, (name, found) in zip(grid.T, runs.items(), strict=True):
            losses, differences, drift = column
            holds = all(verdict.holds for verdict in verdicts[name])
            losses.set_title(f"{name}: {'agrees' if holds else 'DISAGREES'}", weight="bold")
            _losses(losses, found)
            _differences(differences, found)
            _parameter_drift(drift, found)
            drift.set_xlabel("step")
        grid[0, 0].set_ylabel("cross-entropy of the batch [nats]")
        grid[1, 0].set_ylabel("difference of the losses at each step")
        grid[2, 0].set_ylabel("drift of the parameters, relative")
        grid[0, 0].legend(loc="upper right", fontsize=8)
        for row in grid[1:]:
            # Between the curves of float32, above, and those of float64, at the foot.
            row[0].legend(loc="center", bbox_to_anchor=(0.5, 0.42), fontsize=8)
        drawn.suptitle("Handwritten digits, trained alike in torch and jaxact")
        return figures.save(drawn, stem)


def _losses(axes: Axes, runs: Runs) -> None:
    axes.plot(runs.torch64.losses, color=TORCH, linewidth=3.5, alpha=0.45, label="torch, float64")
    axes.plot(runs.jaxact64.losses, color=JAXACT, linewidth=1, label="jaxact, float64")
    axes.plot(
        runs.jaxact32.losses, color="black", linestyle=":", linewidth=1, label="jaxact, float32"
    )
    axes.set_ylim(bottom=0)


def _differences(axes: Axes, runs: Runs) -> None:
    relative, limit = agreement.relative_difference(runs), agreement.drift_limit(runs)
    _log(axes, agreement.torch_drift(runs), TORCH, "torch float32 - torch float64")
    _log(axes, agreement.float32_drift(runs), JAXACT, "jaxact float32 - torch float64")
    _log(axes, limit, LIMIT, "limit for float32: torch's own drift", linestyle="--")
    _log(axes, relative, FLOAT64, "jaxact - torch, float64, relative")
    axes.axhline(agreement.FLOAT64_LIMIT, color=FLOAT64, linestyle="--", label="limit for float64")


def _parameter_drift(axes: Axes, runs: Runs) -> None:
    torch32, jaxact32, jaxact64 = (
        agreement.parameter_distance(run, runs.torch64)
        for run in (runs.torch32, runs.jaxact32, runs.jaxact64)
    )
    _log(axes, torch32, TORCH, "torch float32 from torch float64", linewidth=4, alpha=0.5)
    _log(axes, jaxact32, JAXACT, "jaxact float32 from torch float64")
    _log(axes, jaxact64, FLOAT64, "jaxact float64 from torch float64")


def _log(axes: Axes, curve: Curve, colour: str, label: str, **line: Any) -> None:
    axes.semilogy(np.maximum(curve, FOOT), color=colour, label=label, **line)
