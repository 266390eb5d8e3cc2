"""Overfitting: one compiled program, seeds that share all but the regularizer, verdicts, files."""

import dataclasses
import json
import re
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from experiments.overfitting import comparison, page, training
from experiments.overfitting.comparison import all_verdicts, best_before_stop, compare_all
from experiments.overfitting.config import PLAIN, RECORDS, REGULARIZERS, Config
from experiments.overfitting.found import Found
from experiments.overfitting.problem import batches, data, draw, held_out, is_wrong
from experiments.overfitting.regularizers import REGULARIZERS as ROWS
from experiments.overfitting.training import Run
from experiments.progress import Progress

# One for each place where a regularizer acts.
ACTING = (
    *("l1_penalty", "proximal_l1", "max_norm", "dropout", "dropconnect", "mixup"),
    *("batch_norm", "swa", "early_stopping"),
)
SMALL = Config(regularizer=ACTING, seeds=3, images=60, steps=40, batch=12, width=16)
# With these strengths a regularizer leaves everything as it is.
IDLE = {
    **dict.fromkeys(("l1_penalty", "proximal_l1", "dropout", "dropconnect", "mixup"), 0),
    "max_norm": 1e6,
    "swa": 1,
}


@pytest.fixture(scope="module")
def given():
    return training.given(SMALL)


@pytest.fixture(scope="module")
def compiled(given):
    """How many programs were compiled for all networks, and what they found."""
    jax.block_until_ready(given)
    names = []

    def listen(event, seconds, **about):
        if event == "/jax/core/compile/backend_compile_duration":
            names.append(about.get("fun_name"))

    jax.monitoring.register_event_duration_secs_listener(listen)
    try:
        runs = jax.block_until_ready(training.train_all(*given, SMALL))
    finally:
        jax.monitoring.unregister_event_duration_listener(listen)
    return names, jax.tree.map(np.asarray, runs)


@pytest.fixture(scope="module")
def runs(compiled):
    return compiled[1]


@pytest.fixture(scope="module")
def study(compiled, tmp_path_factory):
    """The study with its files; the program is compiled already."""
    out = tmp_path_factory.mktemp("study")
    return out, compare_all(SMALL, out, Progress())


def test_all_regularizers_with_all_seeds_are_one_compiled_program(compiled, study):
    names, runs = compiled
    assert len(names) == 1
    assert set(runs) == {PLAIN, *ACTING}
    assert training.train_all._cache_size() == 1


def test_the_program_of_the_study_has_every_regularizer():
    config = Config()
    found = jax.eval_shape(
        lambda *given: training.train_all(*given, config), *training.given(config)
    )
    assert set(found) == set(REGULARIZERS) == set(ROWS)
    for name, run in found.items():
        strengths = len(ROWS[name].candidates) if name in training.PATHS else 1
        assert run.test.shape == (strengths, config.seeds, RECORDS)


def test_every_network_of_every_strength_is_measured(runs):
    for name, run in runs.items():
        networks = len(training.strengths(SMALL)[name]), SMALL.seeds
        assert run.test.shape == run.train.shape == (*networks, RECORDS)
        assert run.zeros.shape == run.norm.shape == run.largest.shape == run.wrong.shape == networks
        for measured in (run.test, run.train, run.zeros, run.wrong):
            assert np.all((measured >= 0) & (measured <= 1)), name


def test_a_regularizer_without_strength_leaves_the_network_of_its_seed_alone(given, runs):
    keys, strengths, everything = given
    idle = {n: jnp.full_like(s, IDLE.get(n, 0)) for n, s in strengths.items()}
    found = training.train_all(keys, idle, everything, SMALL)
    # The strengths are arguments of the program: others compile nothing.
    assert training.train_all._cache_size() == 1
    for name in IDLE:
        for quantity in ("train", "test", "norm", "wrong"):
            expected = getattr(runs[PLAIN], quantity)[0]
            for of_strength in getattr(found[name], quantity):
                # Equal here; another processor may round another place in the batch otherwise.
                np.testing.assert_allclose(of_strength, expected, atol=1e-6, err_msg=name)


def test_every_regularizer_changes_the_network(runs):
    for name in ACTING:
        assert np.any(runs[name].norm[-1] != runs[PLAIN].norm[0]), name


def test_only_a_proximal_step_makes_weights_exactly_0(runs):
    for name, run in runs.items():
        assert np.any(run.zeros) == (name in comparison.PROXIMAL), name


def test_a_part_of_the_training_labels_is_wrong_and_no_label_of_the_test_set():
    config = dataclasses.replace(SMALL, wrong=0.25)
    everything = data()
    x, y, unseen = draw(jax.random.key(5), everything, config)
    assert len(x) + len(unseen.pixels) == len(everything.pixels)
    rows = {
        tuple(pixels): label for pixels, label in zip(*map(np.asarray, everything), strict=True)
    }
    right = np.array([rows[tuple(pixels)] for pixels in np.asarray(x)])
    np.testing.assert_array_equal(np.asarray(y) != right, is_wrong(config))
    assert np.count_nonzero(is_wrong(config)) == 15
    assert all(rows[tuple(p)] == label for p, label in zip(*map(np.asarray, unseen), strict=True))


def test_no_digit_is_both_trained_and_tested_on():
    numbered = data()._replace(pixels=jnp.arange(1797.0)[:, None])
    x, _, unseen = draw(jax.random.key(5), numbered, SMALL)
    assert sorted([*x[:, 0].tolist(), *unseen.pixels[:, 0].tolist()]) == list(range(1797))


def test_what_is_held_out_is_a_fifth_with_its_share_of_wrong_labels():
    config = Config()
    assert np.count_nonzero(held_out(config)) == 40
    assert np.count_nonzero(held_out(config) & is_wrong(config)) == 8


def test_what_is_held_out_is_not_said_to_be_memorized(runs):
    """Parts of 48 digits, of which 10 have wrong labels: not of 60 and 12."""
    assert np.count_nonzero(~held_out(SMALL)) == 48
    assert np.count_nonzero(is_wrong(SMALL) & ~held_out(SMALL)) == 10
    run = runs["early_stopping"]
    for parts, count in ((run.train, 48), (run.wrong, 10)):
        # Shares in float32: their counts are off by up to 3e-6.
        np.testing.assert_allclose(parts * count, np.round(parts * count), atol=1e-4)


def test_batches_are_whole_epochs_of_the_rows_given():
    rows = np.arange(5, 53)
    found = np.asarray(batches(jax.random.key(0), rows, SMALL))
    assert found.shape == (40, 12)
    epochs = found.reshape(10, 48)
    for epoch in epochs:
        np.testing.assert_array_equal(np.sort(epoch), rows)
    assert not np.array_equal(epochs[0], epochs[1])


def test_the_sweep_tries_every_candidate_on_other_seeds():
    sweep = Config(sweep=True, seeds=SMALL.seeds)
    mine, others = (
        set(map(bytes, jax.random.key_data(training.make_keys(c)))) for c in (SMALL, sweep)
    )
    assert not mine & others
    assert training.strengths(sweep) == {name: row.candidates for name, row in ROWS.items()}
    assert all(row.strength in row.candidates for row in ROWS.values())


def test_strengths_at_an_end_of_what_was_tried_are_named_on_the_page():
    ends = {
        name
        for name, row in ROWS.items()
        if row.symbol and row.strength in (min(row.candidates), max(row.candidates))
    }
    bullet = page.page({}, [], Config()).partition("at an end of the range that was tried.")[2]
    assert ends == set(re.findall(r"`(\w+)`", bullet.partition("\n- ")[0]))


# ------------------------------------------------------------------------------------- verdicts


def _found(name, **changes):
    """A regularizer for which every claim holds, but for the changes."""
    row, better = ROWS[name], name != PLAIN
    measured = {
        "train": np.ones((3, RECORDS)),
        "test": np.array([0.8, 0.79, 0.81])[:, None] + 0.1 * better + np.zeros(RECORDS),
        "wrong": np.full(3, 0.2 if better else 1.0),
        "zeros": np.full(3, 0.8 if name in comparison.PROXIMAL else 0.0),
        "norm": np.full(3, 5.0 if better else 10.0),
        "largest": np.full(3, 0.5),
        "validation": np.tile(np.array([3.0, 1.0, 2.0]), (3, 1)),
        "kept": np.ones(3),
    }
    run = Run(**{k: np.asarray(v)[None] for k, v in (measured | changes).items()})
    return Found(
        name=name, strengths=(row.strength,), chosen=0, runs=run, plain=np.array([0.8, 0.79, 0.81])
    )


def _all(*changed):
    found = {name: _found(name) for name in REGULARIZERS}
    return found | {one.name: one for one in changed}


def _failing(*changed):
    return [v.claim for v in all_verdicts(_all(*changed)) if not v.holds]


def test_every_claim_holds_where_it_should():
    assert len(all_verdicts(_all())) == 9
    assert _failing() == []


@pytest.mark.parametrize(
    ("name", "changes", "claim"),
    [
        (PLAIN, {"train": np.full((3, RECORDS), 0.99)}, "memorizes every label"),
        (PLAIN, {"test": np.full((3, RECORDS), 0.96)}, "memorizes every label"),
        ("proximal_l1", {"zeros": [0.8, 0.49, 0.8]}, "at least 50%"),
        ("proximal_l1", {"test": np.full((3, RECORDS), 0.785)}, "loses less than 1 point"),
        ("proximal_l1", {"test": np.full((3, RECORDS), np.nan)}, "loses less than 1 point"),
        ("max_norm", {"largest": [0.5, 0.5, 0.501]}, "bounds the norm"),
        ("early_stopping", {"kept": [1.0, 1.0, 1.01]}, "keeps the weights"),
        ("early_stopping", {"kept": [1.0, 1.0, np.nan]}, "keeps the weights"),
        ("l1_penalty", {"zeros": [0.0, 0.0, 0.001]}, "nothing but a proximal step"),
        ("dropout", {"zeros": [0.0, 0.0, 0.001]}, "nothing but a proximal step"),
        ("l2_penalty", {"norm": [5.0, 5.0, 10.1]}, "norm of the weights smaller"),
        ("decoupled_weight_decay", {"norm": [5.0, 5.0, np.nan]}, "norm of the weights smaller"),
        ("gaussian_dropout", {"wrong": [0.4, 0.5, 0.7]}, "less than 50%"),
        ("max_norm", {"wrong": [0.1, 0.1, np.nan]}, "less than 50%"),
    ],
)
def test_a_claim_fails_where_it_is_not_true(name, changes, claim):
    failing = _failing(_found(name, **changes))
    assert any(claim in one for one in failing)
    assert len(failing) <= 2


def test_without_wrong_labels_nothing_is_said_of_them():
    found = _all(_found(PLAIN, wrong=[np.nan] * 3), _found("dropout", wrong=[np.nan] * 3))
    assert not any("of the wrong labels" in v.claim for v in all_verdicts(found))


def test_gains_within_chance_do_not_count_as_help():
    by_chance = np.array([0.9, 0.69, 0.82])[:, None] + np.zeros(RECORDS)
    scattered = [_found(name, test=by_chance) for name in REGULARIZERS if name != PLAIN]
    assert not any(one.helps for one in scattered)
    assert ["most regularizers" in claim for claim in _failing(*scattered)].count(True) == 1


def test_a_better_strength_is_told():
    tried = _found("l2_penalty")
    test = np.stack([tried.runs.test[0], tried.runs.test[0] + 0.01 * np.array([[1], [1.1], [1.2]])])
    worse = dataclasses.replace(
        tried, strengths=(0.04, 0.08), runs=tried.runs._replace(test=test), chosen=0
    )
    verdicts = comparison.sweep_verdicts({"l2_penalty": worse, "batch_norm": _found("batch_norm")})
    assert [v.holds for v in verdicts] == [False]
    assert verdicts[0].claim.endswith("better than 0.04 by more than a standard error")
    by_chance = tried.runs.test[0] + 0.01 * np.array([[1], [-1], [0.1]])
    close = worse.runs._replace(test=np.stack([tried.runs.test[0], by_chance]))
    verdicts = comparison.sweep_verdicts({"l2_penalty": dataclasses.replace(worse, runs=close)})
    assert [v.holds for v in verdicts] == [True]
    chosen = dataclasses.replace(worse, chosen=1)
    assert [v.holds for v in comparison.sweep_verdicts({"l2_penalty": chosen})] == [True]


@pytest.mark.parametrize(
    ("losses", "patience", "best"),
    [
        ([3, 2, 1], 1, 1),
        ([3, 4, 1], 1, 3),
        ([3, 4, 1], 2, 1),
        ([3, 3, 3, 1], 2, 3),
        ([3, 4, 2, 5, 6, 1], 2, 2),
    ],
)
def test_the_best_before_a_stop_is_found_by_hand(losses, patience, best):
    assert best_before_stop(np.array(losses, float), patience) == best


def test_early_stopping_keeps_the_best_of_a_real_training(runs):
    run = runs["early_stopping"]
    best = [best_before_stop(losses, 10) for losses in run.validation[0]]
    # The same loss in float32, computed in the loop of training and again after it.
    np.testing.assert_allclose(run.kept[0], best, rtol=1e-6)


# ---------------------------------------------------------------------------------------- files


def test_the_study_writes_every_seed_of_every_regularizer(study):
    out, outcome = study
    assert [path.name for path in outcome.files] == [
        "overfitting.json",
        "overfitting.png",
        "overfitting.svg",
    ]
    found = json.loads((out / "overfitting.json").read_text())
    assert set(found["regularizers"]) == {PLAIN, *ACTING}
    for name, one in found["regularizers"].items():
        assert len(one["gain"]["seeds"]) == SMALL.seeds
        assert len(one["runs"]) == len(training.strengths(SMALL)[name])
        assert np.shape(one["runs"][0]["test"]) == (SMALL.seeds, RECORDS)
    assert len(found["verdicts"]) == 9


def test_a_sweep_writes_every_strength_and_no_figure(tmp_path, monkeypatch):
    monkeypatch.setattr(comparison, "train", lambda config, progress: _all())
    outcome = compare_all(Config(sweep=True), tmp_path, Progress())
    assert [path.name for path in outcome.files] == ["overfitting_sweep.json"]


def test_the_page_comes_with_its_figure(tmp_path, monkeypatch):
    monkeypatch.setattr(comparison, "train", lambda config, progress: _all())
    table = tmp_path / "docs" / "overfitting.md"
    outcome = compare_all(Config(table=str(table)), tmp_path / "out", Progress())
    assert outcome.files[-2:] == [table, table.with_suffix(".png")]
    assert table.with_suffix(".png").stat().st_size > 10_000
    assert "| `dropout` | noise | p = 0.6 |" in table.read_text(encoding="utf-8")


def test_a_figure_of_one_regularizer_has_no_empty_parts(tmp_path):
    found = {name: _found(name) for name in (PLAIN, "dropout")}
    paths = comparison.plot.draw(found, SMALL, tmp_path / "figure")
    assert [path.suffix for path in paths] == [".png", ".svg"]


PAGE = Path(__file__).parents[2] / "docs" / "overfitting.md"
STALE = "run `python -m experiments run overfitting --table docs/overfitting.md`"


def test_the_page_was_written_with_the_strengths_and_the_configuration_of_today():
    text = PAGE.read_text(encoding="utf-8")
    lines = dict(re.findall(r"^\| `(\w+)` \| (.*) \|$", text, flags=re.MULTILINE))
    assert set(lines) == set(REGULARIZERS), STALE
    for name, row in ROWS.items():
        assert lines[name].split(" | ")[:3] == [row.group, *page.strength_cells(row)], STALE
    prose = page.page({}, [], Config()).split("\n## Measured")[0]
    assert text.startswith(prose), STALE
    assert text.endswith(page.page({}, [], Config()).partition("## Findings")[2]), STALE


def test_the_committed_page_met_every_claim():
    claims = PAGE.read_text(encoding="utf-8").partition("## Claims")[2].partition("## ")[0]
    assert claims.count("\n- ") == 9
    assert "not met" not in claims


@pytest.mark.parametrize(
    "options",
    [
        {"regularizer": ("dropouts",)},
        {"seeds": 1},
        {"images": 1797},
        {"wrong": 1.5},
        {"steps": 30},
        {"steps": 0},
        {"batch": 161},
        {"width": 0},
    ],
)
def test_a_config_that_cannot_be_trained_is_refused(options):
    with pytest.raises(ValueError, match="must be"):
        Config(**options)


def test_networks_without_a_regularizer_are_always_among_the_tried_ones():
    assert Config(regularizer=("dropout",)).names == (PLAIN, "dropout")
