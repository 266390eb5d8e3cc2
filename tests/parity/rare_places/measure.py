# pyright: basic
"""Which wrong functions a row's calls catch, and which its other cases."""

from __future__ import annotations

import functools
import importlib
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import groupby
from pathlib import Path
from typing import Any

from parity.cases import Calls, Coverage, cases
from parity.covering import PAIRS
from parity.domains import Levels
from parity.engine import run
from parity.engine.calling import difference
from parity.engine.covered import Visit
from parity.engine.draws import WAY, Call
from parity.spec import Spec, on
from tests.parity.rare_places.places import Rare, Stopped, differentiated, mapped, traced

CALLS, POINTS, SURVIVED, NO_DOMAIN = "calls", "points", "survived", "no domain"
# Checks that do not run the function at points or in calls.
OTHERS = ("calls", "signature")
# As many random calls as the run of every pair makes besides.
DRAWS = 200


@dataclass(frozen=True, kw_only=True)
class Found:
    """What became of a wrong function.

    Args:
        rare: the function.
        by: what caught it: `CALLS`, `POINTS`, or `SURVIVED`; `NO_DOMAIN` if no calls were made and
            points were not asked.
        made, reached: how many calls the domain has, and how many of them ran the wrong
            code, up to the first failure.
        message: of the first failure, after the call or the case that failed.
    """

    rare: Rare
    by: str
    made: int = 0
    reached: int = 0
    message: str = ""


def rare_places(file: str = "") -> list[Rare]:
    """All wrong functions, from the files of this folder."""
    here = Path(__file__).parent
    names = [f.stem for f in sorted(here.glob(f"{file or chr(42)}.py"))]
    modules = [
        importlib.import_module(f"tests.parity.rare_places.{n}") for n in names if n[0] != "_"
    ]
    return [rare for module in modules for rare in getattr(module, "RARE", ())]


def measured(rare: Rare, points: bool = True) -> Found:
    """Runs calls in which all pairs meet, then the row's other cases; stops at the first failure.

    Args:
        rare: the wrong function.
        points: whether to run the other cases.
    """
    made = _calls(rare)
    reached = 0
    for levels in made:
        if not _reaches(rare, levels):
            continue
        reached += 1
        call = Call(spec=rare.spec, levels=levels)
        message = difference(call)
        # A call for which the right function fails as well shows nothing.
        if message and not difference(replace(call, spec=rare.right)):
            message = f"{call.name}: {message}"
            return Found(rare=rare, by=CALLS, made=len(made), reached=reached, message=message)
    counts = {"made": len(made), "reached": reached}
    if points:
        message = _at_points(rare.spec)
        by = POINTS if message else SURVIVED
        return Found(rare=rare, by=by, message=message, **counts)
    by = SURVIVED if rare.spec.domain else NO_DOMAIN
    return Found(rare=rare, by=by, **counts)


def _reaches(rare: Rare, levels: Levels) -> bool:
    """Whether the call runs the wrong code; a call that does not has the right result."""
    first, *others = rare.spec.settings
    first = replace(first, reference=on("torch", _stopped))
    spec = replace(rare.spec, settings=(first, *others))
    watch = rare.watch
    watch.reached, watch.probing = 0, True
    way = levels[WAY].partition("_")[0]
    watch.last = {"eager": differentiated, "numpy": differentiated, "mapped": mapped}.get(
        way, traced
    )
    try:
        difference(Call(spec=spec, levels=levels))
    finally:
        watch.probing = False
    return bool(watch.reached)


def _stopped(*args: Any, **named: Any) -> Any:
    raise Stopped


def _calls(rare: Rare) -> list[Levels]:
    """The calls of the row's domain, the most likely to fail first."""
    if rare.spec.domain is None:
        return []

    def unlikely(levels: Levels) -> int:
        return -sum(f"{name}={level}" in rare.near for name, level in levels.items())

    return sorted(_covering(_Row(rare.spec)), key=unlikely)


class _Row:
    """A row, equal to those of the same function: a key of the cache."""

    def __init__(self, spec: Spec) -> None:
        self.spec = spec

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Row) and other.spec.name == self.spec.name

    def __hash__(self) -> int:
        return hash(self.spec.name)


@functools.cache
def _covering(row: _Row) -> list[Levels]:
    domain = row.spec.domain
    assert domain is not None
    asked = Calls(spec=row.spec, coverage=Coverage(meeting=PAIRS, draws=DRAWS))
    inside, outside, _ = Visit(asked=asked, domain=domain, seed=0).made()
    return [*inside, *outside]


def _at_points(spec: Spec) -> str:
    """The first of the row's other cases that fails."""
    chosen = [case for case in cases([spec]) if case.check not in OTHERS]
    # Laws are tests of distributions, which take longest.
    chosen.sort(key=lambda case: case.law is not None)
    for _, group in groupby(chosen, key=lambda case: case.group):
        for result in run(list(group)):
            if not result.outcome.succeeds:
                return f"{result.case.id}: {result.message:.200}"
    return ""


def table(found: Iterable[Found]) -> Iterator[str]:
    """The number of wrong functions by kind and by what caught them."""
    counts = Counter((each.rare.kind, each.by) for each in found)
    kinds = sorted({kind for kind, _ in counts})
    columns = [by for by in (CALLS, POINTS, SURVIVED, NO_DOMAIN) if any(k[1] == by for k in counts)]
    yield f"{'':30}" + "".join(f"{by:>11}" for by in columns)
    for kind in kinds:
        yield f"{kind:30}" + "".join(f"{counts[kind, by]:11}" for by in columns)
    total = counts.total()
    sums = [sum(n for (_, b), n in counts.items() if b == by) for by in columns]
    yield f"{'all':30}" + "".join(f"{n:11}" for n in sums)
    caught = sum(n for (_, by), n in counts.items() if by in (CALLS, POINTS))
    yield f"{caught} of {total} are caught: {100 * caught / max(total, 1):.1f} %"
