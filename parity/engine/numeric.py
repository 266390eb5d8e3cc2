"""The checks that compare numbers: the subject's trace against the reference's and the truth."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from parity import compare
from parity.backends import phase_of
from parity.cases import Case
from parity.compare import Trace
from parity.dtypes import FORMATS, Floats, is_floating, widened
from parity.engine.results import Result, Worst
from parity.engine.voices import Voices
from parity.spec import Budget, Quirk, Samples
from parity.verdict import DEFAULT_BUDGETS, Gaps, Judgement, Outcome, judge, worst_outcome

# float64 truths are exact where it matters: where they disagree most, and at an even choice.
EXACT_WORST, EXACT_EVEN = 24, 8


def budget_of(case: Case) -> Budget:
    """The row's budget for the check, or the dtype's."""
    default = DEFAULT_BUDGETS.get(case.dtype, Budget(ulp=0))
    budgets = case.spec.budgets
    return budgets.get((case.check, case.dtype)) or budgets.get(case.check) or default


def numeric(case: Case, voices: Voices) -> Result:
    """forward, vjp, jvp, second: subject against reference and truth."""
    phase = case.check
    if phase in voices.subject.failures:
        raise voices.subject.failures[phase]
    absent = _absent_quirks(case)
    entries = _entries(voices.reference.trace, phase)
    if phase in voices.reference.failures and not entries:
        if not absent:
            raise voices.reference.failures[phase]
        entries = _entries(voices.closed_form, phase)
    elif absent:
        return Result(
            case=case,
            outcome=Outcome.STALE,
            message="the reference is declared to have no answer here, and gave one",
            quirks=absent,
        )
    subject = {key: a for key, a in voices.subject.trace.items() if phase_of(key) == phase}
    comparison = Comparison(case=case, voices=voices, budget=budget_of(case))
    result = comparison.result(subject, entries)
    if absent and result.outcome.succeeds:
        return replace(result, outcome=Outcome.QUIRK, message=absent[0].reason, quirks=absent)
    return result


def _entries(trace: Trace, phase: str) -> Trace:
    return {key: array for key, array in trace.items() if phase_of(key) == phase}


def _quirks(case: Case) -> tuple[Quirk, ...]:
    return tuple(
        quirk
        for quirk in case.spec.quirks
        if case.check in quirk.checks and case.dtype in quirk.dtypes
    )


def _absent_quirks(case: Case) -> tuple[Quirk, ...]:
    return tuple(quirk for quirk in _quirks(case) if quirk.where is None)


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """Entry by entry, the subject's trace against the reference's and the truth."""

    case: Case
    voices: Voices
    budget: Budget

    def result(self, subject: Trace, reference: Trace) -> Result:
        """The worst of all entries."""
        if not reference:
            return Result(case=self.case, outcome=Outcome.NOT_RUN, message="nothing to compare")
        structure = structural_difference(subject, reference, self.case)
        if structure:
            return Result(case=self.case, outcome=Outcome.MISMATCH, message=structure)
        judged = {key: self.judged(key, subject[key]) for key in reference}
        quirks = [q for q in _quirks(self.case) if q.where is not None]
        seen = [sum(counts) for counts in zip(*(j.quirks for _, j in judged.values()), strict=True)]
        outcome = worst_outcome([judgement.outcome for _, judgement in judged.values()])
        key = max(judged, key=lambda k: rank(*judged[k]))
        gaps, judgement = judged[key]
        worst = self._worst(key, judgement.worst, subject[key])
        message = self._message(key, gaps, judgement, worst)
        unseen = [quirk for quirk, count in zip(quirks, seen, strict=True) if not count]
        if unseen and outcome.succeeds:
            outcome = Outcome.STALE
            message = f"declared, but not observed: {unseen[0].reason}"
        return Result(
            case=self.case,
            outcome=outcome,
            message=message,
            budget=self.budget,
            distance=_worst_distances([gaps for gaps, _ in judged.values()]),
            worst=worst,
            quirks=tuple(q for q, count in zip(quirks, seen, strict=True) if count),
        )

    def judged(self, entry: str, subject: NDArray[Any]) -> tuple[Gaps, Judgement]:
        """The distances of one entry and what they amount to."""
        gaps = self.gaps(entry, subject)
        quirks = [
            self._mask(quirk, subject) for quirk in _quirks(self.case) if quirk.where is not None
        ]
        return gaps, judge(gaps, self.budget, self._floor(entry, subject), quirks)

    def gaps(self, entry: str, subject: NDArray[Any]) -> Gaps:
        """The distances of one entry at each of its points, flattened."""
        runs = [r.trace[entry] for r in self.voices.references.values() if entry in r.trace]
        dtype = self.case.dtype if is_floating(self.case.dtype) else str(subject.dtype)
        measured = measure(subject, runs, self._truths(entry, subject, runs), dtype)
        if entry == "out" and runs and is_floating(dtype):
            measured = replace(measured, zero_sign=_lost_signs(subject, runs))
        exact = self._exact_points(entry, measured, dtype)
        if exact is not None:
            measured = self._with_exact_truth(entry, subject, runs, measured, exact)
        return measured

    def _truths(self, entry: str, subject: NDArray[Any], runs: list[NDArray[Any]]) -> list[Floats]:
        if not is_floating(self.case.dtype):
            return [widened(run) for run in runs]
        return self.voices.truth(entry) or [widened(run) for run in runs]

    def _exact_points(self, entry: str, gaps: Gaps, dtype: str) -> NDArray[np.intp] | None:
        """For float64: which points are asked of 60-digit arithmetic."""
        if dtype != "float64" or entry not in self.voices.closed_form:
            return None
        asked = np.argsort(np.where(np.isnan(gaps.truth), np.inf, gaps.truth))[-EXACT_WORST:]
        even = np.linspace(0, gaps.truth.size - 1, EXACT_EVEN).astype(np.intp)
        points = np.unique(np.concatenate([asked, even]))
        return points[~self.voices.semantic_points[points]]

    def _with_exact_truth(
        self,
        entry: str,
        subject: NDArray[Any],
        runs: list[NDArray[Any]],
        gaps: Gaps,
        points: NDArray[np.intp],
    ) -> Gaps:
        from parity.backends._mpmath import formula_at

        formula = self.voices.formula
        assert formula is not None
        high, rest = formula_at(
            formula, self.voices.problem, self.voices.exact_values, entry, points
        )
        truth, reference_truth = gaps.truth.copy(), gaps.reference_truth.copy()
        truth[points] = compare.ulps_from_truth(subject[points], high, "float64", rest)
        if runs:
            reference_truth[points] = np.min(
                [compare.ulps_from_truth(r[points], high, "float64", rest) for r in runs], axis=0
            )
        return replace(gaps, truth=truth, reference_truth=reference_truth)

    def _floor(self, entry: str, subject: NDArray[Any]) -> Floats:
        """The absolute error that is always fine, at each point."""
        if not self.budget.floor or self.case.dtype not in FORMATS:
            return np.zeros(subject.size)
        amount = self.budget.floor * FORMATS[self.case.dtype].epsilon
        if self.voices.pointwise and not self.budget.everywhere:
            if self.voices.params.arrays:
                return np.full(subject.size, 0.0)
            return np.where(self.voices.crossings(entry), amount, 0.0)
        truths = self.voices.truth(entry)
        return amount * _scale(truths[0] if truths else widened(subject), self.voices).ravel()

    def _mask(self, quirk: Quirk, subject: NDArray[Any]) -> NDArray[np.bool_]:
        assert quirk.where is not None
        x = widened(self.voices.problem.arrays[0])
        with np.errstate(invalid="ignore"):
            mask = quirk.where(x, self.case.params.values)
        return np.broadcast_to(mask, subject.shape).ravel()

    def _worst(self, entry: str, index: int, subject: NDArray[Any]) -> Worst | None:
        if index < 0:
            return None
        voices = self.voices
        runs = voices.references.values()
        reference = next((r.trace[entry].ravel()[index] for r in runs if entry in r.trace), None)
        truths = voices.truth(entry) if is_floating(self.case.dtype) else []
        pointwise = voices.pointwise and subject.shape == voices.problem.arrays[0].shape
        given = (*voices.problem.arrays, *voices.problem.named.values())
        cotangent = None
        if pointwise and entry.startswith("vjp"):
            cotangent = float(voices.problem.cotangent(subject.shape)[index])
        return Worst(
            entry=entry,
            index=index,
            input=tuple(a.ravel()[index].item() for a in given) if pointwise else (),
            cotangent=cotangent,
            subject=subject.ravel()[index].item(),
            reference=None if reference is None else reference.item(),
            truth=float(truths[0].ravel()[index]) if truths else None,
        )

    def _message(self, entry: str, gaps: Gaps, judgement: Judgement, worst: Worst | None) -> str:
        if worst is None:
            return ""
        at = f" at {', '.join(map(repr, worst.input))}" if worst.input else f" [{worst.index}]"
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


def structural_difference(subject: Trace, reference: Trace, case: Case) -> str:
    for key, expected in reference.items():
        if key not in subject:
            return f"{key} is missing"
        found = subject[key]
        if found.shape != expected.shape:
            return f"{key} has shape {found.shape}, the reference's has {expected.shape}"
        if found.dtype != expected.dtype and not case.params.drawn:
            return f"{key} has dtype {found.dtype}, the reference's has {expected.dtype}"
    return ""


def measure(
    subject: NDArray[Any], runs: list[NDArray[Any]], truths: list[Floats], dtype: str
) -> Gaps:
    def to_truth(array: NDArray[Any]) -> Floats:
        if dtype not in FORMATS:
            return compare.ulps(array, truths[0].astype(array.dtype), dtype)
        return np.min([compare.ulps_from_truth(array, t, dtype) for t in truths], axis=0)

    def absolute(array: NDArray[Any]) -> Floats:
        return np.min([compare.absolute(array, t) for t in truths], axis=0).ravel()

    zero = np.zeros(subject.size)
    near = [compare.ulps(subject, run, dtype).ravel() for run in runs]
    apart = [compare.absolute(subject, run).ravel() for run in runs]
    spread = [compare.ulps(runs[0], run, dtype).ravel() for run in runs[1:]]
    return Gaps(
        reference=np.min(near, axis=0) if near else zero,
        truth=to_truth(subject).ravel(),
        reference_truth=np.min([to_truth(r).ravel() for r in runs], axis=0) if runs else zero,
        spread=np.max(spread, axis=0) if spread else zero,
        reference_absolute=np.min(apart, axis=0) if apart else zero,
        truth_absolute=absolute(subject),
        reference_truth_absolute=(
            np.min([absolute(run) for run in runs], axis=0) if runs else zero
        ),
        zero_sign=np.zeros(subject.size, bool),
    )


def _lost_signs(subject: NDArray[Any], runs: list[NDArray[Any]]) -> NDArray[np.bool_]:
    """Where the subject is a zero of the other sign than the reference's, in all its variants."""
    differ = [compare.signs_of_zero_differ(subject, run) for run in runs]
    return np.logical_and.reduce(differ).ravel()


def _scale(truth: Floats, voices: Voices) -> Floats:
    """The largest finite true value of each point's sample."""
    size = np.where(np.isfinite(truth), np.abs(truth), 0.0)
    first = voices.arrays[0]
    if voices.pointwise:
        return np.ones_like(size)
    if not isinstance(first, Samples) or first.axis is None or truth.ndim != len(first.shape):
        return np.full(truth.shape, size.max(initial=0.0))
    others = tuple(i for i in range(truth.ndim) if i != first.axis)
    return np.broadcast_to(size.max(axis=others, keepdims=True, initial=0.0), truth.shape)


def _worst_distances(measured: list[Gaps]) -> dict[str, float | None]:
    def most(name: str) -> float:
        return max(float(getattr(gaps, name).max(initial=0.0)) for gaps in measured)

    return {
        "subject_reference": most("reference"),
        "subject_truth": most("truth"),
        "reference_truth": most("reference_truth"),
        "spread": most("spread"),
    }
