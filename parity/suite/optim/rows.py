"""What the rows of the optimizers share."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from parity.spec import Budget, Samples, Spec, steps
from parity.suite.rows import HALVES, WIDE, Theme

# Parameters of torch's optimizers that say how torch computes.
HOW = ("params", "foreach", "fused", "capturable", "differentiable")
CHECKS = ("forward", "vmap", "error", "signature", "law")
ROUNDED = Budget(
    ulp=4,
    floor=4,
    everywhere=True,
    per_step=1,
    reason="parameters of either sign add up steps, each of which is rounded",
)
SUMMED = Budget(
    ulp=64, floor=16, everywhere=True, reason="the gradient adds up what all of the steps did"
)
BUDGETS = {"forward": ROUNDED, "vmap": SUMMED}
STEPS = 50


def tree(*steps: int, scale: float = 1.0) -> Any:
    """Parameters, or gradients for each step."""

    def leaf(*shape: int) -> Samples:
        return Samples(shape=(*steps, *shape), axis=None, scale=scale)

    return {"layer": {"weight": leaf(5, 3), "bias": leaf(3)}, "scale": leaf()}


def row(
    theme: str, name: str, optimizer: str, *slots: str, numbers: tuple[str, ...] = (), **fields: Any
) -> Spec:
    """The row of an optimizer.

    Args:
        theme: the name of the file.
        name: jaxact's.
        optimizer: torch's.
        *slots: the entries of torch's state that each parameter has, which are those of jaxact's.
        numbers: those that are the same for all parameters.
        **fields: of the row.
    """
    state, same = {slot: slot for slot in slots}, {name: name for name in numbers}
    defaults: dict[str, Any] = {
        "subject": steps("jax", f"jaxact.optim.{name}", updates=False),
        "reference": steps("torch", f"optim.{optimizer}", state=state, numbers=same),
        "inputs": (tree(), tree(STEPS)),
        "dtypes": WIDE,
        "checks": CHECKS,
        "budgets": BUDGETS,
        "omitted": HOW,
    }
    if "inputs" not in fields:
        # In half precision the rounding of the parameters decides where more than a step leads.
        one_step = replace(
            fields["settings"][0],
            label="half precision",
            inputs=(tree(), tree(1)),
            dtypes=HALVES,
            checks=("forward",),
        )
        fields["settings"] = (*fields["settings"], one_step)
    return Theme("optim", theme).row(name, **{**defaults, **fields})
