"""The measured cost of the losses as a table on the console and as a page of the documentation."""

import os
from collections.abc import Sequence

from rich import box
from rich.table import Table

from experiments.bench import devices
from experiments.bench.config import Config
from experiments.bench.devices import Sharded
from experiments.bench.large_vocabulary import CHUNKED, PLAIN, LargeVocabulary
from experiments.bench.loss_results import Costs
from experiments.bench.speed import TORCH, Comparison
from experiments.markdown import claim, table
from experiments.results import measured_on
from experiments.study import Verdict

PAGE = """\
# Cost of the losses

<!-- written by `make bench`: do not edit -->

`python -m experiments bench losses --table docs/loss_cost.md` measures this page.

{versions}

## Time

Value and gradient in the first argument as one compiled program, reduced by the mean, in float32.
All calls take turns in one run of {rounds} rounds; each figure is the median over the rounds of our
time over theirs. Below 1, jaxact is faster. *Significantly* slower: the lower 95 % confidence bound
of the median is above the limit. `ctc_loss` has 32 sequences of 300 frames, 64 classes and 60
labels, and includes `log_softmax`.

optax's triplet loss is a different function: its epsilon is inside the square root, torch's and
ours is added to the difference. Ours also scales the vectors so that no square overflows or
underflows.

{speeds}
{large}{sharded}
## Limits

{verdicts}"""

LARGE = """\
## Large vocabularies

Value and gradients of input, weight and bias for {tokens:,} tokens, {features} features and
{classes:,} classes in float32. *Temporary* is what the compiled program needs besides its arguments
and results, according to its memory analysis.

| | temporary | time |
| --- | --: | --: |
| `{plain}` | {plain_memory:,.1f} MiB | 1 |
| `{chunked}` | {chunked_memory:,.1f} MiB | {time:.2f} |

"""

SHARDED = """\
## Several devices

Value and gradients on {count} CPU devices of one host, rows or vocabulary divided among them,
{rows:,} rows of {classes:,} classes. *Largest array* in the program of one device, as a
fraction of the full logits. *Communicated*: the number of elements in the largest result of each
kind of collective; for `linear_cross_entropy` divided by rows that is the gradient of its weight.

| loss | divided by | error against one device | largest array | communicated |
| --- | --- | --: | --: | --- |
{lines}
"""


def page(costs: Costs, verdicts: Sequence[Verdict], config: Config, busy: float) -> str:
    """The whole page; `busy` is the machine's load before the run."""
    where = measured_on()
    names = ", ".join(f"{name} {where['packages'][name]}" for name in ("jax", "torch", "optax"))
    load = f"load of the machine before the run {busy:.1f}"
    return PAGE.format(
        versions=f"Measured on {where['cpu']}, {os.cpu_count()} cores, with {names}; {load}.",
        rounds=config.rounds,
        speeds=_markdown(costs.speeds),
        large="" if costs.large is None else _large(costs.large),
        sharded=_sharded(costs.sharded) if costs.sharded else "",
        verdicts="".join(map(claim, verdicts)),
    )


def rich_table(speeds: Sequence[Comparison]) -> Table:
    """The times for the console."""
    table = Table(title="value and gradient: time over torch's and optax's", box=box.SIMPLE_HEAD)
    for title in ("", "size", "/ torch", "/ optax"):
        table.add_column(title, justify="right" if title else "left")
    for speed in speeds:
        table.add_row(*_cells(speed))
    return table


def _markdown(speeds: Sequence[Comparison]) -> str:
    rows = [(f"`{name}`", *cells) for name, *cells in map(_cells, speeds)]
    head = ("loss", "first argument", "/ torch", "/ optax")
    return table(head, rows)


def _cells(speed: Comparison) -> tuple[str, ...]:
    found = (speed.ratios.get(other) for other in (TORCH, "optax"))
    times = ("–" if one is None else f"{one.median:.2f}" for one in found)
    return (speed.function, speed.size, *times)


def _large(found: LargeVocabulary) -> str:
    mebibytes = {name: count / 2**20 for name, count in found.temporary.items()}
    return LARGE.format(
        tokens=found.tokens,
        features=found.features,
        classes=found.classes,
        plain=PLAIN,
        chunked=CHUNKED,
        plain_memory=mebibytes[PLAIN],
        chunked_memory=mebibytes[CHUNKED],
        time=found.time.median,
    )


def _sharded(every: Sequence[Sharded]) -> str:
    lines = [
        f"| `{found.function}` | {found.axis} | {found.difference:.1e} "
        f"| {found.largest / found.logits:.3f} | {_travels(found)} |"
        for found in every
    ]
    return SHARDED.format(
        count=devices.DEVICES, rows=devices.ROWS, classes=devices.CLASSES, lines="\n".join(lines)
    )


def _travels(found: Sharded) -> str:
    parts = [f"{kind} {size:,}" for kind, size in found.travels.items()]
    return ", ".join(parts) or "nothing"
