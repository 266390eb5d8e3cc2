"""The cases of one group, one after the other; a crash of a side is a result, too."""

from __future__ import annotations

import contextlib
import time
import traceback
import warnings
from collections.abc import Callable, Generator, Sequence
from dataclasses import replace
from typing import Any
from unittest import mock

import numpy as np

from parity.cases import Case
from parity.engine.calls import error, law, shapes, signature
from parity.engine.curves import curve
from parity.engine.numeric import numeric
from parity.engine.results import Result
from parity.engine.transforms import jit, vmap
from parity.engine.voices import Voices
from parity.verdict import Outcome

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


def _show_nothing(*args: Any, **kwargs: Any) -> None:
    pass


@contextlib.contextmanager
def silence() -> Generator[None]:
    """No warnings: sides are called in ways that frameworks warn about on purpose.

    Threads share the filters, and frameworks change them for a moment: an "error" of one thread
    would strike another. So nothing warns in the first place, and nothing is shown either.
    """
    with warnings.catch_warnings(), mock.patch.object(warnings, "warn", _show_nothing):
        warnings.simplefilter("ignore")
        warnings.showwarning = _show_nothing
        yield


def run_group(group: Sequence[Case], seed: int) -> list[Result]:
    """The cases that share inputs and a compiled program."""
    voices = Voices(spec=group[0].spec, params=group[0].params, dtype=group[0].dtype, seed=seed)
    voices.phases = _phases([case.check for case in group])
    results: list[Result] = []
    for case in group:
        start = time.perf_counter()
        with np.errstate(all="ignore"):
            result = _guarded(case, voices)
            if case.check == "vjp" and result.outcome.succeeds:
                result = replace(result, curve=curve(case, voices))
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
