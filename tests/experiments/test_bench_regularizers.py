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
from experiments.bench.speed import JAXACT, TORCH, Comparison
from experiments.bench.timing import Ratio
from experiments.bench.workloads import workloads
from experiments.progress import Progress
from parity.trees import flat

WORKLOADS = {work.function: work for work in workloads("regularizers", (), 1e-3)}
# Both sides draw at random, each in its own way.
RANDOM = {name for name, work in WORKLOADS.items() if "key" in str(work.jaxact.arguments[-1:])}
DIFFERENTIATED = {name for name, work in WORKLOADS.items() if work.jaxact.measure.gradients}


@pytest.mark.parametrize("name", sorted(DIFFERENTIATED - RANDOM))
def test_both_sides_of_a_row_give_the_same_gradients(name):
    sides = WORKLOADS[name].sides
    _, _, ours = sides[JAXACT].timed()()
    theirs = iter(sides[TORCH].timed()())
    arguments, gradients = sides[TORCH].arguments, sides[TORCH].measure.gradients
    for i, gradient in zip(gradients, ours, strict=True):
        # jax sorts the leaves of a dict by their names.
        by_path = flat(gradient)
        for path in flat(arguments[i]):
            other = next(theirs).numpy()
            # Sums in float32 over an axis, of terms as large as the largest result.
            size = float(np.max(np.abs(other), initial=1e-3))
            np.testing.assert_allclose(by_path[path], other, rtol=2e-5, atol=2e-5 * size)


@pytest.mark.parametrize("name", sorted(set(WORKLOADS) - (DIFFERENTIATED - RANDOM)))
def test_both_sides_of_every_other_row_run(name):
    for library in (JAXACT, TORCH):
        WORKLOADS[name].sides[library].timed()()


@pytest.mark.parametrize("name", [name for name, work in WORKLOADS.items() if work.peers])
def test_every_peer_runs(name):
    for peer in WORKLOADS[name].peers.values():
        peer.timed()()


BATCHES = "experiments.bench.regularizer_cost:batches"
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
    seconds = cores.measured(1, BATCHES, ["proximal_l1"], 2, 1e-3, stages.append)
    assert {name: len(times) for name, times in seconds["proximal_l1"].items()} == {
        JAXACT: 2,
        TORCH: 2,
    }
    assert stages[0] == "compiling proximal_l1, 1 core"


def test_a_process_that_fails_is_an_error():
    with pytest.raises(RuntimeError, match="the process on 1 cores failed"):
        cores.measured(1, BATCHES, ["nothing"], 1, 1e-3, lambda stage: None)


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
