"""The checks forward, vjp, jvp and second: subject against reference and truth."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from parity.backends import phase_of
from parity.cases import Case
from parity.compare import Trace
from parity.dtypes import rounded
from parity.engine.measurement import Measurement
from parity.engine.results import Result, Worst
from parity.engine.voices import Voices
from parity.spec import Budget, Quirk
from parity.verdict import Gaps, Judgement, Outcome, default_budget, judge, worst_outcome


def numeric(case: Case, voices: Voices) -> Result:
    """The check's own entries of the traces."""
    phase = case.check
    if phase in voices.subject.failures:
        raise voices.subject.failures[phase]
    entries = _entries(voices.reference.trace, phase)
    unanswered = tuple(quirk for quirk in quirks_of(case) if quirk.where is None)
    if unanswered and entries:
        message = "the reference is declared to have no answer here, and gave one"
        return Result(case=case, outcome=Outcome.STALE, message=message, quirks=unanswered)
    if not entries and not unanswered and phase in voices.reference.failures:
        raise voices.reference.failures[phase]
    subject = _entries(voices.subject.trace, phase)
    result = against(case, voices, subject, entries or _true_entries(voices, phase))
    if unanswered and result.outcome.succeeds:
        message = unanswered[0].reason
        return replace(result, outcome=Outcome.QUIRK, message=message, quirks=unanswered)
    return result


def _true_entries(voices: Voices, phase: str) -> Trace:
    """What the formula gives, else the truth's own run, in the place of the reference's entries."""
    run = next(iter(voices.wide_reference.values()))
    entries = _entries(voices.closed_form, phase) or _entries(run.trace, phase)
    return {key: rounded(array, voices.dtype) for key, array in entries.items()}


def _entries(trace: Trace, phase: str) -> Trace:
    return {key: array for key, array in trace.items() if phase_of(key) == phase}


def quirks_of(case: Case) -> tuple[Quirk, ...]:
    """The declared differences that this case has to show."""
    return tuple(
        quirk
        for quirk in case.spec.quirks
        if case.check in quirk.checks
        and case.dtype in quirk.dtypes
        and (not quirk.settings or case.setting in quirk.settings)
    )


def budget_of(case: Case, dtype: str = "") -> Budget:
    """The setting's or the row's budget for the check, or the default of the result's dtype."""
    budgets = case.spec.budgets
    return (
        case.params.budget
        or budgets.get((case.check, case.dtype))
        or budgets.get(case.check)
        or default_budget(case.check, dtype or case.dtype)
    )


def against(case: Case, voices: Voices, subject: Trace, reference: Trace) -> Result:
    """The subject's entries against the reference's and the truth: the worst entry decides."""
    if not reference:
        return Result(case=case, outcome=Outcome.NOT_RUN, message="nothing to compare")
    structure = structural_difference(subject, reference, case)
    if structure:
        return Result(case=case, outcome=Outcome.MISMATCH, message=structure)
    quirks = [quirk for quirk in quirks_of(case) if quirk.where is not None]
    judged: dict[str, tuple[Gaps, Judgement]] = {}
    for key in reference:
        measurement = Measurement(voices=voices, entry=key, subject=subject[key])
        budget = budget_of(case, measurement.dtype)
        gaps, floor = measurement.gaps(), measurement.floor(budget)
        masks = [_mask(quirk, case, voices, subject[key]) for quirk in quirks]
        # Of second derivatives no more is claimed than that they are the reference's or better,
        # and of those at infinities and nan nothing: torch gives nan or 0 as it happens.
        second = case.check == "second"
        if second and measurement.visits_points:
            gaps = gaps.without(~voices.finite_points)
        judged[key] = (
            gaps,
            judge(gaps, budget, floor, masks, follow=second and bool(measurement.references)),
        )
    key = max(judged, key=lambda k: rank(*judged[k]))
    gaps, judgement = judged[key]
    measurement = Measurement(voices=voices, entry=key, subject=subject[key])
    worst = measurement.worst(judgement.worst)
    result = Result(
        case=case,
        outcome=worst_outcome([judgement.outcome for _, judgement in judged.values()]),
        message=_message(key, gaps, judgement, worst),
        budget=budget_of(case, measurement.dtype),
        distance=_worst_distances([gaps for gaps, _ in judged.values()]),
        worst=worst,
    )
    return _with_quirks(result, quirks, [judgement for _, judgement in judged.values()])


def _with_quirks(result: Result, quirks: list[Quirk], judgements: list[Judgement]) -> Result:
    """The quirks that were observed; one that was not is a failure of its own."""
    seen = [sum(j.quirks[i] for j in judgements) for i in range(len(quirks))]
    unseen = [quirk for quirk, count in zip(quirks, seen, strict=True) if not count]
    observed = tuple(quirk for quirk, count in zip(quirks, seen, strict=True) if count)
    if unseen and result.outcome.succeeds:
        message = f"declared, but not observed: {unseen[0].reason}"
        return replace(result, outcome=Outcome.STALE, message=message, quirks=observed)
    return replace(result, quirks=observed)


def _mask(quirk: Quirk, case: Case, voices: Voices, subject: NDArray[Any]) -> NDArray[np.bool_]:
    """The points of the entry that the quirk is about."""
    assert quirk.where is not None
    mask = np.asarray(quirk.where(voices.given, case.params.values))
    if mask.shape not in ((), subject.shape):
        return np.zeros(subject.size, bool)
    return np.broadcast_to(mask, subject.shape).ravel()


def _message(entry: str, gaps: Gaps, judgement: Judgement, worst: Worst | None) -> str:
    if worst is None:
        return ""
    at = f" at {', '.join(map(repr, worst.input))}" if worst.input else f"[{worst.index}]"
    place = f"{entry}{at}"
    if judgement.outcome is Outcome.MISMATCH:
        sign = " (the sign of zero)" if gaps.zero_sign[worst.index] else ""
        return (
            f"{place}: {worst.subject!r}, reference {worst.reference!r}, truth {worst.truth!r}"
            f"{sign}; {judgement.failed} of {gaps.truth.size} points fail"
        )
    if judgement.outcome is Outcome.CLOSER:
        return (
            f"{place}: {gaps.truth[worst.index]:.3g} ulp from the truth, "
            f"the reference {gaps.reference_truth[worst.index]:.3g} ulp"
        )
    if judgement.outcome is Outcome.QUIRK:
        return f"{place}: {worst.subject!r}, reference {worst.reference!r}"
    return ""


def rank(gaps: Gaps, judgement: Judgement) -> tuple[int, float]:
    """Orders the entries of a case: the last one decides."""
    return list(Outcome).index(judgement.outcome), float(gaps.truth.max(initial=0.0))


def structural_difference(found: Trace, expected: Trace, case: Case) -> str:
    """What is wrong with names, shapes and dtypes; empty if nothing is."""
    for key, array in expected.items():
        if key not in found:
            return f"{key} is missing"
        if found[key].shape != array.shape:
            return f"{key} has shape {found[key].shape}, the reference's has {array.shape}"
        if found[key].dtype != array.dtype:
            return f"{key} has dtype {found[key].dtype}, the reference's has {array.dtype}"
    return ""


def _worst_distances(measured: list[Gaps]) -> dict[str, float | None]:
    def most(name: str) -> float:
        return max(float(getattr(gaps, name).max(initial=0.0)) for gaps in measured)

    return {
        "subject_reference": most("reference"),
        "subject_truth": most("truth"),
        "reference_truth": most("reference_truth"),
        "spread": most("spread"),
    }
