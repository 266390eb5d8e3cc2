"""Signal propagation: theory with known answers, measurements, verdicts that can fail, files."""

import dataclasses
import json

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from experiments.progress import Progress
from experiments.signal_propagation import networks, theory
from experiments.signal_propagation.comparison import FACTOR, compare_all, verdict
from experiments.signal_propagation.config import ACTIVATIONS, INITIALIZERS, Config
from experiments.signal_propagation.signals import Pair, Signals
from jaxact import functional

SMALL = Config(
    initializer=("kaiming_normal", "torch_linear"),
    activation=("relu", "tanh"),
    depth=6,
    width=256,
    images=32,
    networks=4,
)


def test_kaiming_keeps_the_variance_of_relu_and_its_gradient():
    found = theory.expected(functional.relu, first=np.full(3, 2.0), gain=2.0, depth=20)
    # Of 20 layers, whose activations are computed in float32.
    np.testing.assert_allclose(found.forward, 2.0, rtol=1e-6)
    np.testing.assert_allclose(found.backward, 1.0, rtol=1e-6)


def test_half_the_variance_halves_with_every_layer_of_relu():
    found = theory.expected(functional.relu, first=np.ones(3), gain=1.0, depth=11)
    # Computed in float32, as above.
    np.testing.assert_allclose(found.forward, 0.5 ** np.arange(11), rtol=1e-6)


def test_images_of_different_norms_are_averaged_after_the_recursion():
    found = theory.expected(functional.gelu, first=np.array([0.1, 10.0]), gain=2.0, depth=9)
    apart = [
        theory.expected(functional.gelu, first=np.array([q]), gain=2.0, depth=9)
        for q in (0.1, 10.0)
    ]
    np.testing.assert_allclose(found.forward, np.mean([a.forward for a in apart], axis=0))
    np.testing.assert_allclose(found.backward, np.mean([a.backward for a in apart], axis=0))


def test_the_fixed_point_of_selu_is_1():
    found = theory.expected(functional.selu, first=np.array([0.5]), gain=1.0, depth=200)
    # selu's two constants are rounded to float32.
    np.testing.assert_allclose(found.forward[-1], 1.0, rtol=1e-6)


def test_the_weights_have_the_variances_that_theory_takes():
    for name in INITIALIZERS:
        for shape in ((96, 64), (256, 256)):
            drawn = networks.WEIGHTS[name].init(jax.random.key(1), shape, jnp.float32)
            expected = networks.WEIGHTS[name].variance(*shape)
            # The seed is fixed; the standard deviation for 6,144 normal numbers is 1.8 %.
            np.testing.assert_allclose(np.mean(np.square(drawn)), expected, rtol=0.05, err_msg=name)


def test_every_name_is_known_on_both_sides():
    assert set(networks.WEIGHTS) == set(INITIALIZERS)
    assert set(networks.ACTIVATIONS) == set(ACTIVATIONS)


def test_images_have_mean_square_1():
    x = networks.images(SMALL)
    assert x.shape == (32, 64)
    # The images and their mean squares are float32.
    np.testing.assert_allclose(np.mean(np.square(x)), 1, rtol=1e-6)


def test_a_vanishing_signal_is_measured_beyond_the_square_of_the_smallest_number():
    layers = jnp.full((2, 3, 4), 1e-15)
    # A float32, as its mean square would be if it did not underflow.
    np.testing.assert_allclose(networks._mean_square(layers), 1e-30, rtol=1e-6)


def _pair(factor):
    expected = Signals(forward=np.ones(3), backward=np.ones(3))
    measured = Signals(forward=np.array([1, factor, 1]), backward=np.ones(3))
    return Pair(
        initializer="a",
        activation="b",
        measured=measured,
        expected=expected,
        nearby=(expected, expected),
    )


@pytest.mark.parametrize(
    ("factor", "holds"),
    [(1.0, True), (0.9 * FACTOR, True), (1.1 * FACTOR, False), (0.4, False), (np.nan, False)],
)
def test_a_verdict_holds_within_the_factor_either_way(factor, holds):
    assert verdict(_pair(factor)).holds is holds


def test_layers_that_float32_cannot_hold_are_not_judged():
    pair = _pair(1.0)
    vanished = Signals(forward=np.array([1, 1, 1e-40]), backward=np.ones(3))
    measured = Signals(forward=np.array([1.0, 1.0, 0.0]), backward=np.ones(3))
    theory = {"expected": vanished, "nearby": (vanished, vanished)}
    assert verdict(dataclasses.replace(pair, **theory, measured=measured)).holds


def test_the_scatter_of_the_first_layer_counts_as_far_as_theory_carries_it():
    pair = _pair(3.0)
    larger = Signals(forward=np.array([1.0, 2.0, 1.0]), backward=np.ones(3))
    assert not verdict(pair).holds
    assert verdict(dataclasses.replace(pair, nearby=(pair.expected, larger))).holds


def test_the_study_follows_theory_and_writes_its_files(tmp_path):
    outcome = compare_all(SMALL, tmp_path, Progress())
    assert outcome.holds, [str(found) for found in outcome.verdicts]
    assert [path.name for path in outcome.files] == [
        "signal_propagation.json",
        "signal_propagation.png",
        "signal_propagation.svg",
    ]
    found = json.loads((tmp_path / "signal_propagation.json").read_text())
    assert len(found["pairs"]) == 4
    assert all(len(pair["measured"]["backward"]) == 6 for pair in found["pairs"])


def test_a_theory_of_another_gain_is_refuted():
    x = networks.images(SMALL)
    measured = networks.propagate(SMALL, "kaiming_normal", "relu", x)
    other = theory.expected(functional.relu, first=np.full(3, 2.0), gain=1.0, depth=SMALL.depth)
    pair = dataclasses.replace(_pair(1.0), measured=measured, expected=other, nearby=(other, other))
    assert not verdict(pair).holds


@pytest.mark.parametrize(
    "options", [{"initializer": ("he",)}, {"activation": ("elu",)}, {"depth": 0}, {"width": 0}]
)
def test_a_config_that_cannot_be_built_is_refused(options):
    with pytest.raises(ValueError, match="must be"):
        Config(**options)


def test_where_theory_decides_nothing_nothing_is_judged():
    pair = _pair(50.0)
    exploding = Signals(forward=np.array([1.0, 11.0, 1.0]), backward=np.ones(3))
    assert verdict(dataclasses.replace(pair, nearby=(pair.expected, exploding))).holds
