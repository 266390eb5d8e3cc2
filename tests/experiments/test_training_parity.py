"""The same network in torch and jaxact: it agrees, and a mistake in either would show."""

import dataclasses
import json

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import torch

from experiments.progress import Progress
from experiments.training_parity import agreement, jax_side, torch_side
from experiments.training_parity.comparison import train_all
from experiments.training_parity.config import Config
from experiments.training_parity.problem import PARAMETERS, make_problem, reordered
from experiments.training_parity.study import run

SMALL = Config(activation=("gelu",), steps=25, hidden=32, reorderings=2)


def _runs(activation=jax_side.ACTIVATIONS["gelu"], config=SMALL):
    return train_all(make_problem(config), "gelu", activation, 2, lambda stage: None)


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    out = tmp_path_factory.mktemp("results")
    config = dataclasses.replace(SMALL, activation=("relu", "gelu", "silu"))
    return run(config, out, Progress()), out


def test_both_frameworks_agree_for_every_activation(results):
    outcome, _ = results
    assert len(outcome.verdicts) == 6
    assert outcome.holds, [str(verdict) for verdict in outcome.verdicts]


def test_the_results_file_holds_every_curve(results):
    _, out = results
    found = json.loads((out / "training_parity.json").read_text())
    assert found["holds"] is True
    assert found["config"]["steps"] == 25
    assert set(found["activations"]) == {"relu", "gelu", "silu"}
    for activation in found["activations"].values():
        for quantity in ("loss", "loss_difference", "parameter_drift"):
            for curve in activation[quantity].values():
                assert len(curve) == 25
                assert all(np.isfinite(curve))
        assert activation["loss"]["jaxact_float64"][-1] < activation["loss"]["jaxact_float64"][0]


def test_the_figure_is_written_twice(results):
    outcome, out = results
    names = {path.name for path in outcome.files}
    assert names == {"training_parity.json", "training_parity.png", "training_parity.svg"}
    assert all((out / name).stat().st_size > 1000 for name in names)


@jax.custom_jvp
def _gelu_with_a_wrong_slope(x):
    return jax_side.ACTIVATIONS["gelu"](x)


@_gelu_with_a_wrong_slope.defjvp
def _(primals, tangents):
    out, slope = jax.jvp(jax_side.ACTIVATIONS["gelu"], primals, tangents)
    return out, slope * (1 + 1e-5)


WRONG = {
    "a slope off by 1e-5": _gelu_with_a_wrong_slope,
    "tanh for erf": lambda x: jax.nn.gelu(x, approximate=True),
    "nan": lambda x: jnp.where(x > 2, jnp.nan, x),
}


@pytest.mark.parametrize("activation", WRONG.values(), ids=WRONG.keys())
def test_a_wrong_activation_breaks_both_verdicts(activation):
    verdicts = agreement.verdicts("gelu", _runs(activation))
    assert [verdict.holds for verdict in verdicts] == [False, False]


def test_a_slope_that_is_wrong_in_one_precision_breaks_its_verdict_alone():
    def activation(x):
        right = jax_side.ACTIVATIONS["gelu"](x)
        return right * (1 + 1e-5) if x.dtype == jnp.float32 else right

    verdicts = agreement.verdicts("gelu", _runs(activation))
    assert [verdict.holds for verdict in verdicts] == [True, False]


def test_the_limit_is_the_furthest_that_torch_has_drifted_by_the_end_of_the_epoch():
    runs = dataclasses.replace(_runs(), epoch=10)
    limit = agreement.drift_limit(runs)
    drifts = [agreement.torch_drift(runs)]
    drifts += [np.abs(losses - runs.torch64.losses) for losses in runs.torch32_reordered]
    for start, end in ((0, 10), (10, 20), (20, 25)):
        assert set(limit[start:end]) == {max(drift[:end].max() for drift in drifts)}


def test_a_reordered_problem_is_the_same_in_real_arithmetic():
    problem = make_problem(SMALL)
    other = reordered(problem, 0)
    assert not np.array_equal(problem.batches, other.batches)
    first = torch_side.train(problem, "gelu", np.float64).losses
    second = torch_side.train(other, "gelu", np.float64).losses
    np.testing.assert_allclose(second, first, rtol=1e-13)


def test_both_precisions_start_from_the_same_weights():
    problem = make_problem(SMALL)
    for name in PARAMETERS:
        weights = problem.weights[name]
        np.testing.assert_array_equal(weights, weights.astype(np.float32))


def test_the_default_seed_keeps_hidden_units_off_the_kink_of_relu():
    problem = make_problem(Config())
    path = torch_side.train(problem, "relu", np.float64).parameters
    start = np.concatenate([problem.weights[name].ravel() for name in PARAMETERS])
    hidden, features = problem.weights["hidden.weight"].shape
    nearest = np.inf
    for flat, batch in zip([start, *path[:-1]], problem.batches, strict=True):
        weight = flat[: hidden * features].reshape(hidden, features)
        bias = flat[hidden * features :][:hidden]
        nearest = min(nearest, np.abs(problem.images.pixels[batch] @ weight.T + bias).min())
    assert nearest > 1e-6


def test_64_bit_mode_and_torchs_threads_are_left_as_they_were():
    threads = torch.get_num_threads()
    _runs()
    assert torch.get_num_threads() == threads
    assert not jax.config.jax_enable_x64


@pytest.mark.parametrize(
    "options", [{"activation": ("tanh",)}, {"steps": 0}, {"batch": 0}, {"hidden": 0}]
)
def test_a_config_that_cannot_be_trained_is_refused(options):
    with pytest.raises(ValueError, match="must be"):
        Config(**options)


def test_a_batch_larger_than_the_data_is_refused():
    with pytest.raises(ValueError, match="at most 1797"):
        make_problem(Config(batch=2000))
