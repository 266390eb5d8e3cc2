"""Gradient clipping."""

from __future__ import annotations

from typing import Any

import numpy as np

from parity.spec import (
    BadCall,
    Budget,
    Choices,
    Given,
    Params,
    Points,
    Samples,
)
from parity.suite.regularizers.rows import (
    BOTH,
    FORWARD,
    HALVES,
    SINGLE,
    Theme,
    given,
    in_half_precision,
)

SHAPES = ((5,), (6, 4), (3, 2, 2))
TREE = tuple(Samples(shape=shape, axis=None) for shape in SHAPES)
# Far beyond what is clipped, and far below.
LARGE = tuple(Samples(shape=shape, axis=None, scale=64.0) for shape in SHAPES)
SMALL = tuple(Samples(shape=shape, axis=None, scale=0.01) for shape in SHAPES)
TIED = tuple(Choices(values=(-1.0, 0.0, 1.0), shape=shape) for shape in SHAPES)
ZERO = tuple(Choices(values=(0.0,), shape=shape) for shape in SHAPES)
ZERO_LEAF = (TREE[0], ZERO[1], TREE[2])
HUGE = tuple(Samples(shape=shape, axis=None, scale=1e25) for shape in SHAPES)
TINY = tuple(Samples(shape=shape, axis=None, scale=1e-25) for shape in SHAPES)
BEYOND_HALF = tuple(Choices(values=(-3e4, 3e4), shape=shape) for shape in SHAPES)
SUMS = Budget(
    ulp=4, floor=4, everywhere=True, reason="each gradient is less its part along all of them"
)
HALF_SUMS = Budget(
    ulp=1, floor=2.0**-6, everywhere=True, reason="each gradient is less its part along all of them"
)
POWERS = Budget(ulp=8, floor=4, reason="quotients to the second power")
SCALED = Budget(ulp=4, reason="no floor: no small result is a difference of larger ones")
CLIPPED = {
    ("forward", "float32"): SCALED,
    ("forward", "float64"): SCALED,
    ("vjp", "float32"): SUMS,
    ("vjp", "float64"): SUMS,
    ("vjp", "float16"): HALF_SUMS,
    ("vjp", "bfloat16"): HALF_SUMS,
    ("jvp", "float32"): SUMS,
    ("jvp", "float64"): SUMS,
    ("jvp", "float16"): HALF_SUMS,
    ("jvp", "bfloat16"): HALF_SUMS,
}
X = tuple(
    np.linspace(-1, 2, int(np.prod(shape)), dtype=np.float32).reshape(shape) for shape in SHAPES
)
INTEGERS = tuple(x.astype(np.int32) for x in X)
EMPTY = (X[0], X[1][:0], X[2])


def _one_beside(*values: float) -> tuple[Any, ...]:
    """A leaf of these numbers beside others that are small."""
    return (Given(values=values), Given(values=((0.25, -0.5),)), Given(values=(0.125,)))


THEME = Theme("clipping", {"inputs": TREE}, X)


def _scalar(center: float) -> Samples:
    return Samples(shape=(), center=center, scale=0.125, axis=None)


def _norm_types(*orders: Any, **values: Any) -> tuple[Params, ...]:
    return tuple(
        Params(
            label=",".join(f"{k}={v!r}" for k, v in {**values, "norm_type": p}.items()),
            values={**values, "norm_type": p},
            dtypes=SINGLE,
            checks=FORWARD,
            budget=POWERS if p == -1.0 else None,
        )
        for p in orders
    )


def _bad_orders(**values: Any) -> tuple[BadCall, ...]:
    return (
        THEME.bad("norm_type_none", "norm_type is no number", norm_type=None, **values),
        THEME.bad("norm_type_abc", "norm_type is no number", norm_type="abc", **values),
        THEME.bad("int32", "integers have no norm", *INTEGERS, **values),
        *(
            THEME.bad(f"nothing_to_take_p_{p}_of", "an empty leaf", *EMPTY, norm_type=p, **values)
            for p in (np.inf, -np.inf, -1.0)
        ),
    )


def _nonfinite(**values: Any) -> tuple[Params, ...]:
    return tuple(
        given(label, *_one_beside(1.0, number), checks=("forward",), values=values)
        for label, number in (("nan", np.nan), ("inf", np.inf), ("-inf", -np.inf))
    )


DIFFERENTIATED = THEME.reference("clip_grad_norm_differentiated")
WITH_NORM = THEME.reference("clip_grads_with_norm_differentiated")
VALUE = THEME.reference("clip_grad_value_differentiated")
PAIRS = (*TREE, *TREE)

SPECS = (
    THEME.row(
        "get_total_norm",
        signature="(tensors, norm_type=2.0, error_if_nonfinite=False)",
        budgets=CLIPPED,
        checks=("forward", "vjp", "jvp", "second", "vmap", "shapes", "error", "signature"),
        dtypes=BOTH,
        params=(
            Params(),
            in_half_precision(),
            *_norm_types(0.0, 0.5, 1.0, 3.0, np.inf, "inf", -np.inf, -1.0),
            Params(values={"error_if_nonfinite": True}, dtypes=SINGLE, checks=FORWARD),
            given("ties,norm_type=inf", *TIED, values={"norm_type": np.inf}),
            given("ties,norm_type=-inf", *TIED, values={"norm_type": -np.inf}),
            given("zeros", *ZERO),
            given("zeros,norm_type=inf", *ZERO, values={"norm_type": np.inf}),
            given("zeros,norm_type=0", *ZERO, values={"norm_type": 0.0}, checks=("forward",)),
            given("one_leaf_of_zeros", *ZERO_LEAF),
            given("one_leaf_of_zeros,norm_type=0", *ZERO_LEAF, values={"norm_type": 0.0}),
            given("huge", *HUGE),
            given("tiny", *TINY),
            *_nonfinite(),
            given(
                "norm_type=array",
                *TREE,
                arrays={"norm_type": _scalar(2.5)},
                reference=THEME.reference("total_norm_of_any_order"),
                truth=THEME.reference("total_norm_of_any_order"),
                dtypes=SINGLE,
            ),
            given(
                "norm_type=array_of_2",
                *TREE,
                arrays={"norm_type": Choices(values=(2.0,), shape=())},
                reference=THEME.reference("total_norm_of_any_order"),
                truth=THEME.reference("total_norm_of_any_order"),
                checks=("forward", "vjp", "second"),
            ),
        ),
        bad_calls=_bad_orders(),
    ),
    THEME.row(
        "clip_grads_with_norm",
        signature="(grads, max_norm, total_norm)",
        reference=THEME.reference("clip_grads_with_norm"),
        checks=("forward", "vmap", "shapes", "error", "signature"),
        budgets=CLIPPED,
        params=(
            Params(values={"max_norm": 1.0}, arrays={"total_norm": Given(values=4.0)}),
            *(
                Params(
                    label=f"max_norm={most},total_norm={total}",
                    values={"max_norm": most},
                    arrays={"total_norm": Given(values=total)},
                    checks=("forward",),
                    dtypes=SINGLE,
                )
                for most, total in (
                    (5.0, 5.0),
                    (2.0**-10, 2.0**-10),
                    (5.0, 4.0),
                    (0.0, 5.0),
                    (-2.0, 5.0),
                    (1.0, np.inf),
                    (1.0, np.nan),
                    (np.inf, np.inf),
                    (np.nan, 1.0),
                )
            ),
            *(
                Params(
                    label=f"{label},max_norm=array,total_norm=array",
                    arrays={"max_norm": _scalar(most), "total_norm": _scalar(4.0)},
                    reference=WITH_NORM,
                    truth=WITH_NORM,
                    checks=("forward", "vjp", "second"),
                    dtypes=SINGLE,
                )
                for label, most in (("clipped", 1.0), ("kept", 8.0))
            ),
        ),
        bad_calls=(
            THEME.bad("max_norm_none", "no number", max_norm=None, total_norm=np.float32(1.0)),
        ),
    ),
    THEME.row(
        "clip_grad_norm",
        signature="(grads, max_norm, norm_type=2.0, error_if_nonfinite=False)",
        reference=DIFFERENTIATED,
        budgets=CLIPPED,
        dtypes=BOTH,
        params=(
            Params(values={"max_norm": 1.0}),
            in_half_precision(max_norm=1.0),
            Params(
                label="in_place",
                values={"max_norm": 1.0},
                reference=THEME.reference("clip_grad_norm"),
                checks=("forward",),
                dtypes=("float32", "float16"),
            ),
            given("kept", *SMALL, values={"max_norm": 1.0}),
            given("far_beyond", *LARGE, values={"max_norm": 1.0}, dtypes=SINGLE),
            given(
                "max_norm=total",
                *(Given(values=v) for v in ((3.0, 0.0), ((0.0, 4.0),), (0.0,))),
                values={"max_norm": 5.0},
                checks=("forward",),
            ),
            Params(values={"max_norm": 0.0}, checks=FORWARD, dtypes=SINGLE),
            Params(values={"max_norm": -1.0}, checks=FORWARD, dtypes=SINGLE),
            *_norm_types(1.0, "inf", max_norm=1.0),
            given("zeros", *ZERO, values={"max_norm": 1.0}),
            given("zeros,max_norm=0", *ZERO, values={"max_norm": 0.0}),
            given("huge", *HUGE, values={"max_norm": 1.0}, checks=("forward",)),
            given("tiny", *TINY, values={"max_norm": 1.0}, checks=("forward",)),
            given(
                "norm_beyond_half_precision",
                *BEYOND_HALF,
                values={"max_norm": 1.0},
                checks=("forward",),
                dtypes=("float16",),
            ),
            *_nonfinite(max_norm=1.0),
            given(
                "max_norm=array",
                *TREE,
                arrays={"max_norm": _scalar(2.0)},
                truth=DIFFERENTIATED,
            ),
            Params(
                values={"max_norm": 1.0, "error_if_nonfinite": True}, checks=FORWARD, dtypes=SINGLE
            ),
        ),
        bad_calls=(
            *_bad_orders(max_norm=1.0),
            THEME.bad("max_norm_none", "max_norm is no number", max_norm=None),
        ),
    ),
    THEME.row(
        "clip_grad_value",
        signature="(grads, clip_value)",
        inputs=(Points(kinks=(-0.5, 0.5)),),
        params=(
            Params(values={"clip_value": 0.5}),
            *(
                Params(values={"clip_value": c}, checks=FORWARD, dtypes=SINGLE)
                for c in (0.0, -0.5, np.inf)
            ),
            Params(values={"clip_value": np.nan}, checks=("forward",), dtypes=SINGLE),
            Params(
                label="clip_value=array",
                inputs=(Points(kinks=(0.0,), span=(-8.0, 8.0)),),
                arrays={"clip_value": Points(kinks=(0.0,), span=(-8.0, 8.0))},
                mapped=True,
                reference=VALUE,
                truth=VALUE,
                dtypes=SINGLE,
                checks=FORWARD,
            ),
        ),
        bad_calls=(
            THEME.bad("clip_value_none", "clip_value is no number", X[0], clip_value=None),
            THEME.bad(
                "complex64", "numbers without order", X[0].astype("complex64"), clip_value=1.0
            ),
        ),
    ),
    THEME.row(
        "adaptive_grad_clip",
        signature="(grads, params, clip_factor=0.01, eps=1e-3)",
        extra=("layout",),
        inputs=PAIRS,
        budgets=CLIPPED,
        checks=("forward", "vjp", "jvp", "second", "vmap", "shapes", "signature"),
        dtypes=SINGLE,
        params=(
            Params(),
            Params(label="other_dtypes", dtypes=("float64", *HALVES), checks=FORWARD),
            Params(values={"clip_factor": 1.0}, checks=FORWARD, dtypes=SINGLE),
            Params(values={"clip_factor": 1.0, "layout": "flax"}, checks=FORWARD, dtypes=SINGLE),
            Params(values={"clip_factor": 0.5, "eps": 4.0}, checks=FORWARD, dtypes=SINGLE),
            given("weights_of_zeros", *TREE, *ZERO, checks=("forward",)),
            given("gradients_of_zeros", *ZERO, *TREE),
            given("huge", *HUGE, *TREE, dtypes=SINGLE, checks=("forward",)),
            *(
                given(label, *_one_beside(1.0, number), *_one_beside(1.0, 2.0), checks=("forward",))
                for label, number in (("nan", np.nan), ("inf", np.inf))
            ),
            given(
                "weight_nan",
                *_one_beside(1.0, 2.0),
                *_one_beside(1.0, np.nan),
                checks=("forward",),
            ),
            given(
                "clip_factor=array,eps=array",
                *PAIRS,
                arrays={"clip_factor": _scalar(1.0), "eps": _scalar(4.0)},
                dtypes=SINGLE,
            ),
        ),
    ),
    THEME.row(
        "clip_by_grad_norm",
        signature="(max_norm, norm_type=2.0)",
        budgets=CLIPPED,
        checks=("forward", "vjp", "vmap", "signature"),
        dtypes=BOTH,
        params=(
            Params(values={"max_norm": 1.0}),
            Params(values={"max_norm": 1.0, "norm_type": "inf"}, dtypes=SINGLE),
            given(
                "max_norm=array,norm_type=array",
                *TREE,
                arrays={"max_norm": _scalar(2.0), "norm_type": Given(values=2.0)},
                dtypes=SINGLE,
            ),
        ),
    ),
    THEME.row(
        "clip_by_grad_value",
        signature="(clip_value)",
        reference=THEME.reference("clip_grad_value"),
        inputs=(Points(kinks=(-0.5, 0.5)),),
        checks=("forward", "vjp", "signature"),
        dtypes=BOTH,
        params=(Params(values={"clip_value": 0.5}),),
    ),
    THEME.row(
        "clip_adaptively",
        signature="(clip_factor=0.01, eps=1e-3)",
        extra=("layout",),
        reference=THEME.reference("adaptive_grad_clip"),
        inputs=PAIRS,
        budgets=CLIPPED,
        checks=("forward", "vjp", "signature"),
        dtypes=BOTH,
        params=(
            Params(values={"clip_factor": 0.5}),
            Params(values={"clip_factor": 0.5, "eps": 4.0, "layout": "flax"}, dtypes=SINGLE),
        ),
    ),
)
