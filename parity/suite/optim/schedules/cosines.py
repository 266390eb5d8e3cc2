"""The rows of schedules that follow a cosine."""

from __future__ import annotations

from parity.domains import Number, OneOf
from parity.suite.optim.schedules.rows import formula, of_schedule, row
from parity.suite.rows import setting

ETA_MIN = Number(0.0, 0.0625, 1)

SPECS = (
    row(
        "cosines",
        "cosine_annealing_lr",
        "CosineAnnealingLR",
        truth=formula("cosine_annealing_lr"),
        settings=(setting(T_max=7), setting(T_max=13, eta_min=0.0625)),
        domain=of_schedule(T_max=OneOf(7, 1, 2, 40, outside=(0,)), eta_min=ETA_MIN),
    ),
    row(
        "cosines",
        "cosine_annealing_warm_restarts",
        "CosineAnnealingWarmRestarts",
        settings=(setting(T_0=7), setting(T_0=3, T_mult=2, eta_min=0.0625)),
        domain=of_schedule(
            T_0=OneOf(7, 1, 2, outside=(0, -1)),
            T_mult=OneOf(1, 2, 3, outside=(0,)),
            eta_min=ETA_MIN,
        ),
    ),
)
