"""The benchmark of the optimizers: the same step on all sides, verdicts that can fail, files."""

import dataclasses
import json
from pathlib import Path

import jax
import numpy as np
import optax
import pytest
import torch

from experiments.bench import cores, optimizer_cost
from experiments.bench.config import OptimizersConfig as Config
from experiments.bench.optimizer_cost import Costs, judge, measure_all
from experiments.bench.optimizer_steps import (
    FOREACH,
    FUSED,
    LARGE,
    LOOP,
    LR,
    OPTAX,
    OPTIMIZERS,
    SMALL,
    UNTIMED,
    Memory,
    arrays,
    calls,
    ours,
    theirs,
)
from experiments.bench.speed import JAXACT, TORCH, Comparison
from experiments.bench.timing import Ratio
from experiments.progress import Progress
from jaxact import optim

BY_LABEL = {optimizer.label: optimizer for optimizer in OPTIMIZERS}


@pytest.mark.parametrize("label", BY_LABEL)
def test_both_sides_make_the_same_steps(label):
    optimizer = BY_LABEL[label]
    drawn = arrays(SMALL, 1)[:2]
    params = [jax.numpy.asarray(array) for array in drawn]
    transformation = ours(optimizer)
    state, gradients = transformation.init(params), params
    weights = [torch.nn.Parameter(torch.tensor(array)) for array in drawn]
    for weight in weights:
        weight.grad = weight.detach().clone()
    step = theirs(optimizer, weights).step
    for _ in range(3):
        updates, state = transformation.update(gradients, state, params)
        params = optax.apply_updates(params, updates)
        step()
    # torch computes Muon's steps in bfloat16.
    atol = 5e-2 * LR if optimizer.name == "muon" else 1e-6
    for mine, other in zip(params, weights, strict=True):
        np.testing.assert_allclose(mine, other.detach(), rtol=1e-6, atol=atol)


@pytest.mark.parametrize("label", BY_LABEL)
def test_every_side_runs_twice(label):
    made = calls(BY_LABEL[label], SMALL, 1)
    assert {JAXACT} < set(made)
    for call in made.values():
        call()
        call()


def test_every_optimizer_is_timed_or_has_a_reason():
    makers = {
        name for name in optim.__all__ if name.islower() and hasattr(torch.optim, _of_torch(name))
    }
    untimed = {name for names in UNTIMED.values() for name in names}
    assert {optimizer.name for optimizer in OPTIMIZERS} | untimed == makers
    assert len(makers) == 15


def _of_torch(name):
    names = {each.lower(): each for each in dir(torch.optim) if each[0].isupper()}
    return names.get(name.replace("_", ""), "")


def _speed(size, **ratios):
    named = {FUSED: "fused", FOREACH: "foreach", LOOP: "loop", OPTAX: "optax"}
    found = {side: Ratio(ratios[n], ratios[n]) for side, n in named.items() if n in ratios}
    return Comparison(function=f"adam, {size}", size=size, ratios=found)


GOOD = Costs(
    speeds={
        1: [_speed(LARGE, fused=1.2, optax=1.0), _speed(SMALL, foreach=0.4, loop=0.3, optax=1.0)],
        2: [_speed(LARGE, fused=2.0, optax=1.0)],
    },
    memory=[Memory(optimizer="adam", arrays={JAXACT: 2, TORCH: 2})],
)


def _with(count, *found):
    return dataclasses.replace(GOOD, speeds={**GOOD.speeds, count: found})


BAD = {
    "fused": _with(1, _speed(LARGE, fused=1.3)),
    "optax": _with(2, _speed(LARGE, optax=1.06)),
    "foreach": _with(1, _speed(SMALL, foreach=0.6)),
    "loop": _with(1, _speed(SMALL, loop=0.6)),
    "not a number": _with(1, _speed(LARGE, fused=float("nan"))),
    "memory": dataclasses.replace(
        GOOD, memory=[Memory(optimizer="sgd", arrays={JAXACT: 1, TORCH: 0})]
    ),
}


def test_costs_within_all_limits_pass():
    assert len(judge(GOOD)) == 4
    assert all(verdict.holds for verdict in judge(GOOD))


@pytest.mark.parametrize("name", BAD)
def test_each_figure_beyond_its_limit_breaks_one_verdict(name):
    assert sum(not verdict.holds for verdict in judge(BAD[name])) == 1


def test_the_benchmark_writes_results_and_the_page(tmp_path, monkeypatch):
    monkeypatch.setattr(optimizer_cost.cores, "available", lambda: 1)
    page = tmp_path / "docs" / "optimizer_cost.md"
    config = Config(function=("adamax",), rounds=2, scale=0.01, table=str(page))
    outcome = measure_all(config, tmp_path, Progress())
    found = json.loads((tmp_path / "bench_optim.json").read_text())
    functions = [one["function"] for one in found["speeds"]["1"]]
    assert functions == [f"adamax, {LARGE}", f"adamax, {SMALL}"]
    assert found["memory"] == [{"optimizer": "adamax", "arrays": {JAXACT: 2, TORCH: 2}}]
    assert len(outcome.verdicts) == 4
    assert page.read_text().count("| `adamax` |") == 3


def test_arrays_of_one_optimizer_at_a_time():
    stages = []
    batches = "experiments.bench.optimizer_steps:batches"
    seconds = cores.measured(1, batches, ["adam"], 2, 0.01, stages.append)
    assert list(seconds) == [
        f"adam{options}, {leaves}" for leaves in (LARGE, SMALL) for options in ("", " amsgrad")
    ]
    assert [stage for stage in stages if "compiling" in stage][1] == (
        f"compiling adam amsgrad, {LARGE}, 1 core"
    )
    assert set(seconds[f"adam, {SMALL}"]) == {JAXACT, OPTAX, FUSED, FOREACH}


def test_the_committed_page_has_a_line_for_every_optimizer():
    """Its figures are measurements: `make bench` renews them."""
    page = (Path(__file__).parents[2] / "docs" / "optimizer_cost.md").read_text(encoding="utf-8")
    for label in BY_LABEL:
        assert f"| `{label}` |" in page
