"""Makers of this family's rows, which compare jaxact's with torch.nn.functional's activations."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from parity.spec import Budget, ObservedDraw, Quirk, Samples, Setting, Spec, Sweep
from parity.suite.activations import truths
from parity.suite.rows import FORWARD, HALVES, SINGLE, Theme, as_formula, setting

X = np.array([-1.0, 0.0, 2.0], np.float32)
PAIR = np.zeros((2, 2), np.float32)
INTEGERS = ("int32", "uint8")
NOT_FLOATING = ("int32", "bool", "complex64")
# [batch, channels, length]
SEQUENCES = Samples(shape=(8, 3, 5))
SUMMED: dict[Any, Budget] = {
    (check, dtype): Budget(ulp=1, floor=4, reason="a sum over the batch")
    for check in ("vjp", "second")
    for dtype in HALVES
}
FLAT_AT_INFINITY = Quirk(
    reason="torch's double backward is nan at +-inf, where the curvature goes to 0",
    source="double backward of softsign, gelu and its tanh form at +-inf, torch 2.13: nan",
    where=lambda arguments, values: np.isinf(arguments[0]),
    instead=0.0,
    checks=("second",),
)
THEME = Theme("activations", arguments=(X,))
bad = THEME.bad


def activation(
    name: str,
    *settings: Setting,
    refuses: tuple[str, ...] = NOT_FLOATING,
    required: tuple[Any, ...] = (),
    **fields: Any,
) -> Spec:
    """A row of this family; its truth is the formula of that name, if there is one.

    Args:
        name: in both namespaces.
        *settings: of the row; by default the one without hyperparameters.
        refuses: dtypes of inputs for which torch has no kernel.
        required: the arguments that have to follow the input in every call.
        **fields: of the row.
    """
    wrong = {"a_list": [1.0, 2.0], **{dtype: np.ones((2, 2)).astype(dtype) for dtype in refuses}}
    refused = [
        bad(f"input_is_{kind}", f"an input that is {kind}", value, *required)
        for kind, value in wrong.items()
    ]
    fields = {"truth": getattr(truths, name, None), **fields}
    fields["bad_calls"] = (*refused, *fields.get("bad_calls", ()))
    return THEME.row(name, settings=settings or (setting(),), **fields)


def kinks(*places: float) -> Sweep:
    """An input that visits the points where the function is not smooth."""
    return Sweep(kinks=places)


def swept(reference: str, *, floor: float = 0.0, **spans: tuple[float, float]) -> Setting:
    """Differentiated hyperparameters, each with its own value from a span at every point.

    So gradients are not sums over points, which could hide an error at one of them. The floor is
    for values or derivatives that are differences of larger terms, and that cross zero at a point
    that depends on the hyperparameter.
    """
    budget = Budget(ulp=4, floor=floor, everywhere=True, reason="a difference of larger terms")
    return as_formula(
        THEME.reference(reference),
        Sweep(kinks=(0.0,), span=(-8.0, 8.0)),
        arrays={name: Sweep(span=span) for name, span in spans.items()},
        mapped=True,
        budget=budget if floor else None,
        dtypes=SINGLE,
        checks=FORWARD,
    )


def drawn(reference: str, observe: Callable[..., Any], *inputs: Samples, **fields: Any) -> Setting:
    """A random setting: the reference gets the subject's draw as an argument."""
    return setting(
        *inputs,
        random=ObservedDraw(seed=7, observe=observe),
        reference=THEME.reference(reference),
        dtypes=SINGLE,
        checks=("forward", "vjp", "jvp", "second", "jit"),
        **fields,
    )
