"""The rows of the variance scaling initializers."""

from __future__ import annotations

from typing import Any

import numpy as np

from parity.spec import BadCall
from parity.suite.initializers.laws import (
    KAIMING_NORMAL,
    KAIMING_UNIFORM,
    XAVIER_NORMAL,
    XAVIER_UNIFORM,
)
from parity.suite.initializers.rows import (
    BOOLEANS,
    INTEGERS,
    NO_AXIS,
    NORMAL_BITS,
    ONE_AXIS,
    bad,
    filled,
    initializer,
    random_settings,
)

GAINED: tuple[dict[str, Any], ...] = ({}, {"gain": 5 / 3}, {"gain": 0.0})
LINEAR = ("linear", "conv1d", "conv2d", "conv3d")
TRANSPOSED = ("conv_transpose1d", "conv_transpose2d", "conv_transpose3d")
OTHERS = ("sigmoid", "tanh", "relu", "leaky_relu", "selu")
SLOPES = (0.2, 2, -1, float("nan"))
KAIMING: tuple[dict[str, Any], ...] = (
    {},
    {"a": 5**0.5},
    {"mode": "fan_out"},
    {"mode": "FAN_OUT", "nonlinearity": "relu"},
    {"nonlinearity": "tanh"},
    {"a": "ignored", "nonlinearity": "linear"},
)
XAVIER_ERRORS = (
    INTEGERS,
    BOOLEANS,
    ONE_AXIS,
    NO_AXIS,
    bad("no_fans", "neither inputs nor outputs", shape=(0, 0)),
    bad("gain_below_0", "a negative gain", gain=-1.0),
)
KAIMING_ERRORS = (
    INTEGERS,
    BOOLEANS,
    ONE_AXIS,
    NO_AXIS,
    bad("no_such_mode", "no such mode", mode="fan_avg"),
    bad("mode_is_a_number", "a mode that is no text", mode=1),
    bad("no_such_nonlinearity", "no gain known", nonlinearity="gelu"),
    bad("a_is_text", "a slope that is no number", a="0.1"),
    bad("a_is_a_boolean", "a slope that is no number", a=True),
    bad("a_is_an_array", "a slope that is no Python number", a=np.zeros((), np.float32)),
)


def _gain_error(name: str, **values: Any) -> BadCall:
    return bad(name, "a call without a gain", (), **values)


SPECS = (
    initializer(
        "calculate_gain",
        params=(
            *(
                filled((), label=name, values={"nonlinearity": name}, dtypes=("float64",))
                for name in (*LINEAR, *TRANSPOSED, *OTHERS)
            ),
            *(
                filled(
                    (),
                    label=f"param={slope}",
                    values={"nonlinearity": "leaky_relu", "param": slope},
                    dtypes=("float64",),
                )
                for slope in SLOPES
            ),
            filled(
                (),
                label="param_ignored",
                values={"nonlinearity": "tanh", "param": "ignored"},
                dtypes=("float64",),
            ),
        ),
        extra=(),
        bad_calls=(
            _gain_error("gelu", nonlinearity="gelu"),
            _gain_error("identity", nonlinearity="identity"),
            _gain_error("upper_case", nonlinearity="RELU"),
            _gain_error("a_number", nonlinearity=1),
            _gain_error("a_list", nonlinearity=["relu"]),
            _gain_error("param_is_a_boolean", nonlinearity="leaky_relu", param=True),
            _gain_error("param_is_text", nonlinearity="leaky_relu", param="0.2"),
            _gain_error("param_is_float32", nonlinearity="leaky_relu", param=np.float32(0.2)),
        ),
    ),
    initializer(
        "xavier_uniform",
        params=random_settings(GAINED),
        bad_calls=XAVIER_ERRORS,
        laws=XAVIER_UNIFORM,
    ),
    initializer(
        "xavier_normal",
        params=random_settings(GAINED),
        budgets=NORMAL_BITS,
        bad_calls=XAVIER_ERRORS,
        laws=XAVIER_NORMAL,
    ),
    initializer(
        "kaiming_uniform",
        params=(*random_settings(KAIMING), filled((0, 3), label="empty", values={"seed": 3})),
        bad_calls=KAIMING_ERRORS,
        laws=KAIMING_UNIFORM,
    ),
    initializer(
        "kaiming_normal",
        params=(*random_settings(KAIMING), filled((0, 3), label="empty", values={"seed": 3})),
        budgets=NORMAL_BITS,
        bad_calls=KAIMING_ERRORS,
        laws=KAIMING_NORMAL,
    ),
)
