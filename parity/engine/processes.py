"""A run spread over processes, since tracing is Python code, which uses one core per process."""

from __future__ import annotations

import functools
import itertools
import multiprocessing
import os
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed

from parity.backends import backend
from parity.cases import CHOICES_ONLY, Case, Coverage, cases
from parity.engine.groups import run_group, silence
from parity.engine.results import Finding, Result, result_of
from parity.spec import Spec

Load = Callable[[], Sequence[Spec]]
# After so many groups a process frees its compiled programs: else it grows to 6 GB.
FORGET_EVERY = 25
_DONE = itertools.count(1)


def run_in_processes(
    load: Load,
    groups: Sequence[Sequence[Case]],
    seed: int,
    workers: int,
    coverage: Coverage = CHOICES_ONLY,
) -> Iterator[Result]:
    """Yields the results as soon as they are available.

    Args:
        load: a function that a new process can import; it returns the rows of the cases.
        groups: groups of cases that share inputs and a compiled program.
        seed: of the random numbers.
        workers: the number of processes.
        coverage: which calls of domains are made.
    """
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(workers, mp_context=context, initializer=begin) as pool:
        started = {
            pool.submit(_work, load, [case.id for case in group], seed, coverage): group
            for group in groups
        }
        for future in as_completed(started):
            yield from map(result_of, started[future], future.result())


def begin() -> None:
    """Prepares a worker, before jax is imported, which then reads the environment.

    The first process must not allocate all of a GPU's memory, nor torch use all cores in each of
    several processes. A worker ends with the process that started it, also if that is killed: it
    would wait for work for ever.
    """
    os.environ.setdefault("XLA_PYTHON_CLIENT_PREALLOCATE", "false")
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _work(load: Load, ids: list[str], seed: int, coverage: Coverage) -> list[Finding]:
    """Runs in the worker; it gets ids, since rows hold functions, which cannot be pickled."""
    known = _known(load, coverage)
    group = [known[name] for name in ids]
    with silence():
        found = run_group(group, seed)
    if next(_DONE) % FORGET_EVERY == 0:
        backend(group[0].setup.subject.backend).forget()
    return found


@functools.cache
def _known(load: Load, coverage: Coverage) -> dict[str, Case]:
    return {case.id: case for case in cases(load(), coverage)}
