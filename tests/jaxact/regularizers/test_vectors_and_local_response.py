"""normalize and local_response_norm: what no row of the suite shows."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxact.functional import local_response_norm, normalize

X = np.random.default_rng(0).normal(size=(4, 6, 5)).astype(np.float32)


def _compilations(caplog, call, values):
    """How many programs are compiled by calls with these values, after one with the first."""
    call(values[0])
    caplog.clear()
    with jax.log_compiles():
        for value in values[1:]:
            call(value)
    return sum("Compiling" in record.message for record in caplog.records)


@pytest.mark.parametrize(
    "call",
    [
        lambda value: normalize(X, eps=value),
        lambda value: normalize(X, p=value),
        lambda value: local_response_norm(X, 3, alpha=value, k=value),
        lambda value: local_response_norm(X, 3, beta=value),
    ],
    ids=["eps", "p", "alpha and k", "beta"],
)
def test_a_new_number_compiles_nothing(caplog, call):
    assert _compilations(caplog, call, [1.25, 1.75, 2.5]) == 0


def test_a_long_window_takes_few_sums():
    def sums(size):
        program = jax.make_jaxpr(lambda x: local_response_norm(x, size))(np.ones((1, 512, 1)))
        return str(program).count(" add ")

    assert sums(511) < 4 * sums(5) < 52


def test_all_windows_that_cover_every_channel_are_one_program_but_for_the_division():
    wide = local_response_norm(X, 100, alpha=1.0)
    expected = X / (1 + (X * X).sum(1, keepdims=True) / 100) ** 0.75
    np.testing.assert_allclose(wide, expected, rtol=1e-6)


@pytest.mark.parametrize("axis", [1, 2, -1])
def test_channels_may_lie_on_any_axis(axis):
    moved = np.moveaxis(X, 1, axis)
    result = local_response_norm(moved, 4, alpha=0.5, channel_axis=axis)
    np.testing.assert_array_equal(
        np.moveaxis(result, axis, 1), local_response_norm(X, 4, alpha=0.5)
    )


def test_large_and_small_numbers_do_not_disturb_each_other():
    x = np.ones((1, 8, 1), np.float32)
    x[0, 0] = 1e25
    result = np.asarray(local_response_norm(x, 3))[0, :, 0]
    alone = np.asarray(local_response_norm(x[:, 2:], 3))[0, :, 0]
    np.testing.assert_array_equal(result[3:], alone[1:])
    np.testing.assert_allclose(result[0], 1e25 / (1e-4 / 3 * 1e50) ** 0.75, rtol=1e-6)


def test_numbers_can_be_mapped():
    numbers = jnp.asarray([0.5, 1.0, 2.0])
    mapped = jax.vmap(lambda eps: normalize(X, eps=eps))(numbers)
    alone = [normalize(X, eps=eps) for eps in numbers]
    np.testing.assert_allclose(mapped, np.stack(alone), rtol=1e-6)
    mapped = jax.vmap(lambda beta: local_response_norm(X, 3, 0.5, beta))(numbers)
    alone = [local_response_norm(X, 3, 0.5, float(beta)) for beta in numbers]
    np.testing.assert_allclose(mapped, np.stack(alone), rtol=2e-6)


def test_every_derivative_of_a_zero_vector_is_finite():
    x = jnp.zeros((2, 3))

    def loss(x):
        return jnp.sum(normalize(x, eps=0.5) ** 3 + normalize(x, eps=0.5))

    assert jnp.isfinite(jax.grad(loss)(x)).all()
    assert jnp.isfinite(jax.hessian(loss)(x)).all()


@pytest.mark.parametrize("x", [np.ones((0, 3), np.float32), np.ones((3, 0), np.float32)])
def test_nothing_normalized_is_nothing(x):
    assert normalize(x).shape == x.shape
    assert local_response_norm(x[..., None], 2).shape == (*x.shape, 1)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: normalize(X, eps=X), TypeError, "normalize: eps must be a real number"),
        (lambda: normalize(X, p=1j), TypeError, "normalize: p must be a number"),
        (lambda: normalize(X, dim=(0, 3)), IndexError, "normalize: dim must be in"),
        (lambda: normalize(X, dim=(0, -3)), ValueError, "normalize: dim must name each axis once"),
        (
            lambda: local_response_norm(X, 2, channel_axis=3),
            IndexError,
            "local_response_norm: dim must be in",
        ),
        (
            lambda: local_response_norm(X, 0),
            RuntimeError,
            "local_response_norm: size must be positive, got 0",
        ),
    ],
)
def test_wrong_arguments_are_named(call, error, message):
    with pytest.raises(error, match=message):
        call()
