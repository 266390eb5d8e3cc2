"""The rows of gradient clipping as optax transformations."""

from __future__ import annotations

from typing import Any

import numpy as np

from parity.domains import Choice, Domain, Number, OneOf
from parity.spec import Choices, Fixed, Samples
from parity.suite.choices import steps_of, trees
from parity.suite.regularizers.training.clipping import CLIPPED, tree
from parity.suite.rows import FORWARD, SINGLE, WIDE, Theme, few, number, setting


def _positive(center: float, *steps: int) -> Any:
    """Positive parameters and updates, which do not cancel when they are added."""
    return tree(Samples, *steps, axis=None, center=center, scale=center / 8)


# Of a clipped number only the sign is left: its gradient is a difference of rounding errors.
A_NUMBER_CANCELS = ({"params.form": "number"},)


def _domain(impossible: tuple[dict[str, str], ...] = (), **hyperparameters: Choice) -> Domain:
    """Parameters, and gradients for each step."""
    return Domain(
        arguments={"params": trees(), "grads": steps_of("params"), **hyperparameters},
        lengths={"t": (2, 1, 3), "n": (5, 1), "m": (3,)},
        impossible=impossible,
    )


THEME = Theme("regularizers", "training.gradient_transformations")
STEPS = 2
# Values at the bounds of 0.5, beyond them and between them.
BOUNDS = (-np.inf, -2.0, -0.5, -0.25, 0.0, 0.5, 0.75, np.nan)
START = _positive(1.0)

SPECS = (
    THEME.row_of_steps(
        "clip_by_grad_norm",
        inputs=(START, _positive(2.0, STEPS)),
        budgets=CLIPPED,
        domain=_domain(max_norm=Number(1.0, 0.25, 1000, 0), norm_type=OneOf(2.0, 1, "inf", 3)),
        checks=("forward", "vjp", "vmap", "signature"),
        dtypes=WIDE,
        settings=(
            setting(max_norm=1.0),
            setting(max_norm=1.0, norm_type="inf", dtypes=SINGLE),
            few(
                label="max_norm=array,norm_type=array",
                arrays={"max_norm": number(2.0, 0.125), "norm_type": Fixed(values=2.0)},
            ),
        ),
    ),
    THEME.row_of_steps(
        "clip_by_grad_value",
        inputs=(START, tree(Choices, STEPS, values=BOUNDS)),
        checks=(*FORWARD, "signature"),
        dtypes=WIDE,
        domain=_domain(clip_value=Number(0.5, 1, 0.0, np.inf)),
        settings=(setting(clip_value=0.5),),
    ),
    THEME.row_of_steps(
        "clip_adaptively",
        # The first setting shrinks every unit, the second none.
        inputs=(START, _positive(0.6, STEPS)),
        budgets=CLIPPED,
        checks=(*FORWARD, "signature"),
        dtypes=WIDE,
        domain=_domain(
            clip_factor=Number(0.01, 0.5, 0, 2),
            eps=Number(1e-3, 0.5, 0, 2),
            layout=OneOf("torch", "flax"),
            impossible=A_NUMBER_CANCELS,
        ),
        settings=(setting(clip_factor=0.5), few(clip_factor=0.5, eps=4.0, layout="flax")),
    ),
)
