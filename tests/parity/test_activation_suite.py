"""Every activation against torch: the whole suite, a function at a time."""

import pytest

import jaxact.activations
import jaxact.functional
from parity.cases import cases
from parity.engine import run
from parity.report.console import failure_text
from parity.suite.activations import SPECS


@pytest.mark.parametrize("spec", SPECS, ids=lambda spec: spec.name)
def test_a_function_agrees_with_torch(spec):
    results = run(cases([spec]))
    failed = [result for result in results if not result.outcome.succeeds]
    if failed:
        pytest.fail("\n".join(failure_text(result, 0) for result in failed), pytrace=False)
    assert results


def test_every_activation_has_a_row():
    public = {name for name in jaxact.activations.__all__ if not name.startswith("_")}
    missing = public - {spec.name for spec in SPECS}
    assert not missing, f"no row in parity/suite/activations/: {', '.join(sorted(missing))}"


def test_every_row_names_a_public_function():
    assert [spec.name for spec in SPECS if not hasattr(jaxact.functional, spec.name)] == []


def test_every_budget_that_is_not_the_default_says_why():
    for spec in SPECS:
        budgets = [*spec.budgets.values(), *(p.budget for p in spec.params if p.budget)]
        assert all(budget.reason for budget in budgets), spec.name


def test_every_quirk_says_why_and_whence():
    assert all(quirk.reason and quirk.source for spec in SPECS for quirk in spec.quirks)
