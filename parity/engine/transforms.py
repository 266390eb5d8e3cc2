"""The checks that run the subject in two ways: mapped and unmapped, compiled and op by op."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from parity.backends import CompilingBackend, MappingBackend, phase_of
from parity.cases import Case
from parity.compare import Trace
from parity.dtypes import FORMATS, Floats, widened
from parity.engine.measurement import Measurement, between
from parity.engine.numeric import budget_of, rank, structural_difference
from parity.engine.results import Finding, Worst
from parity.engine.sides import Sides
from parity.verdict import Gaps, Judgement, Outcome, judge


def vmap(case: Case, sides: Sides) -> Finding:
    """Compares two problems mapped at once with two calls of the compiled program.

    If agreement with the reference is enough, the comparison is with the reference, also mapped.
    """
    side = sides.subject_side
    assert isinstance(side, MappingBackend)
    _raise_failures(sides)
    again = sides.numbers(f"{sides.key}/again")
    problems = [replace(sides.problem, drawn={}), again]
    mapped = side.mapped_program(sides.subject_task)(problems)
    other = sides.reference_side
    if sides.setup.accept_reference and isinstance(other, MappingBackend):
        # If both functions change in the same way when they are mapped, they do not differ.
        expected = other.mapped_program(sides.reference_task)(problems)
    else:
        expected = [sides.subject.trace, sides.subject_program(again).trace]
    together, apart = _stacked(mapped), _stacked(expected)
    floors = {key: _sums(array, case, sides) for key, array in apart.items()}
    return _same(case, together, apart, floors)


def _stacked(traces: list[Trace]) -> Trace:
    """Values and gradients of several traces, stacked like those of a mapped call."""
    mapped = [key for key in traces[0] if phase_of(key) in ("forward", "vjp")]
    return {key: np.stack([trace[key] for trace in traces]) for key in mapped}


def jit(case: Case, sides: Sides) -> Finding:
    """Compares the compiled program with each operation compiled separately.

    If agreement with the reference is enough, compares the two functions op by op instead.
    """
    side = sides.subject_side
    assert isinstance(side, CompilingBackend)
    _raise_failures(sides)
    # Each operation of a backward pass has to be compiled, so half precision is checked by its
    # values only, which are the first to differ.
    phases = ("forward", "vjp") if case.dtype == "float32" else ("forward",)
    problem = replace(sides.problem, drawn={})
    apart = side.op_by_op(sides.subject_task, phases)(problem).trace
    other = sides.reference_side
    if sides.setup.accept_reference and isinstance(other, CompilingBackend):
        together = apart
        apart = other.op_by_op(sides.reference_task, phases)(problem).trace
    else:
        together = {key: sides.subject.trace[key] for key in apart}
    beside = {
        key: Measurement(sides=sides, entry=key, subject=array) for key, array in together.items()
    }
    floors = {key: measurement.floor(budget_of(case, key)) for key, measurement in beside.items()}
    # Two programs may err on different sides of the truth. Without a truth the op-by-op result
    # takes its place.
    truths = {
        key: measurement.truths or [widened(apart[key])] for key, measurement in beside.items()
    }
    return _same(case, together, apart, floors, truths)


def _raise_failures(sides: Sides) -> None:
    for phase in ("forward", "vjp"):
        if phase in sides.subject.failures:
            raise sides.subject.failures[phase]


def _sums(array: np.ndarray, case: Case, sides: Sides) -> Floats:
    """The floor of a mapped call, for sums that it may add up in another order.

    Results that belong to single points contain no such sums.
    """
    budget = budget_of(case)
    size = np.abs(widened(array))
    size = np.where(np.isfinite(size), size, 0.0)
    tolerance = budget.atol + budget.rtol * size.ravel()
    epsilon = FORMATS[case.dtype].epsilon
    if not (sides.pointwise and array.shape[1:] == sides.problem.first.shape):
        return tolerance + size.max(initial=0.0) * budget.floor * epsilon
    return tolerance + (budget.floor * epsilon if budget.everywhere else 0.0)


def _same(
    case: Case,
    found: Trace,
    expected: Trace,
    floors: dict[str, Floats],
    truths: dict[str, list[Floats]] | None = None,
) -> Finding:
    """Compares two ways of running the subject, which have to agree within the budget."""
    truths = truths or {key: [widened(array)] for key, array in expected.items()}
    difference = structural_difference(found, expected)
    if difference:
        return Finding(outcome=Outcome.MISMATCH, message=difference)
    judged: dict[str, tuple[Gaps, Judgement]] = {}
    for key, other in expected.items():
        array = found[key]
        gaps = between(array, [other], truths[key], str(array.dtype))
        budget = budget_of(case, key, str(array.dtype))
        judged[key] = gaps, judge(gaps, budget, floors[key], [], accept_reference=True)
    key = max(judged, key=lambda k: rank(*judged[k]))
    index = judged[key][1].worst
    worst = Worst(
        entry=key,
        index=index,
        subject=found[key].ravel()[index].item(),
        reference=expected[key].ravel()[index].item(),
    )
    outcome = judged[key][1].outcome
    if outcome is Outcome.CLOSER:
        # If one of the two ways is right and the other is wrong, the case fails.
        outcome = Outcome.MISMATCH
    text = f"{key}[{index}]: {worst.subject!r} together, {worst.reference!r} apart"
    farthest = max(float(gaps.reference.max(initial=0.0)) for gaps, _ in judged.values())
    return Finding(
        outcome=outcome,
        message=text if outcome is Outcome.MISMATCH else "",
        budget=budget_of(case, key),
        distance={"subject_reference": farthest},
        worst=worst,
    )
