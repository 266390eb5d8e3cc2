"""Runs of small rows over numpy: what comes of sides that differ, crash or are not there."""

from dataclasses import replace

import numpy as np
import pytest

from parity.cases import cases
from parity.engine import run, succeeded
from parity.spec import BadCall, Budget, Law, Quirk, Samples, Setting, Spec, Sweep, on
from parity.verdict import Outcome


def _spec(subject, reference=np.tanh, **fields):
    fields = {"checks": ("forward",), "dtypes": ("float32",), **fields}
    return Spec(
        family="test",
        name="f",
        subject=on("numpy", subject),
        reference=on("numpy", reference),
        **fields,
    )


def _result(subject, reference=np.tanh, **fields):
    (result,) = run(cases([_spec(subject, reference, **fields)]))
    return result


def test_a_function_is_exactly_itself():
    result = _result(np.abs, np.abs)
    assert (result.outcome, result.message) == (Outcome.EXACT, "")


def test_a_wrong_value_is_reported_with_its_point():
    def wrong(x):
        return np.where(x == 1, 3, np.abs(x)).astype(x.dtype)

    result = _result(wrong, np.abs)
    assert result.outcome is Outcome.MISMATCH
    assert result.worst.input == (1.0,)
    assert (result.worst.subject, result.worst.reference, result.worst.truth) == (3, 1, 1)
    assert "at 1.0: 3.0, reference 1.0, truth 1.0" in result.message


def _lossy(x):
    return np.where(x == 0, x, (np.float32(1) + x) - np.float32(1))


def test_a_reference_that_is_wrong_makes_the_subject_closer():
    result = _result(np.positive, _lossy, truth=on("numpy", np.positive))
    assert result.outcome is Outcome.CLOSER
    assert "the reference" in result.message


def test_following_a_wrong_reference_fails():
    assert _result(_lossy, _lossy, truth=on("numpy", np.positive)).outcome is Outcome.MISMATCH


def test_a_crash_of_the_subject_is_a_result():
    def crashes(x):
        raise RuntimeError("no such kernel")

    result = _result(crashes)
    assert result.outcome is Outcome.ERROR
    assert "RuntimeError: no such kernel (crashes, line" in result.message
    assert result.traceback.startswith("Traceback (most recent call last):")
    assert 'raise RuntimeError("no such kernel")' in result.traceback
    assert "parity/engine" not in result.traceback


def test_a_crash_of_the_reference_is_a_result():
    def crashes(x):
        raise RuntimeError("no such kernel")

    assert _result(np.tanh, crashes).outcome is Outcome.ERROR


def test_a_crash_leaves_the_other_cases_alone():
    def crashes(x):
        raise RuntimeError

    rows = [replace(_spec(crashes), name="a"), replace(_spec(np.tanh), name="b")]
    outcomes = [result.outcome for result in run(cases(rows))]
    assert outcomes == [Outcome.ERROR, Outcome.EXACT]


def test_a_function_that_is_not_there_is_not_run():
    (result,) = run(cases([replace(_spec(np.tanh), subject=on("numpy", "no.such.function"))]))
    assert result.outcome is Outcome.NOT_RUN
    assert "no.such.function" in result.message
    assert not succeeded([result])


def test_another_dtype_is_a_mismatch():
    result = _result(lambda x: np.tanh(x).astype(np.float64))
    assert "dtype float64, the reference's has float32" in result.message
    assert result.outcome is Outcome.MISMATCH


def test_another_shape_is_a_mismatch():
    result = _result(lambda x: np.tanh(x)[:-1])
    assert result.outcome is Outcome.MISMATCH
    assert "shape" in result.message


def test_a_nan_for_a_number_is_a_mismatch():
    def swallowed(x):
        return np.where(x == 1, np.nan, np.abs(x)).astype(x.dtype)

    assert _result(swallowed, np.abs).outcome is Outcome.MISMATCH
    assert _result(np.abs, swallowed).outcome is Outcome.MISMATCH


def test_the_sign_of_zero_is_compared():
    result = _result(lambda x: np.where(x == 0, 0, x).astype(x.dtype), lambda x: x)
    assert result.outcome is Outcome.MISMATCH
    assert "the sign of zero" in result.message


def _quirk(where, instead=1.0, **fields):
    return Quirk(
        reason="the reference is odd there",
        source="a test",
        where=where,
        instead=instead,
        checks=("forward",),
        **fields,
    )


def test_a_declared_difference_is_a_quirk():
    def other(x):
        return np.where(x == 1, 3, np.abs(x)).astype(x.dtype)

    result = _result(np.abs, other, quirks=(_quirk(lambda arguments, values: arguments[0] == 1),))
    assert result.outcome is Outcome.QUIRK
    assert result.quirks[0].reason == "the reference is odd there"


def _three_at_one(x):
    return np.where(x == 1, 3, np.abs(x)).astype(x.dtype)


@pytest.mark.parametrize(
    "instead", [1.0, lambda place: place.truth * 0 + 1, lambda place: np.abs(place.arguments[0])]
)
def test_a_quirk_says_what_is_there(instead):
    quirks = (_quirk(lambda arguments, values: arguments[0] == 1, instead),)
    assert _result(np.abs, _three_at_one, quirks=quirks).outcome is Outcome.QUIRK


@pytest.mark.parametrize(("ulp", "outcome"), [(2000, Outcome.QUIRK), (200, Outcome.MISMATCH)])
def test_a_quirk_may_be_a_bound_from_the_truth(ulp, outcome):
    def off(x):
        return np.where(x == 1, np.float32(1.0001), np.abs(x)).astype(x.dtype)

    quirks = (_quirk(lambda arguments, values: arguments[0] == 1, Budget(ulp=ulp)),)
    assert _result(off, np.abs, quirks=quirks).outcome is outcome


@pytest.mark.parametrize(
    "instead", [2.0, np.nan, lambda place: place.reference, Budget(ulp=1, floor=2.0**10)]
)
def test_a_result_that_is_not_what_the_quirk_says_fails(instead):
    def wrong(x):
        return np.where(x == 1, 1234, np.abs(x)).astype(x.dtype)

    row = {"truth": on("numpy", np.abs), "quirks": (_quirk(lambda a, v: a[0] == 1, instead),)}
    assert _result(wrong, _three_at_one, **row).outcome is Outcome.MISMATCH


def test_a_mask_alone_is_no_quirk():
    with pytest.raises(ValueError, match="instead must say what is there"):
        _quirk(lambda arguments, values: True, None)


def test_a_difference_beside_the_declared_one_still_fails():
    def other(x):
        return np.where(np.abs(x) == 1, 3, np.abs(x)).astype(x.dtype)

    result = _result(np.abs, other, quirks=(_quirk(lambda arguments, values: arguments[0] == 1),))
    assert result.outcome is Outcome.MISMATCH


def test_a_declared_difference_that_is_not_observed_is_stale():
    result = _result(np.abs, np.abs, quirks=(_quirk(lambda arguments, values: arguments[0] == 1),))
    assert result.outcome is Outcome.STALE
    assert "not observed" in result.message


def test_a_quirk_of_another_setting_is_not_expected():
    result = _result(
        np.abs,
        np.abs,
        quirks=(_quirk(lambda arguments, values: arguments[0] == 1, settings=("a=1",)),),
    )
    assert result.outcome is Outcome.EXACT


def test_no_cases_are_no_success():
    assert not succeeded(run([]))


def test_results_come_in_the_order_of_the_cases():
    rows = [replace(_spec(np.tanh), name=name) for name in "dacb"]
    found = cases(rows)
    assert [result.case for result in run(found)] == found


def test_each_result_is_reported_once():
    seen = []
    results = run(cases([_spec(np.tanh)]), report=seen.append)
    assert seen == results


def test_a_seed_decides_the_numbers():
    def worst(seed):
        row = _spec(np.zeros_like, np.positive, inputs=(Sweep(span=(1.0, 2.0)),))
        return run(cases([replace(row, inputs=(Samples(shape=(9,)),))]), seed)[0].worst

    assert worst(0) == worst(0) != worst(1)


def test_a_budget_of_the_row_is_used():
    def off(x):
        return np.nextafter(x, np.float32(np.inf))

    inputs = (Sweep(span=(1.0, 1.5)),)
    tight, wide = (
        _result(off, np.positive, inputs=inputs, budgets={"forward": Budget(ulp=ulp)})
        for ulp in (0.5, 1)
    )
    assert (tight.outcome, wide.outcome) == (Outcome.MISMATCH, Outcome.WITHIN)


def test_the_floor_counts_only_where_the_truth_crosses_zero():
    def off(x):
        with np.errstate(invalid="ignore"):
            return ((x - np.float32(1)) + np.float32(3e-7)).astype(np.float32)

    def line(x):
        return x - np.ones_like(x)

    near = _result(
        off, line, inputs=(Sweep(span=(0.99, 1.01)),), budgets={"forward": Budget(ulp=0, floor=4)}
    )
    assert near.outcome is Outcome.WITHIN
    far = _result(
        off, line, inputs=(Sweep(span=(1.2, 1.3)),), budgets={"forward": Budget(ulp=0, floor=4)}
    )
    assert far.outcome is Outcome.MISMATCH


def test_samples_are_compared_like_points():
    result = _result(lambda x: x.sum(-1), lambda x: x.sum(-1), inputs=(Samples(shape=(4, 3)),))
    assert result.outcome is Outcome.EXACT


def _raises(error):
    def call(*args, **kwargs):
        raise error

    return call


BAD = (BadCall(name="bad", args=(np.zeros(2),), reason="an example"),)


@pytest.mark.parametrize(
    ("subject", "reference", "outcome"),
    [
        (_raises(IndexError()), _raises(IndexError()), Outcome.EXACT),
        (_raises(KeyError()), _raises(LookupError()), Outcome.EXACT),
        (_raises(LookupError()), _raises(KeyError()), Outcome.MISMATCH),
        (_raises(TypeError()), _raises(AttributeError()), Outcome.EXACT),
        (np.tanh, _raises(ValueError()), Outcome.MISMATCH),
        (_raises(ValueError()), np.tanh, Outcome.STALE),
    ],
)
def test_the_exception_of_the_reference_decides(subject, reference, outcome):
    result = _result(subject, reference, checks=("error",), bad_calls=BAD)
    assert result.outcome is outcome


def _f(input, alpha=1.0):
    return input


@pytest.mark.parametrize(
    ("signature", "complaint"),
    [
        ("(input, alpha=1.0)", ""),
        ("(input, alpha=1)", ""),
        ("(input, alpha=1.0, inplace=False)", ""),
        ("f(input, alpha = 1.0) ", ""),
        ("(input, beta=1.0)", "parameters (input, alpha), the reference's (input, beta)"),
        ("(input, alpha=2.0)", "alpha is 1.0 by default, the reference's 2.0"),
        ("(input, alpha=True)", "alpha is 1.0 by default, the reference's True"),
        ("(alpha, input=1.0)", "parameters (input, alpha), the reference's (alpha, input)"),
    ],
)
def test_signatures_are_compared(signature, complaint):
    result = _result(_f, checks=("signature",), signature=signature, omitted=("inplace",))
    assert result.message == complaint


def test_a_parameter_may_have_another_name_if_the_row_says_so():
    row = {"checks": ("signature",), "signature": "(x, alpha=1.0)"}
    assert _result(_f, **row, renamed={"x": "input"}).message == ""
    assert "no parameter y" in _result(_f, **row, renamed={"y": "input"}).message


def test_a_signature_may_be_that_of_another_function():
    assert _result(_f, checks=("signature",), signature=on("numpy", _f)).message == ""


def test_an_extra_parameter_has_to_be_there():
    result = _result(_f, checks=("signature",), signature="(input, alpha=1.0)", extra=("key",))
    assert result.message == "no parameter key"


@pytest.mark.parametrize(("sentence", "outcome"), [(None, "exact"), ("it leaks", "mismatch")])
def test_a_law_is_broken_by_a_sentence(sentence, outcome):
    law = Law(name="holds", violation=lambda subject: sentence)
    result = _result(np.tanh, checks=("law",), laws=(law,))
    assert (result.outcome, result.message) == (outcome, sentence or "")


def test_hyperparameters_are_passed():
    def power(x, exponent):
        return x**exponent

    with np.errstate(over="ignore"):
        result = _result(power, power, settings=(Setting(values={"exponent": 2}),))
    assert result.outcome is Outcome.EXACT
    assert result.case.id == "test/f/exponent=2/float32/forward"
