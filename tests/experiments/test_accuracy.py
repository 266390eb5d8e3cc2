"""The measurement of errors: its rules one by one, and planted mistakes through the whole study."""

import dataclasses
import json
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from experiments.accuracy import errors, survey
from experiments.accuracy.config import Config
from experiments.accuracy.grid import grid
from experiments.accuracy.sides import exact_results, side_of
from experiments.accuracy.study import run
from experiments.activation_rows import COUNTERPARTS, activation_rows
from experiments.progress import Progress
from parity.spec import on

ROWS = {row.label: row for row in activation_rows()}
COARSE = 40009


def _floats(*values):
    return np.array(values, np.float32)


def _measured(x, found, exact, dtype="float32"):
    return errors.measure(_floats(*x), _floats(*found), np.array(exact, np.float64), dtype)


@pytest.mark.parametrize(("dtype", "count"), [("bfloat16", 65280), ("float16", 63488)])
def test_half_precision_is_visited_at_every_finite_number(dtype, count):
    x = grid(dtype, 1021).astype(np.float64)
    assert len(x) == count
    assert np.all(np.isfinite(x))
    assert np.all(np.diff(x) >= 0)


def test_float32_is_visited_over_its_whole_range():
    x = grid("float32", 1021)
    assert len(x) > 4_100_000
    assert x[0] < -3.4e38
    assert x[-1] > 3.4e38
    assert np.count_nonzero(np.abs(x) < 1e-30) > 400_000
    assert np.all(np.diff(x) >= 0)


def test_an_error_is_counted_in_ulp_of_the_exact_result():
    ulp = 2.0**-23
    found = _measured([1, 2, 3], [1 + 2 * ulp, 4, 1], [1, 4 + 4 * ulp, 1])
    assert found.ulp == 2
    assert found.input == 1
    assert found.points == 3


@pytest.mark.parametrize(
    ("x", "exact"), [(1e-40, 1.0), (1.0, 1e-40), (1.0, 0.0)], ids=["input", "result", "zero"]
)
def test_only_normal_inputs_and_results_are_counted(x, exact):
    found = _measured([x, 2], [1e-40, 2], [exact, 2])
    assert found.points == 1
    assert found.ulp == 0
    assert found.within("float32")


def test_zero_is_one_ulp_off_the_smallest_normal_number_and_far_from_its_double():
    tiny = 2.0**-126
    assert _measured([1, 2], [0, 2], [tiny, 2]).ulp == 1
    assert _measured([1, 2], [0, 2], [2 * tiny, 2]).ulp > 1e6


def test_around_a_crossing_the_absolute_error_counts():
    x = np.linspace(1, 3, 4001)
    exact = x - 2.0
    off = np.where(np.abs(exact) < 0.05, 2.0**-23, 0)
    found = errors.measure(x.astype(np.float32), (exact + off).astype(np.float32), exact, "float32")
    # The moved result, of up to 0.05, is rounded to float32: by up to 2^-29, a share of 1/64.
    assert found.crossing == pytest.approx(2.0**-23, rel=2.0**-6)
    assert found.ulp < 1
    assert found.within("float32")
    far = np.where(np.abs(exact) > 0.07, 2.0**-20, 0)
    found = errors.measure(x.astype(np.float32), (exact + far).astype(np.float32), exact, "float32")
    assert found.ulp > 4
    found = errors.measure(
        x.astype(np.float32), (exact + 8 * off).astype(np.float32), exact, "float32"
    )
    assert found.ulp < 1
    assert not found.within("float32")


def test_neither_a_zero_at_0_nor_a_jump_nor_an_interval_of_zeros_is_a_crossing():
    x = np.linspace(-1, 1, 2001)
    assert not errors.around_crossings(x, x).any()
    assert not errors.around_crossings(x + 3, np.sign(x)).any()
    assert not errors.around_crossings(x + 3, np.sign(x) * np.maximum(np.abs(x) - 0.3, 0)).any()
    assert errors.around_crossings(x + 3, x).any()


def test_nan_and_infinity_are_found_wherever_the_result_is_finite():
    for bad in (np.nan, np.inf):
        found = _measured([1e-41, 2], [bad, 2], [1e-41, 2])
        assert found.undefined == 1
        assert not found.within("float32")
    assert _measured([1, 2], [np.inf, 2], [1e39, 2]).within("float32")


def test_a_normal_number_where_nearly_0_is_exact_is_found():
    found = _measured([1, 2], [1e-30, 2], [0, 2])
    assert found.stray == 1
    assert not found.within("float32")


def test_the_exact_results_of_functions_without_a_formula_are_torchs_in_float64():
    row = dataclasses.replace(ROWS["leaky_relu"], values={"negative_slope": 0.1})
    assert row.formula is None
    value, slope = exact_results(row, _floats(-2, 3))
    assert value.dtype == np.float64
    np.testing.assert_array_equal(value, [-2 * float(np.float32(0.1)), 3])
    np.testing.assert_array_equal(slope, [float(np.float32(0.1)), 1])


def test_every_elementwise_activation_is_measured_at_its_defaults():
    from jaxact import activations

    over_an_axis = {"glu", "softmax", "log_softmax", "softmin", "softmax2d", "gumbel_softmax"}
    measured = {row.function for row in ROWS.values() if row.pointwise and row.default}
    assert measured == set(activations.__all__) - over_an_axis


def test_every_counterpart_of_jax_nn_belongs_to_a_row():
    used = [row.counterpart for row in ROWS.values() if row.counterpart]
    assert len(used) == len(COUNTERPARTS)
    assert all(counterpart in used for counterpart in COUNTERPARTS.values())


@pytest.mark.parametrize("label", ["gelu", "prelu", "elu(alpha=-0.5)"])
@pytest.mark.parametrize("side", ["jaxact", "torch"])
def test_a_side_computes_value_and_slope(label, side):
    row = ROWS[label]
    x = np.linspace(-2, 2, 9).astype(np.float32)
    value, slope = side_of(row, side)(x)
    exact_value, exact_slope = exact_results(row, x)
    # torch's float32 is off by half an epsilon of terms near 1, whatever the result.
    tolerance = {"rtol": 1e-6, "atol": 3e-7}
    np.testing.assert_allclose(value, exact_value, **tolerance)
    np.testing.assert_allclose(slope[x != 0], exact_slope[x != 0], **tolerance)


def _judged(function, label="tanh"):
    planted = dataclasses.replace(ROWS[label], subject=on("jax", function))
    verdicts = survey.judge(survey.measure_row(planted, ["jaxact"], COARSE))
    return {verdict.claim.partition(":")[0]: verdict.holds for verdict in verdicts}


ALL_HOLD = {"bfloat16": True, "float16": True, "float32": True}


def _right_tanh(x):
    from jaxact.functional import tanh

    return tanh(x)


def _with_slope(function, slope):
    ruled = jax.custom_jvp(function)
    ruled.defjvp(lambda p, t: (function(*p), slope(*p).astype(p[0].dtype) * t[0]))
    return ruled


PLANTED = {
    "a slope of y(1 - y)": _with_slope(_right_tanh, lambda x: 1 - jnp.tanh(x) ** 2),
    "computed in the low dtype": lambda x: (jnp.exp(2 * x) - 1) / (jnp.exp(2 * x) + 1),
    "a wrong constant": lambda x: _right_tanh(x) * 1.01,
    "nan far out": lambda x: jnp.where(x > 1e4, jnp.nan, _right_tanh(x)),
    "not 0 where it should be": lambda x: _right_tanh(x) + (jnp.abs(x) < 1e-30) * 1e-30,
}


def test_the_right_function_passes():
    assert _judged(_right_tanh) == ALL_HOLD


@pytest.mark.parametrize("function", PLANTED.values(), ids=PLANTED.keys())
def test_a_planted_mistake_is_found(function):
    assert _judged(function) != ALL_HOLD


def test_a_mistake_in_float32_alone_breaks_its_verdict_alone():
    def function(x):
        return _right_tanh(x) * (1 + 1e-6 * (x.dtype == jnp.float32))

    assert _judged(function) == {**ALL_HOLD, "float32": False}


def test_nothing_measured_does_not_hold():
    assert not any(verdict.holds for verdict in survey.judge([]))


def test_the_study_writes_results_and_the_page(tmp_path):
    page = tmp_path / "docs" / "accuracy.md"
    config = Config(function=("tanh", "relu"), step=COARSE, table=str(page))
    outcome = run(config, tmp_path, Progress())
    assert outcome.holds, [str(verdict) for verdict in outcome.verdicts]
    found = json.loads((tmp_path / "accuracy.json").read_text())
    assert found["holds"] is True
    assert len(found["measurements"]) == 2 * 2 * 3 * 3
    assert {m["side"] for m in found["measurements"]} == {"jaxact", "jax.nn", "torch"}
    torch_tanh = [
        m
        for m in found["measurements"]
        if (m["function"], m["quantity"], m["dtype"], m["side"])
        == ("tanh", "slope", "float32", "torch")
    ]
    assert torch_tanh[0]["ulp"] > 1e6
    lines = [line for line in page.read_text().splitlines() if line.startswith("| `")]
    assert [line.split(" | ")[0] for line in lines] == ["| `relu`"] * 2 + ["| `tanh`"] * 2
    assert "**1.7e7**" in lines[3]


@pytest.mark.parametrize(
    "options", [{"side": ("numpy",)}, {"side": ("torch",)}, {"step": 0}, {"function": ("gleu",)}]
)
def test_a_config_that_cannot_be_measured_is_refused(options):
    with pytest.raises(ValueError, match="must be"):
        Config(**options)


def test_the_committed_page_has_a_line_for_every_function():
    """Its figures are measurements: `make accuracy` renews them."""
    page = (Path(__file__).parents[2] / "docs" / "accuracy.md").read_text(encoding="utf-8")
    for row in ROWS.values():
        if row.pointwise and row.listed:
            assert f"| `{row.label}` | value |" in page
            assert f"| `{row.label}` | slope |" in page
