"""The benchmark of the regularizers: the same work on all sides, verdicts that can fail, files."""

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest

from experiments.bench import cores, large_mean, regularizer_cost
from experiments.bench.augmented import Augmented, measure
from experiments.bench.config import RegularizersConfig as Config
from experiments.bench.large_mean import LargeMean
from experiments.bench.regularizer_cost import judge, measure_all
from experiments.bench.regularizer_results import Costs
from experiments.bench.regularizer_workloads import JAXACT, TORCH, workloads
from experiments.bench.speed import Comparison
from experiments.bench.timing import Ratio
from experiments.progress import Progress

WORKLOADS = {work.function: work for work in workloads(1e-3)}
# What has no random draw and returns its value first: both sides can be compared.
VALUES = ("layer_norm", "rms_norm", "group_norm", "instance_norm", "batch_norm", "normalize")


@pytest.mark.parametrize("name", VALUES)
def test_all_sides_give_the_same_gradient(name):
    calls = WORKLOADS[name].sides()
    ours, theirs = calls[JAXACT](), calls[TORCH]()
    for gradient, other in zip(ours[2], theirs, strict=True):
        np.testing.assert_allclose(gradient, other.numpy(), rtol=2e-4, atol=2e-4)


@pytest.mark.parametrize("name", ["l1_penalty", "l2_penalty", "elastic_net", "group_lasso"])
def test_penalties_of_both_sides_have_the_same_gradients(name):
    calls = WORKLOADS[name].sides()
    gradients = calls[JAXACT]()[1]
    weights = [gradients[key] for key in gradients if key.endswith("weight")]
    ours = {round(float(np.abs(w).sum()), 1) for w in weights}
    theirs = {round(float(w.abs().sum()), 1) for w in calls[TORCH]()}
    assert ours == theirs


@pytest.mark.parametrize("name", [name for name in WORKLOADS if name not in VALUES])
def test_every_side_of_every_workload_runs(name):
    for call in WORKLOADS[name].sides().values():
        call()


GOOD = Costs(
    speeds={
        1: [
            Comparison(function=name, size="8", ratios={"torch": Ratio(0.9, 0.8)})
            for name in ("layer_norm", "batch_norm", "dropout")
        ],
        2: [Comparison(function="ema", size="8", ratios={"optax": Ratio(1.2, 1.0)})],
    },
    means=[LargeMean(function="layer_norm", mean=1e4, errors={"jaxact": 1e-3, "torch": 1e-3})],
    images=[Augmented(transforms="random_crop", images=8, seconds=1e-3, temporary=1.0)],
)


def _slower(function, other, at_least):
    found = Comparison(function=function, size="8", ratios={other: Ratio(at_least, at_least)})
    return dataclasses.replace(GOOD, speeds={**GOOD.speeds, 4: [found]})


def _erring(jaxact):
    errors = {"jaxact": jaxact, "torch": 1e-3}
    found = LargeMean(function="layer_norm", mean=1e4, errors=errors)
    return dataclasses.replace(GOOD, means=[found])


BAD = {
    "slower than optax": _slower("ema", "optax", 1.06),
    "slower than flax": _slower("rms_norm", "flax", 1.06),
    "layer_norm": _slower("layer_norm", "torch", 1.3),
    "batch_norm": _slower("batch_norm", "torch", 1.3),
    "dropout": _slower("dropout", "torch", 1.01),
    "not a number": _slower("dropout", "torch", float("nan")),
    "errors": _erring(3e-3),
}


def test_costs_within_all_limits_pass():
    assert len(judge(GOOD)) == 5
    assert all(verdict.holds for verdict in judge(GOOD))


@pytest.mark.parametrize("name", BAD)
def test_each_figure_beyond_its_limit_breaks_one_verdict(name):
    assert sum(not verdict.holds for verdict in judge(BAD[name])) == 1


def test_errors_at_large_means_are_measured():
    found = {(one.function, one.mean): one.errors for one in large_mean.measure()}
    assert found["layer_norm", 1e4]["flax"] > 1
    assert found["layer_norm", 1e4]["jaxact"] < 1e-2


def test_a_process_has_the_cores_it_was_given():
    stages = []
    seconds = cores.measured(1, ["proximal_l1"], 2, 1e-3, stages.append)
    assert {name: len(times) for name, times in seconds["proximal_l1"].items()} == {
        JAXACT: 2,
        TORCH: 2,
    }
    assert stages[0] == "compiling proximal_l1, 1 core"


def test_a_process_that_fails_is_an_error():
    with pytest.raises(RuntimeError, match="the process on 1 cores failed"):
        cores.measured(1, [], 1, 1e-3, lambda stage: None)


def test_augmentation_is_timed_alone_and_together():
    stages = []
    found = measure(1e-3, stages.append)
    assert [one.images for one in found] == [50] * 4
    assert len(stages) == 4


def test_the_benchmark_writes_results_and_the_page(tmp_path, monkeypatch):
    monkeypatch.setattr(regularizer_cost.cores, "available", lambda: 1)
    page = tmp_path / "docs" / "regularizer_cost.md"
    config = Config(function=("clip_grad_norm",), rounds=2, scale=0.01, table=str(page))
    outcome = measure_all(config, tmp_path, Progress())
    found = json.loads((tmp_path / "bench_regularizers.json").read_text())
    assert [one["function"] for one in found["speeds"]["1"]] == ["clip_grad_norm"]
    assert len(outcome.verdicts) == 5
    assert "| `clip_grad_norm` |" in page.read_text()


def test_the_committed_page_has_a_line_for_every_workload():
    """Its figures are measurements: `make bench` renews them."""
    page = (Path(__file__).parents[2] / "docs" / "regularizer_cost.md").read_text(encoding="utf-8")
    for name in WORKLOADS:
        assert f"| `{name}` |" in page
