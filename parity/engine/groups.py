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

from parity.backends import PHASES
from parity.cases import Case
from parity.engine.calls import error, law, shapes, signature
from parity.engine.curves import curve
from parity.engine.numeric import numeric
from parity.engine.results import Finding
from parity.engine.transforms import jit, vmap
from parity.engine.sides import Sides
from parity.verdict import Outcome

RUNNERS: dict[str, Callable[[Case, Sides], Finding]] = {
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


def run_group(group: Sequence[Case], seed: int) -> list[Finding]:
    """The findings of cases that share inputs and a compiled program."""
    phases = _phases([case.check for case in group])
    sides = Sides(setup=group[0].setup, seed=seed, phases=phases)
    findings: list[Finding] = []
    for case in group:
        start = time.perf_counter()
        with np.errstate(all="ignore"):
            finding = _guarded(case, sides)
            if case.check == "vjp" and finding.outcome.succeeds:
                finding = replace(finding, curve=curve(sides))
        findings.append(replace(finding, seconds=time.perf_counter() - start))
    return findings


def _phases(checks: list[str]) -> tuple[str, ...]:
    wanted = {"forward", *checks}
    if {"vmap", "jit"} & wanted:
        wanted.add("vjp")
    return tuple(phase for phase in PHASES if phase in wanted)


def _guarded(case: Case, sides: Sides) -> Finding:
    try:
        return RUNNERS[case.check](case, sides)
    except ImportError as missing:
        return Finding(outcome=Outcome.NOT_RUN, message=f"cannot be loaded: {missing}")
    except Exception as error:
        return Finding(outcome=Outcome.ERROR, message=_text(error))


def _text(error: BaseException) -> str:
    last = traceback.extract_tb(error.__traceback__)[-1:]
    where = "".join(f" ({frame.name}, line {frame.lineno})" for frame in last)
    return f"{type(error).__name__}: {error}{where}"
