"""Outcomes: what distances and a budget amount to."""

import numpy as np
import pytest

from parity.spec import Budget
from parity.verdict import Gaps, Outcome, judge, worst_outcome

BUDGET = Budget(ulp=4)


def _gaps(reference=0.0, truth=0.0, reference_truth=0.0, spread=0.0, zero_sign=False):
    def point(value):
        return np.array([value], float)

    return Gaps(
        reference=point(reference),
        truth=point(truth),
        reference_truth=point(reference_truth),
        spread=point(spread),
        reference_absolute=point(reference * 1e-7),
        truth_absolute=point(truth * 1e-7),
        reference_truth_absolute=point(reference_truth * 1e-7),
        zero_sign=np.array([zero_sign]),
    )


def _outcome(gaps, budget=BUDGET, floor=0.0, quirks=(), accept_reference=False):
    return judge(gaps, budget, np.array([floor]), list(quirks), accept_reference).outcome


def test_the_same_bits_are_exact():
    assert _outcome(_gaps()) is Outcome.EXACT


def test_nothing_is_exact_where_the_reference_disagrees_with_itself():
    assert _outcome(_gaps(spread=1)) is Outcome.WITHIN


def test_a_distance_up_to_the_budget_is_within():
    assert _outcome(_gaps(reference=4, truth=4)) is Outcome.WITHIN
    assert _outcome(_gaps(reference=4.1, truth=4.1)) is Outcome.MISMATCH


def test_both_within_budget_of_the_truth_on_opposite_sides_is_within():
    assert _outcome(_gaps(reference=7, truth=3.5, reference_truth=3.5)) is Outcome.WITHIN


def test_off_the_reference_but_at_the_truth_is_closer():
    assert _outcome(_gaps(reference=1000, truth=1, reference_truth=1001)) is Outcome.CLOSER


def test_following_the_reference_away_from_the_truth_is_a_mismatch():
    assert _outcome(_gaps(reference=0, truth=1000, reference_truth=1000)) is Outcome.MISMATCH


def test_following_the_reference_is_enough_where_no_more_is_claimed():
    gaps = _gaps(reference=0, truth=1000, reference_truth=1000)
    assert _outcome(gaps, accept_reference=True) is Outcome.EXACT


def test_nearer_than_the_reference_is_not_enough_outside_the_budget():
    assert _outcome(_gaps(reference=1000, truth=10, reference_truth=1000)) is Outcome.MISMATCH


def test_below_the_floor_no_ulp_counts():
    gaps = _gaps(reference=100, truth=100)
    assert _outcome(gaps, floor=1e-5) is Outcome.WITHIN
    assert _outcome(gaps, floor=1e-6) is Outcome.MISMATCH


def test_the_sign_of_zero_counts():
    assert _outcome(_gaps(zero_sign=True)) is Outcome.MISMATCH


def test_a_declared_difference_is_a_quirk_and_is_counted():
    gaps = _gaps(reference=1000, truth=1000)
    judgement = judge(gaps, BUDGET, np.zeros(1), [np.array([True]), np.array([False])])
    assert judgement.outcome is Outcome.QUIRK
    assert judgement.quirks == [1, 0]
    assert judgement.failed == 0


def test_a_quirk_elsewhere_explains_nothing():
    gaps = _gaps(reference=1000, truth=1000)
    assert _outcome(gaps, quirks=[np.array([False])]) is Outcome.MISMATCH


def test_a_quirk_that_is_not_observed_is_not_counted():
    assert judge(_gaps(), BUDGET, np.zeros(1), [np.array([True])]).quirks == [0]


def test_nan_distances_do_not_pass():
    assert _outcome(_gaps(reference=np.inf, truth=np.inf)) is Outcome.MISMATCH


def test_the_farthest_failing_point_decides():
    gaps = Gaps(
        **{
            name: np.array([0.0, 5.0, 50.0, 1.0])
            for name in (
                "reference",
                "truth",
                "reference_absolute",
                "truth_absolute",
                "reference_truth_absolute",
            )
        },
        reference_truth=np.zeros(4),
        spread=np.zeros(4),
        zero_sign=np.zeros(4, bool),
    )
    judgement = judge(gaps, BUDGET, np.zeros(4), [])
    assert (judgement.worst, judgement.failed) == (2, 2)


def test_an_empty_array_is_exact():
    nothing = np.zeros(0)
    gaps = Gaps(
        **dict.fromkeys(
            (
                "reference",
                "truth",
                "reference_truth",
                "spread",
                "reference_absolute",
                "truth_absolute",
                "reference_truth_absolute",
            ),
            nothing,
        ),
        zero_sign=np.zeros(0, bool),
    )
    assert judge(gaps, BUDGET, nothing, []).outcome is Outcome.EXACT


def test_a_case_gets_its_worst_outcome():
    assert worst_outcome([Outcome.EXACT, Outcome.CLOSER, Outcome.WITHIN]) is Outcome.CLOSER
    assert worst_outcome([Outcome.QUIRK, Outcome.MISMATCH]) is Outcome.MISMATCH


def test_nothing_compared_is_no_success():
    assert worst_outcome([]) is Outcome.NOT_RUN


@pytest.mark.parametrize("outcome", list(Outcome))
def test_four_outcomes_succeed(outcome):
    assert outcome.succeeds == (outcome in {"exact", "within", "closer", "quirk"})


def test_of_two_functions_that_have_to_agree_the_farthest_from_each_other_is_named():
    def points(*values):
        return np.array(values, float)

    nothing = points(0, 0)
    gaps = Gaps(
        reference=points(0, 9),
        truth=points(1000, 9),
        reference_truth=points(1000, 0),
        spread=nothing,
        reference_absolute=points(0, 1),
        truth_absolute=points(1, 1),
        reference_truth_absolute=points(1, 0),
        zero_sign=np.array([False, False]),
    )
    judgement = judge(gaps, BUDGET, nothing, [], accept_reference=True)
    assert (judgement.outcome, judgement.worst, judgement.failed) == (Outcome.MISMATCH, 1, 1)


def test_a_function_equals_itself_where_the_reference_has_several_ways():
    assert _outcome(_gaps(spread=1), accept_reference=True) is Outcome.EXACT
