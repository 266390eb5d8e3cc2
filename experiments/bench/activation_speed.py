"""The benchmark of the activations: what is timed, the verdicts and the files."""

import dataclasses
import functools
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jax
import numpy as np
from numpy.typing import NDArray

from experiments.activation_rows import Row, activation_rows, selected_rows
from experiments.bench import speed_table
from experiments.bench.config import ActivationsConfig
from experiments.bench.programs import EAGER_CALLS, JaxFunction, TorchFunction, compilations
from experiments.bench.speed import ADDITION, JAX_NN, TORCH, Speed, judge
from experiments.bench.timing import Call, Ratio, Seconds, ratio, take_turns
from experiments.progress import Progress
from experiments.results import write_json, write_text
from experiments.study import Outcome, findings

# Functions over an axis: the shape of the input and what selects the axis.
OVER_AN_AXIS: Mapping[str, tuple[tuple[int, ...], Mapping[str, Any]]] = {
    "glu": ((-1, 2048), {}),
    "softmax": ((-1, 1024), {"dim": 1}),
    "log_softmax": ((-1, 1024), {"dim": 1}),
    "softmin": ((-1, 1024), {"dim": 1}),
    "softmax2d": ((-1, 64, 32, 32), {}),
    "gumbel_softmax": ((-1, 1024), {}),
}
WARM_UP = 3


def measure_all(config: ActivationsConfig, out: Path, progress: Progress) -> Outcome:
    """Times what the configuration selects, writes the results file and, if asked, the table."""
    busy = os.getloadavg()[0]
    rows = [row for row in selected_rows(config.function) if row.listed]
    seconds, fixed = _time(rows, config, progress)
    speeds = [_speed(row, seconds[row.label], fixed[row.label]) for row in rows]
    verdicts = judge(speeds)
    results = {
        **findings("bench activations", config, verdicts, load=busy),
        "speeds": [dataclasses.asdict(speed) for speed in speeds],
        "seconds": seconds,
    }
    files = [write_json(out / "bench_activations.json", results)]
    if config.table:
        page = speed_table.page(speeds, verdicts, config, busy)
        files.append(write_text(Path(config.table), page))
    progress.show(speed_table.rich_table(speeds))
    return Outcome(verdicts=verdicts, files=files)


def _time(
    rows: list[Row], config: ActivationsConfig, progress: Progress
) -> tuple[dict[str, Seconds], dict[str, dict[str, Any]]]:
    """By label: the times of every call, and what needs no clock."""
    groups: dict[str, dict[str, Call]] = {}
    fixed: dict[str, dict[str, Any]] = {}
    with progress.stages("compiling", len(rows)) as advance:
        for row in rows:
            advance(row.label)
            x, values = _input(row.function, config.elements), _values(row)
            groups[row.label] = _calls(row, values, x)
            fixed[row.label] = {
                "residuals": JaxFunction(row.subject, values, row.key, x).residuals(),
                "recompiled": recompilations(row.function),
            }
    with progress.stages("timing", WARM_UP + config.rounds) as advance:
        seconds = take_turns(
            groups, config.rounds, lambda turn: advance(f"round {turn + 1}"), WARM_UP
        )
    return seconds, fixed


def recompilations(function: str) -> int | None:
    """Programs that jax compiles when every number among a function's hyperparameters changes."""
    rows = [row for row in activation_rows() if row.function == function and _numbers(row.values)]
    if not rows:
        return None
    x, values = _input(function, 2**16), rows[0].values
    first, second = (
        JaxFunction(rows[0].subject, given, rows[0].key, x)
        for given in (values, {name: _changed(value) for name, value in values.items()})
    )
    first(first.x)
    return compilations(lambda: second(second.x))


def _calls(row: Row, values: Mapping[str, Any], x: NDArray[np.float32]) -> dict[str, Call]:
    subject = JaxFunction(row.subject, values, row.key, x)
    torch_function = TorchFunction(row.reference, values, x)
    addition = jax.jit(lambda x: x + 1).lower(subject.x).compile()
    calls: dict[str, Call] = {
        ADDITION: lambda: addition(subject.x).block_until_ready(),
        "forward": subject.forward(),
        "backward": subject.backward(_cotangent),
        "eager": subject.eager(),
        f"{TORCH} forward": torch_function.forward(),
        f"{TORCH} backward": torch_function.backward(_cotangent),
    }
    if row.counterpart:
        counterpart = JaxFunction(row.counterpart, {}, None, x)
        calls[f"{JAX_NN} forward"] = counterpart.forward()
        calls[f"{JAX_NN} backward"] = counterpart.backward(_cotangent)
    return calls


def _speed(row: Row, seconds: Seconds, fixed: Mapping[str, Any]) -> Speed:
    def against_others(name: str) -> dict[str, Ratio]:
        calls = {ADDITION: ADDITION, **{side: f"{side} {name}" for side in (JAX_NN, TORCH)}}
        return {
            other: ratio(seconds[name], seconds[call])
            for other, call in calls.items()
            if call in seconds
        }

    return Speed(
        function=row.function,
        label=row.label,
        elementwise=row.function not in OVER_AN_AXIS,
        forward=against_others("forward"),
        backward=against_others("backward"),
        eager=float(np.median(seconds["eager"])) / EAGER_CALLS * 1e6,
        **fixed,
    )


@functools.cache
def _normal(seed: int, shape: tuple[int, ...]) -> NDArray[np.float32]:
    return np.random.default_rng(seed).standard_normal(shape, dtype=np.float32)


def _input(function: str, elements: int) -> NDArray[np.float32]:
    shape, _ = OVER_AN_AXIS.get(function, ((-1,), {}))
    return 3 * _normal(0, (elements,)).reshape(shape)


def _cotangent(shape: tuple[int, ...]) -> NDArray[np.float32]:
    return _normal(1, shape)


def arguments_of(row: Row, scale: float) -> tuple[dict[str, Any], NDArray[np.float32]]:
    """The hyperparameters of a row and its input, in parts of the full size."""
    return _values(row), _input(row.function, ActivationsConfig(scale=scale).elements)


def _values(row: Row) -> dict[str, Any]:
    _, axis = OVER_AN_AXIS.get(row.function, ((), {}))
    return {**row.values, **axis}


def _numbers(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if isinstance(value, float | np.ndarray)}


def _changed(value: Any) -> Any:
    # By a factor: the order of bounds and the sign of widths stay as they are.
    return value * 1.25 if isinstance(value, float | np.ndarray) else value
