"""The figure of the study: variance of signals and gradients by depth, measured and expected."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes

from experiments import figures
from experiments.signal_propagation.signals import Pair, Signals

LOWEST, HIGHEST = 1e-20, 1e6


def draw(pairs: Sequence[Pair], stem: Path) -> list[Path]:
    """One column an activation; above the signals, below the gradients."""
    activations = list(dict.fromkeys(pair.activation for pair in pairs))
    names = list(dict.fromkeys(pair.initializer for pair in pairs))
    colours = dict(zip(names, figures.PALETTE, strict=False))
    with figures.style():
        drawn = figures.figure(2.7 * len(activations) + 1.0, 6.4)
        grid = drawn.subplots(2, len(activations), sharex=True, sharey="row", squeeze=False)
        for column, activation in zip(grid.T, activations, strict=True):
            column[0].set_title(activation, weight="bold")
            for pair in pairs:
                if pair.activation == activation:
                    _curves(column, pair, colours[pair.initializer])
            column[1].set_xlabel("layer")
        grid[0, 0].set_ylabel("variance of the signal")
        grid[1, 0].set_ylabel("variance of its gradient")
        for axes in grid[:, 0]:
            axes.set_ylim(LOWEST, HIGHEST)
        handles, labels = grid[0, 0].get_legend_handles_labels()
        drawn.legend(handles, labels, loc="outside lower center", ncols=len(handles))
        drawn.suptitle(
            "Handwritten digits through deep networks: measured, and theory of infinite width"
        )
        return figures.save(drawn, stem)


def _curves(column: Sequence[Axes], pair: Pair, colour: str) -> None:
    def quantities(signals: Signals) -> tuple[np.ndarray, np.ndarray]:
        return signals.forward, signals.backward

    smaller, larger = map(quantities, pair.nearby)
    rows = (column, quantities(pair.measured), quantities(pair.expected), smaller, larger)
    for axes, measured, expected, low, high in zip(*rows, strict=True):
        layers = np.arange(1, len(measured) + 1)
        axes.semilogy(
            layers, measured, color=colour, linewidth=2.6, alpha=0.55, label=pair.initializer
        )
        axes.fill_between(layers, low, high, color=colour, alpha=0.15, linewidth=0)
        axes.semilogy(layers, expected, color="black", linewidth=0.8, linestyle="--")
