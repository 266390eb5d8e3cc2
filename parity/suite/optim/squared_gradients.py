"""The rows of Adagrad, RMSprop and Adadelta."""

from __future__ import annotations

from parity.domains import FLAG, Number
from parity.suite.optim.domains import EPS, LR, MOMENTUM, WEIGHT_DECAY, of_optimizer
from parity.suite.optim.rows import row
from parity.suite.rows import setting

# The variance of a single gradient is 0, or what rounding leaves of it.
NO_VARIANCE = ({"alpha": "0", "centered": "True"},)

SPECS = (
    row(
        "squared_gradients",
        "adagrad",
        "Adagrad",
        "sum",
        settings=(
            setting(lr=0.1),
            setting(lr=0.1, lr_decay=0.25, initial_accumulator_value=0.5, weight_decay=0.1),
            setting(lr=0.1, eps=0.5, maximize=True),
        ),
        domain=of_optimizer(
            lr=LR,
            lr_decay=Number(0.0, 0.25, 2, outside=(-1.0,)),
            weight_decay=WEIGHT_DECAY,
            initial_accumulator_value=Number(0.0, 0.25, 1, outside=(-1.0,)),
            eps=EPS,
            maximize=FLAG,
        ),
    ),
    row(
        "squared_gradients",
        "rmsprop",
        "RMSprop",
        "square_avg",
        "momentum_buffer",
        "grad_avg",
        settings=(
            setting(lr=0.1),
            setting(lr=0.1, alpha=0.75, momentum=0.9, weight_decay=0.1),
            setting(lr=0.1, alpha=0.75, eps=0.25, centered=True, maximize=True),
        ),
        domain=of_optimizer(
            NO_VARIANCE,
            lr=LR,
            alpha=Number(0.99, 0.5, 0, outside=(-0.5,)),
            eps=EPS,
            weight_decay=WEIGHT_DECAY,
            momentum=MOMENTUM,
            centered=FLAG,
            maximize=FLAG,
        ),
    ),
    row(
        "squared_gradients",
        "adadelta",
        "Adadelta",
        "square_avg",
        "acc_delta",
        settings=(setting(lr=0.5), setting(rho=0.5, eps=0.25, weight_decay=0.1, maximize=True)),
        domain=of_optimizer(
            lr=LR,
            rho=Number(0.9, 0, 0.5, 1, outside=(-0.5, 1.5)),
            eps=EPS,
            weight_decay=WEIGHT_DECAY,
            maximize=FLAG,
        ),
    ),
)
