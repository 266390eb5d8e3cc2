"""The rows of penalties, which are added to the loss."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from parity.domains import LONG, Domain, Number, OneOf, Tensor
from parity.spec import Budget, Choices, Fixed, ObservedDraw, Samples, Setting
from parity.suite.choices import LAYERS, ONLY_WEIGHTS, WHERE
from parity.suite.regularizers.penalties_laws import LAWS
from parity.suite.rows import (
    HALVES,
    WIDE,
    Theme,
    each,
    few,
    in_half_precision,
    number,
    setting,
    values_only,
)


def tree(kind: Any, **fields: Any) -> Any:
    """The parameters of two layers; the leaves a/weight and b/kernel are weights."""

    def leaf(*shape: int) -> Any:
        return kind(shape=shape, **fields)

    return {
        "a": {"bias": leaf(5), "weight": leaf(6, 4)},
        "b": {"bias": leaf(3), "kernel": leaf(3, 2, 4), "scale": leaf(3, 3)},
    }


def with_one(value: float) -> Any:
    """A tree that has the value among its weights."""
    return {**TREE, "a": {**TREE["a"], "weight": Fixed(values=((1.0, value), (2.0, -3.0)))}}


class Network(NamedTuple):
    """A network of two layers, with arrays of any framework."""

    first: Any
    second: Any

    def __call__(self, rows: Any) -> Any:
        """[n, inputs] -> [n, outputs]."""
        hidden = rows @ self.first
        return hidden / (1 + hidden * hidden) @ self.second


def quotients(rows: Any) -> Any:
    """[..., n] -> [..., n], each from one."""
    return rows / (1 + rows * rows)


def coupled(rows: Any) -> Any:
    """[..., n] -> [..., n], each from two."""
    return rows * rows[..., :1]


def of_one_output(rows: Any) -> Any:
    """[..., n] -> [..., 1]."""
    return quotients(rows[..., :1])


TREE = tree(Samples, axis=None)
# Sparse enough that there are groups of zeros along either axis.
SPARSE = tree(Choices, values=(0.0,) * 15 + (1.0, -0.5))
ZERO = tree(Choices, values=(0.0,))
HUGE, TINY, NORMAL = (tree(Samples, axis=None, scale=scale) for scale in (1e25, 1e-17, 0.5))
# Every product of two different rows, or columns, is 0.
ORTHOGONAL = {
    "a": {**TREE["a"], "weight": Choices(values=(0.0,), shape=(6, 4))},
    "b": {**TREE["b"], "kernel": Fixed(values=np.eye(4, 6).reshape(4, 3, 2))},
}
CHECKS = ("forward", "vjp", "jvp", "second", "vmap", "jit", "shapes", "signature", "law")
SUMS = Budget(ulp=4, floor=4, everywhere=True, reason="a sum of terms of either sign")
HALF = Budget(ulp=1, floor=2.0**-6, everywhere=True, reason=SUMS.reason)
CANCELS = Budget(ulp=32, floor=4, everywhere=True, reason="two sums 25 times as large cancel")
BUDGETS = {**each(("jvp",), WIDE, SUMS), **each(("jvp",), HALVES, HALF)}
# Three successive matrix products.
PRODUCTS = Budget(
    ulp=8, floor=8, everywhere=True, reason="products of matrices, whose terms cancel"
)
HALF_PRODUCTS = Budget(
    ulp=2, floor=1, everywhere=True, reason="the network itself is computed in half precision"
)
NUMERIC = ("forward", "vjp", "jvp", "second")
THEME = Theme("regularizers", "penalties", {"inputs": (TREE,), "budgets": BUDGETS, "dtypes": WIDE})


def _network(outputs: int) -> tuple[Any, ...]:
    """Two layers and their inputs."""
    shapes = (3, 5), (5, outputs)
    layers = (Samples(shape=shape, axis=None, scale=0.5) for shape in shapes)
    return Network(*layers), Samples(shape=(6, 3), scale=0.5)


def _selected() -> tuple[Setting, ...]:
    """Settings for the ways to select leaves that can be written as plain values."""
    return tuple(few(where=where) for where in ("all", "b/*", ("*/bias", "b/scale")))


def _without(*checks: str) -> tuple[str, ...]:
    return tuple(check for check in CHECKS if check not in checks)


SPECS = (
    THEME.row_beyond(
        "l1_penalty",
        # torch.sgn has no derivative of its own.
        checks=_without("second", "jit"),
        settings=(
            Setting(),
            in_half_precision(),
            *_selected(),
            few(SPARSE, label="sparse"),
            *(few(with_one(v), label=str(v)) for v in (np.nan, np.inf, -np.inf)),
        ),
        domain=Domain(arguments={"params": LAYERS, "where": WHERE}),
    ),
    THEME.row_beyond(
        "l2_penalty",
        checks=CHECKS,
        settings=(
            Setting(),
            in_half_precision(),
            *_selected(),
            *(few(with_one(v), label=str(v)) for v in (np.nan, np.inf)),
        ),
        domain=Domain(arguments={"params": LAYERS, "where": WHERE}),
    ),
    THEME.row_beyond(
        "elastic_net",
        checks=_without("jit"),
        settings=(
            Setting(),
            in_half_precision(),
            few(l1_ratio=0.0),
            few(SPARSE, label="sparse"),
            few(
                label="l1_ratio=array",
                arrays={"l1_ratio": number(0.25, 0.01)},
                checks=("forward", "vjp", "second"),
                budget=CANCELS,
            ),
        ),
        domain=Domain(
            arguments={
                "params": LAYERS,
                "l1_ratio": Number(0.5, 0.0, 1.0, 1),
                "where": WHERE,
            }
        ),
    ),
    THEME.row_beyond(
        "group_lasso",
        checks=_without("jit"),
        settings=(
            Setting(),
            in_half_precision(),
            few(axis=1),
            few(axis=-1),
            few(ZERO, label="zeros"),
            few(SPARSE, label="groups_of_zeros", axis=-1),
            few(HUGE, label="huge"),
            few(TINY, label="tiny"),
            *(values_only(with_one(v), label=str(v)) for v in (np.nan, np.inf)),
        ),
        domain=Domain(
            arguments={"params": LAYERS, "axis": OneOf(0, 1, -1, -2), "where": ONLY_WEIGHTS},
            lengths={"n": (5, 1, LONG)},
            # The norm of a group of zeros has no second derivative: torch's is nan.
            impossible=({"params.numbers": "ties", "order": "second"},),
        ),
    ),
    THEME.row_beyond(
        "orthogonality_penalty",
        inputs=(NORMAL,),
        budgets={**BUDGETS, "second": PRODUCTS, ("vjp", "float32"): PRODUCTS},
        checks=_without("jit"),
        settings=(
            Setting(),
            in_half_precision(),
            few(layout="flax"),
            few(ORTHOGONAL, label="orthogonal"),
            values_only(with_one(np.nan), label="nan"),
        ),
        domain=Domain(
            arguments={
                "params": LAYERS,
                "where": ONLY_WEIGHTS,
                "layout": OneOf("torch", "flax"),
            },
            lengths={"n": (5, 1, LONG), "m": (3, 1)},
            # The layer that has no other weight, and the kernel.
            impossible=({"params.form": "layers", "where": "*weight"},),
        ),
    ),
    THEME.row_beyond(
        "jacobian_penalty",
        inputs=_network(outputs=4),
        budgets={**each(NUMERIC, WIDE, PRODUCTS), **each(NUMERIC, HALVES, HALF_PRODUCTS)},
        checks=_without("shapes", "jit"),
        settings=(
            setting(num_projections=None, random=ObservedDraw(seed=3)),
            in_half_precision(num_projections=None, checks=("forward",)),
            # A direction in one dimension is 1 or -1.
            few(
                *_network(outputs=1),
                label="one_output",
                num_projections=2,
                random=ObservedDraw(seed=3),
                checks=("forward", "vjp", "second"),
            ),
        ),
        laws=LAWS,
        domain=Domain(
            arguments={
                "f": OneOf(quotients, coupled, of_one_output),
                "x": Tensor(axes=("n m",)),
                "num_projections": OneOf(None, 1, 2),
            },
            lengths={"n": (5, 1, 33), "m": (3, 1)},
            # In several dimensions the penalty depends on the directions.
            impossible=({"f": ("quotients", "coupled"), "num_projections": ("1", "2")},),
        ),
    ),
)
