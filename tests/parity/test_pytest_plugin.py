"""The assertion for other people's tests."""

import numpy as np
import pytest

from parity.pytest_plugin import assert_parity_fixture, compare  # noqa: F401
from parity.spec import on


def test_equal_functions_pass():
    compare(on("numpy", np.abs), on("numpy", np.absolute), checks=("forward",))


def test_different_functions_fail_with_the_point():
    with pytest.raises(AssertionError, match="MISMATCH check/tanh/float32/forward"):
        compare(on("numpy", np.tanh), on("numpy", np.abs), checks=("forward",))


def test_a_jax_function_is_compared_with_a_torch_one():
    compare(on("jax", "nn.tanh"), on("torch", "nn.functional.tanh"), checks=("forward", "vmap"))


def test_the_fixture_is_the_assertion(assert_parity):
    assert assert_parity is compare
