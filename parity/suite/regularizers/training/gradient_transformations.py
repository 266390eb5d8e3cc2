"""The rows of gradient clipping as optax transformations."""

from __future__ import annotations

from typing import Any

import numpy as np

from parity.spec import Choices, Fixed, Samples
from parity.suite.regularizers.training.clipping import CLIPPED, tree
from parity.suite.rows import FORWARD, SINGLE, WIDE, Theme, few, number, setting


def _positive(center: float, *steps: int) -> Any:
    """Positive parameters and updates, which do not cancel when they are added."""
    return tree(Samples, *steps, axis=None, center=center, scale=center / 8)


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
        settings=(setting(clip_value=0.5),),
    ),
    THEME.row_of_steps(
        "clip_adaptively",
        # The first setting shrinks every unit, the second none.
        inputs=(START, _positive(0.6, STEPS)),
        budgets=CLIPPED,
        checks=(*FORWARD, "signature"),
        dtypes=WIDE,
        settings=(setting(clip_factor=0.5), few(clip_factor=0.5, eps=4.0, layout="flax")),
    ),
)
