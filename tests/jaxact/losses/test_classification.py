"""cross_entropy against torch's, and against real arithmetic where torch loses digits."""

import jax
import jax.numpy as jnp
import ml_dtypes
import numpy as np
import pytest
import torch

from jaxact.losses.classification import cross_entropy

REDUCTIONS = ["none", "mean", "sum"]
SHAPES = [(5,), (7, 5), (2, 5, 3, 2)]


def _scores(shape, seed=0):
    return np.random.default_rng(seed).standard_normal(shape) * 3


def _classes(shape):
    return shape[min(1, len(shape) - 1)]


def _indices(shape, seed=1, ignored=None):
    generator = np.random.default_rng(seed)
    axis = min(1, len(shape) - 1)
    indices = generator.integers(0, _classes(shape), shape[:axis] + shape[axis + 1 :])
    if ignored is not None and indices.ndim:
        indices[np.asarray(generator.random(indices.shape) < 0.4)] = ignored
    return indices


def _probabilities(shape, seed=2):
    return np.random.default_rng(seed).random(shape)


def _theirs(scores, target, weight=None, **options):
    """torch's loss and its gradients under random signed cotangents, in the dtype given."""
    x = torch.tensor(scores, requires_grad=True)
    t = torch.tensor(target)
    inputs = [x]
    if t.is_floating_point():
        inputs.append(t.requires_grad_())
    w = None if weight is None else torch.tensor(weight)
    out = torch.nn.functional.cross_entropy(x, t, w, **options)
    cotangent = np.random.default_rng(3).standard_normal(tuple(out.shape)).astype(scores.dtype)
    slopes = torch.autograd.grad(out, inputs, torch.tensor(cotangent))
    return out.detach().numpy(), cotangent, [slope.numpy() for slope in slopes]


def _ours(scores, target, cotangent, weight=None, **options):
    with jax.enable_x64(True):
        floating = np.issubdtype(target.dtype, np.floating)
        w = None if weight is None else jnp.asarray(weight)

        def loss(*arrays):
            x, t = arrays if floating else (*arrays, jnp.asarray(target))
            return cross_entropy(x, t, w, **options)

        arrays = (scores, target) if floating else (scores,)
        out, pullback = jax.vjp(loss, *map(jnp.asarray, arrays))
        return np.asarray(out), [np.asarray(slope) for slope in pullback(jnp.asarray(cotangent))]


def _assert_same(scores, target, weight=None, **options):
    expected, cotangent, expected_slopes = _theirs(scores, target, weight, **options)
    out, slopes = _ours(scores, target, cotangent, weight, **options)
    assert out.shape == expected.shape
    np.testing.assert_allclose(out, expected, rtol=1e-12, atol=1e-14)
    for slope, wanted in zip(slopes, expected_slopes, strict=True):
        np.testing.assert_allclose(slope, wanted, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("smoothing", [0.0, 0.1, -0.5])
@pytest.mark.parametrize("weighted", [False, True], ids=["plain", "weighted"])
@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("kind", ["indices", "probabilities"])
def test_losses_and_gradients_are_those_of_torch(shape, kind, reduction, weighted, smoothing):
    weight = np.random.default_rng(4).random(_classes(shape)) if weighted else None
    if kind == "probabilities":
        target = _probabilities(shape)
    else:
        target = _indices(shape, ignored=-100)
    options = {"reduction": reduction, "label_smoothing": smoothing}
    _assert_same(_scores(shape), target, weight, **options)


def test_a_class_can_be_ignored():
    shape = (9, 4)
    _assert_same(_scores(shape), _indices(shape), ignore_index=2)


def test_a_single_class_costs_nothing():
    _assert_same(_scores((6, 1)), _indices((6, 1)), label_smoothing=0.1)


@pytest.mark.parametrize("dtype", [np.uint8, np.int8, np.int16, np.int32, np.int64])
def test_indices_may_have_any_integer_dtype(dtype):
    scores, indices = _scores((7, 5)), _indices((7, 5))
    expected = _theirs(scores, indices)[0]
    out, _ = _ours(scores, indices.astype(dtype), np.ones(()))
    np.testing.assert_allclose(out, expected, rtol=1e-14)


def test_a_mean_over_ignored_rows_only_is_nan_with_gradient_0():
    scores, indices = _scores((3, 4)), np.full(3, -100)
    _assert_same(scores, indices)
    _assert_same(scores, indices, reduction="sum")
    out, (slope,) = _ours(scores, indices, np.ones(()))
    assert np.isnan(out)
    assert not slope.any()


def test_weights_of_zero_give_what_torch_gives():
    for weight in (np.zeros(4), np.array([0.0, 0.0, 1.0, 1.0])):
        for reduction in REDUCTIONS:
            _assert_same(_scores((3, 4)), np.array([0, 1, 0]), weight, reduction=reduction)


def test_an_empty_batch_gives_what_torch_gives():
    for target in (np.zeros(0, np.int64), np.zeros((0, 3))):
        for reduction in REDUCTIONS:
            _assert_same(np.zeros((0, 3)), target, reduction=reduction)


@pytest.mark.parametrize("poison", [np.nan, np.inf, -np.inf])
def test_an_ignored_row_that_is_not_finite_reaches_neither_loss_nor_gradient(poison):
    scores, indices = _scores((3, 4)), np.array([1, -100, 2])
    clean, (clean_slope,) = _ours(scores, indices, np.ones(()))
    scores[1, 2] = poison
    out, (slope,) = _ours(scores, indices, np.ones(()))
    assert out == clean
    np.testing.assert_array_equal(slope, clean_slope)


@pytest.mark.parametrize("place", [0, 1])
@pytest.mark.parametrize("score", [np.inf, -np.inf, np.nan])
def test_scores_that_are_not_finite_give_what_torch_gives(score, place):
    scores = np.array([[1.0, 0.5, 0.0]])
    scores[0, place] = score
    _assert_same(scores, np.array([1]))


def test_minus_infinity_off_the_target_is_infinite_only_with_smoothing():
    scores = np.array([[1.0, -np.inf, 0.0]])
    assert np.isfinite(_ours(scores, np.array([0]), np.ones(()))[0])
    assert np.isinf(_ours(scores, np.array([0]), np.ones(()), label_smoothing=0.1)[0])
    assert np.isinf(_theirs(scores, np.array([0]), label_smoothing=0.1)[0])


@pytest.mark.parametrize("index", [3, -1])
def test_an_index_out_of_range_gives_nan_and_spoils_no_other_row(index):
    scores = jnp.asarray(_scores((2, 3)), jnp.float32)
    target = jnp.asarray([0, index])
    losses = cross_entropy(scores, target, reduction="none")
    assert np.isnan(losses).tolist() == [False, True]
    assert np.isnan(cross_entropy(scores, target))
    slopes = jax.grad(cross_entropy)(scores, target)
    assert np.isnan(slopes).all(axis=1).tolist() == [False, True]


@pytest.mark.parametrize("margin", [5.0, 15.0, 40.0, 80.0])
def test_confident_predictions_keep_their_digits(margin):
    """torch's float32 gives 0 for loss and gradient from a margin of 17."""
    scores = np.array([[margin, 0.0, -1.0]])
    others = np.exp(-margin) + np.exp(-1 - margin)
    out, pullback = jax.vjp(
        lambda x: cross_entropy(x, jnp.array([0])), jnp.asarray(scores, jnp.float32)
    )
    slope = pullback(jnp.float32(1))[0]
    np.testing.assert_allclose(out, np.log1p(others), rtol=5e-7)
    np.testing.assert_allclose(slope[0, 0], -others / (1 + others), rtol=5e-7)


@pytest.mark.parametrize("scale", [1e4, 1e30, 2e38])
def test_large_scores_do_not_overflow(scale):
    scores = jnp.asarray([[scale, 0.0, -scale / 4]], jnp.float32)
    losses = [float(cross_entropy(scores, jnp.array([i]))) for i in range(3)]
    np.testing.assert_allclose(losses, [0, scale, 1.25 * scale], rtol=1e-6)
    slope = jax.grad(cross_entropy)(scores, jnp.array([1]))
    np.testing.assert_array_equal(slope, [[1, -1, 0]])


@pytest.mark.parametrize("dtype", [np.float32, np.float16, ml_dtypes.bfloat16])
@pytest.mark.parametrize("kind", ["indices", "probabilities"])
def test_lower_precisions_are_within_rounding_of_float64(dtype, kind):
    shape = (64, 10)
    scores = _scores(shape).astype(dtype)
    target = _indices(shape) if kind == "indices" else _probabilities(shape).astype(dtype)
    exact, _, (exact_slope, *_) = _theirs(
        scores.astype(np.float64),
        target if kind == "indices" else target.astype(np.float64),
        reduction="none",
        label_smoothing=0.1,
    )
    out = cross_entropy(jnp.asarray(scores), jnp.asarray(target), None, -100, "none", 0.1)
    assert out.dtype == dtype
    unit = max(float(ml_dtypes.finfo(dtype).eps), 2e-6)
    np.testing.assert_allclose(np.asarray(out, np.float64), exact, rtol=0.51 * unit)
    cotangent = np.random.default_rng(3).standard_normal(64)
    slope = jax.vjp(
        lambda x: cross_entropy(x, jnp.asarray(target), None, -100, "none", 0.1).astype(
            jnp.float32
        ),
        jnp.asarray(scores),
    )[1](jnp.asarray(cotangent, jnp.float32))[0]
    assert slope.dtype == dtype
    # The loss was rounded to dtype, so its cotangent is too.
    np.testing.assert_allclose(np.asarray(slope, np.float64), exact_slope, rtol=2 * unit, atol=2e-6)


def test_a_float16_mean_over_more_rows_than_float16_can_count():
    scores = jnp.tile(jnp.asarray([[1.0, 0.0]], jnp.float16), (70000, 1))
    out = cross_entropy(scores, jnp.zeros(70000, jnp.int32))
    np.testing.assert_allclose(float(out), np.log1p(np.exp(-1)), rtol=1e-3)


@pytest.mark.parametrize("rows", [64, 1000, 50000])
def test_a_sum_loses_nothing_but_its_last_rounding(rows):
    scores = _scores((rows, 3)).astype(np.float32)
    target = _indices((rows, 3)).astype(np.int32)
    losses = np.asarray(cross_entropy(scores, target, reduction="none"), np.float64)
    total = cross_entropy(scores, target, reduction="sum")
    np.testing.assert_allclose(total, losses.sum(), rtol=6.1e-8)


def test_probabilities_of_a_wider_dtype_widen_the_result():
    scores, target = jnp.zeros((2, 3), jnp.bfloat16), jnp.full((2, 3), 1 / 3, jnp.float32)
    assert cross_entropy(scores, target).dtype == jnp.float32


def test_smoothing_and_weight_can_be_differentiated():
    with jax.enable_x64(True):
        scores, target = jnp.asarray(_scores((6, 4))), jnp.asarray(_indices((6, 4)))
        weight = jnp.asarray([0.5, 1.0, 2.0, 0.1])

        def loss(weight, smoothing):
            return cross_entropy(scores, target, weight, label_smoothing=smoothing)

        for smoothing in (0.0, 0.2):
            step = 1e-6
            by_weight, by_smoothing = jax.grad(loss, argnums=(0, 1))(weight, smoothing)
            ahead = (loss(weight, smoothing + step) - loss(weight, smoothing)) / step
            np.testing.assert_allclose(by_smoothing, ahead, rtol=1e-4)
            for i in range(4):
                moved = step * jnp.eye(4)[i]
                central = (loss(weight + moved, smoothing) - loss(weight - moved, smoothing)) / step
                np.testing.assert_allclose(by_weight[i], central / 2, rtol=1e-4, atol=1e-9)


def test_the_second_derivative_is_torchs():
    scores, indices = _scores((4, 5)), _indices((4, 5))
    expected = torch.autograd.functional.hessian(
        lambda x: torch.nn.functional.cross_entropy(x, torch.tensor(indices)), torch.tensor(scores)
    )
    with jax.enable_x64(True):
        out = jax.hessian(cross_entropy)(jnp.asarray(scores), jnp.asarray(indices))
    np.testing.assert_allclose(out, expected.numpy(), rtol=1e-10, atol=1e-15)


def test_forward_mode_and_vmap_agree_with_one_call_at_a_time():
    scores = jnp.asarray(_scores((3, 6, 5)), jnp.float32)
    indices = jnp.asarray(_indices((18, 5)).reshape(3, 6))
    direction = jnp.asarray(_scores((3, 6, 5), seed=5), jnp.float32)
    mapped = jax.vmap(cross_entropy)(scores, indices)
    single = [cross_entropy(x, t) for x, t in zip(scores, indices, strict=True)]
    np.testing.assert_allclose(mapped, single, rtol=1e-6)
    along = jax.jvp(lambda x: cross_entropy(x, indices[0]), (scores[0],), (direction[0],))[1]
    slope = jax.grad(cross_entropy)(scores[0], indices[0])
    np.testing.assert_allclose(along, jnp.vdot(slope, direction[0]), rtol=1e-5)


def test_a_new_smoothing_compiles_nothing():
    compiled = []

    @jax.jit
    def loss(scores, target, smoothing):
        compiled.append(smoothing)
        return cross_entropy(scores, target, label_smoothing=smoothing)

    scores, target = jnp.zeros((2, 3)), jnp.zeros(2, jnp.int32)
    assert loss(scores, target, 0.1) == loss(scores, target, 0.2)
    assert len(compiled) == 1


F3, I2 = np.zeros((2, 3), np.float32), np.zeros(2, np.int64)
BAD = {
    "0-d input": ((np.float32(1).reshape(()), np.zeros((), np.int64)), {}, ValueError),
    "batch sizes": ((F3, np.zeros(3, np.int64)), {}, ValueError),
    "target of input's shape": ((F3, np.zeros((2, 3), np.int64)), {}, ValueError),
    "positions": ((np.zeros((2, 3, 4), np.float32), np.zeros((2, 5), np.int64)), {}, ValueError),
    "too few axes": ((np.zeros((2, 3, 4), np.float32), I2), {}, ValueError),
    "boolean target": ((F3, np.zeros(2, bool)), {}, TypeError),
    "probabilities of another shape": ((F3, np.zeros(2, np.float32)), {}, TypeError),
    "integer input": ((np.zeros((2, 3), np.int64), I2), {}, TypeError),
    "weight too long": ((F3, I2, np.zeros(4, np.float32)), {}, ValueError),
    "weight of two axes": ((F3, I2, np.zeros((1, 3), np.float32)), {}, ValueError),
    "weight dtype": ((F3, I2, np.zeros(3, np.float16)), {}, TypeError),
    "reduction": ((F3, I2), {"reduction": "men"}, ValueError),
    "smoothing above 1": ((F3, I2), {"label_smoothing": 1.5}, ValueError),
    "smoothing of no number": ((F3, I2), {"label_smoothing": "a"}, TypeError),
    "ignore_index of no int": ((F3, I2), {"ignore_index": 1.5}, TypeError),
    "ignored class and probabilities": ((F3, F3), {"ignore_index": 1}, ValueError),
}


@pytest.mark.parametrize("case", BAD.values(), ids=BAD.keys())
def test_a_bad_call_raises_what_torch_raises(case):
    arrays, options, kind = case
    with pytest.raises(Exception) as theirs:  # noqa: PT011 - torch decides which
        torch.nn.functional.cross_entropy(*map(torch.tensor, arrays), **options)
    with pytest.raises(type(theirs.value), match=r"^cross_entropy: ") as ours:
        cross_entropy(*arrays, **options)
    assert isinstance(ours.value, kind)


def test_a_traced_smoothing_above_1_gives_nan():
    out = jax.jit(lambda s: cross_entropy(F3, I2.astype(np.int32), label_smoothing=s))(1.5)
    assert np.isnan(out)
