"""The benchmark of the losses: workloads, verdicts that can fail, what devices exchange, files."""

import dataclasses
import json
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import torch

from experiments.bench import loss_cost, loss_page
from experiments.bench.config import LossesConfig as Config
from experiments.bench.devices import Sharded, array_sizes, travelling
from experiments.bench.large_vocabulary import CHUNKED, PLAIN, LargeVocabulary, measure
from experiments.bench.loss_cost import judge, measure_all
from experiments.bench.loss_results import Costs
from experiments.bench.speed import Comparison
from experiments.bench.timing import Ratio
from experiments.bench.workloads import workloads
from experiments.progress import Progress

WORKLOADS = list(workloads("losses", (), 1e-4))


@pytest.mark.parametrize("work", WORKLOADS, ids=lambda work: work.function)
def test_all_sides_compute_the_same_loss(work):
    ours = jnp.mean(work.jaxact.call(*map(jnp.asarray, work.jaxact.arguments)))
    theirs = work.torch.prepare(*map(torch.tensor, work.torch.arguments))().mean()
    # Means in float32, each added up in another order.
    np.testing.assert_allclose(ours, theirs.numpy(), rtol=2e-6, atol=1e-7)
    for peer in work.peers.values():
        of_peer = jnp.mean(peer.call(*map(jnp.asarray, peer.arguments)))
        np.testing.assert_allclose(of_peer, ours, rtol=2e-6, atol=1e-7)


PROGRAM = """
  %p = f32[1024,1024]{1,0} parameter(0)
  %a = f32[1024]{0} all-reduce(%b), to_apply=%add
  %g = (f32[128,64]{1,0}, s32[]) all-gather-start(%p), dimensions={1}
  %h = f32[8,16]{1,0} all-gather(%p), dimensions={1}
"""


def test_arrays_and_collectives_are_read_from_a_program():
    assert max(array_sizes(PROGRAM)) == 1024 * 1024
    assert travelling(PROGRAM) == {"all-reduce": 1024, "all-gather": 128 * 64}


def test_a_program_of_jax_is_read():
    program = jax.jit(lambda x: (x @ x.T).sum()).lower(jnp.ones((32, 4))).compile()
    assert max(array_sizes(program.as_text())) == 32 * 32
    assert travelling(program.as_text()) == {}


GOOD = Costs(
    speeds=[Comparison(function="mse_loss", size="8", ratios={"torch": Ratio(0.9, 0.8)})],
    large=LargeVocabulary(
        tokens=8,
        features=8,
        classes=8,
        temporary={CHUNKED: 10, PLAIN: 200},
        time=Ratio(1.2, 1.1),
    ),
    sharded=[
        Sharded(
            function="cross_entropy",
            axis="rows",
            difference=1e-7,
            largest=100,
            logits=800,
            travels={},
        )
    ],
)


def _spoilt(part, **fields):
    (old,) = getattr(GOOD, part)
    return dataclasses.replace(GOOD, **{part: [dataclasses.replace(old, **fields)]})


def _large(**fields):
    assert GOOD.large is not None
    return dataclasses.replace(GOOD, large=dataclasses.replace(GOOD.large, **fields))


BAD = {
    "slower": _spoilt("speeds", ratios={"optax": Ratio(1.2, 1.06)}),
    "not a number": _spoilt("speeds", ratios={"optax": Ratio(float("nan"), float("nan"))}),
    "memory": _large(temporary={CHUNKED: 10, PLAIN: 150}),
    "time": _large(time=Ratio(1.3, 1.0)),
    "another result": _spoilt("sharded", difference=1e-3),
    "gathered logits": _spoilt("sharded", largest=800),
}


def test_costs_within_all_limits_pass():
    assert len(judge(GOOD)) == 5
    assert all(verdict.holds for verdict in judge(GOOD))


@pytest.mark.parametrize("name", BAD)
def test_each_figure_beyond_its_limit_breaks_one_verdict(name):
    assert sum(not verdict.holds for verdict in judge(BAD[name])) == 1


def test_slower_only_within_the_scatter_of_the_rounds_is_not_slower():
    close = _spoilt("speeds", ratios={"torch": Ratio(1.2, 1.0)})
    assert all(verdict.holds for verdict in judge(close))


def test_the_large_vocabulary_is_weighed_and_timed():
    stages = []
    found = measure(0.01, stages.append)
    assert set(found.temporary) == {CHUNKED, PLAIN}
    assert min(found.temporary.values()) > 0
    assert found.time.median > 0
    assert stages


def test_the_benchmark_writes_results_and_the_page(tmp_path, monkeypatch):
    monkeypatch.setattr(loss_cost.devices, "measure", lambda: GOOD.sharded)
    page = tmp_path / "docs" / "loss_cost.md"
    chosen = ("mse_loss", "ctc_loss", CHUNKED)
    config = Config(function=chosen, rounds=2, scale=0.01, table=str(page))
    outcome = measure_all(config, tmp_path, Progress())
    assert len(outcome.verdicts) == 5
    found = json.loads((tmp_path / "bench_losses.json").read_text())
    assert [speed["function"] for speed in found["speeds"]] == ["ctc_loss", "mse_loss"]
    assert {side: len(t) for side, t in found["seconds"]["mse_loss"].items()} == {
        "jaxact": 2,
        "torch": 2,
        "optax": 2,
    }
    text = page.read_text()
    assert "| `mse_loss` | 41943 |" in text
    assert f"| `{PLAIN}` |" in text
    assert "| `cross_entropy` | rows | 1.0e-07 | 0.125 | nothing |" in text


def test_the_committed_page_has_a_line_for_every_loss():
    """Its figures are measurements: `make bench` renews them."""
    page = (Path(__file__).parents[2] / "docs" / "loss_cost.md").read_text(encoding="utf-8")
    for work in WORKLOADS:
        assert f"| `{work.function}` |" in page
    assert loss_page.LARGE.splitlines()[0] in page
    assert loss_page.SHARDED.splitlines()[0] in page
