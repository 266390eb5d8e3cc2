"""The benchmark: turns, ratios, verdicts that can fail, files."""

import dataclasses
import json
import time
from collections import Counter
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from experiments.activation_rows import activation_rows
from experiments.bench import activation_speed, speed_table
from experiments.bench.activation_speed import Speed, judge, recompilations
from experiments.bench.activations import Config, run
from experiments.bench.programs import JaxFunction, TorchFunction, compilations
from experiments.bench.timing import VISITS, ratio, repeated, take_turns
from experiments.progress import Progress
from parity.spec import on

X = np.linspace(-2, 2, 64, dtype=np.float32)


def test_all_calls_take_turns_in_orders_of_their_own():
    log, rounds = [], []
    groups = {
        group: {name: lambda key=(group, name): log.append(key) for name in "xyz"} for group in "ab"
    }
    seconds = take_turns(groups, 8, rounds.append, warm_up=1)
    assert rounds == list(range(9))
    assert {group: {n: len(t) for n, t in s.items()} for group, s in seconds.items()} == {
        "a": {"x": 8, "y": 8, "z": 8},
        "b": {"x": 8, "y": 8, "z": 8},
    }
    visits = len(log) // 9
    turns = [log[i : i + visits] for i in range(0, len(log), visits)]
    assert all(set(Counter(turn).values()) == {VISITS} for turn in turns)
    assert {turn[0][0] for turn in turns} == {"a", "b"}
    assert len({tuple(n for g, n in turn if g == "a") for turn in turns}) > 1


def test_the_fastest_visit_of_a_round_counts():
    pauses = iter([0, 0.05, 0.05] * 4)
    seconds = take_turns({"a": {"x": lambda: time.sleep(next(pauses))}}, 2, lambda turn: None)
    assert max(seconds["a"]["x"]) < 0.03


def test_a_ratio_is_the_median_of_the_rounds():
    assert ratio([1, 2, 30], [1, 1, 10]) == 2


def test_a_call_can_be_repeated():
    calls = []
    repeated(lambda: calls.append(1), 5)()
    assert len(calls) == 5


def test_forward_and_backward_compute_what_they_are_timed_for():
    ct = np.linspace(1, 2, 64, dtype=np.float32)
    ours = JaxFunction(on("jax", "nn.gelu", approximate=False), {}, None, X)
    theirs = TorchFunction(on("torch", "nn.functional.gelu"), {}, X)
    np.testing.assert_allclose(ours.forward()(), theirs.forward()().numpy(), rtol=1e-5, atol=1e-7)
    (slope,) = theirs.backward(lambda shape: ct)()
    np.testing.assert_allclose(ours.backward(lambda shape: ct)(), slope, rtol=1e-5, atol=1e-6)


def test_hyperparameters_and_keys_are_handed_on():
    function = JaxFunction(
        on("jax", "jaxact.functional.prelu"), {"weight": np.array([0.5])}, None, X
    )
    np.testing.assert_array_equal(function.forward()(), np.where(X > 0, X, X / 2))
    drawn = JaxFunction(on("jax", "jaxact.functional.rrelu"), {"training": True}, 3, X).forward()()
    assert len(np.unique(np.asarray(drawn)[X < 0] / X[X < 0])) > 10


@pytest.mark.parametrize(
    ("function", "kept"),
    [(jnp.sin, 1), (lambda x: jnp.sin(x) * jnp.exp(x), 4), (lambda x: 2 * x, 0)],
)
def test_what_the_backward_pass_keeps_is_counted(function, kept):
    counted = JaxFunction(on("jax", function), {}, None, X).residuals()
    assert counted == kept or (kept == 4 and counted > 1)


def test_compilations_are_counted():
    function = jax.jit(lambda x: x * 3 + 1)
    x = jnp.ones(7)
    assert compilations(lambda: function(x)) == 1
    assert compilations(lambda: function(x)) == 0


def test_a_function_that_recompiles_for_a_new_value_is_found(monkeypatch):
    assert recompilations("elu") == 0
    assert recompilations("relu") is None
    static = jax.jit(
        lambda input, alpha: jnp.where(input > 0, input, alpha * jnp.expm1(input)),
        static_argnames="alpha",
    )
    rows = [
        dataclasses.replace(row, subject=on("jax", static))
        for row in activation_rows()
        if row.function == "elu"
    ]
    monkeypatch.setattr(activation_speed, "activation_rows", lambda: rows)
    assert recompilations("elu") > 0


GOOD = Speed(
    function="gelu",
    label="gelu",
    elementwise=True,
    forward=1.5,
    backward=1.9,
    forward_to_jax_nn=0.5,
    backward_to_jax_nn=None,
    forward_to_torch=0.9,
    backward_to_torch=2.0,
    eager=5.0,
    residuals=1.0,
    recompiled=0,
)
BAD = {
    "forward": 3.1,
    "backward": 3.1,
    "forward_to_jax_nn": 1.06,
    "backward_to_jax_nn": 1.06,
    "forward_to_torch": 1.01,
    "eager": 10.1,
    "residuals": 2.0,
    "recompiled": 1,
}


def test_a_function_within_all_limits_passes():
    assert all(verdict.holds for verdict in judge([GOOD]))


@pytest.mark.parametrize("figure", BAD)
@pytest.mark.parametrize("spoil", [lambda value: value, lambda value: float("nan")])
def test_each_figure_beyond_its_limit_breaks_a_verdict_that_names_it(figure, spoil):
    verdicts = judge([GOOD, dataclasses.replace(GOOD, **{figure: spoil(BAD[figure])})])
    broken = [verdict for verdict in verdicts if not verdict.holds]
    assert broken
    assert any("gelu" in verdict.detail or "median" in verdict.detail for verdict in broken)


def test_the_median_has_a_limit_of_its_own():
    speeds = [dataclasses.replace(GOOD, backward=value) for value in (1.0, 2.5, 2.6)]
    broken = [verdict for verdict in judge(speeds) if not verdict.holds]
    assert [verdict.claim for verdict in broken] == ["the median takes at most 2 times x + 1"]


def test_functions_over_an_axis_are_measured_but_not_judged():
    slow = dataclasses.replace(GOOD, function="softmax", elementwise=False, forward=9.0, eager=50.0)
    assert all(verdict.holds for verdict in judge([GOOD, slow]))


def test_the_benchmark_writes_results_and_the_page(tmp_path):
    page = tmp_path / "docs" / "speed.md"
    config = Config(function=("relu", "glu", "softmax"), elements=2**16, rounds=2, table=str(page))
    outcome = run(config, tmp_path, Progress())
    assert len(outcome.verdicts) == 7
    found = json.loads((tmp_path / "bench_activations.json").read_text())
    assert [speed["label"] for speed in found["speeds"]] == ["relu", "glu", "softmax"]
    assert all(len(t) == 2 for s in found["seconds"].values() for t in s.values())
    assert "jax.nn backward" in found["seconds"]["relu"]
    lines = [line for line in page.read_text().splitlines() if line.startswith("| `")]
    assert [line.split(" | ")[0] for line in lines] == ["| `relu`", "| `glu`", "| `softmax`"]


@pytest.mark.parametrize(
    "options", [{"elements": 1000}, {"elements": 0}, {"rounds": 0}, {"function": ("gleu",)}]
)
def test_a_config_that_cannot_be_timed_is_refused(options):
    with pytest.raises(ValueError, match="must be"):
        Config(**options)


def test_the_committed_page_has_a_line_for_every_function():
    """Its figures are measurements: `make bench` renews them."""
    page = (Path(__file__).parents[2] / "docs" / "speed.md").read_text(encoding="utf-8")
    for row in activation_rows():
        if row.listed:
            assert f"| `{row.label}` |" in page
    assert " | ".join(speed_table.HEADER) in page
