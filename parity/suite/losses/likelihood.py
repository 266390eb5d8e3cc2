"""The rows of the likelihoods and of the Kullback-Leibler divergence."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from parity.domains import FLAG, Domain, Either, Number, OneOf, Tensor
from parity.spec import Budget, Choices, Floats, Quirk, SampleQuirk, Samples, Sweep, Values, on
from parity.suite.choices import ANY, NUMBERS, OTHER_DTYPES, REDUCTION, shares
from parity.suite.losses import rows
from parity.suite.rows import FORWARD, SINGLE, WIDE, Theme

THEME = Theme("losses", "likelihood")
X = rows.X
LOGS = Sweep(kinks=(0.0,))
COUNTS = Sweep(kinks=(0.0, 1.0), span=(0.0, 32.0))
RATES = Sweep(span=(2.0**-10, 32.0))
LOG_RATES = Sweep(kinks=(0.0,), span=(-8.0, 8.0))
CHANCES = (Sweep(span=(-64.0, 0.0)), Sweep(span=(2.0**-20, 1.0)))
COUNTED = "a difference of rate and count times a logarithm, up to 3000 and 256"
SQUARES = "a sum of terms up to (d / v)^2"
LOGARITHMS = "a difference of logarithms up to 100, or 700"
SMALL = Choices(values=(0.05, 0.2, 0.5), shape=(48, 5))
BATCH = (Samples(shape=(48, 5), center=-2.0, scale=0.5), SMALL)
VARIANCES = Samples(shape=(48, 5), center=3.0, scale=0.5)
TORCH_GAUSSIAN = on("torch", "nn.functional.gaussian_nll_loss")
STIRLING = THEME.reference("poisson_nll_loss")
UNFIT = rows.shapes("unfit", "shapes that do not broadcast", (2, 3), (2,))
GENERIC = (*rows.wrong_reduction(), rows.A_LIST, UNFIT)
NO_VARIANCES = (("negative_number", -1.0), ("an_integer", 1), ("none", None))
NO_FLAGS = {"none": None, "number": 1, "string": "yes"}


def _cancels(arguments: tuple[Floats, ...], values: Values) -> NDArray[np.bool_]:
    x, t = arguments
    return np.abs(np.log(t) - x) < 0.5 * np.maximum(np.abs(x), 1)


SPECS = (
    rows.loss(
        "poisson_nll_loss",
        budgets={
            **rows.CROSSES,
            **rows.budgets((*rows.NUMERIC, "jit", "vmap"), WIDE, 4, 256, COUNTED),
        },
        quirks=(
            Quirk(
                reason="the loss of an infinite rate is inf, the limit; torch's is inf - inf",
                source="torch 2.13: nan for input inf and target 1",
                where=lambda arguments, _: arguments[0] == np.inf,
                instead=np.inf,
                checks=("forward",),
                dtypes=("float16",),
                settings=("reduction=none,input=any",),
            ),
        ),
        sample_quirks=tuple(
            SampleQuirk(
                reason="with full, the slope in a count of at most 0 is that of the other terms",
                source="torch 2.13: nan, 0 times the slope of a logarithm",
                samples=samples,
                shows="reference nan",
                dtypes=dtypes,
            )
            # Of the samples of torch's operators only bfloat16 has a count of 0, by rounding.
            for samples, dtypes in (("PoissonNLLLoss-*", WIDE), ("sample-*", ("bfloat16",)))
        ),
        settings=(
            rows.each(LOG_RATES, COUNTS),
            rows.reduced("mean"),
            rows.reduced("sum", checks=FORWARD),
            rows.each(RATES, COUNTS, log_input=False),
            rows.each(LOG_RATES, COUNTS, full=True, truth=STIRLING, dtypes=("float32", "bfloat16")),
            rows.each(RATES, COUNTS, log_input=False, full=True, truth=STIRLING, dtypes=SINGLE),
            rows.each(LOGS, COUNTS, label="reduction=none,input=any", dtypes=("float16",)),
            rows.swept(STIRLING, RATES, COUNTS, log_input=False, eps=Sweep(span=(0.25, 4.0))),
        ),
        calls_reference=THEME.reference("poisson_nll_loss_of_floats"),
        bad_calls=(
            *GENERIC,
            *rows.wrong_kinds(bool="bool"),
            rows.bad("boolean_target_in_full", "boolean", X, X > 0.5, full=True),
            *rows.wrong_values("log_input", **NO_FLAGS),
            *rows.wrong_values("full", **NO_FLAGS),
            *rows.wrong_values("eps", a_string="1", none=None, an_array=np.ones(3, np.float32)),
        ),
        domain=Domain(
            arguments={
                "input": Tensor(axes=ANY, low=0.1, high=3.0),
                "target": Tensor(like="input", low=0.0, high=4.0, beside=OTHER_DTYPES),
                "log_input": OneOf(True, False),
                "full": FLAG,
                "eps": Number(1e-8, 0.5, 0.0, 2),
                "reduction": REDUCTION,
            },
            # torch multiplies the slope of log t at a target of 0, which has no such term, by 0.
            impossible=({"full": "True", "target.numbers": "ends"},),
        ),
    ),
    rows.loss(
        "gaussian_nll_loss",
        truth=THEME.reference("gaussian_nll_loss"),
        budgets={**rows.CROSSES, **rows.budgets(rows.NUMERIC, WIDE, 16, 16, SQUARES)},
        settings=(
            rows.each(*rows.BRANCHES, Sweep(kinks=(1e-6,), span=(0.0, 16.0))),
            rows.reduced("mean", *rows.ROWS, VARIANCES, truth=TORCH_GAUSSIAN),
            rows.each(*rows.BRANCHES, Sweep(kinks=(0.5,), span=(0.0, 16.0)), full=True, eps=0.5),
        ),
        bad_calls=(
            *rows.wrong_reduction(X, X, X),
            rows.shapes("var_of_another_row", "var does not fit", (2, 3), (2, 3), (3,)),
            rows.shapes("var_of_ones", "var does not fit", (2, 3), (2, 3), (1, 1)),
            rows.shapes("var_larger", "var is larger", (2, 1), (2, 1), (2, 3)),
            rows.shapes("target_unfit", "shapes that do not broadcast", (2, 3), (2,), (2, 3)),
            *(rows.bad(name, "no variance", X, X, var) for name, var in NO_VARIANCES),
            rows.bad("integers", "var is of integers", X, X, np.ones((2, 3), np.int32)),
            rows.bad("booleans", "boolean", X > 0.5, X > 0.5, X),
        ),
        domain=Domain(
            arguments={
                "input": NUMBERS,
                "target": Tensor(like="input", beside=OTHER_DTYPES),
                "var": Either(
                    array=Tensor(
                        like="input", low=0.01, high=4.0, broadcast=True, beside=OTHER_DTYPES[:2]
                    ),
                    number=OneOf(0.5, 2.0),
                ),
                "full": FLAG,
                # torch clamps the variance where it takes no gradients.
                "eps": Number(1e-6, 0.5, 2, differentiated=False, outside=(0.0, -1.0)),
                "reduction": REDUCTION,
            },
            decisions={
                "var.array:integers": "a variance is floating; torch takes integers beside an eps "
                "that is one",
                "input:more_axes": "a variance without axes serves any input; torch takes such an "
                "array beside one axis at most",
            },
        ),
    ),
    rows.loss(
        "kl_div",
        truth=THEME.reference("kl_div"),
        budgets={**rows.CROSSES, **rows.budgets(rows.DERIVATIVES, WIDE, 16, 256, LOGARITHMS)},
        quirks=(
            Quirk(
                reason="a difference of logarithms that cancels, times a target of any size",
                source="as far off in torch: 7e-5 for input 1.562 and target 4.773 in float32",
                where=_cancels,
                instead=Budget(ulp=1024, reason="a difference down to 1/1000 of its terms"),
                checks=("forward",),
                dtypes=SINGLE,
                settings=("reduction=none",),
            ),
        ),
        settings=(
            rows.each(LOGS, LOGS),
            rows.each(Sweep(span=(-80.0, 8.0)), Sweep(span=(-80.0, 8.0)), log_target=True),
            rows.reduced("batchmean", *BATCH, dtypes=WIDE),
            rows.reduced("mean", *CHANCES, checks=FORWARD),
            rows.reduced("sum", *CHANCES, checks=FORWARD),
        ),
        bad_calls=(
            *GENERIC,
            *rows.wrong_kinds(int32="float32", float32="int32", complex64="complex64"),
        ),
        domain=Domain(
            arguments={
                "input": NUMBERS,
                "target": shares(broadcast=True, beside=OTHER_DTYPES[:2]),
                "reduction": OneOf("mean", "sum", "none", "batchmean"),
                "log_target": FLAG,
            }
        ),
    ),
)
