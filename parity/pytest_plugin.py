"""Compares two functions in one assertion, for test suites of other projects.

It comes with parity, as a fixture and as a function:

    from parity.pytest_plugin import assert_parity

    def test_my_mish_is_torchs():
        assert_parity(my_mish, torch.nn.functional.mish)
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from parity.spec import Budget, Described, Target, Truth

CHECKS = ("forward", "vjp", "jvp", "vmap", "jit", "shapes")


def assert_parity(
    subject: Target | Callable[..., Any],
    reference: Target | Callable[..., Any],
    *,
    inputs: Sequence[Described] | None = None,
    arrays: Mapping[str, Described] | None = None,
    values: Mapping[str, Any] | None = None,
    truth: Truth | None = None,
    span: tuple[float, float] | None = None,
    budget: Budget | None = None,
    dtypes: tuple[str, ...] = ("float32",),
    checks: tuple[str, ...] = CHECKS,
    seed: int = 0,
) -> None:
    """Fails with every difference between two functions.

    Args:
        subject: the function under test, of JAX. For another framework or another driver pass a
            target, made by `parity.on`, `factory`, `steps` or `module`.
        reference: the function that it should agree with, of torch unless it is a target.
        inputs: the positional arguments, arrays or trees; see `parity.pairs.pair`.
        arrays: arguments given by name.
        values: hyperparameters of both.
        truth: says which of the two is right.
        span: restricts the points of the default inputs to an interval.
        budget: how far the subject may be from the reference.
        dtypes: of the inputs.
        checks: see `parity.spec.CHECKS`.
        seed: of the random numbers.

    Raises:
        AssertionError: if a case fails; it lists all that fail.
        PairError: if it is unknown how many arrays the functions take.
    """
    __tracebackhide__ = True
    from parity.engine import run
    from parity.pairs import as_target, pair
    from parity.report.console import failure_text

    found = pair(
        as_target(subject, "jax"),
        as_target(reference, "torch"),
        inputs=inputs,
        arrays=arrays,
        values=values,
        truth=truth,
        span=span,
        budget=budget,
        dtypes=dtypes,
        checks=checks,
    )
    failed = [result for result in run(found.cases, seed) if not result.outcome.succeeds]
    if failed:
        texts = [failure_text(result, lambda case: _this_test()) for result in failed]
        raise AssertionError("\n".join(texts))


def _this_test() -> str:
    """The command that runs the test that is running."""
    current = os.environ.get("PYTEST_CURRENT_TEST", "").rpartition(" ")[0]
    return f"pytest '{current}'"


@pytest.fixture(name="assert_parity")
def assert_parity_fixture() -> Callable[..., None]:
    """`assert_parity`, as a fixture."""
    return assert_parity
