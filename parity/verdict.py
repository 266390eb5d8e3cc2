"""From distances and a budget to outcomes, point by point; a case gets that of its worst point."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from parity.compare import Floats
from parity.spec import Budget

BUDGETS = {
    "float16": Budget(ulp=1),
    "bfloat16": Budget(ulp=1),
    "float32": Budget(ulp=4, floor=2),
    "float64": Budget(ulp=4, floor=2),
}
# A second derivative differentiates a gradient: its small values are differences of larger numbers.
_DIFFERENCES = "small curvatures are differences of larger numbers"
SECOND_BUDGETS = {
    "float16": Budget(ulp=1, floor=2.0**-10, everywhere=True, reason=_DIFFERENCES),
    "bfloat16": Budget(ulp=1, floor=2.0**-10, everywhere=True, reason=_DIFFERENCES),
    "float32": Budget(ulp=16, floor=4, everywhere=True, reason=_DIFFERENCES),
    "float64": Budget(ulp=16, floor=16, everywhere=True, reason=_DIFFERENCES),
}


def default_budget(check: str, dtype: str) -> Budget:
    """The budget where a row gives none; dtypes that are not floating have to agree exactly."""
    return (SECOND_BUDGETS if check == "second" else BUDGETS).get(dtype, Budget(ulp=0))


class Outcome(StrEnum):
    """How a case ended, from best to worst."""

    EXACT = "exact"
    WITHIN = "within"
    CLOSER = "closer"
    QUIRK = "quirk"
    STALE = "stale"
    MISMATCH = "mismatch"
    NOT_RUN = "not_run"
    ERROR = "error"

    @property
    def succeeds(self) -> bool:
        """Whether the case passes."""
        return self in (Outcome.EXACT, Outcome.WITHIN, Outcome.CLOSER, Outcome.QUIRK)


RANK = {outcome: rank for rank, outcome in enumerate(Outcome)}


def worst_outcome(outcomes: list[Outcome]) -> Outcome:
    """The worst of the outcomes; NOT_RUN, which fails, if there are none."""
    return max(outcomes, key=RANK.__getitem__, default=Outcome.NOT_RUN)


@dataclass(frozen=True, kw_only=True)
class Gaps:
    """The distances between the sides at every point.

    Args:
        reference: ulp between subject and the nearest of the reference's own variants.
        truth: ulp between subject and truth.
        reference_truth: ulp between reference and truth.
        spread: ulp between the reference's own variants.
        reference_absolute, truth_absolute, reference_truth_absolute: the same distances, absolute.
        zero_sign: where the subject's zero has a sign that the reference's zero does not have.
    """

    reference: Floats
    truth: Floats
    reference_truth: Floats
    spread: Floats
    reference_absolute: Floats
    truth_absolute: Floats
    reference_truth_absolute: Floats
    zero_sign: NDArray[np.bool_]

    def without(self, points: NDArray[np.bool_]) -> Gaps:
        """The same gaps, with distances of 0 at some points."""
        return Gaps(
            **{
                f.name: np.where(points, 0, getattr(self, f.name)).astype(
                    getattr(self, f.name).dtype
                )
                for f in fields(self)
            }
        )


@dataclass(frozen=True, kw_only=True)
class Judgement:
    """The outcome of one array.

    Args:
        outcome: the worst outcome of any point.
        worst: the index of the point that decided: among those with that outcome, the farthest.
        failed: the number of points that failed.
        quirks: for each quirk, the number of points that it explains.
    """

    outcome: Outcome
    worst: int
    failed: int
    quirks: list[int] = field(default_factory=list[int])


def judge(
    gaps: Gaps,
    budget: Budget,
    floor: Floats,
    quirks: list[NDArray[np.bool_]],
    accept_reference: bool = False,
) -> Judgement:
    """The outcome of the array, which is that of its worst point.

    A point is good if it is within budget of the truth, and the reference is too or agrees with
    the subject within budget. A point is CLOSER if it is within budget of the truth, while the
    reference is beyond it and farther from the truth than the subject. A point that agrees with
    the reference but is beyond budget of the truth is a mismatch like any other.

    Args:
        gaps: the distances.
        budget: applies to distances from the reference and from the truth.
        floor: the absolute error that is always accepted, at each point.
        quirks: for each declared quirk, the points that it explains.
        accept_reference: whether agreement with the reference is enough, even if it is wrong.
    """
    near_reference = _within(gaps.reference, gaps.reference_absolute, budget.ulp, floor)
    near_truth = _within(gaps.truth, gaps.truth_absolute, budget.ulp, floor)
    both_right = _within(gaps.reference_truth, gaps.reference_truth_absolute, budget.ulp, floor)
    good = near_truth & (near_reference | both_right) & ~gaps.zero_sign
    if accept_reference:
        good |= near_reference & ~gaps.zero_sign
    closer = near_truth & ~good & (gaps.truth < gaps.reference_truth) & ~gaps.zero_sign
    failed = ~good & ~closer
    observed: list[int] = []
    explained = np.zeros_like(failed)
    for where in quirks:
        observed.append(int(np.count_nonzero(failed & where)))
        explained |= failed & where
    failed &= ~explained
    severity = np.where(failed, 3, np.where(explained, 2, np.where(closer, 1, 0)))
    worst = _farthest(severity, gaps, accept_reference)
    top = int(severity.max(initial=0))
    if top:
        outcome = (Outcome.CLOSER, Outcome.QUIRK, Outcome.MISMATCH)[top - 1]
    else:
        # Where the reference's variants differ, no result has the same bits as all of them. A
        # function that only has to agree with the reference is exact if it equals one variant.
        exact = not gaps.reference.any() and (accept_reference or not gaps.spread.any())
        outcome = Outcome.EXACT if exact else Outcome.WITHIN
    return Judgement(
        outcome=outcome,
        worst=worst,
        failed=int(np.count_nonzero(failed)),
        quirks=observed,
    )


def _within(ulps: Floats, absolute: Floats, most: float, floor: Floats) -> NDArray[np.bool_]:
    return (ulps <= most) | (absolute <= floor)


def _farthest(severity: NDArray[np.int64], gaps: Gaps, from_reference: bool) -> int:
    """Among the points with the worst outcome, the farthest from the truth or the reference."""
    if not severity.size:
        return -1
    distance = gaps.reference if from_reference else np.maximum(gaps.truth, 0.0)
    off = np.where(gaps.zero_sign, np.inf, distance)
    if not off.any():
        off = gaps.reference
    return int(np.where(severity == severity.max(), off, -1.0).argmax())
