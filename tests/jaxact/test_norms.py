"""Guarded norms: of zero vectors, alone and among others."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxact._norms import norm
from jaxact.losses import cosine_similarity, pairwise_distance


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("shape", [(3,), (1, 3), (1, 1, 1), (5, 3)])
def test_the_norm_of_a_zero_vector_is_0_with_gradient_0(shape, dtype):
    with jax.enable_x64(dtype == "float64"):
        x = jnp.zeros(shape, dtype)
        lengths, pull = jax.vjp(norm, x)
        assert lengths.dtype == dtype
        np.testing.assert_array_equal(lengths, np.zeros(shape[:-1]))
        np.testing.assert_array_equal(pull(jnp.ones_like(lengths))[0], x)


@pytest.mark.parametrize("squared", [0.0, 1e-12])
@pytest.mark.parametrize("size", [1e-30, 1e-22, 1.0, 1e22, 3e37])
def test_the_norm_of_one_vector_neither_underflows_nor_overflows(size, squared):
    x = np.array([3.0, 0.0, -4.0]) * size
    expected = np.hypot(np.linalg.norm(x), np.sqrt(squared))
    found = norm(jnp.asarray(x, jnp.float32), squared)
    # The scaling rounds, the squares, their sum and the root: eight epsilons of float32.
    np.testing.assert_allclose(found, expected, rtol=1e-6)


def test_one_zero_vector_beside_others_has_a_distance_and_a_cosine():
    x = jnp.asarray([[3.0, 4.0], [0.0, 1.0]])
    for zero in (jnp.zeros(2), jnp.zeros((1, 2)), jnp.zeros((1, 1))):
        np.testing.assert_array_equal(cosine_similarity(x, zero), [0.0, 0.0])
        np.testing.assert_array_equal(pairwise_distance(x, zero, eps=0.0), [5.0, 1.0])
    assert pairwise_distance(x[0], x[0], eps=0.0) == 0
