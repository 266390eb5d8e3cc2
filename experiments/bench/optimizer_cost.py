"""The benchmark of the optimizers: what is measured, the verdicts and the files."""

import dataclasses
import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from experiments.bench import cores, optimizer_page
from experiments.bench.config import OptimizersConfig
from experiments.bench.optimizer_steps import (
    FOREACH,
    FUSED,
    LARGE,
    LOOP,
    OPTAX,
    OPTIMIZERS,
    SMALL,
    Memory,
    chosen,
    key,
    memory,
)
from experiments.bench.speed import JAXACT, TORCH, Comparison, at_most, compared, lower_bounds
from experiments.progress import Progress
from experiments.results import write_json, write_text
from experiments.study import Outcome, Verdict, findings

WARM_UP = 1


@dataclasses.dataclass(frozen=True, kw_only=True)
class Costs:
    """Everything that was measured.

    Attributes:
        speeds: by number of cores.
        memory: of the states.
    """

    speeds: Mapping[int, Sequence[Comparison]]
    memory: Sequence[Memory]


def measure_all(config: OptimizersConfig, out: Path, progress: Progress) -> Outcome:
    """Measures what the configuration selects, writes the results and, if asked, the page."""
    busy = os.getloadavg()[0]
    timed = chosen(config.function)
    counts = sorted({1, cores.available()})
    stages = len(counts) * len(timed) * (1 + WARM_UP + config.rounds)
    with progress.stages("measuring", stages) as advance:
        seconds = {
            count: cores.measured(
                count,
                "experiments.bench.optimizer_steps:batches",
                config.function,
                config.rounds,
                config.scale,
                advance,
            )
            for count in counts
        }
    names = {key(optimizer, leaves): leaves for optimizer, leaves in timed}
    costs = Costs(
        speeds={
            count: [compared(name, leaves, found[name]) for name, leaves in names.items()]
            for count, found in seconds.items()
        },
        memory=[
            memory(optimizer)
            for optimizer in OPTIMIZERS
            if not config.function or optimizer.name in config.function
        ],
    )
    verdicts = judge(costs)
    results = {
        **findings("bench optim", config, verdicts, load=busy),
        **dataclasses.asdict(costs),
        "seconds": seconds,
    }
    files = [write_json(out / "bench_optim.json", results)]
    if config.table:
        page = optimizer_page.page(costs.speeds, costs.memory, verdicts, config, busy)
        files.append(write_text(Path(config.table), page))
    progress.show(optimizer_page.rich_table(costs.speeds))
    return Outcome(verdicts=verdicts, files=files)


def judge(costs: Costs) -> list[Verdict]:
    """What the library promises of its optimizers."""
    alone = {found.function: found for found in costs.speeds.get(1, ())}
    every = {
        f"{found.function}, {cores.in_words(count)}": found
        for count, comparisons in costs.speeds.items()
        for found in comparisons
    }
    sizes = {found.optimizer: found.arrays[JAXACT] - found.arrays[TORCH] for found in costs.memory}
    return [
        at_most(
            f"at most 1.25 times torch's fused path on {LARGE} numbers, one core",
            _medians(alone, LARGE, FUSED),
            1.25,
        ),
        at_most(
            "none is significantly more than 5 % slower than optax's",
            lower_bounds(every, OPTAX),
            1.05,
        ),
        at_most(
            "on small leaves at most half of torch's time, one core",
            _medians(alone, SMALL, FOREACH, LOOP),
            0.5,
        ),
        at_most("no state has more arrays than torch's", sizes, 0),
    ]


def _medians(found: Mapping[str, Comparison], leaves: str, *sides: str) -> dict[str, float]:
    """Our times over those of the sides that have the optimizer."""
    return {
        f"{name} / {side}": one.ratios[side].median
        for name, one in found.items()
        for side in sides
        if one.size == leaves and side in one.ratios
    }
