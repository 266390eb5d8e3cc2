"""The rows of gradient clipping."""

from __future__ import annotations

from typing import Any

import numpy as np

from parity.domains import FLAG, Domain, Number, OneOf, Tensor
from parity.spec import BadCall, Budget, Choices, Fixed, Samples, Setting, Sweep, on
from parity.suite.choices import another_tree, trees
from parity.suite.rows import (
    FORWARD,
    HALVES,
    SINGLE,
    WIDE,
    Theme,
    as_formula,
    each,
    few,
    in_half_precision,
    number,
    setting,
    values_only,
)


def tree(kind: Any, *steps: int, **fields: Any) -> Any:
    """A tree of three leaves with the given step axes in front."""

    def leaf(*shape: int) -> Any:
        return kind(shape=(*steps, *shape), **fields)

    return {"a": {"bias": leaf(5), "weight": leaf(6, 4)}, "b": leaf(3, 2, 2)}


def _normal(*steps: int, scale: float = 2.0) -> Any:
    return tree(Samples, *steps, axis=None, scale=scale)


def _even(shape: tuple[int, ...], dtype: str = "float32") -> Any:
    return np.linspace(-1, 2, int(np.prod(shape))).astype(dtype).reshape(shape)


def _one_beside(*values: float) -> Any:
    """A tree of a leaf with these numbers and other leaves with small ones."""
    small = {"weight": Fixed(values=((0.25, -0.5),))}
    return {"a": {"bias": Fixed(values=values), **small}, "b": Fixed(values=(0.125,))}


TREE, HUGE, TINY = _normal(), _normal(scale=1e25), _normal(scale=1e-25)
# Gradients far beyond the bounds, and far below.
LARGE, SMALL = _normal(scale=64.0), _normal(scale=0.01)
TIED = tree(Choices, values=(-1.0, 0.0, 1.0))
ZERO = tree(Choices, values=(0.0,))
ZERO_LEAF = {**TREE, "a": {**TREE["a"], "weight": ZERO["a"]["weight"]}}
# A tree with an empty leaf, and one with a leaf that counts as 0, since XLA on CPUs computes with 0
# in its place.
WITHOUT_A_LEAF = {**TREE, "b": Choices(values=(0.0,), shape=(0,))}
SUBNORMAL_LEAF = {**TREE, "b": Choices(values=(1e-39,), shape=(1,))}
BEYOND_HALF = tree(Choices, values=(-3e4, 3e4))
OF_NORM_5 = {
    "a": {"bias": Fixed(values=(3.0, 0.0)), "weight": Fixed(values=((0.0, 4.0),))},
    "b": Fixed(values=(0.0,)),
}
# Each unit, a row of the weight, has the length 4.
OF_NORM_4 = {"weight": Choices(values=(2.0,), shape=(3, 4))}
ALONG = "each gradient's part along all of them is subtracted"
SUMS = Budget(ulp=4, floor=4, everywhere=True, reason=ALONG)
HALF_SUMS = Budget(ulp=1, floor=2.0**-6, everywhere=True, reason=ALONG)
POWERS = Budget(ulp=8, floor=4, reason="squares of quotients")
SCALED = Budget(ulp=4, reason="no floor: no small result is a difference of larger ones")
CLIPPED = {
    **each(("forward",), WIDE, SCALED),
    **each(("vjp", "jvp"), WIDE, SUMS),
    **each(("vjp", "jvp"), HALVES, HALF_SUMS),
}
SECOND = ("forward", "vjp", "second")
NUMERIC = ("forward", "vjp", "jvp", "second", "vmap", "shapes", "signature")
X = tree(_even)
INTEGERS = tree(_even, dtype="int32")
EMPTY = {**X, "a": {**X["a"], "weight": X["a"]["weight"][:0]}}
INFINITIES = (("nan", np.nan), ("inf", np.inf), ("-inf", -np.inf))
THEME = Theme("regularizers", "training.clipping", {"inputs": (TREE,)}, (X,))
ANY_ORDER = THEME.reference("total_norm_of_any_order")
IN_PLACE = THEME.reference("clip_grad_norm_in_place")


def _norm_types(*orders: Any, **values: Any) -> tuple[Setting, ...]:
    return tuple(
        few(
            label=",".join(f"{k}={v!r}" for k, v in {**values, "norm_type": p}.items()),
            norm_type=p,
            budget=POWERS if p == -1.0 else None,
            **values,
        )
        for p in orders
    )


def _bad_orders(**values: Any) -> tuple[BadCall, ...]:
    return (
        THEME.bad("norm_type_none", "norm_type is no number", norm_type=None, **values),
        THEME.bad("norm_type_abc", "norm_type is no number", norm_type="abc", **values),
        THEME.bad("int32", "integers have no norm", INTEGERS, **values),
        *(
            THEME.bad(f"nothing_to_take_p_{p}_of", "an empty leaf", EMPTY, norm_type=p, **values)
            for p in (np.inf, -np.inf, -1.0)
        ),
    )


SPECS = (
    THEME.row_beyond(
        "get_total_norm",
        signature=on("torch", "nn.utils.get_total_norm"),
        budgets=CLIPPED,
        checks=(*NUMERIC, "error"),
        dtypes=WIDE,
        settings=(
            Setting(),
            in_half_precision(),
            *_norm_types(0.0, 0.5, 1.0, 3.0, np.inf, "inf", -np.inf, -1.0),
            few(error_if_nonfinite=True),
            few(TIED, label="ties,norm_type=inf", norm_type=np.inf),
            few(TIED, label="ties,norm_type=-inf", norm_type=-np.inf),
            few(ZERO, label="zeros"),
            few(ZERO, label="zeros,norm_type=inf", norm_type=np.inf),
            values_only(ZERO, label="zeros,norm_type=0", norm_type=0.0),
            few(ZERO_LEAF, label="one_leaf_of_zeros"),
            few(ZERO_LEAF, label="one_leaf_of_zeros,norm_type=0", norm_type=0.0),
            few(SUBNORMAL_LEAF, label="subnormal_leaf,norm_type=3", norm_type=3.0),
            *(
                as_formula(
                    ANY_ORDER,
                    SUBNORMAL_LEAF,
                    label=f"subnormal_leaf,norm_type=array_of_{p:g}",
                    arrays={"norm_type": Choices(values=(p,), shape=())},
                    dtypes=SINGLE,
                    checks=checks,
                )
                # For p = 1 the gradient of what counts as 0 is 0.
                for p, checks in ((1.0, ("forward",)), (3.0, FORWARD))
            ),
            values_only(WITHOUT_A_LEAF, label="empty_leaf,norm_type=0", norm_type=0.0),
            values_only(
                WITHOUT_A_LEAF,
                label="empty_leaf,norm_type=array_of_0",
                arrays={"norm_type": Fixed(values=0.0)},
            ),
            few(HUGE, label="huge"),
            few(TINY, label="tiny"),
            *(values_only(_one_beside(1.0, v), label=label) for label, v in INFINITIES),
            as_formula(
                ANY_ORDER,
                label="norm_type=array",
                arrays={"norm_type": number(2.5, 0.125)},
                dtypes=SINGLE,
                checks=FORWARD,
            ),
            as_formula(
                ANY_ORDER,
                label="norm_type=array_of_2",
                arrays={"norm_type": Choices(values=(2.0,), shape=())},
                dtypes=SINGLE,
                checks=SECOND,
            ),
        ),
        bad_calls=_bad_orders(),
        domain=Domain(
            arguments={
                "tensors": trees(),
                "norm_type": Number(2.0, 1, 3, 0.5, np.inf, 0, -1, -np.inf),
                "error_if_nonfinite": FLAG,
            },
            impossible=(
                {"norm_type": "0.5", "order": "second"},
                # torch's second derivative at a component of 0 is nan; of a traced order of 2, 0.
                {"tensors.numbers": "ties", "norm_type": "-1", "order": "second"},
                {"tensors.numbers": "ties", "norm_type.type": "array", "order": "second"},
                {"tensors.numbers": "ties", "lengths": "m=1", "order": "second"},
                # As for clip_grad_norm: a leaf of half precision has a norm of float32's accuracy.
                {"tensors.form": "mixed", "tensors.numbers": "ties", "precision": "float64"},
            ),
        ),
    ),
    THEME.row_beyond(
        "clip_grads_with_norm",
        signature=on("torch", "nn.utils.clip_grads_with_norm_"),
        renamed={"parameters": "grads"},
        checks=("forward", "vmap", "shapes", "error", "signature"),
        budgets=CLIPPED,
        settings=(
            setting(max_norm=1.0, arrays={"total_norm": Fixed(values=4.0)}),
            *(
                values_only(
                    label=f"max_norm={most},total_norm={total}",
                    max_norm=most,
                    arrays={"total_norm": Fixed(values=total)},
                )
                for most, total in (
                    *((5.0, 5.0), (2.0**-10, 2.0**-10), (5.0, 4.0), (0.0, 5.0), (-2.0, 5.0)),
                    *((1.0, np.inf), (1.0, np.nan), (np.inf, np.inf), (np.nan, 1.0)),
                )
            ),
            *(
                as_formula(
                    THEME.reference("clip_grads_with_norm_differentiated"),
                    label=f"{label},max_norm=array,total_norm=array",
                    arrays={"max_norm": number(most, 0.125), "total_norm": number(4.0, 0.125)},
                    dtypes=SINGLE,
                    checks=SECOND,
                )
                for label, most in (("clipped", 1.0), ("kept", 8.0))
            ),
        ),
        bad_calls=(
            THEME.bad("max_norm_none", "no number", max_norm=None, total_norm=np.float32(1.0)),
        ),
        domain=Domain(
            arguments={
                "grads": trees(),
                "max_norm": Number(1.0, 0.25, 0, 1000, 2),
                "total_norm": Tensor(axes=("",), low=0.0, high=8.0),
            }
        ),
    ),
    THEME.row_beyond(
        "clip_grad_norm",
        signature=on("torch", "nn.utils.clip_grad_norm_"),
        renamed={"parameters": "grads"},
        budgets=CLIPPED,
        dtypes=WIDE,
        settings=(
            setting(max_norm=1.0),
            in_half_precision(max_norm=1.0),
            values_only(
                label="in_place", max_norm=1.0, reference=IN_PLACE, dtypes=("float32", "float16")
            ),
            few(SMALL, label="kept", max_norm=1.0),
            few(LARGE, label="far_beyond", max_norm=1.0),
            values_only(OF_NORM_5, label="max_norm=total", max_norm=5.0),
            # The gradient in torch is nan, an infinity times 0.
            values_only(max_norm=np.inf),
            few(max_norm=0.0),
            few(max_norm=-1.0),
            *_norm_types(1.0, "inf", max_norm=1.0),
            few(ZERO, label="zeros", max_norm=1.0),
            few(ZERO, label="zeros,max_norm=0", max_norm=0.0),
            values_only(HUGE, label="huge", max_norm=1.0),
            values_only(TINY, label="tiny", max_norm=1.0),
            few(SUBNORMAL_LEAF, label="subnormal_leaf,norm_type=3", max_norm=1.0, norm_type=3.0),
            values_only(
                BEYOND_HALF, label="norm_beyond_half_precision", max_norm=1.0, dtypes=("float16",)
            ),
            *(
                values_only(_one_beside(1.0, v), label=label, max_norm=1.0)
                for label, v in INFINITIES
            ),
            few(label="max_norm=array", arrays={"max_norm": number(2.0, 0.125)}),
            few(max_norm=1.0, error_if_nonfinite=True),
        ),
        bad_calls=(
            *_bad_orders(max_norm=1.0),
            THEME.bad("max_norm_none", "max_norm is no number", max_norm=None),
        ),
        domain=Domain(
            arguments={
                "grads": trees(),
                "max_norm": Number(1.0, 0.25, 1000, 0),
                "norm_type": Number(2.0, 1, 3, np.inf, 0.5, 1.5),
                "error_if_nonfinite": FLAG,
            },
            impossible=(
                # torch's second derivative at a number of 0 is nan.
                {"grads.numbers": "ties", "order": "second"},
                # torch's float32 norm of such numbers is exact: float64's accuracy would be asked.
                {"grads.form": "mixed", "grads.numbers": "ties", "precision": "float64"},
            ),
        ),
    ),
    THEME.row_beyond(
        "clip_grad_value",
        signature=on("torch", "nn.utils.clip_grad_value_"),
        renamed={"parameters": "grads"},
        inputs=(Sweep(kinks=(-0.5, 0.5)),),
        settings=(
            setting(clip_value=0.5),
            *(few(clip_value=c) for c in (0.0, -0.5, np.inf)),
            values_only(clip_value=np.nan),
            as_formula(
                THEME.reference("clip_grad_value_differentiated"),
                Sweep(kinks=(0.0,), span=(-8.0, 8.0)),
                label="clip_value=array",
                arrays={"clip_value": Sweep(kinks=(0.0,), span=(-8.0, 8.0))},
                mapped=True,
                dtypes=SINGLE,
                checks=FORWARD,
            ),
        ),
        bad_calls=(
            THEME.bad("clip_value_none", "clip_value is no number", _even((5,)), clip_value=None),
            THEME.bad(
                "clip_value_above_float16",
                "a clip_value that the dtype cannot represent",
                _even((5,), "float16"),
                clip_value=1e30,
            ),
            THEME.bad(
                "complex64", "numbers without order", _even((5,), "complex64"), clip_value=1.0
            ),
        ),
        domain=Domain(arguments={"grads": trees(), "clip_value": Number(0.5, 1, 0.0, np.inf)}),
    ),
    THEME.row_beyond(
        "adaptive_grad_clip",
        domain=Domain(
            arguments={
                "grads": trees(),
                "params": another_tree("grads"),
                "clip_factor": Number(0.01, 0.5, 0, 2),
                "eps": Number(1e-3, 0.5, 0, 2),
                "layout": OneOf("torch", "flax"),
            },
            # Of a clipped number only the sign is left: its gradient is a difference of rounding
            # errors.
            impossible=(
                {"grads.form": "number"},
                {"lengths": "m=1", "eps": ("0.5", "2")},
                # At a gradient of zeros torch's second derivative is nan, and 0 divided by 0.
                {"grads.numbers": "ties", "order": "second"},
                {"grads.numbers": "ties", "clip_factor": "0"},
            ),
        ),
        inputs=(TREE, TREE),
        budgets=CLIPPED,
        checks=NUMERIC,
        dtypes=SINGLE,
        settings=(
            Setting(),
            few(label="other_dtypes", dtypes=("float64", *HALVES)),
            few(clip_factor=1.0),
            few(clip_factor=1.0, layout="flax"),
            few(clip_factor=0.5, eps=4.0),
            # A gradient whose length is the limit, and a weight whose length is eps.
            few(OF_NORM_4, OF_NORM_4, label="at_the_limit", clip_factor=1.0),
            few(OF_NORM_4, OF_NORM_4, label="as_long_as_eps", clip_factor=0.5, eps=4.0),
            values_only(TREE, ZERO, label="weights_of_zeros"),
            few(ZERO, TREE, label="gradients_of_zeros"),
            values_only(HUGE, TREE, label="huge"),
            *(
                values_only(_one_beside(1.0, v), _one_beside(1.0, 2.0), label=label)
                for label, v in INFINITIES[:2]
            ),
            values_only(_one_beside(1.0, 2.0), _one_beside(1.0, np.nan), label="weight_nan"),
            few(
                label="clip_factor=array,eps=array",
                arrays={"clip_factor": number(1.0, 0.125), "eps": number(4.0, 0.125)},
            ),
        ),
    ),
)
