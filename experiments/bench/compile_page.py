"""The times of compiling as a table on the console and as a page of the documentation."""

import os
from collections.abc import Sequence

import numpy as np
from rich import box
from rich.table import Table

from experiments.bench.compile_results import Compilation
from experiments.bench.config import Config
from experiments.bench.speed import JAXACT
from experiments.bench.stages import STAGES, TOTAL
from experiments.markdown import claim, table
from experiments.results import measured_on
from experiments.study import Verdict

PAGE = """\
# Compiling

<!-- written by `make bench`: do not edit -->

`python -m experiments bench compiling --table docs/compiling.md` measures this page.

{versions}

How long `jax.jit(jax.value_and_grad(f))` takes from the call to a program that can run, for every
function that jax.nn, optax or flax has too; results that are not a single number are added up.
*trace*, *lower* and *compile* are jax's own stages, `.trace`, `.lower` and `.compile`. Before each
compilation `jax.clear_caches()` makes jax forget what it has traced and compiled; the persistent
cache is off. Both sides take turns in one run of {rounds} rounds; each figure is the median over
the rounds of our time over theirs. Below 1, jaxact compiles faster. *jaxact* and *peer* are the
medians of the times of all stages together.

{table}
## Limits

Of the total:

{verdicts}"""

FIGURES = (*STAGES, TOTAL)
HEADER = ("function", "peer", *FIGURES, "jaxact, ms", "peer, ms")


def page(
    found: Sequence[Compilation], verdicts: Sequence[Verdict], config: Config, busy: float
) -> str:
    """The whole page; `busy` is the machine's load before the run."""
    where = measured_on()
    packages = where["packages"]
    names = ", ".join(f"{name} {packages[name]}" for name in ("jax", "optax", "flax"))
    load = f"load of the machine before the run {busy:.1f}"
    rows = [[f"`{name}`" if peer else name, peer, *cells] for name, peer, *cells in _rows(found)]
    return PAGE.format(
        versions=f"Measured on {where['cpu']}, {os.cpu_count()} cores, with {names}; {load}.",
        rounds=config.rounds,
        table=table(HEADER, rows, words=2),
        verdicts="".join(map(claim, verdicts)),
    )


def rich_table(found: Sequence[Compilation]) -> Table:
    """The same for the console."""
    table = Table(title="compiling: time over the peer's", box=box.SIMPLE_HEAD)
    for place, title in enumerate(HEADER):
        table.add_column(title, justify="right" if place > 1 else "left", no_wrap=True)
    for cells in _rows(found):
        table.add_row(*cells)
    return table


def _rows(found: Sequence[Compilation]) -> list[list[str]]:
    rows = [_cells(one) for one in found]
    if found:
        medians = [np.median([one.ratios[stage].median for one in found]) for stage in FIGURES]
        rows.append(["median", "", *(f"{median:.2f}" for median in medians), "", ""])
    return rows


def _cells(one: Compilation) -> list[str]:
    (ours, theirs) = one.seconds[JAXACT], one.seconds[one.peer]
    return [
        one.label,
        one.peer,
        *(f"{one.ratios[stage].median:.2f}" for stage in FIGURES),
        f"{ours * 1e3:.0f}",
        f"{theirs * 1e3:.0f}",
    ]
