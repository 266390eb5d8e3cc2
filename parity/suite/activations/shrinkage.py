"""The rows of the shrinkage functions."""

from __future__ import annotations

from parity.spec import FLOATS, Params, Points
from parity.suite.activations import truths
from parity.suite.activations.rows import ZERO, activation, bad, swept

SPECS = (
    activation("tanhshrink", truth=truths.tanhshrink, dtypes=(*FLOATS, "int32"), refuses=("bool",)),
    activation(
        "hardshrink",
        inputs=(Points(kinks=(-0.5, 0.5)),),
        params=(
            Params(),
            Params(values={"lambd": 1.25}, inputs=(Points(kinks=(-1.25, 1.25)),)),
            Params(values={"lambd": 0.0}, inputs=ZERO),
            Params(values={"lambd": -1.0}, inputs=ZERO),
        ),
        refuses=("int32", "bool", "complex64"),
    ),
    activation(
        "softshrink",
        inputs=(Points(kinks=(-0.5, 0.5)),),
        params=(
            Params(),
            Params(values={"lambd": 1.25}, inputs=(Points(kinks=(-1.25, 1.25)),)),
            Params(values={"lambd": 0.0}, inputs=ZERO),
            swept("softshrink", lambd=Points(span=(0.0, 2.0))),
        ),
        refuses=("int32", "bool", "complex64"),
        bad_calls=(
            bad("lambd_negative", "a negative lambd", lambd=-0.5),
            bad("lambd_nan", "a lambd that is nan", lambd=float("nan")),
        ),
    ),
)
