"""The assertion for other people's tests."""

import numpy as np
import pytest
import torch

from parity.pytest_plugin import assert_parity as function
from parity.spec import Budget, Samples, on

pytest_plugins = ["pytester"]


def test_equal_functions_pass():
    function(on("numpy", np.abs), on("numpy", np.absolute), checks=("forward",))


def test_different_functions_fail_with_the_point_and_this_test():
    with pytest.raises(AssertionError, match="MISMATCH check/tanh/float32/forward") as caught:
        function(on("numpy", np.tanh), on("numpy", np.abs), checks=("forward",))
    assert "pytest 'tests/parity/test_pytest_plugin.py::test_different" in str(caught.value)


def test_a_jax_function_is_compared_with_a_torch_one():
    function(on("jax", "nn.tanh"), on("torch", "nn.functional.tanh"), checks=("forward", "vmap"))


def test_plain_functions_are_of_jax_and_of_torch():
    function(lambda x: 2 * x, lambda x: x + x, checks=("forward", "vjp"))
    function(np.abs, torch.abs, checks=("forward",))


def test_several_arguments_trees_hyperparameters_and_a_tolerance():
    def added(tree, other, factor):
        return {name: leaf + factor * other for name, leaf in tree.items()}

    tree = {"a": Samples(shape=(2, 3)), "b": Samples(shape=(3,))}
    arguments = {"inputs": (tree, Samples(shape=(3,))), "values": {"factor": 2.0}}
    function(added, added, **arguments)
    off = {"factor": 2.0001}

    def farther(tree, other, factor):
        return added(tree, other, **off)

    with pytest.raises(AssertionError, match="out/a"):
        function(farther, added, **arguments, checks=("forward",))
    loose = Budget(ulp=0, rtol=1e-2, atol=1e-2)
    function(farther, added, **arguments, checks=("forward",), budget=loose)


def test_the_fixture_is_the_assertion(assert_parity):
    assert assert_parity is function


def test_a_failure_shows_the_users_test_and_no_frame_of_parity(pytester):
    pytester.makepyfile(
        """
        import numpy as np
        from parity import on

        def test_mine(assert_parity):
            assert_parity(on("numpy", np.tanh), on("numpy", np.abs), checks=("forward",))
        """
    )
    result = pytester.runpytest_subprocess("-p", "no:cacheprovider")
    result.assert_outcomes(failed=1)
    text = result.stdout.str()
    assert "MISMATCH check/tanh/float32/forward" in text
    assert "pytest 'test_a_failure_shows" in text
    assert "pytest_plugin.py:" not in text
