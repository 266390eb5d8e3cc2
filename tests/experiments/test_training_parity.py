"""The same network in torch and jaxact: it agrees, and a mistake in either would show."""

import dataclasses
import json
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import torch

from experiments.progress import Progress
from experiments.training_parity import agreement, descents, jax_side, torch_side
from experiments.training_parity.comparison import train_all
from experiments.training_parity.config import ALL, OPTIMIZERS, PLATEAU, SCHEDULES, Config, Training
from experiments.training_parity.problem import PARAMETERS, make_problem, reordered
from experiments.training_parity.study import run
from jaxact import optim

SMALL = Config(activation=("gelu",), steps=25, hidden=32, reorderings=2)
GELU, RELU = Training("gelu"), Training("relu")


def _runs(activation=None, training=GELU, config=SMALL):
    return train_all(make_problem(config), training, 2, lambda stage: None, activation)


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
    assert set(found["trainings"]) == {"relu, sgd", "gelu, sgd", "silu, sgd"}
    for training in found["trainings"].values():
        for quantity in ("loss", "loss_difference", "parameter_drift"):
            for curve in training[quantity].values():
                assert len(curve) == 25
                assert all(np.isfinite(curve))
        assert training["loss"]["jaxact_float64"][-1] < training["loss"]["jaxact_float64"][0]


def test_each_figure_is_written_twice(results):
    outcome, out = results
    names = {path.name for path in outcome.files}
    stems = ("training_parity", "training_parity_differences", "training_parity_parameters")
    figures = {f"{stem}.{suffix}" for stem in stems for suffix in ("png", "svg")}
    assert names == {"training_parity.json", *figures}
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
    drifts += [np.abs(losses - runs.torch64) for losses in runs.torch32_reordered]
    for start, end in ((0, 10), (10, 20), (20, 25)):
        assert set(limit[start:end]) == {max(drift[:end].max() for drift in drifts)}


def test_a_reordered_problem_is_the_same_in_real_arithmetic():
    problem = make_problem(SMALL)
    other = reordered(problem, 0)
    assert not np.array_equal(problem.batches, other.batches)
    first = torch_side.train(problem, GELU, np.float64).losses
    second = torch_side.train(other, GELU, np.float64).losses
    np.testing.assert_allclose(second, first, rtol=1e-13)


def test_both_precisions_start_from_the_same_weights():
    problem = make_problem(SMALL)
    for name in PARAMETERS:
        weights = problem.weights[name]
        np.testing.assert_array_equal(weights, weights.astype(np.float32))


def test_the_default_seed_keeps_hidden_units_off_the_kink_of_relu():
    problem = make_problem(Config())
    path = torch_side.train(problem, RELU, np.float64).parameters
    start = np.concatenate([problem.weights[name].ravel() for name in PARAMETERS])
    hidden, features = problem.weights["hidden.weight"].shape
    nearest = np.inf
    for flat, batch in zip([start, *path[:-1]], problem.batches, strict=True):
        weight = flat[: hidden * features].reshape(hidden, features)
        bias = flat[hidden * features :][:hidden]
        nearest = min(nearest, np.abs(problem.images.pixels[batch] @ weight.T + bias).min())
    assert nearest > 1e-6


def _in_float64(training):
    problem = make_problem(SMALL)
    return tuple(
        side.train(problem, training, np.float64).losses for side in (torch_side, jax_side)
    )


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_every_optimizer_agrees(optimizer):
    theirs, ours = _in_float64(Training("gelu", optimizer))
    np.testing.assert_allclose(ours, theirs, rtol=agreement.FLOAT64_LIMIT)


@pytest.mark.parametrize("schedule", SCHEDULES)
def test_every_schedule_agrees_and_matters(schedule):
    theirs, ours = _in_float64(Training("gelu", "momentum", schedule))
    np.testing.assert_allclose(ours, theirs, rtol=agreement.FLOAT64_LIMIT)
    constant = torch_side.train(make_problem(SMALL), Training("gelu", "momentum"), np.float64)
    assert np.array_equal(theirs, constant.losses) == (schedule == "constant")


def test_a_wrong_option_of_an_optimizer_breaks_both_verdicts(monkeypatch):
    def wrong(training, lr, steps):
        return optim.adam(0.003, eps=1e-6)

    monkeypatch.setattr(jax_side, "jaxact_descent", wrong)
    verdicts = agreement.verdicts("adam", _runs(training=Training("gelu", "adam")))
    assert [verdict.holds for verdict in verdicts] == [False, False]


def test_all_names_everything_that_goes_together():
    every = Config(activation=("gelu",), optimizer=(ALL,), schedule=(ALL,)).trainings
    assert len(every) == len(OPTIMIZERS) * len(SCHEDULES) - 3
    assert tuple(descents.OPTIMIZERS) == OPTIMIZERS
    assert ("constant", *descents.SCHEDULES, PLATEAU) == SCHEDULES


def test_every_option_is_one_of_torchs_and_changes_the_training():
    problem = make_problem(dataclasses.replace(SMALL, steps=10))
    trainings = Config(activation=("gelu",), optimizer=(ALL,), options=True).trainings
    losses = {t: torch_side.train(problem, t, np.float64).losses for t in trainings}
    for training, found in losses.items():
        plain = losses[training._replace(option="")]
        late = training.option == "t0=100"
        assert np.array_equal(found, plain) == (training.option == "" or late), training


def test_the_page_has_a_line_for_each_training(tmp_path):
    config = dataclasses.replace(
        SMALL,
        steps=3,
        optimizer=("sgd", "adam"),
        schedule=("constant", "step_lr"),
        table=str(tmp_path / "docs" / "training_parity.md"),
    )
    run(config, tmp_path, Progress())
    page = (tmp_path / "docs" / "training_parity.md").read_text()
    assert "--optimizer sgd --optimizer adam --schedule constant --schedule step_lr" in page
    for training in config.trainings:
        assert f"| {training} |" in page
    assert (tmp_path / "docs" / "training_parity.png").exists()


def test_the_committed_page_has_every_optimizer_with_every_option():
    """Its figures are measurements: its first line says how they are made."""
    page = (Path(__file__).parents[2] / "docs" / "training_parity.md").read_text(encoding="utf-8")
    for training in Config(activation=("gelu",), optimizer=(ALL,), options=True).trainings:
        assert f"| {training} |" in page


def test_64_bit_mode_and_torchs_threads_are_left_as_they_were():
    threads = torch.get_num_threads()
    _runs()
    assert torch.get_num_threads() == threads
    assert not jax.config.jax_enable_x64


@pytest.mark.parametrize(
    "options",
    [
        {"activation": ("tanh",)},
        {"optimizer": ("lbfgs",)},
        {"schedule": ("step",)},
        {"optimizer": ("rprop",), "schedule": (PLATEAU,)},
        {"steps": 0},
        {"batch": 0},
        {"hidden": 0},
    ],
)
def test_a_config_that_cannot_be_trained_is_refused(options):
    with pytest.raises(ValueError, match="must"):
        Config(**options)


def test_a_batch_larger_than_the_data_is_refused():
    with pytest.raises(ValueError, match="at most 1797"):
        make_problem(Config(batch=2000))
