"""The check torch_tests: the calls that torch's own tests make, run on both sides and judged."""

from __future__ import annotations

import functools
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from fnmatch import fnmatchcase
from typing import Any

import numpy as np

from parity.backends import COMPILED, OUT, WIDE, ManyProgram, Run, Task, Way, backend
from parity.cases import Case
from parity.compare import Trace
from parity.dtypes import is_floating, rounded
from parity.engine.agreement import Truths, coarsest, largest, unlike
from parity.engine.calls import exception_difference, named
from parity.engine.results import Finding, Tally
from parity.engine.sides import Sides, in_float32
from parity.formulas import formula_trace
from parity.inputs import Problem
from parity.spec import Formula, Randomness, SameSeed, SampleQuirk, Spec, Target, Values
from parity.torch_tests import Sample, Skipped, SkippedError, calls
from parity.verdict import Outcome

PHASES = ("forward", "vjp")
# A message shows so many of the calls that differ.
SHOWN = 10


def torch_tests(case: Case, sides: Sides) -> Finding:
    """Every call agrees with the reference, but for declared differences, which have to be seen."""
    asked = case.torch_tests
    assert asked is not None
    spec = asked.spec
    made = [call for call in calls(spec, case.dtype) if asked.only in ("", call.name)]
    skipped = Counter(call.reason for call in made if isinstance(call, Skipped))
    function = Function(spec)
    differences: dict[str, str] = {}
    for call in (call for call in made if isinstance(call, Sample)):
        try:
            if message := function.difference(call):
                differences[call.name] = message
        except SkippedError as error:
            skipped[str(error)] += 1
    if not made:
        return Finding(outcome=Outcome.NOT_RUN, message=f"no call {asked.only}".rstrip())
    tally = Tally(calls=len(made) - skipped.total(), skipped=dict(skipped))
    finding = _judged(case, spec.sample_quirks, differences)
    if finding.outcome.succeeds:
        finding = replace(finding, message="; ".join(filter(None, (str(tally), finding.message))))
    return replace(finding, tally=tally)


def _judged(case: Case, quirks: Sequence[SampleQuirk], differences: dict[str, str]) -> Finding:
    only = "" if case.torch_tests is None else case.torch_tests.only
    declared = {
        i: {n for n, message in differences.items() if _declares(quirk, n, message)}
        for i, quirk in enumerate(quirks)
        if case.dtype in quirk.dtypes
    }
    observed = tuple(i for i, names in declared.items() if names)
    known = {name for names in declared.values() for name in names}
    undeclared = {n: message for n, message in differences.items() if n not in known}
    if undeclared:
        lines = [f"{len(undeclared)} calls differ"]
        where = "/".join((case.setup.family, case.setup.name))
        for name, message in list(undeclared.items())[:SHOWN]:
            lines.append(f"{where}/{name}/{case.dtype}/torch_tests: {message}")
        return Finding(outcome=Outcome.MISMATCH, message="\n".join(lines), observed=observed)
    for i, names in declared.items():
        # A single call need not show all that is declared.
        if not names and not only:
            message = f"declared, but not observed: {quirks[i].reason}"
            return Finding(outcome=Outcome.STALE, message=message, observed=observed)
    if observed:
        message = f"{len(known)} calls differ as declared"
        return Finding(outcome=Outcome.QUIRK, message=message, observed=observed)
    return Finding(outcome=Outcome.WITHIN)


def _declares(quirk: SampleQuirk, name: str, message: str) -> bool:
    return fnmatchcase(name, quirk.samples) and quirk.shows in message


# ------------------------------------------------------------------------------------ the two sides


class Function:
    """The two sides of a row, on which calls are made one after the other."""

    def __init__(self, spec: Spec) -> None:
        self.spec = spec
        self.random = _randomness(spec)
        # A stream can be the same on both sides; a run in float64 draws other numbers from it.
        self.stream = self.random if isinstance(self.random, SameSeed) else None
        # Calls that differ only in their numbers share a compiled program.
        self.programs: dict[Any, ManyProgram] = {}

    def difference(self, call: Sample) -> str:
        """What is wrong with the subject's result; empty if nothing is.

        Raises:
            SkippedError: if the result is random, and the subject does not draw torch's numbers.
        """
        if self.random is not self.stream and self._varies(call):
            raise SkippedError("random, and the row has no setting with torch's stream")
        call, expected = self._differentiable(call)
        message = self._difference(call, expected)
        return f"{self.spec.reference.last_name}{call}: {message}" if message else ""

    def _difference(self, call: Sample, expected: Run) -> str:
        error = expected.failures.get("forward")
        if error is not None:
            return exception_difference(lambda: self.subject(call), error)
        try:
            found = self.subject(call)
        except Exception as raised:
            return f"{named(raised)}; the reference gives a result"
        dtype = coarsest(call.problem.dtype, *expected.trace.values())
        truths = self.truths(call, expected.trace)
        return unlike(found, expected.trace, truths, dtype, terms=_terms(call, expected.trace))

    def subject(self, call: Sample) -> Trace:
        """The subject's run."""
        problem = call.problem
        side = backend(self.spec.subject.backend)
        task = Task(
            target=self.spec.subject, form=problem.form, values=call.values, random=self.random
        )
        if self.stream is not None:
            run = side.program(task, PHASES)(problem)
            for failure in run.failures.values():
                raise failure
            return run.trace
        way = Way(name=WIDE if _is_wide(call) else COMPILED)
        key = (str(call), problem.constant)
        if key not in self.programs:
            self.programs[key] = side.called(way, task, PHASES)
        return self.programs[key]([problem])[0]

    def run(self, target: Target, call: Sample, stream: SameSeed | None) -> Run:
        """The run of the reference or a truth, from the beginning of a stream."""
        side = backend(target.backend)
        task = Task(target=target, form=call.problem.form, values=call.values, random=stream)
        # A stream is drawn in the order of memory.
        layout = "contiguous" if call.contiguous or stream else "strided"
        return side.laid_out(side.program(task, PHASES), layout)(call.problem)

    def truths(self, call: Sample, expected: Trace) -> Truths:
        """The candidates for the true result: in float64 the reference, and what the row says."""
        if self.stream is not None:
            return [lambda: expected]
        wide = replace(call, problem=_widened(call.problem), values=_wide_values(call.values))
        setting = self.spec.settings[0]
        said = [truth for truth in (setting.reference, setting.truth, self.spec.truth) if truth]
        targets = [self.spec.reference, *(t for t in said if isinstance(t, Target))]
        formulas = [truth for truth in said if isinstance(truth, Formula)]
        runs = [functools.partial(self._wide_trace, target, wide) for target in targets]
        runs += [functools.partial(formula_trace, f, wide.problem, wide.values) for f in formulas]
        return [*map(functools.cache, runs), lambda: expected]

    def _wide_trace(self, target: Target, wide: Sample) -> Trace:
        run = self.run(target, wide, None)
        return {} if run.failures else run.trace

    def _differentiable(self, call: Sample) -> tuple[Sample, Run]:
        """The call with as many gradients as the reference has, and its run.

        It refuses gradients with respect to some arguments, such as weights of classes: then those
        are taken that torch's test itself takes.
        """
        problem = call.problem
        unmarked = frozenset(problem.arguments) - call.marked
        tried, run = call, Run()
        every = frozenset(problem.arguments)
        for constant in dict.fromkeys((problem.constant, problem.constant | unmarked, every)):
            tried = replace(call, problem=replace(problem, constant=constant))
            run = self.run(self.spec.reference, tried, self.stream)
            if not run.failures:
                break
        return tried, run

    def _varies(self, call: Sample) -> bool:
        """Whether the reference's result depends on its random numbers."""
        problem = replace(call.problem, constant=frozenset(call.problem.arguments))
        first, second = (
            self.run(
                self.spec.reference,
                replace(call, problem=problem),
                SameSeed(seed=seed, generator=self.spec.reference, place=False),
            ).trace
            for seed in (0, 1)
        )
        return any(
            not np.array_equal(first[entry], second[entry], equal_nan=True) for entry in first
        )


def _randomness(spec: Spec) -> Randomness | None:
    """The row's stream of torch if it has one, else any source of random numbers."""
    sources = [setting.random for setting in spec.settings if setting.random is not None]
    same = [source for source in sources if isinstance(source, SameSeed)]
    return next(iter((*same, *sources)), None)


def _terms(call: Sample, expected: Trace) -> float:
    """How large the terms of derivatives are: as the result over the arguments.

    The gradient of a normalization of two numbers is a difference of such terms, and nearly 0.
    """
    results = [largest(array) for entry, array in expected.items() if entry.startswith(OUT)]
    arguments = [largest(array) for array in call.problem.arguments.values()]
    return max(results, default=0.0) / max(1.0, *arguments)


def _is_wide(call: Sample) -> bool:
    """Whether numbers of 64 bits are asked for or given."""
    dtypes: list[Any] = [array.dtype for array in call.problem.arguments.values()]
    dtypes += [value for value in call.values.values() if isinstance(value, np.dtype)]
    return call.problem.dtype != "float64" and any(d == np.float64 for d in dtypes)


def _widened(problem: Problem) -> Problem:
    """The problem with every floating array in float64, whatever its dtype."""
    arrays: dict[str, Any] = {
        path: rounded(array, "float64") if is_floating(array.dtype.name) else array
        for path, array in problem.arguments.items()
    }
    return replace(problem.in_dtype("float64"), arguments=arrays)


def _wide_values(values: Values) -> Values:
    return {
        name: np.dtype("float64")
        if isinstance(value, np.dtype) and is_floating(value.name)
        else value
        for name, value in in_float32(values).items()
    }
