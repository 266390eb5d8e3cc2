"""The rows of early stopping."""

from __future__ import annotations

from typing import Any

import numpy as np

from parity.spec import BadCall, Choices, Law, Params, Samples, Spec, on

METRICS = Samples(shape=(16,), axis=None)
# Ties, what is no number, and differences of exactly min_delta.
FEW = Choices(values=(1.0, 0.75, 0.5, 0.5, 0.25, np.nan, np.inf, -1.0), shape=(24,))
X = np.asarray([1.0, 0.5], np.float32)


def _setting(**values: Any) -> Params:
    return Params(values=values, inputs=(FEW,), dtypes=("float32",), checks=("forward",))


def _finished_runs_keep_their_best(subject: Any) -> str | None:
    """Many trainings as one program, each with a patience of its own, against one at a time."""
    import jax
    import jax.numpy as jnp

    factory = getattr(subject, "function", subject)
    metrics = np.random.default_rng(0).normal(size=(40, 6)).astype(np.float32).cumsum(0)
    patience = np.asarray([1, 2, 3, 4, 5, 40], np.int32)

    def run(patience: Any, metrics: Any) -> Any:
        stopping = factory(patience)

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


SPECS: tuple[Spec, ...] = (
    Spec(
        family="regularizers",
        name="early_stopping",
        subject=on("jax", "parity.suite.regularizers.stopping_subjects.early_stopping"),
        reference=on("torch", "parity.suite.regularizers.stopping_references.early_stopping"),
        inputs=(METRICS,),
        signature="(patience=10, min_delta=0.0, mode='min')",
        checks=("forward", "vjp", "jvp", "jit", "error", "signature", "law"),
        params=(
            Params(values={"patience": 5}),
            _setting(),
            _setting(patience=4),
            _setting(patience=0),
            Params(
                values={"patience": 12, "min_delta": 0.25},
                inputs=(Samples(shape=(32,), scale=0.2, axis=None),),
                dtypes=("float32",),
                checks=("forward",),
            ),
            _setting(patience=4, mode="max"),
            _setting(patience=6, min_delta=0.25, mode="max"),
        ),
        bad_calls=tuple(
            BadCall(name=name, args=(X,), values=values, reason="no such value")
            for name, values in (
                ("mode_auto", {"mode": "auto"}),
                ("negative_patience", {"patience": -1}),
                ("negative_min_delta", {"min_delta": -0.5}),
            )
        ),
        laws=(Law(name="finished_runs_keep_their_best", broken=_finished_runs_keep_their_best),),
    ),
)
