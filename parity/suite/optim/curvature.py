"""The row of L-BFGS, on an objective that both sides compute."""

from __future__ import annotations

from typing import Any

import numpy as np

from parity.domains import Domain, Number, OneOf
from parity.spec import Budget, Fixed, Spec, steps
from parity.suite.optim.domains import LEAVES, Constant, Gradients, Parameters
from parity.suite.rows import WIDE, Theme, setting

THEME = Theme("optim", "curvature")
STEPS = 6
SEARCHED = {"line_search_fn": "strong_wolfe"}
ITERATED = Budget(
    ulp=64,
    floor=4096,
    everywhere=True,
    atol=1e-9,
    reason="rounding decides in which step the objective changes by less than 1e-9, and it stops",
)


def _tree(seed: int, *steps: int) -> Any:
    """Parameters, or targets for each step; a loop of so many iterations has no reverse mode."""
    random = np.random.default_rng(seed)

    def leaf(*shape: int) -> Fixed:
        return Fixed(values=random.standard_normal((*steps, *shape)))

    return {"layer": {"weight": leaf(5, 3), "bias": leaf(3)}, "scale": leaf()}


def _row() -> Spec:
    return THEME.row(
        "lbfgs",
        subject=steps("jax", "parity.suite.optim.subjects.lbfgs"),
        reference=steps("torch", "parity.suite.optim.references.lbfgs"),
        signature=steps("torch", "optim.LBFGS"),
        omitted=("params",),
        inputs=(_tree(0), _tree(1, STEPS)),
        dtypes=WIDE,
        checks=("forward", "signature", "law"),
        budgets={"forward": ITERATED},
        settings=(
            setting(dtypes=("float64",), label="default"),
            setting(lr=0.1, max_iter=3, history_size=2),
            setting(max_iter=4, **SEARCHED),
            setting(max_iter=3, max_eval=5, history_size=2, **SEARCHED),
            # Each of these alone decides where an update ends; rounding would decide in float32.
            setting(lr=0.1, max_iter=3, max_eval=10),
            setting(lr=0.5, tolerance_grad=0.5, dtypes=("float64",)),
            setting(tolerance_change=0.01, dtypes=("float64",)),
            # The first step is so short that the search goes beyond it.
            setting(lr=0.01, max_iter=2, max_eval=20, dtypes=("float64",), **SEARCHED),
        ),
        domain=Domain(
            arguments={
                "params": Constant(Parameters(**LEAVES)),
                "targets": Constant(Gradients("params", kinds=("ordinary", "ties"))),
                "lr": Number(1.0, 0.1, outside=(-0.5,), differentiated=False),
                "max_iter": OneOf(3, 1, 5, 0),
                "max_eval": OneOf(None, 2, 1, 4),
                "tolerance_grad": Number(1e-7, 0.5, differentiated=False),
                "tolerance_change": Number(1e-9, 0.25, differentiated=False),
                "history_size": OneOf(100, 1, 2),
                "line_search_fn": OneOf(None, "strong_wolfe"),
            },
            lengths={"t": (2, 1, 5), "n": (5, 1), "m": (3, 1), "k": (2,)},
            # A stop within the rounding of its tolerance is another result.
            impossible=({"precision": "float32", "lengths": "t=5"},),
        ),
    )


SPECS = (_row(),)
