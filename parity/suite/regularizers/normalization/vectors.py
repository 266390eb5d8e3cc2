"""The rows of vectors divided by their norm."""

from __future__ import annotations

import numpy as np

from parity.domains import Domain, Number, OneOf, Tensor
from parity.spec import Budget, Choices, Samples
from parity.suite.rows import (
    FORWARD,
    SINGLE,
    WIDE,
    Theme,
    as_formula,
    each,
    few,
    number,
    setting,
    values_only,
)

ROWS = Samples(shape=(24, 6))
# Components that are 0, and ties for the largest and the smallest component.
TIED = Choices(values=(-1.0, 0.0, 0.5, 1.0), shape=(24, 6))
# Several zero vectors.
ZEROS = Choices(values=(0.0, 0.0, 0.0, -0.5, 1.0), shape=(24, 6))
HUGE = Samples(shape=(24, 6), scale=1e25)
# Norms whose inverses underflow to 0, and norms that overflow.
LARGEST = Samples(shape=(24, 6), scale=9e37)
# Vectors with one component. 1e-39 counts as 0, since XLA on CPUs computes with 0 in its place.
SUBNORMAL = Choices(values=(1e-39, 0.0, 0.5), shape=(24, 1))
# Norms equal to eps, above and below it, for eps = 1.
AROUND_1 = Choices(values=(0.0, 0.0, 0.0, 1.0, 0.5, -0.5), shape=(48, 3))
X = np.asarray([[0.25, 0.5, 0.75], [0.5, 0.125, 1.0]], np.float32)
SECOND = ("forward", "vjp", "second")
# Components of a gradient are differences of terms as large as the vectors' lengths.
PROJECTED = Budget(
    ulp=8, floor=8, everywhere=True, reason="the part along the vector itself is subtracted"
)
TWICE = Budget(
    ulp=16, floor=64, everywhere=True, reason="a sum of products of three projected vectors"
)
# The results are so small that any floor would accept anything; measured errors: up to 319 ulp.
CANCELS = Budget(ulp=2.0**10, reason="differences of terms about 100 times as large")
THEME = Theme("regularizers", "normalization.", arguments=(X,))

SPECS = (
    THEME.row(
        "normalize",
        # Half precision is computed in float32 and rounded once: its budgets are the default ones.
        budgets={**each(("vjp", "jvp"), WIDE, PROJECTED), **each(("second",), WIDE, TWICE)},
        settings=(
            setting(ROWS),
            values_only(Samples(shape=(24, 6), special=True), label="special"),
            setting(ZEROS, label="zeros", checks=FORWARD),
            setting(HUGE, label="huge", checks=("forward",)),
            setting(HUGE, label="slopes_of_huge", checks=("vjp",), budget=CANCELS),
            *(values_only(LARGEST, label=f"largest,p={p}", p=p) for p in (2.0, 3.0)),
            *(few(SUBNORMAL, label=f"subnormal,p={p}", p=p) for p in (1.0, 3.0)),
            few(TIED, label="ties,eps=0.25", eps=0.25, checks=SECOND),
            few(AROUND_1, label="eps=1", eps=1.0, dtypes=WIDE),
            *(few(TIED, p=p, eps=0.25) for p in (0.0, 0.5, 1.0, 1.5, 3.0, np.inf, -np.inf)),
            setting(ROWS, p=1.5, dtypes=("float64",), checks=SECOND),
            *(
                few(Samples(shape=(4, 3, 5), axis=None), dim=dim, eps=4.0)
                for dim in (0, -1, (0, 2), (-1, 1), (), [1, 2], None)
            ),
            as_formula(
                THEME.reference("normalize"),
                ROWS,
                label="p=array,eps=array",
                arrays={"p": number(2.5, 0.25), "eps": number(4.0, 0.5)},
                dtypes=SINGLE,
                checks=SECOND,
            ),
        ),
        bad_calls=(
            THEME.bad("no_such_dim", "no such dim", dim=2),
            THEME.bad("one_axis", "no axis 1", X[0]),
            THEME.bad("dim_twice", "a dim named twice", dim=(1, 1)),
            THEME.bad("dim_of_a_float", "a dim that is not an int", dim=1.0),
            THEME.bad("dim_of_a_bool", "a dim that is not an int", dim=True),
            THEME.bad("eps_none", "an eps that is not a number", eps=None),
            THEME.bad("p_string", "a p that is not a number", p="x"),
            THEME.bad("a_list", "a list", [1.0, 2.0]),
            *(
                THEME.bad(kind, "an incompatible dtype", np.ones((2, 3), kind))
                for kind in ("int32", "bool")
            ),
            *(
                THEME.bad(f"nothing_to_take_p_{p}_of", "no components", X[:, :0], p=p)
                for p in (np.inf, -np.inf, -1.0)
            ),
        ),
        domain=Domain(
            arguments={
                "input": Tensor(axes=("n c", "c", "n c l")),
                "p": Number(2.0, 1, 3, np.inf, 0.5, 1.5, 0, -1),
                "dim": OneOf(1, 0, -1, -2, 2, -3),
                "eps": Number(1e-12, 0.5, 2, 0.0),
            },
            # A single number is its sign: rounding leaves the slope.
            impossible=(
                {"lengths": ("n=1", "c=1"), "order": "second"},
                # torch's second derivative at a vector of zeros is nan.
                {"p": ("0.5", "1.5", "-1"), "input.numbers": "ties", "order": "second"},
                # 0/0: the result is nan, of whose gradient torch leaves infinities for these p.
                {"p": ("1.5", "3"), "input.numbers": ("ties", "zeros"), "eps": "0.0"},
                # A norm that is eps itself: the rounding of a power decides the slope.
                {"p": "1", "p.type": "array", "input.numbers": "ties", "eps": ("0.5", "2")},
            ),
        ),
    ),
)
