"""The rows of states that move between torch and jaxact: a training goes on, on the other side."""

from __future__ import annotations

from typing import Any

from parity.domains import FLAG, OneOf
from parity.spec import Spec, steps
from parity.suite.optim.domains import Gradients, of_optimizer
from parity.suite.optim.rows import BUDGETS, STEPS, tree
from parity.suite.rows import WIDE, Theme, setting

THEME = Theme("optim", "torch_states")
OPTIMIZERS = (
    "adam",
    "adam_amsgrad",
    "adamw",
    "sgd",
    "sgd_plain",
    "adamax",
    "nadam",
    "radam",
    "rmsprop",
    "rmsprop_all",
    "rprop",
    "adagrad",
    "adadelta",
    "asgd",
    "adafactor",
)
AT = OneOf(1, 0, 2)
# What torch starts and jax goes on with is compiled on neither side.
KINDS = Gradients("params", kinds=("ordinary", "ties", "zeros"))


def _row(name: str, settings: tuple[dict[str, Any], ...], **arguments: Any) -> Spec:
    return THEME.row(
        name,
        subject=steps("jax", "parity.suite.optim.subjects.optimizer", updates=False),
        reference=steps("torch", f"parity.suite.optim.references.{name}"),
        inputs=(tree(), tree(STEPS)),
        dtypes=WIDE,
        checks=("forward", "law"),
        budgets=BUDGETS,
        settings=tuple(setting(**values) for values in settings),
        domain=of_optimizer(
            grads=KINDS,
            # torch's Adafactor divides by the number of elements.
            lengths={"n": (5, 1)},
            state=OneOf(*OPTIMIZERS),
            **arguments,
        ),
    )


SPECS = (
    _row(
        "from_torch_state",
        (
            {"state": "adam_amsgrad", "state_dict": 20, "names": False, "step": None},
            {"state": "asgd", "state_dict": 20, "names": True, "step": None},
        ),
        state_dict=AT,
        names=FLAG,
        step=OneOf(None),
    ),
    _row(
        "to_torch_state",
        (
            {"state": "adam_amsgrad", "names": False, "tensor": 20},
            {"state": "asgd", "names": True, "tensor": 20},
        ),
        names=FLAG,
        tensor=AT,
    ),
)
