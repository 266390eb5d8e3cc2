"""The checks forward, vjp, jvp and second, which compare subject, reference and truth."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import numpy as np

from parity.backends import OUT, STEP, phase_of
from parity.cases import Case
from parity.compare import Trace
from parity.dtypes import rounded, widened
from parity.engine.measurement import Measurement
from parity.engine.quirks import explained
from parity.engine.results import Finding, Worst
from parity.engine.sides import Sides
from parity.spec import Budget, Quirk
from parity.verdict import Gaps, Judgement, Outcome, default_budget, judge, worst_outcome

# Of names of entries, in a message.
MOST_SHOWN = 12
# A sum over all numbers of a format is nan, since nan and infinities are among them.
ALL_NAN = (
    "the reference is nan everywhere: nothing is compared; results that depend on several points "
    "need an argument of another kind, such as Samples(shape=(8, 3))"
)


def numeric(case: Case, sides: Sides) -> Finding:
    """Compares the entries of the traces that belong to the check."""
    phase = case.check
    if phase != "forward" and sides.setup.accept_reference:
        failures = [run.failures.get(phase) for run in (sides.subject, sides.reference)]
        if failures[0] is not None and type(failures[0]) is type(failures[1]):
            message = f"neither has it: {type(failures[0]).__name__}: {failures[0]}"
            return Finding(outcome=Outcome.EXACT, message=message)
    if phase in sides.subject.failures:
        raise sides.subject.failures[phase]
    entries = _entries(sides.reference.trace, phase)
    unanswered = tuple(i for i, quirk in enumerate(case.quirks) if quirk.where is None)
    if unanswered and entries:
        message = "the reference is declared to have no answer here, and gave one"
        return Finding(outcome=Outcome.STALE, message=message, observed=unanswered)
    if not entries and not unanswered and phase in sides.reference.failures:
        raise sides.reference.failures[phase]
    subject = _entries(sides.subject.trace, phase)
    finding = against(case, sides, subject, entries or _true_entries(sides, phase))
    if unanswered and finding.outcome.succeeds:
        message = case.quirks[unanswered[0]].reason
        return replace(finding, outcome=Outcome.QUIRK, message=message, observed=unanswered)
    return finding


def _true_entries(sides: Sides, phase: str) -> Trace:
    """The formula's entries, else those of the truth's run, to use in place of the reference's."""
    run = next(iter(sides.wide_reference.values()))
    entries = _entries(sides.closed_form, phase) or _entries(run.trace, phase)
    return {key: rounded(array, sides.setup.dtype) for key, array in entries.items()}


def _entries(trace: Trace, phase: str) -> Trace:
    return {key: array for key, array in trace.items() if phase_of(key) == phase}


def budget_of(case: Case, entry: str = OUT, dtype: str = "") -> Budget:
    """The case's budget for the entry, or the default of the result's dtype."""
    budget = case.budget or default_budget(case.check, dtype or case.dtype)
    root, _, rest = entry.partition("/")
    if root != STEP or not budget.per_step:
        return budget
    grown = 1 + budget.per_step * int(rest.partition("/")[0])
    return replace(budget, ulp=budget.ulp * grown, floor=budget.floor * grown)


def against(case: Case, sides: Sides, subject: Trace, reference: Trace) -> Finding:
    """Compares the subject's entries with reference and truth; the worst entry decides."""
    if not reference:
        return Finding(outcome=Outcome.NOT_RUN, message="nothing to compare")
    structure = structural_difference(subject, reference)
    if structure:
        return Finding(outcome=Outcome.MISMATCH, message=structure)
    if sides.setup.accept_reference and sides.pointwise and _all_nan(reference):
        return Finding(outcome=Outcome.NOT_RUN, message=ALL_NAN)
    judged: dict[str, tuple[Gaps, Judgement]] = {}
    for key in reference:
        measurement = Measurement(sides=sides, entry=key, subject=subject[key])
        budget = budget_of(case, key, measurement.dtype)
        gaps = measurement.gaps(budget)
        judgement = judge(
            gaps,
            budget,
            measurement.floor(budget),
            [explained(quirk, measurement, gaps, budget) for quirk in case.quirks],
            accept_reference=sides.setup.accept_reference,
        )
        judged[key] = gaps, judgement
    key = max(judged, key=lambda k: rank(*judged[k]))
    gaps, judgement = judged[key]
    measurement = Measurement(sides=sides, entry=key, subject=subject[key])
    worst = measurement.worst(judgement.worst)
    finding = Finding(
        outcome=worst_outcome([judgement.outcome for _, judgement in judged.values()]),
        message=_message(key, gaps, judgement, worst),
        budget=budget_of(case, key, measurement.dtype),
        distance=_worst_distances([gaps for gaps, _ in judged.values()]),
        worst=worst,
    )
    return _with_quirks(finding, case.quirks, [judgement for _, judgement in judged.values()])


def _all_nan(trace: Trace) -> bool:
    numbers = [widened(array) for array in trace.values() if array.size > 1 or not array.ndim]
    return bool(numbers) and all(np.isnan(array).all() for array in numbers)


def _with_quirks(
    finding: Finding, quirks: tuple[Quirk, ...], judgements: list[Judgement]
) -> Finding:
    """The finding with the quirks that were observed; STALE if a declared one was not."""
    seen = [sum(j.quirks[i] for j in judgements) for i in range(len(quirks))]
    observed = tuple(i for i, count in enumerate(seen) if count)
    unseen = [q for q, count in zip(quirks, seen, strict=True) if not count and q.where]
    if unseen and finding.outcome.succeeds:
        message = f"declared, but not observed: {unseen[0].reason}"
        return replace(finding, outcome=Outcome.STALE, message=message, observed=observed)
    return replace(finding, observed=observed)


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
    """The key that orders the entries of a case; the last one decides."""
    return list(Outcome).index(judgement.outcome), float(gaps.truth.max(initial=0.0))


def _few(names: Iterable[str]) -> list[str]:
    """The names, or the first of them."""
    some = list(names)
    return some if len(some) <= MOST_SHOWN else [*some[:MOST_SHOWN], f"{len(some)} in all"]


def structural_difference(found: Trace, expected: Trace) -> str:
    """How names, shapes or dtypes of the entries differ; empty if they do not."""
    for key, array in expected.items():
        if key not in found:
            return f"{key} is missing: there are {', '.join(_few(found)) or 'no results'}"
        if found[key].shape != array.shape:
            return f"{key} has shape {found[key].shape}, the reference's has {array.shape}"
        if not _same_dtype(str(found[key].dtype), str(array.dtype)):
            return f"{key} has dtype {found[key].dtype}, the reference's has {array.dtype}"
    return ""


def _same_dtype(found: str, expected: str) -> bool:
    """Whether two dtypes count as the same: torch's int64 is int32 in jax."""
    return found == expected or (found == "int32" and expected == "int64")


def _worst_distances(measured: list[Gaps]) -> dict[str, float | None]:
    def most(name: str) -> float:
        return max(float(getattr(gaps, name).max(initial=0.0)) for gaps in measured)

    return {
        "subject_reference": most("reference"),
        "subject_truth": most("truth"),
        "reference_truth": most("reference_truth"),
        "spread": most("spread"),
    }
