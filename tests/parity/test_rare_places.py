"""Functions that are wrong at one rare place: some of those that a row's calls catch.

All of them are measured by `python -m tests.parity.rare_places`.
"""

import pytest

from tests.parity.rare_places.measure import CALLS, measured, rare_places

RARE = {rare.mistake: rare for rare in rare_places()}
# One of each kind, whose row is quick.
CAUGHT = (
    "threshold_compares_sizes_where_both_numbers_are_negative",
    "softmax2d_of_a_single_image_takes_its_rows",
    "hardswish_flattens_what_is_empty",
    "leaky_relu_is_float32_for_a_numpy_slope_in_bfloat16",
    "celu_divides_by_an_integer_without_remainder",
    "silu_is_float64_in_64_bit_mode",
    "softsign_of_four_axes_has_another_gradient",
    "tanhshrink_is_0_at_infinity_in_bfloat16",
    "l1_penalty_of_an_empty_leaf_is_nan",
    "coupled_weight_decay_leaves_numbers_alone",
    "glu_drops_the_middle_of_an_odd_first_axis",
    "binary_cross_entropy_is_infinite_with_a_weight",
)


@pytest.mark.parametrize("mistake", CAUGHT)
def test_a_function_that_is_wrong_at_a_rare_place_is_caught(mistake):
    found = measured(RARE[mistake], points=False)
    assert found.by == CALLS, f"{found.reached} of {found.made} calls are at the place"


def test_there_are_many_of_them_and_each_is_another():
    assert len(RARE) == len(rare_places()) >= 120


@pytest.mark.parametrize("family", ["activations", "losses", "initializers", "regularizers"])
def test_every_family_has_some(family):
    assert sum(rare.spec.family == family for rare in RARE.values()) >= 15
