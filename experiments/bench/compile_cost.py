"""The benchmark of compiling: what is measured, the verdicts and the files."""

import contextlib
import dataclasses
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import jax
import numpy as np
from jax.experimental.compilation_cache import compilation_cache

from experiments.bench import compile_page
from experiments.bench.compile_pairs import pairs
from experiments.bench.compile_results import Compilation
from experiments.bench.config import Config
from experiments.bench.speed import JAXACT, at_most
from experiments.bench.stages import STAGES, TOTAL, StageSeconds, take_turns
from experiments.bench.timing import ratio
from experiments.progress import Progress
from experiments.results import write_json, write_text
from experiments.study import Outcome, Verdict, findings


def measure_all(config: Config, out: Path, progress: Progress) -> Outcome:
    """Compiles what the configuration selects, writes the results and, if asked, the page."""
    busy = os.getloadavg()[0]
    chosen = list(pairs(config.function, config.scale))
    with _without_files(), progress.stages("compiling", 1 + config.rounds) as advance:
        seconds = take_turns(
            {pair.label: pair.programs for pair in chosen},
            config.rounds,
            lambda turn: advance(f"round {turn}" if turn else "warming up"),
        )
    found = [_compilation(pair.label, pair.peer, seconds[pair.label]) for pair in chosen]
    verdicts = judge(found)
    results = {
        **findings("bench compiling", config, verdicts, load=busy),
        "compilations": [dataclasses.asdict(one) for one in found],
        "seconds": seconds,
    }
    files = [write_json(out / "bench_compiling.json", results)]
    if config.table:
        page = compile_page.page(found, verdicts, config, busy)
        files.append(write_text(Path(config.table), page))
    progress.show(compile_page.rich_table(found))
    return Outcome(verdicts=verdicts, files=files)


@contextlib.contextmanager
def _without_files() -> Iterator[None]:
    """Without the persistent cache: a program that is read from a file was not compiled."""
    before = jax.config.jax_enable_compilation_cache
    jax.config.update("jax_enable_compilation_cache", False)
    # Whether it is used is settled by the first compilation of a process.
    compilation_cache.reset_cache()
    try:
        yield
    finally:
        jax.config.update("jax_enable_compilation_cache", before)
        compilation_cache.reset_cache()


def judge(found: Sequence[Compilation]) -> list[Verdict]:
    """What the library promises of compiling."""
    total = {one.label: one.ratios[TOTAL].median for one in found}
    middle = {"the median function": float(np.median(list(total.values())))} if total else {}
    return [
        at_most("at most 1.3 times the peer's for each function", total, 1.3),
        at_most("the median over the functions at most 1.1", middle, 1.1),
    ]


def _compilation(label: str, peer: str, seconds: Mapping[str, StageSeconds]) -> Compilation:
    ours, theirs = seconds[JAXACT], seconds[peer]
    return Compilation(
        label=label,
        peer=peer,
        seconds={side: float(np.median(found[TOTAL])) for side, found in seconds.items()},
        ratios={stage: ratio(ours[stage], theirs[stage]) for stage in (*STAGES, TOTAL)},
    )
