"""The rows of the exponential units."""

from __future__ import annotations

from parity.spec import Params, Points
from parity.suite.activations import truths
from parity.suite.activations.rows import ZERO, activation, bad, cancels, swept

SPECS = (
    activation(
        "elu",
        truth=truths.elu,
        inputs=ZERO,
        params=(
            Params(),
            Params(values={"alpha": 0.75}),
            Params(values={"alpha": -0.5}),
            Params(values={"alpha": 0.0}, dtypes=("float32",)),
            swept("elu", alpha=Points(span=(-2.0, 2.0))),
        ),
        refuses=("int32", "bool", "complex64"),
    ),
    activation(
        "celu",
        truth=truths.celu,
        inputs=ZERO,
        params=(
            Params(),
            Params(values={"alpha": 2.0}),
            Params(values={"alpha": 0.0625}),
            swept("celu", cancels(1), alpha=Points(span=(0.25, 4.0))),
        ),
        refuses=("int32", "bool", "complex64"),
        bad_calls=(bad("alpha_zero", "a division by zero", alpha=0.0),),
    ),
    activation("selu", truth=truths.selu, inputs=ZERO, refuses=("int32", "bool", "complex64")),
)
