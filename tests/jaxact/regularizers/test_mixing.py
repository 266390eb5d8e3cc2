"""Soft and mixed labels: what no row of the suite shows."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxact
from jaxact.functional import cross_entropy
from jaxact.regularizers import cutmix, mixup, smooth_labels

X = np.random.default_rng(0).normal(size=(6, 2, 5, 7)).astype(np.float32)
Y = np.arange(6) % 4
KEY = jax.random.key(0)
MIXINGS = pytest.mark.parametrize("mixing", [mixup, cutmix])


def test_smooth_labels_give_the_loss_of_label_smoothing():
    scores = X[:, 0, :4, 0]
    np.testing.assert_allclose(
        cross_entropy(scores, smooth_labels(Y, 4, 0.3)),
        cross_entropy(scores, Y, label_smoothing=0.3),
        rtol=1e-6,
    )


@pytest.mark.parametrize("dtype", [np.uint8, np.int8, np.int32])
def test_labels_of_any_integer_dtype_are_smoothed(dtype):
    found = smooth_labels(Y.astype(dtype), 300, 0.0)
    np.testing.assert_array_equal(found.argmax(-1), Y)
    np.testing.assert_array_equal(found.sum(-1), 1)


def test_a_label_that_is_no_class_gives_nan_and_raises_when_checked():
    wrong = np.asarray([0, -1, 4, 3, 1, 2])
    calls = (
        lambda: smooth_labels(wrong, 4),
        lambda: mixup(KEY, X, wrong, 0.0, num_classes=4)[1],
        lambda: cutmix(KEY, X, wrong, 0.0, num_classes=4)[1],
    )
    for call in calls:
        np.testing.assert_array_equal(
            jnp.isnan(call()).all(-1), [False, True, True, False, False, False]
        )
        with jaxact.checking(), pytest.raises(IndexError, match=r"labels must be .*, got -1"):
            call()


@MIXINGS
def test_keys_of_every_kind_draw(mixing):
    kinds = ("threefry2x32", "rbg")
    keys = [jax.random.key(3, impl=kind) for kind in kinds] + [jax.random.PRNGKey(3)]
    images = [np.asarray(mixing(key, X, Y, 1.0, num_classes=4)[0]) for key in keys]
    np.testing.assert_array_equal(images[0], images[-1])
    assert all(np.isfinite(image).all() for image in images)


@MIXINGS
def test_mapped_over_keys_every_batch_has_its_own_draw(mixing):
    keys = jax.random.split(KEY, 4)
    mapped = jax.jit(jax.vmap(lambda key: mixing(key, X, Y, 1.0, num_classes=4)))(keys)
    for i, key in enumerate(keys):
        for found, alone in zip(mapped, mixing(key, X, Y, 1.0, num_classes=4), strict=True):
            np.testing.assert_allclose(found[i], alone, atol=1e-6)
    assert len(np.unique(np.asarray(mapped[0]).reshape(4, -1), axis=0)) == 4


@MIXINGS
def test_a_new_alpha_compiles_nothing(caplog, mixing):
    mixing(KEY, X, Y, 0.5, num_classes=4)
    with jax.log_compiles():
        mixing(KEY, X, Y, 0.75, num_classes=4)
    assert not [record for record in caplog.records if "Compiling" in record.message]


@MIXINGS
def test_a_traced_alpha_below_0_gives_nan_and_raises_when_checked(mixing):
    alpha = jnp.asarray(-1.0)
    assert jnp.isnan(mixing(KEY, X, Y, alpha, num_classes=4)[1]).all()
    with jaxact.checking(), pytest.raises(ValueError, match="alpha must be finite and not neg"):
        mixing(KEY, X, Y, alpha, num_classes=4)


@MIXINGS
def test_no_alpha_gives_nan(mixing):
    alphas = jnp.repeat(jnp.asarray([1e-6, 1e-3, 0.05, 1e4]), 64)
    keys = jax.random.split(KEY, len(alphas))
    mapped = jax.jit(jax.vmap(lambda key, alpha: mixing(key, X, Y, alpha, num_classes=4)))
    assert all(jnp.isfinite(array).all() for array in mapped(keys, alphas))


def test_the_share_has_its_derivative_in_alpha():
    """The mean of λ² is (a + 1) / (2 (2a + 1)), its slope -1 / (2 (2a + 1)²)."""
    pair = jnp.eye(16)

    def square(alpha, key):
        images, _ = mixup(key, pair, pair, alpha)
        return jnp.min(jnp.diagonal(images)) ** 2

    keys = jax.random.split(KEY, 2048)
    slopes = jax.jit(jax.vmap(jax.grad(square), (None, 0)))(1.5, keys)
    expected = -1 / (2 * 4**2)
    # Five standard errors.
    assert abs(slopes.mean() - expected) < 5 * slopes.std() / np.sqrt(len(keys))
    assert abs(expected) > 5 * slopes.std() / np.sqrt(len(keys))


@MIXINGS
def test_batches_on_an_explicit_mesh_stay_where_they_are(mixing):
    mesh = jax.make_mesh((1,), ("batch",))
    with jax.set_mesh(mesh):
        images, labels = (jax.device_put(a, jax.P("batch")) for a in (X, np.eye(6)[Y]))
        found = mixing(KEY, images, labels, 1.0)
        assert [jax.typeof(a).sharding.spec[0] for a in found] == ["batch"] * 2
    for array, expected in zip(found, mixing(KEY, X, np.eye(6)[Y], 1.0), strict=True):
        np.testing.assert_array_equal(array, expected)


@MIXINGS
def test_half_precision_images_stay_in_half_precision(mixing):
    images, labels = mixing(KEY, X.astype(np.float16), np.eye(6, dtype=np.float16), 1.0)
    assert images.dtype == labels.dtype == jnp.float16


def test_cutmix_takes_images_of_any_dtype():
    pixels = (X * 50).astype(np.uint8)
    images, labels = cutmix(KEY, pixels, Y, num_classes=4)
    assert (images.dtype, labels.dtype) == (jnp.uint8, jnp.float32)
    assert set(np.unique(images)) <= set(np.unique(pixels))


def test_one_key_gives_one_box_in_64_bit_mode_as_well():
    narrow = cutmix(jax.random.key(4), X, Y, num_classes=4)
    with jax.enable_x64(True):
        wide = cutmix(jax.random.key(4), X, Y, num_classes=4)
    np.testing.assert_array_equal(narrow[0], wide[0])
    np.testing.assert_allclose(narrow[1], wide[1], rtol=1e-6)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: mixup(KEY, X, Y), TypeError, "mixup: num_classes must be given"),
        (lambda: mixup(0, X, Y, num_classes=4), TypeError, "mixup: key must be a JAX random"),
        (
            lambda: cutmix(np.zeros(2), X, Y, num_classes=4),
            TypeError,
            r"cutmix: key must be a JAX random key, got float64 of shape \(2,\)",
        ),
        (lambda: mixup(KEY, X, Y[:5], num_classes=4), ValueError, "mixup: labels must have shape"),
        (lambda: mixup(KEY, X, Y[:, None], num_classes=4), ValueError, "labels must have shape"),
        (lambda: mixup(KEY, X, np.eye(6), num_classes=4), ValueError, "labels must have 4 prob"),
        (lambda: mixup(KEY, X.astype(int), Y, num_classes=4), TypeError, "mixup: images must have"),
        (lambda: mixup(KEY, X, Y, -1.0, num_classes=4), ValueError, "alpha must be finite and not"),
        (lambda: mixup(KEY, X, Y, num_classes=4.0), TypeError, "num_classes must be an int"),
        (lambda: cutmix(KEY, X[0], Y, num_classes=4), ValueError, "images must have 4 dimensions"),
        (
            lambda: cutmix(KEY, X, Y, num_classes=4, channel_axis=0),
            IndexError,
            "cutmix: channel_axis must be",
        ),
        (lambda: cutmix(KEY, X, Y, np.inf, num_classes=4), ValueError, "alpha must be finite"),
    ],
)
def test_wrong_arguments_are_named(call, error, message):
    with pytest.raises(error, match=message):
        call()
