"""The measured cost of the optimizers as a table on the console and as a page."""

import os
from collections.abc import Iterator, Mapping, Sequence

from rich import box
from rich.table import Table

from experiments.bench.config import Config
from experiments.bench.cores import in_words
from experiments.bench.optimizer_steps import (
    FOREACH,
    FUSED,
    LARGE,
    LOOP,
    OPTAX,
    SHAPES,
    SMALL,
    UNTIMED,
    Memory,
)
from experiments.bench.speed import JAXACT, Comparison
from experiments.markdown import claim, table
from experiments.results import measured_on
from experiments.study import Verdict

Speeds = Mapping[int, Sequence[Comparison]]
# torch has a loop over leaves for what it has no path over lists for.
COLUMNS = ((FUSED,), (FOREACH, LOOP), (OPTAX,))

PAGE = """\
# Cost of the optimizers

<!-- written by `make bench`: do not edit -->

`python -m experiments bench optim --table docs/optimizer_cost.md` measures this page.

{versions}

## Time

A step: the update and the new weights, as one compiled program that is given the old weights and
the old state, so that the new ones take their memory. All sides take turns in one run of {rounds}
rounds, in a process that has one core and in one that has all; each figure is the median over the
rounds of our time over theirs. Below 1, jaxact is faster. *Significantly* slower: the lower 95 %
confidence bound of the median is above the limit. optax's optimizers have its own defaults where
they differ from torch's.

torch's fused path reads and writes every number once. XLA on CPUs has no loop with several
results: for Adam it compiles three loops, one for each average and one for the weights, which move
10 arrays through memory where the fused path moves 7. optax's programs have the same loops. SGD
without momentum is one loop on all sides. For Muon torch has only a loop over the leaves.

{speeds}
Not timed:

{untimed}
## Memory

Arrays of the parameters' size that a state keeps; single numbers, such as the count of steps, are
left out.

{memory}
## Limits

{verdicts}"""

LEAVES = "### {leaves} leaves: {count} of {rows} x {columns} float32 numbers\n\n{table}"


def page(
    speeds: Speeds,
    memory: Sequence[Memory],
    verdicts: Sequence[Verdict],
    config: Config,
    busy: float,
) -> str:
    """The whole page; `busy` is the machine's load before the run."""
    where = measured_on()
    packages = where["packages"]
    names = ", ".join(f"{name} {packages[name]}" for name in ("jax", "torch", "optax"))
    load = f"load of the machine before the run {busy:.1f}"
    return PAGE.format(
        versions=f"Measured on {where['cpu']}, {os.cpu_count()} cores, with {names}; {load}.",
        rounds=config.rounds,
        speeds="\n".join(_sections(speeds)),
        untimed="".join(_untimed()),
        memory=table(
            ["optimizer", JAXACT, "torch"],
            [
                [f"`{found.optimizer}`", *(f"{found.arrays[s]:.3g}" for s in (JAXACT, "torch"))]
                for found in memory
            ],
        ),
        verdicts="".join(map(claim, verdicts)),
    )


def rich_table(speeds: Speeds) -> Table:
    """The times for the console."""
    found = Table(title="time over that of the others", box=box.SIMPLE_HEAD)
    for title in ("", *_titles(speeds)):
        found.add_column(title, justify="right" if title else "left")
    for leaves in SHAPES:
        for name, *cells in _rows(speeds, leaves):
            found.add_row(f"{name}, {leaves}", *cells)
    return found


def _sections(speeds: Speeds) -> Iterator[str]:
    titles = ["optimizer", *_titles(speeds)]
    for leaves, (count, (rows, columns)) in SHAPES.items():
        lines = [[f"`{name}`", *cells] for name, *cells in _rows(speeds, leaves)]
        heading = {LARGE: "Large", SMALL: "Small"}[leaves]
        yield LEAVES.format(
            leaves=heading, count=count, rows=rows, columns=columns, table=table(titles, lines)
        )


def _untimed() -> Iterator[str]:
    for reason, names in UNTIMED.items():
        yield f"- {', '.join(f'`{name}`' for name in names)}: {reason}\n"


def _titles(speeds: Speeds) -> list[str]:
    return [f"/ {sides[0]}, {in_words(count)}" for count in speeds for sides in COLUMNS]


def _rows(speeds: Speeds, leaves: str) -> list[list[str]]:
    rows: dict[str, list[str]] = {}
    for every in speeds.values():
        for found in every:
            if found.size == leaves:
                name = found.function.removesuffix(f", {leaves}")
                cells = rows.setdefault(name, [name])
                cells += [_median(found, *sides) for sides in COLUMNS]
    return list(rows.values())


def _median(found: Comparison, *sides: str) -> str:
    ratios = [found.ratios[side] for side in sides if side in found.ratios]
    return f"{ratios[0].median:.2f}" if ratios else "–"
