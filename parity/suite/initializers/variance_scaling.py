"""The rows of the variance scaling initializers."""

from __future__ import annotations

from typing import Any

import numpy as np

from parity.domains import Domain, Number, OneOf
from parity.spec import BadCall, Spec, on
from parity.suite.initializers import laws
from parity.suite.initializers.domains import KERNELS, domain_of
from parity.suite.initializers.rows import (
    KERNEL,
    NORMAL_BITS,
    NOT_FLOATING,
    THEME,
    WITHOUT_FANS,
    bad,
    filled,
    initializer,
    keyed,
    random_settings,
)
from parity.suite.rows import setting

LAYERS = ("linear", *(f"conv{n}d" for n in (1, 2, 3)), *(f"conv_transpose{n}d" for n in (1, 2, 3)))
NONLINEARITIES = ("sigmoid", "tanh", "relu", "leaky_relu", "selu")
SLOPES = (0.2, 2, -1, float("nan"))
# The fields that the uniform and the normal initializer of each kind share.
XAVIER: dict[str, Any] = {
    "domain": domain_of(*KERNELS, gain=Number(1.0, 5 / 3, 0, 2)),
    "bad_calls": (
        *NOT_FLOATING,
        *WITHOUT_FANS,
        bad("no_fans", "neither inputs nor outputs", shape=(0, 0)),
        bad("gain_below_0", "a negative gain", gain=-1.0),
    ),
}
XAVIER_SETTINGS = random_settings({}, {"gain": 5 / 3}, {"gain": 0.0})
KAIMING: dict[str, Any] = {
    "domain": domain_of(
        *KERNELS,
        a=OneOf(0, 5**0.5, 0.25, -0.5),
        mode=OneOf("fan_in", "fan_out"),
        nonlinearity=OneOf("leaky_relu", *NONLINEARITIES[:3], *LAYERS[:2]),
    ),
    "bad_calls": (
        *NOT_FLOATING,
        *WITHOUT_FANS,
        bad("no_such_mode", "no such mode", mode="fan_avg"),
        bad("mode_is_a_number", "a mode that is not a string", mode=1),
        bad("no_such_nonlinearity", "no gain known", nonlinearity="gelu"),
        bad("a_is_text", "a slope that is not a number", a="0.1"),
        bad("a_is_a_boolean", "a slope that is not a number", a=True),
        bad("a_is_an_array", "a slope that is not a Python number", a=np.zeros((), np.float32)),
    ),
}
KAIMING_SETTINGS = (
    *random_settings(
        {},
        {"a": 5**0.5},
        {"mode": "fan_out"},
        {"mode": "FAN_OUT", "nonlinearity": "relu"},
        {"nonlinearity": "tanh"},
        {"a": "ignored", "nonlinearity": "linear"},
    ),
    filled((0, 3), label="empty", seed=3),
)


def _xavier(name: str, formula: str, **fields: Any) -> Spec:
    settings = (*XAVIER_SETTINGS, keyed(KERNEL, formula, gain=1.0))
    return initializer(name, settings, **XAVIER, **fields)


def _kaiming(name: str, **fields: Any) -> Spec:
    standard: dict[str, Any] = {"a": 0, "mode": "fan_in", "nonlinearity": "linear"}
    return initializer(
        name, (*KAIMING_SETTINGS, keyed(KERNEL, name, **standard)), **KAIMING, **fields
    )


def _without_gain(name: str, nonlinearity: Any = "leaky_relu", **values: Any) -> BadCall:
    return THEME.bad(name, "a call without a gain", nonlinearity=nonlinearity, **values)


SPECS = (
    THEME.row_beyond(
        "calculate_gain",
        signature=on("torch", "nn.init.calculate_gain"),
        inputs=(),
        dtypes=("float64",),
        settings=(
            *(setting(label=name, nonlinearity=name) for name in (*LAYERS, *NONLINEARITIES)),
            *(setting(label=f"param={a}", nonlinearity="leaky_relu", param=a) for a in SLOPES),
            setting(label="param_ignored", nonlinearity="tanh", param="ignored"),
        ),
        bad_calls=(
            _without_gain("gelu", "gelu"),
            _without_gain("identity", "identity"),
            _without_gain("upper_case", "RELU"),
            _without_gain("a_number", 1),
            _without_gain("a_list", ["relu"]),
            _without_gain("param_is_a_boolean", param=True),
            _without_gain("param_is_text", param="0.2"),
            _without_gain("param_is_float32", param=np.float32(0.2)),
        ),
        domain=Domain(
            arguments={
                "nonlinearity": OneOf(*NONLINEARITIES, *LAYERS),
                "param": OneOf(None, 0.2, 2, -1, 0),
            }
        ),
    ),
    _xavier("xavier_uniform", "xavier_uniform", laws=laws.XAVIER_UNIFORM),
    _xavier("xavier_normal", "times_gain", budgets=NORMAL_BITS, laws=laws.XAVIER_NORMAL),
    _kaiming("kaiming_uniform", laws=laws.KAIMING_UNIFORM),
    _kaiming("kaiming_normal", budgets=NORMAL_BITS, laws=laws.KAIMING_NORMAL),
)
