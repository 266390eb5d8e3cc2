"""The figures of the study: losses by steps and by time, and paths over contour lines."""

from collections.abc import Mapping, Sequence
from pathlib import Path as File

import jax.numpy as jnp
import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from experiments import figures
from experiments.descent.config import BATCH, MINI_BATCH, OPTIMIZERS, STOCHASTIC, Config
from experiments.descent.found import Found, Values, band
from experiments.descent.paths import SURFACES, Path, Surface

COLOURS = dict(zip((STOCHASTIC, MINI_BATCH, BATCH), figures.PALETTE, strict=False))
# As many as optimizers: the three further ones are distinguishable without colour vision too.
PATH_COLOURS = dict(
    zip(OPTIMIZERS, (*figures.PALETTE, "#56B4E9", "#6A3D9A", "#8B4513"), strict=True)
)
# Paths that meet are seen through the gaps of each other.
DASHES = {"adagrad": (0, (5, 2)), "adadelta": (0, (1, 1))}
CONTOURS = 14
GRID = 300
# Below this the contour lines would crowd around the minimum.
LOWEST = 0.02


def draw_batches(found: Sequence[Found], config: Config, stem: File) -> list[File]:
    """Left the loss by steps, right by seconds; a line for each batch size."""
    with figures.style():
        drawn = figures.figure(9.6, 4.3)
        by_steps, by_time = drawn.subplots(1, 2, sharey=True)
        for one in found:
            _losses(by_steps, one, one.steps.astype(np.float64))
            _losses(by_time, one, one.elapsed)
        for axes in (by_steps, by_time):
            axes.axhline(config.target, color=figures.LIMIT, linestyle=":", linewidth=1)
            axes.set(xscale="log", yscale="log")
        by_steps.set_title("by steps")
        by_steps.set_xlabel("steps")
        by_steps.set_ylabel("loss on the training set, nats")
        by_time.set_title("by time")
        by_time.set_xlabel(f"seconds, {config.seeds} networks side by side")
        by_steps.annotate(
            f"{config.target:g}",
            (1, config.target),
            xycoords=("axes fraction", "data"),
            textcoords="offset points",
            xytext=(-2, 2),
            ha="right",
            color=figures.LIMIT,
        )
        handles, labels = by_steps.get_legend_handles_labels()
        drawn.legend(handles, labels, loc="outside lower center", ncols=len(handles))
        drawn.suptitle(
            f"{config.epochs} passes over {config.images} handwritten digits: mean of "
            f"{config.seeds} networks with its 95 % confidence band"
        )
        return figures.save(drawn, stem)


def _losses(axes: Axes, found: Found, along: Values) -> None:
    colour, batch = COLOURS[found.kind.name], found.kind.batch
    mean, low, high = band(found.losses)
    # The point before the first step has no place on a logarithmic axis.
    axes.fill_between(along[1:], low[1:], high[1:], color=colour, alpha=0.25, linewidth=0)
    label = f"{found.kind.name}: {batch} image{'s' if batch > 1 else ''} a step"
    axes.plot(along[1:], mean[1:], color=colour, label=label)


def draw_paths(paths: Mapping[str, Sequence[Path]], stem: File) -> list[File]:
    """A panel for each surface: contour lines, start, minimum and every path."""
    with figures.style():
        drawn = figures.figure(9.6, 5.2)
        panels = drawn.subplots(1, len(SURFACES))
        for axes, surface in zip(panels, SURFACES, strict=True):
            _contours(axes, surface)
            for each in paths[surface.name]:
                _path(axes, each)
            axes.plot(*surface.start, "s", color="black", markersize=7, zorder=4)
            axes.plot(*surface.minimum, "*", color="black", markersize=13, zorder=4)
            axes.set(xlim=surface.x, ylim=surface.y, xlabel="x", ylabel="y")
            axes.set_title(surface.name)
        some = paths[SURFACES[0].name]
        handles = [_handle(each.optimizer) for each in some]
        handles += [
            Line2D([], [], color="black", marker="s", linestyle="", label="start"),
            Line2D([], [], color="black", marker="*", linestyle="", markersize=11, label="minimum"),
        ]
        drawn.legend(handles=handles, loc="outside lower center", ncols=5)
        drawn.suptitle(f"The first {len(some[0].values) - 1} steps from the same start")
        return figures.save(drawn, stem)


def _contours(axes: Axes, surface: Surface) -> None:
    x, y = np.meshgrid(np.linspace(*surface.x, GRID), np.linspace(*surface.y, GRID))
    values = np.asarray(surface.function(jnp.stack([jnp.asarray(x), jnp.asarray(y)])))
    levels = np.geomspace(LOWEST, np.max(values), CONTOURS)
    axes.contour(x, y, values, levels=levels, colors=figures.LIMIT, linewidths=0.6, alpha=0.5)
    axes.grid(visible=False)


def _path(axes: Axes, path: Path) -> None:
    colour = PATH_COLOURS[path.optimizer]
    dashes = DASHES.get(path.optimizer, "-")
    axes.plot(*path.points.T, color=colour, linestyle=dashes, linewidth=1.6)
    axes.plot(*path.points[-1], "o", color=colour, markersize=5, zorder=3)


def _handle(optimizer: str) -> Line2D:
    dashes = DASHES.get(optimizer, "-")
    colour = PATH_COLOURS[optimizer]
    return Line2D([], [], color=colour, linestyle=dashes, linewidth=2, label=optimizer)
