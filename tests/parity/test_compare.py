"""Distances: what lies between two numbers, in units in the last place."""

import ml_dtypes
import numpy as np
import pytest

from parity.compare import distance, ordinals, signs_of_zero_differ, ulps, ulps_from_truth
from parity.dtypes import FORMATS, numpy_dtype, widened

DTYPES = tuple(FORMATS)


def _array(values, dtype):
    return np.array(values, dtype=numpy_dtype(dtype))


def _next(value, dtype, steps=1):
    array = _array(value, dtype)
    for _ in range(steps):
        array = np.nextafter(array, _array(np.inf, dtype))
    return array


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("start", [1.0, -1.0, 0.75, -3.0, 100.0])
def test_neighbours_are_one_ulp_apart(dtype, start):
    here = _array([start], dtype)
    assert ulps(here, _next(here, dtype), dtype) == [1]
    assert ulps(here, _next(here, dtype, 5), dtype) == [5]
    assert ulps(here, here, dtype) == [0]


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_distances_count_the_numbers_in_between(dtype):
    patterns = widened(np.arange(2**16, dtype=np.uint16).view(numpy_dtype(dtype)))
    finite = np.unique(patterns[np.isfinite(patterns)])
    place = ordinals(finite, dtype)
    if dtype == "float16":
        assert (np.diff(place) == 1).all()
    else:
        tiny = FORMATS[dtype].tiny
        assert (np.diff(place[np.abs(finite) >= tiny]) >= 1).all()
        assert (place[np.abs(finite) < tiny] == 0).all()
        assert place[finite == tiny] == [1]


@pytest.mark.parametrize("dtype", DTYPES)
def test_nan_agrees_with_nan_and_with_nothing_else(dtype):
    a = _array([np.nan, np.nan, 1.0, np.nan], dtype)
    b = _array([np.nan, 1.0, np.nan, np.inf], dtype)
    assert ulps(a, b, dtype).tolist() == [0, np.inf, np.inf, np.inf]
    assert ulps_from_truth(a, b.astype(np.float64), dtype).tolist() == [0, np.inf, np.inf, np.inf]


@pytest.mark.parametrize("dtype", DTYPES)
def test_an_infinity_agrees_with_itself_only(dtype):
    largest = FORMATS[dtype].largest
    a = _array([np.inf, np.inf, -np.inf, largest], dtype)
    b = _array([np.inf, -np.inf, -np.inf, np.inf], dtype)
    assert ulps(a, b, dtype).tolist() == [0, np.inf, 0, np.inf]


@pytest.mark.parametrize("dtype", DTYPES)
def test_zeros_of_both_signs_are_no_distance_apart_but_are_told_apart(dtype):
    a, b = _array([0.0, -0.0, 1.0], dtype), _array([-0.0, -0.0, 1.0], dtype)
    assert not ulps(a, b, dtype).any()
    assert signs_of_zero_differ(a, b).tolist() == [True, False, False]
    assert distance(a, b, dtype).signs_of_zero == 1


@pytest.mark.parametrize("dtype", ["float32", "float64", "bfloat16"])
def test_subnormal_numbers_count_as_zero(dtype):
    subnormal = _array([FORMATS[dtype].tiny / 4], dtype)
    assert subnormal[0] != 0
    assert ulps(subnormal, _array([0.0], dtype), dtype) == [0]
    assert ulps(_array([0.0], dtype), _array([FORMATS[dtype].tiny], dtype), dtype) == [1]
    assert ulps_from_truth(_array([0.0], dtype), subnormal.astype(np.float64), dtype) == [0]


def test_subnormal_numbers_of_float16_count_as_themselves():
    smallest = np.array([6e-8], np.float16)
    assert ulps(smallest, np.zeros(1, np.float16), "float16") == [1]


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_a_result_lost_above_the_last_binade_is_far_from_the_truth(dtype):
    lost = ulps_from_truth(_array([0.0], dtype), np.array([8 * FORMATS[dtype].tiny]), dtype)
    assert lost[0] > 100


def test_the_rounding_of_a_real_number_is_at_most_half_an_ulp_away():
    truth = np.random.default_rng(0).normal(0, 100, 1000)
    for dtype in ("float16", "bfloat16", "float32"):
        assert ulps_from_truth(_array(truth, dtype), truth, dtype).max() <= 0.5


def test_what_float64_lacks_of_the_truth_is_counted():
    one = np.ones(1)
    assert ulps_from_truth(one, one, "float64", np.array([2.0**-54])) == [0.25]


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32"])
def test_a_truth_beyond_the_range_is_an_infinity(dtype):
    truth = np.array([FORMATS[dtype].largest * 1.5])
    found = _array([np.inf, FORMATS[dtype].largest], dtype)
    assert ulps_from_truth(found[:1], truth, dtype) == [0]
    assert ulps_from_truth(found[1:], truth, dtype) == [np.inf]


def test_opposite_float64_numbers_do_not_overflow_the_count():
    gap = ulps(np.array([-1e308]), np.array([1e308]), "float64")[0]
    assert 1e18 < gap < 2e19


def test_integers_agree_or_they_do_not():
    assert ulps(np.array([1, 2]), np.array([1, 3]), "int32").tolist() == [0, np.inf]


def test_the_worst_point_is_found():
    a = np.array([1.0, 2.0, np.nan], np.float32)
    b = np.array([1.0, 2.5, np.nan], np.float32)
    found = distance(a, b, "float32")
    assert (found.index, found.unequal) == (1, 1)


def test_arrays_of_different_shapes_have_no_distance():
    with pytest.raises(ValueError, match="no distance"):
        distance(np.zeros(2), np.zeros(3), "float64")


def test_bfloat16_is_the_type_of_ml_dtypes():
    assert numpy_dtype("bfloat16") == ml_dtypes.bfloat16
