"""Cases to results: runs the voices, measures, judges. A crash of a side is a result, too."""

from __future__ import annotations

import time
import traceback
import warnings
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import replace

from parity.cases import Case
from parity.engine.calls import error, law, shapes, signature
from parity.engine.numeric import numeric
from parity.engine.results import Result, Worst, succeeded
from parity.engine.transforms import jit, vmap
from parity.engine.voices import Voices
from parity.verdict import Outcome

__all__ = ["Result", "Worst", "run", "run_group", "succeeded"]

THREADS = 2

RUNNERS: dict[str, Callable[[Case, Voices], Result]] = {
    "forward": numeric,
    "vjp": numeric,
    "jvp": numeric,
    "second": numeric,
    "vmap": vmap,
    "jit": jit,
    "shapes": shapes,
    "error": error,
    "signature": signature,
    "law": law,
}


def run(
    selected: Sequence[Case],
    seed: int = 0,
    report: Callable[[Result], None] = lambda result: None,
    threads: int = THREADS,
) -> list[Result]:
    """Every case's result, in the order of the cases.

    Args:
        selected: cases; none at all is a run that proves nothing, and its summary fails.
        seed: all random numbers follow from it and from the case's id.
        report: called with each result as soon as it is there.
        threads: groups run at a time.
    """
    groups: dict[tuple[str, ...], list[Case]] = {}
    for case in selected:
        groups.setdefault(case.group, []).append(case)
    results: dict[str, Result] = {}
    with warnings.catch_warnings(), ThreadPoolExecutor(threads) as pool:
        # Sides are called in ways that frameworks warn about, such as softmax without a dim.
        warnings.simplefilter("ignore")
        for future in as_completed(pool.submit(run_group, g, seed) for g in groups.values()):
            for result in future.result():
                results[result.case.id] = result
                report(result)
    return [results[case.id] for case in selected]


def run_group(group: Sequence[Case], seed: int) -> list[Result]:
    """The cases that share inputs and a compiled program."""
    voices = Voices(spec=group[0].spec, params=group[0].params, dtype=group[0].dtype, seed=seed)
    voices.phases = _phases([case.check for case in group])
    results: list[Result] = []
    for case in group:
        start = time.perf_counter()
        result = _guarded(case, voices)
        results.append(replace(result, seconds=time.perf_counter() - start))
    return results


def _phases(checks: list[str]) -> tuple[str, ...]:
    wanted = {"forward", *checks}
    if {"vmap", "jit"} & wanted:
        wanted.add("vjp")
    return tuple(phase for phase in ("forward", "vjp", "jvp", "second") if phase in wanted)


def _guarded(case: Case, voices: Voices) -> Result:
    try:
        return RUNNERS[case.check](case, voices)
    except ImportError as missing:
        return Result(case=case, outcome=Outcome.NOT_RUN, message=f"cannot be loaded: {missing}")
    except Exception as error:
        return Result(case=case, outcome=Outcome.ERROR, message=_text(error))


def _text(error: BaseException) -> str:
    last = traceback.extract_tb(error.__traceback__)[-1:]
    where = "".join(f" ({frame.name}, line {frame.lineno})" for frame in last)
    return f"{type(error).__name__}: {error}{where}"
