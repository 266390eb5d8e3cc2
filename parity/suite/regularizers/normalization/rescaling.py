"""The rows of the division by a norm of a vector or of neighbouring channels."""

from __future__ import annotations

import numpy as np

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
# Components that are 0, and that tie for the largest and the smallest.
TIED = Choices(values=(-1.0, 0.0, 0.5, 1.0), shape=(24, 6))
# Several zero vectors.
ZEROS = Choices(values=(0.0, 0.0, 0.0, -0.5, 1.0), shape=(24, 6))
HUGE = Samples(shape=(24, 6), scale=1e25)
# Norms whose inverses vanish, and norms that are no numbers.
LARGEST = Samples(shape=(24, 6), scale=9e37)
# With 1 for eps: norms of eps itself, and on both sides.
AROUND_1 = Choices(values=(0.0, 0.0, 0.0, 1.0, 0.5, -0.5), shape=(48, 3))
CHANNELS = Samples(shape=(4, 6, 5))
IMAGES = Samples(shape=(2, 5, 3, 2))
HUGE_CHANNELS = Samples(shape=(4, 6, 5), scale=1e21)
X = np.asarray([[0.25, 0.5, 0.75], [0.5, 0.125, 1.0]], np.float32)
CUBE = np.ones((2, 3, 4), np.float32)
SECOND = ("forward", "vjp", "second")
# Components of a gradient are differences of terms as large as the vectors' lengths.
PROJECTED = Budget(
    ulp=8, floor=8, everywhere=True, reason="the part along the vector itself is taken off"
)
TWICE = Budget(
    ulp=16, floor=64, everywhere=True, reason="a sum of products of three projected vectors"
)
# Far below what any floor would forgive; measured: up to 319.
CANCELS = Budget(ulp=2.0**10, reason="differences of terms that are some 100 times as large")
FAR_BELOW_1 = Budget(ulp=8, reason="results far below 1, of which no floor may forgive anything")
NEIGHBOURS = Budget(
    ulp=8, floor=8, everywhere=True, reason="terms of all neighbours, of either sign"
)
THEME = Theme("regularizers", "normalization.rescaling", arguments=(X,))

SPECS = (
    THEME.row(
        "normalize",
        # Half precision is computed in float32 and rounded once: its budgets are the default ones.
        budgets={**each(("vjp", "jvp"), WIDE, PROJECTED), **each(("second",), WIDE, TWICE)},
        params=(
            setting(ROWS),
            values_only(Samples(shape=(24, 6), special=True), label="special"),
            setting(ZEROS, label="zeros", checks=FORWARD),
            setting(HUGE, label="huge", checks=("forward",)),
            setting(HUGE, label="slopes_of_huge", checks=("vjp",), budget=CANCELS),
            *(values_only(LARGEST, label=f"largest,p={p}", p=p) for p in (2.0, 3.0)),
            few(TIED, label="ties,eps=0.25", eps=0.25, checks=SECOND),
            few(AROUND_1, label="eps=1", eps=1.0, dtypes=WIDE),
            *(few(TIED, p=p, eps=0.25) for p in (0.0, 0.5, 1.0, 1.5, 3.0, np.inf, -np.inf)),
            setting(ROWS, p=1.5, dtypes=("float64",), checks=SECOND),
            *(
                few(Samples(shape=(4, 3, 5), axis=None), dim=dim, eps=4.0)
                for dim in (0, -1, (0, 2), (-1, 1), ())
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
            THEME.bad("dim_of_a_float", "a dim that is no int", dim=1.0),
            THEME.bad("dim_of_a_bool", "a dim that is no int", dim=True),
            THEME.bad("eps_none", "an eps that is no number", eps=None),
            THEME.bad("p_string", "a p that is no number", p="x"),
            THEME.bad("a_list", "a list", [1.0, 2.0]),
            *(
                THEME.bad(kind, "a dtype that does not go", np.ones((2, 3), kind))
                for kind in ("int32", "bool")
            ),
            *(
                THEME.bad(f"nothing_to_take_p_{p}_of", "no components", X[:, :0], p=p)
                for p in (np.inf, -np.inf, -1.0)
            ),
        ),
    ),
    THEME.row(
        "local_response_norm",
        extra=("channel_axis",),
        budgets=each(("vjp", "jvp", "second"), WIDE, NEIGHBOURS),
        params=(
            setting(CHANNELS, size=3, alpha=0.5),
            setting(IMAGES, size=3, dtypes=WIDE, checks=SECOND),
            # Even and odd ones, of one channel, of all of them, and beyond the borders.
            *(few(CHANNELS, size=n, alpha=0.5, k=2.0) for n in (1, 2, 4, 5, 6, 7, 11, 30)),
            *(
                few(CHANNELS, size=3, alpha=0.5, beta=beta, checks=SECOND)
                for beta in (0.5, 1.0, 2.0, -0.25)
            ),
            values_only(Samples(shape=(24, 6, 1), special=True), label="special", size=2),
            *(
                values_only(HUGE_CHANNELS, label=label, size=3, beta=beta, budget=FAR_BELOW_1)
                for label, beta in (("huge", 0.75), ("huge,beta=0.5", 0.5))
            ),
            few(
                HUGE_CHANNELS,
                label="slopes_of_huge",
                size=3,
                beta=0.75,
                checks=("vjp",),
                budget=CANCELS,
            ),
            # Here a slope in the sum of squares is below the least number.
            few(
                Samples(shape=(4, 6, 5), scale=3e18),
                label="slopes_of_large",
                size=3,
                checks=("vjp",),
                budget=CANCELS,
            ),
            setting(
                CHANNELS,
                label="numbers=arrays",
                size=4,
                arrays={"alpha": number(0.5, 0.1), "beta": number(0.75, 0.1), "k": number(2, 0.1)},
                dtypes=WIDE,
                checks=SECOND,
            ),
            few(IMAGES, size=3, channel_axis=-1, reference=THEME.reference("local_response_norm")),
        ),
        bad_calls=(
            THEME.bad("two_axes", "too few axes", X, size=2),
            *(THEME.bad(f"size_{size}", "no such size", CUBE, size=size) for size in (0, -2)),
            THEME.bad("size_of_a_float", "a size that is no int", CUBE, size=2.0),
            THEME.bad("size_of_a_bool", "a size that is no int", CUBE, size=True),
            THEME.bad("size_none", "a size that is no int", CUBE, size=None),
            *(
                THEME.bad(f"{name}_none", f"{name} is no number", CUBE, size=2, **{name: None})
                for name in ("alpha", "beta", "k")
            ),
            THEME.bad("a_list", "a list", [1.0], size=2),
            *(
                THEME.bad(kind, "a dtype that does not go", CUBE.astype(kind), size=2)
                for kind in ("int32", "bool", "complex64")
            ),
        ),
    ),
)
