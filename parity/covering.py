"""Covering arrays: few calls in which all choices, or all pairs of two choices, meet.

covertable builds them, greedily and always alike.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np

from parity.domains import LENGTHS, USUAL, Domain, Factor, Levels

# How many choices have to meet in a call.
NOTHING, CHOICES, PAIRS = 0, 1, 2


@dataclass(frozen=True, kw_only=True)
class Rule:
    """What a call has to satisfy.

    Args:
        factors: those that it concerns.
        holds: levels -> whether it is satisfied.
    """

    factors: tuple[str, ...]
    holds: Callable[[Levels], bool]


@dataclass(frozen=True, kw_only=True)
class Array:
    """Calls in which choices meet.

    Args:
        calls: the level of each factor, for each call.
        possible: how many choices there are, and how many pairs of choices.
    """

    calls: Sequence[Levels]
    possible: tuple[int, int]


def cover(factors: Sequence[Factor], rules: Sequence[Rule], strength: int) -> Array:
    """Calls in which all choices, or all pairs, meet.

    Args:
        factors: all of them; the calls prefer the first level of each.
        rules: of every call.
        strength: `NOTHING`, `CHOICES` or `PAIRS`.
    """
    made = {n: _controller(factors, rules, n) for n in (CHOICES, PAIRS)}
    rows: list[Levels] = made[strength].make() if strength else []
    calls = [{factor.name: row[_safe(factor.name)] for factor in factors} for row in rows]
    choices, pairs = (
        controller.stats["total_pairs"] - controller.stats["pruned_pairs"]
        for controller in made.values()
    )
    return Array(calls=calls, possible=(choices, pairs))


def _safe(name: str) -> str:
    """The factor's name for covertable, to which a dot means a path into the level."""
    return name.replace(".", "/")


def _controller(factors: Sequence[Factor], rules: Sequence[Rule], strength: int) -> Any:
    from covertable.main import Controller  # pyright: ignore[reportMissingTypeStubs]

    return Controller(
        {_safe(factor.name): list(factor.levels) for factor in factors},
        strength=strength,
        constraints=list(map(_condition, rules)),
        weights={_safe(factor.name): {0: 3} for factor in factors},
    )


def _condition(rule: Rule) -> dict[str, Any]:
    def holds(row: Levels) -> bool:
        return rule.holds({name: row[_safe(name)] for name in rule.factors})

    return {"operator": "fn", "requires": list(map(_safe, rule.factors)), "evaluate": holds}


def simplest_of(factors: Sequence[Factor]) -> Levels:
    """The simplest level of each factor."""
    return {factor.name: factor.levels[0] for factor in factors}


def drawn(factors: Sequence[Factor], rules: Sequence[Rule], random: np.random.Generator) -> Levels:
    """A random call that satisfies the rules."""
    while True:
        levels = {f.name: f.levels[random.integers(len(f.levels))] for f in factors}
        # A factor that depends on another one has its first level where that one lacks what it
        # needs.
        for factor in factors:
            if any(levels[other] not in needed for other, needed in factor.needs.items()):
                levels[factor.name] = factor.levels[0]
        if all(rule.holds(levels) for rule in rules):
            return levels


def varied(
    levels: Levels,
    factors: Sequence[Factor],
    rules: Sequence[Rule],
    random: np.random.Generator,
) -> Levels:
    """The call with other levels of the factors that do not change the compiled program."""
    while True:
        free = {f.name: f.levels[random.integers(len(f.levels))] for f in factors if f.free}
        dependent = {
            f.name: f.levels[0]
            for f in factors
            if f.free and any(levels[other] not in needed for other, needed in f.needs.items())
        }
        found = {**levels, **free, **dependent}
        if all(rule.holds(found) for rule in rules):
            return found


def simplified(
    levels: Levels,
    factors: Sequence[Factor],
    rules: Sequence[Rule],
    fails: Callable[[Levels], bool],
) -> Levels:
    """The call with each level that does not matter for the failure replaced by the simplest."""
    for _ in factors:
        before = levels
        for factor in factors:
            simpler = {**levels, factor.name: factor.levels[0]}
            if simpler != levels and all(rule.holds(simpler) for rule in rules) and fails(simpler):
                levels = simpler
        if levels == before:
            break
    return levels


def meetings(calls: Iterable[Levels], strength: int) -> set[tuple[tuple[str, str], ...]]:
    """The choices, or pairs of choices, that meet in a call."""
    return {met for levels in calls for met in combinations(sorted(levels.items()), strength)}


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


def impossible(together: Mapping[str, str | tuple[str, ...]]) -> Rule:
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
            levels[LENGTHS] == USUAL
            or axis in always
            or any(axis in levels[name].split() for name in chosen)
        )

    yield Rule(factors=(LENGTHS, *chosen), holds=holds)
