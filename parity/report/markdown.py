"""The results as Markdown tables, by function or by group; equal results give equal tables."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

Case = Mapping[str, Any]

SUCCESSES = ("exact", "within", "closer", "quirk")
COUNTS = ("cases", *SUCCESSES, "failed")
# The table has a column for the largest error of each side in each of these checks.
MEASURED = {"forward": "value", "vjp": "gradient"}
SIDES = ("subject", "reference")


def table(
    results: Mapping[str, Any], dtype: str = "float32", names: tuple[str, str] = SIDES
) -> str:
    """A line for each function and one for the total: outcomes, and errors against the truth.

    The outcomes are those of all cases, the errors those of each function's first setting, the
    default one. A star marks an error beyond the budget's ulp in a case that passes by the budget's
    absolute floor: there the exact result crosses zero or is a small difference.

    Args:
        results: the contents of a run's JSON file.
        dtype: the dtype whose largest errors are shown, in ulp; a dash where none was measured.
        names: the names of subject and reference in the table.
    """
    cases: Sequence[Case] = results["cases"]
    functions = dict.fromkeys(case["function"] for case in cases)
    groups = [(f"`{name}`", _of(cases, "function", name)) for name in functions]
    errors = [f"{what}: {name}" for what in MEASURED.values() for name in names]
    header = ["function", *COUNTS, *errors]
    lines = [[name, *_counts(group), *_errors(group, dtype)] for name, group in groups]
    lines.append(["**all**", *_counts(cases), *[""] * len(errors)])
    return _table(header, lines)


def overview(groups: Mapping[str, Sequence[Case]]) -> str:
    """A line for each group of cases: the number of functions, and of cases by outcome.

    Args:
        groups: maps the name of a line to its cases, as in a run's JSON file.
    """
    lines = [
        [name, str(len({case["function"] for case in cases})), *_counts(cases)]
        for name, cases in groups.items()
    ]
    return _table(["", "functions", *COUNTS], lines)


def _table(header: Sequence[str], lines: Sequence[Sequence[str]]) -> str:
    rule = ["---", *["--:"] * (len(header) - 1)]
    return "\n".join(_cells(cells) for cells in (header, rule, *lines)) + "\n"


def _counts(cases: Sequence[Case]) -> list[str]:
    succeeded = [len(_of(cases, "outcome", outcome)) for outcome in SUCCESSES]
    return [str(n) for n in (len(cases), *succeeded, len(cases) - sum(succeeded))]


def _errors(cases: Sequence[Case], dtype: str) -> list[str]:
    default = [case for case in cases if case["params"] == cases[0]["params"]]
    measured = _of(default, "dtype", dtype)
    return [_worst(_of(measured, "check", check), side) for check in MEASURED for side in SIDES]


def _of(cases: Iterable[Case], key: str, value: str) -> list[Case]:
    return [case for case in cases if case[key] == value]


def _worst(cases: Iterable[Case], side: str) -> str:
    # JSON has no infinity: the file says "inf".
    known = [
        (float(case["distance"][f"{side}_truth"]), case)
        for case in cases
        if case["distance"][f"{side}_truth"] is not None
    ]
    if not known:
        return "–"
    distance, case = max(known, key=lambda pair: pair[0])
    by_floor = side == "subject" and _succeeded(case) and distance > case["budget"]["ulp"]
    return _ulp(distance) + ("\\*" if by_floor else "")


def _succeeded(case: Case) -> bool:
    return case["outcome"] in SUCCESSES


def _ulp(distance: float) -> str:
    """The distance with two significant digits; as a power of ten if it is large."""
    if math.isinf(distance):
        return "∞"
    if distance >= 1e5:
        mantissa, _, exponent = f"{distance:.1e}".partition("e")
        return f"{mantissa}e{int(exponent)}"
    return f"{distance:.0f}" if distance >= 10 else f"{distance:.2g}"


def _cells(cells: Iterable[str]) -> str:
    return "| " + " | ".join(cells) + " |"
