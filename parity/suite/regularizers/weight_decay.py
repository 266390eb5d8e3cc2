"""Weight decay, projections and proximal steps: what is done beside the loss."""

from __future__ import annotations

from typing import Any

import numpy as np

from parity.spec import BadCall, Budget, Given, Params, Points, Samples, Spec, Target, on
from parity.suite.regularizers.penalties import HUGE, SHAPES, SPARSE, TREE, ZERO

FORWARD = ("forward", "vjp")
SINGLE = ("float32",)
BOTH = ("float32", "float64")
HALVES = ("float16", "bfloat16")
CHECKS = ("forward", "vjp", "jvp", "second", "vmap", "shapes", "error", "signature")
SUMS = Budget(
    ulp=4, floor=4, everywhere=True, reason="each gradient is less its part along the unit"
)
HALF = Budget(
    ulp=1, floor=2.0**-6, everywhere=True, reason="each gradient is less its part along the unit"
)
# Nothing is subtracted: no small result is a difference of larger ones.
SCALED = Budget(ulp=4)
SHRUNK = Budget(ulp=4, floor=2, reason="the norm less the threshold cancels")
UNITS = {
    ("forward", "float32"): SCALED,
    ("forward", "float64"): SCALED,
    **{
        (check, dtype): HALF if dtype in ("float16", "bfloat16") else SUMS
        for check in ("vjp", "jvp")
        for dtype in ("float32", "float64", "float16", "bfloat16")
    },
}
X = tuple(
    np.linspace(-1, 2, int(np.prod(shape)), dtype=np.float32).reshape(shape) for shape in SHAPES
)
INTEGERS = tuple(x.astype(np.int32) for x in X)
# torch.renorm's gradient at a unit of zeros is right, its second derivative nan.
FINITE = ("forward", "vjp")


def _reference(name: str, **options: Any) -> Target:
    return on("torch", f"parity.suite.regularizers.weight_decay_references.{name}", **options)


def _row(name: str, signature: str, **fields: Any) -> Spec:
    fields.setdefault("inputs", TREE)
    fields.setdefault("checks", CHECKS)
    return Spec(
        family="regularizers",
        name=name,
        subject=on("jax", f"parity.suite.regularizers.weight_decay_subjects.{name}"),
        reference=_reference(name),
        signature=signature,
        **fields,
    )


def _given(label: str, *inputs: Any, **fields: Any) -> Params:
    return Params(
        label=label,
        inputs=inputs,
        checks=fields.pop("checks", FORWARD),
        dtypes=fields.pop("dtypes", SINGLE),
        **fields,
    )


def _scalar(center: float) -> Samples:
    return Samples(shape=(), center=center, scale=0.0625, axis=None)


def _one(number: float) -> tuple[Any, ...]:
    """A number among the weights."""
    return (*TREE[:1], Given(values=((1.0, number), (2.0, -3.0))), *TREE[2:])


def _bad(name: str, reason: str, *args: Any, **values: Any) -> BadCall:
    return BadCall(name=name, args=args or X, values=values, reason=reason)


def _in_half_precision(**values: Any) -> Params:
    return Params(label="half_precision", values=values, dtypes=HALVES, checks=FORWARD)


ALL = (0, 1, 2, 3, 4)
SPECS = (
    _row(
        "coupled_weight_decay",
        signature="(grads, params, weight_decay)",
        extra=("where",),
        inputs=(*TREE, *TREE),
        dtypes=BOTH,
        params=(
            Params(values={"weight_decay": 0.125}),
            _in_half_precision(weight_decay=0.125),
            Params(values={"weight_decay": 0.0}, dtypes=SINGLE, checks=FORWARD),
            _given(
                "where=all",
                *TREE,
                *TREE,
                values={"weight_decay": 0.3, "where": "all"},
                reference=_reference("coupled_weight_decay", places=ALL),
                truth=_reference("coupled_weight_decay", places=ALL),
            ),
            _given(
                "weight_decay=array",
                *TREE,
                *TREE,
                arrays={"weight_decay": _scalar(0.5)},
                checks=("forward", "vjp", "second"),
            ),
        ),
    ),
    _row(
        "decoupled_weight_decay",
        signature="(params, lr, weight_decay)",
        extra=("where",),
        budgets=UNITS,
        params=(
            Params(values={"lr": 0.1, "weight_decay": 0.3}),
            _given(
                "where=all",
                *TREE,
                values={"lr": 0.1, "weight_decay": 0.3, "where": "all"},
                reference=_reference("decoupled_weight_decay", places=ALL),
                truth=_reference("decoupled_weight_decay", places=ALL),
            ),
            _given("nan", *_one(np.nan), values={"lr": 0.1, "weight_decay": 0.3}),
            _given(
                "lr=array,weight_decay=array",
                *TREE,
                arrays={"lr": _scalar(0.25), "weight_decay": _scalar(0.5)},
                checks=("forward", "vjp", "second"),
            ),
        ),
    ),
    _row(
        "max_norm",
        signature="(params, max_value)",
        extra=("p", "axis", "where"),
        budgets=UNITS,
        dtypes=BOTH,
        params=(
            Params(values={"max_value": 3.0}),
            _in_half_precision(max_value=3.0),
            *(
                Params(values={"max_value": 3.0, **values}, dtypes=SINGLE, checks=FORWARD)
                for values in (
                    {"axis": 1},
                    {"axis": -1},
                    {"p": 1.0},
                    {"p": 3.0},
                    {"p": np.inf},
                )
            ),
            Params(values={"max_value": 0.0}, dtypes=SINGLE, checks=FORWARD),
            Params(values={"max_value": np.inf}, dtypes=SINGLE, checks=FORWARD),
            _given("zeros", *ZERO, values={"max_value": 1.0}, checks=FINITE),
            _given("units_of_zeros", *SPARSE, values={"max_value": 1.0, "axis": -1}, checks=FINITE),
            _given("huge", *HUGE, values={"max_value": 1.0}, checks=("forward",)),
            *(
                _given(str(v), *_one(v), values={"max_value": 1.0}, checks=("forward",))
                for v in (np.nan, np.inf)
            ),
            _given(
                "max_value=array,p=array",
                *TREE,
                arrays={"max_value": _scalar(3.0), "p": _scalar(2.5)},
                reference=_reference("max_norm_of_array"),
                truth=_reference("max_norm_of_array"),
            ),
        ),
        bad_calls=(
            _bad("negative_max_value", "a negative norm", max_value=-1.0),
            _bad("max_value_nan", "no norm", max_value=float("nan")),
            _bad("p_0", "no norm", max_value=1.0, p=0.0),
            _bad("negative_p", "no norm", max_value=1.0, p=-1.0),
            _bad("p_nan", "no norm", max_value=1.0, p=float("nan")),
            _bad("no_such_axis", "no such axis", max_value=1.0, axis=2),
            _bad("axis_of_a_float", "an axis that is no int", max_value=1.0, axis=1.0),
            _bad("max_value_none", "no number", max_value=None),
        ),
    ),
    _row(
        "proximal_l1",
        signature="(params, threshold)",
        extra=("where",),
        inputs=(Points(kinks=(-0.5, 0.5)),),
        params=(
            Params(values={"threshold": 0.5, "where": "all"}, label="default"),
            Params(values={"threshold": 0.0, "where": "all"}, dtypes=SINGLE, checks=FORWARD),
            Params(
                label="threshold=array",
                values={"where": "all"},
                inputs=(Points(kinks=(0.0,), span=(-8.0, 8.0)),),
                arrays={"threshold": Points(kinks=(0.0,), span=(0.0, 8.0))},
                mapped=True,
                reference=_reference("proximal_l1_of_array"),
                truth=_reference("proximal_l1_of_array"),
                dtypes=SINGLE,
                checks=FORWARD,
            ),
        ),
        bad_calls=(
            _bad("negative_threshold", "a negative threshold", X[0], threshold=-1.0),
            _bad("threshold_none", "no number", X[0], threshold=None),
        ),
    ),
    _row(
        "proximal_group_lasso",
        signature="(params, threshold)",
        extra=("axis", "where"),
        budgets={**UNITS, ("forward", "float32"): SHRUNK, ("forward", "float64"): SHRUNK},
        dtypes=BOTH,
        params=(
            Params(values={"threshold": 1.5}),
            _in_half_precision(threshold=1.5),
            Params(values={"threshold": 1.5, "axis": -1}, dtypes=SINGLE, checks=FORWARD),
            Params(values={"threshold": 0.0}, dtypes=SINGLE, checks=FORWARD),
            _given("zeros", *ZERO, values={"threshold": 0.5}),
            _given("groups_of_zeros", *SPARSE, values={"threshold": 0.125, "axis": -1}),
            _given("threshold=array", *TREE, arrays={"threshold": _scalar(1.5)}),
        ),
    ),
)
