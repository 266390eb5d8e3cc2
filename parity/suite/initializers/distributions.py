"""The rows of the uniform and normal distributions."""

from __future__ import annotations

from parity.domains import Number
from parity.suite.initializers import laws
from parity.suite.initializers.domains import ANY, domain_of
from parity.suite.initializers.rows import (
    KERNEL,
    NORMAL_BITS,
    NOT_FLOATING,
    bad,
    filled,
    initializer,
    keyed,
    random_settings,
)
from parity.suite.rows import SINGLE

NAN, INF = float("nan"), float("inf")
LONG = (70_001,)

SPECS = (
    initializer(
        "uniform",
        domain=domain_of(*ANY, a=Number(0.0, -1, 0.125, -100.0), b=Number(1.0, 0.25, 2, 100.0)),
        settings=(
            keyed(KERNEL, "uniform", a=0.0, b=1.0),
            *random_settings({"a": -0.3, "b": 0.3}, {"a": 5.0, "b": 5.0}),
            filled(KERNEL, label="seed=7", seed=7, dtypes=SINGLE),
            filled((), label="scalar", seed=3),
            filled((0, 3), label="empty", seed=3),
            filled(LONG, label="long", seed=3, dtypes=SINGLE, a=-1.0),
        ),
        bad_calls=(
            *NOT_FLOATING,
            bad("a_above_b", "a lower end above the upper one", a=2.0, b=1.0),
            bad("a_above_b_of_nothing", "a lower end above the upper one", (0,), a=2.0, b=1.0),
            bad("a_is_nan", "an end of nan", a=NAN),
            bad("b_is_infinite", "an infinite end", b=INF),
            bad(
                "b_above_float16", "an end that the dtype cannot represent", dtype="float16", b=1e5
            ),
            bad("too_wide", "a difference that the dtype cannot represent", a=-3e38, b=3e38),
        ),
        laws=laws.UNIFORM,
    ),
    initializer(
        "normal",
        domain=domain_of(*ANY, mean=Number(0.0, 1, -0.5, 100.0), std=Number(1.0, 0.02, 0, 2)),
        settings=(
            keyed(KERNEL, "normal", mean=0.0, std=1.0),
            *random_settings({}, {"mean": 1.0, "std": 0.2}, {"std": 0.0}, {"mean": INF}),
            filled((), label="scalar", seed=3),
            filled((15,), label="short", seed=3),
            filled(LONG, label="long", seed=3, dtypes=SINGLE),
        ),
        budgets=NORMAL_BITS,
        bad_calls=(
            *NOT_FLOATING,
            bad("std_below_0", "a negative standard deviation", std=-1.0),
            bad("std_is_nan", "a standard deviation of nan", std=NAN),
            bad("std_is_a_string", "a standard deviation that is not a number", std="a"),
        ),
        laws=laws.NORMAL,
    ),
    initializer(
        "trunc_normal",
        domain=domain_of(
            "o i",
            "",
            mean=Number(0.0, 0.5),
            std=Number(1.0, 0.5, 2),
            a=Number(-2.0, 0, -INF),
            b=Number(2.0, 0.25, INF),
        ),
        settings=(
            # The reference inverts a probability: it is no more accurate than half of float64.
            keyed(
                KERNEL,
                "trunc_normal",
                dtypes=("float32", "float16", "bfloat16"),
                mean=0.0,
                std=1.0,
                a=-2.0,
                b=2.0,
            ),
            *random_settings(
                {},
                {"std": 0.02},
                {"mean": 0.5, "std": 2.0, "a": 0.0, "b": 0.25},
                {"a": 2.0, "b": 3.0},
                {"a": 1.0, "b": 1.0},
                {"a": -INF, "b": INF},
            ),
        ),
        budgets=NORMAL_BITS,
        bad_calls=(
            *NOT_FLOATING,
            bad("std_is_0", "no standard deviation", std=0.0),
            bad("std_below_0", "a negative standard deviation", std=-0.5, a=-1.0, b=-2.0),
            bad("a_above_b", "a lower end above the upper one", a=1.0, b=-1.0),
            bad("a_is_nan", "an end of nan", a=NAN),
        ),
        laws=laws.TRUNCATED,
    ),
)
