"""How a row of this family is written: jaxact.functional against torch.nn.functional."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from parity.spec import (
    BadCall,
    Budget,
    Drawn,
    Params,
    Points,
    Spec,
    Target,
    on,
)

ZERO = (Points(kinks=(0.0,)),)
# Where a hyperparameter has a value of its own at every point: no sum hides what one point does.
BRANCHES = (Points(kinks=(0.0,), span=(-8.0, 8.0)),)


def cancels(floor: float) -> Budget:
    """For the derivative in a hyperparameter that is a difference of larger terms."""
    return Budget(
        ulp=4,
        floor=floor,
        everywhere=True,
        reason="the derivative in the hyperparameter is a difference of larger terms",
    )


CROSSES = Budget(
    ulp=4,
    floor=2,
    everywhere=True,
    reason="where it crosses zero depends on the hyperparameter",
)
X = np.array([-1.0, 0.0, 2.0], np.float32)
PAIR = np.zeros((2, 2), np.float32)
INTEGERS = ("int32", "uint8")
SUMS = "a sum over the batch"


def activation(name: str, *, refuses: tuple[str, ...] = (), **fields: Any) -> Spec:
    """A row of this family: jaxact's function of that name against torch's.

    Args:
        name: in both namespaces.
        refuses: dtypes of inputs for which torch has no kernel.
        **fields: of the row.
    """
    reference = fields.pop("reference", on("torch", f"nn.functional.{name}"))
    bad_calls = fields.pop("bad_calls", ())
    required = fields.pop("required", ())
    generic = [_wrong_kind("a_list", [1.0, 2.0], required)]
    generic += [_wrong_kind(d, np.ones((2, 2)).astype(d), required) for d in refuses]
    return Spec(
        family="activations",
        name=name,
        subject=on("jax", f"jaxact.functional.{name}"),
        reference=reference,
        bad_calls=(*generic, *bad_calls),
        **fields,
    )


def torch_form(name: str) -> Target:
    """A function of `references`."""
    return on("torch", f"parity.suite.activations.references.{name}")


def _wrong_kind(kind: str, value: Any, required: tuple[Any, ...]) -> BadCall:
    return BadCall(
        name=f"input_is_{kind}", args=(value, *required), reason=f"an input that is {kind}"
    )


def bad(name: str, reason: str, *args: Any, **values: Any) -> BadCall:
    """A call to refuse; without arguments of its own it gets X."""
    return BadCall(name=name, args=args or (X,), values=values, reason=reason)


def swept(
    reference: str,
    budget: Budget | None = None,
    **arrays: Points,
) -> Params:
    """Hyperparameters as arrays with a value for each point, differentiated."""
    return Params(
        arrays=arrays,
        mapped=True,
        inputs=BRANCHES,
        budget=budget,
        reference=torch_form(reference),
        truth=torch_form(reference),
        dtypes=("float32",),
        checks=("forward", "vjp"),
    )


def drawn(reference: str, observe: Callable[..., Any], **fields: Any) -> Params:
    """A random setting: the reference is given what the subject drew from its key."""
    return Params(
        random=Drawn(seed=7, observe=observe),
        reference=torch_form(reference),
        dtypes=("float32",),
        checks=("forward", "vjp", "jvp", "second", "jit"),
        **fields,
    )
