"""The row of SparseAdam, whose gradients are rows of the parameters."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from parity.domains import FLAG, Number, OneOf, Tensor
from parity.spec import Fixed, Samples, Spec, steps
from parity.suite.optim.domains import LR_ABOVE_0, Rows, of_optimizer
from parity.suite.optim.rows import BUDGETS, STEPS
from parity.suite.rows import WIDE, Theme, setting

THEME = Theme("optim", "sparse_gradients")
TABLE, VECTOR, VOLUME = Tensor(axes=("n m",)), Tensor(axes=("n",)), Tensor(axes=("n m k",))
TABLES: Mapping[str, Any] = {
    "one": [TABLE],
    "two": {"table": TABLE, "bias": VECTOR},
    "volume": {"a": {"b": VOLUME}},
}
ROWS = 4


def _drawn(*shape: int) -> Samples:
    return Samples(shape=shape, axis=None)


def _rows() -> Any:
    """For each step the gradients of some rows of each parameter, some of them twice."""
    random = np.random.default_rng(0)

    def leaf(length: int, *row: int) -> Any:
        indices = random.integers(length, size=(STEPS, ROWS))
        return {"rows": Fixed(values=indices), "values": _drawn(STEPS, ROWS, *row)}

    return {"table": leaf(7, 3), "bias": leaf(5)}


def _row() -> Spec:
    return THEME.row(
        "sparse_adam",
        subject=steps("jax", "parity.suite.optim.subjects.sparse_adam", updates=False),
        reference=steps("torch", "parity.suite.optim.references.sparse_adam"),
        signature=steps("torch", "optim.SparseAdam"),
        omitted=("params",),
        inputs=({"table": _drawn(7, 3), "bias": _drawn(5)}, _rows()),
        dtypes=WIDE,
        checks=("forward", "signature", "law"),
        budgets={"forward": BUDGETS["forward"]},
        settings=(
            setting(lr=0.1),
            setting(lr=0.1, betas=(0.5, 0.75), eps=0.1, maximize=True),
        ),
        domain=of_optimizer(
            leaves=TABLES,
            grads=Rows("params"),
            lengths={"n": (5, 1), "r": (4, 1, 0, 9)},
            lr=LR_ABOVE_0,
            betas=OneOf((0.9, 0.999), (0.0, 0.5), (0.8, 0.75), outside=((1.0, 0.9), (0.9, -0.1))),
            eps=Number(1e-8, 0.5, outside=(0, -1e-8, np.nan)),
            maximize=FLAG,
        ),
    )


SPECS = (_row(),)
