"""The rows of Adam's variants."""

from __future__ import annotations

from parity.domains import FLAG, Number
from parity.suite.optim.domains import BETAS, EPS, LR, WEIGHT_DECAY, of_optimizer
from parity.suite.optim.rows import row
from parity.suite.rows import setting

SPECS = (
    row(
        "adam_variants",
        "adamax",
        "Adamax",
        "exp_avg",
        "exp_inf",
        settings=(setting(lr=0.1), setting(lr=0.1, betas=(0.5, 0.75), weight_decay=0.1)),
        domain=of_optimizer(lr=LR, betas=BETAS, eps=EPS, weight_decay=WEIGHT_DECAY, maximize=FLAG),
    ),
    row(
        "adam_variants",
        "nadam",
        "NAdam",
        "exp_avg",
        "exp_avg_sq",
        numbers=("mu_product",),
        settings=(
            setting(lr=0.1),
            setting(lr=0.1, momentum_decay=0.5, weight_decay=0.1),
            setting(lr=0.1, weight_decay=0.1, decoupled_weight_decay=True),
        ),
        domain=of_optimizer(
            lr=LR,
            betas=BETAS,
            eps=EPS,
            weight_decay=WEIGHT_DECAY,
            momentum_decay=Number(4e-3, 0, 1, outside=(-1.0,)),
            decoupled_weight_decay=FLAG,
            maximize=FLAG,
        ),
    ),
    row(
        "adam_variants",
        "radam",
        "RAdam",
        "exp_avg",
        "exp_avg_sq",
        settings=(
            setting(lr=0.1),
            setting(lr=0.1, betas=(0.5, 0.75), eps=0.1, weight_decay=0.1),
            setting(lr=0.1, weight_decay=0.1, decoupled_weight_decay=True),
        ),
        domain=of_optimizer(
            lr=LR,
            betas=BETAS,
            eps=EPS,
            weight_decay=WEIGHT_DECAY,
            decoupled_weight_decay=FLAG,
            maximize=FLAG,
        ),
    ),
)
