"""The rows of schedules that raise the learning rate and lower it again."""

from __future__ import annotations

from typing import Any

from parity.domains import FLAG, Number, OneOf
from parity.suite.optim.schedules.rows import of_schedule, row
from parity.suite.rows import setting


def halving(cycle: Any) -> Any:
    """A scale of the cycle, or of the step."""
    return 1 / (1 + cycle)


LAST = 41
SPECS = (
    row(
        "cycles",
        "cyclic_lr",
        "CyclicLR",
        renamed={},
        omitted=("optimizer", "last_epoch"),
        settings=(
            setting(max_lr=1.0, step_size_up=5),
            setting(max_lr=1.0, step_size_up=4, step_size_down=3, mode="triangular2"),
            setting(max_lr=1.0, step_size_up=4, mode="exp_range", gamma=0.9),
            setting(max_lr=1.0, step_size_up=3, scale_fn=halving, cycle_momentum=False),
        ),
        domain=of_schedule(
            lr="base_lr",
            max_lr=Number(1.5, 2),
            step_size_up=OneOf(4, 1, 9),
            step_size_down=OneOf(None, 3, 0),
            mode=OneOf("triangular", "triangular2", "exp_range"),
            gamma=Number(1.0, 0.9),
            scale_fn=OneOf(None, halving),
            scale_mode=OneOf("cycle", "iterations"),
            cycle_momentum=FLAG,
            base_momentum=Number(0.8, 0),
            max_momentum=Number(0.9, 1),
        ),
    ),
    row(
        "cycles",
        "one_cycle_lr",
        "OneCycleLR",
        renamed={},
        omitted=("optimizer", "last_epoch"),
        settings=(
            setting(total_steps=LAST),
            setting(epochs=8, steps_per_epoch=5, anneal_strategy="linear"),
            setting(total_steps=LAST, three_phase=True, pct_start=0.4),
            setting(total_steps=LAST, three_phase=True, anneal_strategy="linear"),
        ),
        domain=of_schedule(
            ({"epochs": "None", "total_steps": "None"}, {"steps_per_epoch": "None"}),
            lr="max_lr",
            total_steps=OneOf(LAST, None, 100),
            epochs=OneOf(None, 6),
            steps_per_epoch=OneOf(8, None),
            pct_start=OneOf(0.3, 0.5, 1.0, 0.0, outside=(-0.5, 1.5)),
            anneal_strategy=OneOf("cos", "linear"),
            cycle_momentum=FLAG,
            base_momentum=Number(0.85, 0),
            max_momentum=Number(0.95, 1),
            div_factor=Number(25.0, 1),
            final_div_factor=Number(1e4, 1),
            three_phase=FLAG,
        ),
    ),
)
