"""The benchmark of the losses: what is measured, the verdicts and the files."""

import dataclasses
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from experiments.bench import devices, large_vocabulary, loss_page
from experiments.bench.config import LossesConfig
from experiments.bench.loss_results import Costs
from experiments.bench.peers import OPTAX
from experiments.bench.speed import TORCH, at_most, compared, lower_bounds
from experiments.bench.timing import Call, Seconds, take_turns
from experiments.bench.workloads import Workload, workloads
from experiments.progress import Progress
from experiments.results import write_json, write_text
from experiments.study import Outcome, Verdict, findings

LARGE = large_vocabulary.CHUNKED
WARM_UP = 2


def measure_all(config: LossesConfig, out: Path, progress: Progress) -> Outcome:
    """Measures what the configuration selects, writes the results and, if asked, the page."""
    busy = os.getloadavg()[0]
    chosen = list(workloads("losses", config.function, config.scale))
    with progress.stages("measuring", len(chosen) + WARM_UP + config.rounds + 6) as advance:
        seconds = _times(chosen, config.rounds, advance)
        asked = not config.function or LARGE in config.function
        large = large_vocabulary.measure(config.scale, advance) if asked else None
        advance("several devices")
        sharded = devices.measure() if asked else []
    costs = Costs(
        speeds=[compared(work.function, work.size, seconds[work.function]) for work in chosen],
        large=large,
        sharded=sharded,
    )
    verdicts = judge(costs)
    results = {
        **findings("bench losses", config, verdicts, load=busy),
        **dataclasses.asdict(costs),
        "seconds": seconds,
    }
    files = [write_json(out / "bench_losses.json", results)]
    if config.table:
        page = loss_page.page(costs, verdicts, config, busy)
        files.append(write_text(Path(config.table), page))
    progress.show(loss_page.rich_table(costs.speeds))
    return Outcome(verdicts=verdicts, files=files)


def judge(costs: Costs) -> list[Verdict]:
    """What the library promises of its losses."""
    timed = {speed.function: speed for speed in costs.speeds}
    claim = "none is significantly more than 5 % slower than torch's or optax's"
    verdicts = [at_most(claim, lower_bounds(timed, TORCH, OPTAX), 1.05)]
    if costs.large is not None:
        verdicts += [
            at_most(
                f"{LARGE} needs at most 1/16 of the temporary memory of the plain composition",
                {LARGE: 1 / costs.large.memory_ratio},
                1 / 16,
            ),
            at_most(
                f"{LARGE} takes at most 1.25 times as long", {LARGE: costs.large.time.median}, 1.25
            ),
        ]
    if costs.sharded:
        named = {f"{found.function} by {found.axis}": found for found in costs.sharded}
        verdicts += [
            at_most(
                f"{devices.DEVICES} devices give the same result as one",
                {name: found.difference for name, found in named.items()},
                1e-5,
            ),
            at_most(
                "no device holds more than its share of the logits",
                {name: found.largest / found.logits for name, found in named.items()},
                1 / devices.DEVICES,
            ),
        ]
    return verdicts


def _times(chosen: Sequence[Workload], rounds: int, advance: Any) -> dict[str, Seconds]:
    groups: dict[str, dict[str, Call]] = {}
    for work in chosen:
        advance(f"compiling {work.function}")
        groups[work.function] = {library: side.timed() for library, side in work.sides.items()}
    if not groups:
        return {}
    return take_turns(groups, rounds, lambda turn: advance(f"round {turn + 1}"), WARM_UP)
