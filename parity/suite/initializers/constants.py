"""The rows of the constants."""

from __future__ import annotations

import numpy as np

from parity.spec import FLOATS, BadCall, Params
from parity.suite.initializers.rows import KERNEL, SMALL, bad, filled, initializer

EXACT = (*FLOATS, "int32", "uint8", "bool", "complex64")


def _of_value(dtype: str, *values: complex) -> tuple[Params, ...]:
    return tuple(
        filled(SMALL, label=f"val={v}", values={"val": v}, dtypes=(dtype,)) for v in values
    )


def _too_large(dtype: str, val: complex) -> BadCall:
    return bad(f"{val}_in_{dtype}", "a value that the dtype does not hold", dtype=dtype, val=val)


SPECS = (
    initializer(
        "constant",
        params=(
            filled(KERNEL, label="val=0.3", values={"val": 0.3}, dtypes=EXACT),
            filled((), label="scalar", values={"val": -2.5}),
            filled((0, 3), label="empty", values={"val": 1.5}),
            *_of_value("int32", 3.7, -3.7, 2**31 - 1),
            *_of_value("uint8", -1, -255, 127.5, -0.0),
            *_of_value("float16", float("inf"), float("nan"), 65504.0),
            *_of_value("complex64", 1 + 2j),
        ),
        bad_calls=(
            _too_large("uint8", 300),
            _too_large("uint8", -256),
            _too_large("uint8", -0.5),
            _too_large("int32", 2.0**31),
            _too_large("int32", float("nan")),
            _too_large("float16", 1e6),
            _too_large("float32", 1e300),
            _too_large("float32", 1 + 2j),
            bad("two_numbers", "more numbers than one", val=np.ones(2, np.float32)),
        ),
    ),
    initializer("zeros", params=(filled(KERNEL, label="kernel", dtypes=EXACT),)),
    initializer("ones", params=(filled(KERNEL, label="kernel", dtypes=EXACT),)),
)
