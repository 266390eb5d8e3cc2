"""The measured cost of the regularizers as a table on the console and as a page."""

import os
from collections.abc import Mapping, Sequence

from rich import box
from rich.table import Table

from experiments.bench.augmented import Augmented
from experiments.bench.config import Config
from experiments.bench.large_mean import FEATURES, ROWS, SIDES, LargeMean
from experiments.bench.regularizer_results import Costs
from experiments.bench.speed import TORCH, Comparison
from experiments.markdown import claim, table
from experiments.results import measured_on
from experiments.study import Verdict

Speeds = Mapping[int, Sequence[Comparison]]
# JAX's own: no function has both.
THEIRS = ("flax", "optax")

PAGE = """\
# Cost of the regularizers

<!-- written by `make bench`: do not edit -->

`python -m experiments bench regularizers --table docs/regularizer_cost.md` measures this page.

{versions}

## Time

Value and gradients under a cotangent as one compiled program, in float32; of functions of trees
that have no gradient to take, the value; of penalties, value and gradient. All calls take turns in
one run of {rounds} rounds, in a process that has one core and in one that has all; each figure is
the median over the rounds of our time over theirs. Below 1, jaxact is the faster one. *Surely*
slower is what exceeds the scatter of the rounds: the lower 95 % confidence bound of a median.

`batch_norm` is a training step's: value, gradients of input, weight and bias, and the new running
statistics. flax's normalizations get their arrays with channels last, as they want them, and
compute the variance as they do by default, as a difference of means that is wrong at large means
(below). What torch has no function for is written with torch's operations. What is made of the
functions here, and what neither torch nor flax nor optax has, is left out.

torch's `layer_norm` visits a row once and finds it in the cache for what is left to do. XLA on CPUs
makes one loop of each sum, eight in all, each over the whole array; plain jax.numpy takes more than
three times as long. Where torch has to ask the system for the memory of its results anew in each
call it is as slow as ours. `gaussian_dropout` draws normal numbers from an inverse error function,
torch from logarithms and cosines. flax's dropout of whole samples does not read what it drops;
`drop_path` multiplies it by 0, as torch does, so that nan stays nan. torch clips in place, and XLA
gives new arrays.

{speeds}
## Errors at large means

The largest error of {rows} x {features} normalized float32 numbers with standard deviation 1,
against float64. The results are about 1.

{means}
{images}## Limits

{verdicts}"""

IMAGES = """\
## Augmentation

{count:,} images of 3 x 32 x 32 float32 numbers in one compiled call, on all cores. *Temporary*:
memory that the program needs beside images and results, in parts of the images' own.

{table}"""


def page(costs: Costs, verdicts: Sequence[Verdict], config: Config, busy: float) -> str:
    """The whole page; `busy` is the machine's load before the run."""
    where = measured_on()
    packages = where["packages"]
    names = ", ".join(f"{name} {packages[name]}" for name in ("jax", "torch", "flax", "optax"))
    load = f"load of the machine before the run {busy:.1f}"
    return PAGE.format(
        versions=f"Measured on {where['cpu']}, {os.cpu_count()} cores, with {names}; {load}.",
        rounds=config.rounds,
        speeds=_markdown(costs.speeds),
        rows=ROWS,
        features=FEATURES,
        means=_means(costs.means),
        images=_images(costs.images) if costs.images else "",
        verdicts="".join(map(claim, verdicts)),
    )


def rich_table(speeds: Speeds) -> Table:
    """The times for the console."""
    table = Table(title="time over torch's and flax's or optax's", box=box.SIMPLE_HEAD)
    for title in ("", *_titles(speeds)):
        table.add_column(title, justify="right" if title else "left", no_wrap=True)
    for name, _, *times in _rows(speeds):
        table.add_row(name, *times)
    return table


def _titles(speeds: Speeds) -> list[str]:
    return [
        f"/ {other}, {count} {'core' if count == 1 else 'cores'}"
        for count in speeds
        for other in (TORCH, " or ".join(THEIRS))
    ]


def _rows(speeds: Speeds) -> list[list[str]]:
    rows: dict[str, list[str]] = {}
    for every in speeds.values():
        for found in every:
            cells = rows.setdefault(found.function, [found.function, found.size])
            cells += [_median(found, TORCH), _median(found, *THEIRS)]
    return list(rows.values())


def _median(found: Comparison, *others: str) -> str:
    ratios = [found.ratios[other] for other in others if other in found.ratios]
    return f"{ratios[0].median:.2f}" if ratios else "–"


def _markdown(speeds: Speeds) -> str:
    titles = ["regularizer", "of", *_titles(speeds)]
    rows = [[f"`{name}`", *cells] for name, *cells in _rows(speeds)]
    return table(titles, rows)


def _means(every: Sequence[LargeMean]) -> str:
    titles = ["", "mean", *SIDES]
    rows = [
        [f"`{found.function}`", f"{found.mean:g}", *(f"{found.errors[s]:.1e}" for s in SIDES)]
        for found in every
    ]
    return table(titles, rows)


def _images(every: Sequence[Augmented]) -> str:
    titles = ["transforms", "images in a second", "temporary"]
    rows = [
        [
            f"`{found.transforms}`",
            f"{found.images / found.seconds:,.0f}",
            f"{found.temporary:.2f}",
        ]
        for found in every
    ]
    return IMAGES.format(count=every[0].images, table=table(titles, rows)) + "\n"
