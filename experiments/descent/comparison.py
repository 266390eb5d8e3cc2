"""The study itself: every batch size and every path, the verdicts, the files."""

import dataclasses
import time
from collections.abc import Mapping, Sequence
from pathlib import Path as File
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from experiments.bench.cores import available
from experiments.descent import page, plot, training
from experiments.descent.config import (
    BATCH,
    MINI_BATCH,
    MOMENTUM,
    NESTEROV,
    SGD,
    STOCHASTIC,
    Config,
    Kind,
)
from experiments.descent.found import Found, interval
from experiments.descent.paths import VALLEY, Path, all_paths
from experiments.progress import Advance, Progress
from experiments.results import write_bytes, write_json, write_text
from experiments.study import Outcome, Verdict, findings


def compare_all(config: Config, out: File, progress: Progress) -> Outcome:
    """Measures everything, writes the results file, the figures and, if wanted, the page."""
    with progress.stages("descent", len(config.kinds) + 2) as advance:
        found = train_all(config, advance)
        advance(f"paths of {len(config.optimizer)} optimizers")
        paths = all_paths(config)
    verdicts = [*batch_verdicts(found, config), *path_verdicts(paths)]
    results = {
        **findings("descent", config, verdicts, cores=available()),
        "batches": {one.kind.name: _results(one, config) for one in found.values()},
        "paths": {name: [dataclasses.asdict(each) for each in of] for name, of in paths.items()},
    }
    files = [write_json(out / "descent.json", results)]
    figures = [
        *plot.draw_batches(list(found.values()), config, out / "descent"),
        *plot.draw_paths(paths, out / "descent_paths"),
    ]
    files += figures
    if config.table:
        written = File(config.table)
        files.append(write_text(written, page.page(found, paths, verdicts, config)))
        files += [
            write_bytes(written.with_name(figure.name), figure.read_bytes())
            for figure in figures
            if figure.suffix == ".png"
        ]
    return Outcome(verdicts=verdicts, files=files)


def train_all(config: Config, advance: Advance) -> dict[str, Found]:
    """What was measured, by kind of descent."""
    problem = training.make_problem(config)
    courses: dict[str, training.Course] = {}
    for kind in config.kinds:
        advance(f"{kind.name}: {config.steps(kind)} steps of {config.seeds} networks")
        measured = np.isin(np.arange(config.steps(kind) + 1), training.records(config, kind))
        courses[kind.name] = _train(problem, kind, measured)
    advance(f"timing each program {config.timings} times")
    seconds = _seconds(problem, config)
    found: dict[str, Found] = {}
    for kind in config.kinds:
        steps, course = training.records(config, kind), courses[kind.name]
        found[kind.name] = Found(
            kind=kind,
            images=config.images,
            steps=steps,
            losses=np.asarray(course.losses, np.float64)[:, steps],
            accuracies=np.asarray(course.accuracies, np.float64)[:, steps],
            seconds=np.array(seconds[kind.name]),
        )
    return found


def _train(problem: training.Problem, kind: Kind, measured: np.ndarray) -> training.Course:
    rate = jnp.asarray(kind.learning_rate, jnp.float32)
    return jax.block_until_ready(
        training.train(problem, jnp.asarray(measured), rate, batch=kind.batch)
    )


def _seconds(problem: training.Problem, config: Config) -> dict[str, list[float]]:
    """Of programs that are compiled already and take turns; nothing is measured while they run."""
    seconds = {kind.name: list[float]() for kind in config.kinds}
    for _ in range(config.timings):
        for kind in config.kinds:
            nothing = np.zeros(config.steps(kind) + 1, bool)
            begun = time.perf_counter()
            _train(problem, kind, nothing)
            seconds[kind.name].append(time.perf_counter() - begun)
    return seconds


def _results(found: Found, config: Config) -> dict[str, Any]:
    summaries = {
        "final_loss": found.losses[:, -1],
        "final_accuracy": found.accuracies[:, -1],
        "passes_to_target": found.passes_to(config.target),
        "seconds_to_target": found.seconds_to(config.target),
        "rises": found.rises(config.epochs),
    }
    return {
        **found.kind._asdict(),
        **{k: {**interval(v)._asdict(), "seeds": v} for k, v in summaries.items()},
        "seconds": found.seconds,
        "steps": found.steps,
        "losses": found.losses,
        "accuracies": found.accuracies,
    }


def batch_verdicts(found: Mapping[str, Found], config: Config) -> list[Verdict]:
    """Every claim about batch sizes."""
    whole, smaller = found[BATCH], (found[STOCHASTIC], found[MINI_BATCH])
    return [
        *(_learns(one, config.target) for one in found.values()),
        *(_falls_smoothly(whole, one, config.epochs) for one in smaller),
        *(_needs_fewer_passes(one, whole, config.target) for one in smaller),
    ]


def _learns(found: Found, target: float) -> Verdict:
    last = found.losses[:, -1]
    return Verdict(
        claim=f"{found.kind.name} descent brings the training loss below {target:g} with every "
        "seed",
        holds=bool(np.all(last < target)),
        detail=f"{interval(last).text()}, at most {np.max(last):.2g}",
    )


def _falls_smoothly(whole: Found, other: Found, steps: int) -> Verdict:
    rises, others = whole.rises(steps), other.rises(steps)
    more = interval(others - rises)
    return Verdict(
        claim=f"in the first {steps} steps the training loss rises less often with "
        f"{whole.kind.name} than with {other.kind.name} descent",
        holds=more.low > 0,
        detail=f"in {interval(rises).text(100)} % of the steps instead of "
        f"{interval(others).text(100)} %",
    )


def _needs_fewer_passes(fewer: Found, more: Found, target: float) -> Verdict:
    few, many = fewer.passes_to(target), more.passes_to(target)
    reached = bool(np.all(np.isfinite([few, many])))
    saved = interval(many - few) if reached else None
    return Verdict(
        claim=f"with these learning rates {fewer.kind.name} descent needs fewer passes over the "
        f"training set than {more.kind.name} descent to a loss of {target:g}",
        holds=saved is not None and saved.low > 0,
        detail=f"{page.until(few)} instead of {page.until(many)}",
    )


def path_verdicts(paths: Mapping[str, Sequence[Path]]) -> list[Verdict]:
    """Every claim about paths."""
    verdicts = [_comes_closer(name, some) for name, some in paths.items()]
    valley = {each.optimizer: each for each in paths[VALLEY]}
    if {SGD, MOMENTUM, NESTEROV} <= set(valley):
        verdicts.append(_momentum_helps(valley))
    return verdicts


def _comes_closer(surface: str, paths: Sequence[Path]) -> Verdict:
    lower = [each.values[-1] < each.values[0] for each in paths]
    nearer = [each.distances[-1] < each.distances[0] for each in paths]
    # Of nan and numbers the largest is nan.
    worst = paths[int(np.argmax([each.values[-1] for each in paths]))]
    return Verdict(
        claim=f"every optimizer ends lower and nearer to the minimum than it began ({surface})",
        holds=all(lower) and all(nearer),
        detail=f"value from {worst.values[0]:.3g} to at most {worst.values[-1]:.2g}, "
        f"{worst.optimizer}, in {len(worst.values) - 1} steps",
    )


def _momentum_helps(valley: Mapping[str, Path]) -> Verdict:
    ends = {name: valley[name].values[-1] for name in (SGD, MOMENTUM, NESTEROV)}
    return Verdict(
        claim="with the same learning rate sgd ends lower in the valley with momentum, plain or "
        "nesterov, than without",
        holds=bool(ends[MOMENTUM] < ends[SGD] and ends[NESTEROV] < ends[SGD]),
        detail=", ".join(f"{name} {value:.1e}" for name, value in ends.items()),
    )
