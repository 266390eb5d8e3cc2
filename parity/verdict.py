"""A distance and a budget to an outcome, point by point; a case gets its worst point."""

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
# Curvatures are differentiated slopes: their small values are differences of larger numbers.
_DIFFERENCES = "small curvatures are differences of larger numbers"
SECOND_BUDGETS = {
    "float16": Budget(ulp=1, floor=2.0**-10, everywhere=True, reason=_DIFFERENCES),
    "bfloat16": Budget(ulp=1, floor=2.0**-10, everywhere=True, reason=_DIFFERENCES),
    "float32": Budget(ulp=16, floor=4, everywhere=True, reason=_DIFFERENCES),
    "float64": Budget(ulp=16, floor=16, everywhere=True, reason=_DIFFERENCES),
}


def default_budget(check: str, dtype: str) -> Budget:
    """The budget where a row names none; other dtypes have to agree exactly."""
    return (SECOND_BUDGETS if check == "second" else BUDGETS).get(dtype, Budget(ulp=0))


class Outcome(StrEnum):
    """What came of a case, from best to worst."""

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
        """Whether the run is still good."""
        return self in (Outcome.EXACT, Outcome.WITHIN, Outcome.CLOSER, Outcome.QUIRK)


RANK = {outcome: rank for rank, outcome in enumerate(Outcome)}


def worst_outcome(outcomes: list[Outcome]) -> Outcome:
    """The one that decides; nothing compared is no success."""
    return max(outcomes, key=RANK.__getitem__, default=Outcome.NOT_RUN)


@dataclass(frozen=True, kw_only=True)
class Gaps:
    """What was measured between the voices at every point.

    Args:
        reference: ulp between subject and the nearest of the reference's own variants.
        truth: ulp between subject and truth.
        reference_truth: ulp between reference and truth.
        spread: ulp between the reference's own variants.
        reference_absolute, truth_absolute, reference_truth_absolute: the same without the unit.
        zero_sign: where the subject's zero has a sign that the reference has not.
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
        """The same with nothing between the voices at some points."""
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
        outcome: the worst of all points.
        worst: the point that decided, or the farthest one.
        failed: how many points failed.
        quirks: for each quirk, how many points it explains.
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
    """The outcome of every point and of the array.

    A point is good if it is within budget of the truth and so is, or nearly agrees with it, the
    reference. A point that is within budget of the truth while the reference is farther away than
    the budget and than the subject is CLOSER. One that follows the reference away from the truth
    is a mismatch like any other.

    Args:
        gaps: the distances.
        budget: for both the reference and the truth.
        floor: absolute error that is always fine, at each point.
        quirks: for each declared quirk, the points that it explains.
        accept_reference: whether agreement with the reference is enough, be it right or wrong.
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
        # Where the reference disagrees with itself, its bits are no claim; to itself it is equal.
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
    """Among the points that decide, the one that is farthest from the truth or the reference."""
    if not severity.size:
        return -1
    distance = gaps.reference if from_reference else np.maximum(gaps.truth, 0.0)
    off = np.where(gaps.zero_sign, np.inf, distance)
    if not off.any():
        off = gaps.reference
    return int(np.where(severity == severity.max(), off, -1.0).argmax())
