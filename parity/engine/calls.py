"""The checks of calls rather than of numbers: shapes, errors, signatures, laws."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from parity.backends import CompilingBackend, backend, native
from parity.cases import Case, Signature
from parity.dtypes import is_floating
from parity.engine.numeric import against
from parity.engine.results import Finding
from parity.engine.sides import Sides
from parity.signatures import parameters_in, parameters_of
from parity.spec import Randomness, Target, Values
from parity.verdict import Outcome, worst_outcome

NARROW = ("float16", "bfloat16", "float32")
SHAPES = ((0,), (2, 0), (0, 2), (), (2, 3))


def shapes(case: Case, sides: Sides) -> Finding:
    """Empty, 0-d and 2-d inputs, and the dtype when 64-bit mode is on."""
    if not sides.pointwise:
        return _widening(sides)
    findings = [_shape(case, sides, shape) for shape in SHAPES] + [_widening(sides)]
    outcome = worst_outcome([finding.outcome for finding in findings])
    deciding = next(finding for finding in findings if finding.outcome is outcome)
    return replace(deciding, worst=None)


def _shape(case: Case, sides: Sides, shape: tuple[int, ...]) -> Finding:
    """The case with inputs of that shape."""
    phases = ("forward", *({"vjp"} & set(sides.setup.checks)))
    local = Sides(
        setup=replace(sides.setup, truth=None), seed=sides.seed, phases=phases, shape=shape
    )
    for failure in (*local.subject.failures.values(), *local.reference.failures.values()):
        return Finding(
            outcome=Outcome.MISMATCH,
            message=f"shape {shape}: {type(failure).__name__}: {failure}",
        )
    finding = against(case, local, local.subject.trace, local.reference.trace)
    message = f"shape {shape}: {finding.message}" if finding.message else ""
    return replace(finding, message=message)


def _widening(sides: Sides) -> Finding:
    """Checks that 64-bit mode does not widen results in half precision and float32."""
    side = sides.subject_side
    if not isinstance(side, CompilingBackend):
        return Finding(outcome=Outcome.EXACT)
    for dtype in (d for d in NARROW if d in sides.setup.dtypes):
        problem = sides.numbers(sides.key, dtype)
        usual, wide = (side.dtypes(sides.subject_task, problem, x64) for x64 in (False, True))
        for key in usual:
            if is_floating(usual[key]) and usual[key] != wide[key]:
                message = f"{key} of {dtype}: {usual[key]} becomes {wide[key]} in 64-bit mode"
                return Finding(outcome=Outcome.MISMATCH, message=message)
    return Finding(outcome=Outcome.EXACT)


def error(case: Case, sides: Sides) -> Finding:
    """The subject raises the exception that the reference raises, or one of a subclass."""
    bad = case.bad_call
    assert bad is not None
    reference_args = bad.args if bad.reference_args is None else bad.reference_args
    setup = sides.setup
    expected = _raised(setup.reference, None, reference_args, bad.values)
    if expected is None:
        message = f"declared as a bad call ({bad.reason}), but the reference accepts it"
        return Finding(outcome=Outcome.STALE, message=message)
    found = _raised(setup.subject, setup.random, bad.args, bad.values)
    wanted = type(expected).__name__
    if found is None:
        message = f"{bad.reason}: nothing is raised, the reference raises {wanted}: {expected}"
        return Finding(outcome=Outcome.MISMATCH, message=message)
    if not isinstance(found, accepted_kinds(expected)):
        message = (
            f"{bad.reason}: {type(found).__name__} is no {wanted}: {found!s:.200} "
            f"(the reference: {expected!s:.200})"
        )
        return Finding(outcome=Outcome.MISMATCH, message=message)
    return Finding(outcome=Outcome.EXACT)


def accepted_kinds(expected: Exception) -> tuple[type[Exception], ...]:
    """The types that the subject may raise.

    A TypeError is accepted for an AttributeError, which Python raises if an argument of a wrong
    type lacks a method.
    """
    kind = type(expected)
    return (kind, TypeError) if kind is AttributeError else (kind,)


def exception_difference(
    subject: Callable[[], Any], expected: Exception, own: tuple[type[Exception], ...] = ()
) -> str:
    """How the subject's exception differs from the reference's; empty if it does not.

    A reference that lacks an implementation decides nothing.

    Args:
        subject: calls it.
        expected: the reference's exception.
        own: other exceptions that the subject may raise.
    """
    if type(expected) is NotImplementedError:
        return ""
    wanted = f"the reference raises {named(expected)}"
    try:
        subject()
    except Exception as found:
        accepted = isinstance(found, (*own, *accepted_kinds(expected)))
        return "" if accepted else f"{named(found)}; {wanted}"
    return f"nothing is raised; {wanted}"


def named(error: Exception) -> str:
    """The exception's type and the beginning of its message, on one line."""
    return f"{type(error).__name__}: {' '.join(str(error).split()):.300}"


def _raised(
    target: Target, random: Randomness | None, args: tuple[Any, ...], values: Values
) -> Exception | None:
    side = backend(target.backend)
    try:
        side.function(target, random)(
            tuple(native(side, arg) for arg in args), native(side, dict(values))
        )
    except Exception as error:
        return error
    return None


def signature(case: Case, sides: Sides) -> Finding:
    """The subject has the reference's parameters, in the same order, with the same defaults."""
    wanted = case.signature
    assert wanted is not None
    expected = _parameters(wanted.of)
    found = parameters_of(sides.subject_side.resolve(sides.setup.subject))
    message = _parameter_difference(found, expected, wanted)
    outcome = Outcome.MISMATCH if message else Outcome.EXACT
    return Finding(outcome=outcome, message=message)


def _parameters(of: Target | str) -> dict[str, Any]:
    return (
        parameters_in(of) if isinstance(of, str) else parameters_of(backend(of.backend).resolve(of))
    )


def _parameter_difference(
    found: dict[str, Any], expected: dict[str, Any], wanted: Signature
) -> str:
    unknown = set(wanted.renamed) - set(expected)
    if unknown:
        return f"the reference has no parameter {', '.join(sorted(unknown))}"
    missing = set(wanted.extra) - set(found)
    if missing:
        return f"no parameter {', '.join(sorted(missing))}"
    ours = {name: default for name, default in found.items() if name not in wanted.extra}
    theirs = {
        wanted.renamed.get(name, name): default
        for name, default in expected.items()
        if name not in (*wanted.omitted, *wanted.extra)
    }
    if list(ours) != list(theirs):
        return f"parameters ({', '.join(ours)}), the reference's ({', '.join(theirs)})"
    for name, default in theirs.items():
        if ours[name] != default or isinstance(ours[name], bool) != isinstance(default, bool):
            return f"{name} is {ours[name]!r} by default, the reference's {default!r}"
    return ""


def law(case: Case, sides: Sides) -> Finding:
    """A property of the subject alone."""
    assert case.law is not None
    broken = case.law.violation(sides.subject_side.resolve(sides.setup.subject))
    outcome = Outcome.MISMATCH if broken else Outcome.EXACT
    return Finding(outcome=outcome, message=broken or "")
