"""The rows of layer and RMS normalization."""

from __future__ import annotations

from typing import Any

from parity.domains import Domain, Either, Number, OneOf, optional
from parity.spec import BadCall, Choices
from parity.suite.regularizers.normalization.rows import (
    ALL,
    BIAS,
    CONSTANT,
    EPS,
    EPSILONS,
    FEATURES,
    LARGE_MEAN,
    LEARNED,
    NCHW,
    OF_FEATURES,
    ROWS,
    ROWS_OF_FEATURES,
    THEME,
    TOO_FEW_AXES,
    WEIGHT,
    C,
    X,
    bad,
    learned,
    mixed_dtypes,
    normal,
    of_formula,
    ones,
    spread,
    thorough,
    wrong_lengths,
)
from parity.suite.rows import HALVES, few, setting, values_only

SPECIAL = normal(24, C, axis=0, special=True)


def _row_calls(*names: str) -> tuple[BadCall, ...]:
    return (
        bad("shape_empty", "no axes", X, ()),
        bad("shape_another", "other last axes", X, (3,)),
        bad("shape_other_axes", "other last axes", X, (2, 3)),
        bad("shape_a_float", "a length that is not an int", X, (2.0,)),
        bad("shape_an_int", "a length without a tuple", X, 2),
        bad("shape_none", "no shape", X, None),
        *wrong_lengths(X, (2,), names=names),
        *(bad(f"{n}_axes", "another shape", X, (2, 2), **{n: ones(4)}) for n in names),
        bad("integers", "integers", ones((2, 2)).astype("int32"), (2,)),
        bad("input_is_a_list", "a list", [1.0, 2.0], (2,)),
    )


ROW: dict[str, Any] = {"normalized_shape": (C,)}

SPECS = (
    THEME.row(
        "layer_norm",
        inputs=(ROWS,),
        settings=(
            setting(**ROW),
            setting(**ROW, label="learned", arrays=LEARNED),
            setting(NCHW, label="two_axes", normalized_shape=(4, 3), arrays=learned(4, 3)),
            few(NCHW, label="all_axes", normalized_shape=(5, C, 4, 3), arrays=learned(5, C, 4, 3)),
            thorough(label="weight", arrays=WEIGHT, **ROW),
            of_formula("layer_norm", label="bias", arrays=BIAS, **ROW),
            few(normal(8, 1), label="one", normalized_shape=(1,)),
            values_only(SPECIAL, label="special", **ROW),
            few(LARGE_MEAN, label="large_mean", normalized_shape=(4, 3), arrays=learned(4, 3)),
            few(CONSTANT, label="constant", normalized_shape=(40,)),
            *spread(24, C, axis=0, **ROW),
            of_formula("layer_norm", label="eps=array", arrays=ALL, **ROW),
        ),
        bad_calls=(
            *_row_calls("weight", "bias"),
            *mixed_dtypes(normalized_shape=(2,)),
            bad("eps_none", "no eps", X, (2,), eps=None),
        ),
        domain=Domain(
            arguments={
                "input": ROWS_OF_FEATURES,
                "normalized_shape": FEATURES,
                "weight": optional(OF_FEATURES),
                "bias": optional(OF_FEATURES),
                "eps": EPSILONS,
            },
            parameters=("weight", "bias"),
            # The slope of a row of one is 0: a fused product leaves an epsilon of terms near 300.
            impossible=(
                TOO_FEW_AXES,
                {"lengths": "d=1", "weight": "given"},
                {"lengths": "d=1", "order": "second"},
            ),
        ),
    ),
    THEME.row(
        "rms_norm",
        inputs=(ROWS,),
        settings=(
            setting(**ROW),
            setting(**ROW, label="learned", arrays=WEIGHT),
            setting(
                NCHW,
                label="two_axes",
                normalized_shape=(4, 3),
                arrays={"weight": learned(4, 3)["weight"]},
            ),
            few(label="eps=0.25", **ROW, eps=0.25),
            *(
                few(data, label=f"{label},{dtypes[0]}", **ROW, truth=truth, dtypes=dtypes)
                for dtypes, truth, size in (
                    (("float32", *HALVES), THEME.reference("rms_norm"), 2.0**-11),
                    (("float64",), None, 2.0**-26),
                )
                for label, data in (
                    ("small", normal(24, C, axis=0, scale=size)),
                    ("zeros", Choices(values=(0.0,), shape=(4, C))),
                )
            ),
            values_only(SPECIAL, label="special", **ROW),
            *spread(24, C, axis=0, **ROW),
            of_formula("rms_norm", label="eps=array", arrays={**WEIGHT, **EPS}, **ROW),
        ),
        bad_calls=_row_calls("weight"),
        domain=Domain(
            arguments={
                "input": ROWS_OF_FEATURES,
                "normalized_shape": FEATURES,
                "weight": optional(OF_FEATURES),
                "eps": Either(none=OneOf(None), given=Number(1e-5, 0.5, 2, 0.0, outside=(-0.3,))),
            },
            parameters=("weight",),
            # The slope of a single number is 0 but for eps: a fused product leaves an epsilon of 1.
            impossible=(
                TOO_FEW_AXES,
                {"lengths": "d=1", "eps": "none"},
                {"lengths": "d=1", "eps.given": ("1e-05", "0.0")},
                {"lengths": "d=1", "order": "second"},
            ),
            decisions={
                "weight.given:integers": "a weight is floating",
                "weight.given:booleans": "a weight is floating",
            },
        ),
    ),
)
