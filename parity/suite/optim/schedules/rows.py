"""What the rows of schedules share."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from parity.domains import Choice, Domain, Draw, Made, Tensor, Together
from parity.spec import Budget, Fixed, Samples, Spec, Target, on
from parity.suite.rows import WIDE, Theme

MODULE = "parity.suite.optim.schedules"
CHECKS = ("forward", "error", "signature", "law")
# Three periods and more of what the settings are.
SHOWN = (Fixed(values=tuple(range(40))), Samples(shape=(), axis=None, center=0.5, scale=0.1))
FEW_ROUNDINGS = Budget(ulp=8, floor=1, reason="a power, a sine or a quotient, times the rate")


def _some_steps(draw: Draw) -> Any:
    """Steps in any order, the first one, and some of them twice."""
    last = int(draw.random("last").choice((1, 7, 40)))
    drawn = draw.random("steps").integers(0, last, draw.lengths["t"])
    draw.constant.add("steps")
    return np.concatenate([[0, last], drawn]).astype(np.int32)


STEPS = Made(_some_steps, shapes=("t",))
RATE = Tensor(axes=("",), low=0.1, high=1.0, numeric=True)


def of_schedule(
    impossible: tuple[Together, ...] = (),
    *,
    lr: str = "lr",
    rate: Choice = RATE,
    **others: Choice,
) -> Domain:
    """Steps, a learning rate, and what else the schedule is made of."""
    return Domain(
        arguments={"steps": STEPS, lr: rate, **others},
        lengths={"t": (5, 1, 0)},
        impossible=impossible,
    )


def formula(name: str) -> Target:
    """torch's closed form of a schedule."""
    return on("torch", f"{MODULE}.references.{name}_formula")


def row(theme: str, name: str, scheduler: str, **fields: Any) -> Spec:
    """The row of a schedule.

    Args:
        theme: the name of the file.
        name: jaxact's.
        scheduler: torch's.
        **fields: of the row; those that a schedule of one rate has by default.
    """
    defaults: dict[str, Any] = {
        "subject": on("jax", f"{MODULE}.subjects.{name}"),
        "reference": on("torch", f"{MODULE}.references.{name}"),
        "inputs": SHOWN,
        "dtypes": WIDE,
        "checks": CHECKS,
        "budgets": {"forward": FEW_ROUNDINGS},
        "signature": on("torch", f"optim.lr_scheduler.{scheduler}"),
        "renamed": {"optimizer": "lr"},
        "omitted": ("last_epoch",),
        "extra": ("steps",),
    }
    fields = {**defaults, **fields}
    made = Theme("optim", f"schedules.{theme}").row(name, **fields)
    # The reference makes torch's own objects, which check what they are made of.
    return replace(made, domain=fields["domain"])
