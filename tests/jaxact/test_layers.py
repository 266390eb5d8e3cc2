"""linear against torch's."""

import jax
import jax.numpy as jnp
import ml_dtypes
import numpy as np
import pytest
import torch

from jaxact.layers import linear

SHAPES = [
    ((5,), (3, 5), None),
    ((5,), (3, 5), (3,)),
    ((5,), (5,), ()),
    ((4, 5), (3, 5), (3,)),
    ((4, 5), (3, 5), ()),
    ((4, 5), (3, 5), (4, 1)),
    ((4, 5), (5,), None),
    ((2, 4, 5), (3, 5), (3,)),
    ((2, 0, 5), (3, 5), (3,)),
    ((2, 0), (3, 0), (3,)),
]


def _operands(shapes, dtype=np.float64, seed=0):
    generator = np.random.default_rng(seed)
    return [None if s is None else generator.standard_normal(s).astype(dtype) for s in shapes]


def _torch_values(operands, cotangent_seed=1):
    tensors = [None if a is None else torch.tensor(a, requires_grad=True) for a in operands]
    out = torch.nn.functional.linear(*tensors)
    cotangent = np.random.default_rng(cotangent_seed).standard_normal(tuple(out.shape))
    cotangent = cotangent.astype(operands[0].dtype)
    given = [tensor for tensor in tensors if tensor is not None]
    slopes = torch.autograd.grad(out, given, torch.tensor(cotangent))
    return out.detach().numpy(), cotangent, [slope.numpy() for slope in slopes]


@pytest.mark.parametrize("shapes", SHAPES, ids=str)
def test_values_and_gradients_are_those_of_torch(shapes):
    operands = _operands(shapes)
    expected, cotangent, expected_slopes = _torch_values(operands)
    with jax.enable_x64(True):
        given = [jnp.asarray(a) for a in operands if a is not None]
        out, pullback = jax.vjp(linear, *given)
        slopes = pullback(jnp.asarray(cotangent))
    assert out.shape == expected.shape
    assert out.dtype == expected.dtype
    np.testing.assert_allclose(out, expected, rtol=1e-13, atol=1e-15)
    for slope, wanted in zip(slopes, expected_slopes, strict=True):
        np.testing.assert_allclose(slope, wanted, rtol=1e-13, atol=1e-15)


def test_float32_is_multiplied_in_float32():
    operands = _operands([(64, 300), (20, 300), (20,)], np.float32)
    exact, _, _ = _torch_values([a.astype(np.float64) for a in operands])
    out = np.asarray(linear(*operands))
    assert out.dtype == np.float32
    np.testing.assert_allclose(out, exact, rtol=0, atol=3e-5)


@pytest.mark.parametrize("dtype", [np.float16, ml_dtypes.bfloat16])
def test_half_precision_is_summed_in_float32_and_rounded_once(dtype):
    operands = _operands([(16, 400), (8, 400), (8,)], dtype)
    exact, _, _ = _torch_values([a.astype(np.float64) for a in operands])
    out = linear(*operands)
    assert out.dtype == dtype
    unit = float(ml_dtypes.finfo(dtype).eps)
    # Half a unit of rounding at the end, and what float32 loses in a sum of 400 terms.
    np.testing.assert_allclose(np.asarray(out, np.float64), exact, rtol=0.51 * unit, atol=2e-5)


@pytest.mark.parametrize("dtype", [np.float16, ml_dtypes.bfloat16])
def test_half_precision_gradients_are_those_of_float32_rounded(dtype):
    operands = _operands([(16, 40), (8, 40), (8,)], dtype)
    wide = [a.astype(np.float32) for a in operands]
    _, cotangent, expected = _torch_values(wide)
    cotangent = jnp.asarray(cotangent, dtype)
    _, _, expected = _torch_gradients(wide, np.asarray(cotangent, np.float32))
    slopes = jax.vjp(linear, *(jnp.asarray(a) for a in operands))[1](cotangent)
    unit = float(ml_dtypes.finfo(dtype).eps)
    for slope, wanted in zip(slopes, expected, strict=True):
        assert slope.dtype == dtype
        np.testing.assert_allclose(np.asarray(slope, np.float64), wanted, rtol=unit, atol=1e-5)


def _torch_gradients(operands, cotangent):
    tensors = [torch.tensor(a, requires_grad=True) for a in operands]
    out = torch.nn.functional.linear(*tensors)
    slopes = torch.autograd.grad(out, tensors, torch.tensor(cotangent))
    return out, cotangent, [slope.numpy() for slope in slopes]


def test_integers_are_summed_in_their_dtype():
    out = linear(jnp.ones((2, 3), jnp.int32), jnp.full((4, 3), 2, jnp.int32))
    assert out.dtype == jnp.int32
    assert out.tolist() == [[6] * 4] * 2


BAD = {
    "0-d input": ((), (3, 5)),
    "weight of three axes": ((4, 5), (2, 3, 5)),
    "0-d weight": ((4, 5), ()),
    "sizes": ((4, 6), (3, 5)),
    "bias too long": ((4, 5), (3, 5), (5,)),
    "bias enlarges": ((5,), (3, 5), (2, 3)),
    "bias for a 1-d weight": ((4, 5), (5,), (4,)),
}


@pytest.mark.parametrize("shapes", BAD.values(), ids=BAD.keys())
def test_shapes_that_do_not_fit_raise_what_torch_raises(shapes):
    operands = _operands(shapes, np.float32)
    with pytest.raises(RuntimeError) as theirs:
        torch.nn.functional.linear(*map(torch.tensor, operands))
    with pytest.raises(
        type(theirs.value), match=r"^linear: (input|weight|bias|the last axis)"
    ) as ours:
        linear(*operands)
    assert isinstance(ours.value, ValueError)


@pytest.mark.parametrize("position", [1, 2])
def test_dtypes_that_differ_raise_what_torch_raises(position):
    operands = _operands([(4, 5), (3, 5), (3,)], np.float32)
    operands[position] = operands[position].astype(np.float16)
    with pytest.raises(RuntimeError):
        torch.nn.functional.linear(*map(torch.tensor, operands))
    with pytest.raises(RuntimeError, match=r"must have the dtype of input, float32") as ours:
        linear(*operands)
    assert isinstance(ours.value, TypeError)


def test_booleans_and_lists_are_refused():
    with pytest.raises(NotImplementedError, match="bool"):
        linear(jnp.ones((2, 3), bool), jnp.ones((4, 3), bool))
    with pytest.raises(TypeError, match="linear: input must be an array, got list"):
        linear([1.0, 2.0], jnp.ones((4, 2)))


def test_a_matmul_precision_that_the_user_sets_is_the_one_that_is_used():
    x, w = jnp.ones((2, 3)), jnp.ones((4, 3))
    assert "HIGHEST" in str(jax.make_jaxpr(linear)(x, w))
    with jax.default_matmul_precision("default"):
        assert "HIGHEST" not in str(jax.make_jaxpr(linear)(x, w))
