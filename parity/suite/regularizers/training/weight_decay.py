"""The rows of weight decay, which acts outside of the loss."""

from __future__ import annotations

import numpy as np

from parity.domains import Domain, Number
from parity.spec import Budget
from parity.suite.choices import LAYERS, WHERE, another_tree
from parity.suite.regularizers.penalties import TREE, tree, with_one
from parity.suite.rows import HALVES, WIDE, Theme, each, few, in_half_precision, number, setting

CHECKS = ("forward", "vjp", "jvp", "second", "vmap", "shapes", "error", "signature")
ALONG = "each gradient's part along the unit is subtracted"
SUMS = Budget(ulp=4, floor=4, everywhere=True, reason=ALONG)
HALF = Budget(ulp=1, floor=2.0**-6, everywhere=True, reason=ALONG)
SCALED = Budget(ulp=4, reason="no floor: no small result is a difference of larger ones")
SLOPES = {**each(("vjp", "jvp"), WIDE, SUMS), **each(("vjp", "jvp"), HALVES, HALF)}
UNITS = {**each(("forward",), WIDE, SCALED), **SLOPES}
SECOND = ("forward", "vjp", "second")


def even(shape: tuple[int, ...]) -> np.ndarray:
    """Evenly spaced numbers from -1 to 2."""
    return np.linspace(-1, 2, int(np.prod(shape)), dtype=np.float32).reshape(shape)


THEME = Theme(
    "regularizers", "training.weight_decay", {"inputs": (TREE,), "checks": CHECKS}, (tree(even),)
)

SPECS = (
    THEME.row_beyond(
        "coupled_weight_decay",
        inputs=(TREE, TREE),
        dtypes=WIDE,
        settings=(
            setting(weight_decay=0.125),
            in_half_precision(weight_decay=0.125),
            few(weight_decay=0.0),
            few(label="where=all", weight_decay=0.3, where="all"),
            few(
                label="weight_decay=array",
                arrays={"weight_decay": number(0.5, 0.0625)},
                checks=SECOND,
            ),
        ),
        domain=Domain(
            arguments={
                "grads": LAYERS,
                "params": another_tree("grads"),
                "weight_decay": Number(0.5, 0.0, 2, 1),
                "where": WHERE,
            }
        ),
    ),
    THEME.row_beyond(
        "decoupled_weight_decay",
        budgets=UNITS,
        settings=(
            setting(lr=0.1, weight_decay=0.3),
            few(label="where=all", lr=0.1, weight_decay=0.3, where="all"),
            few(with_one(np.nan), label="nan", lr=0.1, weight_decay=0.3),
            few(
                label="lr=array,weight_decay=array",
                arrays={"lr": number(0.25, 0.0625), "weight_decay": number(0.5, 0.0625)},
                checks=SECOND,
            ),
        ),
        domain=Domain(
            arguments={
                "params": LAYERS,
                "lr": Number(0.1, 0.0, 1, 2.0),
                "weight_decay": Number(0.5, 0.0, 2, 1),
                "where": WHERE,
            }
        ),
    ),
)
