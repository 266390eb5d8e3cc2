"""Losses of differences: what no row of the suite shows."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import torch

import jaxact
from jaxact.losses.regression import huber_loss, l1_loss, mse_loss, smooth_l1_loss

LOSSES = [l1_loss, mse_loss, smooth_l1_loss, huber_loss]
WEIGHED = [l1_loss, mse_loss, huber_loss]


def _arrays(*shapes, seed=0):
    generator = np.random.default_rng(seed)
    return [generator.standard_normal(shape).astype(np.float32) for shape in shapes]


def _torch(loss):
    return getattr(torch.nn.functional, loss.__name__)


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("shapes", [((2, 3), (3,)), ((3,), (2, 3)), ((2, 3), (2, 1)), ((), (1,))])
def test_shapes_that_differ_are_broadcast_with_a_warning(loss, shapes):
    x, t = _arrays(*shapes)
    with pytest.warns(UserWarning, match="shape"):
        out = loss(x, t, reduction="none")
    with pytest.warns(UserWarning, match="target size"):
        expected = _torch(loss)(torch.tensor(x), torch.tensor(t), reduction="none")
    np.testing.assert_allclose(out, expected.numpy(), rtol=1e-6)


@pytest.mark.parametrize("loss", LOSSES)
def test_the_gradient_of_what_is_broadcast_is_summed(loss):
    x, t = _arrays((4, 3), (3,))
    with pytest.warns(UserWarning, match="broadcast"):
        slope = jax.grad(loss, argnums=1)(x, t, reduction="sum")
    wide = jax.grad(loss, argnums=1)(x, np.broadcast_to(t, x.shape), reduction="sum")
    np.testing.assert_allclose(slope, np.sum(wide, 0), rtol=1e-5)


@pytest.mark.parametrize("loss", LOSSES)
def test_the_warning_points_to_the_call(loss):
    with pytest.warns(UserWarning, match="broadcast") as caught:
        loss(*_arrays((2, 3), (3,)))
    assert caught[0].filename == __file__


@pytest.mark.parametrize("loss", [smooth_l1_loss, huber_loss])
def test_a_new_width_compiles_nothing_and_can_be_mapped(loss):
    x, t = _arrays((5,), (5,))
    name = "beta" if loss is smooth_l1_loss else "delta"
    traces = []

    @jax.jit
    def traced(width):
        traces.append(width)
        return loss(x, t, **{name: width})

    single = [float(traced(width)) for width in (0.25, 0.5, 2.0)]
    mapped = jax.vmap(lambda width: loss(x, t, **{name: width}))(jnp.asarray([0.25, 0.5, 2.0]))
    assert len(traces) == 1
    np.testing.assert_allclose(mapped, single, rtol=1e-6)


@pytest.mark.parametrize("loss", [smooth_l1_loss, huber_loss])
def test_the_derivative_in_the_width_is_that_of_finite_differences(loss):
    x, t = (np.float64(a) for a in _arrays((50,), (50,)))
    name = "beta" if loss is smooth_l1_loss else "delta"
    with jax.enable_x64(True):

        def along(width):
            return loss(x, t, "sum", **{name: width})

        slope = jax.grad(along)(0.7)
        step = 1e-6
        difference = (along(0.7 + step) - along(0.7 - step)) / (2 * step)
    np.testing.assert_allclose(slope, difference, rtol=1e-6)


@pytest.mark.parametrize(("loss", "width"), [(smooth_l1_loss, "beta"), (huber_loss, "delta")])
@pytest.mark.parametrize("bad", [-1.0, float("nan")])
def test_a_bad_width_raises_where_it_is_known_and_is_nan_where_it_is_traced(loss, width, bad):
    x, t = _arrays((3,), (3,))
    with pytest.raises(RuntimeError, match=rf"{width} must .*{bad}"):
        loss(x, t, **{width: bad})
    traced = jnp.float32(bad)
    assert np.isnan(loss(x, t, **{width: traced}))
    assert np.isnan(jax.grad(lambda x: loss(x, t, **{width: traced}))(x)).all()
    with jaxact.checking(), pytest.raises(RuntimeError, match=rf"{width} must .*{bad}"):
        loss(x, t, **{width: traced})
    with pytest.raises(RuntimeError, match=width):
        jaxact.checked(lambda width_: loss(x, t, **{width: width_}))(traced)


@pytest.mark.parametrize("value", ["1", None, [1.0], np.ones(2)])
def test_a_width_that_is_no_number_is_a_type_error(value):
    x, t = _arrays((2,), (2,))
    with pytest.raises(TypeError, match="beta must be a number"):
        smooth_l1_loss(x, t, beta=value)
    with pytest.raises(TypeError, match="delta must be a number"):
        huber_loss(x, t, delta=value)


def test_smooth_l1_with_a_width_of_0_is_l1():
    d = np.array([0.0, -0.0, 1e-30, -2.0, np.inf, np.nan], np.float32)
    smooth = jax.vmap(jax.value_and_grad(lambda d: smooth_l1_loss(d, 0.0, beta=0.0)))
    plain = jax.vmap(jax.value_and_grad(lambda d: l1_loss(d, 0.0)))
    for ours, expected in zip(smooth(d), plain(d), strict=True):
        np.testing.assert_array_equal(ours, expected)


@pytest.mark.parametrize("loss", WEIGHED)
def test_weights_of_another_shape_are_refused(loss):
    for shape in [(), (3,), (2, 1), (1, 2, 3)]:
        with pytest.raises(ValueError, match="weight"):
            loss(*_arrays((2, 3), (2, 3)), weight=np.ones(shape, np.float32))


@pytest.mark.parametrize("loss", WEIGHED)
def test_gradients_in_the_weights_are_those_of_torch(loss):
    x, t, w = _arrays((4, 3), (4, 3), (4, 3))
    w = np.abs(w) + 0.1
    theirs = torch.tensor(w, requires_grad=True)
    _torch(loss)(torch.tensor(x), torch.tensor(t), weight=theirs).backward()
    assert theirs.grad is not None
    ours = jax.grad(lambda w: loss(x, t, weight=w))(w)
    np.testing.assert_allclose(ours, theirs.grad.numpy(), rtol=1e-5, atol=1e-8)


@pytest.mark.parametrize("loss", [l1_loss, mse_loss])
def test_a_mean_over_weights_that_sum_to_0_is_nan(loss):
    assert np.isnan(loss(jnp.arange(2.0), jnp.ones(2), weight=jnp.array([1.0, -1.0])) * 0)


def test_integers_have_l1_losses_but_no_mean_of_them():
    x, t = jnp.array([1, 5, -2]), jnp.array([4, 4, 4])
    losses = l1_loss(x, t, "none")
    assert losses.dtype == jnp.int32
    assert losses.tolist() == [3, 1, 6]
    assert l1_loss(x, t, "sum") == 10
    with pytest.raises(RuntimeError, match="mean"):
        l1_loss(x, t)
    for loss in (mse_loss, smooth_l1_loss, huber_loss):
        with pytest.raises(NotImplementedError, match="floating"):
            loss(x, t)


@pytest.mark.parametrize("reduction", ["none", "mean", "sum"])
@pytest.mark.parametrize("dtype", [np.int32, np.float16, np.float32])
@pytest.mark.parametrize("loss", [l1_loss, mse_loss])
def test_integers_with_weights_have_the_loss_of_torch(loss, dtype, reduction):
    x, t, w = np.array([1, 5, -2], np.int32), np.array([4, 4, 4], np.int32), np.array([1, 2, 4])
    theirs = map(torch.tensor, (x, t))
    weight = torch.tensor(w.astype(dtype))
    expected = _torch(loss)(*theirs, reduction=reduction, weight=weight).numpy()
    ours = loss(x, t, reduction, weight=w.astype(dtype))
    assert ours.dtype == jax.dtypes.canonicalize_dtype(expected.dtype)
    np.testing.assert_allclose(ours, expected, rtol=float(jnp.finfo(jnp.float32).eps))


def test_complex_arguments_have_a_real_l1_loss():
    x, t = jnp.array([3 + 4j, 0]), jnp.zeros(2)
    out = l1_loss(x, t, "none")
    assert out.dtype == jnp.float32
    assert out.tolist() == [5, 0]


@pytest.mark.parametrize("loss", [l1_loss, mse_loss, smooth_l1_loss])
def test_an_array_without_axes_widens_the_result(loss):
    with jax.enable_x64(True), pytest.warns(UserWarning, match="broadcast"):
        assert loss(jnp.ones(3, jnp.float32), jnp.float64(2)).dtype == jnp.float64


def test_huber_has_the_dtype_of_its_input():
    assert huber_loss(jnp.ones(3, jnp.float16), jnp.ones(3)).dtype == jnp.float16
    assert huber_loss(jnp.ones(3), jnp.ones(3, jnp.float16)).dtype == jnp.float32


def test_a_sum_in_half_precision_is_rounded_once():
    x, t = jnp.full(60_000, 1.0, jnp.float16), jnp.zeros(60_000, jnp.float16)
    assert mse_loss(x, t) == 1
    assert mse_loss(x, t, "sum") == jnp.float16(60_000)


@pytest.mark.parametrize("loss", LOSSES)
def test_a_large_difference_does_not_spoil_what_can_be_represented(loss):
    x = jnp.array([1e25], jnp.float32)
    width = {smooth_l1_loss: {"beta": 1e30}, huber_loss: {"delta": 1.0}}.get(loss, {})
    out = loss(x, jnp.zeros(1), **width)
    if loss is mse_loss:
        assert np.isinf(out)
    else:
        expected = 0.5e20 if loss is smooth_l1_loss else 1e25
        np.testing.assert_allclose(out, expected, rtol=1e-6)


@pytest.mark.parametrize("loss", LOSSES)
def test_forward_mode_agrees_with_reverse_mode(loss):
    x, t, along = _arrays((6,), (6,), (6,))
    _, forward = jax.jvp(lambda x: loss(x, t), (x,), (along,))
    np.testing.assert_allclose(forward, np.dot(jax.grad(loss)(x, t), along), rtol=1e-5)
