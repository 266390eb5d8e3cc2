"""cross_entropy and nll_loss against torch's, and real arithmetic where torch loses digits."""

import jax
import jax.numpy as jnp
import ml_dtypes
import numpy as np
import pytest
import torch

import jaxact
from jaxact.losses.classification import cross_entropy, nll_loss

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


@pytest.mark.parametrize("weighted", [False, True], ids=["plain", "weighted and smoothed"])
@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("kind", ["indices", "probabilities"])
def test_losses_and_gradients_are_those_of_torch(shape, kind, reduction, weighted):
    smoothing = 0.1 if weighted else 0.0
    weight = np.random.default_rng(4).random(_classes(shape)) if weighted else None
    if kind == "probabilities":
        target = _probabilities(shape)
    else:
        target = _indices(shape, ignored=-100)
    options = {"reduction": reduction, "label_smoothing": smoothing}
    _assert_same(_scores(shape), target, weight, **options)


def test_a_smoothing_below_0_acts_as_0():
    _assert_same(_scores((7, 5)), _indices((7, 5)), label_smoothing=-0.5)
    out = jax.jit(lambda s: cross_entropy(F3, I2.astype(np.int32), label_smoothing=s))(-0.5)
    assert out == cross_entropy(F3, I2.astype(np.int32))


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


@pytest.mark.parametrize("reduction", ["none", "mean"])
@pytest.mark.parametrize("dtypes", [("float16", "float32"), ("float32", "float16")])
def test_a_weight_of_probabilities_may_have_another_dtype(dtypes, reduction):
    of_scores, of_weight = dtypes
    scores = _scores((5, 3)).astype(of_scores)
    shares = np.abs(_scores((5, 3))).astype(of_scores)
    weight = np.array([0.5, 1.0, 2.0], of_weight)
    given = [torch.tensor(array) for array in (scores, shares, weight)]
    expected = torch.nn.functional.cross_entropy(*given, reduction=reduction).numpy()
    ours = cross_entropy(scores, shares, weight, reduction=reduction)
    assert ours.dtype == expected.dtype == np.float32
    # torch rounds the logarithms of float16 scores to float16.
    rtol = 4 * float(np.finfo(of_scores).eps)
    np.testing.assert_allclose(ours, expected, rtol=rtol)
    with pytest.raises(RuntimeError, match=f"weight must have the dtype of input, {of_scores}"):
        cross_entropy(scores, np.arange(5) % 3, weight)


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


@pytest.mark.parametrize("name", [0, 1], ids=["first", "second"])
def test_confident_probabilities_keep_their_digits_too(name):
    """p - 1 would be 0 here."""
    scores = jnp.asarray([[20.0, 0.0]], jnp.float32)[:, :: 1 - 2 * name]
    target = jnp.asarray([[1.0, 0.0]], jnp.float32)[:, :: 1 - 2 * name]
    out, slope = jax.value_and_grad(cross_entropy)(scores, target)
    np.testing.assert_allclose(out, np.log1p(np.exp(-20)), rtol=5e-7)
    np.testing.assert_allclose(slope[0, name], -1 / (1 + np.exp(20)), rtol=5e-7)
    np.testing.assert_allclose(slope[0, 1 - name], 1 / (1 + np.exp(20)), rtol=5e-7)


@pytest.mark.parametrize("scale", [0.0, 1.0])
def test_an_unlikely_class_with_the_largest_score_keeps_the_digits_of_its_gradient(scale):
    """Of a thousand classes each has a probability of about 1/1000."""
    generator = np.random.default_rng(0)
    x = (scale * generator.standard_normal((5, 1031))).astype(np.float32)
    q = generator.random((5, 1031)).astype(np.float32)
    wide = torch.tensor(x, dtype=torch.float64, requires_grad=True)
    torch.nn.functional.cross_entropy(wide, torch.tensor(q, dtype=torch.float64)).backward()
    found = jax.grad(cross_entropy)(x, q)
    top = x.argmax(1)[:, None]
    slope, expected = (
        np.take_along_axis(g, top, 1) for g in (np.asarray(found), wide.grad.numpy())
    )
    # A difference of sums over the other classes would be off by up to 3.6e-4.
    np.testing.assert_allclose(slope, expected, rtol=1e-6, atol=1e-9)


def test_the_weights_gradient_with_probabilities_is_torchs():
    scores, target, weight = _scores((6, 4)), _probabilities((6, 4)), np.array([0.5, 1, 2, 0.1])
    w = torch.tensor(weight, requires_grad=True)
    torch.nn.functional.cross_entropy(torch.tensor(scores), torch.tensor(target), w).backward()
    with jax.enable_x64(True):
        arrays = map(jnp.asarray, (scores, target, weight))
        slope = jax.grad(cross_entropy, 2)(*arrays)
    np.testing.assert_allclose(slope, w.grad.numpy(), rtol=1e-12)


def test_the_backward_pass_keeps_one_array_of_the_size_of_the_scores():
    scores, indices = jnp.zeros((64, 512)), jnp.zeros(64, jnp.int32)
    pullback = jax.vjp(lambda x: cross_entropy(x, indices), scores)[1]
    assert sum(leaf.size == scores.size for leaf in jax.tree.leaves(pullback)) == 1


BAD_CLASSES = {"above": 3, "below": -1, "far below": -99}
LOSSES = {"cross_entropy": cross_entropy, "nll_loss": nll_loss}


@pytest.mark.parametrize("index", BAD_CLASSES.values(), ids=BAD_CLASSES)
@pytest.mark.parametrize("loss", LOSSES.values(), ids=LOSSES)
def test_what_is_no_class_gives_nan_and_raises_in_a_checked_call(loss, index):
    scores, target = jnp.zeros((2, 3)), jnp.asarray([0, index])
    reduction = {3: "mean", -1: "none", -99: "sum"}[index]

    def call(scores):
        return loss(scores, target, reduction=reduction)

    assert np.isnan(np.atleast_1d(call(scores))[-1])
    assert np.isnan(np.atleast_1d(jax.jit(call)(scores))[-1])
    slopes = jax.grad(lambda x: call(x).sum())(scores)
    assert np.isnan(slopes[1]).any()
    assert np.isfinite(slopes[0]).all()
    message = rf"^{loss.__name__}: target must be a class in \[0, 2\], got {index}$"
    with jaxact.checking(), pytest.raises(IndexError, match=message):
        call(scores)
    with pytest.raises(IndexError, match=message):
        jaxact.checked(call)(scores)


@pytest.mark.parametrize("loss", LOSSES.values(), ids=LOSSES)
def test_an_ignored_index_out_of_range_is_no_error(loss):
    with jaxact.checking():
        assert np.isfinite(loss(jnp.zeros((2, 3)), jnp.asarray([0, -100])))
        assert np.isfinite(loss(jnp.zeros((2, 3)), jnp.asarray([0, 7]), ignore_index=7))


@pytest.mark.parametrize("loss", LOSSES.values(), ids=LOSSES)
def test_without_classes_every_target_is_out_of_range(loss):
    scores, target = jnp.zeros((2, 0)), jnp.zeros(2, jnp.int32)
    assert np.isnan(loss(scores, target))
    with jaxact.checking(), pytest.raises(IndexError):
        loss(scores, target)


def test_a_traced_smoothing_above_1_raises_in_a_checked_call():
    def call(smoothing):
        return cross_entropy(jnp.asarray(F3), jnp.zeros(2, jnp.int32), label_smoothing=smoothing)

    with pytest.raises(RuntimeError, match=r"label_smoothing must be at most 1, got 1\.5"):
        jaxact.checked(call)(jnp.float32(1.5))
    with jaxact.checking(), pytest.raises(ValueError, match="label_smoothing"):
        call(jnp.float32(1.5))


def test_small_integer_dtypes_can_index_more_classes_than_they_can_count():
    scores = jnp.asarray(_scores((3, 300)), jnp.float32)
    for dtype in (jnp.int8, jnp.uint8):
        np.testing.assert_array_equal(
            cross_entropy(scores, jnp.asarray([0, 5, 127], dtype)),
            cross_entropy(scores, jnp.asarray([0, 5, 127])),
        )


# -------------------------------------------------------------------------------------- nll_loss


def _both_nll(scores, indices, weight=None, **options):
    x = torch.tensor(scores, requires_grad=True)
    w = None if weight is None else torch.tensor(weight)
    theirs = torch.nn.functional.nll_loss(x, torch.tensor(indices), w, **options)
    cotangent = np.random.default_rng(3).standard_normal(tuple(theirs.shape))
    (slope,) = torch.autograd.grad(theirs, [x], torch.tensor(cotangent))
    with jax.enable_x64(True):
        ours, pullback = jax.vjp(
            lambda x: nll_loss(x, jnp.asarray(indices), weight, **options), jnp.asarray(scores)
        )
        assert ours.shape == tuple(theirs.shape)
        np.testing.assert_allclose(ours, theirs.detach().numpy(), rtol=1e-13)
        np.testing.assert_allclose(pullback(jnp.asarray(cotangent))[0], slope.numpy(), rtol=1e-13)


@pytest.mark.parametrize("weighted", [False, True], ids=["plain", "weighted"])
@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize("shape", [*SHAPES, (2, 5, 3), (0, 3), (2, 3, 0)], ids=str)
def test_nll_loss_and_its_gradient_are_those_of_torch(shape, reduction, weighted):
    weight = np.random.default_rng(4).random(_classes(shape)) if weighted else None
    _both_nll(_scores(shape), _indices(shape, ignored=-100), weight, reduction=reduction)


def test_one_row_may_have_its_index_in_a_vector():
    scores, target = _scores((5,)), np.array([3])
    for reduction in REDUCTIONS:
        theirs = torch.nn.functional.nll_loss(
            torch.tensor(scores), torch.tensor(target), reduction=reduction
        )
        ours = nll_loss(jnp.asarray(scores, jnp.float32), target, reduction=reduction)
        assert ours.shape == tuple(theirs.shape) == ()
        np.testing.assert_allclose(ours, theirs.numpy(), rtol=1e-7)
    assert cross_entropy(jnp.zeros(3), jnp.asarray([1]), reduction="none").shape == ()


def test_nll_loss_over_nothing_is_nan_with_gradient_0():
    _both_nll(_scores((3, 4)), np.full(3, -100))
    _both_nll(_scores((3, 4)), np.array([1, 2, 2]), ignore_index=2)


def test_nll_loss_leaves_an_ignored_row_that_is_nan_alone():
    scores, indices = jnp.asarray(_scores((3, 4)), jnp.float32), jnp.asarray([1, -100, 2])
    clean, clean_slope = jax.value_and_grad(nll_loss)(scores, indices)
    out, slope = jax.value_and_grad(nll_loss)(scores.at[1].set(jnp.nan), indices)
    assert out == clean
    np.testing.assert_array_equal(slope, clean_slope)


def test_nll_loss_can_be_differentiated_by_its_weight():
    def loss(weight):
        return nll_loss(scores, jnp.asarray([0, 1, 1, 2]), weight)

    scores = jnp.asarray(_scores((4, 3)), jnp.float32)
    weight = jnp.asarray([0.5, 1.0, 2.0])
    step = 1e-2 * jnp.asarray([1.0, -1.0, 0.5])
    along = jax.jvp(loss, (weight,), (step,))[1]
    np.testing.assert_allclose(along, (loss(weight + step) - loss(weight - step)) / 2, rtol=1e-2)


def test_a_float16_nll_mean_over_more_rows_than_float16_can_count():
    """torch gives nan."""
    scores = jnp.full((70000, 2), -0.5, jnp.float16)
    assert nll_loss(scores, jnp.zeros(70000, jnp.int32)) == 0.5


BAD_NLL = {
    "0-d input": ((np.float32(1).reshape(()), np.zeros((), np.int64)), {}),
    "two targets for one row": ((F3[0], I2), {}),
    "one target for two rows": ((F3, np.zeros((), np.int64)), {}),
    "batch sizes": ((F3, np.zeros(3, np.int64)), {}),
    "target of two axes": ((F3, np.zeros((2, 1), np.int64)), {}),
    "positions": ((np.zeros((2, 3, 4), np.float32), np.zeros((2, 5), np.int64)), {}),
    "too few axes": ((np.zeros((2, 3, 4), np.float32), I2), {}),
    "floating target": ((F3, np.zeros(2, np.float32)), {}),
    "boolean target": ((F3, np.zeros(2, bool)), {}),
    "integer input": ((np.zeros((2, 3), np.int64), I2), {}),
    "weight too long": ((F3, I2, np.zeros(4, np.float32)), {}),
    "weight of two axes": ((F3, I2, np.zeros((1, 3), np.float32)), {}),
    "weight dtype": ((F3, I2, np.zeros(3, np.float16)), {}),
    "reduction": ((F3, I2), {"reduction": "men"}),
    "ignore_index of no int": ((F3, I2), {"ignore_index": 1.5}),
    "ignore_index of no number": ((F3, I2), {"ignore_index": True}),
}


@pytest.mark.parametrize("case", BAD_NLL.values(), ids=BAD_NLL.keys())
def test_a_bad_call_of_nll_loss_raises_what_torch_raises(case):
    arrays, options = case
    with pytest.raises(Exception) as theirs:  # noqa: PT011 - torch decides which
        torch.nn.functional.nll_loss(*map(torch.tensor, arrays), **options)
    with pytest.raises(type(theirs.value), match=r"^nll_loss: "):
        nll_loss(*arrays, **options)


def test_a_nan_in_an_ignored_row_reaches_the_gradient_of_no_argument():
    scores = jnp.array([[0.5, -1.0, 2.0], [jnp.nan] * 3, [1.0, 0.0, -1.0]])
    target = jnp.array([0, -100, 2])

    def loss(scores, weight, smoothing):
        return cross_entropy(scores, target, weight, label_smoothing=smoothing)

    found = jax.grad(loss, (0, 1, 2))(scores, jnp.array([1.0, 2.0, 3.0]), 0.1)
    without = scores.at[1].set(0.0)
    expected = jax.grad(loss, (0, 1, 2))(without, jnp.array([1.0, 2.0, 3.0]), 0.1)
    for ours, theirs in zip(found, expected, strict=True):
        np.testing.assert_array_equal(ours, theirs)


@pytest.mark.parametrize("smoothing", [np.full(3, 0.1), np.full((3, 1), 0.1), 0.1j, "0.1", None])
def test_a_smoothing_that_is_no_real_number_is_refused(smoothing):
    with pytest.raises(TypeError, match="cross_entropy: label_smoothing must be"):
        cross_entropy(jnp.zeros((3, 4)), jnp.zeros(3, int), label_smoothing=smoothing)
