"""For other people's test suites: two functions compared in one assertion.

Add `pytest_plugins = ["parity.pytest_plugin"]` to a conftest.py, then:

    def test_my_mish_is_torchs(assert_parity):
        assert_parity(on("jax", my_mish), on("torch", "nn.functional.mish"))
"""

from __future__ import annotations

from collections.abc import Callable

import pytest

from parity.cases import cases
from parity.engine import run
from parity.report.console import failure_text
from parity.spec import Array, Points, Spec, Target

CHECKS = ("forward", "vjp", "jvp", "vmap", "jit", "shapes")


def compare(
    subject: Target,
    reference: Target,
    *,
    inputs: tuple[Array, ...] = (Points(),),
    dtypes: tuple[str, ...] = ("float32",),
    checks: tuple[str, ...] = CHECKS,
    seed: int = 0,
) -> None:
    """Runs the cases of a pair of functions.

    Args:
        subject: the function under test.
        reference: the one that it should agree with.
        inputs: the positional array arguments.
        dtypes: of the inputs.
        checks: see `parity.spec.CHECKS`.
        seed: of the random numbers.

    Raises:
        AssertionError: if a case fails; it lists every one that does.
    """
    spec = Spec(
        family="check",
        name=subject.last_name,
        subject=subject,
        reference=reference,
        inputs=inputs,
        dtypes=dtypes,
        checks=checks,
    )
    failed = [result for result in run(cases([spec]), seed) if not result.outcome.succeeds]
    if failed:
        raise AssertionError("\n".join(failure_text(result, seed) for result in failed))


@pytest.fixture(name="assert_parity")
def assert_parity_fixture() -> Callable[..., None]:
    """`compare`, as a fixture."""
    return compare
