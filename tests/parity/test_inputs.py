"""The numbers that functions are called with."""

import hashlib
import subprocess
import sys
from fractions import Fraction

import numpy as np
import pytest

from parity.dtypes import FORMATS, widened
from parity.inputs import problem
from parity.inputs.meetings import around
from parity.inputs.points import neighbourhoods, rounded_64, special
from parity.inputs.samples import SPECIAL_SAMPLES
from parity.inputs.streams import signed
from parity.spec import Choices, Fixed, Labels, Samples, Sweep, SweepAround, Template

FLOATS = ("float16", "bfloat16", "float32", "float64")


def _arrays(problem):
    return list(problem.arguments.values())


def _points(dtype, **fields):
    return widened(problem("key", dtype, (Sweep(**fields),)).first)


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
    first, again = problem("a", "float32", (Sweep(),)), problem("a", "float32", (Sweep(),))
    assert np.array_equal(first.first, again.first, equal_nan=True)
    assert np.array_equal(first.cotangent((5,)), again.cotangent((5,)))


def test_another_key_gives_other_numbers():
    a, b = (problem(key, "float32", (Sweep(),)).first for key in "ab")
    assert not np.array_equal(a, b, equal_nan=True)


def test_numbers_do_not_depend_on_the_process():
    code = (
        "from parity.inputs.streams import signed; "
        "print(signed('k', (3,), 'float64').tobytes().hex())"
    )
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
    assert wide.first.dtype == np.float64
    assert np.array_equal(wide.first, widened(narrow.first))
    assert np.array_equal(wide.cotangent((4, 3)), widened(narrow.cotangent((4, 3))))


def test_a_single_point_keeps_its_cotangent():
    whole = problem("key", "float32", (Sweep(),))
    single = whole.at(7)
    assert single.first == whole.first[7:8]
    assert single.cotangent((1,)) == whole.cotangent(whole.first.shape)[7:8]
    assert single.directions()["0"] == whole.directions()["0"][7:8]


def test_special_samples_lie_along_the_sample_axis():
    first = problem("key", "float32", (Samples(shape=(20, 4), special=True),)).first
    second = problem("key", "float32", (Samples(shape=(4, 20), axis=1, special=True),)).first
    assert np.isneginf(first[len(SPECIAL_SAMPLES) - 1]).all()
    assert np.isneginf(second[:, len(SPECIAL_SAMPLES) - 1]).all()
    assert np.isfinite(first[len(SPECIAL_SAMPLES) :]).all()


@pytest.mark.parametrize(("dtype", "lowest"), [("int32", -20), ("uint8", 0), ("bool", 0)])
def test_integers_stay_in_range(dtype, lowest):
    values = problem("key", dtype, (Sweep(),)).first
    assert values.dtype == dtype
    assert lowest <= values.min() < values.max()


def test_the_digest_is_the_one_that_recorded_runs_used():
    """A change here changes every recorded seed's numbers: say so in the changelog."""
    numbers = problem("activations/relu//float32/0", "float32", (Sweep(kinks=(0.0,)),)).first
    digest = hashlib.sha256(numbers.tobytes()).hexdigest()[:16]
    assert digest == "fd9b7a69aba39790"


def _pair(dtype, *described):
    return tuple(widened(a) for a in _arrays(problem("key", dtype, described)))


def _identities(values):
    """What tells numbers apart: the sign of zero counts, nan is nan."""
    return ["nan" if np.isnan(value) else str(value) for value in values]


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("second", [Sweep(), SweepAround()])
def test_special_numbers_of_two_arguments_meet_in_all_combinations(dtype, second):
    x, y = _pair(dtype, Sweep(kinks=(2.0,)), second)
    met = set(zip(_identities(x), _identities(y), strict=True))
    numbers = _identities(rounded_64(special(dtype, SweepAround()), dtype))
    assert met >= {(a, b) for a in numbers for b in numbers}


@pytest.mark.parametrize("dtype", FLOATS)
def test_every_choice_meets_every_kink_and_its_neighbours(dtype):
    x, y = _pair(dtype, Sweep(kinks=(0.5,)), Choices(values=(-1.0, 1.0)))
    assert set(y) == {-1.0, 1.0}
    for number in neighbourhoods((0.5,), dtype):
        assert set(y[x == number]) == {-1.0, 1.0}


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("kink", [-1.0, 0.0, 1.0, 1.35])
def test_a_difference_meets_a_kink_and_its_neighbours(dtype, kink):
    x, target = _pair(dtype, Sweep(), SweepAround(kinks=(kink,)))
    with np.errstate(invalid="ignore", over="ignore"):
        difference = x - target
    numbers = np.unique(neighbourhoods((kink,), dtype))
    at = float(numbers[numbers.size // 2])
    assert np.unique(x[difference == at]).size >= (60 if kink != 1.35 else 4)
    for number in numbers:
        assert np.unique(x[difference == number]).size >= 3


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_differences_around_a_kink_are_exact(dtype):
    left, right = around(1.35, dtype)
    exact = [Fraction(a) - Fraction(b) for a, b in zip(left, right, strict=True)]
    assert [Fraction(d) for d in left - right] == exact


def test_pairs_are_in_no_order():
    x, y = _pair("bfloat16", Sweep(), Sweep())
    assert np.unique(np.nan_to_num(y[: 2**16])).size == np.unique(np.nan_to_num(x)).size
    both = np.isfinite(x) & np.isfinite(y) & (x != 0) & (y != 0)
    assert abs(np.corrcoef(np.sign(x[both]), np.sign(y[both]))[0, 1]) < 0.05


@pytest.mark.parametrize("dtype", FLOATS)
def test_arguments_of_any_kind_have_one_length(dtype):
    arrays = _pair(
        dtype, Sweep(), Sweep(span=(0.0, 1.0)), Choices(values=(0.0, 1.0)), SweepAround()
    )
    assert len({array.shape for array in arrays}) == 1
    assert arrays[1].min() == 0
    assert arrays[1].max() == 1


def test_labels_are_int64_and_each_fourth_is_special():
    labels = problem("key", "float16", (Labels(shape=(9,), classes=3, special=(-100, 7)),)).first
    assert labels.dtype == np.int64
    assert labels[::4].tolist() == [-100, 7, -100]
    assert set(np.delete(labels, [0, 4, 8])) <= {0, 1, 2}


def test_given_numbers_are_these_and_get_the_dtype_if_they_are_floating():
    described = (Fixed(values=[1, 2]), Fixed(values=[True]), Fixed(values=[[0.5]]))
    whole, mask, weight = _arrays(problem("key", "float16", described))
    assert (whole.dtype, mask.dtype, weight.dtype) == (np.int64, np.bool_, np.float16)
    assert (whole.tolist(), mask.tolist(), weight.tolist()) == ([1, 2], [True], [[0.5]])


def test_constant_arguments_have_no_directions_and_keep_their_dtype():
    labels = Labels(shape=(4,), classes=3)
    choices = Choices(values=(0.25,), shape=(4,), differentiated=False)
    narrow = problem("key", "float16", (Samples(shape=(4, 3)), labels), {"weight": choices})
    assert list(narrow.directions()) == ["0"]
    assert _arrays(narrow.in_dtype("float64"))[1].dtype == np.int64
    assert narrow.in_dtype("float64").arguments["weight"].dtype == np.float64


def test_a_shape_is_that_of_every_pointwise_argument():
    described = (Sweep(), Choices(values=(1.0,)))
    shaped = problem("key", "float32", described, {"bias": Samples(shape=(2,))}, (2, 3))
    assert [a.shape for a in shaped.arguments.values()] == [(2, 3), (2, 3), (2,)]


TREE = {"a": {"weight": Samples(shape=(2, 3)), "bias": Fixed(values=(1, 2))}, "b": (Sweep(),)}


def test_the_leaves_of_a_tree_go_by_their_paths():
    found = problem("key", "float32", (TREE,), {"rest": [Samples(shape=(4,))]})
    assert list(found.arguments) == ["0/a/weight", "0/a/bias", "0/b/0", "rest/0"]
    assert list(found.directions()) == ["0/a/weight", "0/b/0", "rest/0"]


def test_leaves_make_up_the_arguments_again():
    found = problem("key", "float32", (TREE,), {"rest": [Samples(shape=(4,))]})
    (tree,), named = found.form.arguments(found.arguments)
    assert tree["a"]["weight"] is found.arguments["0/a/weight"]
    assert tree["b"][0] is found.arguments["0/b/0"]
    assert named["rest"][0] is found.arguments["rest/0"]


def test_each_leaf_of_a_result_has_a_cotangent_of_its_own():
    found = problem("key", "float32", (TREE,))
    assert not np.array_equal(found.cotangent((9,), "a"), found.cotangent((9,), "b"))
    wide = found.in_dtype("float64").cotangent((9,), "a")
    assert np.array_equal(wide, widened(found.cotangent((9,), "a")))


def test_of_a_template_only_shape_and_dtype_matter():
    found = problem("key", "float16", (Template(shape=(2, 0)),))
    assert (found.first.shape, found.first.dtype) == ((2, 0), np.float16)
    assert found.differentiated == ()


def test_special_samples_without_a_sample_axis_are_refused():
    with pytest.raises(ValueError, match="special=True needs a sample axis"):
        Samples(shape=(3,), axis=None, special=True)
