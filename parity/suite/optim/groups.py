"""The row of groups of parameters."""

from __future__ import annotations

from parity.domains import OneOf
from parity.spec import Spec, steps
from parity.suite.optim.domains import by_axes, by_path, of_optimizer
from parity.suite.optim.rows import BUDGETS, STEPS, tree
from parity.suite.rows import WIDE, Theme, setting

THEME = Theme("optim", "groups")


def _row() -> Spec:
    return THEME.row(
        "param_groups",
        subject=steps("jax", "parity.suite.optim.subjects.param_groups", updates=False),
        reference=steps("torch", "parity.suite.optim.references.param_groups"),
        inputs=(tree(), tree(STEPS)),
        dtypes=WIDE,
        checks=("forward", "law"),
        budgets=BUDGETS,
        settings=(
            setting(make="adamw", groups="decays", group_of=by_axes),
            setting(make="sgd", groups="rates", group_of=by_path),
        ),
        domain=of_optimizer(
            make=OneOf("adam", "adamw", "sgd"),
            groups=OneOf("rates", "decays"),
            group_of=OneOf(by_axes, by_path),
        ),
    )


SPECS = (_row(),)
