"""The rows of weight averages."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from parity.domains import Domain, Number
from parity.spec import Budget, Choices, Fixed, Law, Samples, Setting
from parity.suite.choices import STEPS, steps_of, trees
from parity.suite.rows import HALVES, WIDE, Theme, as_formula, number, values_only

COUNT = 4
ZEROS = Choices(values=(0.0,), shape=(6,), differentiated=False)
# Besides the weight the tree has an integer, which is copied.
START = {"weight": ZEROS, "count": Fixed(values=0)}
# A weight that has become infinite.
INFINITE = {
    "weight": Fixed(values=((1.0, -2.0), (np.inf, -np.inf), (1.0, -np.inf), (2.0, 0.5))),
    "count": Fixed(values=tuple(range(COUNT))),
}
SHOWN = {
    "weight": Samples(shape=(COUNT, 6), axis=None),
    "count": Fixed(values=tuple(10 * n for n in range(COUNT))),
}
ALL = ("forward", "vjp", "jvp", "second", "jit")
CANCELS = Budget(
    ulp=4, floor=4, everywhere=True, reason="weights of either sign, rounded at each step"
)
THEME = Theme(
    "regularizers",
    "training.averaging",
    {
        "inputs": (START, SHOWN),
        "budgets": dict.fromkeys(("forward", "vjp", "jvp"), CANCELS),
        "checks": (*ALL, "vmap", "law", "signature"),
    },
)


STEPS_OF_AVERAGES = {**STEPS, "n": (5, 1, 0), "m": (3,)}
# An average is linear, and torch takes four seconds for the second derivatives of 1,000 steps.
SECOND_OF_MANY_STEPS = {"lengths": "t=1000", "order": "second"}


def _against_torch(**values: Any) -> tuple[Setting, ...]:
    """A setting in all dtypes; AveragedModel also rounds half-precision averages at each step."""
    return (
        values_only(dtypes=WIDE, **values),
        values_only(label="half", dtypes=HALVES, truth="reference", **values),
    )


def _differentiated(name: str, **fields: Any) -> Setting:
    return as_formula(THEME.steps(name), dtypes=WIDE, checks=ALL, **fields)


def _runs(factory: Callable[..., Any], decays: Any) -> Any:
    """The averages [decays, steps] of the weights 1, 2, 3, ..., all computed in one program."""
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
    THEME.row_of_steps(
        "ema",
        domain=Domain(
            arguments={
                "params": trees(),
                "updates": steps_of("params"),
                "decay": Number(0.75, 0.999, 0, 1, 0.5),
            },
            lengths=STEPS_OF_AVERAGES,
            impossible=(SECOND_OF_MANY_STEPS,),
        ),
        settings=(
            _differentiated(
                "ema_formula", label="decay=array", arrays={"decay": number(0.75, 0.1)}
            ),
            *_against_torch(decay=0.75),
            *(values_only(decay=decay) for decay in (0.0, 0.25, 0.5, 0.999, 1.0)),
            # torch's lerp takes the average from it, and is nan: the formula.
            *(
                values_only(
                    {**START, "weight": Fixed(values=(0.0, 0.0))},
                    INFINITE,
                    label=f"infinite,decay={decay}",
                    decay=decay,
                    reference=THEME.steps("ema_formula"),
                    truth=THEME.steps("ema_formula"),
                )
                for decay in (0.25, 0.75)
            ),
        ),
        laws=(
            Law(name="is_the_same_scanned_and_mapped", violation=_is_the_same_scanned_and_mapped),
            Law(name="invalid_traced_decay_is_nan", violation=_invalid_traced_decay_is_nan),
        ),
    ),
    THEME.row_of_steps(
        "swa",
        domain=Domain(
            arguments={"params": trees(), "updates": steps_of("params")},
            lengths=STEPS_OF_AVERAGES,
            impossible=(SECOND_OF_MANY_STEPS,),
        ),
        settings=(_differentiated("swa_formula", label="differentiated"), *_against_torch()),
    ),
)
