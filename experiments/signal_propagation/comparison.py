"""The study itself: every pair of initializer and activation, the comparison, the files."""

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from experiments.progress import Progress
from experiments.results import write_json
from experiments.signal_propagation import networks, plot, theory
from experiments.signal_propagation.config import Config
from experiments.signal_propagation.signals import Curve, Pair
from experiments.study import Outcome, Verdict, findings

# Networks of finite width scatter around the theory, the more the deeper they are.
FACTOR = 2.0
SIGMAS = 3.0
# Where theory itself takes first layers, as different as a finite width makes them, further apart
# than this factor, it predicts nothing: under gelu small signals vanish fast, large ones slowly.
UNDECIDED = 10.0
# Below this the squares of float32 numbers lose their digits.
VANISHED = 1e-30


def compare_all(config: Config, out: Path, progress: Progress) -> Outcome:
    """Measures every pair, writes the results file and the figure."""
    x = networks.images(config)
    pairs: list[Pair] = []
    named = [(i, a) for a in config.activation for i in config.initializer]
    with progress.stages("signal_propagation", len(named)) as advance:
        for initializer, activation in named:
            advance(f"{initializer}, {activation}")
            pairs.append(_pair(config, initializer, activation, x))
    verdicts = [verdict(pair) for pair in pairs]
    results = {
        **findings("signal_propagation", config, verdicts),
        "pairs": [dataclasses.asdict(pair) for pair in pairs],
    }
    files = [
        write_json(out / "signal_propagation.json", results),
        *plot.draw(pairs, out / "signal_propagation"),
    ]
    return Outcome(verdicts=verdicts, files=files)


def _pair(config: Config, initializer: str, activation: str, x: Any) -> Pair:
    first = networks.input_variances(config, initializer, x)
    # A mean square of so many units: where signals of different sizes part, its scatter decides.
    scatter = SIGMAS * np.sqrt(2 / config.width)
    expected, smaller, larger = (
        theory.expected(
            networks.ACTIVATIONS[activation],
            first * size,
            networks.hidden_gain(config, initializer),
            config.depth,
        )
        for size in (1, max(1 - scatter, 0), 1 + scatter)
    )
    return Pair(
        initializer=initializer,
        activation=activation,
        measured=networks.propagate(config, initializer, activation, x),
        expected=expected,
        nearby=(smaller, larger),
    )


def verdict(pair: Pair) -> Verdict:
    """Whether theory describes the measurement as far as it decides it and float32 can hold it."""
    theories = (pair.expected, *pair.nearby)
    forward, backward = [t.forward for t in theories], [t.backward for t in theories]
    decided = np.max(forward, axis=0) < UNDECIDED * np.min(forward, axis=0)
    # A gradient has come through all the layers above.
    decided_above = np.logical_and.accumulate(decided[::-1])[::-1]
    apart = {
        "signal": _farthest(pair.measured.forward, forward, decided),
        "gradient": _farthest(pair.measured.backward, backward, decided_above),
    }
    return Verdict(
        claim=f"{pair.initializer} with {pair.activation} follows theory to a factor of {FACTOR:g}",
        holds=all(factor <= FACTOR for factor in apart.values()),
        detail=", ".join(f"{name} at most {factor:.2f}" for name, factor in apart.items())
        + f"; decided in {np.count_nonzero(decided)} of {decided.size} layers",
    )


def _farthest(measured: Curve, theories: Sequence[Curve], decided: NDArray[np.bool_]) -> float:
    """The largest ratio, either way, of the measurement to the range of the theories."""
    lowest, highest = np.min(theories, axis=0), np.max(theories, axis=0)
    held = decided & (lowest > VANISHED)
    below, above = lowest[held] / measured[held], measured[held] / highest[held]
    return float(np.max([np.ones_like(below), below, above], initial=1))
