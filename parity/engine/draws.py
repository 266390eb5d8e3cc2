"""Calls of a function's domain: which there are, and their arguments."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from parity.backends import (
    FROM_PYTHON,
    LAYOUTS,
    MAPPED_FIRST,
    MAPPED_OTHERS,
    MAPPINGS,
    Way,
    backend,
)
from parity.backends.contexts import ALONE, Context
from parity.cases import CANNOT, Setup, setup_of_calls
from parity.covering import Rule, impossible, rules_of, simplest_of
from parity.domains import (
    DTYPE,
    LENGTHS,
    NAN,
    OUTSIDE,
    SPECIAL,
    WITHIN,
    ZEROS,
    Domain,
    Draw,
    Factor,
    Levels,
    OneOf,
)
from parity.dtypes import is_floating
from parity.inputs import Form, Problem
from parity.inputs.streams import stream
from parity.signatures import required_of
from parity.spec import Call as PlainCall
from parity.spec import SameSeed, Spec, Steps
from parity.trees import flat, mapped

# Factors of every call. No argument has one of these names; "layout" is an argument of many.
WAY, CONTEXT, LAYOUT, ORDER, RANDOM = "way", "context", "memory", "order", "random"
# Not a factor: the index of a random call. It determines the numbers that are drawn.
NUMBER = "draw"
# Forward mode and second derivatives are compared in some calls.
FIRST, SECOND = "first", "second"
PHASES = {FIRST: ("forward", "vjp"), SECOND: ("forward", "vjp", "jvp", "second")}
# Where a function draws: from a key, or from the stream of the reference's framework.
KEY, STREAM = "key", "stream"
# How many calls are mapped together.
TOGETHER = 2


def factors_of(spec: Spec, domain: Domain) -> list[Factor]:
    """The choices of a domain, and those of every call.

    Raises:
        ValueError: if an argument has the name of a choice of every call.
    """
    side = backend(spec.subject.backend)
    dtypes = tuple(dtype for dtype in spec.dtypes if is_floating(dtype))
    plain = isinstance(spec.subject.driver, PlainCall)
    ways, contexts = side.ways, side.contexts
    if not plain:
        ways, contexts = _without(MAPPINGS, ways), (ALONE,)
    if isinstance(spec.subject.driver, Steps):
        # A scan that is called from Python is compiled in every call.
        ways = _without(FROM_PYTHON, ways)
    if all(isinstance(choice, OneOf) for choice in domain.arguments.values()):
        # Without arrays there is nothing to map, and nothing is compiled.
        ways, contexts = tuple(way for way in ways if way in FROM_PYTHON), (ALONE,)
    found = [
        *domain.factors(),
        Factor(DTYPE, dtypes or spec.dtypes),
        Factor(WAY, ways),
        Factor(CONTEXT, contexts),
        Factor(LAYOUT, LAYOUTS, free=True),
        Factor(ORDER, (FIRST, SECOND) if "second" in spec.checks else (FIRST,), dear=True),
        *_sources(spec),
    ]
    names = [factor.name for factor in found]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ValueError(f"{spec.name}: an argument cannot be called {', '.join(twice)}")
    return found


def _without(some: Sequence[str], ways: Sequence[str]) -> tuple[str, ...]:
    return tuple(way for way in ways if way not in some)


def _sources(spec: Spec) -> Iterator[Factor]:
    """Where a random function draws its numbers, if it can draw the reference's stream."""
    streams = {isinstance(setting.random, SameSeed) for setting in spec.settings}
    if True in streams:
        yield Factor(RANDOM, (KEY, STREAM) if False in streams else (STREAM,))


def rules_for(domain: Domain, factors: Sequence[Factor]) -> list[Rule]:
    """What the calls of a domain have to satisfy."""
    known = {factor.name: factor for factor in factors}
    return [*rules_of(domain, factors), *_rules_of_ways(known), *_rules_of_derivatives(known)]


def _rules_of_ways(factors: Mapping[str, Factor]) -> Iterator[Rule]:
    # From Python nothing stands around the function.
    contexts = tuple(level for level in factors[CONTEXT].levels if level != ALONE)
    if contexts:
        yield impossible({WAY: FROM_PYTHON, CONTEXT: contexts})
    if RANDOM in factors:
        # A stream is drawn outside of compiled programs, and in the order of the memory.
        others = tuple(way for way in factors[WAY].levels if way not in FROM_PYTHON)
        yield impossible({RANDOM: STREAM, WAY: others})
        yield impossible({RANDOM: STREAM, LAYOUT: LAYOUTS[1:]})


def _rules_of_derivatives(factors: Mapping[str, Factor]) -> Iterator[Rule]:
    if SECOND not in factors[ORDER].levels:
        return
    # From Python each stage of a second derivative is compiled separately, a second each.
    yield impossible({WAY: FROM_PYTHON, ORDER: SECOND})
    # The chain rule for the context is applied to first derivatives only.
    contexts = tuple(level for level in factors[CONTEXT].levels if level != ALONE)
    if contexts:
        yield impossible({CONTEXT: contexts, ORDER: SECOND})
    # A mean of nothing is nan, and so is 0 times its slope of infinity; torch has 0 there.
    lengths = factors[LENGTHS].levels if LENGTHS in factors else ()
    empty = tuple(level for level in lengths if level.endswith("=0"))
    if empty:
        yield impossible({LENGTHS: empty, ORDER: SECOND})
    # torch's second derivatives at infinities, huge numbers and zero vectors are often nan; points
    # show which.
    for factor in factors.values():
        bad = tuple(level for level in factor.levels if level in (SPECIAL, NAN, ZEROS))
        if bad:
            yield impossible({factor.name: bad, ORDER: SECOND})


@dataclass(frozen=True, kw_only=True)
class Call:
    """A call of a row's function, in its domain or just outside.

    Args:
        spec: the row.
        levels: the level of each factor.
        seed: of its numbers.
    """

    spec: Spec
    levels: Levels
    seed: int = 0

    @property
    def name(self) -> str:
        """The levels that are not the simplest; with the row's id they say all of the call."""
        simplest = {**simplest_of(factors_of(self.spec, self.domain)), OUTSIDE: WITHIN, NUMBER: "0"}
        chosen = [
            f"{name}={self.levels[name]}"
            for name, level in simplest.items()
            if self.levels.get(name, level) != level
        ]
        return ";".join(chosen) or "simplest"

    @property
    def domain(self) -> Domain:
        """The row's domain."""
        assert self.spec.domain is not None
        return self.spec.domain

    @cached_property
    def setup(self) -> Setup:
        """The functions on both sides: those of the default setting, or of one with a stream."""
        return setup_of_calls(self.spec, stream=self.levels.get(RANDOM, KEY) == STREAM)

    @property
    def dtype(self) -> str:
        """The dtype of floating arguments."""
        return self.levels[DTYPE]

    @property
    def outside(self) -> bool:
        """Whether an argument is just outside of the domain."""
        return self.levels.get(OUTSIDE, WITHIN) != WITHIN

    @property
    def argument_outside(self) -> str:
        """The name of the argument that is just outside of the domain."""
        return self.levels[OUTSIDE].partition(":")[0].partition(".")[0]

    @property
    def phases(self) -> tuple[str, ...]:
        """What both sides compute."""
        cannot = CANNOT.get(self.setup.subject.backend, {})
        if not is_floating(self.dtype) or "vjp" in cannot:
            return ("forward",)
        return PHASES[self.levels[ORDER]]

    @cached_property
    def draws(self) -> list[Draw]:
        """The arguments; of several calls, if they are mapped."""
        mapped = self.levels[WAY] in MAPPINGS and not self.outside
        made = [
            self.domain.call(self.levels, lambda name, i=i: stream(f"{self.key}/{i}/{name}"))
            for i in range(TOGETHER if mapped else 1)
        ]
        for draw in made[1:]:
            same = {n: v for n, v in made[0].made.items() if self._same_for_all(n, made[0])}
            draw.made.update(same)
        return made

    def _same_for_all(self, name: str, draw: Draw) -> bool:
        """Whether calls that are mapped together share the argument."""
        arrays = [n for n, v in draw.made.items() if _is_tree(v) and n not in draw.numbers]
        first = name == _first_of(draw)
        others = len(arrays) > 1 or bool(draw.numbers)
        return {MAPPED_FIRST: not first, MAPPED_OTHERS: first and others}.get(
            self.levels[WAY], False
        )

    @property
    def key(self) -> str:
        """The key from which numbers are drawn."""
        number = self.levels.get(NUMBER, "0")
        parts = (self.spec.family, self.spec.name, str(self.seed), number if number != "0" else "")
        return "/".join(filter(None, parts))

    @cached_property
    def positional(self) -> list[str]:
        """The arguments given by position: arrays, or None, that the subject requires."""
        made = self.draws[0].made
        numbers = {n for n, c in self.domain.arguments.items() if isinstance(c, OneOf)}
        numbers |= self.draws[0].numbers
        if not isinstance(self.setup.subject.driver, PlainCall):
            return [n for n in made if n not in numbers and _is_tree(made[n])]
        call = backend(self.setup.subject.backend).resolve(self.setup.subject)
        required = [name for name in required_of(call) or () if name in made]
        return list(
            itertools.takewhile(
                lambda n: n not in numbers and (made[n] is None or _is_tree(made[n])), required
            )
        )

    def given(self, draw: Draw, *, for_reference: bool = False) -> dict[str, Any]:
        """The arguments by name, as the subject or the reference takes them.

        The reference takes hyperparameters as Python numbers, and indices of 64 bits.
        """
        if not for_reference:
            return draw.made
        outside = {self.argument_outside} if self.outside else set[str]()
        numbers = {n: draw.made[n].item() for n in draw.numbers - outside}
        indices = {n: mapped(_in_64_bits, draw.made[n]) for n in draw.indices}
        return {**draw.made, **numbers, **indices}

    def problem(
        self, draw: Draw, *, for_reference: bool = False
    ) -> tuple[Problem, Mapping[str, Any]]:
        """The arrays of a call, and its other arguments.

        Args:
            draw: the arguments, one of `draws`.
            for_reference: whether the reference gets them, see `given`.
        """
        key = (id(draw), for_reference)
        if key not in self._problems:
            self._problems[key] = self._problem(draw, for_reference)
        return self._problems[key]

    @cached_property
    def _problems(self) -> dict[tuple[int, bool], tuple[Problem, Mapping[str, Any]]]:
        return {}

    def _problem(self, draw: Draw, for_reference: bool) -> tuple[Problem, Mapping[str, Any]]:
        made = self.given(draw, for_reference=for_reference)
        trees = {n: v for n, v in made.items() if n in self.positional or _is_tree(v)}
        values = {n: v for n, v in made.items() if n not in trees}
        fixed = set(draw.constant)
        if for_reference:
            fixed |= draw.numeric
        elif self.levels[ORDER] == SECOND:
            # Second derivatives along these have no counterpart in the reference.
            fixed |= draw.numbers | draw.numeric
        form = Form(
            positional=tuple(trees[n] for n in self.positional),
            named={n: tree for n, tree in trees.items() if n not in self.positional},
        )
        names = {str(i): name for i, name in enumerate(self.positional)}
        constant = {
            path
            for path, leaf in form.leaves.items()
            if not is_floating(leaf.dtype.name)
            or names.get(path.partition("/")[0], path.partition("/")[0]) in fixed
        }
        problem = Problem(
            key=self.key,
            dtype=self.dtype,
            arguments=form.leaves,
            form=form,
            constant=frozenset(constant),
        )
        return problem, values

    @cached_property
    def way(self) -> Way:
        """How the subject is called."""
        draw = self.draws[0]
        name = _first_of(draw)
        place = self.positional.index(name) if name in self.positional else name
        leaves = flat({str(place): draw.made[name]}) if name else {}
        floats = [path for path, leaf in leaves.items() if is_floating(leaf.dtype.name)]
        # Integers are not computed, and the reference gets hyperparameters as Python numbers. To a
        # numeric derivative the chain rule for the context is not applied.
        within = bool(floats) and name not in draw.numbers | draw.numeric
        context = self.levels[CONTEXT] if within else ALONE
        first = (*floats, *leaves, "")[0]
        return Way(name=self._way, first=first, context=Context(context, self.dtype))

    @property
    def _way(self) -> str:
        """The way; where there are no other arrays to map, the first one is mapped."""
        way, made = self.levels[WAY], self.draws[0].made
        alone = sum(_is_tree(value) for value in made.values()) < 2
        return MAPPED_FIRST if way == MAPPED_OTHERS and alone else way


def _first_of(draw: Draw) -> str:
    """The first array that is differentiated, else the first one, else the first number."""
    trees = [name for name, value in draw.made.items() if _is_tree(value)]
    arrays = [name for name in trees if name not in draw.numbers]
    differentiated = [
        name
        for name in arrays
        if name not in draw.constant
        and any(is_floating(leaf.dtype.name) for leaf in flat(draw.made[name]).values())
    ]
    return (*differentiated, *arrays, *trees, "")[0]


def _in_64_bits(value: Any) -> Any:
    """Indices of 32 bits in 64; anything else, which an argument outside may be, as it is."""
    return value.astype(np.int64) if getattr(value, "dtype", None) == np.int32 else value


def _is_tree(value: Any) -> bool:
    leaves = list(flat(value).values())
    return bool(leaves) and all(isinstance(leaf, np.ndarray) for leaf in leaves)
