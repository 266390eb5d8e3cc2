"""The benchmark of the regularizers: what is measured, the verdicts and the files."""

import dataclasses
import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from experiments.bench import augmented, cores, large_mean, regularizer_page
from experiments.bench.config import RegularizersConfig
from experiments.bench.peers import FLAX, OPTAX
from experiments.bench.regularizer_results import Costs
from experiments.bench.speed import TORCH, at_most, compared, lower_bounds
from experiments.bench.timing import Call
from experiments.bench.workloads import workloads
from experiments.progress import Progress
from experiments.results import write_json, write_text
from experiments.study import Outcome, Verdict, findings

WARM_UP = 1
# Times over torch's that are promised, of value and gradient.
LIMITS = {"layer_norm": 1.25, "batch_norm": 1.25, "dropout": 1.0}


def measure_all(config: RegularizersConfig, out: Path, progress: Progress) -> Outcome:
    """Measures what the configuration selects, writes the results and, if asked, the page."""
    busy = os.getloadavg()[0]
    # Made here for their sizes only: each process makes its own.
    chosen = list(workloads("regularizers", config.function, config.scale, blank=True))
    counts = sorted({1, cores.available()})
    stages = len(counts) * (len(chosen) + WARM_UP + config.rounds) + 5
    with progress.stages("measuring", stages) as advance:
        names = [work.function for work in chosen]
        seconds = {
            count: cores.measured(
                count,
                "experiments.bench.regularizer_cost:batches",
                names,
                config.rounds,
                config.scale,
                advance,
            )
            for count in (counts if chosen else ())
        }
        advance("large means")
        means = list(large_mean.measure())
        images = [] if config.function else augmented.measure(config.scale, advance)
    costs = Costs(
        speeds={
            count: [compared(w.function, w.size, found[w.function]) for w in chosen]
            for count, found in seconds.items()
        },
        means=means,
        images=images,
    )
    verdicts = judge(costs)
    results = {
        **findings("bench regularizers", config, verdicts, load=busy),
        **dataclasses.asdict(costs),
        "seconds": seconds,
    }
    files = [write_json(out / "bench_regularizers.json", results)]
    if config.table:
        page = regularizer_page.page(costs, verdicts, config, busy)
        files.append(write_text(Path(config.table), page))
    progress.show(regularizer_page.rich_table(costs.speeds))
    return Outcome(verdicts=verdicts, files=files)


def batches(
    functions: Sequence[str], scale: float, advance: Callable[[str], None]
) -> Iterator[dict[str, dict[str, Call]]]:
    """The calls of all workloads, which take turns.

    Args:
        functions: names of the workloads.
        scale: size of the arrays, in parts of the full ones.
        advance: told what is compiled.
    """
    groups: dict[str, dict[str, Call]] = {}
    for work in workloads("regularizers", functions, scale):
        advance(f"compiling {work.function}")
        groups[work.function] = {library: side.timed() for library, side in work.sides.items()}
    yield groups


def judge(costs: Costs) -> list[Verdict]:
    """What the library promises of its regularizers."""
    every = {
        f"{found.function}, {cores.in_words(n)}": found
        for n, f in costs.speeds.items()
        for found in f
    }
    limits = {
        f"{name} at most {limit:g} times torch's": {
            key: found.ratios[TORCH].median
            for key, found in every.items()
            if found.function == name
        }
        for name, limit in LIMITS.items()
    }
    errors = {
        f"{found.function} at {found.mean:g}": found.errors["jaxact"] / found.errors[TORCH]
        for found in costs.means
    }
    bounds = lower_bounds(every, FLAX, OPTAX)
    return [
        at_most("none is significantly more than 5 % slower than flax's or optax's", bounds, 1.05),
        *(
            at_most(claim, found, limit)
            for (claim, found), limit in zip(limits.items(), LIMITS.values(), strict=True)
        ),
        at_most("errors at large means are within twice torch's own", errors, 2),
    ]
