"""The results as one HTML page that needs no network and no other files, nor scripts to be read."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import jinja2

from parity.report import figures
from parity.report.figures import Axis, Figure
from parity.spec import CHECKS
from parity.verdict import RANK, Outcome

Data: TypeAlias = Mapping[str, Any]

# The names of the results' sides in the report.
SIDES = {"subject": "ours", "reference": "torch"}
MARKS = {
    Outcome.EXACT: "=",
    Outcome.WITHIN: "≈",
    Outcome.CLOSER: "◎",
    Outcome.QUIRK: "§",
    Outcome.STALE: "∅",
    Outcome.MISMATCH: "≠",
    Outcome.NOT_RUN: "?",
    Outcome.ERROR: "!",
}
MEANINGS = {
    Outcome.EXACT: "the same bits as torch, at points where torch agrees with itself",
    Outcome.WITHIN: "not the same bits, but within the budget",
    Outcome.CLOSER: "within budget of the truth, where torch is beyond budget and farther from it",
    Outcome.QUIRK: "a declared difference from torch, with its reason, was observed",
    Outcome.STALE: "a declared difference was not observed: the declaration is out of date",
    Outcome.MISMATCH: "beyond the budget",
    Outcome.NOT_RUN: "nothing was compared",
    Outcome.ERROR: "one side raised an exception",
}
# The columns of the table of functions, and their names in the report.
MEASURED = {"forward": "value", "vjp": "gradient"}
FACTS = {
    "command": "Command",
    "date": "Date",
    "seed": "Seed",
    "cpu": "CPU",
    "gpu": "GPU",
    "platform": "Platform",
    "python": "Python",
    "subnormals": "Subnormal numbers",
}
LONGEST_INPUT = 80


@dataclass(frozen=True, kw_only=True)
class Tally:
    """How many cases had an outcome."""

    outcome: Outcome
    count: int
    share: float


@dataclass(frozen=True, kw_only=True)
class Cell:
    """All cases of one function, dtype and check."""

    check: str
    tallies: list[Tally]
    distance: Mapping[str, float | None]

    @property
    def worst(self) -> Outcome:
        """The worst outcome of the cases."""
        return self.tallies[-1].outcome


@dataclass(frozen=True, kw_only=True)
class Row:
    """All cases of one function and dtype, by check; None for a check without cases."""

    dtype: str
    cells: Mapping[str, Cell | None]


@dataclass(frozen=True, kw_only=True)
class Plot:
    """The figures of one setting of the hyperparameters."""

    setting: str
    figures: list[Figure]


@dataclass(frozen=True, kw_only=True)
class Quirk:
    """A declared difference and where it was observed."""

    reason: str
    source: str
    where: list[str]

    @property
    def link(self) -> bool:
        """Whether the source is an address that is safe to follow."""
        return self.source.startswith(("https://", "http://"))


@dataclass(frozen=True, kw_only=True)
class Function:
    """Everything that the page shows about one function.

    Args:
        anchor: its id in the page, unique.
        visited: how much of its domain was visited.
        errors: dtype -> check -> side -> the largest error of the first setting, which is the
            default one, in ulp from the truth.
    """

    anchor: str
    family: str
    name: str
    cases: Sequence[Data]
    tallies: list[Tally]
    rows: list[Row]
    errors: Mapping[str, Mapping[str, Mapping[str, float]]]
    plots: list[Plot]
    quirks: list[Quirk]
    visited: str = ""

    @property
    def failed(self) -> int:
        """How many of its cases failed."""
        return sum(tally.count for tally in self.tallies if not tally.outcome.succeeds)


@dataclass(frozen=True, kw_only=True)
class Page:
    """The contents of the page, for the template."""

    functions: list[Function]
    failures: list[Function]
    cases: int
    failed: int
    tallies: list[Tally]
    facts: Mapping[str, str]
    packages: Mapping[str, str]
    seed: Any
    families: list[str]
    dtypes: list[str]
    checks: list[str]
    axes: Mapping[str, Axis]

    @property
    def succeeds(self) -> bool:
        """Whether anything was compared and nothing failed."""
        return self.cases > 0 and self.failed == 0


def render(results: Data) -> str:
    """The page.

    Args:
        results: the contents of a run's JSON file.
    """
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("parity.report"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(
        ulp=ulp, number=number, amount=amount, setting=_setting, point=_point
    )
    return environment.get_template("report.html").render(
        page=page(results),
        marks=MARKS,
        meanings=MEANINGS,
        descriptions=CHECKS,
        sides=SIDES,
        measured=MEASURED,
        outcome=Outcome,
        dumbbell_width=figures.DUMBBELL_WIDTH,
    )


def page(results: Data) -> Page:
    """Results sorted for reading: failures first, then functions in the order of the run."""
    cases: Sequence[Data] = results["cases"]
    functions = _functions(cases, results.get("curves", []))
    failures = [function for function in functions if function.failed]
    facts: Data = results["environment"]
    dtypes = _unique(case["dtype"] for case in cases)
    return Page(
        functions=functions,
        failures=failures,
        cases=len(cases),
        failed=sum(function.failed for function in failures),
        tallies=_tallies(cases),
        facts=_facts(facts),
        packages=facts.get("packages", {}),
        seed=facts.get("seed", 0),
        families=_unique(function.family for function in functions),
        dtypes=dtypes,
        checks=_checks(cases),
        axes=_axes(functions),
    )


def _facts(environment: Data) -> dict[str, str]:
    """The facts about a run, by label, in the order in which they are shown."""
    known = {key: str(environment[key]) for key in FACTS if environment.get(key) is not None}
    if "date" in known:
        known["date"] = known["date"].replace("T", " ").replace("+00:00", " UTC")
    return {FACTS[key]: fact for key, fact in known.items()}


def ulp(distance: float | str | None) -> str:
    """A distance with two significant digits, a dash where none was measured."""
    if distance is None:
        return "–"
    value = float(distance)
    if not math.isfinite(value):
        return "∞"
    if value >= 1e5:
        mantissa, _, exponent = f"{value:.1e}".partition("e")
        return f"{mantissa}e{int(exponent)}"
    return f"{value:.0f}" if value >= 10 else f"{value:.2g}"


def number(value: Any) -> str:
    """A value with as many digits as its dtype needs; a dash if there is none."""
    if value is None:
        return "–"
    return f"{value:.9g}" if isinstance(value, float) else str(value)


def amount(value: float) -> str:
    """A number of a budget; small powers of two are written as powers."""
    mantissa, exponent = math.frexp(value)
    return f"2^{exponent - 1}" if mantissa == 0.5 and exponent < -2 else number(float(value))


def _point(inputs: Sequence[Any] | None) -> str:
    """The input that decided a case; a dash if there is none."""
    if not inputs:
        return "–"
    text = ", ".join(number(value) for value in inputs)
    return text if len(text) <= LONGEST_INPUT else text[: LONGEST_INPUT - 1] + "…"


def _setting(params: Data) -> str:
    return ", ".join(f"{name}={value}" for name, value in params.items())


def _functions(cases: Sequence[Data], curves: Sequence[Data]) -> list[Function]:
    groups: dict[tuple[str, str], list[Data]] = {}
    for case in cases:
        groups.setdefault((case["family"], case["function"]), []).append(case)
    checks = _checks(cases)
    return [
        Function(
            anchor=f"f{index}-{re.sub(r'[^a-zA-Z0-9_]+', '-', name)}",
            family=family,
            name=name,
            cases=sorted(group, key=lambda case: Outcome(case["outcome"]).succeeds),
            tallies=_tallies(group),
            rows=_rows(group, checks),
            errors=_errors(group),
            plots=_plots(group, [curve for curve in curves if curve["function"] == name]),
            quirks=_quirks(group),
            visited=_visited(group),
        )
        for index, ((family, name), group) in enumerate(groups.items())
    ]


def _visited(cases: Sequence[Data]) -> str:
    """How much of the function's domain was visited; empty if it has none."""
    for case in cases:
        if visited := case.get("visited"):
            choices, pairs = ("{:,} of {:,}".format(*visited[key]) for key in ("choices", "pairs"))
            return f"{visited['calls']:,} calls: {choices} choices, {pairs} pairs of choices."
    return ""


def _tallies(cases: Sequence[Data]) -> list[Tally]:
    """The outcomes that occur, from best to worst."""
    counts = Counter(Outcome(case["outcome"]) for case in cases)
    return [
        Tally(outcome=outcome, count=counts[outcome], share=counts[outcome] / len(cases))
        for outcome in sorted(counts, key=RANK.__getitem__)
    ]


def _rows(cases: Sequence[Data], checks: Sequence[str]) -> list[Row]:
    return [
        Row(
            dtype=dtype,
            cells={check: _cell(_of(cases, dtype=dtype, check=check), check) for check in checks},
        )
        for dtype in _unique(case["dtype"] for case in cases)
    ]


def _cell(cases: Sequence[Data], check: str) -> Cell | None:
    if not cases:
        return None
    names = _unique(name for case in cases for name in case["distance"])
    distance = {name: _largest(case["distance"].get(name) for case in cases) for name in names}
    return Cell(check=check, tallies=_tallies(cases), distance=distance)


def _errors(cases: Sequence[Data]) -> dict[str, dict[str, dict[str, float]]]:
    default = _of(cases, params=cases[0]["params"])
    found: dict[str, dict[str, dict[str, float]]] = {}
    for dtype in _unique(case["dtype"] for case in cases):
        for check in MEASURED:
            group = _of(default, dtype=dtype, check=check)
            for side in SIDES:
                error = _largest(case["distance"].get(f"{side}_truth") for case in group)
                if error is not None:
                    found.setdefault(dtype, {}).setdefault(check, {})[side] = error
    return found


def _axes(functions: Iterable[Function]) -> dict[str, Axis]:
    """For each dtype that has errors, a scale that contains them all."""
    errors: dict[str, list[float]] = {}
    for function in functions:
        for dtype, checks in function.errors.items():
            errors.setdefault(dtype, []).extend(e for v in checks.values() for e in v.values())
    return {dtype: figures.axis(found) for dtype, found in errors.items()}


def _plots(cases: Sequence[Data], curves: Iterable[Data]) -> list[Plot]:
    plots: list[Plot] = []
    for curve in curves:
        group = _of(cases, params=curve["params"], dtype=curve["dtype"])
        drawn = [figures.shape(curve)]
        for entry, check in (("value", "forward"), ("slope", "vjp")):
            budgets = [case["budget"]["ulp"] for case in _of(group, check=check) if case["budget"]]
            drawn.append(
                figures.errors(
                    curve, entry, f"Error of the {entry}", SIDES, max(budgets, default=None)
                )
            )
        plots.append(
            Plot(
                setting=_setting(curve["params"]),
                figures=[figure for figure in drawn if figure is not None],
            )
        )
    return [plot for plot in plots if plot.figures]


def _quirks(cases: Iterable[Data]) -> list[Quirk]:
    where: dict[tuple[str, str], list[str]] = {}
    for case in cases:
        for quirk in case["quirks"]:
            places = where.setdefault((quirk["reason"], quirk["source"]), [])
            places.append(
                " ".join(filter(None, (_setting(case["params"]), case["dtype"], case["check"])))
            )
    return [
        Quirk(reason=reason, source=source, where=_unique(places))
        for (reason, source), places in where.items()
    ]


def _checks(cases: Iterable[Data]) -> list[str]:
    present = _unique(case["check"] for case in cases)
    return [*(check for check in CHECKS if check in present), *sorted({*present} - {*CHECKS})]


def _of(cases: Iterable[Data], **wanted: Any) -> list[Data]:
    return [case for case in cases if all(case[key] == value for key, value in wanted.items())]


def _largest(distances: Iterable[float | str | None]) -> float | None:
    """The largest number; infinities and nan are text, since JSON lacks them."""
    known = [float(distance) for distance in distances if distance is not None]
    return max((math.inf if math.isnan(d) else d for d in known), default=None)


def _unique(texts: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(texts))
