"""The results as a Markdown table: one line per function, the same for the same results."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

Case = Mapping[str, Any]

SUCCESSES = ("exact", "within", "closer", "quirk")
HEADER = (
    "function",
    "cases",
    *SUCCESSES,
    "failed",
    "value: subject",
    "value: reference",
    "gradient: subject",
    "gradient: reference",
)


def table(results: Mapping[str, Any], dtype: str = "float32") -> str:
    """A line per function and one for all: outcomes of all cases, errors against the truth.

    Args:
        results: what a run's JSON file holds.
        dtype: the dtype whose largest errors are shown, in ulp; a dash where none was measured.
    """
    cases: Sequence[Case] = results["cases"]
    names = dict.fromkeys(case["function"] for case in cases)
    lines = [_line(f"`{name}`", _of(cases, "function", name), dtype) for name in names]
    lines.append(_line("**all**", cases, dtype))
    rule = ["---", *["--:"] * (len(HEADER) - 1)]
    return "\n".join(_cells(cells) for cells in (HEADER, rule, *lines)) + "\n"


def _line(name: str, cases: Sequence[Case], dtype: str) -> list[str]:
    counts = [len(_of(cases, "outcome", outcome.upper())) for outcome in SUCCESSES]
    measured = _of(cases, "dtype", dtype)
    errors = [
        _worst(_of(measured, "check", check), side)
        for check in ("forward", "vjp")
        for side in ("subject_truth", "reference_truth")
    ]
    failed = len(cases) - sum(counts)
    return [name, str(len(cases)), *map(str, counts), str(failed), *errors]


def _of(cases: Iterable[Case], key: str, value: str) -> list[Case]:
    return [case for case in cases if case[key] == value]


def _worst(cases: Iterable[Case], side: str) -> str:
    distances = [case["distance"][side] for case in cases]
    known = [distance for distance in distances if distance is not None]
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
