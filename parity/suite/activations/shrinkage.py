"""The rows of the shrinkage functions."""

from __future__ import annotations

import numpy as np

from parity.domains import Number
from parity.spec import FLOATS
from parity.suite.activations.rows import activation, bad, kinks, swept
from parity.suite.choices import elementwise
from parity.suite.rows import few, setting

HALF = np.ones(3, np.float16)

SPECS = (
    activation(
        "tanhshrink",
        dtypes=(*FLOATS, "int32"),
        refuses=("bool",),
        domain=elementwise(),
    ),
    activation(
        "hardshrink",
        setting(),
        setting(kinks(-1.25, 1.25), lambd=1.25),
        setting(kinks(0.0), lambd=0.0),
        setting(kinks(0.0), lambd=-1.0),
        few(kinks(0.0), lambd=np.nan),
        inputs=(kinks(-0.5, 0.5),),
        bad_calls=(
            bad("lambd_above_float16", "a lambd that the dtype cannot represent", HALF, lambd=1e30),
        ),
        domain=elementwise(lambd=Number(0.5, 0.0, 1, -1.0, np.inf, 2.0)),
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
            bad("lambd_nan", "a lambd that is nan", lambd=np.nan),
            bad("lambd_infinite", "an infinite lambd", lambd=np.inf),
            bad("lambd_above_float16", "a lambd that the dtype cannot represent", HALF, lambd=1e5),
        ),
        domain=elementwise(lambd=Number(0.5, 0.0, 1, 2.0, outside=(-0.5, np.inf))),
    ),
)
