"""Random arrays drawn along one axis."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxact import _flat_draws

SHAPES = ((), (3,), (0, 3), (5, 3))


@pytest.mark.parametrize("dtype", [np.float32, jnp.bfloat16, np.float16])
@pytest.mark.parametrize("impl", ["threefry2x32", "rbg", "unsafe_rbg"])
@pytest.mark.parametrize("name", ["normal", "uniform", "gumbel"])
def test_the_numbers_are_those_of_jax(name, impl, dtype):
    key = jax.random.key(3, impl=impl)
    for shape in SHAPES:
        found = getattr(_flat_draws, f"flat_{name}")(key, shape, dtype)
        expected = getattr(jax.random, name)(key, shape, dtype)
        assert (found.shape, found.dtype) == (expected.shape, expected.dtype)
        np.testing.assert_array_equal(found, expected)
