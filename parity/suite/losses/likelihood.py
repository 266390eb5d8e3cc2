"""The rows of the likelihoods and of the divergence."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from parity.spec import Budget, Choices, Floats, Params, Points, Quirk, Samples, Target, Values, on
from parity.suite.losses.rows import (
    BRANCHES,
    CROSSES,
    ROWS,
    X,
    bad,
    each,
    loss,
    reduced,
    shapes,
    swept,
    wrong_kinds,
    wrong_reduction,
)

LOGS = Points(kinks=(0.0,))
COUNTS = Points(kinks=(0.0, 1.0), span=(0.0, 32.0))
RATES = Points(span=(2.0**-10, 32.0))
LOG_RATES = Points(kinks=(0.0,), span=(-8.0, 8.0))
CHANCES = Points(span=(2.0**-20, 1.0))
LOG_CHANCES = Points(span=(-64.0, 0.0))
HUGE = 1e30
COUNTED = {
    **CROSSES,
    **{
        (check, dtype): Budget(
            ulp=4,
            floor=256,
            everywhere=True,
            reason="a difference of rate and count times a logarithm, up to 3000 and 256",
        )
        for check in ("forward", "vjp", "jvp", "second", "jit", "vmap")
        for dtype in ("float32", "float64")
    },
}
LOGARITHMS = {
    (check, dtype): Budget(
        ulp=16, floor=256, everywhere=True, reason="a difference of logarithms up to 100, or 700"
    )
    for check in ("vjp", "jvp", "second")
    for dtype in ("float32", "float64")
}
BATCH = (
    Samples(shape=(48, 5), center=-2.0, scale=0.5),
    Choices(values=(0.05, 0.2, 0.5), shape=(48, 5)),
)
VARIANCES = Samples(shape=(48, 5), center=3.0, scale=0.5)


def _reference(name: str) -> Target:
    return on("torch", f"parity.suite.losses.likelihood_references.{name}")


def _cancels(arguments: tuple[Floats, ...], values: Values) -> NDArray[np.bool_]:
    x, t = arguments
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.abs(np.log(t) - x) < 0.5 * np.maximum(np.abs(x), 1)


SPECS = (
    loss(
        "poisson_nll_loss",
        "(input, target, log_input=True, full=False, eps=1e-08, reduction='mean')",
        budgets=COUNTED,
        quirks=(
            Quirk(
                reason="the loss of an infinite rate is inf, the limit; torch's is inf - inf",
                source="torch 2.13: nan for input inf and target 1",
                where=lambda arguments, _: arguments[0] == np.inf,
                checks=("forward",),
                dtypes=("float16",),
                settings=("reduction=none,input=any",),
            ),
        ),
        params=(
            each((LOG_RATES, COUNTS)),
            reduced("mean"),
            reduced("sum", checks=("forward", "vjp")),
            Params(values={"reduction": "none", "log_input": False}, inputs=(RATES, COUNTS)),
            Params(
                values={"reduction": "none", "full": True},
                inputs=(LOG_RATES, COUNTS),
                truth=_reference("poisson_nll_loss"),
                dtypes=("float32", "bfloat16"),
            ),
            Params(
                values={"reduction": "none", "log_input": False, "full": True},
                inputs=(RATES, COUNTS),
                truth=_reference("poisson_nll_loss"),
                dtypes=("float32",),
            ),
            Params(
                values={"reduction": "none"},
                label="reduction=none,input=any",
                inputs=(LOGS, COUNTS),
                dtypes=("float16",),
            ),
            swept(
                _reference("poisson_nll_loss"),
                (RATES, COUNTS),
                {"log_input": False},
                eps=Points(span=(0.25, 4.0)),
            ),
        ),
        bad_calls=(
            *wrong_reduction(),
            bad("a_list", "an input that is a list", [1.0, 2.0], X),
            shapes("unfit", "shapes that do not broadcast", (2, 3), (2,)),
            *wrong_kinds(("bool", "bool")),
            bad("boolean_target_in_full", "boolean", X, X > 0.5, full=True),
            *(
                bad(f"{name}_{kind}", f"{name} is {kind}", X, X, **{name: value})
                for name in ("log_input", "full")
                for kind, value in (("none", None), ("number", 1), ("string", "yes"))
            ),
            bad("eps_a_string", "eps is a string", X, X, eps="1"),
            bad("eps_none", "eps is None", X, X, eps=None),
            bad("eps_an_array", "eps has axes", X, X, eps=np.ones(3, np.float32)),
        ),
    ),
    loss(
        "gaussian_nll_loss",
        "(input, target, var, full=False, eps=1e-06, reduction='mean')",
        truth=_reference("gaussian_nll_loss"),
        budgets={
            **CROSSES,
            **{
                (check, dtype): Budget(
                    ulp=16, floor=16, everywhere=True, reason="a sum of terms up to (d / v)^2"
                )
                for check in ("forward", "vjp", "jvp", "second")
                for dtype in ("float32", "float64")
            },
        },
        params=(
            each((*BRANCHES, Points(kinks=(1e-6,), span=(0.0, 16.0)))),
            reduced(
                "mean", (*ROWS, VARIANCES), truth=on("torch", "nn.functional.gaussian_nll_loss")
            ),
            Params(
                values={"reduction": "none", "full": True, "eps": 0.5},
                inputs=(*BRANCHES, Points(kinks=(0.5,), span=(0.0, 16.0))),
            ),
        ),
        bad_calls=(
            *wrong_reduction(X, X, X),
            shapes("var_of_another_row", "var does not fit", (2, 3), (2, 3), (3,)),
            shapes("var_of_ones", "var does not fit", (2, 3), (2, 3), (1, 1)),
            shapes("var_larger", "var is larger", (2, 1), (2, 1), (2, 3)),
            shapes("target_unfit", "shapes that do not broadcast", (2, 3), (2,), (2, 3)),
            bad("negative_number", "var is negative", X, X, -1.0),
            bad("an_integer", "var is an int", X, X, 1),
            bad("none", "var is None", X, X, None),
            bad("integers", "var is of integers", X, X, np.ones((2, 3), np.int32)),
            bad("booleans", "boolean", X > 0.5, X > 0.5, X),
        ),
    ),
    loss(
        "kl_div",
        "(input, target, reduction='mean', log_target=False)",
        truth=_reference("kl_div"),
        budgets={**CROSSES, **LOGARITHMS},
        quirks=(
            Quirk(
                reason="a difference of logarithms that cancels, times a target of any size",
                source="as far off in torch: 7e-5 for input 1.562 and target 4.773 in float32",
                where=_cancels,
                checks=("forward",),
                dtypes=("float32",),
                settings=("reduction=none",),
            ),
            Quirk(
                reason="0 log 0 = 0, and t log t outgrows t x: no nan where there is a limit",
                source="torch's float64 is nan for input -inf and target 0, and for target inf",
                where=lambda arguments, _: (arguments[1] == 0) | (arguments[1] > HUGE),
                checks=("vjp", "jvp", "second"),
                settings=("reduction=none",),
            ),
        ),
        params=(
            each((LOGS, LOGS)),
            Params(
                values={"reduction": "none", "log_target": True},
                inputs=(Points(span=(-80.0, 8.0)), Points(span=(-80.0, 8.0))),
            ),
            reduced("batchmean", BATCH, dtypes=("float32", "float64")),
            reduced("mean", (LOG_CHANCES, CHANCES), checks=("forward", "vjp")),
            reduced("sum", (LOG_CHANCES, CHANCES), checks=("forward", "vjp")),
        ),
        bad_calls=(
            *wrong_reduction(),
            bad("a_list", "an input that is a list", [1.0, 2.0], X),
            shapes("unfit", "shapes that do not broadcast", (2, 3), (2,)),
            *wrong_kinds(("int32", "float32"), ("float32", "int32"), ("complex64", "complex64")),
        ),
    ),
)
