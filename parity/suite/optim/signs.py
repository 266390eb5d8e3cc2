"""The row of Rprop."""

from __future__ import annotations

from parity.domains import FLAG, OneOf
from parity.suite.optim.domains import LR, of_optimizer
from parity.suite.optim.rows import STEPS, row, tree
from parity.suite.rows import setting

SPECS = (
    row(
        "signs",
        "rprop",
        "Rprop",
        "prev",
        "step_size",
        settings=(
            setting(lr=0.1),
            setting(lr=0.1, etas=(0.25, 1.5), step_sizes=(0.05, 0.5), maximize=True),
            # torch takes the sign of a product of two gradients, which float32 does not hold here.
            setting(
                lr=0.1,
                inputs=(tree(), tree(STEPS, scale=1e-30)),
                dtypes=("float32",),
                label="gradients of 1e-30",
            ),
        ),
        domain=of_optimizer(
            lr=LR,
            etas=OneOf((0.5, 1.2), (0.25, 2.0), outside=((0.5, 0.75), (0.0, 1.2), (1.5, 1.2))),
            step_sizes=OneOf((1e-6, 50), (0.05, 0.2), (0.125, 0.125)),
            maximize=FLAG,
        ),
    ),
)
