"""The difference between two training runs, and its limit."""

import dataclasses
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from experiments.study import Verdict
from experiments.training_parity.problem import Trajectory

Curve = NDArray[np.float64]

# Relative, at every step.
FLOAT64_LIMIT = 1e-10


@dataclasses.dataclass(frozen=True, kw_only=True)
class Runs:
    """What is compared of the runs of one training: curves over its steps.

    Attributes:
        torch64: losses of torch in float64, the yardstick.
        jaxact64: of jaxact in float64.
        torch32: of torch in float32.
        jaxact32: of jaxact in float32.
        torch32_reordered: of torch in float32 on reordered copies of the problem.
        parameters64: distances of jaxact's parameters in float64 from the yardstick's, relative.
        parameters32: the same of jaxact in float32.
        torch_parameters32: the same of torch in float32.
        epoch: steps in an epoch.
    """

    torch64: Curve
    jaxact64: Curve
    torch32: Curve
    jaxact32: Curve
    torch32_reordered: Sequence[Curve]
    parameters64: Curve
    parameters32: Curve
    torch_parameters32: Curve
    epoch: int


def relative_difference(runs: Runs) -> Curve:
    """|jaxact64 - torch64| / |torch64| of the losses, [steps]."""
    return np.abs(runs.jaxact64 - runs.torch64) / np.abs(runs.torch64)


def float32_drift(runs: Runs) -> Curve:
    """|jaxact32 - torch64| of the losses, [steps]."""
    return np.abs(runs.jaxact32 - runs.torch64)


def torch_drift(runs: Runs) -> Curve:
    """|torch32 - torch64| of the losses, [steps]."""
    return np.abs(runs.torch32 - runs.torch64)


def drift_limit(runs: Runs) -> Curve:
    """The furthest that torch's float32 losses drift from its float64 ones by this epoch, [steps].

    limit(t) = max |loss_r(s) - loss64(s)| over all steps s up to the end of the epoch of step t and
    over torch's float32 runs r: torch on the problem as given and on reordered copies of it, which
    are equal in real arithmetic. A single step of a single run may by luck lie nearer to float64
    than float32 arithmetic does; the largest of all runs over an epoch hardly can.
    """
    drifts = [torch_drift(runs)]
    drifts += [np.abs(losses - runs.torch64) for losses in runs.torch32_reordered]
    furthest = np.maximum.accumulate(np.max(drifts, axis=0))
    steps = np.arange(len(furthest))
    ends = np.minimum((steps // runs.epoch + 1) * runs.epoch, len(furthest)) - 1
    return furthest[ends]


def parameter_distance(run: Trajectory, yardstick: Trajectory) -> Curve:
    """||p - p_yardstick|| / ||p_yardstick|| over all parameters, Euclidean, [steps]."""
    apart = run.parameters.astype(np.float64) - yardstick.parameters
    return np.linalg.norm(apart, axis=1) / np.linalg.norm(yardstick.parameters, axis=1)


def verdicts(training: str, runs: Runs) -> list[Verdict]:
    """The two claims of the study. A nan in any run breaks them."""
    relative, drift, limit = relative_difference(runs), float32_drift(runs), drift_limit(runs)
    within = drift / limit
    return [
        Verdict(
            claim=f"{training}: float64 losses agree to {FLOAT64_LIMIT:g} at every step",
            holds=bool(np.all(relative <= FLOAT64_LIMIT)),
            detail=f"at most {np.max(relative):.1e} relative",
        ),
        Verdict(
            claim=f"{training}: float32 losses stay within torch's own drift from float64",
            holds=bool(np.all(drift <= limit)),
            detail=f"at most {np.max(drift):.1e}, {np.max(within):.2f} of the drift",
        ),
    ]
