"""The check torch_tests: the calls that torch's own tests make, run on both sides and judged."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from fnmatch import fnmatchcase
from typing import Any

import numpy as np

from parity.backends import Run, Task, backend
from parity.cases import Case
from parity.compare import Trace
from parity.dtypes import is_floating, rounded
from parity.engine.calls import accepted_kinds
from parity.engine.draws import unlike
from parity.engine.results import Finding, Tally
from parity.engine.sides import Sides, in_float32
from parity.inputs import Problem
from parity.spec import Factory, Randomness, SameSeed, SampleQuirk, Spec, Target, Values
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
    differences: dict[str, str] = {}
    for call in (call for call in made if isinstance(call, Sample)):
        try:
            if message := difference(spec, call):
                differences[call.name] = message
        except SkippedError as error:
            skipped[str(error)] += 1
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
        if case.dtype in quirk.dtypes and (not only or fnmatchcase(only, quirk.samples))
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
        if not names:
            message = f"declared, but not observed: {quirks[i].reason}"
            return Finding(outcome=Outcome.STALE, message=message, observed=observed)
    if observed:
        message = f"{len(known)} calls differ as declared"
        return Finding(outcome=Outcome.QUIRK, message=message, observed=observed)
    return Finding(outcome=Outcome.WITHIN)


def _declares(quirk: SampleQuirk, name: str, message: str) -> bool:
    return fnmatchcase(name, quirk.samples) and quirk.shows in message


# ------------------------------------------------------------------------------------ the two sides


def difference(spec: Spec, call: Sample) -> str:
    """What is wrong with the subject's result; empty if nothing is.

    Raises:
        SkippedError: if the result is random, and the subject does not draw torch's numbers.
    """
    message = _difference(spec, call)
    return f"{spec.reference.last_name}{call}: {message}" if message else ""


def _difference(spec: Spec, call: Sample) -> str:
    random = _randomness(spec)
    if not isinstance(random, SameSeed) and random is not None and _varies(spec, call):
        raise SkippedError("random, and the row has no setting with torch's stream")
    call, expected = _differentiable(spec, call, random)
    error = expected.failures.get("forward")
    try:
        found = _subject(spec, call, random)
    except Exception as raised:
        if error is None:
            return f"{_named(raised)}; the reference gives a result"
        accepted = isinstance(raised, accepted_kinds(error))
        return "" if accepted else f"{_named(raised)}; the reference raises {_named(error)}"
    if error is not None:
        return f"nothing is raised; the reference raises {_named(error)}"
    return unlike(found, expected.trace, _truths(spec, call, random, expected.trace))


def _named(error: Exception) -> str:
    return f"{type(error).__name__}: {' '.join(str(error).split()):.200}"


def _randomness(spec: Spec) -> Randomness | None:
    """The row's stream of torch if it has one, else any source of random numbers."""
    sources = [setting.random for setting in spec.settings if setting.random is not None]
    same = [source for source in sources if isinstance(source, SameSeed)]
    return next(iter((*same, *sources)), None)


def _varies(spec: Spec, call: Sample) -> bool:
    """Whether the reference's result depends on its random numbers."""
    nothing = replace(call.problem, constant=frozenset(call.problem.arguments))
    generator = Target("torch", "Generator")
    first, second = (
        _reference(spec, replace(call, problem=nothing), SameSeed(seed=seed, generator=generator))
        for seed in (0, 1)
    )
    return any(
        not np.array_equal(array, second.trace[entry], equal_nan=True)
        for entry, array in first.trace.items()
        if entry in second.trace and entry != "stream"
    )


def _differentiable(
    spec: Spec, call: Sample, random: Randomness | None
) -> tuple[Sample, Run]:
    """The reference's run, with as many gradients as it has.

    It refuses gradients with respect to some arguments, such as weights of classes: then those are
    taken that the test itself takes.
    """
    problem = call.problem
    unmarked = frozenset(problem.arguments) - call.marked
    all_of_them = frozenset(problem.arguments)
    tried, run = call, Run()
    for constant in dict.fromkeys((problem.constant, problem.constant | unmarked, all_of_them)):
        tried = replace(call, problem=replace(problem, constant=constant))
        run = _reference(spec, tried, random)
        if not run.failures:
            break
    return tried, run


def _reference(spec: Spec, call: Sample, random: Randomness | None) -> Run:
    """The reference's run; the subject's own source of random numbers is nothing to it."""
    side = backend(spec.reference.backend)
    seeded = random if isinstance(random, SameSeed) else None
    task = Task(
        target=spec.reference, form=call.problem.form, values=call.values, random=seeded
    )
    # A stream is drawn in the order of memory.
    layout = "contiguous" if call.contiguous or seeded else "strided"
    return side.laid_out(side.program(task, PHASES), layout)(call.problem)


def _subject(spec: Spec, call: Sample, random: Randomness | None) -> Trace:
    side = backend(spec.subject.backend)
    problem = call.problem
    task = Task(target=spec.subject, form=problem.form, values=call.values, random=random)
    if isinstance(random, SameSeed):
        run = side.program(task, PHASES)(problem)
        for failure in run.failures.values():
            raise failure
        return run.trace
    way = "wide" if _is_wide(call) else "eager"
    return side.called(way, task, PHASES, "")([problem])[0]


def _is_wide(call: Sample) -> bool:
    """Whether numbers of 64 bits are asked for or given."""
    dtypes = [value for value in call.values.values() if isinstance(value, np.dtype)]
    dtypes += [array.dtype for array in call.problem.arguments.values()]
    return call.problem.dtype != "float64" and any(d.name == "float64" for d in dtypes)


def _truths(
    spec: Spec, call: Sample, random: Randomness | None, expected: Trace
) -> list[Trace]:
    """The candidates for the true result: the reference in float64, else what it returned."""
    # A run in float64 draws other numbers from the stream, and initializers round as they say.
    if isinstance(random, SameSeed) or isinstance(spec.reference.driver, Factory):
        return [expected]
    wide = replace(call, problem=_widened(call.problem), values=_wide_values(call.values))
    run = _reference(spec, wide, random)
    return [run.trace if not run.failures else expected]


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
