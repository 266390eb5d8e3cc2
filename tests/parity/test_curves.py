"""The data of the plots."""

import numpy as np
import pytest

from parity import suite
from parity.cases import cases, select
from parity.engine import run

SPECS = suite.family("activations")

COLUMNS = (
    "x",
    "value",
    "slope",
    "value_ulp_subject",
    "value_ulp_reference",
    "slope_ulp_subject",
    "slope_ulp_reference",
)


@pytest.fixture(scope="module")
def curve():
    (result,) = run(select(cases(SPECS), "activations/gelu/float32/vjp"))
    return {name: np.array(result.curve[name]) for name in COLUMNS}


def test_every_column_has_a_number_for_each_point(curve):
    assert {column.shape for column in curve.values()} == {curve["x"].shape}
    assert all(np.isfinite(curve[name]).all() for name in ("x", "value", "slope"))


def test_points_go_from_left_to_right(curve):
    assert (np.diff(curve["x"]) > 0).all()


def test_both_signs_cover_the_exponent_range(curve):
    for side in (curve["x"], -curve["x"]):
        positive = side[side > 0]
        assert positive.min() < 1e-37
        assert positive.max() > 1e38


def test_the_worst_points_are_kept(curve):
    assert curve["value_ulp_reference"].max() > 1e6
    assert curve["value_ulp_subject"].max() <= 4


def test_values_and_slopes_are_the_functions(curve):
    at = np.flatnonzero(curve["x"] == 1.0)[0]
    assert curve["value"][at] == pytest.approx(0.8413447, abs=1e-6)
    assert curve["slope"][at] == pytest.approx(1.0833155, abs=1e-6)


def test_only_points_in_float32_are_plotted():
    results = run(select(cases(SPECS), "relu", check="vjp"))
    assert [r.case.dtype for r in results if r.curve] == ["float32"]
