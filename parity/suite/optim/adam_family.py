"""The rows of Adam and AdamW."""

from __future__ import annotations

from parity.domains import FLAG
from parity.suite.optim.domains import BETAS, EPS, LR, WEIGHT_DECAY, of_optimizer
from parity.suite.optim.rows import row
from parity.suite.rows import setting

SLOTS = ("exp_avg", "exp_avg_sq", "max_exp_avg_sq")
SETTINGS = (
    setting(lr=0.1),
    setting(lr=0.1, amsgrad=True, weight_decay=0.1),
    setting(lr=0.1, betas=(0.5, 0.75), eps=0.1, maximize=True),
)

SPECS = (
    row(
        "adam_family",
        "adam",
        "Adam",
        *SLOTS,
        settings=(*SETTINGS, setting(weight_decay=0.1, decoupled_weight_decay=True)),
        domain=of_optimizer(
            lr=LR,
            betas=BETAS,
            eps=EPS,
            weight_decay=WEIGHT_DECAY,
            amsgrad=FLAG,
            maximize=FLAG,
            decoupled_weight_decay=FLAG,
        ),
    ),
    row(
        "adam_family",
        "adamw",
        "AdamW",
        *SLOTS,
        settings=SETTINGS,
        domain=of_optimizer(
            lr=LR,
            betas=BETAS,
            eps=EPS,
            weight_decay=WEIGHT_DECAY,
            amsgrad=FLAG,
            maximize=FLAG,
        ),
    ),
)
