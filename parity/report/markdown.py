"""The results as a Markdown table: one line per function, the same for the same results."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

Case = Mapping[str, Any]

SUCCESSES = ("exact", "within", "closer", "quirk")
COUNTS = ("cases", *SUCCESSES, "failed")
# A column for the largest error of each voice in each of these checks.
MEASURED = {"forward": "value", "vjp": "gradient"}
VOICES = ("subject", "reference")
ERRORS = [f"{what}: {voice}" for what in MEASURED.values() for voice in VOICES]


def table(results: Mapping[str, Any], dtype: str = "float32") -> str:
    """A line per function and one for all: outcomes of all cases, errors against the truth.

    The errors are those of each function's first setting of its hyperparameters, the default one.

    Args:
        results: what a run's JSON file holds.
        dtype: the dtype whose largest errors are shown, in ulp; a dash where none was measured.
    """
    cases: Sequence[Case] = results["cases"]
    names = dict.fromkeys(case["function"] for case in cases)
    groups = [(f"`{name}`", _of(cases, "function", name)) for name in names]
    lines = [[name, *_counts(group), *_errors(group, dtype)] for name, group in groups]
    lines.append(["**all**", *_counts(cases), *[""] * len(ERRORS)])
    header = ["function", *COUNTS, *ERRORS]
    rule = ["---", *["--:"] * (len(header) - 1)]
    return "\n".join(_cells(cells) for cells in (header, rule, *lines)) + "\n"


def _counts(cases: Sequence[Case]) -> list[str]:
    succeeded = [len(_of(cases, "outcome", outcome)) for outcome in SUCCESSES]
    return [str(n) for n in (len(cases), *succeeded, len(cases) - sum(succeeded))]


def _errors(cases: Sequence[Case], dtype: str) -> list[str]:
    default = [case for case in cases if case["params"] == cases[0]["params"]]
    measured = _of(default, "dtype", dtype)
    return [
        _worst(_of(measured, "check", check), f"{voice}_truth")
        for check in MEASURED
        for voice in VOICES
    ]


def _of(cases: Iterable[Case], key: str, value: str) -> list[Case]:
    return [case for case in cases if case[key] == value]


def _worst(cases: Iterable[Case], side: str) -> str:
    distances = [case["distance"][side] for case in cases]
    # JSON has no infinity: the file says "inf".
    known = [float(distance) for distance in distances if distance is not None]
    return _ulp(max(known)) if known else "–"


def _ulp(distance: float) -> str:
    """Two significant digits, and powers of ten where they say more."""
    if math.isinf(distance):
        return "∞"
    if distance >= 1e5:
        mantissa, _, exponent = f"{distance:.1e}".partition("e")
        return f"{mantissa}e{int(exponent)}"
    return f"{distance:.0f}" if distance >= 10 else f"{distance:.2g}"


def _cells(cells: Iterable[str]) -> str:
    return "| " + " | ".join(cells) + " |"
