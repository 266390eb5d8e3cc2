"""weight_norm and spectral_norm: what no row of the suite shows."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxact.random import TorchGenerator
from jaxact.regularizers import spectral_norm, spectral_norm_init, weight_norm

W = np.random.default_rng(0).normal(size=(6, 4, 3)).astype(np.float32)


def test_the_state_of_spectral_norm_is_scanned_and_mapped():
    weights = jnp.stack([W, 3 * W])
    start = [spectral_norm_init(jax.random.key(i), w) for i, w in enumerate(weights)]
    state = jax.tree.map(lambda *leaves: jnp.stack(leaves), *start)

    def run(weight, state):
        def step(state, _):
            normalized, *state = spectral_norm(weight, *state)
            return tuple(state), jnp.linalg.norm(normalized.reshape(6, 12), 2)

        return jax.lax.scan(step, state, length=20)[1]

    norms = jax.jit(jax.vmap(run))(weights, state)
    np.testing.assert_allclose(norms[:, -1], 1, rtol=1e-4)


def test_without_iterations_u_and_v_stay():
    u, v = spectral_norm_init(jax.random.key(0), W)
    _, same_u, same_v = spectral_norm(W, u, v, n_power_iterations=0)
    np.testing.assert_array_equal(same_u, u)
    np.testing.assert_array_equal(same_v, v)


@pytest.mark.parametrize("implementation", ["threefry2x32", "rbg", "unsafe_rbg"])
def test_any_key_starts_the_power_method(implementation):
    u, v = spectral_norm_init(jax.random.key(0, impl=implementation), W, dim=1)
    assert (u.shape, v.shape) == ((4,), (18,))
    np.testing.assert_allclose([jnp.linalg.norm(u), jnp.linalg.norm(v)], 1, rtol=1e-6)


def test_half_precision_weights_get_half_precision_vectors():
    u, v = spectral_norm_init(TorchGenerator(0), W.astype(np.float16))
    assert u.dtype == v.dtype == jnp.float16
    normalized, *vectors = spectral_norm(W.astype(np.float16), u, v)
    assert {array.dtype for array in (normalized, *vectors)} == {np.dtype(np.float16)}
    assert spectral_norm(W.astype(np.float16), u.astype("float32"), v)[1].dtype == jnp.float32


def test_on_an_explicit_mesh_everything_stays_where_it_is():
    matrix = W.reshape(6, 12)
    u, v = spectral_norm_init(jax.random.key(0), matrix)
    expected = spectral_norm(matrix, u, v)
    spread, whole = jax.P("rows"), jax.P()
    with jax.set_mesh(jax.make_mesh((1,), ("rows",))):
        for place in (spread, whole):
            arrays = (matrix, spread), (u, place), (v, whole)
            found = spectral_norm(*(jax.device_put(np.asarray(a), p) for a, p in arrays))
            specs = [tuple(jax.typeof(array).sharding.spec)[:1] for array in found]
            assert specs == [("rows",), ("rows",) if place is spread else (None,), (None,)]
            for array, truth in zip(found, expected, strict=True):
                np.testing.assert_allclose(array, truth, rtol=1e-6)


def test_in_a_mapped_program_only_the_weight_varies():
    matrix = W.reshape(6, 12)
    u, v = spectral_norm_init(jax.random.key(0), matrix)
    mesh = jax.make_mesh((1,), ("models",), axis_types=(jax.sharding.AxisType.Auto,))
    mapped = jax.shard_map(
        lambda weight, u, v: spectral_norm(weight[0], u, v, 2)[0][None],
        mesh=mesh,
        in_specs=(jax.P("models"), jax.P(), jax.P()),
        out_specs=jax.P("models"),
    )
    found = mapped(matrix[None], u, v)
    np.testing.assert_allclose(found[0], spectral_norm(matrix, u, v, 2)[0], rtol=1e-6)


def test_a_weight_of_one_axis_has_no_state():
    assert spectral_norm_init(jax.random.key(0), W[:, 0, 0]) == (None, None)
    normalized, u, v = spectral_norm(W[:, 0, 0], None, None)
    assert u is v is None
    np.testing.assert_allclose(jnp.linalg.norm(normalized), 1, rtol=1e-6)


def test_u_and_v_and_eps_have_no_gradient():
    u, v = spectral_norm_init(jax.random.key(0), W)
    gradients = jax.grad(
        lambda u, v, eps: jnp.sum(spectral_norm(W, u, v, eps=eps)[0]), argnums=(0, 1, 2)
    )(u, v, 1e-12)
    assert not any(jnp.any(gradient) for gradient in gradients)


@pytest.mark.parametrize("shape", [(6,), (6, 1, 1)])
def test_weight_norm_takes_lengths_with_and_without_the_other_axes(shape):
    lengths = np.arange(1.0, 7.0, dtype=np.float32)
    found = weight_norm(W, lengths.reshape(shape))
    np.testing.assert_allclose(np.linalg.norm(found.reshape(6, -1), axis=1), lengths, rtol=1e-6)


ONES = np.ones(6, np.float32)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: weight_norm(W, ONES[:5]), ValueError, "weight_norm: g must have one number"),
        (lambda: weight_norm(W, ONES, None), RuntimeError, "weight_norm: g must have one number"),
        (lambda: weight_norm(W, 1.0), ValueError, "weight_norm: g must have one number"),
        (lambda: spectral_norm(W, None, None), TypeError, "spectral_norm: u and v must be given"),
        (lambda: spectral_norm(W, ONES, ONES), ValueError, "spectral_norm: u and v must have the"),
        (
            lambda: spectral_norm(W, ONES, ONES, n_power_iterations=-1),
            ValueError,
            "spectral_norm: n_power_iterations must not be negative, got -1",
        ),
        (
            lambda: spectral_norm(W, ONES, ONES, n_power_iterations=1.5),
            TypeError,
            "spectral_norm: n_power_iterations must be an int, got float",
        ),
        (
            lambda: spectral_norm(W, ONES, ONES, n_power_iterations=np.int64(-1)),
            ValueError,
            "spectral_norm: n_power_iterations must not be negative, got -1",
        ),
        (
            lambda: spectral_norm_init(0, W),
            TypeError,
            "spectral_norm_init: key must be a JAX random key or a TorchGenerator, got int",
        ),
        (lambda: spectral_norm(W, ONES, ONES, dim=3), IndexError, "spectral_norm: dim must be in"),
        (
            lambda: spectral_norm(np.float32(1), None, None),
            IndexError,
            "spectral_norm: weight must have at least 1 dimension",
        ),
        (
            lambda: spectral_norm_init(jax.random.key(0), W.astype(int)),
            TypeError,
            "spectral_norm_init: weight must have a floating dtype",
        ),
    ],
)
def test_wrong_arguments_are_named(call, error, message):
    with pytest.raises(error, match=message):
        call()
