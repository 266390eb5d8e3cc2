"""From a row to its cases: one for each setting, dtype and check, with ids that stay the same.

activations/elu/alpha=1.5/float32/vjp
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from fnmatch import fnmatchcase
from typing import Any

from parity.covering import CHOICES
from parity.domains import Levels
from parity.dtypes import is_floating
from parity.spec import (
    NUMERIC_CHECKS,
    BadCall,
    Budget,
    Described,
    Formula,
    Law,
    Quirk,
    Randomness,
    SameSeed,
    Setting,
    Spec,
    Target,
    Truth,
    Values,
)
from parity.torch_tests import missing, tested

# Mapping and compiling are properties of the program, not of the number format.
TRANSFORMED = {"vmap": ("float32",), "jit": ("float32", "bfloat16")}
# Half precision is a property of the function rather than of a hyperparameter's value.
DTYPES_OF_OTHER_SETTINGS = ("float32", "float64")
DEFAULTS = Setting()
ANY_DTYPE = "any"

DERIVATIVES = ("vjp", "jvp", "second")
# The checks that a framework does not support, and why.
CANNOT: Mapping[str, Mapping[str, str]] = {
    "torch": {"jit": "torch functions are not compiled"},
    "numpy": {
        **dict.fromkeys(DERIVATIVES, "numpy has no gradients"),
        **dict.fromkeys(("vmap", "jit"), "numpy neither maps nor compiles"),
    },
    "mpmath": {
        **dict.fromkeys(DERIVATIVES, "functions of mpmath are run for their values"),
        **dict.fromkeys(("vmap", "jit", "shapes"), "mpmath has single numbers only"),
    },
}


@dataclass(frozen=True, kw_only=True)
class Setup:
    """A row with one of its settings in one dtype: the functions to run, and their arguments.

    Args:
        family, name, setting, dtype: the parts of the id.
        subject, reference, truth, accept_reference: of the row or the setting.
        own_reference: whether the reference is the row's own, not one that the setting replaces it
            with.
        inputs, arrays, values, mapped, random: of the setting.
        checks: of the row or the setting.
        dtypes: all dtypes in which the row is checked.
    """

    family: str
    name: str
    setting: str
    dtype: str
    subject: Target
    reference: Target
    truth: Truth | None = None
    accept_reference: bool = False
    own_reference: bool = True
    inputs: tuple[Described, ...] = ()
    arrays: Mapping[str, Described] = field(default_factory=dict[str, Any])
    values: Values = field(default_factory=dict[str, Any])
    mapped: bool = False
    random: Randomness | None = None
    checks: tuple[str, ...] = ()
    dtypes: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Signature:
    """The parameters that a subject has to have.

    Args:
        of: a function, or source text.
        omitted, renamed, extra: how the subject's parameters differ; see `Spec`.
    """

    of: Target | str
    omitted: tuple[str, ...]
    renamed: Mapping[str, str]
    extra: tuple[str, ...]


class Source(StrEnum):
    """Where the calls of a run are from: what rows describe, or the tests of torch itself."""

    ROWS = "rows"
    TORCH = "torch"


@dataclass(frozen=True, kw_only=True)
class Coverage:
    """Which calls are made.

    Args:
        meeting: how many choices of a domain meet in every way: `CHOICES` or `PAIRS`, or `NOTHING`.
        draws: how many random calls of each domain are made besides.
        source: where calls are from.
    """

    meeting: int = CHOICES
    draws: int = 0
    source: Source = Source.ROWS


CHOICES_ONLY = Coverage()


@dataclass(frozen=True, kw_only=True)
class Calls:
    """The calls of one function's domain.

    Args:
        spec: the row.
        coverage: which calls are made.
        only: the levels of a single call, in place of those.
    """

    spec: Spec
    coverage: Coverage = CHOICES_ONLY
    only: Levels | None = None


@dataclass(frozen=True, kw_only=True)
class TorchTests:
    """The calls of one function that torch's own tests make.

    Args:
        spec: the row.
        only: the name of a single call, in place of all.
    """

    spec: Spec
    only: str = ""


@dataclass(frozen=True, kw_only=True)
class Case:
    """One comparison.

    Args:
        setup: the functions and their arguments; the same for all cases of a group.
        check: see `CHECKS`.
        budget: the row's or the setting's; None for the default of the result's dtype.
        quirks: the declared differences that have to be observed.
        bad_call, law, signature, calls, torch_tests: for the checks error, law, signature, calls
            and torch_tests.
    """

    setup: Setup
    check: str
    budget: Budget | None = None
    quirks: tuple[Quirk, ...] = ()
    bad_call: BadCall | None = None
    law: Law | None = None
    signature: Signature | None = None
    calls: Calls | None = None
    torch_tests: TorchTests | None = None

    @property
    def dtype(self) -> str:
        """The dtype of the inputs; "any" if the check does not depend on one."""
        return self.setup.dtype

    @property
    def id(self) -> str:
        """family/function[/setting]/dtype/check."""
        return "/".join((*self.group, self.check))

    @property
    def group(self) -> tuple[str, ...]:
        """The key of the case's group; cases of a group share inputs and compiled program."""
        setup = self.setup
        parts = (setup.family, setup.name, setup.setting, setup.dtype)
        return tuple(part for part in parts if part)


@dataclass(frozen=True, kw_only=True)
class LeftOut:
    """A check that a row asks for but its frameworks do not support."""

    family: str
    name: str
    check: str
    reason: str


def cases(specs: Iterable[Spec], coverage: Coverage = CHOICES_ONLY) -> list[Case]:
    """Every case of the rows, in the order of the rows.

    Args:
        specs: the rows.
        coverage: which calls are made.

    Raises:
        ValueError: if two cases have the same id.
    """
    torch = coverage.source is Source.TORCH
    found = [
        case
        for spec in specs
        for case in (_cases_of_torch(spec) if torch else _cases_of(spec, coverage))
    ]
    ids = [case.id for case in found]
    if len(set(ids)) < len(ids):
        twice = sorted({name for name in ids if ids.count(name) > 1})
        raise ValueError(f"case ids are not unique: {', '.join(twice)}")
    return found


def left_out(specs: Iterable[Spec], coverage: Coverage = CHOICES_ONLY) -> list[LeftOut]:
    """The checks that have no case, each with the reason."""
    if coverage.source is Source.TORCH:
        return [
            LeftOut(family=spec.family, name=spec.name, check="torch_tests", reason=reason)
            for spec in specs
            if (reason := missing(spec))
        ]
    return [
        LeftOut(family=spec.family, name=spec.name, check=check, reason=reason)
        for spec in specs
        for check in spec.checks
        if (reason := _impossible(spec, DEFAULTS, check))
    ]


def select(
    found: Sequence[Case], pattern: str = "", dtype: str = "", check: str = ""
) -> list[Case]:
    """The cases whose id matches: a shell pattern, or one or more whole parts of the id."""
    return [
        case
        for case in found
        if _matches(case.id, pattern)
        and (not dtype or case.dtype == dtype)
        and (not check or case.check == check)
    ]


def _matches(name: str, pattern: str) -> bool:
    return not pattern or fnmatchcase(name, pattern) or f"/{pattern.strip('/')}/" in f"/{name}/"


def case_of_call(specs: Iterable[Spec], name: str) -> Case | None:
    """The case of a single call of a domain, family/function/factor=level;.../calls.

    None if the id is not of this form, or no row with a domain has that name.
    """
    family, function, levels, check = (*name.split("/"), "", "", "", "")[:4]
    if check != "calls" or levels == ANY_DTYPE:
        return None
    for spec in specs:
        if (spec.family, spec.name) == (family, function) and spec.domain is not None:
            chosen = [part.partition("=") for part in levels.split(";")]
            only = {factor: level for factor, _, level in chosen if level}
            setup = replace(setup_of_calls(spec), setting=levels, dtype="")
            return Case(setup=setup, check=check, calls=Calls(spec=spec, only=only))
    return None


def case_of_torch(specs: Iterable[Spec], name: str) -> Case | None:
    """The case of torch's tests, family/function[/test]/dtype/torch_tests, of all or a single one.

    None if the id is not of this form, or torch has no tests of that function.
    """
    *parts, dtype, check = name.split("/")
    if check != "torch_tests" or len(parts) not in (2, 3):
        return None
    for spec in specs:
        if [spec.family, spec.name] == parts[:2]:
            only = "".join(parts[2:])
            found = [case for case in _cases_of_torch(spec, only) if case.dtype == dtype]
            return found[0] if found else None
    return None


def _cases_of_torch(spec: Spec, only: str = "") -> Iterator[Case]:
    if missing(spec):
        return
    for dtype in filter(functools.partial(tested, spec), spec.dtypes):
        yield Case(
            setup=_setup(spec, Setting(label=only), dtype),
            check="torch_tests",
            torch_tests=TorchTests(spec=spec, only=only),
        )


def _cases_of(spec: Spec, coverage: Coverage) -> Iterator[Case]:
    for setting in spec.settings:
        for dtype in _dtypes(spec, setting):
            setup = _setup(spec, setting, dtype)
            for check in setting.checks or spec.checks:
                if _applies(spec, setting, dtype, check):
                    yield Case(
                        setup=setup,
                        check=check,
                        budget=_budget(spec, setting, dtype, check),
                        quirks=_quirks(spec, setup, check),
                    )
    # Bad calls have the same source of random numbers as the default setting.
    plain = _setup(spec, Setting(random=spec.settings[0].random), ANY_DTYPE)
    if spec.domain is not None:
        calls = Calls(spec=spec, coverage=coverage)
        yield Case(setup=setup_of_calls(spec), check="calls", calls=calls)
    if "signature" in spec.checks:
        signature = Signature(
            of=spec.signature or spec.reference,
            omitted=spec.omitted,
            renamed=spec.renamed,
            extra=spec.extra,
        )
        yield Case(setup=plain, check="signature", signature=signature)
    if "error" in spec.checks:
        for bad in spec.bad_calls:
            yield Case(setup=replace(plain, setting=bad.name), check="error", bad_call=bad)
    if "law" in spec.checks:
        for law in spec.laws:
            yield Case(setup=replace(plain, setting=law.name), check="law", law=law)


def _setup(spec: Spec, setting: Setting, dtype: str) -> Setup:
    """The row combined with the setting, whose fields replace those of the row."""
    truth = setting.truth or spec.truth
    return Setup(
        family=spec.family,
        name=spec.name,
        setting=setting.name,
        dtype=dtype,
        subject=setting.subject or spec.subject,
        reference=setting.reference or spec.reference,
        # A run in float64 draws other numbers from the stream, so it cannot be the truth.
        truth="reference" if isinstance(setting.random, SameSeed) else truth,
        accept_reference=spec.accept_reference,
        own_reference=setting.reference is None,
        inputs=spec.inputs if setting.inputs is None else setting.inputs,
        arrays=setting.arrays,
        values=setting.values,
        mapped=setting.mapped,
        random=setting.random,
        checks=setting.checks or spec.checks,
        dtypes=tuple(dict.fromkeys(d for p in spec.settings for d in _dtypes(spec, p))),
    )


def setup_of_calls(spec: Spec, *, stream: bool = False) -> Setup:
    """The functions that calls of the row's domain run, whose arguments the domain makes.

    Args:
        spec: the row.
        stream: whether both sides draw from the stream of the reference's framework, as in the
            first setting that does so; else they are those of the first setting that does not.
    """
    found = [s for s in spec.settings if isinstance(s.random, SameSeed) == stream]
    chosen = (*found, *spec.settings)[0]
    reference = chosen.reference or spec.calls_reference
    plain = replace(chosen, label="", values={}, arrays={}, inputs=(), reference=reference)
    return _setup(spec, plain, ANY_DTYPE)


def _dtypes(spec: Spec, setting: Setting) -> tuple[str, ...]:
    if setting.dtypes is not None:
        return setting.dtypes
    if setting is spec.settings[0]:
        return spec.dtypes
    return tuple(dtype for dtype in spec.dtypes if dtype in DTYPES_OF_OTHER_SETTINGS)


def _applies(spec: Spec, setting: Setting, dtype: str, check: str) -> bool:
    default = setting is spec.settings[0]
    if _impossible(spec, setting, check):
        return False
    if check == "shapes":
        return default and dtype == spec.dtypes[0]
    if check == "jit" and not default:
        return False
    if check not in NUMERIC_CHECKS:
        return False
    if check in TRANSFORMED:
        return dtype in TRANSFORMED[check]
    return check == "forward" or is_floating(dtype)


def _impossible(spec: Spec, setting: Setting, check: str) -> str:
    """Why the frameworks of the row do not support the check; empty if they do."""
    subject = setting.subject or spec.subject
    reason = CANNOT.get(subject.backend, {}).get(check, "")
    if reason or check not in DERIVATIVES:
        return reason
    # The reference or the truth has to support it; a closed form supports all derivatives.
    judges = [setting.reference or spec.reference, setting.truth or spec.truth]
    reasons = [CANNOT.get(j.backend, {}).get(check) for j in judges if isinstance(j, Target)]
    closed = any(isinstance(judge, Formula) for judge in judges)
    return reasons[0] if reasons[0] and all(reasons) and not closed else ""


def _budget(spec: Spec, setting: Setting, dtype: str, check: str) -> Budget | None:
    return setting.budget or spec.budgets.get((check, dtype)) or spec.budgets.get(check)


def _quirks(spec: Spec, setup: Setup, check: str) -> tuple[Quirk, ...]:
    return tuple(
        quirk
        for quirk in spec.quirks
        if check in quirk.checks
        and setup.dtype in quirk.dtypes
        and (not quirk.settings or setup.setting in quirk.settings)
    )
