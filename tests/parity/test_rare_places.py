"""Functions that are wrong at one rare place: some of those that a row's calls catch.

All of them are measured by `python -m tests.parity.rare_places`.
"""

import pytest

from tests.parity.rare_places.measure import CALLS, measured, rare_places

RARE = {rare.mistake: rare for rare in rare_places()}
# One of each kind, whose row is quick.
CAUGHT: tuple[str, ...] = ()


@pytest.mark.parametrize("mistake", CAUGHT)
def test_a_function_that_is_wrong_at_a_rare_place_is_caught(mistake):
    found = measured(RARE[mistake], points=False)
    assert found.by == CALLS, f"{found.reached} of {found.made} calls are at the place"


def test_there_are_many_of_them_and_each_is_another():
    assert len(RARE) == len(rare_places()) >= 120


@pytest.mark.parametrize("family", ["activations", "losses", "initializers", "regularizers"])
def test_every_family_has_some(family):
    assert sum(rare.spec.family == family for rare in RARE.values()) >= 15
