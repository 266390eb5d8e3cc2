"""The rows of schedules made of others."""

from __future__ import annotations

from parity.domains import OneOf, Tensor
from parity.spec import Budget
from parity.suite.optim.schedules.rows import CHECKS, of_schedule, row
from parity.suite.rows import setting

OWN = tuple(check for check in CHECKS if check != "signature")
RECURSION = Budget(ulp=64, floor=8, reason="each step multiplies the rate that the last one left")
PARTS = (
    ("warmup", "cosine"),
    ("steps", "restarts"),
    ("inverse", "exponential"),
    ("exponential",),
    ("warmup", "steps", "cosine"),
)
MILESTONES = ((4,), (3, 9), ())

SPECS = (
    row(
        "combinations",
        "sequential_lr",
        "SequentialLR",
        checks=OWN,
        settings=(
            setting(schedulers=("warmup", "cosine", "exponential"), milestones=(5, 20)),
            setting(schedulers=("inverse", "restarts"), milestones=(7,)),
        ),
        domain=of_schedule(
            tuple(
                {"schedulers": str(schedulers), "milestones": str(milestones)}
                for schedulers in PARTS
                for milestones in MILESTONES
                if len(milestones) != len(schedulers) - 1
            ),
            schedulers=OneOf(*PARTS),
            milestones=OneOf(*MILESTONES),
        ),
    ),
    row(
        "combinations",
        "chained_scheduler",
        "ChainedScheduler",
        checks=OWN,
        budgets={"forward": RECURSION},
        settings=(
            setting(schedulers=("warmup", "exponential")),
            setting(schedulers=("cosine", "exponential")),
            setting(schedulers=("restarts", "steps")),
            setting(schedulers=("sequence", "steps")),
        ),
        domain=of_schedule(
            # A loop of so many steps has no reverse mode.
            rate=Tensor(axes=("",), low=0.1, high=1.0, differentiated=False),
            schedulers=OneOf(
                ("warmup", "exponential"),
                ("cosine", "exponential"),
                ("exponential", "cosine"),
                ("exponential", "inverse", "steps"),
                ("restarts", "warmup"),
                ("sequence", "exponential"),
                ("steps",),
            ),
        ),
    ),
)
