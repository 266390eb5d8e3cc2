"""Runs the cases of one group in order; if a side crashes, that is the case's result."""

from __future__ import annotations

import contextlib
import sysconfig
import time
import traceback
import warnings
from collections.abc import Callable, Generator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np

from parity.backends import PHASES, to_install
from parity.cases import Case
from parity.engine.calls import error, law, shapes, signature
from parity.engine.covered import calls
from parity.engine.curves import curve
from parity.engine.numeric import numeric
from parity.engine.results import Finding
from parity.engine.sides import Sides
from parity.engine.torch_tests import torch_tests
from parity.engine.transforms import jit, vmap
from parity.verdict import Outcome

# Frames in these folders are not part of the user's function: parity except for its rows, the
# standard library and installed packages.
PARITY = Path(__file__).parents[1]
FOREIGN = (
    *(PARITY / name for name in ("engine", "backends", "inputs")),
    *(Path(sysconfig.get_path(name)) for name in ("stdlib", "purelib", "platlib")),
)
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
    "calls": calls,
    "torch_tests": torch_tests,
}


def _show_nothing(*args: Any, **kwargs: Any) -> None:
    pass


@contextlib.contextmanager
def silence() -> Generator[None]:
    """Suppresses warnings: the cases deliberately make calls that frameworks warn about.

    Warning filters are shared by all threads, and frameworks change them temporarily: a filter
    "error" set in one thread would raise in another. So `warnings.warn` itself is replaced, and
    nothing is shown either.
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
        findings.append(replace(finding, seconds=time.perf_counter() - start))
    return findings


def _phases(checks: list[str]) -> tuple[str, ...]:
    wanted = {"forward", *checks}
    if {"vmap", "jit"} & wanted:
        wanted.add("vjp")
    return tuple(phase for phase in PHASES if phase in wanted)


def _guarded(case: Case, sides: Sides) -> Finding:
    try:
        finding = RUNNERS[case.check](case, sides)
        drawn = case.check == "vjp" and finding.outcome.succeeds
        return replace(finding, curve=curve(sides)) if drawn else finding
    except ImportError as missing:
        message = f"cannot be loaded: {missing}{to_install(missing)}"
        return Finding(outcome=Outcome.NOT_RUN, message=message)
    except Exception as error:
        message = f"{type(error).__name__}: {error}{_place(error)}"
        return Finding(outcome=Outcome.ERROR, message=message, traceback=_traceback(error))


def _place(error: BaseException) -> str:
    last = _own_frames(error)[-1:] or traceback.extract_tb(error.__traceback__)[-1:]
    return "".join(f" ({frame.name}, line {frame.lineno})" for frame in last)


def _traceback(error: BaseException) -> str:
    """What Python prints for the exception, without the frames of parity and the frameworks."""
    frames = _own_frames(error)
    if not frames:
        return ""
    lines = traceback.format_list(frames) + traceback.format_exception_only(error)
    return "Traceback (most recent call last):\n" + "".join(lines).rstrip()


def _own_frames(error: BaseException) -> list[traceback.FrameSummary]:
    frames = traceback.extract_tb(error.__traceback__)
    return [frame for frame in frames if not _foreign(frame.filename)]


def _foreign(file: str) -> bool:
    path = Path(file)
    return file.startswith("<") or any(folder in path.parents for folder in FOREIGN)
