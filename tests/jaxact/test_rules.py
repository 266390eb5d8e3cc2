"""Gradient rules: one rule for every derivative, one residual, formulas repeated from plans."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import Array

from jaxact._plans import planned
from jaxact._rules import (
    with_derivative,
    with_derivative_in_difference,
    with_partials,
    with_rule,
)


def _cube_grad(x: Array, scale: Array | float) -> Array:
    return 3 * scale * x * x


@with_derivative(_cube_grad)
def cube(x: Array, scale: Array | float = 2.0) -> Array:
    return scale * x * x * x


def _wrong_grad(x: Array) -> Array:
    return 7 * x


@with_derivative(_wrong_grad)
def ruled(x: Array) -> Array:
    return x * x


def test_the_rule_decides_every_first_derivative() -> None:
    x = jnp.float32(3.0)
    assert jax.grad(ruled)(x) == 21.0
    assert jax.jvp(ruled, (x,), (jnp.float32(2.0),))[1] == 42.0


def test_second_derivatives_are_those_of_the_rule() -> None:
    assert jax.grad(jax.grad(ruled))(jnp.float32(3.0)) == 7.0


def test_parameters_are_differentiated_through_the_formula() -> None:
    x, scale = jnp.arange(4.0), jnp.float32(0.5)
    value, gradient = jax.value_and_grad(lambda s: cube(x, s).sum())(scale)
    assert value == 18.0
    assert gradient == 36.0
    assert jax.grad(lambda s: jax.grad(cube)(jnp.float32(2.0), s))(scale) == 12.0


def test_parameters_that_broadcast_are_differentiated_in_their_shape() -> None:
    x, scale = jnp.ones((2, 3)), jnp.array([1.0, 2.0, 3.0])
    np.testing.assert_array_equal(jax.grad(lambda s: cube(x, s).sum())(scale), [2.0, 2.0, 2.0])
    column = jnp.ones((2, 1))
    np.testing.assert_array_equal(jax.grad(lambda x: cube(x, scale).sum())(column), [[18.0]] * 2)


def test_half_precision_is_rounded_once() -> None:
    x = jnp.linspace(-3, 3, 1001).astype(jnp.bfloat16)
    wide = (jnp.float32(0.3) * x.astype(jnp.float32) ** 3).astype(jnp.bfloat16)
    stepwise = jnp.bfloat16(0.3) * x * x * x
    with jax.disable_jit():
        assert np.array_equal(np.asarray(cube(x, 0.3)), np.asarray(wide))
        assert not np.array_equal(np.asarray(stepwise), np.asarray(wide))


def test_the_backward_pass_keeps_the_input_alone() -> None:
    x = jnp.ones((5, 7), jnp.bfloat16)
    _, pull_back = jax.vjp(cube, x, jnp.float32(2.0))
    kept = [leaf for leaf in jax.tree.leaves(pull_back) if jnp.size(leaf) >= x.size]
    assert [(leaf.shape, leaf.dtype) for leaf in kept] == [((5, 7), jnp.bfloat16)]


def test_an_integer_is_put_into_the_formula_as_it_is() -> None:
    assert ruled(jnp.int8(5)).dtype == jnp.int8


def test_no_tracer_leaks_from_parameters() -> None:
    with jax.checking_leaks():
        jax.jit(lambda x, s: jax.grad(lambda x: cube(x, s))(x))(1.0, 2.0)


def test_partials_are_those_given() -> None:
    @with_partials(lambda x, t: 5 * t, lambda x, t: 7 * x)
    def product(x: Array, t: Array) -> Array:
        return x * t

    assert jax.grad(product, (0, 1))(jnp.float32(2.0), jnp.float32(3.0)) == (15.0, 14.0)
    assert jax.grad(jax.grad(product), 1)(jnp.float32(2.0), jnp.float32(3.0)) == 5.0


def test_the_step_of_a_difference_is_taken_before_it_is_multiplied() -> None:
    @with_derivative_in_difference(lambda x, t: 2 * (x - t))
    def square(x: Array, t: Array) -> Array:
        return (x - t) * (x - t)

    x, t, step = jnp.float32(1e8), jnp.float32(1.0), jnp.float32(1e-3)
    assert jax.jvp(square, (x, t), (step, step))[1] == 0.0
    assert jax.grad(square, (0, 1))(jnp.float32(3.0), jnp.float32(1.0)) == (4.0, -4.0)


def test_a_rule_of_whole_arrays_has_static_arguments() -> None:
    def rule(axis: int, primals: tuple[Array], tangents: tuple[Array]) -> tuple[Array, Array]:
        return total(axis, *primals), 3 * jnp.sum(tangents[0], axis)

    @with_rule(rule, static=(0,))
    def total(axis: int, x: Array) -> Array:
        return jnp.sum(x, axis)

    np.testing.assert_array_equal(jax.grad(lambda x: total(0, x).sum())(jnp.ones((2, 2))), 3.0)


def _everything(x: Array, p: Array | float) -> Array:
    bits = jax.lax.bitcast_convert_type(x, jnp.uint32) & jnp.uint32(0xFFFFF000)
    high = jax.lax.bitcast_convert_type(bits, jnp.float32)
    clipped = jnp.clip(jnp.where(x > p, x, 0.5), -1, 1)
    return jnp.exp(-jnp.abs(x)) + high * p + clipped**3 + jnp.round(x) + jax.lax.stop_gradient(x)


@pytest.mark.parametrize("shape", [(), (0,), (3,), (2, 3)])
def test_a_plan_repeats_the_formula_bit_for_bit_in_every_shape(shape: tuple[int, ...]) -> None:
    x = jnp.asarray(np.random.default_rng(0).normal(0, 2, shape), jnp.float32)
    for parameter in (0.25, jnp.float32(0.25), jnp.full(shape, 0.25)):
        expected = jax.jit(_everything)(x, jnp.float32(0.25))
        found = jax.jit(lambda x, p: planned(_everything, x, p))(x, jnp.asarray(parameter))
        np.testing.assert_array_equal(found, expected)


def test_a_plan_broadcasts_and_may_be_constant() -> None:
    assert planned(lambda x, p: x * p, jnp.ones((2, 1)), jnp.ones(3)).shape == (2, 3)
    assert planned(lambda x: jnp.ones_like(x), jnp.zeros((2, 3))).tolist() == [[1.0] * 3] * 2


def test_a_plan_follows_the_dtype() -> None:
    with jax.enable_x64(True):
        x = jnp.float64(0.1)
        assert planned(lambda x: x * 3, x) == 0.1 * 3
