"""Rows to cases: ids, selection, what applies where."""

import numpy as np
import pytest

from parity.cases import cases, select
from parity.spec import BadCall, Law, Params, Points, Spec, on
from parity.suite import load

SPEC = Spec(
    family="family",
    name="f",
    subject=on("jax", "some.f"),
    reference=on("torch", "some.f"),
    params=(Params(), Params(values={"alpha": 1.5})),
    dtypes=("float32", "float64", "bfloat16", "int32"),
    bad_calls=(BadCall(name="too_long", args=(np.zeros(3),), reason="an example"),),
    laws=(Law(name="holds", broken=lambda subject: None),),
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
    settings = {case.setting for case in cases([SPEC]) if case.dtype == "bfloat16"}
    assert settings == {""}


def test_only_frameworks_that_transform_are_asked_to():
    spec = Spec(family="a", name="f", subject=on("torch", "f"), reference=on("torch", "f"))
    assert not {"vmap", "jit"} & {case.check for case in cases([spec])}


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
    assert SPEC.inputs == (Points(),)
