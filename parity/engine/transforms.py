"""The checks that run the subject in two ways: mapped and unmapped, compiled and op by op."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from parity.backends import Transforming
from parity.cases import Case
from parity.compare import Trace
from parity.dtypes import FORMATS, widened
from parity.engine.numeric import budget_of, measure, rank, structural_difference
from parity.engine.results import Result, Worst
from parity.engine.voices import Voices
from parity.verdict import Gaps, Judgement, Outcome, judge


def vmap(case: Case, voices: Voices) -> Result:
    """Two problems mapped at once, against the compiled program called twice."""
    side = voices.subject_side
    assert isinstance(side, Transforming)
    problems = [voices.problem, voices.numbers(f"{voices.key}/again")]
    problems = [replace(problem, drawn={}) for problem in problems]
    together = side.mapped_program(voices.subject_call, voices.params.values, voices.params.mapped)(
        problems
    ).trace
    single = [voices.subject, voices.subject_program(problems[1])]
    apart = {key: np.stack([run.trace[key] for run in single]) for key in together}
    return _against_itself(case, together, apart)


def jit(case: Case, voices: Voices) -> Result:
    side = voices.subject_side
    assert isinstance(side, Transforming)
    for phase in ("forward", "vjp"):
        if phase in voices.subject.failures:
            raise voices.subject.failures[phase]
    program = side.op_by_op(voices.subject_call, voices.params.values, voices.params.mapped)
    apart = program(replace(voices.problem, drawn={})).trace
    return _against_itself(case, {key: voices.subject.trace[key] for key in apart}, apart)


def _against_itself(case: Case, found: Trace, expected: Trace) -> Result:
    """The subject run in two ways, which have to agree within the budget."""
    difference = structural_difference(found, expected, case)
    if difference:
        return Result(case=case, outcome=Outcome.MISMATCH, message=difference)
    budget = budget_of(case)
    judged: dict[str, tuple[Gaps, Judgement]] = {}
    for key, array in found.items():
        gaps = measure(array, [expected[key]], [widened(expected[key])], case.dtype)
        scale = np.abs(widened(expected[key]))
        top = float(scale[np.isfinite(scale)].max(initial=0.0))
        floor = np.full(array.size, min(top, 1.0) * budget.floor * FORMATS[case.dtype].epsilon)
        judged[key] = gaps, judge(gaps, budget, floor, [])
    key = max(judged, key=lambda k: rank(*judged[k]))
    gaps, judgement = judged[key]
    worst = Worst(
        entry=key,
        index=judgement.worst,
        subject=found[key].ravel()[judgement.worst].item(),
        reference=expected[key].ravel()[judgement.worst].item(),
    )
    failed = judgement.outcome is Outcome.MISMATCH
    return Result(
        case=case,
        outcome=judgement.outcome,
        message=f"{key}[{worst.index}]: {worst.subject!r}, else {worst.reference!r}" * failed,
        budget=budget,
        distance={
            "subject_reference": max(float(g.reference.max(initial=0)) for g, _ in judged.values()),
            "subject_truth": None,
            "reference_truth": None,
            "spread": None,
        },
        worst=worst,
    )
