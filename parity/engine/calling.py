"""Runs a call on both sides and compares the results."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from parity.backends import OUT, STEP, ManyProgram, Task, backend, leaf_of, native
from parity.compare import Trace
from parity.domains import NAN, SPECIAL, TIES, ZEROS, Draw
from parity.dtypes import FORMATS, Floats, is_floating, widened
from parity.engine.agreement import coarsest, near, unlike
from parity.engine.calls import exception_difference, named
from parity.engine.draws import LAYOUT, Call
from parity.engine.sides import in_float32, observed
from parity.formulas import formula_trace, formula_value
from parity.inputs import Problem, streams
from parity.spec import Formula, SameSeed, Target
from parity.trees import flat, joined, mapped

# The step of a numeric derivative, relative to the larger of 1 and the argument. The error of the
# formula is of the fourth order.
INCREMENT = 2.0**-13
# Formulas of the derivative that differ by more, relative to the size of the terms, mean a kink.
KINK = 2.0**-14
# Numeric derivatives are exact to this much of the result.
NOISE = 2.0**-20
# Numbers at which derivatives with respect to hyperparameters are not compared: often kinks.
WITHOUT_SLOPES = (SPECIAL, NAN, TIES, ZEROS)
# How often, and by up to how many epsilons, arguments are moved to see what rounding decides.
SHAKEN, SHAKEN_BY = 8, 4.0


class _BadValueError(Exception):
    """A result is nan because of the value of an array."""


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
            expected = [_reference(call, draw) for draw in draws]
        except Exception as error:
            return exception_difference(lambda: self._checked(call), error, (_BadValueError,))
        try:
            found = self._subject(call)
        except Exception as error:
            return f"{named(error)}; the reference gives a result"
        # The gradient at nan depends on the length of the array in torch.
        values_only = NAN in call.levels.values()
        for draw, ours, theirs in zip(draws, found, expected, strict=True):
            truths = _truths(call, draw, theirs)
            dtype = coarsest(call.dtype, *_results(theirs))
            shaken = functools.partial(_shaken, call, draw)
            message = unlike(ours, theirs, truths, dtype, shaken=shaken, values_only=values_only)
            message = message or _numeric_difference(call, draw, ours)
            if message:
                return message
        return ""

    def answers(self, call: Call) -> bool:
        """Whether the reference gives a result."""
        try:
            for draw in call.draws:
                _forward(call, *_referred(call, draw))
        except Exception:
            return False
        return True

    def _checked(self, call: Call) -> list[Trace]:
        """The subject's traces; an error if a bad number in an array has made the result nan.

        A compiled program cannot raise for the value of an array.
        """
        found = self._subject(call)
        return [_without_nan(call, t) for t in found] if call.draws[0].numbers else found

    def _subject(self, call: Call) -> list[Trace]:
        given = [call.problem(draw) for draw in call.draws]
        problem, values = given[0]
        setup, way = call.setup, call.way
        shapes = {path: (a.shape, a.dtype.name) for path, a in problem.arguments.items()}
        names = (setup.random, way, call.phases, sorted(problem.constant))
        key = repr((*names, shapes, _said(values), call.positional))
        if key not in self.programs:
            task = Task(target=setup.subject, form=problem.form, values=values, random=setup.random)
            side = backend(setup.subject.backend)
            self.programs[key] = side.called(way, task, call.phases)
        return self.programs[key]([_around(call, problem) for problem, _ in given])


def _without_nan(call: Call, trace: Trace) -> Trace:
    """The trace; an error if a number of the result is nan.

    An empty result, or one of integers, cannot be nan where a number in an array is bad.
    """
    unable = call.draws[0].numbers and not _can_be_nan(trace)
    if unable or any(np.isnan(widened(array)).any() for array in _results(trace)):
        raise _BadValueError
    return trace


def _can_be_nan(trace: Trace) -> bool:
    return any(array.size and is_floating(array.dtype.name) for array in _results(trace))


def _results(trace: Trace) -> list[NDArray[Any]]:
    return [array for entry, array in trace.items() if entry.partition("/")[0] in (OUT, STEP)]


def difference(call: Call) -> str:
    """What is wrong with the subject's result of a call; empty if nothing is."""
    return Caller().difference(call)


def _said(values: Mapping[str, Any]) -> str:
    return repr({name: (type(value).__name__, value) for name, value in values.items()})


def _around(call: Call, problem: Problem) -> Problem:
    """The problem of the program in which the context computes the function's argument."""
    way = call.way
    if not way.first:
        return problem
    outer = way.context.outer(problem.arguments[way.first])
    return replace(problem, arguments={**problem.arguments, way.first: outer})


# ------------------------------------------------------------------------------------ the reference


def _reference(call: Call, draw: Draw) -> Trace:
    return _run(call, call.setup.reference, *_referred(call, draw))


def _run_in_float64(
    call: Call,
    draw: Draw,
    target: Target,
    change: Callable[[Problem], Problem] = lambda problem: problem,
) -> Trace:
    """The trace of the reference, or of the truth, in float64 for arguments that are changed."""
    problem, values = _referred(call, draw)
    values = values if call.dtype == "float64" else in_float32(values)
    return _run(call, target, change(problem.in_dtype("float64")), values)


def _run(call: Call, target: Target, problem: Problem, values: Mapping[str, Any]) -> Trace:
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
    if not draw.observed:
        draw.observed.append(observed(call.setup.subject, call.setup.random, *asked))
    problem = replace(problem, drawn=draw.observed[0])
    way = call.way
    if not way.first:
        return problem, values
    inner = way.context.inner(way.context.outer(problem.arguments[way.first]))
    return replace(problem, arguments={**problem.arguments, way.first: inner}), values


def _outside_of(call: Call, problem: Problem, trace: Trace) -> Trace:
    """The trace of the program from that of the function inside of the context."""
    way = call.way
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
    if _narrow(call, draw):
        found[0] = functools.cache(lambda: _run_in_float64(call, draw, setup.reference))
    truth = setup.truth
    if isinstance(truth, Target):
        found.append(functools.cache(lambda: _tried(lambda: _run_in_float64(call, draw, truth))))
    if isinstance(truth, Formula):
        found.append(functools.cache(lambda: _tried(lambda: _of_formula(call, draw, truth))))
    return found


def _narrow(call: Call, draw: Draw) -> bool:
    """Whether an argument has less than 64 bits."""
    problem, _ = call.problem(draw)
    dtypes = {array.dtype.name for array in problem.arguments.values()}
    return any(is_floating(dtype) and dtype != "float64" for dtype in {call.dtype, *dtypes})


def _shaken(call: Call, draw: Draw) -> list[Trace]:
    """The reference's traces in float64 for arguments that differ by a few roundings."""
    epsilon = FORMATS[call.dtype].epsilon

    def moved(problem: Problem, i: int) -> Problem:
        arguments = dict(problem.arguments)
        for name, array in arguments.items():
            if is_floating(array.dtype.name):
                by = streams.stream(f"shaken/{name}/{i}").uniform(-1, 1, array.shape)
                arguments[name] = np.asarray(array * (1 + SHAKEN_BY * epsilon * by))
        return replace(problem, arguments=arguments)

    def run(i: int) -> Trace:
        change = functools.partial(moved, i=i)
        return _tried(lambda: _run_in_float64(call, draw, call.setup.reference, change))

    return [run(i) for i in range(SHAKEN)]


def _tried(run: Callable[[], Trace]) -> Trace:
    with contextlib.suppress(Exception):
        return run()
    return {}


def _of_formula(call: Call, draw: Draw, truth: Formula) -> Trace:
    problem, values = _referred(call, draw)
    return _outside_of(call, problem, formula_trace(truth, problem, values))


# ------------------------------------------------------------------------- numeric derivatives


def _numeric_difference(call: Call, draw: Draw, found: Trace) -> str:
    """What is wrong with gradients that the reference lacks.

    These are those with respect to hyperparameters that are arrays, and to weights.
    """
    if {*WITHOUT_SLOPES} & {*call.levels.values()}:
        return ""
    for name in sorted(draw.numbers | draw.numeric):
        path = str(call.positional.index(name)) if name in call.positional else name
        if f"vjp/{path}" not in found:
            continue
        slope = found[f"vjp/{path}"]
        along = streams.signed(f"{call.key}/along/{name}", slope.shape, "float64")
        expected = _numeric_slope(call, draw, name, path, along)
        if expected is None:
            continue
        ours, (true, size) = np.asarray((widened(slope) * along).sum()), expected
        # The numeric derivative is no more accurate than float32, a cotangent than the result.
        dtype = coarsest("float32", slope, call.dtype, *_results(found))
        if not near(ours, true, true, dtype, beside=float(size)).all():
            return f"vjp/{path}: {float(ours)!r}, numeric derivative {float(true)!r}"
    return ""


def _numeric_slope(
    call: Call, draw: Draw, name: str, path: str, along: Floats
) -> tuple[Floats, Floats] | None:
    """The derivative of the reference in float64, and the size of the terms that add up to it.

    None where it has a kink, is not finite or refuses numbers beside the given one.

    Args:
        call: what is called.
        draw: its arguments.
        name: the argument with respect to which it is differentiated.
        path: its path in the problem, if it is an array in the reference.
        along: the direction of the derivative.
    """
    given, values = _referred(call, draw)
    problem, values = given.in_dtype("float64"), in_float32(values)
    center = widened(draw.made[name])
    span = max(1.0, float(np.abs(center).max(initial=0.0)))
    step = INCREMENT * span

    def at(offset: float) -> Floats:
        moved = np.asarray(center + offset * step * along)
        if name in draw.numbers:
            run = _forward(call, problem, {**values, name: moved.item()})
        else:
            arguments = {**problem.arguments, path: moved}
            run = _forward(call, replace(problem, arguments=arguments), values)
        return _pulled(call, problem, run)

    try:
        runs = [at(offset) for offset in (-2, -1, -0.5, 0, 0.5, 1, 2)]
    except Exception:
        return None
    if len({run.shape for run in runs}) > 1:
        return None
    far_left, left, close_left, here, close_right, right, far_right = runs
    slopes = (8 * (right - left) - (far_right - far_left)) / (12 * step)
    of_half_steps = (8 * (close_right - close_left) - (right - left)) / (6 * step)
    after = (4 * (right - here) - (far_right - here)) / (2 * step)
    before = (4 * (here - left) - (here - far_left)) / (2 * step)
    # These do not see a kink at 2/3 of a step, nor two kinks whose errors cancel.
    bent = np.maximum(np.abs(after - before).sum(), np.abs(slopes - of_half_steps).sum())
    # Terms that cancel are as large as the result itself over the argument.
    largest, terms = np.abs(slopes).sum(), np.abs(here).sum()
    size = np.maximum(largest, terms / span)
    smooth = bent <= KINK * np.maximum(largest, NOISE * terms)
    return (slopes.sum(), size) if smooth and np.isfinite(size) else None


def _forward(call: Call, problem: Problem, values: Mapping[str, Any]) -> Trace:
    run = _program(call, call.setup.reference, problem, values, ("forward",))(problem)
    if run.failures:
        raise run.failures["forward"]
    return run.trace


def _pulled(call: Call, problem: Problem, trace: Trace) -> Floats:
    """Every number of the result times its cotangent."""
    entries = _of_all_steps(_outside_of(call, problem, trace))
    terms = [
        widened(array) * widened(problem.cotangent(array.shape, leaf_of(entry)))
        for entry, array in entries.items()
        if entry.partition("/")[0] in (OUT, STEP) and is_floating(array.dtype.name)
    ]
    return np.concatenate([np.zeros(0), *map(np.ravel, terms)])


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

    What is no array (an option, a flag, a number) the subject may refuse although the reference
    lets it pass, and with an exception of its own.
    """
    setup, (draw,) = call.setup, call.draws
    option = not isinstance(draw.made[call.argument_outside], np.ndarray | list)

    def called(target: Target, *, wide: bool = False) -> Trace:
        side, ours = backend(target.backend), target is setup.subject
        made = call.given(draw, for_reference=not ours)
        made = {n: mapped(_in_float64, v) if wide else v for n, v in made.items()}
        args = tuple(made[name] for name in call.positional)
        named = {name: value for name, value in made.items() if name not in call.positional}
        with side.precision(call.dtype):
            function = side.function(target, setup.random if ours else None)
            found = function(native(side, args), native(side, named))
            return {path: side.as_numpy(leaf) for path, leaf in flat(found).items()}

    try:
        expected = called(setup.reference)
    except Exception as error:
        own = (TypeError, ValueError) if option else ()
        # A number of an array that made the reference raise makes the subject's result nan, which
        # shows only where nothing else does.
        special = bool({SPECIAL, NAN} & {*call.levels.values()})

        def without_nan() -> Trace:
            found = called(setup.subject)
            return found if special and _can_be_nan(found) else _without_nan(call, found)

        return exception_difference(without_nan, error, (_BadValueError, *own))
    try:
        found = called(setup.subject)
    except Exception as error:
        return "" if option else f"{named(error)}; the reference gives a result"

    def of_truth() -> Trace:
        if isinstance(setup.truth, Target):
            return called(setup.truth, wide=True)
        if isinstance(setup.truth, Formula):
            made = dict(call.given(draw, for_reference=True))
            x = widened(made.pop(call.positional[0]))
            return {OUT: formula_value(setup.truth, x, made)}
        return {}

    wide = functools.cache(lambda: _tried(lambda: called(setup.reference, wide=True)))
    dtype = coarsest(*flat(draw.made).values())
    return unlike(found, expected, [lambda: expected, wide, lambda: _tried(of_truth)], dtype)


def _in_float64(value: Any) -> Any:
    """Floating arrays in float64, anything else as it is."""
    if not isinstance(value, np.ndarray):
        return value
    array = cast("NDArray[Any]", value)
    return widened(array) if is_floating(array.dtype.name) else array
