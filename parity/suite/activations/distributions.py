"""The rows of the softmax family."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from parity.domains import FLAG, LONG, Domain, Number, OneOf, Tensor
from parity.spec import FLOATS, Budget, Samples, Setting, Spec, Values
from parity.suite.activations.laws import GUMBEL_SOFTMAX
from parity.suite.activations.rows import PAIR, THEME, activation, bad, drawn
from parity.suite.choices import NUMBERS, elementwise
from parity.suite.rows import SINGLE, WIDE, compiled_over_a_product, setting, values_only

NORMALIZED = Budget(ulp=8, floor=8, reason="a sum over the axis in which terms cancel")
DERIVED: dict[Any, Budget] = {
    (check, dtype): NORMALIZED if dtype in WIDE else replace(NORMALIZED, ulp=1, floor=1)
    for check in ("vjp", "jvp", "second", "vmap", "jit")
    for dtype in FLOATS
}
PROBABILITIES = Budget(
    ulp=64, reason="exp(x - max) of a rounded difference: up to 87/2 ulp in float32"
)
LOG_PROBABILITIES = Budget(
    ulp=4, floor=4, reason="near probability 1 the result is a difference of larger numbers"
)
RECOVERED = Budget(ulp=32, floor=16, reason="the noise is recovered from an output, to 1e-7")
ROWS = Samples(shape=(64, 9), special=True)
FLOAT32 = np.dtype("float32")
SETTINGS = (
    setting(ROWS),
    setting(Samples(shape=(9, 64), axis=1, special=True), dim=0),
    setting(Samples(shape=(16, 5, 7), special=True), dim=-1),
    setting(Samples(shape=(4, 1000)), dim=1),
    setting(Samples(shape=(33,), axis=None), label="dim=None,one_axis"),
    setting(Samples(shape=(9, 8, 8), axis=1), label="dim=None,three_axes"),
    setting(Samples(shape=(8, 9, 2, 2), special=True), label="dim=None,four_axes", dtypes=SINGLE),
    values_only(ROWS, label="dim=numpy's", dim=np.int64(1)),
    setting(ROWS, dim=1, dtype=FLOAT32, dtypes=("float16", "int32"), checks=("forward",)),
)


def _softmax_row(name: str, forward: Budget, **fields: Any) -> Spec:
    return activation(
        name,
        *SETTINGS,
        budgets={**DERIVED, **{("forward", dtype): forward for dtype in WIDE}},
        required=(-1,),
        refuses=("int32", "complex64"),
        bad_calls=(
            bad("dim_out_of_range", "an axis that does not exist", PAIR, dim=2),
            bad("dim_below_range", "an axis that does not exist", PAIR, dim=-3),
            bad("dim_of_0d", "an axis that does not exist", np.array(1.0, np.float32), dim=1),
            bad("dtype_integer", "an integer dtype", PAIR, dim=-1, dtype=np.dtype("int32")),
        ),
        laws=(compiled_over_a_product((4, 7), dim=1),),
        domain=elementwise(
            dim=OneOf(1, 0, -1, -2, None, 2, -3),
            dtype=OneOf(None, np.dtype("float32"), np.dtype("float16")),
        ),
        **fields,
    )


def _noise_of_gumbel_softmax(subject: Callable[..., Any], arrays: Any, values: Values) -> Any:
    """log(softmax(noise)), computed from logits of 0: the noise up to a constant in each row."""
    x, dim = arrays[0], values.get("dim", -1)
    dtype = np.float64 if x.dtype == np.float64 else np.float32
    return np.log(np.asarray(subject(np.zeros(x.shape, dtype), dim=dim)))


def _noisy(*inputs: Samples, **fields: Any) -> Setting:
    return drawn("gumbel_softmax_given_noise", _noise_of_gumbel_softmax, *inputs, **fields)


SPECS = (
    _softmax_row("softmax", PROBABILITIES),
    _softmax_row("log_softmax", LOG_PROBABILITIES, truth=THEME.reference("stable_log_softmax")),
    _softmax_row("softmin", PROBABILITIES),
    activation(
        "softmax2d",
        setting(Samples(shape=(8, 9, 2, 3), special=True)),
        setting(Samples(shape=(9, 4, 5), axis=2, special=True), label="unbatched"),
        reference=THEME.reference("softmax2d"),
        budgets={**DERIVED, ("forward", "float32"): PROBABILITIES},
        refuses=(),
        bad_calls=(
            bad("two_axes", "an input of two axes", PAIR),
            bad("five_axes", "an input of five axes", np.zeros((1, 1, 1, 1, 1), np.float32)),
        ),
        domain=Domain(arguments={"input": Tensor(axes=("n c h w", "c h w"), special=True)}),
    ),
    activation(
        "gumbel_softmax",
        _noisy(),
        _noisy(hard=True),
        _noisy(Samples(shape=(9, 64), axis=1), tau=0.5, hard=True, dim=0),
        *(
            _noisy(arrays={"tau": Samples(shape=(), center=1.5, scale=0, axis=None)}, **hard)
            for hard in ({}, {"hard": True})
        ),
        inputs=(Samples(shape=(64, 9)),),
        budgets=dict.fromkeys(("forward", "vjp", "jvp", "second", "jit"), RECOVERED),
        refuses=(),
        extra=("key",),
        bad_calls=(bad("nothing_to_choose", "no class", PAIR[:, :0], hard=True),),
        laws=GUMBEL_SOFTMAX,
        domain=Domain(
            arguments={
                "logits": NUMBERS,
                "tau": Number(1, 0.5, 2.0, 10),
                "hard": FLAG,
                "eps": OneOf(1e-10, 1e-3),
                "dim": OneOf(-1, 0, 1, -2, 2, -3),
            },
            impossible=(
                # The gradient of the soft result, which is no derivative: a setting proves it.
                {"hard": "True", "tau.type": "array"},
                # Of so many rows some have two largest numbers that are equal but for rounding.
                {"hard": "True", "lengths": f"m={LONG}", "precision": ("float16", "bfloat16")},
                # One of so many has most of the sum: slopes are what rounding leaves of 1 - y.
                {"lengths": (f"n={LONG}", f"m={LONG}"), "precision": "float64"},
            ),
        ),
    ),
)
