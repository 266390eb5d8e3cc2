"""The rows of the shrinkage functions."""

from __future__ import annotations

from parity.spec import FLOATS
from parity.suite.activations.rows import activation, bad, kinks, swept
from parity.suite.rows import setting

SPECS = (
    activation("tanhshrink", dtypes=(*FLOATS, "int32"), refuses=("bool",)),
    activation(
        "hardshrink",
        setting(),
        setting(kinks(-1.25, 1.25), lambd=1.25),
        setting(kinks(0.0), lambd=0.0),
        setting(kinks(0.0), lambd=-1.0),
        inputs=(kinks(-0.5, 0.5),),
    ),
    activation(
        "softshrink",
        setting(),
        setting(kinks(-1.25, 1.25), lambd=1.25),
        setting(kinks(0.0), lambd=0.0),
        swept("softshrink", lambd=(0.0, 2.0)),
        inputs=(kinks(-0.5, 0.5),),
        bad_calls=(
            bad("lambd_negative", "a negative lambd", lambd=-0.5),
            bad("lambd_nan", "a lambd that is nan", lambd=float("nan")),
        ),
    ),
)
