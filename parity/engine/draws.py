"""Calls of a function's domain: how they are made, run on both sides and judged."""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from parity.backends import FACTOR, LAYOUTS, OUT, WAYS, Task, backend
from parity.compare import Trace
from parity.covering import Rule, impossible, rules_of, simplest_of
from parity.domains import DTYPE, LENGTHS, NAN, SPECIAL, Domain, Draw, Factor, Levels, OneOf
from parity.dtypes import FORMATS, Floats, is_floating, widened
from parity.engine.calls import accepted_kinds
from parity.engine.numeric import structural_difference
from parity.engine.sides import in_float32, observed
from parity.formulas import formula_trace
from parity.inputs import Form, Problem
from parity.inputs.streams import stream
from parity.signatures import required_of
from parity.spec import Formula, Setting, Spec, Target
from parity.trees import flat

WAY, LAYOUT, ORDER = "way", "layout", "order"
# Forward mode and second derivatives are compared in some calls.
FIRST, SECOND = "first", "second"
PHASES = {FIRST: ("forward", "vjp"), SECOND: ("forward", "vjp", "jvp", "second")}
# How many calls are mapped together.
MAPPED = 2
# The allowed error in epsilons of the dtype, relative to the largest number of the result.
ALLOWED = {"float16": 8.0, "bfloat16": 8.0, "float32": 512.0, "float64": 4096.0}
# Where the reference itself is less accurate, this many times its own error.
OF_REFERENCE = 8.0


def factors_of(spec: Spec, domain: Domain) -> list[Factor]:
    """The choices of a domain, and those of every call."""
    dtypes = tuple(dtype for dtype in spec.dtypes if is_floating(dtype))
    return [
        *domain.factors(),
        Factor(DTYPE, dtypes),
        Factor(WAY, WAYS),
        Factor(LAYOUT, LAYOUTS),
        Factor(ORDER, (FIRST, SECOND) if "second" in spec.checks else (FIRST,)),
    ]


def rules_for(domain: Domain, factors: Sequence[Factor]) -> list[Rule]:
    """What the calls of a domain have to satisfy."""
    second = any(factor.name == ORDER and SECOND in factor.levels for factor in factors)
    others = _rules_of_second_derivatives(factors) if second else ()
    return [*rules_of(domain, factors), *others]


def _rules_of_second_derivatives(factors: Sequence[Factor]) -> Iterator[Rule]:
    # The chain rule for the product is applied to first derivatives only.
    yield impossible({WAY: "product", ORDER: SECOND})
    # A mean of nothing is nan, and so is 0 times its slope of infinity; torch has 0 there.
    lengths = [level for f in factors if f.name == LENGTHS for level in f.levels]
    empty = tuple(level for level in lengths if level.endswith("=0"))
    if empty:
        yield impossible({LENGTHS: empty, ORDER: SECOND})
    # torch's second derivatives at infinities and huge numbers are often nan; points show which.
    for factor in factors:
        if SPECIAL in factor.levels:
            yield impossible({factor.name: (SPECIAL, NAN), ORDER: SECOND})


@dataclass(frozen=True, kw_only=True)
class Call:
    """A call within the domain of a row's function.

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
        simplest = simplest_of(factors_of(self.spec, self.domain))
        chosen = [f"{n}={self.levels[n]}" for n in simplest if self.levels[n] != simplest[n]]
        return ";".join(chosen) or "simplest"

    @property
    def domain(self) -> Domain:
        """The row's domain."""
        assert self.spec.domain is not None
        return self.spec.domain

    @property
    def dtype(self) -> str:
        """The dtype of floating arguments."""
        return self.levels[DTYPE]

    @property
    def phases(self) -> tuple[str, ...]:
        """What both sides compute."""
        return PHASES[self.levels[ORDER]]

    @property
    def setting(self) -> Setting:
        """The row's default setting, which may replace its functions."""
        return self.spec.settings[0]

    @property
    def subject(self) -> Target:
        """The function under test."""
        return self.setting.subject or self.spec.subject

    @property
    def reference(self) -> Target:
        """The function that it should agree with."""
        return self.setting.reference or self.spec.reference

    @cached_property
    def draws(self) -> list[Draw]:
        """The arguments; of several calls, if they are mapped."""
        count = MAPPED if self.levels[WAY].startswith("mapped") else 1
        made = [
            self.domain.call(self.levels, lambda name, i=i: stream(f"{self.key}/{i}/{name}"))
            for i in range(count)
        ]
        if self.levels[WAY] == "mapped_first":
            first = next(iter(self.domain.arguments))
            for draw in made[1:]:
                draw.made.update({n: v for n, v in made[0].made.items() if n != first})
        return made

    @property
    def key(self) -> str:
        """The key from which numbers are drawn."""
        return f"{self.spec.family}/{self.spec.name}/{self.seed}"

    @cached_property
    def positional(self) -> list[str]:
        """The arguments given by position: arrays, or None, that the subject requires."""
        call = backend(self.subject.backend).resolve(self.subject)
        made = self.draws[0].made
        required = [name for name in required_of(call) or () if name in made]
        numbers = {n for n, c in self.domain.arguments.items() if isinstance(c, OneOf)}
        return list(
            itertools.takewhile(
                lambda n: n not in numbers and (made[n] is None or _is_tree(made[n])), required
            )
        )

    def problem(self, draw: Draw, for_reference: bool) -> tuple[Problem, Mapping[str, Any]]:
        """The arrays of a call, and its other arguments.

        Args:
            draw: the arguments.
            for_reference: whether hyperparameters that are arrays become Python numbers.
        """
        trees = {n: v for n, v in draw.made.items() if n in self.positional or _is_tree(v)}
        values = {n: v for n, v in draw.made.items() if n not in trees}
        if for_reference:
            values |= {n: float(trees.pop(n)) for n in draw.numbers}
        # Second derivatives along numbers have no counterpart in the reference.
        fixed = draw.constant | (draw.numbers if self.levels[ORDER] == SECOND else set[str]())
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


def _is_tree(value: Any) -> bool:
    leaves = list(flat(value).values())
    return bool(leaves) and all(isinstance(leaf, np.ndarray) for leaf in leaves)


# ------------------------------------------------------------------------------------ the two sides


def difference(call: Call) -> str:
    """What is wrong with the subject's result of a call; empty if nothing is."""
    try:
        expected = [_reference(call, draw, call.dtype) for draw in call.draws]
    except Exception as error:
        return _exception_difference(call, error)
    try:
        found = _subject(call)
    except Exception as error:
        return f"{type(error).__name__}: {error!s:.300}; the reference gives a result"
    truths = [_truths(call, draw, e) for draw, e in zip(call.draws, expected, strict=True)]
    # The gradient at nan depends on the length of the array in torch.
    only_values = NAN in call.levels.values()
    messages = (unlike(*t, only_values) for t in zip(found, expected, truths, strict=True))
    return next(filter(None, messages), "")


def _exception_difference(call: Call, expected: Exception) -> str:
    wanted = f"the reference raises {type(expected).__name__}: {expected!s:.200}"
    try:
        _subject(call)
    except Exception as found:
        if isinstance(found, accepted_kinds(expected)):
            return ""
        return f"{type(found).__name__}: {found!s:.200}; {wanted}"
    return f"nothing is raised; {wanted}"


def _subject(call: Call) -> list[Trace]:
    given = [call.problem(draw, for_reference=False) for draw in call.draws]
    problem, values = given[0]
    task = Task(target=call.subject, form=problem.form, values=values, random=call.setting.random)
    first = (*problem.differentiated, "")[0]
    side = backend(call.subject.backend)
    program = side.called(call.levels[WAY], task, call.phases, first)
    return program([problem for problem, _ in given])


def _reference(call: Call, draw: Draw, dtype: str) -> Trace:
    return _run(call, draw, call.reference, dtype)


def _run(call: Call, draw: Draw, target: Target, dtype: str) -> Trace:
    """The trace of the reference, or of the truth, in the dtype."""
    problem, values = _referred(call, draw)
    if dtype != call.dtype:
        problem = problem.in_dtype(dtype)
        values = in_float32(values)
    side = backend(target.backend)
    task = Task(target=target, form=problem.form, values=values)
    run = side.laid_out(side.program(task, call.phases), call.levels[LAYOUT])(problem)
    if "forward" in run.failures:
        raise run.failures["forward"]
    return _after_product(call, problem, run.trace)


def _referred(call: Call, draw: Draw) -> tuple[Problem, Mapping[str, Any]]:
    """What the reference gets: the rounded product, the subject's random draw."""
    problem, values = call.problem(draw, for_reference=True)
    asked = call.problem(draw, for_reference=False)
    problem = replace(problem, drawn=observed(call.subject, call.setting.random, *asked))
    if call.levels[WAY] == "product" and problem.differentiated:
        first = problem.differentiated[0]
        x = problem.arguments[first]
        times = (x * np.asarray(FACTOR, x.dtype)).astype(x.dtype)
        problem = replace(problem, arguments={**problem.arguments, first: times})
    return problem, values


def _after_product(call: Call, problem: Problem, trace: Trace) -> Trace:
    """The trace with the gradient of the product's factor instead of the product's."""
    entry = f"vjp/{(*problem.differentiated, '')[0]}"
    if call.levels[WAY] != "product" or entry not in trace:
        return trace
    slope = trace[entry]
    return {**trace, entry: (slope * np.asarray(FACTOR, slope.dtype)).astype(slope.dtype)}


def _truths(call: Call, draw: Draw, expected: Trace) -> list[Trace]:
    """The candidates for the true result."""
    runs = [expected if call.dtype == "float64" else _reference(call, draw, "float64")]
    truth = call.setting.truth or call.spec.truth
    if isinstance(truth, Target):
        with contextlib.suppress(Exception):
            runs.append(_run(call, draw, truth, "float64"))
    if isinstance(truth, Formula):
        problem, values = _referred(call, draw)
        runs.append(_after_product(call, problem, formula_trace(truth, problem, values)))
    return runs


# ---------------------------------------------------------------------------------------- judgement


def unlike(
    found: Trace, expected: Trace, truths: Sequence[Trace], only_values: bool = False
) -> str:
    """How the traces differ; empty if they agree.

    Args:
        found: of the subject.
        expected: of the reference.
        truths: candidates for the true result.
        only_values: whether gradients are left out.
    """
    structure = structural_difference(found, expected)
    if structure:
        return structure
    for entry, reference in expected.items():
        root = entry.partition("/")[0]
        if root != OUT and only_values:
            continue
        candidates = [
            truth[entry]
            for truth in truths
            if entry in truth and truth[entry].shape == reference.shape
        ]
        # A second derivative is a difference of terms as large as the gradient.
        beside = _largest(expected, "vjp") if root in ("second", "jvp") else 0.0
        message = _unlike_entry(entry, found[entry], reference, candidates, beside)
        if message:
            return message
    return ""


def _largest(trace: Trace, root: str) -> float:
    """The largest finite number of the entries below a root."""
    arrays = [widened(a) for entry, a in trace.items() if entry.partition("/")[0] == root]
    return max((float(np.abs(a[np.isfinite(a)]).max(initial=0.0)) for a in arrays), default=0.0)


def _unlike_entry(
    entry: str,
    found: NDArray[Any],
    reference: NDArray[Any],
    truths: Sequence[NDArray[Any]],
    beside: float,
) -> str:
    dtype = found.dtype.name
    if dtype not in FORMATS:
        return "" if np.array_equal(found, reference) else f"{entry}: {found}, not {reference}"
    ours, theirs = widened(found), widened(reference)
    agree = _same_special(ours, theirs)
    for truth in truths:
        agree |= _agree(ours, widened(truth), theirs, dtype, beside)
    if agree.all():
        return ""
    at = tuple(int(i) for i in np.argwhere(~agree)[0])
    return (
        f"{entry}{list(at) if at else ''}: {float(ours[at])!r}, "
        f"reference {float(theirs[at])!r}, truth {float(widened(truths[0])[at])!r}; "
        f"{int((~agree).sum())} of {agree.size} differ"
    )


def _agree(
    ours: Floats, true: Floats, theirs: Floats, dtype: str, beside: float
) -> NDArray[np.bool_]:
    """Whether numbers are near the truth, in units of the largest one or of `beside`."""
    limits = FORMATS[dtype]
    finite = np.abs(true[np.isfinite(true)])
    scale = np.minimum(finite.max(initial=beside), limits.largest)
    with np.errstate(invalid="ignore", over="ignore"):
        error = np.abs(ours - true)
        allowed = ALLOWED[dtype] * (limits.epsilon * np.maximum(np.abs(true), scale) + limits.tiny)
        slack = OF_REFERENCE * np.abs(theirs - true)
        beyond = (np.abs(true) > limits.largest) & (ours == np.sign(true) * np.inf)
    slack = np.where(np.isfinite(slack), slack, 0.0)
    return (error <= allowed + slack) | _same_special(ours, true) | beyond


def _same_special(a: Floats, b: Floats) -> NDArray[np.bool_]:
    return (np.isnan(a) & np.isnan(b)) | (np.isinf(a) & (a == b))
