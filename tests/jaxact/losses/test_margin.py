"""Losses with a margin: what no row of the suite shows."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import torch

import jaxact
from jaxact.losses.margin import (
    hinge_embedding_loss,
    margin_ranking_loss,
    multi_margin_loss,
    multilabel_margin_loss,
)

SCORES = np.asarray([[0.1, 0.2, 0.4], [0.5, 0.1, -0.3]], np.float32)
CLASSED = [multi_margin_loss, multilabel_margin_loss]
# For each of CLASSED a target whose second row holds the index.
TARGETS = {
    multi_margin_loss: lambda index: np.asarray([1, index]),
    multilabel_margin_loss: lambda index: np.asarray([[1, -1, -1], [index, -1, -1]]),
}


@pytest.mark.parametrize("loss", CLASSED)
@pytest.mark.parametrize("index", [3, -2, 7])
def test_a_class_out_of_range_gives_nan_in_its_row_alone(loss, index):
    target = TARGETS[loss](index)
    losses = loss(SCORES, target, reduction="none")
    slopes = jax.grad(lambda x: loss(x, target, reduction="none")[1])(SCORES)
    assert np.isfinite(losses[0])
    assert np.isnan(losses[1])
    assert np.isnan(slopes[1]).all()


@pytest.mark.parametrize("loss", CLASSED)
@pytest.mark.parametrize("index", [3, -2])
def test_a_class_out_of_range_raises_what_torch_raises_in_checked_calls(loss, index):
    target = TARGETS[loss](index)
    with pytest.raises(RuntimeError, match="out of range"):
        getattr(torch.nn.functional, loss.__name__)(torch.tensor(SCORES), torch.tensor(target))
    message = rf"{loss.__name__}: target must be in \[.*, got {index}"
    with jaxact.checking(), pytest.raises(RuntimeError, match=message):
        loss(SCORES, target)
    with pytest.raises(RuntimeError, match=message):
        jaxact.checked(loss)(SCORES, target)


@pytest.mark.parametrize("loss", CLASSED)
def test_good_classes_pass_checked_calls(loss):
    target = TARGETS[loss](0)
    with jaxact.checking():
        eager = loss(SCORES, target)
    np.testing.assert_array_equal(eager, loss(SCORES, target))


def test_what_follows_the_end_of_the_labels_has_to_be_a_class_as_well():
    assert np.isnan(multilabel_margin_loss(SCORES[0], np.asarray([1, -1, 7])))
    with jaxact.checking(), pytest.raises(RuntimeError, match="got 7"):
        multilabel_margin_loss(SCORES[0], np.asarray([1, -1, 7]))


def test_an_index_beyond_int32_is_not_wrapped():
    with jax.enable_x64(True):
        assert np.isnan(multilabel_margin_loss(SCORES[0], np.asarray([2**32, -1, -1])))
        assert np.isnan(multi_margin_loss(SCORES[0], np.asarray(2**32)))


# torch returns memory that nobody wrote here.
@pytest.mark.parametrize("loss", CLASSED)
def test_over_no_rows_the_mean_is_nan_the_sum_0_and_the_gradient_empty(loss):
    scores = np.zeros((0, 3), np.float32)
    target = np.zeros((0,) if loss is multi_margin_loss else (0, 3), np.int32)
    assert np.isnan(loss(scores, target))
    assert loss(scores, target, reduction="sum") == 0
    assert loss(scores, target, reduction="none").shape == (0,)
    assert jax.grad(loss)(scores, target).shape == (0, 3)


@pytest.mark.parametrize("rows", [1, 7])
@pytest.mark.parametrize("classes", [1, 3, 4, 5, 13])
def test_any_number_of_labels_agrees_with_the_sum_over_all_pairs(rows, classes):
    generator = np.random.default_rng(classes)
    scores = generator.standard_normal((rows, classes)).astype(np.float32)
    target = generator.integers(-1, classes, (rows, classes))
    target[0] = generator.integers(0, classes, classes)
    expected = np.zeros(rows)
    for row in range(rows):
        labels = list(target[row])
        labels = labels[: labels.index(-1)] if -1 in labels else labels
        others = set(range(classes)) - set(labels)
        for a in labels:
            for j in others:
                expected[row] += max(0.0, 1 - float(scores[row, a]) + float(scores[row, j]))
    result = multilabel_margin_loss(scores, target, reduction="none")
    np.testing.assert_allclose(result, expected / classes, rtol=1e-6, atol=1e-7)


def test_the_multilabel_margin_has_second_derivatives_which_are_0():
    target = TARGETS[multilabel_margin_loss](0)
    curvature = jax.hessian(lambda x: multilabel_margin_loss(x, target))(SCORES)
    np.testing.assert_array_equal(curvature, np.zeros((2, 3, 2, 3)))


def test_the_multilabel_margin_maps_over_rows():
    target = TARGETS[multilabel_margin_loss](0)
    mapped = jax.vmap(multilabel_margin_loss)(SCORES, target)
    np.testing.assert_allclose(mapped, multilabel_margin_loss(SCORES, target, reduction="none"))


def test_the_squared_multi_margin_has_second_derivatives():
    curvature = jax.hessian(lambda x: multi_margin_loss(x, np.asarray(0), p=2))(SCORES[0])
    # (2/3)((1 - x0 + x1)² + (1 - x0 + x2)²)/2, differentiated twice.
    expected = 2 / 3 * np.asarray([[2, -1, -1], [-1, 1, 0], [-1, 0, 1]])
    np.testing.assert_allclose(curvature, expected, rtol=1e-6)


def test_the_weight_of_a_class_has_the_gradient_that_torch_has_not():
    weight = np.asarray([0.5, 2.0, 3.0], np.float32)
    target = np.asarray([1, 1])

    def loss(weight):
        return multi_margin_loss(SCORES, target, weight=weight, reduction="sum")

    unweighed = multi_margin_loss(SCORES, target, reduction="sum")
    np.testing.assert_allclose(jax.grad(loss)(weight), [0, unweighed, 0], rtol=1e-6)


@pytest.mark.parametrize("loss", CLASSED)
@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_half_precision_is_rounded_once(loss, dtype):
    scores, target = jnp.asarray(SCORES, dtype), TARGETS[loss](0)
    result = loss(scores, target)
    assert result.dtype == scores.dtype
    assert result == loss(scores.astype("float32"), target).astype(dtype)


def test_large_scores_do_not_swallow_the_margin():
    scores = np.asarray([1e8, 1e8], np.float32)
    assert multi_margin_loss(scores, np.asarray(0)) == 0.5
    assert multilabel_margin_loss(scores, np.asarray([0, -1])) == 0.5


LOSSES = {
    "hinge_embedding": lambda margin: hinge_embedding_loss(SCORES, -np.ones_like(SCORES), margin),
    "margin_ranking": lambda margin: margin_ranking_loss(
        SCORES, SCORES[::-1], np.ones_like(SCORES), margin
    ),
    "multi_margin": lambda margin: multi_margin_loss(SCORES, np.asarray([1, 0]), margin=margin),
}


@pytest.mark.parametrize("loss", LOSSES.values(), ids=LOSSES)
def test_a_new_margin_compiles_nothing_and_is_differentiated_and_mapped(loss):
    traces = []

    @jax.jit
    def traced(margin):
        traces.append(margin)
        return loss(margin)

    margins = jnp.asarray([0.31, 0.83, 2.1])
    single = [float(traced(margin)) for margin in margins]
    assert len(traces) == 1
    np.testing.assert_allclose(jax.vmap(loss)(margins), single, rtol=1e-6)
    difference = (loss(0.83 + 1e-2) - loss(0.83 - 1e-2)) / 2e-2
    np.testing.assert_allclose(jax.grad(loss)(0.83), difference, rtol=1e-3)


def test_integers_are_kept_by_hinge_embedding_and_float32_in_margin_ranking():
    x = np.asarray([1, 2, -3], np.int32)
    y = np.asarray([1, -1, -1], np.int32)
    kept = hinge_embedding_loss(x, y, 1.7, reduction="none")
    expected = torch.nn.functional.hinge_embedding_loss(
        torch.tensor(x), torch.tensor(y), 1.7, reduction="none"
    )
    assert kept.dtype == np.int32
    np.testing.assert_array_equal(kept, expected)
    assert margin_ranking_loss(x, x[::-1], y).dtype == np.float32


@pytest.mark.parametrize("margin", [None, "1", [1.0]])
@pytest.mark.parametrize("loss", LOSSES.values(), ids=LOSSES)
def test_a_margin_that_is_no_number_is_refused(loss, margin):
    with pytest.raises(TypeError, match="margin must be a number"):
        loss(margin)


def test_targets_of_few_bits_name_classes_beyond_them():
    x = jnp.asarray(np.random.default_rng(0).normal(size=(3, 300)), jnp.float32)
    classes = np.array([100, 7, 120])
    several = np.full((3, 300), -1)
    several[:, 0] = classes
    for dtype in (np.uint8, np.int8):
        np.testing.assert_array_equal(
            multi_margin_loss(x, classes.astype(dtype)), multi_margin_loss(x, classes)
        )
    np.testing.assert_array_equal(
        multilabel_margin_loss(x, several.astype(np.int8)), multilabel_margin_loss(x, several)
    )
