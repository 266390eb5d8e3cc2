"""The activations of parity's rows, with their counterparts in torch and jax.nn."""

import dataclasses
from collections.abc import Collection, Iterator, Mapping
from typing import Any

import numpy as np

from parity import suite
from parity.spec import Formula, Samples, Setting, Spec, Sweep, Target, on

# By function and setting: what jax.nn offers for the same mathematics.
COUNTERPARTS: Mapping[tuple[str, str], Target] = {
    ("relu", ""): on("jax", "nn.relu"),
    ("relu6", ""): on("jax", "nn.relu6"),
    ("hardtanh", ""): on("jax", "nn.hard_tanh"),
    ("hardsigmoid", ""): on("jax", "nn.hard_sigmoid"),
    ("hardswish", ""): on("jax", "nn.hard_swish"),
    ("leaky_relu", ""): on("jax", "nn.leaky_relu"),
    ("elu", ""): on("jax", "nn.elu"),
    ("celu", ""): on("jax", "nn.celu"),
    ("selu", ""): on("jax", "nn.selu"),
    ("softplus", ""): on("jax", "nn.softplus"),
    ("logsigmoid", ""): on("jax", "nn.log_sigmoid"),
    ("sigmoid", ""): on("jax", "nn.sigmoid"),
    ("tanh", ""): on("jax", "nn.tanh"),
    ("softsign", ""): on("jax", "nn.soft_sign"),
    ("silu", ""): on("jax", "nn.silu"),
    ("mish", ""): on("jax", "nn.mish"),
    ("gelu", ""): on("jax", "nn.gelu", approximate=False),
    ("gelu", "approximate=tanh"): on("jax", "nn.gelu", approximate=True),
    ("glu", ""): on("jax", "nn.glu"),
    ("softmax", ""): on("jax", "nn.softmax", axis=1),
    ("log_softmax", ""): on("jax", "nn.log_softmax", axis=1),
}


@dataclasses.dataclass(frozen=True, kw_only=True)
class Row:
    """One function with one setting of its hyperparameters.

    Attributes:
        function: its name.
        setting: the setting's name; empty if it names no hyperparameter.
        subject: jaxact's.
        reference: torch's.
        counterpart: jax.nn's, if it has one for this setting.
        formula: the real function; None where torch in float64 says what it is.
        values: hyperparameters; arrays among them are numpy's.
        key: seed of the random key that the subject takes.
        dtypes: in which the setting is proven.
        pointwise: whether each output depends on one input, given as a single array.
        default: whether this is the setting that a user gets who names none.
    """

    function: str
    setting: str
    subject: Target
    reference: Target
    counterpart: Target | None
    formula: Formula | None
    values: Mapping[str, Any]
    key: int | None
    dtypes: tuple[str, ...]
    pointwise: bool
    default: bool

    @property
    def label(self) -> str:
        """The function, with its setting in brackets if that is not the default one."""
        return self.function if self.default else f"{self.function}({self.setting})"

    @property
    def listed(self) -> bool:
        """Whether the pages of the documentation list it: defaults, and forms that go by a name."""
        return self.default or any(isinstance(value, str) for value in self.values.values())


def activation_rows() -> Iterator[Row]:
    """Every setting of every activation whose hyperparameters are the same at all points.

    Settings with nan are left out: there the formulas have no value.
    """
    for spec in suite.family("activations"):
        for i, params in enumerate(spec.settings):
            constant = not params.mapped and all(_constant(a) for a in params.arrays.values())
            if constant and not any(value != value for value in params.values.values()):
                yield _row(spec, params, default=i == 0)


def selected_rows(functions: Collection[str]) -> list[Row]:
    """The rows of these functions; of all, if none is named."""
    return [row for row in activation_rows() if not functions or row.function in functions]


def check_functions(functions: Collection[str]) -> None:
    """Raises a ValueError for a name that is no activation."""
    unknown = set(functions) - {row.function for row in activation_rows()}
    if unknown:
        raise ValueError(f"function must be an activation, got {', '.join(sorted(unknown))}")


def _row(spec: Spec, params: Setting, *, default: bool) -> Row:
    truth = params.truth or spec.truth
    inputs = params.inputs or spec.inputs
    return Row(
        function=spec.name,
        setting=params.label or ",".join(f"{k}={v}" for k, v in _values(params).items()),
        subject=spec.subject,
        # The reference of a random setting wants the subject's draw; here it may make its own.
        reference=spec.reference if params.random else params.reference or spec.reference,
        counterpart=COUNTERPARTS.get((spec.name, "" if default else params.name)),
        formula=truth if isinstance(truth, Formula) else None,
        values=_values(params),
        key=params.random.seed if params.random else None,
        dtypes=params.dtypes or spec.dtypes,
        pointwise=len(inputs) == 1 and isinstance(inputs[0], Sweep) and params.random is None,
        default=default,
    )


def _values(params: Setting) -> dict[str, Any]:
    arrays = {name: _value(array) for name, array in params.arrays.items()}
    return {**params.values, **arrays}


def _constant(array: object) -> bool:
    return isinstance(array, Samples) and array.scale == 0


def _value(array: object) -> Any:
    assert isinstance(array, Samples)
    return np.full(array.shape, array.center)
