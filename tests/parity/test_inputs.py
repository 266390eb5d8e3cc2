"""The numbers that functions are called with."""

import hashlib
import subprocess
import sys

import numpy as np
import pytest

from parity.dtypes import FORMATS, widened
from parity.inputs import SPECIAL_SAMPLES, problem, signed
from parity.spec import Points, Samples

FLOATS = ("float16", "bfloat16", "float32", "float64")


def _points(dtype, **fields):
    return widened(problem("key", dtype, (Points(**fields),)).arrays[0])


@pytest.mark.parametrize("dtype", FLOATS)
def test_a_kink_is_visited_with_both_neighbours(dtype):
    x = np.unique(_points(dtype, kinks=(0.5,)))
    place = np.flatnonzero(x == 0.5)[0]
    ulp = FORMATS[dtype].epsilon / 2
    assert x[place + 1] - 0.5 == ulp
    assert 0.5 - x[place - 1] == ulp / 2


@pytest.mark.parametrize("dtype", FLOATS)
def test_special_values_are_visited(dtype):
    x = _points(dtype)
    assert np.isnan(x).any()
    for value in (np.inf, -np.inf, FORMATS[dtype].largest, -FORMATS[dtype].largest):
        assert value in x
    assert {np.signbit(zero) for zero in x[x == 0]} == {True, False}


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_every_binade_of_both_signs_is_visited(dtype):
    x = _points(dtype)
    x = x[np.isfinite(x) & (x != 0)]
    _, exponent = np.frexp(x)
    expected = np.arange(FORMATS[dtype].least, FORMATS[dtype].greatest + 1) + 1
    for sign in (-1, 1):
        assert np.array_equal(np.unique(exponent[np.sign(x) == sign]), expected)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_half_precision_visits_every_normal_number(dtype):
    x = _points(dtype)
    normal = np.isfinite(x) & (np.abs(x) >= FORMATS[dtype].tiny)
    binades = FORMATS[dtype].greatest - FORMATS[dtype].least + 1
    assert np.unique(x[normal]).size == 2 * binades * 2 ** FORMATS[dtype].mantissa


@pytest.mark.parametrize("dtype", ["float32", "float64", "bfloat16"])
def test_no_input_is_subnormal_where_subnormal_numbers_count_as_zero(dtype):
    x = np.abs(_points(dtype, kinks=(0.0,)))
    assert not ((x > 0) & (x < FORMATS[dtype].tiny)).any()


def test_a_span_has_both_ends_and_nothing_beyond():
    x = _points("float32", span=(0.25, 2.0))
    assert x.min() == 0.25
    assert x.max() == 2.0


def test_the_same_key_gives_the_same_numbers():
    first, again = problem("a", "float32", (Points(),)), problem("a", "float32", (Points(),))
    assert np.array_equal(first.arrays[0], again.arrays[0], equal_nan=True)
    assert np.array_equal(first.cotangent((5,)), again.cotangent((5,)))


def test_another_key_gives_other_numbers():
    a, b = (problem(key, "float32", (Points(),)).arrays[0] for key in "ab")
    assert not np.array_equal(a, b, equal_nan=True)


def test_numbers_do_not_depend_on_the_process():
    code = "from parity.inputs import signed; print(signed('k', (3,), 'float64').tobytes().hex())"
    printed = [
        subprocess.run(
            [sys.executable, "-c", code],
            env={"PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout.strip()
        for seed in ("1", "2")
    ]
    assert printed[0] == printed[1] == signed("k", (3,), "float64").tobytes().hex()


def test_cotangents_have_both_signs_and_are_not_all_powers_of_two():
    values = signed("key", (1000,), "float32")
    assert 400 < np.count_nonzero(values < 0) < 600
    mantissa, _ = np.frexp(values)
    assert 400 < np.count_nonzero(np.abs(mantissa) == 0.5) < 600
    assert np.abs(values).max() <= 1


def test_wider_numbers_are_the_same_numbers():
    narrow = problem("key", "bfloat16", (Samples(shape=(4, 3)),))
    wide = narrow.in_dtype("float64")
    assert wide.arrays[0].dtype == np.float64
    assert np.array_equal(wide.arrays[0], widened(narrow.arrays[0]))
    assert np.array_equal(wide.cotangent((4, 3)), widened(narrow.cotangent((4, 3))))


def test_a_single_point_keeps_its_cotangent():
    whole = problem("key", "float32", (Points(),))
    single = whole.at(7)
    assert single.arrays[0] == whole.arrays[0][7:8]
    assert single.cotangent((1,)) == whole.cotangent(whole.arrays[0].shape)[7:8]
    assert single.directions()[0][0] == whole.directions()[0][0][7:8]


def test_special_samples_lie_along_the_sample_axis():
    first = problem("key", "float32", (Samples(shape=(20, 4), special=True),)).arrays[0]
    second = problem("key", "float32", (Samples(shape=(4, 20), axis=1, special=True),)).arrays[0]
    assert np.isneginf(first[len(SPECIAL_SAMPLES) - 1]).all()
    assert np.isneginf(second[:, len(SPECIAL_SAMPLES) - 1]).all()
    assert np.isfinite(first[len(SPECIAL_SAMPLES) :]).all()


@pytest.mark.parametrize(("dtype", "lowest"), [("int32", -20), ("uint8", 0), ("bool", 0)])
def test_integers_stay_in_range(dtype, lowest):
    values = problem("key", dtype, (Points(),)).arrays[0]
    assert values.dtype == dtype
    assert lowest <= values.min() < values.max()


def test_the_digest_is_the_one_that_recorded_runs_used():
    """A change here changes every recorded seed's numbers: say so in the changelog."""
    numbers = problem("activations/relu//float32/0", "float32", (Points(kinks=(0.0,)),)).arrays[0]
    digest = hashlib.sha256(numbers.tobytes()).hexdigest()[:16]
    assert digest == "fd9b7a69aba39790"
