"""sparse_adam: what a sparse gradient may be, and what stays as it is."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
import torch
from jax.experimental.sparse import BCOO

from jaxact import errors, optim

SHAPE = (7, 3)


def _sparse(values, indices, shape=SHAPE):
    return BCOO((jnp.asarray(values), jnp.asarray(indices)), shape=shape)


def _made(gradient, shape=SHAPE, dtype=jnp.float32):
    transformation = optim.sparse_adam(0.1)
    state = transformation.init(jnp.ones(shape, dtype))
    return transformation.update(gradient, state)


def test_only_the_rows_of_a_gradient_move():
    update, state = _made(_sparse(np.ones((2, 3), np.float32), [[4], [1]]))
    for array in (update, state.exp_avg, state.exp_avg_sq):
        assert set(np.flatnonzero(np.any(np.asarray(array), axis=1))) == {1, 4}


def test_a_row_given_twice_has_the_sum_of_both():
    twice = _sparse(np.float32([[1, 2, 3], [4, 5, 6]]), [[2], [2]])
    once = _sparse(np.float32([[5, 7, 9]]), [[2]])
    for two, one in zip(jax.tree.leaves(_made(twice)), jax.tree.leaves(_made(once)), strict=True):
        np.testing.assert_array_equal(two, one)


def test_entries_of_single_elements_and_padding():
    update, state = _made(_sparse(np.float32([3, 4]), [[0, 1], [7, 3]]))
    expected = np.zeros(SHAPE, np.float32)
    expected[0, 1] = -0.1
    np.testing.assert_allclose(update, expected, rtol=1e-5)
    assert np.flatnonzero(state.exp_avg).tolist() == [1]


def test_a_gradient_without_entries_counts_as_a_step_and_moves_nothing():
    update, state = _made(_sparse(np.ones((0, 3), np.float32), np.zeros((0, 1), int)))
    assert state.step == 1
    assert not np.any(update)
    assert not np.any(state.exp_avg)


def test_a_gradient_whose_entries_cancel_still_makes_averages_decay():
    transformation = optim.sparse_adam(0.1)
    weight = torch.nn.Parameter(torch.ones(SHAPE, dtype=torch.float64))
    theirs = torch.optim.SparseAdam([weight], lr=0.1)
    with jax.enable_x64(True):
        params = jnp.ones(SHAPE)
        state = transformation.init(params)
        for values in ([[1.0, 2, 3]] * 2, [[1.0, 2, 3], [-1.0, -2, -3]]):
            update, state = transformation.update(_sparse(values, [[5], [5]]), state)
            params = optax.apply_updates(params, update)
            indices, values = torch.tensor([[5, 5]]), torch.tensor(values, dtype=torch.float64)
            weight.grad = torch.sparse_coo_tensor(indices, values, SHAPE, check_invariants=True)
            theirs.step()
        np.testing.assert_allclose(params, weight.detach(), rtol=1e-14)


def test_one_program_for_all_steps_of_a_batch_of_models():
    transformation = optim.sparse_adam(lambda step: 0.1 / (1 + step))

    @jax.jit
    @jax.vmap
    def step(params, state, values, rows):
        update, state = transformation.update(_sparse(values, rows[:, None]), state)
        return optax.apply_updates(params, update), state

    random = np.random.default_rng(0)
    params = jnp.asarray(random.normal(size=(2, *SHAPE)), jnp.float32)
    state = jax.vmap(transformation.init)(params)
    alone = [(params[i], transformation.init(params[i])) for i in range(2)]
    for _ in range(3):
        values = random.normal(size=(2, 4, 3)).astype(np.float32)
        rows = random.integers(7, size=(2, 4))
        params, state = step(params, state, values, rows)
        for i, (weight, own) in enumerate(alone):
            update, own = transformation.update(_sparse(values[i], rows[i][:, None]), own)
            alone[i] = optax.apply_updates(weight, update), own
    assert step._cache_size() == 1
    for i, (weight, _) in enumerate(alone):
        np.testing.assert_allclose(params[i], weight, rtol=1e-6)


def test_half_precision_is_rounded_once():
    values = np.full((1, 3), 3.0)
    update, state = _made(_sparse(jnp.asarray(values, jnp.bfloat16), [[0]]), dtype=jnp.bfloat16)
    assert update.dtype == state.exp_avg.dtype == jnp.bfloat16
    wide, _ = _made(_sparse(jnp.asarray(values, jnp.float32), [[0]]))
    np.testing.assert_array_equal(update, wide.astype(jnp.bfloat16))


@pytest.mark.parametrize(
    ("gradient", "error", "message"),
    [
        (jnp.ones(SHAPE), RuntimeError, "BCOO arrays without batch axes.*there is adam"),
        (_sparse(np.ones((2, 3)), [[0], [1]], (9, 3)), ValueError, r"shape \(7, 3\).*\(9, 3\)"),
    ],
)
def test_gradients_that_are_refused(gradient, error, message):
    with pytest.raises(errors.JaxactError, match=message) as caught:
        _made(gradient)
    assert isinstance(caught.value, error)
