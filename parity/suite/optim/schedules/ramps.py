"""The rows of schedules that lead from one learning rate to another."""

from __future__ import annotations

from parity.domains import Number, OneOf
from parity.spec import Quirk
from parity.suite.optim.schedules.rows import formula, of_schedule, row
from parity.suite.rows import setting

TOTAL = OneOf(5, 1, 0, 11)

SPECS = (
    row(
        "ramps",
        "constant_lr",
        "ConstantLR",
        settings=(
            setting(),
            setting(factor=0.9, total_iters=0),
            setting(factor=0.0, total_iters=3, truth=formula("constant_lr")),
        ),
        quirks=(
            Quirk(
                reason="a factor of 0 ends, too; torch divides by it",
                source="torch 2.13: ZeroDivisionError at step total_iters",
                where=None,
                checks=("forward",),
                settings=("factor=0.0,total_iters=3",),
            ),
        ),
        domain=of_schedule(factor=Number(0.5, 1, 0.25, outside=(-0.5, 1.5)), total_iters=TOTAL),
    ),
    row(
        "ramps",
        "linear_lr",
        "LinearLR",
        settings=(
            setting(),
            setting(start_factor=0.25, end_factor=0.0, total_iters=13),
            setting(start_factor=1.0, end_factor=0.1, total_iters=30),
        ),
        domain=of_schedule(
            start_factor=Number(0.5, 1, 0.25, outside=(0.0, 1.5)),
            end_factor=Number(1.0, 0.25, 0, outside=(-0.5, 1.5)),
            total_iters=TOTAL,
        ),
    ),
    row(
        "ramps",
        "polynomial_lr",
        "PolynomialLR",
        settings=(setting(), setting(total_iters=30, power=2.5), setting(total_iters=0)),
        domain=of_schedule(total_iters=TOTAL, power=Number(1.0, 2.5, 2, 0.5)),
    ),
)
