"""A row to its cases: one for each setting, dtype and check, with ids that stay the same.

activations/elu/alpha=1.5/float32/vjp
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

from parity.dtypes import is_floating
from parity.spec import NUMERIC_CHECKS, BadCall, Law, Params, Spec

# Mapping and compiling are properties of the program, not of the number format.
TRANSFORMED = {"vmap": ("float32",), "jit": ("float32", "bfloat16")}
# Half precision is a property of the function rather than of a hyperparameter's value.
DTYPES_OF_OTHER_SETTINGS = ("float32", "float64")
TRANSFORMING = ("jax",)
DEFAULTS = Params()


@dataclass(frozen=True, kw_only=True)
class Case:
    """One comparison."""

    spec: Spec
    check: str
    params: Params = DEFAULTS
    dtype: str = "any"
    bad_call: BadCall | None = None
    law: Law | None = None

    @property
    def setting(self) -> str:
        """The part of the id between function and dtype; empty for the defaults."""
        named = self.bad_call or self.law or self.params
        return named.name

    @property
    def id(self) -> str:
        """family/function[/setting]/dtype/check."""
        parts = (self.spec.family, self.spec.name, self.setting, self.dtype, self.check)
        return "/".join(part for part in parts if part)

    @property
    def group(self) -> tuple[str, str, str, str]:
        """Cases of one group share their inputs and their compiled program."""
        return (self.spec.family, self.spec.name, self.setting, self.dtype)


def cases(specs: Iterable[Spec]) -> list[Case]:
    """Every case of the rows, in their order.

    Raises:
        ValueError: if two cases have the same id.
    """
    found = [case for spec in specs for case in _cases_of(spec)]
    ids = [case.id for case in found]
    if len(set(ids)) < len(ids):
        twice = sorted({name for name in ids if ids.count(name) > 1})
        raise ValueError(f"case ids are not unique: {', '.join(twice)}")
    return found


def select(
    found: Sequence[Case], pattern: str = "", dtype: str = "", check: str = ""
) -> list[Case]:
    """The cases whose id has the pattern: a shell pattern, or one or more whole parts of the id."""
    return [
        case
        for case in found
        if _matches(case.id, pattern)
        and (not dtype or case.dtype == dtype)
        and (not check or case.check == check)
    ]


def _matches(name: str, pattern: str) -> bool:
    return not pattern or fnmatchcase(name, pattern) or f"/{pattern.strip('/')}/" in f"/{name}/"


def _cases_of(spec: Spec) -> list[Case]:
    found = [
        Case(spec=spec, params=params, dtype=dtype, check=check)
        for params in spec.params
        for dtype in _dtypes(spec, params)
        for check in params.checks or spec.checks
        if _applies(spec, params, dtype, check)
    ]
    if "signature" in spec.checks:
        found.append(Case(spec=spec, check="signature"))
    if "error" in spec.checks:
        found += [Case(spec=spec, check="error", bad_call=bad) for bad in spec.bad_calls]
    if "law" in spec.checks:
        found += [Case(spec=spec, check="law", law=law) for law in spec.laws]
    return found


def _dtypes(spec: Spec, params: Params) -> tuple[str, ...]:
    if params.dtypes is not None:
        return params.dtypes
    if params is spec.params[0]:
        return spec.dtypes
    return tuple(dtype for dtype in spec.dtypes if dtype in DTYPES_OF_OTHER_SETTINGS)


def _applies(spec: Spec, params: Params, dtype: str, check: str) -> bool:
    default = params is spec.params[0]
    if check == "shapes":
        return default and dtype == "float32"
    if check == "jit" and not default:
        return False
    if check not in NUMERIC_CHECKS:
        return False
    if check in TRANSFORMED:
        return spec.subject.backend in TRANSFORMING and dtype in TRANSFORMED[check]
    return check == "forward" or is_floating(dtype)
