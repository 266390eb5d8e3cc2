"""The result of a case."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from typing import Any

from parity.cases import Case
from parity.spec import Budget, Quirk, SampleQuirk
from parity.verdict import Outcome


@dataclass(frozen=True, kw_only=True)
class Worst:
    """The point that decided a case."""

    entry: str = "out"
    index: int = -1
    input: tuple[Any, ...] = ()
    cotangent: float | None = None
    subject: Any = None
    reference: Any = None
    truth: Any = None


@dataclass(frozen=True, kw_only=True)
class Visited:
    """How much of a domain was visited.

    A choice, or a pair, is visited by a call in which the reference gives a result; if that is
    empty, only what has to do with its length counts.

    Args:
        calls: how many calls were made.
        choices, pairs: how many choices, and pairs of choices, met in them, and how many there are;
            zeros where only random calls were asked for.
        refused: how many pairs meet only where the reference raises an exception, as far as random
            calls show.
        unmet: the choices that no call has in which the reference gives a result.
    """

    calls: int
    choices: tuple[int, int] = (0, 0)
    pairs: tuple[int, int] = (0, 0)
    refused: int = 0
    unmet: tuple[str, ...] = ()

    def __str__(self) -> str:
        """`52 calls, 39 of 39 choices, 629 of 629 pairs`."""
        if not any(self.choices):
            return f"{self.calls} random calls"
        choices, pairs = (f"{n} of {all_of_them}" for n, all_of_them in (self.choices, self.pairs))
        refused = f", {self.refused} refused" if self.refused else ""
        return f"{self.calls} calls, {choices} choices, {pairs} pairs{refused}"


@dataclass(frozen=True, kw_only=True)
class Tally:
    """How many calls of torch's own tests were run.

    Args:
        calls: how many calls both sides ran.
        skipped: how many calls were not run, by the reason.
    """

    calls: int
    skipped: dict[str, int] = field(default_factory=dict[str, int])

    def __str__(self) -> str:
        """`19 calls, 2 skipped (2 inplace: the subject has no such parameter)`."""
        count = sum(self.skipped.values())
        reasons = "; ".join(f"{n} {reason}" for reason, n in self.skipped.items())
        return f"{self.calls:,} calls, {count} skipped{f' ({reasons})' if count else ''}"


@dataclass(frozen=True, kw_only=True)
class Finding:
    """The result of a case without the case: plain data, which can be sent between processes.

    Args:
        outcome: how the case ended.
        message: a sentence that explains the outcome; may be empty.
        budget: the allowed error.
        distance: the largest distances between the sides, in ulp.
        worst: the point that decided the outcome.
        observed: the indices of the case's quirks that were observed.
        visited: how much of the domain was visited, for the check calls.
        tally: how many calls were run, for the check torch_tests.
        curve: data for plots, see `curves`.
        snippet: code that shows the difference without parity, where the engine has written it.
        traceback: of an exception, the frames outside of parity and the frameworks.
        seconds: the time that the case took; the first case of a group runs the sides for all.
    """

    outcome: Outcome
    message: str = ""
    budget: Budget | None = None
    distance: dict[str, float | None] = field(default_factory=dict[str, "float | None"])
    worst: Worst | None = None
    observed: tuple[int, ...] = ()
    visited: Visited | None = None
    tally: Tally | None = None
    curve: dict[str, Any] | None = None
    snippet: str = ""
    traceback: str = ""
    seconds: float = 0.0


@dataclass(frozen=True, kw_only=True)
class Result(Finding):
    """A case with its finding.

    Args:
        case: the comparison that was made.
    """

    case: Case

    @property
    def quirks(self) -> tuple[Quirk | SampleQuirk, ...]:
        """The declared differences that were observed."""
        tests = self.case.torch_tests
        declared = self.case.quirks if tests is None else tests.spec.sample_quirks
        return tuple(declared[i] for i in self.observed)


def result_of(case: Case, finding: Finding) -> Result:
    """Combines a finding with its case."""
    return Result(case=case, **{f.name: getattr(finding, f.name) for f in fields(finding)})


def succeeded(results: Sequence[Result]) -> bool:
    """Whether there are results and none of them failed."""
    return bool(results) and all(result.outcome.succeeds for result in results)
