"""The check of a domain: makes its calls, and simplifies those that fail."""

from __future__ import annotations

from collections.abc import Iterator

from parity.cases import Calls, Case
from parity.covering import (
    CHOICES,
    PAIRS,
    cover,
    drawn,
    meetings,
    possible,
    simplest_of,
    simplified,
)
from parity.domains import Levels
from parity.engine.draws import Call, difference, factors_of, rules_for
from parity.engine.results import Finding, Visited
from parity.engine.sides import Sides
from parity.inputs.streams import stream
from parity.verdict import Outcome

# A function with more failures than this has them for the same few reasons.
SHOWN = 3


def calls(case: Case, sides: Sides) -> Finding:
    """Every call agrees with the reference; those that do not are simplified first."""
    asked = case.calls
    assert asked is not None
    assert asked.spec.domain is not None
    factors = factors_of(asked.spec, asked.spec.domain)
    rules = rules_for(asked.spec.domain, factors)
    if asked.only is not None:
        levels = {**simplest_of(factors), **asked.only}
        return _of_one(_call(asked, levels, sides.seed))

    random = stream(f"{asked.spec.family}/{asked.spec.name}/{sides.seed}/draws")
    draws = [drawn(factors, rules, random) for _ in range(asked.coverage.draws)]
    made = [*cover(factors, rules, asked.coverage.meeting), *draws]
    counts = {n: (len(meetings(made, n)), possible(factors, rules, n)) for n in (CHOICES, PAIRS)}
    visited = Visited(calls=len(made), choices=counts[CHOICES], pairs=counts[PAIRS])

    def fails(levels: Levels) -> bool:
        return bool(difference(_call(asked, levels, sides.seed)))

    failing = [levels for levels in made if fails(levels)]
    if not failing:
        return Finding(outcome=Outcome.WITHIN, message=str(visited), visited=visited)
    simple = [simplified(levels, factors, rules, fails) for levels in failing[:SHOWN]]
    lines = [f"{len(failing)} of {len(made)} calls differ", *_lines(asked, simple, sides.seed)]
    return Finding(outcome=Outcome.MISMATCH, message="\n".join(lines), visited=visited)


def _of_one(call: Call) -> Finding:
    message = difference(call)
    return Finding(outcome=Outcome.MISMATCH if message else Outcome.WITHIN, message=message)


def _lines(asked: Calls, simple: list[Levels], seed: int) -> Iterator[str]:
    """Each distinct call, by the id that replays it, and what is wrong with it."""
    seen = {call.name: call for call in (_call(asked, levels, seed) for levels in simple)}
    for name, call in seen.items():
        yield f"{asked.spec.family}/{asked.spec.name}/{name}/calls: {difference(call)}"


def _call(asked: Calls, levels: Levels, seed: int) -> Call:
    return Call(spec=asked.spec, levels=levels, seed=seed)
