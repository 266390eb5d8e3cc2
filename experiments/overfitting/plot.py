"""The figure of the study: gains, memorized labels, norms, accuracy during training, zeros."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.ticker import MultipleLocator, PercentFormatter

from experiments import figures
from experiments.overfitting.config import PLAIN, RECORDS, Config
from experiments.overfitting.found import ERRORS, Found, Values, standard_error
from experiments.overfitting.regularizers import GROUPS
from experiments.overfitting.training import PATHS

COLOURS = {PLAIN: "black", **dict(zip(GROUPS, (*figures.PALETTE, figures.LIMIT), strict=True))}
# Whose training is drawn, as far as they were run: one of each kind that changes much.
COURSES = (PLAIN, "l2_penalty", "proximal_l1", "dropout")


def draw(found: Mapping[str, Found], config: Config, stem: Path) -> list[Path]:
    """Left a line for each regularizer; right some trainings, and accuracy by number of zeros."""
    ordered = sorted(found.values(), key=lambda one: one.gain)
    with figures.style():
        drawn = figures.figure(13.5, 2.6 + 0.3 * max(len(ordered), 16))
        axes = drawn.subplot_mosaic(
            [["gain", "wrong", "norm", "course"], ["gain", "wrong", "norm", "zeros"]],
            width_ratios=[3.0, 1.5, 1.5, 3.8],
        )
        _lines(axes["gain"], ordered, [one.gains for one in ordered], errors=True)
        _lines(axes["wrong"], ordered, [one.run.wrong for one in ordered])
        _lines(axes["norm"], ordered, [one.run.norm for one in ordered])
        _gains(axes["gain"], ordered)
        axes["wrong"].set_title("wrong labels\nmemorized")
        axes["wrong"].set_xlim(0, 1.04)
        axes["wrong"].xaxis.set_major_formatter(PercentFormatter(1, decimals=0))
        axes["norm"].set_title("norm of\nall weights")
        axes["norm"].set_xlim(left=0)
        _courses(axes["course"], [found[name] for name in COURSES if name in found], config)
        paths = [found[name] for name in PATHS if name in found]
        axes["zeros"].set_visible(bool(paths))
        if paths:
            _zeros(axes["zeros"], paths, found[PLAIN])
        shown = [group for group in GROUPS if any(one.row.group == group for one in ordered)]
        handles = [Line2D([], [], color=COLOURS[g], marker="o", linestyle="") for g in shown]
        drawn.legend(handles, shown, loc="outside lower center", ncols=max(len(shown), 1))
        drawn.suptitle(
            f"{config.images} handwritten digits, {config.wrong:.0%} of their labels wrong: "
            f"{config.seeds} networks with each regularizer"
        )
        return figures.save(drawn, stem)


def _lines(
    axes: Axes, ordered: Sequence[Found], values: Sequence[Values], *, errors: bool = False
) -> None:
    """A line for each regularizer: every seed, the mean and, if wanted, two standard errors."""
    for y, (one, seeds) in enumerate(zip(ordered, values, strict=True)):
        colour = COLOURS[one.row.group]
        axes.plot(seeds, np.full(len(seeds), y), "o", color=colour, markersize=3, alpha=0.35, mew=0)
        if errors:
            bar = ERRORS * one.error
            axes.errorbar(one.gain, y, xerr=bar, color=colour, capsize=3, elinewidth=1.6)
        axes.plot(np.mean(seeds), y, "D", color=colour, markersize=5.5)
    axes.set_yticks(range(len(ordered)), [])
    axes.set_ylim(-0.7, len(ordered) - 0.3)


def _gains(axes: Axes, ordered: Sequence[Found]) -> None:
    axes.set_yticks(range(len(ordered)), [one.name for one in ordered])
    axes.axvline(0, color="black", linewidth=0.8)
    axes.xaxis.set_major_formatter(PercentFormatter(1, decimals=0, symbol=""))
    axes.set_title(f"gain in test accuracy,\npoints, ± {ERRORS:g} standard errors")


def _courses(axes: Axes, some: Sequence[Found], config: Config) -> None:
    steps = config.steps / RECORDS * np.arange(1, RECORDS + 1)
    for one in some:
        colour = COLOURS[one.row.group]
        axes.plot(steps, np.mean(one.run.train, axis=0), color=colour, linestyle="--")
        axes.plot(steps, np.mean(one.run.test, axis=0), color=colour, linewidth=2, label=one.name)
    axes.set_title("accuracy during training, on the labels\ngiven (dashed) and on unseen digits")
    axes.set_xlabel("step")
    axes.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    axes.legend(loc="upper right", bbox_to_anchor=(1.0, 0.97), ncols=2)


def _zeros(axes: Axes, paths: Sequence[Found], plain: Found) -> None:
    level = float(np.mean(plain.plain))
    axes.axhline(level, color=COLOURS[PLAIN], linestyle=":", linewidth=1)
    axes.annotate(PLAIN, (0.5, level), va="bottom", ha="center", color=COLOURS[PLAIN])
    for one in paths:
        colour = COLOURS[one.row.group]
        zeros, test = np.mean(one.runs.zeros, axis=1), one.runs.test[:, :, -1]
        means, bars = np.mean(test, axis=1), [ERRORS * standard_error(seeds) for seeds in test]
        axes.errorbar(
            *(zeros, means, bars),
            color=colour,
            marker="o",
            capsize=2,
            label=one.name,
            # Without zeros all points are above each other: a line would say nothing.
            linestyle="-" if np.any(zeros) else "",
        )
        axes.plot(zeros[one.chosen], means[one.chosen], "D", color=colour, markersize=8)
    _name_strengths(axes, paths[-1])
    axes.set_xlim(-0.04, 1.04)
    axes.set_title("test accuracy and zeros, by strength\n(diamond: the strength chosen)")
    axes.set_xlabel("weights that are exactly 0")
    axes.set_ylabel("test accuracy")
    axes.xaxis.set_major_formatter(PercentFormatter(1))
    axes.yaxis.set_major_locator(MultipleLocator(0.05))
    axes.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    axes.legend(loc="lower center", bbox_to_anchor=(0.45, 0.0))


def _name_strengths(axes: Axes, one: Found) -> None:
    zeros, means = np.mean(one.runs.zeros, axis=1), np.mean(one.runs.test[:, :, -1], axis=1)
    # Beside the line, which rises to the chosen one and falls from there.
    sides = {-1: ((6, -9), "left"), 0: ((-8, 6), "right"), 1: ((-7, -3), "right")}
    for i, (strength, x, y) in enumerate(zip(one.strengths, zeros, means, strict=True)):
        offset, side = sides[int(np.sign(i - one.chosen))]
        axes.annotate(
            f"{one.row.symbol} = {strength:g}",
            (float(x), float(y)),
            textcoords="offset points",
            xytext=offset,
            ha=side,
            fontsize=8,
        )
