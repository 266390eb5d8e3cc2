"""The power of the suite: every wrong function is caught, and a blinded engine is noticed."""

import importlib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from jaxact import functional
from parity import compare, suite
from parity.backends import Run
from parity.cases import cases, select
from parity.engine import run
from parity.engine.sides import Sides
from parity.inputs import streams
from parity.spec import on
from parity.verdict import Outcome

ROOT = Path(__file__).parents[2]
FOLDER = Path(__file__).with_name("mutants")


def _modules(folder):
    """The modules of wrong functions in the folder and below, by their file's path."""
    for path in sorted(folder.rglob("*.py")):
        name = ".".join(path.relative_to(ROOT).with_suffix("").parts)
        yield importlib.import_module(name)


MUTANTS = tuple(mutant for module in _modules(FOLDER) for mutant in module.MUTANTS)


def _result(mutant):
    (result,) = run(mutant.cases())
    return result


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.mistake)
def test_a_wrong_function_is_caught(mutant):
    result = _result(mutant)
    assert result.outcome is mutant.outcome, f"{result.case.id}: {result.outcome} {result.message}"


@pytest.mark.parametrize("family", suite.FAMILIES)
def test_there_are_many_of_them_in_each_family(family):
    assert sum(mutant.spec.family == family for mutant in MUTANTS) >= 40


def test_each_of_them_is_another():
    assert len({mutant.mistake for mutant in MUTANTS}) == len(MUTANTS)


def _mutant(mistake):
    return next(mutant for mutant in MUTANTS if mutant.mistake == mistake)


def test_an_engine_that_compares_the_reference_with_itself_lets_mutants_pass(monkeypatch):
    mutant = _mutant("selu_has_rounded_constants")
    monkeypatch.setattr(Sides, "subject", property(lambda sides: sides.reference))
    assert _result(mutant).outcome.succeeds


def test_an_engine_for_which_nan_equals_a_number_lets_mutants_pass(monkeypatch):
    mutant = _mutant("hardswish_hides_the_nan_at_infinity")
    monkeypatch.setattr(
        compare, "_with_special_values", lambda a, b, gap: np.where(np.isnan(gap), 0, gap)
    )
    assert _result(mutant).outcome.succeeds


def _torch_in_place_of_jaxact():
    spec = next(spec for spec in suite.family("activations") if spec.name == "gelu")
    chosen = cases([replace(spec, subject=on("torch", "nn.functional.gelu"))])
    return run(select(chosen, "activations/gelu/float32/forward"))[0].outcome


def test_the_reference_itself_does_not_pass_where_it_is_wrong():
    assert _torch_in_place_of_jaxact() is Outcome.MISMATCH


def test_an_engine_without_a_truth_lets_the_mistakes_of_the_reference_pass(monkeypatch):
    monkeypatch.setattr(Sides, "formula", None)
    monkeypatch.setattr(Sides, "wide_reference", property(lambda sides: sides.references))
    assert _torch_in_place_of_jaxact().succeeds


def test_an_engine_with_positive_cotangents_only_lets_mutants_pass(monkeypatch):
    mutant = _mutant("tanh_ignores_the_sign_of_the_cotangent")
    signed = streams.signed
    monkeypatch.setattr(streams, "signed", lambda *args: np.abs(signed(*args)))
    assert _result(mutant).outcome.succeeds


def test_an_engine_with_cotangents_of_one_lets_mutants_pass(monkeypatch):
    mutant = _mutant("silu_squares_the_cotangent")
    signed = streams.signed
    monkeypatch.setattr(streams, "signed", lambda *args: np.ones_like(signed(*args)))
    assert _result(mutant).outcome.succeeds


def test_a_subject_that_gives_nothing_is_caught(monkeypatch):
    mutant = _mutant("selu_has_rounded_constants")
    monkeypatch.setattr(Sides, "subject", Run())
    assert _result(mutant).outcome is Outcome.MISMATCH


def test_a_right_function_in_place_of_a_wrong_one_is_not_caught():
    mutant = _mutant("selu_has_rounded_constants")
    assert _result(replace(mutant, subject=functional.selu)).outcome.succeeds
