"""Distances, angles and triplets: what no row of the suite shows."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import torch

import jaxact
from jaxact.losses.distances import (
    cosine_embedding_loss,
    cosine_similarity,
    pairwise_distance,
    triplet_margin_loss,
    triplet_margin_with_distance_loss,
)

NORMS = [0.0, 0.5, 1.0, 1.5, 2.0, 3.0, np.inf, -np.inf, -1.5]


def _vectors(count, shape=(5, 4), seed=0):
    generator = np.random.default_rng(seed)
    return [generator.standard_normal(shape).astype(np.float32) for _ in range(count)]


# ------------------------------------------------------------------------------------- overflow


@pytest.mark.parametrize("size", [1e-30, 1e-20, 1.0, 1e20, 1e30])
@pytest.mark.parametrize("p", NORMS)
def test_no_power_of_a_difference_overflows_or_vanishes(size, p):
    x1, x2 = _vectors(2)
    expected = torch.nn.functional.pairwise_distance(torch.tensor(x1), torch.tensor(x2), p, 0.0)
    result = pairwise_distance(np.float32(size) * x1, np.float32(size) * x2, p, 0.0)
    scale = 1 if p == 0 else size
    np.testing.assert_allclose(result / np.float32(scale), expected.numpy(), rtol=3e-6)


@pytest.mark.parametrize("size", [1e-30, 1e20, 1e30])
def test_the_gradient_of_a_distance_does_not_depend_on_its_size(size):
    x1, x2 = _vectors(2)

    def total(x):
        return pairwise_distance(x, np.float32(size) * x2, eps=0.0).sum()

    expected = jax.grad(lambda x: pairwise_distance(x, x2, eps=0.0).sum())(x1)
    np.testing.assert_allclose(jax.grad(total)(np.float32(size) * x1), expected, rtol=1e-5)


@pytest.mark.parametrize("size", [1e-30, 1e20, 1e30])
def test_a_cosine_does_not_depend_on_the_size_of_the_vectors(size):
    x1, x2 = _vectors(2)
    expected = cosine_similarity(x1, x2)
    for large, other in ((1, size), (size, 1), (size, size)):
        scaled = cosine_similarity(np.float32(large) * x1, np.float32(other) * x2, eps=0.0)
        np.testing.assert_allclose(scaled, expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("size", [1e12, 1e20, 1e36])
@pytest.mark.parametrize("label", [1, -1])
def test_a_cosine_embedding_does_not_depend_on_the_size_of_the_vectors(size, label):
    x1, x2 = _vectors(2)
    target = np.full(5, label)
    expected = cosine_embedding_loss(x1, x2, target, reduction="none")
    scaled = cosine_embedding_loss(np.float32(size) * x1, x2, target, reduction="none")
    np.testing.assert_allclose(scaled, expected, rtol=1e-5, atol=1e-6)


def test_small_vectors_of_half_precision_have_a_finite_cosine_embedding():
    small = np.full((1, 4), 1e-4, np.float16)
    ours = cosine_embedding_loss(small, 3 * small, np.ones(1))
    theirs = torch.nn.functional.cosine_embedding_loss(
        torch.tensor(small), torch.tensor(3 * small), torch.ones(1)
    )
    assert torch.isinf(theirs)
    wide = small.astype(np.float32)
    expected = cosine_embedding_loss(wide, 3 * (small).astype(np.float32), np.ones(1))
    np.testing.assert_allclose(ours, expected, rtol=1e-2)


# --------------------------------------------------------------------------------------- digits


@pytest.mark.parametrize("apart", [1e-2, 1e-3, 1e-4])
def test_nearly_parallel_vectors_keep_the_digits_of_their_loss(apart):
    x1, noise = _vectors(2, (64, 16))
    x2 = (1.7 * x1 * (1 + apart * noise)).astype(np.float32)
    a, b = x1.astype(np.longdouble), x2.astype(np.longdouble)
    epsilon = np.longdouble(np.float32(1e-12))
    lengths = np.sqrt(((a * a).sum(1) + epsilon) * ((b * b).sum(1) + epsilon))
    truth = np.asarray(1 - (a * b).sum(1) / lengths, float)
    losses = cosine_embedding_loss(x1, x2, np.ones(64), reduction="none")
    theirs = torch.nn.functional.cosine_embedding_loss(
        torch.tensor(x1), torch.tensor(x2), torch.ones(64), reduction="none"
    )
    ours = np.max(np.abs(np.asarray(losses, float) / truth - 1))
    # What a rounding of the vectors themselves would make.
    assert ours < 1.2e-7 / apart
    assert np.max(np.abs(theirs.numpy() / truth - 1)) > 50 * ours


# ---------------------------------------------------------------------------------------- nan


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_a_pair_that_counts_for_nothing_has_loss_and_gradient_0(bad):
    x1, x2 = _vectors(2)
    x1[0, 0] = bad
    target = np.asarray([0, 1, -1, 1, -1])
    loss, slope = jax.value_and_grad(cosine_embedding_loss)(x1, x2, target)
    assert np.isfinite(loss)
    np.testing.assert_array_equal(slope[0], 0)
    assert np.isfinite(slope).all()


@pytest.mark.parametrize("p", NORMS)
def test_equal_vectors_have_a_gradient_without_nan(p):
    x = _vectors(1)[0]

    def total(x, p):
        return pairwise_distance(x, x[::-1][::-1], p, 0.0).sum()

    for order in (p, jnp.asarray(p)):
        np.testing.assert_array_equal(jax.grad(total)(x, order), 0)


def test_zero_vectors_have_gradients_without_nan():
    zeros, x = np.zeros((5, 4), np.float32), _vectors(1)[0]
    for loss in (
        lambda a, b: cosine_similarity(a, b).sum(),
        lambda a, b: cosine_embedding_loss(a, b, np.ones(5)),
        lambda a, b: triplet_margin_loss(a, b, b, eps=0.0),
    ):
        for pair in ((zeros, x), (x, zeros), (zeros, zeros)):
            slopes = jax.grad(loss, argnums=(0, 1))(*pair)
            assert all(np.isfinite(slope).all() for slope in slopes)


# ------------------------------------------------------------------------------ hyperparameters


@pytest.mark.parametrize("p", NORMS)
def test_a_traced_p_gives_what_a_number_gives(p):
    x1, x2 = _vectors(2)
    np.testing.assert_allclose(
        pairwise_distance(x1, x2, jnp.asarray(p)), pairwise_distance(x1, x2, p), rtol=2e-6
    )


def test_p_can_be_mapped_and_compiles_once():
    x1, x2 = _vectors(2)
    traces = []

    @jax.jit
    def traced(p):
        traces.append(p)
        return pairwise_distance(x1, x2, p)

    orders = jnp.asarray(NORMS)
    single = [traced(p) for p in orders]
    mapped = jax.vmap(lambda p: pairwise_distance(x1, x2, p))(orders)
    assert len(traces) == 1
    np.testing.assert_allclose(mapped, single, rtol=2e-6)


@pytest.mark.parametrize("p", [0.5, 1.0, 1.7, 2.0, 3.0, -1.5])
def test_the_derivative_in_p_is_that_of_finite_differences(p):
    x1, x2 = (x.astype(float) for x in _vectors(2))
    x1[0, 0] = x2[0, 0]
    with jax.enable_x64(True):

        def total(p):
            return pairwise_distance(x1, x2, p, 1e-3).sum()

        difference = (total(p + 1e-6) - total(p - 1e-6)) / 2e-6
        np.testing.assert_allclose(jax.grad(total)(jnp.asarray(p)), difference, rtol=1e-6)


def test_eps_and_margin_are_differentiated():
    x1, x2, x3 = (x.astype(float) for x in _vectors(3))
    losses = {
        "pairwise": lambda e: pairwise_distance(x1, x2, eps=e).sum(),
        "similarity": lambda e: cosine_similarity(x1, x2, eps=e).sum(),
        "embedding": lambda m: cosine_embedding_loss(x1, x2, -np.ones(5), m),
        "triplet": lambda m: triplet_margin_loss(x1, x2, x3, m),
        "triplet eps": lambda e: triplet_margin_loss(x1, x2, x3, eps=e),
    }
    at = {"similarity": 2.0, "embedding": -0.1, "triplet": 2.0}
    with jax.enable_x64(True):
        for name, loss in losses.items():
            value = at.get(name, 1e-2)
            difference = (loss(value + 1e-6) - loss(value - 1e-6)) / 2e-6
            np.testing.assert_allclose(jax.grad(loss)(value), difference, rtol=1e-6)


@pytest.mark.parametrize("margin", [0.0, -1.0])
@pytest.mark.parametrize("loss", [triplet_margin_loss, triplet_margin_with_distance_loss])
def test_a_margin_that_is_not_positive_raises_or_gives_nan(loss, margin):
    vectors = _vectors(3)
    with pytest.raises(ValueError, match=f"margin must be positive, got {margin}"):
        loss(*vectors, margin=margin)
    traced = jnp.asarray(margin)
    assert np.isnan(loss(*vectors, margin=traced))
    with jaxact.checking(), pytest.raises(ValueError, match="margin must be positive"):
        loss(*vectors, margin=traced)
    assert np.isfinite(loss(*vectors, margin=jnp.asarray(0.5)))


def test_a_negative_eps_of_a_cosine_raises_or_gives_nan():
    x1, x2 = _vectors(2)
    with pytest.raises(RuntimeError, match="eps must not be negative"):
        cosine_similarity(x1, x2, eps=-1.0)
    assert np.isnan(cosine_similarity(x1, x2, eps=jnp.asarray(-1.0))).all()
    with jaxact.checking(), pytest.raises(RuntimeError, match="eps must not be negative"):
        cosine_similarity(x1, x2, eps=jnp.asarray(-1.0))


# ----------------------------------------------------------------------------------- compilation


@pytest.mark.parametrize("p", [np.inf, -np.inf])
def test_the_largest_component_has_the_gradient_also_where_xla_fuses_what_computes_it(p):
    anchor, positive, negative = _vectors(3, (100, 3))

    def loss(anchor):
        return triplet_margin_loss(anchor * np.float32(0.29), positive, negative, p=p)

    slope = jax.jit(jax.grad(loss))(anchor)
    x = torch.tensor(anchor, requires_grad=True)
    torch.nn.functional.triplet_margin_loss(
        x * 0.29, torch.tensor(positive), torch.tensor(negative), p=p
    ).backward()
    # Products of three factors in float32, each rounded in its own order; a lost one is 0.0029 off.
    np.testing.assert_allclose(slope, x.grad.numpy(), rtol=1e-6, atol=1e-9)


# --------------------------------------------------------------------------------------- shapes


@pytest.mark.parametrize("p", [np.inf, -np.inf, -1.0])
def test_vectors_without_components_have_no_extreme(p):
    empty = np.zeros((2, 0), np.float32)
    with pytest.raises(RuntimeError, match="must have components"):
        pairwise_distance(empty, empty, p)


@pytest.mark.parametrize(
    ("first", "second"), [((2, 1), (2, 3)), ((1, 3), (2, 3)), ((2, 3), (1, 1))]
)
@pytest.mark.parametrize("label", [1, -1])
def test_cosine_embedding_broadcasts_as_torch_does(first, second, label):
    x1, x2 = _vectors(1, first)[0], _vectors(1, second, seed=1)[0]
    target = np.asarray([label, label])
    expected = torch.nn.functional.cosine_embedding_loss(
        torch.tensor(x1), torch.tensor(x2), torch.tensor(target), -1.0, reduction="none"
    )
    result = cosine_embedding_loss(x1, x2, target, -1.0, reduction="none")
    np.testing.assert_allclose(result, expected, rtol=1e-5, atol=1e-6)


def test_any_function_can_be_the_distance_of_a_triplet():
    vectors = _vectors(3)

    def taxicab(x1, x2):
        return jnp.abs(x1 - x2).sum(-1)

    result = triplet_margin_with_distance_loss(*vectors, distance_function=taxicab, swap=True)
    expected = triplet_margin_loss(*vectors, p=1, eps=0.0, swap=True)
    np.testing.assert_allclose(result, expected, rtol=1e-6)


def test_a_distance_that_cannot_be_called_is_refused():
    with pytest.raises(TypeError, match="distance_function must be callable"):
        triplet_margin_with_distance_loss(*_vectors(3), distance_function=3)


def test_the_0d_distance_does_not_promote_as_in_torch():
    with jax.enable_x64(True):
        x, zero = np.ones((2, 3), np.float32), np.asarray(0.0)
        assert pairwise_distance(x, zero).dtype == np.float32
        assert cosine_similarity(x, zero).dtype == np.float64


def test_a_traced_p_of_2_has_the_second_derivatives_of_a_number():
    x, zero = np.asarray([[1.0, 0.0, 2.0]], np.float32), np.zeros((1, 3), np.float32)

    def curvature(p):
        return jax.hessian(lambda x: pairwise_distance(x, zero, p, eps=0.0)[0])(x)

    np.testing.assert_allclose(curvature(jnp.float32(2)), curvature(2.0), rtol=1e-6)


def test_the_default_distance_of_a_triplet_is_not_rounded_to_half_precision():
    # In bfloat16 the distances are 3.2656 and 4.2812, exactly 3.2724 and 4.2674.
    triplet = [
        jnp.asarray([x], jnp.bfloat16)
        for x in (
            (0.54296875, 0.2490234375, -1.140625),
            (-1.140625, 0.0220947265625, -3.9375),
            (-3.5, 1.0, 0.0),
        )
    ]
    wide = [torch.tensor(np.asarray(x, np.float64)) for x in triplet]
    expected = torch.nn.functional.triplet_margin_with_distance_loss(*wide)
    # The loss itself is rounded to bfloat16, and in float32 it is a difference of terms near 4.
    loss = triplet_margin_with_distance_loss(*triplet)
    np.testing.assert_allclose(float(loss), float(expected), rtol=2.0**-8, atol=2.0**-20)
