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
from experiments.bench.activation_speed import recompilations
from experiments.bench.config import ActivationsConfig as Config
from experiments.bench.programs import JaxFunction, TorchFunction, compilations
from experiments.bench.speed import Speed, judge
from experiments.bench.timing import VISITS, Ratio, ratio, repeated, take_turns
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
    assert ratio([1, 2, 30], [1, 1, 10]).median == 2


@pytest.mark.parametrize(("rounds", "place"), [(1, 0), (4, 0), (5, 0), (8, 1), (15, 3), (31, 10)])
def test_a_ratio_surely_exceeds_an_order_statistic_of_the_rounds(rounds, place):
    """The places are those of the sign test at 5 %, from its published tables."""
    seconds = list(range(1, rounds + 1))
    assert ratio(seconds, [1.0] * rounds).at_least == seconds[place]


def test_equally_fast_calls_are_seldom_surely_slower():
    noise = np.random.default_rng(0).lognormal(0, 0.1, (2, 1000, 15))
    surely = [ratio(a, b).at_least > 1 for a, b in zip(*noise, strict=True)]
    assert 0 < np.mean(surely) < 0.05


def test_a_call_can_be_repeated():
    calls = []
    repeated(lambda: calls.append(1), 5)()
    assert len(calls) == 5


def test_forward_and_backward_compute_what_they_are_timed_for():
    ct = np.linspace(1, 2, 64, dtype=np.float32)
    ours = JaxFunction(on("jax", "nn.gelu", approximate=False), {}, None, X)
    theirs = TorchFunction(on("torch", "nn.functional.gelu"), {}, X)
    # torch's float32 is off by an epsilon of terms near 1, whatever the result.
    tolerance = {"rtol": 1e-6, "atol": 5e-7}
    np.testing.assert_allclose(ours.forward()(), theirs.forward()().numpy(), **tolerance)
    (slope,) = theirs.backward(lambda shape: ct)()
    np.testing.assert_allclose(ours.backward(lambda shape: ct)(), slope, **tolerance)


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


def _sides(addition, jax_nn=None, torch=None):
    medians = {"x + 1": addition, "jax.nn": jax_nn, "torch": torch}
    return {side: Ratio(m, m) for side, m in medians.items() if m is not None}


GOOD = Speed(
    function="gelu",
    label="gelu",
    elementwise=True,
    forward=_sides(1.5, 0.5, 0.9),
    backward=_sides(1.9, torch=2.0),
    eager=5.0,
    residuals=1.0,
    recompiled=0,
)
NAN = float("nan")
BAD = [
    {"forward": _sides(3.1, 0.5, 0.9)},
    {"backward": _sides(3.1)},
    {"forward": _sides(1.5, 1.06, 0.9)},
    {"backward": _sides(1.9, 1.06)},
    {"forward": _sides(1.5, 0.5, 1.01)},
    {"eager": 10.1},
    {"residuals": 2.0},
    {"recompiled": 1},
    {"forward": _sides(NAN, 0.5, 0.9)},
    {"forward": _sides(1.5, NAN, 0.9)},
    {"forward": _sides(1.5, 0.5, NAN)},
    {"eager": NAN},
]


def test_a_function_within_all_limits_passes():
    assert all(verdict.holds for verdict in judge([GOOD]))


@pytest.mark.parametrize("spoilt", BAD, ids=str)
def test_each_figure_beyond_its_limit_breaks_a_verdict_that_names_it(spoilt):
    speeds = [GOOD, dataclasses.replace(GOOD, label="other"), dataclasses.replace(GOOD, **spoilt)]
    broken = [verdict for verdict in judge(speeds) if not verdict.holds]
    assert broken
    assert all("gelu" in verdict.detail or "median" in verdict.detail for verdict in broken)


def test_slower_only_within_the_scatter_of_the_rounds_is_not_slower():
    close = {**GOOD.forward, "jax.nn": Ratio(median=1.2, at_least=0.98)}
    assert all(verdict.holds for verdict in judge([dataclasses.replace(GOOD, forward=close)]))


def test_the_median_has_a_limit_of_its_own():
    speeds = [dataclasses.replace(GOOD, backward=_sides(value)) for value in (1.0, 2.5, 2.6)]
    broken = [verdict for verdict in judge(speeds) if not verdict.holds]
    assert [verdict.claim for verdict in broken] == ["the median takes at most 2 times x + 1"]


def test_the_times_of_functions_over_an_axis_have_no_limit():
    slow = dataclasses.replace(GOOD, elementwise=False, forward=_sides(9.0), residuals=2.0)
    assert all(verdict.holds for verdict in judge([GOOD, slow]))


def test_the_benchmark_writes_results_and_the_page(tmp_path):
    page = tmp_path / "docs" / "speed.md"
    config = Config(function=("relu", "glu", "softmax"), scale=2**-6, rounds=2, table=str(page))
    outcome = activation_speed.measure_all(config, tmp_path, Progress())
    assert len(outcome.verdicts) == 7
    found = json.loads((tmp_path / "bench_activations.json").read_text())
    assert [speed["label"] for speed in found["speeds"]] == ["softmax", "glu", "relu"]
    assert all(len(t) == 2 for s in found["seconds"].values() for t in s.values())
    assert "jax.nn backward" in found["seconds"]["relu"]
    lines = [line for line in page.read_text().splitlines() if line.startswith("| `")]
    assert [line.split(" | ")[0] for line in lines] == ["| `softmax`", "| `glu`", "| `relu`"]


def test_the_committed_page_has_a_line_for_every_function():
    """Its figures are measurements: `make bench` renews them."""
    page = (Path(__file__).parents[2] / "docs" / "speed.md").read_text(encoding="utf-8")
    for row in activation_rows():
        if row.listed:
            assert f"| `{row.label}` |" in page
    assert " | ".join(speed_table.HEADER) in page
