"""The rows of the averages of weights."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from parity.spec import Budget, Law, Params, Samples, Spec, Target, on

STEPS = Samples(shape=(4, 6), axis=None)
BOTH = ("float32", "float64")
HALF = ("float16", "bfloat16")
ALL = ("forward", "vjp", "jvp", "second", "jit")
CANCELS = Budget(
    ulp=4, floor=4, everywhere=True, reason="weights of either sign, rounded at each step"
)


def _reference(name: str) -> Target:
    return on("torch", f"parity.suite.regularizers.averaging_references.{name}")


def _settings(name: str, **values: Any) -> tuple[Params, ...]:
    """Against AveragedModel, in all dtypes; a half precision average is rounded at each step."""
    return (
        Params(values=values, dtypes=BOTH, checks=("forward",)),
        Params(label="half", values=values, dtypes=HALF, checks=("forward",), truth="reference"),
    )


def _runs(factory: Callable[..., Any], decays: Any) -> Any:
    """The averages [decays, steps] of the weights 1, 2, 3, ..., one program for all of them."""
    import jax
    import jax.numpy as jnp

    def run(decay: Any) -> Any:
        average = factory(decay)
        return _scanned(average, jnp.arange(1.0, 9.0))

    runs: Any = jax.jit(jax.vmap(run))
    return runs(decays)


def _scanned(average: Any, weights: Any) -> Any:
    import jax

    def step(state: Any, weight: Any) -> Any:
        state = average.update(state, weight)
        return state, state.params

    return jax.lax.scan(step, average.init(weights[0] * 0), weights)[1]


def _is_the_same_scanned_and_mapped(subject: Any) -> str | None:
    factory = getattr(subject, "function", subject)
    decays = np.asarray([0.0, 0.25, 0.9, 1.0], np.float32)
    found = np.asarray(_runs(factory, decays), np.float64)
    for decay, row in zip(decays.astype(np.float64), found, strict=True):
        average = 1.0
        for weight, value in zip(range(1, 9), row, strict=True):
            average = weight if weight == 1 else decay * average + (1 - decay) * weight
            if abs(value - average) > 2e-6:
                return f"decay={decay}: {value} after {weight} updates, not {average}"
    return None


def _invalid_traced_decay_is_nan(subject: Any) -> str | None:
    factory = getattr(subject, "function", subject)
    found = np.asarray(_runs(factory, np.asarray([-0.5, 1.5], np.float32)))
    return None if np.isnan(found[:, 1:]).all() else f"a decay outside [0, 1] gives {found}"


SPECS: tuple[Spec, ...] = (
    Spec(
        family="regularizers",
        name="ema",
        subject=on("jax", "parity.suite.regularizers.averaging_subjects.ema"),
        reference=_reference("ema"),
        inputs=(STEPS,),
        signature="(decay=0.999)",
        budgets=dict.fromkeys(("forward", "vjp", "jvp"), CANCELS),
        params=(
            *_settings("ema", decay=0.75),
            *(
                Params(values={"decay": d}, dtypes=("float32",), checks=("forward",))
                for d in (0.0, 0.25, 0.5, 0.999, 1.0)
            ),
            Params(
                label="decay=array",
                arrays={"decay": Samples(shape=(), center=0.75, scale=0.1, axis=None)},
                reference=_reference("ema_formula"),
                truth=_reference("ema_formula"),
                dtypes=BOTH,
                checks=ALL,
            ),
        ),
        bad_calls=(),
        laws=(
            Law(
                name="is_the_same_scanned_and_mapped",
                broken=_is_the_same_scanned_and_mapped,
            ),
            Law(name="invalid_traced_decay_is_nan", broken=_invalid_traced_decay_is_nan),
        ),
    ),
    Spec(
        family="regularizers",
        name="swa",
        subject=on("jax", "parity.suite.regularizers.averaging_subjects.swa"),
        reference=_reference("swa"),
        inputs=(STEPS,),
        signature="()",
        budgets=dict.fromkeys(("forward", "vjp", "jvp"), CANCELS),
        params=(
            *_settings("swa"),
            Params(
                label="differentiated",
                reference=_reference("swa_formula"),
                truth=_reference("swa_formula"),
                dtypes=BOTH,
                checks=ALL,
            ),
        ),
    ),
)
