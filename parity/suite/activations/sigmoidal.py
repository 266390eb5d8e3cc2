"""The rows of the sigmoids and related functions."""

from __future__ import annotations

import numpy as np

from parity.domains import Number
from parity.spec import FLOATS, Quirk
from parity.suite.activations.rows import FLAT_AT_INFINITY, INTEGERS, activation, kinks, swept
from parity.suite.choices import elementwise
from parity.suite.rows import setting

ALL = (*FLOATS, *INTEGERS, "bool")
NO_DOUBLE_BACKWARD = Quirk(
    reason="torch has no double backward of hardsigmoid",
    source="derivative for aten::hardsigmoid_backward is not implemented",
    where=None,
    checks=("second",),
)

SPECS = (
    activation(
        "sigmoid",
        dtypes=ALL,
        refuses=(),
        domain=elementwise(),
    ),
    activation(
        "logsigmoid",
        domain=elementwise(),
    ),
    activation(
        "tanh",
        dtypes=ALL,
        refuses=(),
        domain=elementwise(),
    ),
    activation(
        "softplus",
        setting(),
        setting(kinks(4.0), beta=2.0, threshold=8.0),
        setting(kinks(40.0), beta=0.5),
        setting(kinks(-20.0), beta=-1.0),
        # Each of the terms reaches 16 and is rounded.
        swept("softplus", floor=32, beta=(0.5, 2.0)),
        inputs=(kinks(20.0),),
        domain=elementwise(
            beta=Number(1.0, 0.5, 2, -1.0, 100.0), threshold=Number(20.0, 1, 0.0, -1.0, np.inf)
        ),
    ),
    activation(
        "softsign",
        inputs=(kinks(0.0),),
        dtypes=(*FLOATS, "int32"),
        quirks=(FLAT_AT_INFINITY,),
        refuses=("bool",),
        domain=elementwise(),
    ),
    activation(
        "hardsigmoid",
        inputs=(kinks(-3.0, 3.0),),
        quirks=(NO_DOUBLE_BACKWARD,),
        domain=elementwise(),
    ),
)
