"""Makers of rows: the fields that the rows of a file share, settings and calls to refuse."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from parity.spec import BadCall, Budget, Law, SameSeed, Samples, Setting, Spec, Target, on, steps

# Parameters of torch's functions that jaxact's functions do not have, and why.
OMITTED = {
    "_stacklevel": "the warning points at the line of the call",
    "inplace": "arrays do not change",
    "out": "arrays do not change",
    "size_average": "deprecated in torch, for reduction",
    "reduce": "deprecated in torch, for reduction",
    "foreach": "says how torch loops",
    "tensor": "initializers make arrays",
    "generator": "the key, or a generator in its place, is the initializer's argument",
}
# The namespace of a family's functions, if it is not the one of the family's name.
NAMESPACES = {"activations": "functional", "losses": "functional"}
FORWARD = ("forward", "vjp")
SINGLE = ("float32",)
WIDE = ("float32", "float64")
HALVES = ("float16", "bfloat16")


@dataclass(frozen=True)
class Theme:
    """The fields that the rows of one file share.

    Args:
        family: of the rows.
        name: the file's name within the family ("training.clipping"), whose references are in
            <name>_references.py beside it. Only the folder ("augmentation.", or "" for that of the
            family) if all files of the folder share their references.
        fields: default fields of the rows.
        arguments: default arguments of the calls to refuse.
    """

    family: str
    name: str = ""
    fields: Mapping[str, Any] = field(default_factory=dict[str, Any])
    arguments: tuple[Any, ...] = ()

    def row(self, name: str, **fields: Any) -> Spec:
        """The row of jaxact's function of that name, compared with torch.nn.functional's.

        Args:
            name: in both namespaces.
            **fields: of the row; `omitted` is added to `OMITTED`.
        """
        defaults: dict[str, Any] = {
            "subject": on("jax", f"jaxact.{NAMESPACES.get(self.family, self.family)}.{name}"),
            "reference": on("torch", f"nn.functional.{name}"),
            **self.fields,
        }
        omitted = (*OMITTED, *fields.pop("omitted", ()))
        every = {**defaults, **fields}
        if every.get("domain") and every["reference"].name.startswith("parity."):
            # A reference that is written here checks nothing.
            every["domain"] = replace(every["domain"], refusals=False)
        return Spec(family=self.family, name=name, omitted=omitted, **every)

    def row_beyond(self, name: str, **fields: Any) -> Spec:
        """The row of a function that torch.nn.functional lacks; the reference is the file's."""
        return self.row(name, **{"reference": self.reference(name), **fields})

    def row_of_steps(self, name: str, **fields: Any) -> Spec:
        """The row of a function that returns an object with a state, which is updated step by step.

        The reference's maker also gets the initial parameters.
        """
        subject = steps("jax", f"jaxact.{self.family}.{name}")
        defaults = {"subject": subject, "reference": self.steps(name), "omitted": ("params",)}
        return self.row_beyond(name, **{**defaults, **fields})

    def reference(self, name: str, **options: Any) -> Target:
        """A function from the file's references, which are written with torch."""
        folder, _, file = self.name.rpartition(".")
        module = ".".join(filter(None, (folder, f"{file}_references".removeprefix("_"))))
        return on("torch", f"parity.suite.{self.family}.{module}.{name}", **options)

    def steps(self, name: str) -> Target:
        """A maker from the file's references, which are written with torch; see `row_of_steps`."""
        return steps("torch", self.reference(name).name)

    def bad(self, name: str, reason: str, *args: Any, **values: Any) -> BadCall:
        """A call to refuse, with these arguments or else with the theme's."""
        return BadCall(name=name, args=args or self.arguments, values=values, reason=reason)


def setting(*inputs: Any, **fields: Any) -> Setting:
    """A setting.

    Args:
        *inputs: replace those of the row, if there are any.
        **fields: of the setting (label, arrays, mapped, reference, truth, dtypes, checks, random,
            budget); all others are hyperparameters.
    """
    own = {name: fields.pop(name) for name in Setting.__dataclass_fields__ if name in fields}
    if inputs:
        own["inputs"] = inputs
    return Setting(values={**own.pop("values", {}), **fields}, **own)


def few(*inputs: Any, **fields: Any) -> Setting:
    """A setting that by default checks only values and gradients, in float32."""
    return setting(*inputs, **{"dtypes": SINGLE, "checks": FORWARD, **fields})


def values_only(*inputs: Any, **fields: Any) -> Setting:
    """A setting that by default checks only values, in float32."""
    return setting(*inputs, **{"dtypes": SINGLE, "checks": ("forward",), **fields})


def in_half_precision(*inputs: Any, **fields: Any) -> Setting:
    """A setting that checks values and gradients in both 16-bit dtypes."""
    return few(*inputs, **{"label": "half_precision", "dtypes": HALVES, **fields})


def as_formula(reference: Target, *inputs: Any, **fields: Any) -> Setting:
    """A setting that has another function as reference and as truth."""
    return setting(*inputs, **{"reference": reference, "truth": reference, **fields})


def torch_stream(seed: int, **fields: Any) -> SameSeed:
    """Both sides draw from torch's stream, seeded alike; in JAX with a TorchGenerator."""
    return SameSeed(seed=seed, generator=on("jax", "jaxact.random.TorchGenerator"), **fields)


def number(center: float, scale: float) -> Samples:
    """A hyperparameter that is an array without axes."""
    return Samples(shape=(), center=center, scale=scale, axis=None)


def each(
    checks: Iterable[str], dtypes: Iterable[str], budget: Budget
) -> dict[str | tuple[str, str], Budget]:
    """One budget for several checks in several dtypes."""
    wanted = tuple(dtypes)
    return {(check, dtype): budget for check in checks for dtype in wanted}


def laws(*broken: Callable[[Any], str | None]) -> tuple[Law, ...]:
    """Laws named after their functions."""
    return tuple(Law(name=law.__name__.strip("_"), violation=law) for law in broken)


def compiled_over_a_product(shape: tuple[int, ...], *others: Any, **values: Any) -> Law:
    """A law: a function compiled together with a product has the bits of one given the product.

    XLA may fuse the product with a subtraction into one rounding; a maximum computed from the
    rounded products is then not the largest of the numbers that are used.

    Args:
        shape: of the first argument.
        *others: arguments after it.
        **values: hyperparameters.
    """

    def broken(subject: Callable[..., Any]) -> str | None:
        import jax

        def of_product(x: Any) -> Any:
            return subject(x * 0.3, *others, **values)

        def total(x: Any) -> Any:
            return of_product(x).sum()

        compiled: Any = jax.jit(of_product)
        slopes: Any = jax.jit(jax.grad(total))
        numbers = np.random.default_rng(0).standard_normal(shape).astype(np.float32)
        for scale in (1.0, 30.0, 3e9):
            x = jax.numpy.asarray(numbers * np.float32(scale))
            eager, found = np.asarray(of_product(x)), np.asarray(compiled(x))
            if not (np.isfinite(eager).all() and np.array_equal(eager, found)):
                return f"at {scale:g}: compiled {found}, else {eager}"
            if not np.isfinite(np.asarray(slopes(x))).all():
                return f"at {scale:g}: the gradient is not finite"
        return None

    return Law(name="compiled_over_a_product", violation=broken)
