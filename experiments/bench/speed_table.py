"""The measured speeds as a table on the console and as a page of the documentation."""

import os
from collections.abc import Sequence

from rich import box
from rich.table import Table

from experiments.bench.config import ActivationsConfig
from experiments.bench.speed import OTHERS, Speed
from experiments.markdown import claim, table
from experiments.results import measured_on
from experiments.study import Verdict

PAGE = """\
# Speed

<!-- written by `make bench`: do not edit -->

Every activation on {elements} float32 numbers. *x + 1* is a compiled addition over the same array:
the cost of reading and writing it. All calls take turns in one run of {rounds} rounds; each figure
is the median over the rounds of a ratio within a round. Below 1, jaxact is faster. Backward
is `pull(ct)` after `out, pull = jax.vjp(f, x)`, compiled as one function of x and ct; torch's
backward pass is timed without the forward pass that it needs. *Kept*: what the backward pass keeps
of the forward pass, in arrays of the input's size. *Significantly* slower: the lower 95 %
confidence bound of the median is above the limit.

{versions}

{table}
{verdicts}
Where accuracy costs time, accuracy was preferred. The tanh form of `gelu` computes its cubic
exponent with twice the digits of float32 (where jax.nn's result is 0 or nan, this one is right).
The exact `gelu` is accurate in its tail, where torch's faster kernel is not: torch's value is off
by 20 % at -5, and 0 below -5.5. The gradients of `silu`, `mish` and `tanh` keep their relative
accuracy where they cross or approach zero. `log_softmax` adds up the exponentials of all classes
but the largest separately, so that confident rows do not give 0; that takes two more passes.

Eager calls depend on the machine more than on the function: on an AMD EPYC all but `gelu` took
about 5 us. On an Intel Xeon they take twice to four times as long in turns with other calls, and 6
to 12 us one after the other, where `jax.jit(lambda x: x + 1)` takes 5.

The functions over an axis are `[..., 1024]`, `glu` `[..., 2048]` and `softmax2d` `[n, 64, 32, 32]`;
the limits on ratios and on *kept* apply to the element-wise functions only.
"""

HEADER = (
    "function",
    "forward / x + 1",
    "/ jax.nn",
    "/ torch",
    "backward / x + 1",
    "/ jax.nn",
    "/ torch",
    "16 elements, eager",
    "kept",
)
NARROW = ("", "forward", "/jax.nn", "/torch", "backward", "/jax.nn", "/torch", "eager", "kept")


def page(
    speeds: Sequence[Speed], verdicts: Sequence[Verdict], config: ActivationsConfig, busy: float
) -> str:
    """The whole page; `busy` is the machine's load before the run."""
    where = measured_on()
    names = ", ".join(f"{name} {where['packages'][name]}" for name in ("jax", "torch"))
    load = f"load of the machine before the run {busy:.1f}"
    return PAGE.format(
        elements=f"{config.elements:,}",
        rounds=config.rounds,
        versions=f"Measured on {where['cpu']}, {os.cpu_count()} cores, with {names}; {load}.",
        table=markdown(speeds),
        verdicts="".join(map(claim, verdicts)),
    )


def markdown(speeds: Sequence[Speed]) -> str:
    """A line for each function."""
    return table(HEADER, [[f"`{cells[0]}`", *cells[1:]] for cells in map(_cells, speeds)])


def rich_table(speeds: Sequence[Speed]) -> Table:
    """The same for the console."""
    table = Table(title="time over that of x + 1, of jax.nn's and of torch's", box=box.SIMPLE_HEAD)
    for title in NARROW:
        table.add_column(title, justify="right" if title else "left")
    for speed in speeds:
        table.add_row(*_cells(speed))
    return table


def _cells(speed: Speed) -> list[str]:
    ratios = [of.get(other) for of in (speed.forward, speed.backward) for other in OTHERS]
    return [
        speed.label,
        *("–" if found is None else f"{found.median:.2f}" for found in ratios),
        f"{speed.eager:.1f} us",
        f"{speed.residuals:g}",
    ]
