"""What comes of a case."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from typing import Any

from parity.cases import Case
from parity.spec import Budget, Quirk
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
class Finding:
    """What came of a case, without the case: plain data, which can travel between processes.

    Args:
        outcome: how it ended.
        message: a sentence; empty where nothing is to be said.
        budget: what was allowed.
        distance: the largest distances between the sides, in ulp.
        worst: the point that decided.
        observed: which of the case's quirks were observed, by their places.
        curve: for plots, see `curves`.
        traceback: of an exception, the frames outside of parity and the frameworks.
        seconds: what the case took; the first of a group runs the sides for all.
    """

    outcome: Outcome
    message: str = ""
    budget: Budget | None = None
    distance: dict[str, float | None] = field(default_factory=dict[str, "float | None"])
    worst: Worst | None = None
    observed: tuple[int, ...] = ()
    curve: dict[str, Any] | None = None
    traceback: str = ""
    seconds: float = 0.0


@dataclass(frozen=True, kw_only=True)
class Result(Finding):
    """What came of a case.

    Args:
        case: what was compared.
    """

    case: Case

    @property
    def quirks(self) -> tuple[Quirk, ...]:
        """The declared differences that were observed."""
        return tuple(self.case.quirks[i] for i in self.observed)


def result_of(case: Case, finding: Finding) -> Result:
    """The finding with its case."""
    return Result(case=case, **{f.name: getattr(finding, f.name) for f in fields(finding)})


def succeeded(results: Sequence[Result]) -> bool:
    """Whether there are results and none of them failed."""
    return bool(results) and all(result.outcome.succeeds for result in results)
