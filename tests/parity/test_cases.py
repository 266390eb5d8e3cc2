"""Rows to cases: ids, selection, what applies where."""

from dataclasses import replace

import numpy as np
import pytest

from parity.cases import cases, left_out, select
from parity.spec import BadCall, Budget, Law, SameSeed, Setting, Spec, Sweep, on
from parity.suite import load

SPEC = Spec(
    family="family",
    name="f",
    subject=on("jax", "some.f"),
    reference=on("torch", "some.f"),
    settings=(Setting(), Setting(values={"alpha": 1.5})),
    dtypes=("float32", "float64", "bfloat16", "int32"),
    bad_calls=(BadCall(name="too_long", args=(np.zeros(3),), reason="an example"),),
    laws=(Law(name="holds", violation=lambda subject: None),),
)


def _ids(*specs):
    return [case.id for case in cases(specs or (SPEC,))]


def test_ids_have_the_agreed_form():
    ids = _ids()
    assert "family/f/float32/forward" in ids
    assert "family/f/alpha=1.5/float64/vjp" in ids
    assert "family/f/too_long/any/error" in ids
    assert "family/f/holds/any/law" in ids
    assert "family/f/any/signature" in ids


def test_ids_are_unique():
    ids = _ids(*load())
    assert len(ids) == len(set(ids)) > 1000


def test_a_repeated_row_is_refused():
    with pytest.raises(ValueError, match="not unique: family/f/"):
        cases([SPEC, SPEC])


def test_ids_do_not_depend_on_the_order_of_rows():
    rows = load()
    assert sorted(_ids(*rows)) == sorted(_ids(*reversed(rows)))


def test_integers_have_values_but_no_gradients():
    checks = {case.check for case in cases([SPEC]) if case.dtype == "int32"}
    assert checks == {"forward"}


def test_half_precision_is_compared_at_the_default_setting():
    settings = {case.setup.setting for case in cases([SPEC]) if case.dtype == "bfloat16"}
    assert settings == {""}


def test_only_frameworks_that_transform_are_asked_to():
    spec = Spec(family="a", name="f", subject=on("torch", "f"), reference=on("torch", "f"))
    assert "jit" not in {case.check for case in cases([spec])}
    assert "vmap" in {case.check for case in cases([spec])}
    assert [(out.check, out.reason) for out in left_out([spec])] == [
        ("jit", "torch functions are not compiled")
    ]


def test_what_the_reference_does_not_have_is_left_out_with_its_reason():
    spec = Spec(family="a", name="f", subject=on("jax", "f"), reference=on("numpy", "f"))
    assert {out.check for out in left_out([spec])} == {"vjp", "jvp", "second"}
    judged = replace(spec, truth=on("torch", "f"))
    assert left_out([judged]) == []


def test_a_row_with_its_setting_is_resolved():
    params = (Setting(), Setting(values={"a": 1}, reference=on("torch", "g"), dtypes=("float16",)))
    found = cases([replace(SPEC, settings=params, budgets={"vjp": Budget(ulp=2)})])
    case = next(case for case in found if case.id == "family/f/a=1/float16/vjp")
    assert case.budget == Budget(ulp=2)
    assert case.setup.reference == on("torch", "g")
    assert not case.setup.own_reference
    assert case.setup.inputs == SPEC.inputs


def test_an_equal_stream_has_no_other_truth():
    random = SameSeed(seed=0, generator=on("jax", "g"))
    (case, *_) = cases([replace(SPEC, settings=(Setting(random=random),))])
    assert case.setup.truth == "reference"


@pytest.mark.parametrize(
    ("pattern", "count"),
    [
        ("", 1),
        ("f", 1),
        ("family", 1),
        ("family/f", 1),
        ("*/alpha=*", 1),
        ("float32/forward", 1),
        ("g", 0),
        ("fam", 0),
        ("flo*", 0),
    ],
)
def test_a_pattern_selects_whole_parts_of_an_id(pattern, count):
    assert bool(select(cases([SPEC]), pattern)) == bool(count)


def test_dtype_and_check_narrow_the_selection():
    chosen = select(cases([SPEC]), "f", dtype="float64", check="vjp")
    assert [case.id for case in chosen] == [
        "family/f/float64/vjp",
        "family/f/alpha=1.5/float64/vjp",
    ]


def test_a_function_of_points_is_the_default():
    assert SPEC.inputs == (Sweep(),)
