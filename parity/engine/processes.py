"""A run spread over processes: tracing is Python, and Python runs on one core a process."""

from __future__ import annotations

import functools
import multiprocessing
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import replace

from parity.cases import Case, cases
from parity.engine.groups import run_group, silence
from parity.engine.results import Result
from parity.spec import Spec

Load = Callable[[], Sequence[Spec]]
NO_CASE = Case(spec=None, check="")  # pyright: ignore[reportArgumentType]


def run_in_processes(
    load: Load, groups: Sequence[Sequence[Case]], seed: int, workers: int
) -> Iterator[Result]:
    """The results as they come.

    Args:
        load: a function that a new process can import; it gives the rows of the cases.
        groups: cases that share inputs and a compiled program.
        seed: of the random numbers.
        workers: processes.
    """
    by_id = {case.id: case for group in groups for case in group}
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(workers, mp_context=context, initializer=_share_device) as pool:
        ids = [[case.id for case in group] for group in groups]
        for future in as_completed([pool.submit(_work, load, names, seed) for names in ids]):
            for name, quirks, result in future.result():
                case = by_id[name]
                yield replace(result, case=case, quirks=tuple(case.spec.quirks[i] for i in quirks))


def _share_device() -> None:
    """Of a GPU the first process would take all the memory; read when jax is first imported."""
    os.environ.setdefault("XLA_PYTHON_CLIENT_PREALLOCATE", "false")


def _work(load: Load, ids: list[str], seed: int) -> list[tuple[str, list[int], Result]]:
    """Runs in the worker. Rows hold functions, which do not travel: ids and places do."""
    known = _known(load)
    with silence():
        results = run_group([known[name] for name in ids], seed)
    return [
        (
            result.case.id,
            [result.case.spec.quirks.index(quirk) for quirk in result.quirks],
            replace(result, case=NO_CASE, quirks=()),
        )
        for result in results
    ]


@functools.cache
def _known(load: Load) -> dict[str, Case]:
    return {case.id: case for case in cases(load())}
