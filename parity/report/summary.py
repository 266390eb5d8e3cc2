"""The counts at the start of every report, and the commands that reproduce a failure."""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Callable, Sequence
from typing import TypeAlias

from parity.cases import Case
from parity.engine import Result
from parity.verdict import Outcome


def counts(results: Sequence[Result]) -> dict[str, int]:
    """The number of cases, and of those with each outcome."""
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


def coverage_line(results: Sequence[Result]) -> str:
    """How much of the functions' domains was visited; empty if there are none."""
    found = [result.visited for result in results if result.visited]
    if not found:
        return ""
    calls = sum(visited.calls for visited in found)
    if not any(any(visited.choices) for visited in found):
        return f"domains: {len(found)}, {calls:,} random calls"
    choices, pairs = (
        f"{sum(n for n, _ in each):,} of {sum(n for _, n in each):,}"
        for each in ([v.choices for v in found], [v.pairs for v in found])
    )
    return f"domains: {len(found)}, {calls:,} calls, {choices} choices, {pairs} pairs of choices"


def tally_lines(results: Sequence[Result]) -> list[str]:
    """How many calls of torch's own tests were run, and why others were not; empty without any."""
    found = [result.tally for result in results if result.tally]
    if not found:
        return []
    skipped: Counter[str] = Counter()
    for tally in found:
        skipped.update(tally.skipped)
    calls = sum(tally.calls for tally in found)
    return [
        f"torch's own tests: {calls:,} calls, {skipped.total():,} skipped",
        *(f"  {count:,} skipped: {reason}" for reason, count in skipped.most_common()),
    ]


# Gives the command that runs a case again with the same numbers.
Replay: TypeAlias = Callable[[Case], str]


def replay_by_id(program: str = "python -m parity", seed: int = 0) -> Replay:
    """For cases of rows: the command replays the case by its id."""
    return lambda case: f"{program} replay {shlex.quote(case.id)} --seed {seed}"


def replay_by_check(command: str) -> Replay:
    """For two functions compared without a row: the same `check` command, for one case."""
    return lambda case: f"{command} --dtype {case.dtype} --check {case.check}"
