"""How public functions are made: checks before programs, and calls that do not fit explained."""

import inspect
import pickle
import warnings
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import torch
from flax import nnx
from jax import Array
from jax.typing import ArrayLike

from jaxact import errors, functional
from jaxact._arguments import (
    as_array,
    as_floating,
    check_axis,
    flag,
    integer,
    known_reduction,
    one_of,
    real_number_with,
)
from jaxact._keys import random_key
from jaxact._op import factory, op
from jaxact._warnings import warn


@op(
    static=("mode",),
    checks={
        "mode": one_of("plain", "double"),
        "scale": real_number_with(lambda scale: scale > 0, "be positive"),
    },
)
def scaled(input: ArrayLike, scale: ArrayLike = 2.0, *, mode: str = "plain") -> Array:
    """scaled(x) = scale x, or twice that."""
    return jnp.asarray(input) * scale * (2 if mode == "double" else 1)


def test_signature_name_and_docstring_are_those_of_the_function() -> None:
    assert list(inspect.signature(scaled).parameters) == ["input", "scale", "mode"]
    assert inspect.signature(scaled).parameters["scale"].default == 2.0
    assert scaled.__doc__ == "scaled(x) = scale x, or twice that."
    assert scaled.__name__ == "scaled"


def test_a_new_value_compiles_nothing() -> None:
    scaled(jnp.ones(3), 0.5)
    before = scaled._cache_size()
    scaled(jnp.ones(3), 0.25)
    assert scaled._cache_size() == before


def test_it_is_compiled_ahead_like_a_function_of_jax() -> None:
    program = scaled.lower(jnp.ones(3), mode="double").compile()
    np.testing.assert_array_equal(program(jnp.ones(3)), 4.0)


def test_it_is_pickled_by_its_name() -> None:
    assert pickle.loads(pickle.dumps(functional.gelu)) is functional.gelu


def test_checks_run_on_every_call_in_their_order_and_return_the_value_to_go_on_with() -> None:
    seen: list[str] = []

    def first(function: str, argument: str, value: Any) -> Any:
        seen.append(f"{function} {argument} {value}")
        return value + 1

    def both(function: str, input: Any, scale: Any) -> None:
        seen.append(f"{function} {input} {scale}")

    @op(checks={"scale": first, ("input", "scale"): both})
    def product(input: ArrayLike, scale: ArrayLike = 3.0) -> Array:
        return jnp.asarray(input) * scale

    assert product(2.0, 1.0) == 4.0
    assert product(2.0, scale=1.0) == 4.0
    assert product(2.0) == 6.0
    assert seen == [*("product scale 1.0", "product 2.0 2.0") * 2, "product 2.0 3.0"]


CALLS = {
    "unknown": (lambda x: scaled(x, sale=2.0), "has no argument 'sale': write scale="),
    "positional": (lambda x: scaled(x, 1.0, "plain"), "takes 2 positional arguments, got 3"),
    "twice": (lambda x: scaled(x, input=x), "got input twice"),
    "missing": (lambda x: scaled(), "input is missing"),
    "inplace": (lambda x: functional.relu(x, inplace=True), "has no argument 'inplace'"),
    "inplace by place": (lambda x: functional.leaky_relu(x, 0.1, True), "torch's inplace"),
    "size_average": (
        lambda x: functional.mse_loss(x, x, size_average=False),
        "has no argument 'size_average': write reduction='mean' for True, reduction='sum' for",
    ),
    "axis": (lambda x: functional.softmax(x, axis=-1), "has no argument 'axis': write dim="),
    "generator": (
        lambda x: functional.gumbel_softmax(x, generator=0),
        "has no argument 'generator': write key=",
    ),
    "key": (lambda x: functional.gumbel_softmax(x), "key is missing: give a JAX random key"),
    "rngs": (
        lambda x: functional.gumbel_softmax(x, key=nnx.Rngs(0)),
        "key must be a JAX random key, got Rngs; take one key of it",
    ),
    "tensor": (lambda x: functional.gelu(torch.ones(3)), "input must be an array, got a torch."),
    "mode": (lambda x: scaled(x, mode="triple"), "mode must be 'plain' or 'double', got 'triple'"),
    "scale": (lambda x: scaled(x, -1.0), "scale must be positive, got -1.0"),
}


@pytest.mark.parametrize("name", CALLS)
def test_a_call_that_does_not_fit_is_told_what_to_write(name: str) -> None:
    call, said = CALLS[name]
    with pytest.raises(errors.JaxactError) as caught:
        call(jnp.ones(3))
    message = str(caught.value)
    assert said in message
    assert message.partition(":")[0].isidentifier()


def test_no_message_names_what_is_private() -> None:
    for call, _ in CALLS.values():
        with pytest.raises(errors.JaxactError) as caught:
            call(jnp.ones(3))
        assert " _" not in f" {caught.value}"
        assert "<locals>" not in str(caught.value)


def test_a_traced_flag_is_told_to_be_static() -> None:
    with pytest.raises(TypeError, match=r"training must be known while tracing.*static_argnames"):
        jax.jit(functional.rrelu)(jnp.ones(3), training=True)


class Box:
    """Something that knows itself as an array, and jax does not know."""

    def __init__(self, value: Array) -> None:
        self.value = value

    def __jax_array__(self) -> Array:
        return self.value


@pytest.mark.parametrize("wrapped", [nnx.Param, Box])
def test_what_knows_itself_as_an_array_is_one(wrapped: Any) -> None:
    x = jnp.arange(3.0)
    np.testing.assert_array_equal(scaled(wrapped(x), wrapped(jnp.float32(3.0))), 3 * x)


def test_a_factory_checks_its_arguments_and_stays_in_python() -> None:
    @factory(checks={"count": integer})
    def repeated(count: int = 1) -> list[int]:
        """repeated(count) = [1] * count."""
        return [1] * count

    assert repeated(np.int64(2)) == [1, 1]
    with pytest.raises(TypeError, match="repeated: count must be an int, got float"):
        repeated(2.0)  # type: ignore[arg-type]


def test_a_warning_points_at_the_line_that_made_the_call() -> None:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        functional.softmax(jnp.ones(3))
        functional.mse_loss(jnp.ones(3), jnp.ones(1))
    assert [warning.filename for warning in caught] == [__file__, __file__]


@pytest.mark.parametrize("bad", [[1.0], None, "text", (1.0, 2.0)])
def test_what_is_no_array_is_a_type_error(bad: object) -> None:
    with pytest.raises(TypeError, match=r"f: input must be an array, got \w+"):
        as_array("f", "input", bad)  # type: ignore[arg-type]


@pytest.mark.parametrize("dtype", [jnp.int32, jnp.bool_, jnp.complex64])
def test_a_dtype_without_kernel_is_an_error_of_both_kinds(dtype: jnp.dtype) -> None:
    with pytest.raises(errors.DtypeError, match="f: input must have a floating dtype") as caught:
        as_floating("f", "input", jnp.ones(2, dtype))
    assert isinstance(caught.value, TypeError)
    assert isinstance(caught.value, NotImplementedError)


@pytest.mark.parametrize(("axis", "ndim", "front"), [(0, 0, 0), (-1, 0, 0), (-1, 3, 2), (1, 2, 1)])
def test_an_axis_is_counted_from_the_front(axis: int, ndim: int, front: int) -> None:
    assert check_axis("f", axis, ndim) == front
    assert type(check_axis("f", np.int64(axis), ndim)) is int


@pytest.mark.parametrize(("axis", "ndim"), [(1, 0), (-2, 1), (3, 3), (-4, 3)])
def test_an_axis_out_of_range_is_an_index_error(axis: int, ndim: int) -> None:
    with pytest.raises(IndexError, match=rf"f: dim must be in .* got {axis}"):
        check_axis("f", axis, ndim)


def test_a_deprecated_reduction_is_the_mean_with_a_warning() -> None:
    with pytest.warns(UserWarning, match="f: reduction 'elementwise_mean' is deprecated"):
        assert known_reduction("f", "reduction", "elementwise_mean") == "mean"


@pytest.mark.parametrize("value", [True, np.True_])
def test_a_flag_is_a_bool(value: object) -> None:
    assert flag("f", "training", value) is True


@pytest.mark.parametrize("key", [jax.random.key(0), jax.random.PRNGKey(0)])
def test_keys_of_both_kinds_are_keys(key: Array) -> None:
    assert random_key("f", "key", key) is key


def test_every_error_is_of_one_root_and_of_pythons_or_torchs_kind() -> None:
    bases = {
        errors.InvalidValueError: {ValueError},
        errors.InvalidTypeError: {TypeError},
        errors.InvalidIndexError: {IndexError},
        errors.InvalidDivisorError: {ValueError, ZeroDivisionError},
        errors.CompilationError: {RuntimeError},
        errors.NotDifferentiableError: {NotImplementedError},
        errors.ArgumentValueError: {ValueError, RuntimeError},
        errors.ArgumentTypeError: {TypeError, RuntimeError},
        errors.DtypeError: {TypeError, NotImplementedError},
    }
    assert {getattr(errors, name) for name in errors.__all__} == {*bases, errors.JaxactError}
    for error, kinds in bases.items():
        assert issubclass(error, errors.JaxactError)
        assert all(issubclass(error, kind) for kind in kinds)


def test_a_warning_is_a_user_warning() -> None:
    with pytest.warns(UserWarning, match="said"):
        warn("said")
