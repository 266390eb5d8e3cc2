"""What comes of a case."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
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
class Result:
    """What came of a case.

    Args:
        case: what was compared.
        outcome: how it ended.
        message: a sentence; empty where nothing is to be said.
        budget: what was allowed.
        distance: the largest distances between the voices, in ulp.
        worst: the point that decided.
        quirks: those that were observed.
        curve: for plots, see `curves`.
        seconds: what the case took; the first of a group runs the sides for all.
    """

    case: Case
    outcome: Outcome
    message: str = ""
    budget: Budget | None = None
    distance: dict[str, float | None] = field(default_factory=dict[str, "float | None"])
    worst: Worst | None = None
    quirks: tuple[Quirk, ...] = ()
    curve: dict[str, Any] | None = None
    seconds: float = 0.0


def succeeded(results: Sequence[Result]) -> bool:
    """Whether there are results and none of them failed."""
    return bool(results) and all(result.outcome.succeeds for result in results)
