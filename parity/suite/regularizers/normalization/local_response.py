"""The rows of local response normalization."""

from __future__ import annotations

import numpy as np

from parity.domains import Domain, Number, OneOf
from parity.spec import Budget, Fixed, Samples, on
from parity.suite.choices import SIGNALS_ANYWHERE, channel_axis
from parity.suite.rows import WIDE, Theme, each, few, number, setting, values_only

CHANNELS = Samples(shape=(4, 6, 5))
IMAGES = Samples(shape=(2, 5, 3, 2))
HUGE_CHANNELS = Samples(shape=(4, 6, 5), scale=1e21)
X = np.asarray([[0.25, 0.5, 0.75], [0.5, 0.125, 1.0]], np.float32)
CUBE = np.ones((2, 3, 4), np.float32)
# Numbers whose squares underflow.
TINY = Fixed(values=(((1e-20,), (-2e-20,)),))
SECOND = ("forward", "vjp", "second")
# The results are so small that any floor would accept anything; measured errors: up to 319 ulp.
CANCELS = Budget(ulp=2.0**10, reason="differences of terms about 100 times as large")
FAR_BELOW_1 = Budget(ulp=8, reason="results far below 1, for which any floor is too large")
NEIGHBOURS = Budget(
    ulp=8, floor=8, everywhere=True, reason="a sum over neighbours, with terms of both signs"
)
THEME = Theme("regularizers", "normalization.", arguments=(X,))

SPECS = (
    THEME.row(
        "local_response_norm",
        reference=THEME.reference("local_response_norm"),
        signature=on("torch", "nn.functional.local_response_norm"),
        extra=("channel_axis",),
        budgets=each(("vjp", "jvp", "second"), WIDE, NEIGHBOURS),
        settings=(
            setting(CHANNELS, size=3, alpha=0.5),
            setting(IMAGES, size=3, dtypes=WIDE, checks=SECOND),
            # Even and odd sizes: one channel, all channels, and beyond the borders.
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
            # Here the derivative with respect to the sum of squares underflows.
            few(
                Samples(shape=(4, 6, 5), scale=3e18),
                label="slopes_of_large",
                size=3,
                checks=("vjp",),
                budget=CANCELS,
            ),
            *(values_only(TINY, label=f"tiny,size={n}", size=n, alpha=1.0, k=0.0) for n in (1, 2)),
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
            THEME.bad("size_of_a_float", "a size that is not an int", CUBE, size=2.0),
            THEME.bad("size_of_a_bool", "a size that is not an int", CUBE, size=True),
            THEME.bad("size_none", "a size that is not an int", CUBE, size=None),
            *(
                THEME.bad(f"{name}_none", f"{name} is not a number", CUBE, size=2, **{name: None})
                for name in ("alpha", "beta", "k")
            ),
            THEME.bad("a_list", "a list", [1.0], size=2),
            *(
                THEME.bad(kind, "an incompatible dtype", CUBE.astype(kind), size=2)
                for kind in ("int32", "bool", "complex64")
            ),
        ),
        domain=Domain(
            arguments={
                "input": SIGNALS_ANYWHERE,
                "size": OneOf(2, 1, 3, 5, 8, outside=(0, -1)),
                "alpha": Number(1e-4, 0.5, 0, -1e-3, 10.0),
                "beta": Number(0.75, 1, 0.5, 0, -1.0, 2),
                "k": Number(1.0, 2, 0.5, 10.0),
                "channel_axis": channel_axis("input"),
            },
            # torch's volumes have to be contiguous.
            impossible=(
                {
                    "input.axes": SIGNALS_ANYWHERE.axes[1:],
                    "memory": ("strided", "transposed"),
                },
            ),
        ),
    ),
)
