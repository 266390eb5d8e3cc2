"""The measured cost of the regularizers as a table on the console and as a page."""

import os
from collections.abc import Iterator, Mapping, Sequence

from rich import box
from rich.table import Table

from experiments.bench.augmented import Augmented
from experiments.bench.config import Config
from experiments.bench.cores import in_words
from experiments.bench.large_mean import FEATURES, ROWS, SIDES, LargeMean
from experiments.bench.regularizer_results import Costs
from experiments.bench.speed import TORCH, Comparison
from experiments.bench.workloads import untimed
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
that return trees, the value only; of penalties, value and gradient. All calls take turns in
one run of {rounds} rounds, in a process that has one core and in one that has all; each figure is
the median over the rounds of our time over theirs. Below 1, jaxact is faster. *Significantly*
slower: the lower 95 % confidence bound of the median is above the limit.

`batch_norm` is that of a training step: value, gradients of input, weight and bias, and the new
running statistics. flax's normalizations get their arrays with channels last, as they expect them,
and compute the variance in their default way, as a difference of two means, which loses its digits
where the mean is large (below). Functions that torch does not have are written with torch's
operations.

torch's `layer_norm` reads a row from memory once and does the rest in the cache. XLA on CPUs runs
one loop for each sum, eight in all, each over the whole array; plain jax.numpy takes more than
three times as long. Where torch has to ask the system for new memory in each call it is as slow as
ours. `gaussian_dropout` draws normal numbers by the inverse error function, torch by logarithms
and cosines. flax's dropout of whole samples does not read the samples that it drops; `drop_path`
multiplies them by 0, as torch does, so that nan stays nan. torch clips in place, XLA makes new
arrays.

{speeds}
Not timed:

{untimed}
## Errors at large means

The largest absolute error of layer and batch normalization in float32, against float64, for
{rows} x {features} numbers with standard deviation 1 and the given mean. Exact results are of
order 1.

{means}
{images}## Limits

{verdicts}"""

IMAGES = """\
## Augmentation

{count:,} images of 3 x 32 x 32 float32 numbers in one compiled call, on all cores. *Temporary*:
memory that the program needs besides images and results, as a multiple of the images' own size.

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
        untimed="".join(_untimed()),
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


def _untimed() -> Iterator[str]:
    for reason, names in untimed("regularizers").items():
        yield f"- {', '.join(f'`{name}`' for name in names)}: {reason}\n"


def _titles(speeds: Speeds) -> list[str]:
    return [
        f"/ {other}, {in_words(count)}"
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
    titles = ["transforms", "images per second", "temporary"]
    rows = [
        [
            f"`{found.transforms}`",
            f"{found.images / found.seconds:,.0f}",
            f"{found.temporary:.2f}",
        ]
        for found in every
    ]
    return IMAGES.format(count=every[0].images, table=table(titles, rows)) + "\n"
