"""Covering arrays: few calls in which all choices, or all pairs of two choices, meet.

covertable builds them, greedily and always alike.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations, product
from typing import Any, TypeAlias

import numpy as np

from parity.domains import EQUAL, LENGTHS, USUAL, Domain, Factor, Levels, Together

# How many choices have to meet in a call.
NOTHING, CHOICES, PAIRS = 0, 1, 2
# How many random calls are tried to find one that satisfies the rules.
TRIES = 1000


@dataclass(frozen=True, kw_only=True)
class Rule:
    """What a call has to satisfy.

    Args:
        factors: those that it concerns.
        holds: levels -> whether it is satisfied.
    """

    factors: tuple[str, ...]
    holds: Callable[[Levels], bool]


# One or two choices that meet in a call: (("reduction", "sum"), ("weight", "given")).
Meeting: TypeAlias = tuple[tuple[str, str], ...]


def cover(factors: Sequence[Factor], rules: Sequence[Rule], strength: int) -> list[Levels]:
    """Calls in which all choices, or all pairs, meet that the rules allow.

    Args:
        factors: all of them.
        rules: of every call.
        strength: `CHOICES` or `PAIRS`.
    """
    rows: list[Levels] = _controller(factors, rules, strength).make()
    return [{factor.name: row[_safe(factor.name)] for factor in factors} for row in rows]


def scattered(
    calls: Sequence[Levels],
    factors: Sequence[Factor],
    rules: Sequence[Rule],
    strength: int,
    random: np.random.Generator,
) -> list[Levels]:
    """The calls with random levels where no choice, or pair, is lost: more triples meet.

    Levels that are dear give way to the first one.
    """
    found = [dict(levels) for levels in calls]
    counts = Counter(met for c in found for met in combinations(sorted(c.items()), strength))
    dear = [factor for factor in factors if factor.dear]
    others = [factor for factor in factors if not factor.dear]
    for levels in found:
        for factor in [*dear, *(others[int(i)] for i in random.permutation(len(others)))]:
            level = 0 if factor.dear else int(random.integers(len(factor.levels)))
            other = {**levels, factor.name: factor.levels[level]}
            lost, gained = ([*_meetings_of(factor.name, c, strength)] for c in (levels, other))
            if all(counts[met] > 1 for met in lost) and all(rule.holds(other) for rule in rules):
                counts.subtract(lost)
                counts.update(gained)
                levels |= other
    return list(found)


def _meetings_of(name: str, levels: Levels, strength: int) -> Iterator[Meeting]:
    """The choices, or pairs, that a factor's level is part of."""
    own = (name, levels[name])
    others = [choice for choice in levels.items() if choice[0] != name]
    yield from (tuple(sorted((own, *beside))) for beside in combinations(others, strength - 1))


def _safe(name: str) -> str:
    """The factor's name for covertable, to which a dot means a path into the level."""
    return name.replace(".", "/")


def _controller(factors: Sequence[Factor], rules: Sequence[Rule], strength: int) -> Any:
    from covertable.main import Controller  # pyright: ignore[reportMissingTypeStubs]

    return Controller(
        {_safe(factor.name): list(factor.levels) for factor in factors},
        strength=strength,
        constraints=list(map(_condition, rules)),
    )


def _condition(rule: Rule) -> dict[str, Any]:
    def holds(row: Levels) -> bool:
        return rule.holds({name: row[_safe(name)] for name in rule.factors})

    return {"operator": "fn", "requires": list(map(_safe, rule.factors)), "evaluate": holds}


def simplest_of(factors: Sequence[Factor]) -> Levels:
    """The simplest level of each factor."""
    return {factor.name: factor.levels[0] for factor in factors}


def drawn(
    factors: Sequence[Factor],
    rules: Sequence[Rule],
    random: np.random.Generator,
    fixed: Meeting = (),
) -> Levels | None:
    """A random call that satisfies the rules; None if none is found.

    Args:
        factors: all of them.
        rules: of every call.
        random: the source of the choices.
        fixed: choices that the call has to have.
    """
    for _ in range(TRIES):
        levels = {f.name: f.levels[random.integers(len(f.levels))] for f in factors} | dict(fixed)
        # A factor that depends on another one has its first level where that one lacks what it
        # needs.
        for factor in factors:
            if any(levels[other] not in needed for other, needed in factor.needs.items()):
                levels[factor.name] = factor.levels[0]
        kept = all(levels[name] == level for name, level in fixed)
        if kept and all(rule.holds(levels) for rule in rules):
            return levels
    return None


def varied(
    levels: Levels,
    factors: Sequence[Factor],
    rules: Sequence[Rule],
    random: np.random.Generator,
) -> Levels:
    """The call with other levels of the factors that do not change the compiled program."""
    bound = {factor.name for factor in factors if not factor.free}
    fixed = tuple((name, level) for name, level in levels.items() if name in bound)
    return drawn(factors, rules, random, fixed) or levels


def simplified(
    levels: Levels,
    factors: Sequence[Factor],
    rules: Sequence[Rule],
    fails: Callable[[Levels], bool],
) -> Levels:
    """The call with each level that does not matter for the failure replaced by the simplest.

    Levels are tried together first, then by halves: most of them do not matter, and each trial may
    compile a program.
    """

    def without(levels: Levels, tried: Sequence[Factor]) -> Levels:
        simpler = {**levels, **simplest_of(tried)}
        if simpler == levels:
            return levels
        if all(rule.holds(simpler) for rule in rules) and fails(simpler):
            return simpler
        middle = len(tried) // 2
        return without(without(levels, tried[:middle]), tried[middle:]) if middle else levels

    before: Levels = {}
    while levels != before:
        before, levels = levels, without(levels, factors)
    return levels


def meetings(calls: Iterable[Levels], strength: int) -> set[Meeting]:
    """The choices, or pairs of choices, that meet in a call."""
    return {met for levels in calls for met in combinations(sorted(levels.items()), strength)}


def possible_pairs(factors: Sequence[Factor], rules: Sequence[Rule]) -> set[Meeting]:
    """All pairs of choices that meet in some call that satisfies the rules."""
    found: set[Meeting] = set()
    for one, other in combinations(sorted(factors, key=lambda factor: factor.name), PAIRS):
        for levels in product(one.levels, other.levels):
            pair = ((one.name, levels[0]), (other.name, levels[1]))
            call = None if pair in found else completed(dict(pair), factors, rules)
            found |= meetings([call] if call else [], PAIRS)
    return found


def completed(chosen: Levels, factors: Sequence[Factor], rules: Sequence[Rule]) -> Levels | None:
    """A call with these levels that satisfies the rules, found by backtracking; None without one.

    Args:
        chosen: levels of some factors.
        factors: all of them.
        rules: of every call.
    """
    by_name = {factor.name: factor for factor in factors}
    concerning = {name: [rule for rule in rules if name in rule.factors] for name in by_name}
    names = _nearest_first(chosen, by_name, concerning)
    found = dict(chosen)

    def holds(name: str) -> bool:
        known = (rule for rule in concerning[name] if found.keys() >= {*rule.factors})
        return all(rule.holds(found) for rule in known)

    def complete(i: int) -> bool:
        if i == len(names):
            return True
        for level in by_name[names[i]].levels:
            found[names[i]] = level
            if holds(names[i]) and complete(i + 1):
                return True
        del found[names[i]]
        return False

    return found if all(map(holds, chosen)) and complete(0) else None


def _nearest_first(
    chosen: Collection[str], names: Iterable[str], concerning: Mapping[str, Sequence[Rule]]
) -> list[str]:
    """The other factors, those first that share a rule with the chosen ones, directly or not."""
    known = list(chosen)
    for name in known:
        beside = (other for rule in concerning[name] for other in rule.factors)
        known.extend(dict.fromkeys(other for other in beside if other not in known))
    return [name for name in dict.fromkeys([*known, *names]) if name not in chosen]


def rules_of(domain: Domain, factors: Sequence[Factor]) -> Iterator[Rule]:
    """What the calls of a domain have to satisfy."""
    for factor in factors:
        for other, levels in factor.needs.items():
            yield _needed(factor, other, levels)
    for together in domain.impossible:
        yield impossible(together)
    yield from _lengths(domain, {factor.name: factor for factor in factors})


def _needed(factor: Factor, other: str, levels: tuple[str, ...]) -> Rule:
    def holds(chosen: Levels) -> bool:
        return chosen[other] in levels or chosen[factor.name] == factor.levels[0]

    return Rule(factors=(factor.name, other), holds=holds)


def impossible(together: Together) -> Rule:
    """The rule that these levels, by factor, do not go together."""

    def holds(chosen: Levels) -> bool:
        return not all(
            chosen[name] in ((levels,) if isinstance(levels, str) else levels)
            for name, levels in together.items()
        )

    return Rule(factors=tuple(together), holds=holds)


def _lengths(domain: Domain, factors: Mapping[str, Factor]) -> Iterator[Rule]:
    """An axis has an unusual length only where some argument has the axis."""
    if LENGTHS not in factors:
        return
    always = {
        axis
        for name, choice in domain.arguments.items()
        if f"{name}.axes" not in factors and name not in factors
        for shape in choice.shapes
        for axis in shape.split()
    }
    chosen = [f"{name}.axes" for name in domain.arguments if f"{name}.axes" in factors]
    if not chosen:
        return

    def holds(levels: Levels) -> bool:
        axis = levels[LENGTHS].partition("=")[0]
        return (
            levels[LENGTHS] in (USUAL, EQUAL)
            or axis in always
            or any(axis in levels[name].split() for name in chosen)
        )

    yield Rule(factors=(LENGTHS, *chosen), holds=holds)
