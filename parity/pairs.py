"""Compares two functions of the user's without a row."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from parity.backends import BACKENDS, backend
from parity.cases import Case, LeftOut, cases, left_out
from parity.signatures import required_of
from parity.spec import FLOATS, Budget, Described, Setting, Spec, Sweep, Target, Truth, on

FAMILY = "check"
CHECKS = ("forward", "vjp", "jvp", "second", "vmap", "jit", "shapes")


# For functions that claim no accuracy of their own: XLA rounds sums and differences differently
# when it fuses them.
FUSED = Budget(
    ulp=4, floor=64, everywhere=True, reason="fused operations round sums and differences otherwise"
)


class PairError(ValueError):
    """Two functions that cannot be compared as they were given."""


@dataclass(frozen=True, kw_only=True)
class Pair:
    """Two functions, as cases.

    Args:
        cases: the comparisons.
        left_out: the checks that their frameworks do not support.
    """

    cases: list[Case]
    left_out: list[LeftOut]


def pair(
    subject: Target,
    reference: Target,
    *,
    inputs: Sequence[Described] | None = None,
    arrays: Mapping[str, Described] | None = None,
    values: Mapping[str, Any] | None = None,
    truth: Truth | None = None,
    span: tuple[float, float] | None = None,
    budget: Budget | None = None,
    dtypes: tuple[str, ...] = FLOATS,
    checks: tuple[str, ...] = CHECKS,
) -> Pair:
    """The cases that compare two functions, which only have to agree with each other.

    Args:
        subject: the function under test.
        reference: the one that it should agree with.
        inputs: the positional arguments, arrays or trees; by default one for each parameter without
            a default value, visited point by point.
        arrays: arguments given by name.
        values: hyperparameters of both.
        truth: says which of the two is right; by default the reference in float64. A subject that
            agrees with the reference passes, whatever the truth says.
        span: restricts the points of the default inputs to an interval.
        budget: how far the subject may be from the reference.
        dtypes: of the inputs.
        checks: see `parity.spec.CHECKS`.

    Raises:
        PairError: if the two take different numbers of arguments, or these numbers are unknown.
        ImportError: if there is no such function.
    """
    given = frozenset[str]([*(arrays or {}), *(values or {})])
    if inputs is None:
        inputs = (Sweep(span=span),) * _count(subject, reference, given)
    # The id names no setting, since there is only one.
    setting = Setting(values=values or {}, arrays=arrays or {}, budget=budget)
    spec = Spec(
        family=FAMILY,
        name=subject.last_name,
        subject=subject,
        reference=reference,
        truth=truth,
        accept_reference=True,
        inputs=tuple(inputs),
        settings=(setting,),
        dtypes=dtypes,
        checks=checks,
        budgets={"vmap": FUSED, "jit": FUSED},
    )
    found = [replace(c, setup=replace(c.setup, setting="")) for c in cases([spec])]
    return Pair(cases=found, left_out=left_out([spec]))


def _count(subject: Target, reference: Target, given: frozenset[str]) -> int:
    """How many arrays both functions take."""
    found = [(target.last_name, _required(target, given)) for target in (subject, reference)]
    counts = {len(names) for _, names in found if names is not None}
    if len(counts) == 1 and (count := counts.pop()):
        return count
    said = "; ".join(f"{name} takes {_listed(names)}" for name, names in found)
    raise PairError(
        f"{said}: say what to call them with, one --input for each array (inputs=), and "
        "--set NAME=VALUE (values=) for what is no array"
    )


def _required(target: Target, given: frozenset[str]) -> list[str] | None:
    return required_of(backend(target.backend).resolve(target), given | {*target.options})


def _listed(names: list[str] | None) -> str:
    if names is None:
        return "nobody knows what"
    return f"{len(names)} ({', '.join(names)})"


def target_of(text: str) -> Target:
    """The function that the text backend:path names.

    Raises:
        PairError: if there is no such backend.
    """
    framework, _, path = text.partition(":")
    if framework not in BACKENDS or not path:
        raise PairError(
            "a function is written backend:path, such as jax:jax.nn.silu or jax:my_file.py:f; the "
            f"backends are {', '.join(BACKENDS)}, got {text!r}"
        )
    return on(framework, path)


def as_target(function: Target | Callable[..., Any], default: str) -> Target:
    """A target as it is; a function as a target in the framework that defines it or the default."""
    if isinstance(function, Target):
        return function
    owner = (getattr(function, "__module__", None) or "").partition(".")[0]
    return on(owner if owner in BACKENDS else default, function)
