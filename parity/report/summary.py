"""The figures that every report starts with, and what a failure needs to be reproduced."""

from __future__ import annotations

from collections.abc import Sequence

from parity.engine import Result
from parity.verdict import Outcome


def counts(results: Sequence[Result]) -> dict[str, int]:
    """How many cases there are and what came of them."""
    outcomes = [result.outcome for result in results]
    return {
        "cases": len(results),
        "exact": outcomes.count(Outcome.EXACT),
        "within": outcomes.count(Outcome.WITHIN),
        "closer": outcomes.count(Outcome.CLOSER),
        "quirk": outcomes.count(Outcome.QUIRK),
        "failed": sum(not outcome.succeeds for outcome in outcomes),
    }


def last_line(results: Sequence[Result]) -> str:
    """`parity: N cases, A exact, B within, C closer, D quirks, 0 failed`."""
    n = counts(results)
    return (
        f"parity: {n['cases']} cases, {n['exact']} exact, {n['within']} within, "
        f"{n['closer']} closer, {n['quirk']} quirks, {n['failed']} failed"
    )


def replay_command(result: Result, seed: int) -> str:
    """The command that runs the case again, with the same numbers."""
    return f"python -m parity replay '{result.case.id}' --seed {seed}"
