"""The rows of early stopping."""

from __future__ import annotations

from typing import Any

import numpy as np

from parity.domains import Domain, Number, OneOf, Tensor
from parity.spec import Fixed, Law, Samples, Setting
from parity.suite.choices import steps_of
from parity.suite.rows import Theme, setting, values_only

# Ties, nan and infinities, and differences of exactly min_delta.
FEW = (0.5, 0.5, 0.25, 0.75, np.nan, 0.75, 0.25, 1.0, -1.0, np.inf, -1.0, np.nan, 0.5, -2.0, 1.0)
CLOSE = Samples(shape=(32,), scale=0.2, axis=None)
START = {"weight": Fixed(values=0)}
# The weights that belong to the n-th metric are the number n.
BAD = {"weight": np.asarray(0)}, np.asarray([1.0, 0.5], np.float32), {"weight": np.arange(1, 3)}
THEME = Theme("regularizers", "training.stopping", arguments=BAD)


def _training(metrics: Samples | Fixed, epochs: int) -> tuple[Any, ...]:
    return START, metrics, {"weight": Fixed(values=range(1, epochs + 1))}


def _values(**values: Any) -> Setting:
    return values_only(*_training(Fixed(values=FEW), len(FEW)), **values)


def _finished_runs_keep_their_best(subject: Any) -> str | None:
    """Compares many runs in one program, each with its own patience, with one run at a time."""
    import jax
    import jax.numpy as jnp

    metrics = np.random.default_rng(0).normal(size=(40, 6)).astype(np.float32).cumsum(0)
    patience = np.asarray([1, 2, 3, 4, 5, 40], np.int32)

    def run(patience: Any, metrics: Any) -> Any:
        stopping = subject(patience)

        def step(state: Any, metric: Any) -> Any:
            return stopping.update(state, metric, metric), None

        return jax.lax.scan(step, stopping.init(jnp.zeros(())), metrics)[0]

    runs: Any = jax.jit(jax.vmap(run, in_axes=(0, 1)))
    found = runs(patience, metrics)
    for i, column in enumerate(metrics.T):
        best, since, stopped = np.float32(np.inf), 0, False
        for metric in column:
            best, since = (metric, 0) if metric < best else (best, since + 1)
            if since >= patience[i]:
                stopped = True
                break
        if (found.best[i], found.wait[i], found.params[i]) != (best, since, best):
            return f"training {i}: {found.best[i]}, kept {found.params[i]}, not {best}"
        if found.should_stop[i] != stopped:
            return f"training {i}: should_stop is {found.should_stop[i]}"
    return None


SPECS = (
    THEME.row_of_steps(
        "early_stopping",
        domain=Domain(
            arguments={
                "params": Tensor(axes=("n m", "")),
                "metric": Tensor(axes=("t",), special=True),
                "updates": steps_of("params"),
                "patience": Number(5, 0, 1, 1000, 2),
                "min_delta": Number(0.0, 0.5, 10),
                "mode": OneOf("min", "max"),
            },
            lengths={"t": (16, 1, 1000), "n": (5, 1, 0), "m": (3,)},
            # In 64-bit mode the best metric is a float64; the reference's dtype is the metric's.
            impossible=({"way": "wide"},),
        ),
        checks=("forward", "vjp", "jvp", "jit", "error", "signature", "law"),
        settings=(
            setting(*_training(Samples(shape=(16,), axis=None), 16), patience=5),
            _values(),
            _values(patience=4),
            _values(patience=0),
            values_only(*_training(CLOSE, 32), patience=12, min_delta=0.25),
            _values(patience=4, mode="max"),
            _values(patience=6, min_delta=0.25, mode="max"),
        ),
        bad_calls=(
            THEME.bad("mode_auto", "no such mode", mode="auto"),
            THEME.bad("negative_patience", "no such patience", patience=-1),
            THEME.bad("negative_min_delta", "no such difference", min_delta=-0.5),
        ),
        laws=(Law(name="finished_runs_keep_their_best", violation=_finished_runs_keep_their_best),),
    ),
)
