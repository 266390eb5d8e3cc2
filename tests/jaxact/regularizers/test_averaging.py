"""Averages of weights: what no row of the suite shows."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

import jaxact
from jaxact.regularizers import ema, swa

AVERAGES = pytest.mark.parametrize("average", [ema(0.5), swa()], ids=["ema", "swa"])


class _Block(nnx.Module):
    def __init__(self, rngs):
        self.linear = nnx.Linear(2, 3, rngs=rngs)
        self.dropout = nnx.Dropout(0.5, rngs=rngs)


@AVERAGES
def test_a_flax_state_is_averaged_and_its_keys_are_copied(average):
    first, second = (nnx.state(_Block(nnx.Rngs(seed))) for seed in (0, 1))
    state = average.init(first)
    for weights in (first, second):
        state = average.update(state, weights)
    found = state.params["linear"]["kernel"][...]
    expected = (first["linear"]["kernel"][...] + second["linear"]["kernel"][...]) / 2
    np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-7)
    kept = state.params["dropout"]["rngs"]["key"][...]
    assert (
        jax.random.key_data(kept) == jax.random.key_data(second["dropout"]["rngs"]["key"][...])
    ).all()


@AVERAGES
@pytest.mark.parametrize("tree", [{}, None, {"a": None, "b": (1.0, [2])}])
def test_any_tree_is_averaged(average, tree):
    state = average.update(average.update(average.init(tree), tree), tree)
    assert jax.tree.structure(state.params) == jax.tree.structure(tree)
    assert int(state.n_averaged) == 2


@AVERAGES
def test_weights_of_numpy_are_averaged_from_python(average):
    first = {"a": np.ones(2, np.float32), "b": np.zeros((2, 3), np.float32)}
    second = {"a": np.full(2, 2, np.float32), "b": np.ones((2, 3), np.float32)}
    state = average.update(average.update(average.init(first), first), second)
    mean = jax.tree.map(lambda x, y: (x + y) / 2, first, second)
    jax.tree.map(np.testing.assert_array_equal, state.params, mean)
    assert int(state.n_averaged) == 2


@AVERAGES
def test_a_training_step_may_take_the_memory_of_its_weights(average):
    step = jax.jit(lambda weights: weights - 1, donate_argnums=0)
    weights = jnp.ones(4)
    state = average.init(weights)
    weights = step(weights)
    np.testing.assert_array_equal(state.params, 1)
    state = average.update(state, weights)
    step(weights)
    np.testing.assert_array_equal(state.params, 0)


def test_the_decay_of_many_averages_is_mapped_and_learned():
    weights = jnp.asarray([1.0, 3.0, -2.0])

    def last(decay):
        average = ema(decay)
        state = average.init(weights[0])
        return jax.lax.scan(lambda s, w: (average.update(s, w), None), state, weights)[0].params

    decays = jnp.asarray([0.0, 0.25, 0.5, 1.0])
    expected = decays**2 * 1 + decays * (1 - decays) * 3 - (1 - decays) * 2
    np.testing.assert_allclose(jax.vmap(last)(decays), expected, atol=1e-6)
    slope = jax.vmap(jax.grad(last))(decays)
    np.testing.assert_allclose(slope, 2 * decays + 3 - 6 * decays + 2, atol=1e-5)


def test_a_new_decay_compiles_nothing(caplog):
    state = ema(0.5).init(jnp.ones(3))
    ema(0.5).update(state, jnp.ones(3))
    with jax.log_compiles():
        ema(0.75).update(state, jnp.ones(3))
    assert not [record for record in caplog.records if "Compiling" in record.message]


def test_a_float32_average_follows_half_precision_weights():
    average = ema(0.999)
    weights = jnp.ones((), jnp.bfloat16)
    run = functools.partial(jax.lax.fori_loop, 0, 1000)

    def last(state):
        state = average.update(state, weights)
        return run(lambda _, state: average.update(state, 2 * weights), state).params

    wide, narrow = last(average.init(jnp.ones(()))), last(average.init(weights))
    np.testing.assert_allclose(wide, 2 - 0.999**1000, rtol=1e-5)
    assert narrow.dtype == jnp.bfloat16
    assert narrow == 1


def test_complex_weights_are_averaged():
    state = swa().init(jnp.zeros(1, jnp.complex64))
    for weight in (1 + 2j, 3 - 4j):
        state = swa().update(state, jnp.full(1, weight, jnp.complex64))
    np.testing.assert_allclose(state.params, 2 - 1j)


def test_no_decay_copies_the_new_weights_bit_by_bit():
    x, y = np.random.default_rng(0).normal(size=(2, 100)).astype(np.float32)
    state = ema(0.0).update(ema(0.0).update(ema(0.0).init(x), x), y)
    np.testing.assert_array_equal(state.params, y)


@pytest.mark.parametrize("decay", [-0.1, 1.5])
def test_a_decay_outside_0_and_1_is_refused(decay):
    with pytest.raises(ValueError, match="ema: decay must be in"):
        ema(decay)
    average = ema(jnp.asarray(decay))
    with jaxact.checking(), pytest.raises(ValueError, match="ema: decay must be in"):
        average.update(average.init(1.0), 1.0)


@AVERAGES
def test_other_trees_and_shapes_are_refused(average):
    state = average.init({"a": jnp.ones(2)})
    with pytest.raises(ValueError, match="params must have the tree"):
        average.update(state, {"b": jnp.ones(2)})
    with pytest.raises(RuntimeError, match="params must have the shapes"):
        average.update(state, {"a": jnp.ones(3)})
