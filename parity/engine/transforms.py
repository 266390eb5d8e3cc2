"""The checks that run the subject in two ways: mapped and unmapped, compiled and op by op."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from parity.backends import Transforming
from parity.cases import Case
from parity.compare import Trace
from parity.dtypes import FORMATS, Floats, widened
from parity.engine.measurement import Measurement, between
from parity.engine.numeric import budget_of, rank, structural_difference
from parity.engine.results import Result, Worst
from parity.engine.voices import Voices
from parity.verdict import Gaps, Judgement, Outcome, judge


def vmap(case: Case, voices: Voices) -> Result:
    """Two problems mapped at once, against the compiled program called twice."""
    side = voices.subject_side
    assert isinstance(side, Transforming)
    _raise_failures(voices)
    again = voices.numbers(f"{voices.key}/again")
    problems = [replace(voices.problem, drawn={}), again]
    mapped = side.mapped_program(voices.subject_call, case.params.values, case.params.mapped)
    together = mapped(problems).trace
    single = [voices.subject.trace, voices.subject_program(again).trace]
    apart = {key: np.stack([trace[key] for trace in single]) for key in together}
    floors = {key: _sums(array, case, voices) for key, array in apart.items()}
    return _same(case, together, apart, floors)


def jit(case: Case, voices: Voices) -> Result:
    """The compiled program, against every operation compiled on its own."""
    side = voices.subject_side
    assert isinstance(side, Transforming)
    _raise_failures(voices)
    # Each operation of a backward pass costs a compilation; half precision differs in values first.
    phases = ("forward", "vjp") if case.dtype == "float32" else ("forward",)
    program = side.op_by_op(voices.subject_call, case.params.values, case.params.mapped, phases)
    apart = program(replace(voices.problem, drawn={})).trace
    together = {key: voices.subject.trace[key] for key in apart}
    beside = {
        key: Measurement(voices=voices, entry=key, subject=array) for key, array in together.items()
    }
    floors = {key: measurement.floor(budget_of(case)) for key, measurement in beside.items()}
    # Two programs may err to different sides of the truth.
    truths = {key: measurement.truths for key, measurement in beside.items()}
    return _same(case, together, apart, floors, truths)


def _raise_failures(voices: Voices) -> None:
    for phase in ("forward", "vjp"):
        if phase in voices.subject.failures:
            raise voices.subject.failures[phase]


def _sums(array: np.ndarray, case: Case, voices: Voices) -> Floats:
    """Mapped sums may be taken in another order: the floor, if results are no single points."""
    budget = budget_of(case)
    if voices.pointwise and array.shape[1:] == voices.problem.arrays[0].shape:
        return np.zeros(array.size)
    size = np.abs(widened(array))
    largest = size[np.isfinite(size)].max(initial=0.0)
    return np.full(array.size, largest * budget.floor * FORMATS[case.dtype].epsilon)


def _same(
    case: Case,
    found: Trace,
    expected: Trace,
    floors: dict[str, Floats],
    truths: dict[str, list[Floats]] | None = None,
) -> Result:
    """Two ways of running the subject have to agree within the budget."""
    truths = truths or {key: [widened(array)] for key, array in expected.items()}
    difference = structural_difference(found, expected, case)
    if difference:
        return Result(case=case, outcome=Outcome.MISMATCH, message=difference)
    budget = budget_of(case)
    judged: dict[str, tuple[Gaps, Judgement]] = {}
    for key, array in found.items():
        gaps = between(array, [expected[key]], truths[key], str(array.dtype))
        judged[key] = gaps, judge(gaps, budget, floors[key], [], follow=True)
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
        # One way is right and the other is not: that is no success of either.
        outcome = Outcome.MISMATCH
    text = f"{key}[{index}]: {worst.subject!r} together, {worst.reference!r} apart"
    farthest = max(float(gaps.reference.max(initial=0.0)) for gaps, _ in judged.values())
    return Result(
        case=case,
        outcome=outcome,
        message=text if outcome is Outcome.MISMATCH else "",
        budget=budget,
        distance={"subject_reference": farthest},
        worst=worst,
    )
