"""Runs a call on both sides and compares the results."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from parity.backends import OUT, STEP, ManyProgram, Task, backend, leaf_of, native
from parity.compare import Trace
from parity.domains import NAN, SPECIAL, Draw
from parity.dtypes import FORMATS, is_floating, widened
from parity.engine.agreement import near, unlike
from parity.engine.calls import accepted_kinds
from parity.engine.draws import LAYOUT, Call
from parity.engine.sides import in_float32, observed
from parity.formulas import formula_trace
from parity.inputs import Problem
from parity.spec import Formula, SameSeed, Target
from parity.trees import flat, joined

# Of the numeric derivative with respect to a hyperparameter, relative to the larger of 1 and the
# hyperparameter. The error of the formula is of the fourth order.
INCREMENT = 2.0**-10
# One-sided derivatives that differ by more, relative to the size of the terms, mean a kink.
KINK = 2.0**-5


@dataclass(frozen=True)
class Caller:
    """Runs calls of one row; those that differ in their numbers only run in one program."""

    programs: dict[str, ManyProgram] = field(default_factory=dict[str, ManyProgram])

    def difference(self, call: Call) -> str:
        """What is wrong with the subject's result of a call; empty if nothing is."""
        if call.outside:
            return _difference_outside(call)
        draws = call.draws
        # An exception here is none of the reference's.
        for draw in draws:
            call.problem(draw, for_reference=True)
        try:
            expected = [_reference(call, draw, call.dtype) for draw in draws]
        except Exception as error:
            return _exception_difference(lambda: self._subject(call), error)
        try:
            found = self._subject(call)
        except Exception as error:
            return f"{type(error).__name__}: {error!s:.300}; the reference gives a result"
        # The gradient at nan depends on the length of the array in torch.
        values_only = NAN in call.levels.values()
        for draw, ours, theirs in zip(draws, found, expected, strict=True):
            truths = _truths(call, draw, theirs)
            message = unlike(ours, theirs, truths, _format(call), values_only=values_only)
            message = message or _number_difference(call, draw, ours)
            if message:
                return message
        return ""

    def _subject(self, call: Call) -> list[Trace]:
        given = [call.problem(draw) for draw in call.draws]
        problem, values = given[0]
        setup, way = call.setup, call.way(problem)
        shapes = {path: (a.shape, a.dtype.name) for path, a in problem.arguments.items()}
        names = (setup.random, way, call.phases, sorted(problem.constant))
        key = repr((*names, shapes, _said(values), call.positional))
        if key not in self.programs:
            task = Task(target=setup.subject, form=problem.form, values=values, random=setup.random)
            side = backend(setup.subject.backend)
            self.programs[key] = side.called(way, task, call.phases)
        return self.programs[key]([_around(call, problem) for problem, _ in given])


def difference(call: Call) -> str:
    """What is wrong with the subject's result of a call; empty if nothing is."""
    return Caller().difference(call)


def _format(call: Call) -> str:
    """The number format in which errors are counted."""
    return call.dtype if call.dtype in FORMATS else "float32"


def _coarse(call: Call) -> str:
    return "float32" if call.dtype == "float64" else call.dtype


def _said(values: Mapping[str, Any]) -> str:
    return repr({name: (type(value).__name__, value) for name, value in values.items()})


def _around(call: Call, problem: Problem) -> Problem:
    """The problem of the program in which the context computes the function's argument."""
    way = call.way(problem)
    if not way.first:
        return problem
    outer = way.context.outer(problem.arguments[way.first])
    return replace(problem, arguments={**problem.arguments, way.first: outer})


def _exception_difference(subject: Callable[[], Any], expected: Exception) -> str:
    wanted = f"the reference raises {type(expected).__name__}: {expected!s:.200}"
    try:
        subject()
    except Exception as found:
        if isinstance(found, accepted_kinds(expected)):
            return ""
        return f"{type(found).__name__}: {found!s:.200}; {wanted}"
    return f"nothing is raised; {wanted}"


# ------------------------------------------------------------------------------------ the reference


def _reference(call: Call, draw: Draw, dtype: str) -> Trace:
    return _run(call, draw, call.setup.reference, dtype)


def _run(call: Call, draw: Draw, target: Target, dtype: str) -> Trace:
    """The trace of the reference, or of the truth, in the dtype."""
    problem, values = _referred(call, draw)
    if dtype != call.dtype:
        problem, values = problem.in_dtype(dtype), in_float32(values)
    run = _program(call, target, problem, values, call.phases)(problem)
    if "forward" in run.failures:
        raise run.failures["forward"]
    return _outside_of(call, problem, run.trace)


def _program(
    call: Call,
    target: Target,
    problem: Problem,
    values: Mapping[str, Any],
    phases: tuple[str, ...],
) -> Any:
    random = call.setup.random if isinstance(call.setup.random, SameSeed) else None
    side = backend(target.backend)
    task = Task(target=target, form=problem.form, values=values, random=random)
    return side.laid_out(side.program(task, phases), call.levels[LAYOUT])


def _referred(call: Call, draw: Draw) -> tuple[Problem, Mapping[str, Any]]:
    """What the reference gets: the argument that the context computes, the subject's draw."""
    problem, values = call.problem(draw, for_reference=True)
    asked = call.problem(draw)
    problem = replace(problem, drawn=observed(call.setup.subject, call.setup.random, *asked))
    way = call.way(problem)
    if not way.first:
        return problem, values
    inner = way.context.inner(way.context.outer(problem.arguments[way.first]))
    return replace(problem, arguments={**problem.arguments, way.first: inner}), values


def _outside_of(call: Call, problem: Problem, trace: Trace) -> Trace:
    """The trace of the program from that of the function inside of the context."""
    way = call.way(problem)
    found: Trace = {}
    for entry, array in trace.items():
        root, _, path = entry.partition("/")
        if root == "vjp":
            found[entry] = way.context.slope(array, path == way.first)
        else:
            found[entry] = way.context.result(array) if root == OUT else array
    return found


def _truths(call: Call, draw: Draw, expected: Trace) -> list[Callable[[], Trace]]:
    """The candidates for the true result, each computed when it is first asked for."""
    setup = call.setup
    if setup.truth == "reference" or not is_floating(call.dtype):
        return [lambda: expected]
    found: list[Callable[[], Trace]] = [lambda: expected]
    if call.dtype != "float64":
        found[0] = functools.cache(lambda: _reference(call, draw, "float64"))
    truth = setup.truth
    if isinstance(truth, Target):
        found.append(functools.cache(lambda: _tried(lambda: _run(call, draw, truth, "float64"))))
    if isinstance(truth, Formula):
        found.append(functools.cache(lambda: _tried(lambda: _of_formula(call, draw, truth))))
    return found


def _tried(run: Callable[[], Trace]) -> Trace:
    with contextlib.suppress(Exception):
        return run()
    return {}


def _of_formula(call: Call, draw: Draw, truth: Formula) -> Trace:
    problem, values = _referred(call, draw)
    return _outside_of(call, problem, formula_trace(truth, problem, values))


# ------------------------------------------------------------- derivatives by hyperparameters


def _number_difference(call: Call, draw: Draw, found: Trace) -> str:
    """What is wrong with the gradients with respect to hyperparameters that are arrays."""
    specials = {SPECIAL, NAN} & {*call.levels.values()}
    for name in sorted(draw.numbers):
        entry = f"vjp/{name}"
        if entry not in found or specials:
            continue
        expected = _numeric_slope(call, draw, name)
        if expected is None:
            continue
        slope, size = expected
        ours, true = widened(found[entry]), np.asarray(slope)
        # The numeric derivative itself is no more accurate than float32.
        if not near(ours, true, true, _coarse(call), beside=size).all():
            return f"{entry}: {float(ours)!r}, numeric derivative {slope!r}"
    return ""


def _numeric_slope(call: Call, draw: Draw, name: str) -> tuple[float, float] | None:
    """The derivative of the reference in float64, and the size of the terms that add up to it.

    None where it has a kink, is not finite or refuses numbers beside the given one.
    """
    given, values = _referred(call, draw)
    problem, values = given.in_dtype("float64"), in_float32(values)
    center = float(values[name])
    step = INCREMENT * max(1.0, abs(center))

    def at(offset: float) -> tuple[float, float]:
        moved = {**values, name: center + offset * step}
        run = _program(call, call.setup.reference, problem, moved, ("forward",))(problem)
        if run.failures:
            raise run.failures["forward"]
        return _pulled(call, problem, run.trace)

    try:
        terms = [np.array(at(offset)) for offset in (-2, -1, 0, 1, 2)]
    except Exception:
        return None
    far_left, left, here, right, far_right = (term[0] for term in terms)
    slope = (8 * (right - left) - (far_right - far_left)) / (12 * step)
    sides = (right - here) / step, (here - left) / step
    size = max(abs(slope), float(terms[2][1]))
    if not np.isfinite([slope, *sides, size]).all() or abs(sides[0] - sides[1]) > KINK * size:
        return None
    return float(slope), size


def _pulled(call: Call, problem: Problem, trace: Trace) -> tuple[float, float]:
    """The result times the cotangent, and the same of absolute values."""
    total, size = 0.0, 0.0
    for entry, array in _of_all_steps(_outside_of(call, problem, trace)).items():
        if entry.partition("/")[0] in (OUT, STEP) and is_floating(array.dtype.name):
            terms = widened(array) * widened(problem.cotangent(array.shape, leaf_of(entry)))
            total, size = total + float(terms.sum()), size + float(np.abs(terms).sum())
    return total, size


def _of_all_steps(trace: Trace) -> Trace:
    """The trace with one entry for all steps, which have one cotangent together."""
    steps: dict[str, list[NDArray[Any]]] = {}
    for entry in trace:
        root, _, rest = entry.partition("/")
        if root == STEP:
            steps.setdefault(joined(root, rest.partition("/")[2]), []).append(trace[entry])
    others = {entry: array for entry, array in trace.items() if entry.partition("/")[0] != STEP}
    return {**others, **{entry: np.stack(arrays) for entry, arrays in steps.items()}}


# ----------------------------------------------------------------------- just outside of a domain


def _difference_outside(call: Call) -> str:
    """The subject raises the reference's exception; where that raises none, the values agree.

    A subject that refuses an option or a flag which the reference lets pass is merely strict.
    """
    setup, (draw,) = call.setup, call.draws
    args = tuple(draw.made[name] for name in call.positional)
    named = {name: value for name, value in draw.made.items() if name not in call.positional}

    def called(target: Target) -> Trace:
        side = backend(target.backend)
        random = setup.random if target is setup.subject else None
        found = side.function(target, random)(native(side, args), native(side, named))
        return {path: side.as_numpy(leaf) for path, leaf in flat(found).items()}

    try:
        expected = called(setup.reference)
    except Exception as error:
        return _exception_difference(lambda: called(setup.subject), error)
    try:
        found = called(setup.subject)
    except Exception as error:
        strict = not isinstance(draw.made[call.argument_outside], np.ndarray | list)
        message = f"{type(error).__name__}: {error!s:.300}; the reference gives a result"
        return "" if strict else message
    return unlike(found, expected, [lambda: expected], _coarsest([*args, *named.values()]))


def _coarsest(arguments: Sequence[Any]) -> str:
    """The floating dtype of the arguments with the largest epsilon."""
    leaves = list(flat(list(arguments)).values())
    found = [str(getattr(leaf, "dtype", "")) for leaf in leaves]
    floats = [name for name in found if name in FORMATS]
    return max(floats, key=lambda name: FORMATS[name].epsilon, default="float32")
