"""The rows of the averages of weights."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from parity.spec import Budget, Choices, Given, Law, Params, Samples, steps
from parity.suite.rows import HALVES, WIDE, Theme, as_formula, setting

STEPS = 4
# Beside the weight there is an integer in the tree, which is copied.
START = {"weight": Choices(values=(0.0,), shape=(6,), differentiated=False), "count": Given(values=0)}
SHOWN = {
    "weight": Samples(shape=(STEPS, 6), axis=None),
    "count": Given(values=tuple(10 * n for n in range(STEPS))),
}
ALL = ("forward", "vjp", "jvp", "second", "jit")
CANCELS = Budget(
    ulp=4, floor=4, everywhere=True, reason="weights of either sign, rounded at each step"
)
THEME = Theme(
    "regularizers",
    "averaging",
    {
        "inputs": (START, SHOWN),
        "budgets": dict.fromkeys(("forward", "vjp", "jvp"), CANCELS),
        "checks": (*ALL, "vmap", "law", "signature"),
    },
)


def _reference(name: str) -> Any:
    return steps("torch", THEME.reference(name).name)


def _settings(**values: Any) -> tuple[Params, ...]:
    """Against AveragedModel, in all dtypes; a half precision average is rounded at each step."""
    return (
        setting(dtypes=WIDE, checks=("forward",), **values),
        setting(
            label="half", dtypes=HALVES, checks=("forward",), truth="reference", **values
        ),
    )


def _runs(factory: Callable[..., Any], decays: Any) -> Any:
    """The averages [decays, steps] of the weights 1, 2, 3, ..., one program for all of them."""
    import jax
    import jax.numpy as jnp

    def run(decay: Any) -> Any:
        average = factory(decay)

        def step(state: Any, weight: Any) -> Any:
            state = average.update(state, weight)
            return state, state.params

        weights = jnp.arange(1.0, 9.0)
        return jax.lax.scan(step, average.init(weights[0] * 0), weights)[1]

    runs: Any = jax.jit(jax.vmap(run))
    return runs(decays)


def _is_the_same_scanned_and_mapped(subject: Any) -> str | None:
    decays = np.asarray([0.0, 0.25, 0.9, 1.0], np.float32)
    found = np.asarray(_runs(subject, decays), np.float64)
    for decay, row in zip(decays.astype(np.float64), found, strict=True):
        average = 1.0
        for weight, value in zip(range(1, 9), row, strict=True):
            average = weight if weight == 1 else decay * average + (1 - decay) * weight
            if abs(value - average) > 2e-6:
                return f"decay={decay}: {value} after {weight} updates, not {average}"
    return None


def _invalid_traced_decay_is_nan(subject: Any) -> str | None:
    found = np.asarray(_runs(subject, np.asarray([-0.5, 1.5], np.float32)))
    return None if np.isnan(found[:, 1:]).all() else f"a decay outside [0, 1] gives {found}"


SPECS = (
    THEME.row(
        "ema",
        subject=steps("jax", "jaxact.regularizers.ema"),
        reference=_reference("ema"),
        omitted=("params",),
        params=(
            *_settings(decay=0.75),
            *(setting(decay=d, dtypes=("float32",), checks=("forward",)) for d in (0.0, 0.25, 0.5, 0.999, 1.0)),
            as_formula(
                _reference("ema_formula"),
                label="decay=array",
                arrays={"decay": Samples(shape=(), center=0.75, scale=0.1, axis=None)},
                dtypes=WIDE,
                checks=ALL,
            ),
        ),
        laws=(
            Law(name="is_the_same_scanned_and_mapped", broken=_is_the_same_scanned_and_mapped),
            Law(name="invalid_traced_decay_is_nan", broken=_invalid_traced_decay_is_nan),
        ),
    ),
    THEME.row(
        "swa",
        subject=steps("jax", "jaxact.regularizers.swa"),
        reference=_reference("swa"),
        omitted=("params",),
        params=(
            *_settings(),
            as_formula(_reference("swa_formula"), label="differentiated", dtypes=WIDE, checks=ALL),
        ),
    ),
)
