"""Losses against two-sided targets: what no row of the suite shows."""

import jax
import jax.numpy as jnp
import mpmath
import numpy as np
import pytest
import torch

import jaxact
from jaxact.losses.binary import (
    binary_cross_entropy,
    binary_cross_entropy_with_logits,
    multilabel_soft_margin_loss,
    soft_margin_loss,
)


def _draws(*shapes, seed=0):
    generator = np.random.default_rng(seed)
    return [generator.standard_normal(shape).astype(np.float32) for shape in shapes]


def _softplus(x):
    with mpmath.workdps(60):
        return float(mpmath.log1p(mpmath.exp(mpmath.mpf(float(x)))))


def _sigmoid(x):
    with mpmath.workdps(60):
        return float(1 / (1 + mpmath.exp(-mpmath.mpf(float(x)))))


TAILS = [0.0, 1.0, 10.0, 17.0, 20.0, 50.0, 80.0]


@pytest.mark.parametrize("x", TAILS)
def test_confident_scores_keep_their_digits(x):
    """torch's float32 gives a loss of 0 from -17 down, and a gradient of 0 from 17 up."""
    x = np.float32(x)
    for loss, target in [
        (binary_cross_entropy_with_logits, 1.0),
        (soft_margin_loss, 1.0),
        (lambda x, t: multilabel_soft_margin_loss(x[None], t[None]), 1.0),
    ]:
        out, slope = jax.value_and_grad(loss)(jnp.asarray(x), jnp.float32(target))
        np.testing.assert_allclose(out, _softplus(-x), rtol=5e-7)
        np.testing.assert_allclose(slope, -_sigmoid(-x), rtol=5e-7)
    out, slope = jax.value_and_grad(binary_cross_entropy_with_logits)(-x, jnp.float32(0))
    np.testing.assert_allclose(out, _softplus(-x), rtol=5e-7)
    np.testing.assert_allclose(slope, _sigmoid(-x), rtol=5e-7)


@pytest.mark.parametrize("x", [-88.0, -200.0, -1e30, -np.inf])
def test_the_soft_margin_does_not_overflow(x):
    out, slope = jax.value_and_grad(soft_margin_loss)(jnp.float32(x), jnp.float32(1))
    assert out == -x
    assert slope == -1


def test_the_soft_margin_keeps_the_digits_of_a_product():
    x, t = np.float32(23.456789), np.float32(-3.14159)
    out, (along_x, along_t) = jax.value_and_grad(soft_margin_loss, (0, 1))(-x, t)
    z = float(x) * float(t)
    np.testing.assert_allclose(along_x, -float(t) * _sigmoid(z), rtol=1e-6)
    np.testing.assert_allclose(along_t, float(x) * _sigmoid(z), rtol=1e-6)
    assert out > 0


def test_the_gradient_of_a_certain_and_right_infinite_score_is_0():
    slope = jax.grad(binary_cross_entropy_with_logits)
    assert slope(jnp.inf, jnp.float32(1)) == 0
    assert slope(-jnp.inf, jnp.float32(0)) == 0


@pytest.mark.parametrize("shape", [(), (1,), (3,), (2, 1), (2, 3)])
def test_weights_are_broadcast_and_differentiated(shape):
    x, t, w = _draws((2, 3), (2, 3), shape)
    t, w = np.abs(t), np.abs(w)

    def ours(w, p):
        return binary_cross_entropy_with_logits(x, t, weight=w, pos_weight=p)

    plain = binary_cross_entropy_with_logits(x, t, reduction="none")
    along_w, along_p = jax.grad(ours, (0, 1))(w, jnp.ones(shape))
    excess = tuple(range(2 - w.ndim)) + tuple(
        i + 2 - w.ndim for i, size in enumerate(w.shape) if size == 1 and (2, 3)[i + 2 - w.ndim] > 1
    )
    np.testing.assert_allclose(along_w, np.sum(plain / 6, excess).reshape(shape), rtol=1e-5)
    positive = t * np.logaddexp(0, -x) * np.broadcast_to(w, (2, 3)) / 6
    np.testing.assert_allclose(along_p, np.sum(positive, excess).reshape(shape), rtol=1e-5)


@pytest.mark.parametrize("name", ["weight", "pos_weight"])
def test_a_weight_must_not_enlarge_the_result(name):
    x, t = _draws((2, 3), (2, 3))
    for shape in [(4,), (1, 2, 3), (5, 2, 3)]:
        with pytest.raises(RuntimeError, match=name):
            binary_cross_entropy_with_logits(x, t, **{name: np.ones(shape, np.float32)})
    with pytest.raises(RuntimeError, match="weight"):
        binary_cross_entropy(np.abs(x) % 1, np.abs(t) % 1, weight=np.ones((1, 2, 3), np.float32))


@pytest.mark.parametrize(
    ("input", "target", "argument", "value"),
    [
        (1.5, 0.5, "input", "1.5"),
        (-0.25, 0.5, "input", "-0.25"),
        (np.nan, 0.5, "input", "nan"),
        (0.5, 2.0, "target", "2.0"),
        (0.5, np.nan, "target", "nan"),
    ],
)
def test_what_is_no_probability_is_nan_and_raises_in_checked_calls(input, target, argument, value):
    x, t = jnp.array([0.5, input], jnp.float32), jnp.array([0.5, target], jnp.float32)
    losses = binary_cross_entropy(x, t, reduction="none")
    assert np.isnan(losses).tolist() == [False, True]
    slopes = jax.grad(lambda x: binary_cross_entropy(x, t))(x)
    assert np.isnan(slopes).tolist() == [False, True]
    message = rf"binary_cross_entropy: {argument} must be in \[0, 1\], got {value}"
    with jaxact.checking(), pytest.raises(RuntimeError, match=message):
        binary_cross_entropy(x, t)
    with pytest.raises(ValueError, match=message):
        jaxact.checked(jax.grad(binary_cross_entropy))(x, t)


def test_probabilities_pass_the_check():
    x = jnp.array([0.0, 0.3, 1.0])
    with jaxact.checking():
        out = binary_cross_entropy(x, x)
    np.testing.assert_allclose(out, -(0.3 * np.log(0.3) + 0.7 * np.log(0.7)) / 3, rtol=1e-6)


def test_the_gradient_of_a_cut_off_logarithm_is_that_of_torch():
    x = np.array([0.0, 1.0, 0.0, 1.0, 1e-30, 1e-13], np.float64)
    t = np.array([1.0, 0.0, 0.0, 1.0, 1.0, 1.0], np.float64)
    theirs = torch.tensor(x, requires_grad=True)
    torch.nn.functional.binary_cross_entropy(theirs, torch.tensor(t)).backward()
    assert theirs.grad is not None
    with jax.enable_x64(True):
        ours = jax.grad(binary_cross_entropy)(jnp.asarray(x), jnp.asarray(t))
    # torch's bound is the float32 next to 1e-12, also in float64.
    np.testing.assert_allclose(ours, theirs.grad.numpy(), rtol=1e-8)


@pytest.mark.parametrize("shapes", [((4, 3), (4, 3)), ((3,), (2, 3)), ((2, 3), (3,)), ((3,), (1,))])
def test_the_classes_stand_on_the_last_axis_of_the_input(shapes):
    x, t = _draws(*shapes)
    for reduction in ("none", "mean", "sum"):
        expected = torch.nn.functional.multilabel_soft_margin_loss(
            torch.tensor(x), torch.tensor(t), reduction=reduction
        )
        out = multilabel_soft_margin_loss(x, t, reduction=reduction)
        assert out.shape == tuple(expected.shape)
        np.testing.assert_allclose(out, expected.numpy(), rtol=1e-5, atol=1e-6)


def test_the_result_of_mixed_dtypes_has_that_of_the_target_as_in_torch():
    for x, t in [("float32", "float16"), ("float16", "float32"), ("float16", "bfloat16")]:
        expected = torch.nn.functional.binary_cross_entropy_with_logits(
            torch.ones(2, dtype=getattr(torch, x)), torch.ones(2, dtype=getattr(torch, t))
        )
        out = binary_cross_entropy_with_logits(jnp.ones(2, x), jnp.ones(2, t))
        assert str(expected.dtype) == f"torch.{out.dtype}"


def test_the_target_of_the_soft_margin_is_broadcast_into_the_input():
    x = _draws((2, 3))[0]
    assert soft_margin_loss(x, np.ones(3, np.float32), "none").shape == (2, 3)
    with pytest.raises(RuntimeError, match="target"):
        soft_margin_loss(x[0], np.ones((2, 3), np.float32))


@pytest.mark.parametrize("reduction", ["mean", "sum"])
def test_nothing_has_a_sum_of_0_and_a_mean_of_nan(reduction):
    empty = jnp.zeros((0, 3))
    for loss in (
        binary_cross_entropy,
        binary_cross_entropy_with_logits,
        soft_margin_loss,
        multilabel_soft_margin_loss,
    ):
        out = loss(empty, empty, reduction=reduction)
        assert np.isnan(out) if reduction == "mean" else out == 0
