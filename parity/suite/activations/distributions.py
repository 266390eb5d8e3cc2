"""The rows of the softmax family."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from parity.spec import FLOATS, Budget, Params, Samples, Spec, Target, Values
from parity.suite.activations.laws import GUMBEL_SOFTMAX
from parity.suite.activations.rows import PAIR, activation, bad, drawn, torch_form


def _noise_of_gumbel_softmax(subject: Callable[..., Any], arrays: Any, values: Values) -> Any:
    """Log softmax(noise), from logits of 0: the noise up to a constant in each row."""
    dim = values.get("dim", -1)
    return np.log(np.asarray(subject(np.zeros(arrays[0].shape, np.float32), dim=dim)))


NORMALIZED = Budget(ulp=8, floor=8, reason="a sum over the axis in which terms cancel")
NORMALIZED_HALF = Budget(ulp=1, floor=1, reason="a sum over the axis in which terms cancel")
PROBABILITIES = Budget(
    ulp=64, reason="exp(x - max) of a rounded difference: up to 87/2 ulp in float32"
)
LOG_PROBABILITIES = Budget(
    ulp=4, floor=4, reason="near probability 1 the result is a difference of larger numbers"
)
SOFTMAX_BUDGETS: dict[Any, Budget] = {
    (check, dtype): NORMALIZED if dtype in ("float32", "float64") else NORMALIZED_HALF
    for check in ("vjp", "jvp", "second", "vmap", "jit")
    for dtype in FLOATS
}
ROWS = (Samples(shape=(64, 9), special=True),)
COLUMNS = (Samples(shape=(9, 64), axis=1, special=True),)
VOLUME = (Samples(shape=(16, 5, 7), special=True),)
SOFTMAX_PARAMS = (
    Params(inputs=ROWS),
    Params(values={"dim": 0}, inputs=COLUMNS),
    Params(values={"dim": -1}, inputs=VOLUME),
    Params(values={"dim": 1}, inputs=(Samples(shape=(4, 1000)),)),
    Params(label="dim=None,one_axis", inputs=(Samples(shape=(33,), axis=None),)),
    Params(label="dim=None,three_axes", inputs=(Samples(shape=(9, 8, 8), axis=1),)),
    Params(
        label="dim=None,four_axes",
        inputs=(Samples(shape=(8, 9, 2, 2), special=True),),
        dtypes=("float32",),
    ),
    Params(
        values={"dim": 1, "dtype": np.dtype("float32")},
        inputs=ROWS,
        dtypes=("float16", "int32"),
        checks=("forward",),
    ),
)
AXIS_ERRORS = (
    bad("dim_out_of_range", "an axis that is not there", PAIR, dim=2),
    bad("dim_below_range", "an axis that is not there", PAIR, dim=-3),
    bad("dim_of_0d", "an axis that is not there", np.array(1.0, np.float32), dim=1),
)


def _softmax_row(name: str, forward: Budget, truth: Target | None = None) -> Spec:
    return activation(
        name,
        truth=truth,
        params=SOFTMAX_PARAMS,
        budgets={
            **SOFTMAX_BUDGETS,
            ("forward", "float32"): forward,
            ("forward", "float64"): forward,
        },
        required=(-1,),
        refuses=("int32", "complex64"),
        bad_calls=(
            *AXIS_ERRORS,
            bad(
                "dtype_integer",
                "an integer dtype of the result",
                PAIR,
                dim=-1,
                dtype=np.dtype("int32"),
            ),
        ),
    )


SPECS = (
    _softmax_row("softmax", PROBABILITIES),
    _softmax_row("log_softmax", LOG_PROBABILITIES, torch_form("stable_log_softmax")),
    _softmax_row("softmin", PROBABILITIES),
    activation(
        "softmax2d",
        reference=torch_form("softmax2d"),
        params=(
            Params(inputs=(Samples(shape=(8, 9, 2, 3), special=True),)),
            Params(label="unbatched", inputs=(Samples(shape=(9, 4, 5), axis=2, special=True),)),
        ),
        budgets={**SOFTMAX_BUDGETS, ("forward", "float32"): PROBABILITIES},
        signature="(input)",
        bad_calls=(
            bad("two_axes", "an input of two axes", PAIR),
            bad("five_axes", "an input of five axes", np.zeros((1, 1, 1, 1, 1), np.float32)),
        ),
    ),
    activation(
        "gumbel_softmax",
        inputs=(Samples(shape=(64, 9)),),
        params=(
            drawn("gumbel_softmax_given_noise", _noise_of_gumbel_softmax),
            drawn("gumbel_softmax_given_noise", _noise_of_gumbel_softmax, values={"hard": True}),
            drawn(
                "gumbel_softmax_given_noise",
                _noise_of_gumbel_softmax,
                values={"tau": 0.5, "hard": True, "dim": 0},
                inputs=(Samples(shape=(9, 64), axis=1),),
            ),
            drawn(
                "gumbel_softmax_given_noise",
                _noise_of_gumbel_softmax,
                arrays={"tau": Samples(shape=(), center=1.5, scale=0, axis=None)},
            ),
        ),
        budgets={
            check: Budget(ulp=32, floor=16, reason="the noise is recovered from an output, to 1e-7")
            for check in ("forward", "vjp", "jvp", "second", "jit")
        },
        extra=("key",),
        laws=GUMBEL_SOFTMAX,
    ),
)
