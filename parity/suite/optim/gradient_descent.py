"""The rows of plain and averaged gradient descent."""

from __future__ import annotations

from parity.domains import FLAG, Number
from parity.suite.optim.domains import LR, MOMENTUM, WEIGHT_DECAY, of_optimizer
from parity.suite.optim.rows import row
from parity.suite.rows import setting

# torch wants a momentum above 0 and no dampening.
NESTEROV_ALONE = (
    {"nesterov": "True", "momentum": "constant", "momentum.constant": "0.0"},
    {"nesterov": "True", "dampening": ("0.5", "1")},
)

SPECS = (
    row(
        "gradient_descent",
        "sgd",
        "SGD",
        "momentum_buffer",
        settings=(
            setting(lr=0.1),
            setting(lr=0.1, momentum=0.9, dampening=0.25, weight_decay=0.1),
            setting(lr=0.1, momentum=0.9, nesterov=True, maximize=True),
        ),
        domain=of_optimizer(
            NESTEROV_ALONE,
            lr=LR,
            momentum=MOMENTUM,
            dampening=Number(0.0, 0.5, 1),
            weight_decay=WEIGHT_DECAY,
            nesterov=FLAG,
            maximize=FLAG,
        ),
    ),
    row(
        "gradient_descent",
        "asgd",
        "ASGD",
        "ax",
        numbers=("eta", "mu"),
        settings=(
            setting(lr=0.1),
            setting(lr=0.1, lambd=0.25, alpha=0.5, t0=10.0, weight_decay=0.1),
            setting(lr=0.1, t0=0.0, maximize=True),
        ),
        domain=of_optimizer(
            lr=LR,
            lambd=Number(1e-4, 0.25, 0, 0.75),
            alpha=Number(0.75, 0, 1, 2),
            t0=Number(1e6, 2, 0, differentiated=False),
            weight_decay=WEIGHT_DECAY,
            maximize=FLAG,
        ),
    ),
)
