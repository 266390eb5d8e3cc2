"""Descent: batch sizes that share all but their size, paths, verdicts that can fail, files."""

import dataclasses
import json
import math
import re
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from experiments.descent import page, paths, training
from experiments.descent.comparison import batch_verdicts, compare_all, path_verdicts
from experiments.descent.config import BATCH, MINI_BATCH, OPTIMIZERS, STOCHASTIC, Config
from experiments.descent.found import Found, Interval, band, interval
from experiments.progress import Progress

SMALL = Config(images=60, mini_batch=12, epochs=3, seeds=3, width=8, timings=2, path_steps=20)
KINDS = {kind.name: kind for kind in SMALL.kinds}
LOSS, SLOPE = jax.jit(training.loss), jax.jit(jax.grad(training.loss))


@pytest.fixture(scope="module")
def problem():
    return training.make_problem(SMALL)


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    """The study with its files and its page, and how many programs trained its networks."""
    out = tmp_path_factory.mktemp("study")
    before = training.train._cache_size()
    config = dataclasses.replace(SMALL, table=str(out / "docs" / "descent.md"))
    outcome = compare_all(config, out, Progress())
    return out, outcome, training.train._cache_size() - before


def _train(problem, kind, measured=None):
    steps = SMALL.steps(kind) + 1
    measured = jnp.ones(steps, bool) if measured is None else measured
    rate = jnp.float32(kind.learning_rate)
    return training.train(problem, measured, rate, batch=kind.batch)


# ------------------------------------------------------------------------------------- one loop


def _by_hand(problem, seed, kind):
    """Plain gradient descent with Python's loop, and the losses that it went through."""
    given = jax.tree.map(lambda leaf: leaf[seed], problem)
    parameters, losses = given.start, [LOSS(given.start, given.x, given.y)]
    for rows in np.asarray(given.order).reshape(-1, kind.batch):
        slopes = SLOPE(parameters, given.x[rows], given.y[rows])
        parameters = jax.tree.map(lambda p, s: p - kind.learning_rate * s, parameters, slopes)
        losses.append(LOSS(parameters, given.x, given.y))
    return parameters, np.array(losses)


@pytest.mark.parametrize("name", [MINI_BATCH, BATCH])
def test_every_network_descends_as_one_by_hand(problem, name):
    course = _train(problem, KINDS[name])
    for seed in range(SMALL.seeds):
        end, losses = _by_hand(problem, seed, KINDS[name])
        np.testing.assert_allclose(course.losses[seed], losses, rtol=1e-5)
        jax.tree.map(
            lambda ours, mine, seed=seed: np.testing.assert_allclose(ours[seed], mine, atol=1e-5),
            course.end,
            end,
        )


def test_a_batch_of_all_images_is_full_gradient_descent_whatever_their_order(problem):
    given = jax.tree.map(lambda leaf: leaf[0], problem)
    parameters, rate = given.start, KINDS[BATCH].learning_rate
    for _ in range(SMALL.epochs):
        slopes = SLOPE(parameters, given.x, given.y)
        parameters = jax.tree.map(lambda p, s: p - rate * s, parameters, slopes)
    ours = jax.tree.map(lambda leaf: leaf[0], _train(problem, KINDS[BATCH]).end)
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, atol=1e-5), ours, parameters)


def test_the_descents_of_a_seed_start_from_the_same_loss(problem):
    first = [np.asarray(_train(problem, kind).losses[:, 0]) for kind in SMALL.kinds]
    np.testing.assert_allclose(first, [first[0]] * 3, rtol=1e-6)
    assert len(set(first[0].tolist())) == SMALL.seeds


def test_the_same_seed_gives_the_same_result_and_another_one_another(problem):
    kind = KINDS[MINI_BATCH]
    once, again = (_train(training.make_problem(SMALL), kind).losses for _ in range(2))
    np.testing.assert_array_equal(once, again)
    other = training.make_problem(dataclasses.replace(SMALL, seed=1))
    assert not np.any(np.asarray(_train(other, kind).losses) == np.asarray(once))


def test_measuring_changes_nothing_and_compiles_nothing(problem):
    kind = KINDS[MINI_BATCH]
    course, programs = _train(problem, kind), training.train._cache_size()
    silent = _train(problem, kind, jnp.zeros(SMALL.steps(kind) + 1, bool))
    assert training.train._cache_size() == programs
    assert np.all(np.isnan(silent.losses))
    assert np.all(np.isnan(silent.accuracies))
    jax.tree.map(np.testing.assert_array_equal, silent.end, course.end)


def test_no_digit_is_both_trained_and_tested_on_and_an_epoch_has_each_once(problem):
    assert problem.x.shape[1] + problem.unseen_x.shape[1] == 1797
    for x, unseen, order in zip(problem.x, problem.unseen_x, problem.order, strict=True):
        rows = np.round(np.concatenate([x, unseen]), 4)
        assert len(np.unique(rows, axis=0)) == 1797
        np.testing.assert_array_equal(np.sort(order, axis=1), [range(SMALL.images)] * SMALL.epochs)


def test_the_first_steps_are_measured_one_by_one_and_the_last_one_too():
    config = Config()
    for kind in config.kinds:
        steps = training.records(config, kind)
        np.testing.assert_array_equal(steps[: config.epochs + 1], range(config.epochs + 1))
        assert steps[-1] == config.steps(kind) == config.epochs * config.images / kind.batch
        assert np.all(np.diff(steps) > 0)


# ---------------------------------------------------------------------------------------- paths


@pytest.mark.parametrize("surface", paths.SURFACES, ids=lambda surface: surface.name)
def test_a_surface_is_0_at_its_minimum_and_flat_there(surface):
    minimum = jnp.array(surface.minimum)
    assert float(surface.function(minimum)) == pytest.approx(0, abs=1e-12)
    np.testing.assert_allclose(jax.grad(surface.function)(minimum), 0, atol=1e-5)
    assert float(surface.function(jnp.array(surface.start))) > 40
    for (low, high), start, end in zip(
        (surface.x, surface.y), surface.start, surface.minimum, strict=True
    ):
        assert low < start < high
        assert low < end < high


def test_every_optimizer_of_the_configuration_has_options_for_every_surface():
    for surface in paths.SURFACES:
        assert tuple(paths.OPTIMIZERS[surface.name]) == OPTIMIZERS


def test_a_path_of_sgd_is_gradient_descent_by_hand():
    surface = paths.SURFACES[0]
    found = paths.path(surface, "sgd", 5)
    point = jnp.array(surface.start)
    rate = paths.OPTIMIZERS[surface.name]["sgd"].options["lr"]
    for i in range(6):
        np.testing.assert_allclose(found.points[i], point, rtol=1e-5)
        assert found.values[i] == pytest.approx(float(surface.function(point)), rel=1e-5)
        point = point - rate * jax.grad(surface.function)(point)


def test_optimizers_take_different_paths_from_the_same_start(study):
    for some in json.loads((study[0] / "descent.json").read_text())["paths"].values():
        assert len({tuple(each["points"][0]) for each in some}) == 1
        assert len({tuple(np.round(each["points"][3], 4)) for each in some}) == len(OPTIMIZERS)


# ----------------------------------------------------------------------------------- statistics


def test_an_interval_is_that_of_student():
    found = interval(np.array([1.0, 2.0, 3.0]))
    assert found.mean == 2
    # The 97.5 % quantile with 2 degrees of freedom.
    assert found.margin == pytest.approx(4.302653 / math.sqrt(3), rel=1e-6)
    assert (found.low, found.high) == (2 - found.margin, 2 + found.margin)


@pytest.mark.parametrize(
    ("mean", "margin", "scale", "text"),
    [
        (0.000242, 0.0000141, 1, "0.000242 ± 0.000014"),
        (0.9782, 0.00998, 100, "97.8 ± 1.0"),
        (29.6, 2.6, 1, "29.6 ± 2.6"),
        (1234.5, 45.6, 1, "1234 ± 46"),
        (1.0, 0.0, 1, "1.0 ± 0.0"),
        (math.inf, math.nan, 1, "inf ± nan"),
    ],
)
def test_an_interval_is_written_to_the_second_digit_of_its_margin(mean, margin, scale, text):
    assert Interval(mean, margin).text(scale) == text


def test_a_band_is_of_logarithms():
    mean, low, high = band(np.array([[1.0], [10.0], [100.0]]))
    assert mean == pytest.approx(10)
    assert low * high == pytest.approx(100)


# ------------------------------------------------------------------------------------- verdicts


def _found(name, **changes):
    """A batch size for which every claim holds, but for the changes."""
    kind = {kind.name: kind for kind in Config().kinds}[name]
    smooth = name == BATCH
    passes = np.array([0, 10, 20, 30, 100]) if smooth else np.array([0, 0.5, 1, 2, 100])
    # Of the first 3 steps, the second raises the loss of the smaller batches.
    course = np.array([2.0, 1.0, 0.5, 0.09, 0.01] if smooth else [2.0, 1.0, 1.2, 0.09, 0.01])
    measured = {
        "steps": np.rint(passes * 1440 / kind.batch).astype(np.int64),
        "losses": course * np.array([[0.99], [1.0], [1.01]]),
        "accuracies": np.full((3, 5), 0.97),
        "seconds": np.array([1.0, 2.0, 4.0]),
    }
    return Found(kind=kind, images=1440, **(measured | changes))


def _failing(*changed):
    config = dataclasses.replace(Config(), epochs=3)
    found = {name: _found(name) for name in KINDS} | {one.kind.name: one for one in changed}
    verdicts = batch_verdicts(found, config)
    assert len(verdicts) == 7
    return [verdict.claim for verdict in verdicts if not verdict.holds]


def _losses(*course):
    return np.array(course) * np.array([[0.99], [1.0], [1.01]])


def test_every_claim_holds_where_it_should():
    assert _failing() == []


@pytest.mark.parametrize(
    ("name", "losses", "claim"),
    [
        (STOCHASTIC, _losses(2, 1, 1.2, 0.09, 0.1), "stochastic descent brings"),
        (MINI_BATCH, _losses(2, 1, 1.2, 0.09, np.nan), "mini-batch descent brings"),
        (BATCH, _losses(2, 1, 0.5, 0.09, np.inf), "batch descent brings"),
        (STOCHASTIC, _losses(2, 1, 0.9, 0.09, 0.01), "batch than with stochastic descent"),
        (MINI_BATCH, _losses(2, 1, 0.9, 0.09, 0.01), "batch than with mini-batch descent"),
        (STOCHASTIC, _losses(2, 1, 1.2, 0.2, 0.01), "stochastic descent needs fewer passes"),
        (MINI_BATCH, _losses(2, 1, 1.2, 0.2, 0.01), "mini-batch descent needs fewer passes"),
    ],
)
def test_a_claim_about_batches_fails_where_it_is_not_true(name, losses, claim):
    failing = _failing(_found(name, losses=losses))
    assert len(failing) == 1
    assert claim in failing[0]


def test_a_batch_that_rises_as_often_is_not_smoother():
    failing = _failing(_found(BATCH, losses=_losses(2, 1, 1.2, 0.09, 0.01)))
    assert ["rises less often" in claim for claim in failing] == [True, True]


def test_fewer_passes_within_chance_do_not_count():
    losses = np.array([[2, 1, 1.2, 0.09, 0.01], [2, 1, 1.2, 0.09, 0.01], [2, 1, 1.2, 0.2, 0.01]])
    assert any("stochastic descent needs" in c for c in _failing(_found(STOCHASTIC, losses=losses)))


def test_a_loss_that_is_not_reached_is_said_so():
    never = _found(BATCH, losses=_losses(2, 1, 0.5, 0.4, 0.3))
    found = {name: _found(name) for name in KINDS} | {BATCH: never}
    verdicts = batch_verdicts(found, dataclasses.replace(Config(), epochs=3))
    told = [v for v in verdicts if "fewer passes" in v.claim]
    assert not any(v.holds for v in told)
    assert all(v.detail.endswith("instead of not reached") for v in told)


def test_passes_seconds_and_rises_are_counted_by_hand():
    found = _found(STOCHASTIC)
    np.testing.assert_allclose(found.passes_to(0.1), [2, 2, 2])
    np.testing.assert_allclose(found.seconds_to(0.1), [0.04, 0.04, 0.04])
    np.testing.assert_allclose(found.rises(3), [1 / 3] * 3)


def _path(optimizer, end):
    points = np.array([[-4.0, 0.6], [end, 0.0]])
    return paths.Path(
        optimizer=optimizer,
        call=f"{optimizer}()",
        points=points,
        values=points[:, 0] ** 2,
        distances=np.abs(points[:, 0]),
    )


def _path_failing(**changed):
    ends = {"sgd": 1.0, "momentum": 0.5, "nesterov": 0.4, "adam": 0.3} | changed
    some = [_path(name, end) for name, end in ends.items()]
    verdicts = path_verdicts({surface.name: some for surface in paths.SURFACES})
    return [verdict.claim for verdict in verdicts if not verdict.holds]


def test_paths_that_come_closer_meet_every_claim():
    assert _path_failing() == []


@pytest.mark.parametrize("end", [5.0, math.nan])
def test_a_path_that_leads_away_fails(end):
    failing = _path_failing(adam=end)
    assert ["every optimizer ends lower" in claim for claim in failing] == [True, True]


@pytest.mark.parametrize("name", ["momentum", "nesterov"])
def test_momentum_that_does_not_help_fails(name):
    failing = _path_failing(**{name: 1.5})
    assert [claim.startswith("with the same learning rate") for claim in failing] == [True]


def test_without_all_three_nothing_is_said_of_momentum():
    some = {surface.name: [_path("sgd", 1.0)] for surface in paths.SURFACES}
    assert len(path_verdicts(some)) == 2


# ---------------------------------------------------------------------------------------- files


def test_each_batch_size_is_one_program_that_is_timed_as_it_is(study):
    assert study[2] <= 3
    assert training.train._cache_size() == 3


def test_the_study_writes_its_results_its_figures_and_its_page(study):
    out, outcome, _ = study
    assert [path.relative_to(out).as_posix() for path in outcome.files] == [
        "descent.json",
        *("descent.png", "descent.svg", "descent_paths.png", "descent_paths.svg"),
        *("docs/descent.md", "docs/descent.png", "docs/descent_paths.png"),
    ]
    assert all(path.stat().st_size > 1000 for path in outcome.files)
    # So few steps do not reach the loss: the page says so, and the claims fail.
    assert not outcome.holds
    assert "not reached" in (out / "docs" / "descent.md").read_text(encoding="utf-8")


def test_the_results_hold_every_seed_and_every_path(study):
    found = json.loads((study[0] / "descent.json").read_text())
    assert list(found["batches"]) == [STOCHASTIC, MINI_BATCH, BATCH]
    for one in found["batches"].values():
        assert np.shape(one["losses"]) == (SMALL.seeds, len(one["steps"]))
        assert len(one["seconds"]) == SMALL.timings
        assert len(one["final_loss"]["seeds"]) == SMALL.seeds
    for some in found["paths"].values():
        assert [each["optimizer"] for each in some] == list(OPTIMIZERS)
        assert all(np.shape(each["points"]) == (SMALL.path_steps + 1, 2) for each in some)
    assert found["environment"]["cores"] >= 1


PAGE = Path(__file__).parents[2] / "docs" / "descent.md"
STALE = "run `python -m experiments run descent --table docs/descent.md`"


def test_the_committed_page_has_every_batch_size_and_every_optimizer():
    text, config = PAGE.read_text(encoding="utf-8"), Config()
    for kind in config.kinds:
        cells = (kind.name, kind.batch, f"{kind.learning_rate:g}", config.steps(kind))
        assert "| " + " | ".join(map(str, cells)) + " |" in text, STALE
    for surface in paths.SURFACES:
        for name, optimizer in paths.OPTIMIZERS[surface.name].items():
            assert f"| `{name}` | `{optimizer}` |" in text, STALE


def test_the_prose_of_the_committed_page_is_that_of_today():
    text, today = PAGE.read_text(encoding="utf-8"), page.page({}, {}, [], Config())
    assert text.startswith(today.split("\n|")[0]), STALE
    for heading in ("### What it shows", "## Limits"):
        prose = today.partition(heading)[2].partition("\nValley:")[0].partition("\n|")[0]
        assert prose.partition("\n## ")[0] in text, STALE


def test_the_committed_page_met_every_claim_and_has_its_figures():
    text = PAGE.read_text(encoding="utf-8")
    claims = text.partition("## Claims")[2].partition("## ")[0]
    assert claims.count("\n- ") == 10
    assert "not met" not in claims
    figures = re.findall(r"\]\((\w+\.png)\)", text)
    assert figures == ["descent.png", "descent_paths.png"]
    assert all((PAGE.parent / figure).stat().st_size > 10_000 for figure in figures)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"seeds": 1}, "seeds must be at least 2 for an interval, got 1"),
        ({"mini_batch": 0}, "mini_batch must be from 1 to the 1440 images, got 0"),
        ({"mini_batch": 1441}, "mini_batch must be from 1 to the 1440 images, got 1441"),
        ({"mini_batch": 33}, "mini_batch must divide the 1440 images, got 33"),
        ({"images": 1797}, "images must be from 1 to 1796, got 1797"),
        ({"epochs": 0}, "epochs must be at least 1, got 0"),
        ({"path_steps": 0}, "path_steps must be at least 1, got 0"),
        ({"timings": 0}, "timings must be at least 1, got 0"),
        ({"width": -1}, "width must be at least 1, got -1"),
        ({"batch_rate": 0.0}, "batch_rate must be finite and above 0, got 0.0"),
        ({"target": math.nan}, "target must be finite and above 0, got nan"),
        ({"optimizer": ("adams",)}, r"optimizer must be among .*, got \['adams'\]"),
        ({"optimizer": ()}, r"optimizer must be among .*, got \[\]"),
    ],
)
def test_a_config_that_cannot_descend_is_refused(options, message):
    with pytest.raises(ValueError, match=message):
        Config(**options)


def test_the_kinds_differ_in_batch_size_and_rate_only():
    kinds = Config().kinds
    assert [(kind.name, kind.batch) for kind in kinds] == [
        (STOCHASTIC, 1),
        (MINI_BATCH, 32),
        (BATCH, 1440),
    ]
