"""The decorators: jit outermost, one rule for every derivative, errors that name what is wrong."""

import inspect

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import Array

from jaxact._core import (
    ArgumentTypeError,
    ArgumentValueError,
    DtypeError,
    as_array,
    as_floating,
    check_axis,
    elementwise,
    op,
    with_slope,
)


def _cube_slope(x: Array, scale: Array | float) -> Array:
    return 3 * scale * x * x


@elementwise(_cube_slope)
def cube(input: Array, scale: Array | float = 2.0) -> Array:
    """cube(x) = scale x^3."""
    return scale * input * input * input


def _wrong_slope(x: Array) -> Array:
    return 7 * x


@with_slope(_wrong_slope)
def ruled(x: Array) -> Array:
    return x * x


def test_signature_and_docstring_are_those_of_the_formula() -> None:
    assert list(inspect.signature(cube).parameters) == ["input", "scale"]
    assert inspect.signature(cube).parameters["scale"].default == 2.0
    assert cube.__doc__ == "cube(x) = scale x^3."
    assert cube.__name__ == "cube"


def test_the_rule_decides_every_first_derivative() -> None:
    x = jnp.float32(3.0)
    assert jax.grad(ruled)(x) == 21.0
    assert jax.jvp(ruled, (x,), (jnp.float32(2.0),))[1] == 42.0


def test_second_derivatives_are_those_of_the_slope() -> None:
    assert jax.grad(jax.grad(ruled))(jnp.float32(3.0)) == 7.0


def test_parameters_are_differentiated_through_the_formula() -> None:
    x, scale = jnp.arange(4.0), jnp.float32(0.5)
    value, gradient = jax.value_and_grad(lambda s: cube(x, s).sum())(scale)
    assert value == 18.0
    assert gradient == 36.0


def test_a_new_parameter_value_compiles_nothing() -> None:
    def sweep(scale: float) -> Array:
        return cube(jnp.ones(3), scale)

    sweep(0.1)
    before = cube._cache_size()  # type: ignore[attr-defined]
    sweep(0.2)
    assert cube._cache_size() == before  # type: ignore[attr-defined]


def test_half_precision_is_rounded_once() -> None:
    x = jnp.linspace(-3, 3, 1001).astype(jnp.bfloat16)
    wide = (0.3 * x.astype(jnp.float32) ** 3).astype(jnp.bfloat16)
    stepwise = jnp.bfloat16(0.3) * x * x * x
    with jax.disable_jit():
        assert np.array_equal(np.asarray(cube(x, 0.3)), np.asarray(wide))
        assert not np.array_equal(np.asarray(stepwise), np.asarray(wide))


def test_the_backward_pass_keeps_the_input_alone() -> None:
    x = jnp.ones((5, 7), jnp.bfloat16)
    _, pull_back = jax.vjp(cube, x, jnp.float32(2.0))
    kept = [leaf for leaf in jax.tree.leaves(pull_back) if jnp.size(leaf) >= x.size]
    assert [(leaf.shape, leaf.dtype) for leaf in kept] == [((5, 7), jnp.bfloat16)]


def test_checks_run_on_every_call() -> None:
    seen: list[float] = []

    @op(check=lambda input: seen.append(1.0))
    def identity(input: Array) -> Array:
        return input

    identity(jnp.ones(2))
    identity(jnp.ones(2))
    assert seen == [1.0, 1.0]


@pytest.mark.parametrize("bad", [[1.0], None, "text", (1.0, 2.0)])
def test_what_is_no_array_is_a_type_error(bad: object) -> None:
    with pytest.raises(TypeError, match=r"f: input must be an array, got \w+"):
        as_array("f", "input", bad)  # type: ignore[arg-type]


@pytest.mark.parametrize("dtype", [jnp.int32, jnp.bool_, jnp.complex64])
def test_a_dtype_without_kernel_is_an_error_of_both_kinds(dtype: jnp.dtype) -> None:
    with pytest.raises(DtypeError, match="f: input must have a floating dtype") as caught:
        as_floating("f", "input", jnp.ones(2, dtype))
    assert isinstance(caught.value, TypeError)
    assert isinstance(caught.value, NotImplementedError)


@pytest.mark.parametrize(("axis", "ndim", "front"), [(0, 0, 0), (-1, 0, 0), (-1, 3, 2), (1, 2, 1)])
def test_an_axis_is_counted_from_the_front(axis: int, ndim: int, front: int) -> None:
    assert check_axis("f", axis, ndim) == front


@pytest.mark.parametrize(("axis", "ndim"), [(1, 0), (-2, 1), (3, 3), (-4, 3)])
def test_an_axis_out_of_range_is_an_index_error(axis: int, ndim: int) -> None:
    with pytest.raises(IndexError, match=rf"f: dim must be in .* got {axis}"):
        check_axis("f", axis, ndim)


def test_errors_are_of_torchs_kind_and_of_pythons() -> None:
    assert set(ArgumentValueError.__bases__) == {ValueError, RuntimeError}
    assert set(ArgumentTypeError.__bases__) == {TypeError, RuntimeError}
    assert set(DtypeError.__bases__) == {TypeError, NotImplementedError}
