"""The rows of the constants."""

from __future__ import annotations

import numpy as np

from parity.domains import Number
from parity.suite.initializers.domains import ANY, domain_of
from parity.suite.initializers.rows import EXACT, KERNEL, SMALL, bad, filled, initializer, keyed

ALL = (*EXACT, "complex64")
# By dtype.
OTHERS: dict[str, tuple[complex, ...]] = {
    "int32": (3.7, -3.7, 2**31 - 1),
    "uint8": (-1, -255, 127.5, -0.0),
    "float16": (float("inf"), float("nan"), 65504.0),
    "complex64": (1 + 2j,),
}
TOO_LARGE: dict[str, tuple[complex, ...]] = {
    "uint8": (300, -256, -0.5),
    "int32": (2.0**31, float("nan")),
    "float16": (1e6,),
    "float32": (1e300, 1 + 2j),
}

SPECS = (
    initializer(
        "constant",
        settings=(
            filled(KERNEL, val=0.3, dtypes=ALL),
            filled((), label="scalar", val=-2.5),
            keyed(KERNEL, val=0.3),
            filled((0, 3), label="empty", val=1.5),
            *(filled(SMALL, val=v, dtypes=(dtype,)) for dtype in OTHERS for v in OTHERS[dtype]),
        ),
        bad_calls=(
            *(
                bad(f"{v}_in_{dtype}", "a value that the dtype does not hold", dtype=dtype, val=v)
                for dtype in TOO_LARGE
                for v in TOO_LARGE[dtype]
            ),
            bad("two_numbers", "more numbers than one", val=np.ones(2, np.float32)),
        ),
        domain=domain_of(
            *ANY,
            val=Number(0.3, -2.5, 3, float("inf"), 0, -1e4),
        ),
    ),
    initializer(
        "zeros",
        settings=(filled(KERNEL, label="kernel", dtypes=ALL), keyed(KERNEL)),
        domain=domain_of(*ANY),
    ),
    initializer(
        "ones",
        settings=(filled(KERNEL, label="kernel", dtypes=ALL), keyed(KERNEL)),
        domain=domain_of(*ANY),
    ),
)
