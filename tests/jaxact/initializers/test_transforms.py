"""Initializers as pure functions: compiled, mapped, traced, with traced numbers."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxact
from jaxact import initializers
from jaxact.initializers import _draws, constant, kaiming_uniform, normal, trunc_normal, uniform
from jaxact.random import TorchGenerator

KEY = jax.random.key(0)
FACTORIES = {
    **{name: getattr(initializers, name) for name in initializers.__all__ if "_" not in name},
    **{name: getattr(initializers, name) for name in ("trunc_normal", "xavier_uniform")},
    **{name: getattr(initializers, name) for name in ("xavier_normal", "kaiming_uniform")},
    "kaiming_normal": initializers.kaiming_normal,
    "sparse": lambda **layout: initializers.sparse(0.3, **layout),
    "constant": lambda **layout: initializers.constant(0.3, **layout),
    "default_weight": lambda **layout: initializers.default_weight("Linear", **layout),
}
SHAPES = {"dirac": (4, 4, 3)}


@pytest.mark.parametrize("layout", ["torch", "flax"])
@pytest.mark.parametrize("name", FACTORIES)
def test_compiled_or_not_the_numbers_are_the_same(name, layout):
    init = FACTORIES[name](layout=layout)
    shape = SHAPES.get(name, (8, 5))
    alone = init(KEY, shape, jnp.float32)
    assert np.array_equal(jax.jit(init, static_argnums=(1, 2))(KEY, shape, jnp.float32), alone)
    assert alone.dtype == jnp.float32


@pytest.mark.parametrize("name", FACTORIES)
def test_a_shape_is_known_without_drawing(name):
    dtype = jnp.float32 if name == "orthogonal" else jnp.bfloat16
    shape = SHAPES.get(name, (1 << 20, 1 << 14))
    if name in ("orthogonal", "sparse", "eye"):
        shape = (1 << 10, 1 << 9)
    found = jax.eval_shape(lambda key: FACTORIES[name]()(key, shape, dtype), KEY)
    assert (found.shape, found.dtype) == (shape, dtype)


def test_keys_of_the_old_kind_will_do():
    assert normal()(jax.random.PRNGKey(0), (3,)).shape == (3,)


def test_the_default_dtype_is_float32_also_in_64_bit_mode():
    with jax.enable_x64(True):
        assert normal()(KEY, (3,)).dtype == jnp.float32
        assert normal()(KEY, (3,), jnp.float64).dtype == jnp.float64


def test_float64_is_float32_outside_of_64_bit_mode_for_torchs_stream_too():
    ours = uniform()(TorchGenerator(0), (3,), np.float64)
    assert ours.dtype == jnp.float32
    assert np.array_equal(ours, TorchGenerator(0).rand(3))


def test_another_number_compiles_nothing():
    compiled = _draws._normal
    normal(0.0, 1.0)(KEY, (7, 3))
    before = compiled._cache_size()
    for std in (0.5, 0.25):
        normal(0.1, std)(KEY, (7, 3))
    assert compiled._cache_size() == before


def test_a_scale_can_be_mapped_and_learned():
    scales = jnp.array([0.5, 2.0])
    drawn = jax.vmap(lambda std: normal(0.0, std)(KEY, (4,)))(scales)
    np.testing.assert_allclose(drawn[1], 4 * drawn[0], rtol=1e-6)
    gradient = jax.grad(lambda std: jnp.sum(normal(0.0, std)(KEY, (4,))))(0.5)
    np.testing.assert_allclose(gradient, jnp.sum(drawn[0]) / 0.5, rtol=1e-5)


def test_a_bound_can_be_mapped_where_the_interval_changes_its_side():
    lows = jnp.array([-30.0, -2.0, 5.0, 20.0])
    drawn = jax.vmap(lambda a: trunc_normal(0.0, 1.0, a, a + 1)(KEY, (100,)))(lows)
    assert jnp.all((drawn >= lows[:, None]) & (drawn <= lows[:, None] + 1))


TRACED = [
    (lambda bad: normal(0.0, bad), -1.0, "normal: std must be at least 0, got -1"),
    (lambda bad: uniform(bad, 1.0), 2.0, "uniform: a must not exceed b, got 2"),
    (lambda bad: trunc_normal(0.0, 1.0, bad, 1.0), 2.0, "trunc_normal: a must not exceed b"),
    (lambda bad: trunc_normal(0.0, bad), -1.0, "trunc_normal: std must be at least 0"),
]


@pytest.mark.parametrize(("factory", "value", "message"), TRACED)
def test_a_bad_traced_number_gives_nan_and_raises_in_checked_calls(factory, value, message):
    def draw(bad):
        return factory(bad)(KEY, (5,))

    assert jnp.all(jnp.isnan(jax.jit(draw)(value)))
    with pytest.raises(RuntimeError, match=message):
        jaxact.checked(draw)(value)
    with jaxact.checking(), pytest.raises(ValueError, match=message):
        factory(jnp.float32(value))(KEY, (5,))


def test_a_constant_may_be_traced_and_is_one_number():
    assert jnp.all(jax.jit(lambda val: constant(val)(None, (2, 3)))(2.5) == 2.5)
    with pytest.raises(RuntimeError, match="val must be one number"):
        constant(jnp.ones(3))


def test_nothing_is_drawn_for_a_shape_without_elements_and_it_warns_as_torch_does():
    generator = TorchGenerator(0)
    with pytest.warns(UserWarning, match="without elements"):
        assert kaiming_uniform()(generator, (0, 3)).shape == (0, 3)
    assert np.array_equal(generator.rand(2), TorchGenerator(0).rand(2))


def test_a_mean_far_outside_warns_as_torch_does():
    with pytest.warns(UserWarning, match="more than 2 std"):
        trunc_normal(5.0, 1.0, -2.0, 2.0)


def test_a_sparsity_outside_of_0_and_1_is_refused():
    for sparsity in (-0.5, 1.5):
        with pytest.raises(ValueError, match=r"sparsity must be in \[0, 1\]"):
            initializers.sparse(sparsity)


def test_a_generator_draws_its_numbers_while_a_function_is_traced():
    generator = TorchGenerator(0)
    drawn = jax.jit(lambda: initializers.orthogonal()(generator, (4, 3)))()
    assert np.array_equal(drawn, initializers.orthogonal()(TorchGenerator(0), (4, 3)))
