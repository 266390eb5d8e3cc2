"""The check of a domain: makes its calls, and simplifies those that fail."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np

from parity.cases import Calls, Case, setup_of_calls
from parity.covering import (
    CHOICES,
    NOTHING,
    PAIRS,
    Meeting,
    Rule,
    completed,
    cover,
    drawn,
    meetings,
    possible_pairs,
    scattered,
    simplest_of,
    simplified,
    varied,
)
from parity.domains import LENGTHS, OUTSIDE, Beyond, Domain, Factor, Levels
from parity.engine.calling import WITHOUT_SLOPES, Caller
from parity.engine.draws import NUMBER, SECOND, Call, factors_of, rules_for
from parity.engine.reproduction import reproduction
from parity.engine.results import Finding, Visited
from parity.engine.sides import Sides
from parity.inputs.streams import stream
from parity.spec import ObservedDraw
from parity.verdict import Outcome

# A function with more failures than this has them for the same few reasons.
SHOWN = 3
# How many random calls differ in their numbers only: compiling one costs more than running many.
ALIKE = 4
# How many of the random calls are just outside of the domain, one in so many.
OUTSIDE_EVERY = 8
# How many random calls are tried to find one in which choices meet.
TRIES = 20
# How many calls with an argument outside are made besides, where pairs are to meet.
ANYWHERE = 3
# How many until one shows a declared decision.
UNTIL_SHOWN = 200


def calls(case: Case, sides: Sides) -> Finding:
    """Every call agrees with the reference; those that do not are simplified first."""
    asked = case.calls
    assert asked is not None
    assert asked.spec.domain is not None
    visit = Visit(asked=asked, domain=asked.spec.domain, seed=sides.seed)
    return visit.finding() if asked.only is None else visit.of_one(asked.only)


@dataclass(frozen=True, kw_only=True)
class Visit:
    """The calls of a domain that are made in one run.

    Args:
        asked: which calls.
        domain: of the row.
        seed: determines all random numbers.
        caller: runs them.
        known: the calls that were made, by their levels.
        answered: in which calls the reference gives a result, as far as that is known.
        differences: what is wrong with the calls that were run: each is run once.
    """

    asked: Calls
    domain: Domain
    seed: int
    caller: Caller = field(default_factory=Caller)
    known: dict[Any, Call] = field(default_factory=dict[Any, Call])
    answered: dict[Any, bool] = field(default_factory=dict[Any, bool])
    differences: dict[Any, str] = field(default_factory=dict[Any, str])

    @cached_property
    def _factors(self) -> list[Factor]:
        return factors_of(self.asked.spec, self.domain)

    @cached_property
    def _rules(self) -> list[Rule]:
        return rules_for(self.domain, self._factors)

    @property
    def _beyond(self) -> Mapping[str, Beyond]:
        """What is just outside; nothing where the reference is a formula of the subject's draw."""
        drawn = isinstance(setup_of_calls(self.asked.spec).random, ObservedDraw)
        return {} if drawn else self.domain.beyond

    def finding(self) -> Finding:
        """What was visited and what differs."""
        inside, outside, visited = self.made()
        factors, rules = self._factors, self._rules

        def fails(levels: Levels) -> bool:
            return self._undeclared(levels, self._difference(levels))

        failing = [levels for levels in [*inside, *outside] if fails(levels)]
        unobserved = self._unobserved(outside, random=stream(f"{self.asked.spec.name}/decisions"))
        if not failing and not unobserved:
            unvisited = self._unvisited(visited)
            message = "; ".join(filter(None, (str(visited), unvisited)))
            outcome = Outcome.MISMATCH if unvisited else Outcome.WITHIN
            return Finding(outcome=outcome, message=message, visited=visited)
        if not failing:
            message = f"declared, but not observed: {', '.join(unobserved)}"
            return Finding(outcome=Outcome.STALE, message=message, visited=visited)
        simple = [
            simplified(levels, factors, [*rules, *self._kinds_of(levels)], fails)
            for levels in _spread(failing)
        ]
        made = {self._key(levels) for levels in [*inside, *outside]}
        lines = [f"{len(failing)} of {len(made)} calls differ", *self._lines(simple)]
        return Finding(
            outcome=Outcome.MISMATCH,
            message="\n".join(lines),
            visited=visited,
            snippet=self._snippet(simple[0]),
        )

    def made(self) -> tuple[list[Levels], list[Levels], Visited]:
        """The calls inside of the domain and those just outside, and how much they visit."""
        factors, rules = self._factors, self._rules
        random = stream(f"{self.asked.spec.family}/{self.asked.spec.name}/{self.seed}/draws")
        inside, visited = self._covering(factors, rules, random)
        inside += self._random(factors, rules, random)
        outside = list(self._outside(factors, rules, random))
        return inside, outside, replace(visited, calls=len(inside) + len(outside))

    def of_one(self, only: Levels) -> Finding:
        """The result of a single call."""
        levels = {**simplest_of(self._factors), **only}
        message = self._difference(levels)
        if not self._undeclared(levels, message):
            return Finding(outcome=Outcome.WITHIN, message=message)
        snippet = self._snippet(levels)
        return Finding(outcome=Outcome.MISMATCH, message=message, snippet=snippet)

    # --------------------------------------------------------------------------------- which calls

    def _covering(
        self, factors: Sequence[Factor], rules: Sequence[Rule], random: np.random.Generator
    ) -> tuple[list[Levels], Visited]:
        """Calls in which choices meet where the reference gives a result, and what they visit."""
        meeting = self.asked.coverage.meeting
        if meeting == NOTHING:
            return [], Visited(calls=0)
        pairs = possible_pairs(factors, rules)
        choices = {(choice,) for pair in pairs for choice in pair}
        wanted = pairs if meeting == PAIRS else choices
        calls = scattered(cover(factors, rules, meeting), factors, rules, meeting, random)
        met = self._met(calls, meeting)
        refused: set[Meeting] = set()
        for missing in sorted(wanted - met):
            if missing in met:
                continue
            found = self._with(missing, factors, rules, random)
            if found is None:
                refused.add(missing)
            else:
                calls.append(found)
                met |= self._met([found], meeting)
        met_choices, met_pairs = self._met(calls, CHOICES), self._met(calls, PAIRS)
        # A choice that the reference refuses is none; that it refuses a pair is its business.
        refused_pairs = len(refused) if meeting == PAIRS else 0
        return calls, Visited(
            calls=len(calls),
            choices=(len(met_choices), len(choices)),
            pairs=(len(met_pairs), len(pairs) - refused_pairs),
            refused=refused_pairs,
            unmet=tuple("=".join(choice) for (choice,) in choices - met_choices),
        )

    def _met(self, calls: Sequence[Levels], meeting: int) -> set[Meeting]:
        """What meets in those calls in which the reference gives a result."""
        found: set[Meeting] = set()
        for levels in calls:
            if self._answers(levels):
                found |= {met for met in meetings([levels], meeting) if _counts(met, levels)}
        return found

    def _answers(self, levels: Levels) -> bool:
        key = self._key(levels)
        if key not in self.answered:
            self.answered[key] = self.caller.answers(self._call(levels))
        return self.answered[key]

    def _with(
        self,
        missing: Meeting,
        factors: Sequence[Factor],
        rules: Sequence[Rule],
        random: np.random.Generator,
    ) -> Levels | None:
        """A call in which the choices meet and the reference gives a result; None if none is found.

        What has nothing to do with the length of an axis does not meet in an empty result.
        """

        def tried() -> Iterator[Levels | None]:
            plain = tuple((f.name, f.levels[0]) for f in factors if f.free)
            for i in range(TRIES):
                # Every other time what does not matter is the simplest.
                fixed = tuple({**dict(plain if i % 2 else ()), **dict(missing)}.items())
                yield drawn(factors, rules, random, fixed)
            yield completed(dict(missing), factors, rules)

        for found in tried():
            if found is not None and _counts(missing, found) and self._answers(found):
                return found
        return None

    def _random(
        self, factors: Sequence[Factor], rules: Sequence[Rule], random: np.random.Generator
    ) -> Iterator[Levels]:
        """Random calls, each with its number; several in turn differ in their numbers only."""
        levels: Levels = {}
        for i in range(self.asked.coverage.draws):
            if i % ALIKE == 0:
                levels = drawn(factors, rules, random) or simplest_of(factors)
            else:
                levels = varied(levels, factors, rules, random)
            yield {**levels, NUMBER: str(i + 1)}

    def _outside(
        self, factors: Sequence[Factor], rules: Sequence[Rule], random: np.random.Generator
    ) -> Iterator[Levels]:
        """Calls just outside: each in the simplest call, and some of them in random calls."""
        beyond = list(self._beyond)
        meeting, draws = self.asked.coverage.meeting, self.asked.coverage.draws
        for name in beyond if meeting != NOTHING else ():
            plain = {**simplest_of(factors), **_kinds(name)}
            if all(rule.holds(plain) for rule in rules) and self._answers(plain):
                yield {**plain, OUTSIDE: name}
            for _ in range(ANYWHERE if meeting == PAIRS else 0):
                yield from self._anywhere(name, factors, rules, random)
        for i in range(draws // OUTSIDE_EVERY if beyond else 0):
            name = beyond[int(random.integers(len(beyond)))]
            for found in self._anywhere(name, factors, rules, random):
                yield {**found, NUMBER: str(i + 1)}

    def _anywhere(
        self,
        name: str,
        factors: Sequence[Factor],
        rules: Sequence[Rule],
        random: np.random.Generator,
    ) -> Iterator[Levels]:
        """A random call with this argument outside; none if its kind is rare."""
        found = self._with(tuple(_kinds(name).items()), factors, rules, random)
        if found is not None:
            yield {**found, OUTSIDE: name}

    def _kinds_of(self, levels: Levels) -> Iterator[Rule]:
        """The rule that an argument outside keeps its kind."""
        kinds = _kinds(levels.get(OUTSIDE, ""))
        if kinds:
            yield Rule(
                factors=tuple(kinds), holds=lambda c: all(c[n] == k for n, k in kinds.items())
            )

    # ------------------------------------------------------------------------------ what they give

    def _call(self, levels: Levels) -> Call:
        """The call, always the same for the same levels: its arguments are made once."""
        key = self._key(levels)
        if key not in self.known:
            self.known[key] = Call(spec=self.asked.spec, levels=levels, seed=self.seed)
        return self.known[key]

    def _difference(self, levels: Levels) -> str:
        key = self._key(levels)
        if key not in self.differences:
            self.differences[key] = self.caller.difference(self._call(levels))
        return self.differences[key]

    def _snippet(self, levels: Levels) -> str:
        return reproduction(self._call(levels), self._difference(levels))

    def _key(self, levels: Levels) -> tuple[tuple[str, str], ...]:
        return tuple(sorted(levels.items()))

    def _undeclared(self, levels: Levels, message: str) -> bool:
        return bool(message) and levels.get(OUTSIDE) not in self.domain.decisions

    def _unobserved(self, outside: Sequence[Levels], random: np.random.Generator) -> list[str]:
        """The declared decisions in which nothing differed; some show only in certain calls."""
        thorough = self.asked.coverage.meeting == PAIRS
        tried = {c[OUTSIDE] for c in outside if thorough} & {*self.domain.decisions}
        seen = {c[OUTSIDE] for c in outside if self._difference(c)}
        seen |= {name for name in sorted(tried - seen) if self._shows(name, random)}
        unknown = {*self.domain.decisions} - {*self._beyond}
        return sorted(tried - seen | unknown)

    def _shows(self, name: str, random: np.random.Generator) -> bool:
        """Whether one of some random calls with this argument outside differs."""
        calls = (
            levels
            for _ in range(UNTIL_SHOWN)
            for levels in self._anywhere(name, self._factors, self._rules, random)
        )
        return any(self._difference(levels) for levels in calls)

    def _unvisited(self, visited: Visited) -> str:
        """Which choices, or pairs where they were asked for, remain that no call has; else empty.

        A choice that the reference refuses in every call does not belong to the domain.
        """
        meeting = self.asked.coverage.meeting
        if meeting and visited.unmet:
            return f"the reference gives no result with {', '.join(sorted(visited.unmet))}"
        met, there = visited.pairs
        return f"{there - met} pairs are not visited" if meeting == PAIRS and met < there else ""

    def _lines(self, simple: Sequence[Levels]) -> Iterator[str]:
        """Each distinct call, by the id that replays it, and what is wrong with it."""
        seen = {call.name: call for call in map(self._call, simple)}
        for name, call in seen.items():
            where = f"{self.asked.spec.family}/{self.asked.spec.name}/{name}/calls"
            yield f"{where}: {self._difference(call.levels)}"


def _counts(met: Meeting, levels: Levels) -> bool:
    """Whether choices that meet in a call matter for what is compared.

    In an empty result only those of the length do. Where infinities or nan are, where second
    derivatives are compared, and at kinks, no gradient with respect to a hyperparameter is.
    """
    chosen = dict(met)
    if levels.get(LENGTHS, "").endswith("=0") and LENGTHS not in chosen:
        return False
    without = {name for name, level in levels.items() if level in (*WITHOUT_SLOPES, SECOND)}
    arrays = [name for name, level in chosen.items() if (name[-5:], level) == (".type", "array")]
    return not (without and arrays) or bool(chosen.keys() & without)


def _kinds(outside: str) -> Levels:
    """The kinds on the way to an argument outside: "target.labels:floats" is among the labels."""
    parts = outside.partition(":")[0].split(".")
    return {".".join(parts[:i]): parts[i] for i in range(1, len(parts))}


def _spread(failing: Sequence[Levels]) -> list[Levels]:
    """A few of the failing calls, evenly spaced: neighbours often fail for the same reason."""
    step = max(1, len(failing) // SHOWN)
    return list(failing[::step][:SHOWN])
