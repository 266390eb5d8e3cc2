"""The rows of the exponential units."""

from __future__ import annotations

from parity.domains import Number
from parity.suite.activations.rows import activation, bad, kinks, swept
from parity.suite.choices import elementwise
from parity.suite.rows import SINGLE, setting

SPECS = (
    activation(
        "elu",
        setting(),
        setting(alpha=0.75),
        setting(alpha=-0.5),
        setting(alpha=0.0, dtypes=SINGLE),
        swept("elu", alpha=(-2.0, 2.0)),
        inputs=(kinks(0.0),),
        domain=elementwise(alpha=Number(1.0, 0.5, 2, 0.0, -1.0, 100.0)),
    ),
    activation(
        "celu",
        setting(),
        setting(alpha=2.0),
        setting(alpha=0.0625),
        swept("celu", floor=1, alpha=(0.25, 4.0)),
        inputs=(kinks(0.0),),
        bad_calls=(bad("alpha_zero", "a division by zero", alpha=0.0),),
        domain=elementwise(alpha=Number(1.0, 0.5, 2, -1.0, 100.0, outside=(0.0,))),
    ),
    activation(
        "selu",
        inputs=(kinks(0.0),),
        domain=elementwise(),
    ),
)
