"""The benchmark of compiling: stages, verdicts that can fail, files."""

import json
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from experiments.bench import compile_cost, stages
from experiments.bench.compile_cost import judge
from experiments.bench.compile_pairs import pairs
from experiments.bench.compile_results import Compilation
from experiments.bench.config import CompilingConfig
from experiments.bench.peers import PEERS
from experiments.bench.stages import STAGES, TOTAL, Program, take_turns
from experiments.bench.timing import Ratio
from experiments.progress import Progress


def test_every_function_with_a_peer_is_compiled():
    found = list(pairs((), 2**-10))
    labels = {pair.label for pair in found}
    assert set(PEERS) <= labels
    assert {"relu", "gelu", "gelu(approximate=tanh)", "log_softmax"} <= labels
    assert len(labels) == len(found)
    assert {pair.peer for pair in found} == {"jax.nn", "optax", "flax"}


def test_the_stages_add_up():
    found = Program(jnp.sin, np.zeros(16, np.float32), gradients=(0,)).stages()
    assert set(found) == {*STAGES, TOTAL}
    assert min(found.values()) > 0
    assert sum(found[stage] for stage in STAGES) == pytest.approx(found[TOTAL])


def test_every_compilation_begins_with_empty_caches():
    traced = []

    @jax.jit
    def inner(x):
        traced.append(x)
        return x * x

    program = Program(inner, np.zeros(16, np.float32), gradients=(0,))
    for _ in range(3):
        program.stages()
    assert len(traced) == 3


def test_value_and_gradient_are_compiled_of_all_floating_results(monkeypatch):
    asked = []
    value_and_grad = jax.value_and_grad

    def seen(function, places):
        asked.append((jax.eval_shape(function, *program.arguments), places))
        return value_and_grad(function, places)

    monkeypatch.setattr(stages.jax, "value_and_grad", seen)
    several = {"a": np.zeros(3, np.float32)}, np.zeros(2, np.int32)
    program = Program(lambda tree, n: (tree, n, tree["a"] ** 2), *several, gradients=(0,))
    program.stages()
    assert asked == [(jax.ShapeDtypeStruct((), jnp.float32), (0,))]


def test_programs_take_turns():
    programs = {
        "ours": Program(jnp.sin, np.zeros(4, np.float32), gradients=(0,)),
        "theirs": Program(jnp.cos, np.zeros(4, np.float32), gradients=(0,)),
    }
    begun = []
    seconds = take_turns({"f": programs, "g": programs}, 2, begun.append)
    assert begun == [0, 1, 2]
    assert set(seconds) == {"f", "g"}
    assert all(len(times) == 2 for side in seconds["f"].values() for times in side.values())


def _found(label, total):
    ratios = dict.fromkeys((*STAGES, TOTAL), Ratio(total, total))
    seconds = {"jaxact": total, "jax.nn": 1.0}
    return Compilation(label=label, peer="jax.nn", seconds=seconds, ratios=ratios)


def test_verdicts_name_what_compiles_slowly():
    assert all(verdict.holds for verdict in judge([_found("relu", 1.3), _found("elu", 0.9)]))
    each, median = judge([_found("relu", 1.31), _found("elu", 0.8)])
    assert not each.holds
    assert "relu 1.31" in each.detail
    assert median.holds
    assert not judge([_found("relu", 1.2), _found("elu", 1.2)])[1].holds


def test_the_benchmark_writes_results_and_the_page(tmp_path):
    page = tmp_path / "docs" / "compiling.md"
    config = CompilingConfig(function=("relu", "mse_loss"), rounds=2, scale=0.01, table=str(page))
    outcome = compile_cost.measure_all(config, tmp_path, Progress())
    assert len(outcome.verdicts) == 2
    found = json.loads((tmp_path / "bench_compiling.json").read_text())
    assert [one["label"] for one in found["compilations"]] == ["relu", "mse_loss"]
    assert len(found["seconds"]["relu"]["jax.nn"]["trace"]) == 2
    assert "| `mse_loss` | optax |" in page.read_text()
    assert "| median |" in page.read_text()


def test_the_caches_on_disk_are_on_again_afterwards(tmp_path):
    before = jax.config.jax_enable_compilation_cache
    config = CompilingConfig(function=("relu",), rounds=1, scale=0.01)
    compile_cost.measure_all(config, tmp_path, Progress())
    assert jax.config.jax_enable_compilation_cache == before


def test_the_committed_page_has_a_line_for_every_function_with_a_peer():
    """Its figures are measurements: `make bench` renews them."""
    page = (Path(__file__).parents[2] / "docs" / "compiling.md").read_text(encoding="utf-8")
    for pair in pairs((), 2**-10):
        assert f"| `{pair.label}` | {pair.peer} |" in page
