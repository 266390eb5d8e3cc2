"""Messages of calls with something else in the place of an array, a key, a shape or a dtype."""

from collections.abc import Callable

import jax
import jax.numpy as jnp
import pytest
import torch
from flax import nnx

from jaxact import errors, functional, initializers, regularizers
from jaxact.random import TorchGenerator

X = jnp.ones((2, 3))
KEY = jax.random.key(0)
TENSORS = {"a": torch.ones(2, 2)}
DRAWN = initializers.kaiming_normal()

CALLS: dict[str, tuple[Callable[[], object], str]] = {
    "a string": (lambda: functional.relu("a"), "relu: input must be an array, got str"),
    "a string as a hyperparameter": (
        lambda: functional.softplus(X, "a"),
        "softplus: beta must be an array, got str",
    ),
    "a list": (
        lambda: functional.mse_loss([1.0], X[0, :1]),
        "mse_loss: input must be an array, got list; convert it with jnp.asarray",
    ),
    "a set": (
        lambda: functional.cross_entropy(X, {1, 2}),
        "cross_entropy: target must be an array, got set",
    ),
    "a tensor in a tree": (
        lambda: regularizers.l1_penalty(TENSORS),
        "l1_penalty: a leaf of a tree must be an array, got a torch.Tensor; convert it with",
    ),
    "a tensor in the tree of an average": (
        lambda: regularizers.ema(0.9).init(TENSORS),
        "ema: a leaf of params must be an array, got a torch.Tensor; convert it with",
    ),
    "a dtype of torch": (
        lambda: functional.softmax(X, 1, dtype=torch.float32),
        "softmax: dtype must be a dtype, got torch.float32; write jnp.float32",
    ),
    "torch's fourth argument": (
        lambda: functional.softmax(X, 1, 3),
        "softmax: dtype must be a dtype, got 3",
    ),
    "no dtype": (
        lambda: DRAWN(KEY, (3, 4), "float33"),
        "kaiming_normal: dtype must be a dtype, got 'float33'",
    ),
    "no shape": (
        lambda: DRAWN(KEY, (3.0, 4)),
        "kaiming_normal: shape must be a sequence of integers, got",
    ),
    "a generator of torch": (
        lambda: DRAWN(torch.Generator(), (3, 4)),
        "kaiming_normal: key must be a JAX random key or a TorchGenerator, got Generator; write",
    ),
    "flax's keys": (
        lambda: DRAWN(nnx.Rngs(0), (3, 4)),
        "kaiming_normal: key must be a JAX random key or a TorchGenerator, got Rngs; take one",
    ),
    "a seed": (
        lambda: DRAWN(0, (3, 4)),
        "kaiming_normal: key must be a JAX random key or a TorchGenerator, got int; write",
    ),
    "no key": (
        lambda: functional.dropout(X),
        "dropout: key must be given when training, got None; write key=jax.random.key",
    ),
    "no number": (
        lambda: initializers.normal(std="a"),
        "normal: std must be a number or an array, got str",
    ),
    "no gain": (
        lambda: initializers.kaiming_normal(nonlinearity="gelu"),
        "kaiming_normal: nonlinearity must be one of",
    ),
    "no function": (
        lambda: regularizers.jacobian_penalty(3, X, key=KEY),
        "jacobian_penalty: f must be a function, got int",
    ),
    "no patience": (
        lambda: regularizers.early_stopping("a"),
        "early_stopping: patience must be a number, got str",
    ),
    "a shape of the stream": (
        lambda: TorchGenerator(0).randn("a"),
        "randn: shape must hold integers, got 'a'",
    ),
    "a dtype of the stream": (
        lambda: TorchGenerator(0).randn(3, dtype=torch.float32),
        "randn: dtype must be a dtype, got torch.float32",
    ),
    "rows that do not fit": (
        lambda: functional.cosine_embedding_loss(X, X, jnp.ones(3)),
        "cosine_embedding_loss: the vectors and target must broadcast, got input1 (2, 3), "
        "input2 (2, 3), target (3,)",
    ),
}


@pytest.mark.parametrize("name", CALLS)
def test_a_bad_argument_is_named(name: str) -> None:
    call, message = CALLS[name]
    with pytest.raises(errors.JaxactError) as caught:
        call()
    assert str(caught.value).startswith(message)


MADE: dict[str, tuple[Callable[[], object], str]] = {
    "ema(...).init()": (lambda: regularizers.ema(0.9).init(), "params"),
    "swa(...).update()": (lambda: regularizers.swa().update(1), "params"),
    "early_stopping(...).update()": (lambda: regularizers.early_stopping().update(1), "metric"),
    "clip_by_grad_norm(...).update()": (
        lambda: regularizers.clip_by_grad_norm(1.0).update([X]),
        "state",
    ),
    "compose(...)()": (lambda: regularizers.compose()(KEY), "images"),
}


@pytest.mark.parametrize("name", MADE)
def test_what_a_function_returned_is_named_after_it(name: str) -> None:
    call, missing = MADE[name]
    with pytest.raises(TypeError) as caught:
        call()
    assert str(caught.value).startswith(f"{name} missing")
    assert missing in str(caught.value)


def test_an_error_of_the_users_function_stays() -> None:
    with pytest.raises(TypeError, match="mine"):
        regularizers.jacobian_penalty(_broken, X, key=KEY)


def _broken(x: object) -> None:
    raise TypeError("mine")


def test_only_what_can_be_compiled_has_lower() -> None:
    assert hasattr(functional.relu, "lower")
    assert not hasattr(regularizers.ema, "lower")


def test_an_initializer_that_does_not_draw_needs_no_key() -> None:
    assert float(initializers.ones()(None, ())) == 1
    assert initializers.default_bias("MultiheadAttention")(None, (6,)).shape == (6,)


def test_a_key_and_a_fraction_may_be_variables() -> None:
    draw = initializers.sparse(nnx.Param(jnp.array(0.5)))
    key = jax.random.PRNGKey(0)
    assert jnp.all(draw(nnx.Param(key), (4, 3)) == draw(key, (4, 3)))
