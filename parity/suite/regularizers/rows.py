"""Rows of functions of trees, whose leaves a row has as separate arrays."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from parity.spec import BadCall, Params, Spec, Target, on

FORWARD = ("forward", "vjp")
SINGLE = ("float32",)
BOTH = ("float32", "float64")
HALVES = ("float16", "bfloat16")


@dataclass(frozen=True)
class Theme:
    """What the rows of one file have in common.

    Args:
        name: of the file, beside which stand <name>_subjects.py and <name>_references.py.
        defaults: fields of its rows.
        arguments: of its bad calls.
    """

    name: str
    defaults: Mapping[str, Any]
    arguments: tuple[Any, ...] = field(default=())

    def reference(self, name: str, **options: Any) -> Target:
        """A function of the theme's references."""
        return on("torch", f"parity.suite.regularizers.{self.name}_references.{name}", **options)

    def row(self, name: str, signature: str, **fields: Any) -> Spec:
        """The row of the theme's subject, against the reference of its name."""
        common: dict[str, Any] = {"reference": self.reference(name), **self.defaults}
        return Spec(
            family="regularizers",
            name=name,
            subject=on("jax", f"parity.suite.regularizers.{self.name}_subjects.{name}"),
            signature=signature,
            **{**common, **fields},
        )

    def bad(self, name: str, reason: str, *args: Any, **values: Any) -> BadCall:
        """A call with these arguments, or with the theme's."""
        return BadCall(name=name, args=args or self.arguments, values=values, reason=reason)


def given(label: str, *inputs: Any, **fields: Any) -> Params:
    """A setting with inputs of its own."""
    return Params(
        label=label,
        inputs=inputs,
        checks=fields.pop("checks", FORWARD),
        dtypes=fields.pop("dtypes", SINGLE),
        **fields,
    )


def in_half_precision(**values: Any) -> Params:
    """The setting in both dtypes of 16 bits."""
    return Params(label="half_precision", values=values, dtypes=HALVES, checks=FORWARD)
