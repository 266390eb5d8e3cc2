"""From cases to results: runs the sides, measures distances, judges them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed

from parity.cases import CHOICES_ONLY, Case, Coverage
from parity.engine.groups import run_group, silence
from parity.engine.processes import Load, run_in_processes
from parity.engine.results import Result, Worst, result_of, succeeded

__all__ = ["Result", "Worst", "run", "succeeded"]

WORKERS = 2
# Below this many groups new processes take longer to start than they save.
WORTH_A_PROCESS = 24


def run(
    selected: Sequence[Case],
    seed: int = 0,
    report: Callable[[Result], None] = lambda result: None,
    load: Load | None = None,
    coverage: Coverage = CHOICES_ONLY,
) -> list[Result]:
    """Every case's result, in the order of the cases.

    Args:
        selected: the cases; a run without cases does not succeed, see `succeeded`.
        seed: together with the case's id it determines all random numbers.
        report: called with each result as soon as it is available.
        load: an importable function that returns the rows; if given, many cases are spread over
            processes.
        coverage: which calls of domains the cases make.
    """
    groups: dict[tuple[str, ...], list[Case]] = {}
    for case in selected:
        groups.setdefault(case.group, []).append(case)
    if load is not None and len(groups) >= WORTH_A_PROCESS:
        found = run_in_processes(load, list(groups.values()), seed, WORKERS, coverage)
    else:
        found = _run_in_threads(list(groups.values()), seed)
    results: dict[str, Result] = {}
    for result in found:
        results[result.case.id] = result
        report(result)
    return [results[case.id] for case in selected]


def _run_in_threads(groups: Sequence[Sequence[Case]], seed: int) -> Iterator[Result]:
    with silence(), ThreadPoolExecutor(WORKERS) as pool:
        started = {pool.submit(run_group, group, seed): group for group in groups}
        for future in as_completed(started):
            yield from map(result_of, started[future], future.result())
