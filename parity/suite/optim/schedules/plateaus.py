"""The row of the learning rate that shrinks when a metric no longer improves."""

from __future__ import annotations

from typing import Any

import numpy as np

from parity.domains import Domain, Draw, Made, Number, OneOf
from parity.spec import Fixed, Samples, Spec, on, steps
from parity.suite.optim.schedules.rows import CHECKS, MODULE
from parity.suite.rows import WIDE, Theme, setting

# Falls, rises, stands still, and is no number in between.
METRICS = np.concatenate(
    [1 / np.arange(1.0, 9), np.full(12, 0.125), [np.nan, -1.0, -0.99995, -1.5], np.arange(8.0)]
)


def _metrics(draw: Draw) -> Any:
    """Multiples of 1/4, which often repeat."""
    draw.constant.add("metrics")
    drawn = draw.random("metrics").integers(-3, 4, draw.lengths["t"]) / 4
    return drawn.astype(draw.dtype)


def _params(draw: Draw) -> Any:
    """What the driver wants; nothing is optimized."""
    draw.constant.add("params")
    return [np.zeros((), draw.dtype)]


def _row() -> Spec:
    domain = Domain(
        arguments={
            "params": Made(_params),
            "metrics": Made(_metrics, shapes=("t",)),
            "lr": Number(0.5, 1, differentiated=False),
            "mode": OneOf("min", "max"),
            "factor": Number(0.5, 0.1, 0, outside=(1.0, 2), differentiated=False),
            "patience": OneOf(1, 0, 3),
            "threshold": Number(1e-4, 0, 0.5, differentiated=False),
            "threshold_mode": OneOf("rel", "abs"),
            "cooldown": OneOf(0, 2),
            "min_lr": Number(0.0, 0.25, differentiated=False),
            "eps": Number(1e-8, 0.125, differentiated=False),
        },
        lengths={"t": (12, 1, 40)},
        # The state has the widest dtype, not that of the metrics.
        impossible=({"way": "wide"},),
    )
    return Theme("optim", "schedules.plateaus").row(
        "reduce_lr_on_plateau",
        subject=steps("jax", f"{MODULE}.subjects.reduce_lr_on_plateau"),
        reference=steps("torch", f"{MODULE}.references.reduce_lr_on_plateau"),
        inputs=([Samples(shape=(), axis=None)], Fixed(values=METRICS)),
        dtypes=WIDE,
        checks=CHECKS,
        signature=on("torch", "optim.lr_scheduler.ReduceLROnPlateau"),
        omitted=("optimizer",),
        extra=("lr",),
        domain=domain,
        settings=(
            setting(lr=0.5, patience=2),
            setting(lr=0.5, patience=1, cooldown=3, mode="max", factor=0.5),
            setting(lr=0.5, patience=0, threshold=0.25, threshold_mode="abs", min_lr=0.125),
            setting(lr=0.5, patience=2, threshold=0.5, mode="max", eps=0.3, factor=0.5),
        ),
    )


SPECS = (_row(),)
