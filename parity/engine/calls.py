"""The checks that look at calls rather than at numbers: shapes, errors, signatures, laws."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from parity import inputs
from parity.backends import Backend, Transforming, backend, native
from parity.cases import Case
from parity.engine.numeric import against
from parity.engine.parameters import parameters_in, parameters_of
from parity.engine.results import Result
from parity.engine.voices import Voices
from parity.spec import Spec, Values
from parity.verdict import Outcome, worst_outcome

SHAPES = ((0,), (2, 0), (0, 2), (), (2, 3))


def shapes(case: Case, voices: Voices) -> Result:
    """Empty, 0-d and 2-d inputs, and the dtype when 64-bit mode is on."""
    if not voices.pointwise:
        return _widening(case, voices)
    results = [_shape(case, voices, shape) for shape in SHAPES] + [_widening(case, voices)]
    outcome = worst_outcome([result.outcome for result in results])
    deciding = next(result for result in results if result.outcome is outcome)
    return replace(deciding, worst=None)


def _shape(case: Case, voices: Voices, shape: tuple[int, ...]) -> Result:
    """The case with inputs of that shape."""
    params = replace(case.params, truth=None)
    spec = replace(case.spec, truth=None, params=(params,))
    reshaped = replace(case, spec=spec, params=params)
    local = Voices(spec=spec, params=params, dtype=case.dtype, seed=voices.seed, shape=shape)
    local.phases = ("forward", "vjp") if "vjp" in case.spec.checks else ("forward",)
    for failure in (*local.subject.failures.values(), *local.reference.failures.values()):
        return Result(
            case=case,
            outcome=Outcome.MISMATCH,
            message=f"shape {shape}: {type(failure).__name__}: {failure}",
        )
    result = against(reshaped, local, local.subject.trace, local.reference.trace)
    message = f"shape {shape}: {result.message}" if result.message else ""
    return replace(result, case=case, message=message)


def _widening(case: Case, voices: Voices) -> Result:
    """Half precision and float32 stay what they are when 64-bit mode is on."""
    side = voices.subject_side
    result = Result(case=case, outcome=Outcome.EXACT)
    if not isinstance(side, Transforming):
        return result
    for dtype in ("float16", "bfloat16", "float32"):
        problem = inputs.problem(voices.key, dtype, voices.arrays, case.params.arrays)
        found = side.dtype_in_64_bit_mode(voices.subject_call, case.params.values, problem)
        if found != dtype:
            message = f"{dtype} becomes {found} in 64-bit mode"
            return replace(result, outcome=Outcome.MISMATCH, message=message)
    return result


def error(case: Case, voices: Voices) -> Result:
    """The subject raises what the reference raises: the same type or a kind of it."""
    bad = case.bad_call
    assert bad is not None
    side = backend(case.spec.reference.backend)
    reference_args = bad.args if bad.reference_args is None else bad.reference_args
    expected = _raised(side, side.resolve(case.spec.reference), reference_args, bad.values)
    if expected is None:
        message = f"declared as a bad call ({bad.reason}), but the reference accepts it"
        return Result(case=case, outcome=Outcome.STALE, message=message)
    found = _raised(voices.subject_side, voices.subject_call, bad.args, bad.values)
    wanted = type(expected).__name__
    if found is None:
        message = f"{bad.reason}: nothing is raised, the reference raises {wanted}: {expected}"
        return Result(case=case, outcome=Outcome.MISMATCH, message=message)
    if not isinstance(found, _kinds(expected)):
        message = (
            f"{bad.reason}: {type(found).__name__} is no {wanted}: {found!s:.200} "
            f"(the reference: {expected!s:.200})"
        )
        return Result(case=case, outcome=Outcome.MISMATCH, message=message)
    return Result(case=case, outcome=Outcome.EXACT)


def _kinds(expected: Exception) -> type[Exception] | tuple[type[Exception], ...]:
    """What may be raised instead: a missing method is how Python says that the kind is wrong."""
    kind = type(expected)
    return (kind, TypeError) if kind is AttributeError else kind


def _raised(
    side: Backend, call: Callable[..., Any], args: tuple[Any, ...], values: Values
) -> Exception | None:
    try:
        call(*(native(side, arg) for arg in args), **native(side, values))
    except Exception as error:
        return error
    return None


def signature(case: Case, voices: Voices) -> Result:
    """The same parameters in the same order with the same defaults."""
    spec = case.spec
    if spec.signature is not None:
        expected = parameters_in(spec.signature)
    else:
        reference = backend(spec.reference.backend).resolve(spec.reference)
        expected = parameters_of(reference)
    found = parameters_of(voices.subject_call)
    message = _parameter_difference(found, expected, spec)
    outcome = Outcome.MISMATCH if message else Outcome.EXACT
    return Result(case=case, outcome=outcome, message=message)


def _parameter_difference(found: dict[str, Any], expected: dict[str, Any], spec: Spec) -> str:
    ours = {name: default for name, default in found.items() if name not in spec.extra}
    theirs = {name: default for name, default in expected.items() if name != "inplace"}
    missing = set(spec.extra) - set(found)
    if missing:
        return f"no parameter {', '.join(sorted(missing))}"
    if list(ours) != list(theirs):
        return f"parameters ({', '.join(ours)}), the reference's ({', '.join(theirs)})"
    for name, default in theirs.items():
        if ours[name] != default or isinstance(ours[name], bool) != isinstance(default, bool):
            return f"{name} is {ours[name]!r} by default, the reference's {default!r}"
    return ""


def law(case: Case, voices: Voices) -> Result:
    """A property of the subject alone."""
    assert case.law is not None
    broken = case.law.broken(voices.subject_call)
    outcome = Outcome.MISMATCH if broken else Outcome.EXACT
    return Result(case=case, outcome=outcome, message=broken or "")
