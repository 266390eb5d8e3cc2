"""Every function against torch: the whole suite, a function at a time."""

import pytest

import jaxact
from parity import suite
from parity.cases import cases
from parity.engine import run
from parity.report.console import failure_text
from parity.report.summary import replay_by_id

SPECS = suite.load()


@pytest.mark.parametrize("spec", SPECS, ids=lambda spec: spec.name)
def test_a_function_agrees_with_torch(spec):
    results = run(cases([spec]))
    failed = [result for result in results if not result.outcome.succeeds]
    if failed:
        pytest.fail(
            "\n".join(failure_text(result, replay_by_id()) for result in failed), pytrace=False
        )
    assert results


def test_every_row_names_a_public_function_of_its_family():
    for spec in SPECS:
        assert hasattr(getattr(jaxact, spec.family), spec.name), spec.name


def test_every_budget_that_is_not_the_default_says_why():
    for spec in SPECS:
        budgets = [*spec.budgets.values(), *(p.budget for p in spec.settings if p.budget)]
        assert all(budget.reason for budget in budgets), spec.name


def test_every_quirk_says_why_and_whence():
    assert all(quirk.reason and quirk.source for spec in SPECS for quirk in spec.quirks)
