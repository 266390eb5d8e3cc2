"""The rows of the sigmoids and their kin."""

from __future__ import annotations

from parity.spec import FLOATS, Params, Points, Quirk
from parity.suite.activations import truths
from parity.suite.activations.rows import INTEGERS, ZERO, activation, cancels, swept

SPECS = (
    activation("sigmoid", truth=truths.sigmoid, dtypes=(*FLOATS, *INTEGERS, "bool")),
    activation("logsigmoid", truth=truths.logsigmoid, refuses=("int32", "bool", "complex64")),
    activation("tanh", truth=truths.tanh, dtypes=(*FLOATS, *INTEGERS, "bool")),
    activation(
        "softplus",
        truth=truths.softplus,
        inputs=(Points(kinks=(20.0,)),),
        params=(
            Params(),
            Params(values={"beta": 2.0, "threshold": 8.0}, inputs=(Points(kinks=(4.0,)),)),
            Params(values={"beta": 0.5}, inputs=(Points(kinks=(40.0,)),)),
            Params(values={"beta": -1.0}, inputs=(Points(kinks=(-20.0,)),)),
            # Each of the terms reaches 16 and is rounded.
            swept("softplus", cancels(32), beta=Points(span=(0.5, 2.0))),
        ),
        refuses=("int32", "bool", "complex64"),
    ),
    activation(
        "softsign",
        truth=truths.softsign,
        inputs=ZERO,
        dtypes=(*FLOATS, "int32"),
        refuses=("bool",),
    ),
    activation(
        "hardsigmoid",
        truth=truths.hardsigmoid,
        inputs=(Points(kinks=(-3.0, 3.0)),),
        refuses=("int32", "bool", "complex64"),
        quirks=(
            Quirk(
                reason="torch has no double backward of hardsigmoid",
                source="derivative for aten::hardsigmoid_backward is not implemented",
                where=None,
                checks=("second",),
            ),
        ),
    ),
)
