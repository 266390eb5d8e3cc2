"""What rows cannot show of the augmentation of images: layouts, refusals, traced numbers."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxact
from jaxact.regularizers import augmentation
from jaxact.regularizers.augmentation import colors

KEY = jax.random.key(0)
IMAGES = np.random.default_rng(0).uniform(0.1, 0.9, (4, 3, 6, 8)).astype(np.float32)
LAST = np.moveaxis(IMAGES, 1, -1)

TRANSFORMS = {
    "horizontal_flip": {},
    "vertical_flip": {},
    "crop": {"top": np.array([-1, 0, 1, 2]), "left": 3, "height": 4, "width": 6},
    "affine": {"matrix": np.array([[0.9, 0.2, 0.1], [-0.3, 1.1, 0.0]], np.float32)},
    "rotate": {"angle": 25.0, "fill": (0.1, 0.2, 0.3)},
    "erase": {"top": 1, "left": 2, "height": 3, "width": 2, "value": (0.1, 0.2, 0.3)},
    "adjust_brightness": {"brightness_factor": 1.5},
    "adjust_contrast": {"contrast_factor": np.array([0.5, 1.0, 1.5, 0.0], np.float32)},
    "adjust_saturation": {"saturation_factor": 0.5},
    "adjust_hue": {"hue_factor": 0.2},
    "normalize_image": {"mean": (0.4, 0.5, 0.6), "std": (0.2, 0.3, 0.4)},
}
AUGMENTATIONS = {
    "random_crop": {"size": (5, 6), "padding": (1, 2), "padding_mode": "reflect"},
    "random_horizontal_flip": {},
    "random_vertical_flip": {},
    "random_rotation": {"degrees": 30.0},
    "random_affine": {"degrees": 9.0, "translate": (0.2, 0.1), "scale": (0.8, 1.2), "shear": 5.0},
    "color_jitter": {"brightness": 0.4, "contrast": 0.4, "saturation": 0.4, "hue": 0.1},
    "random_erasing": {"p": 0.9, "value": (0.1, 0.2, 0.3)},
}


def _call(name, images, **options):
    if name in TRANSFORMS:
        return getattr(augmentation, name)(images, **{**TRANSFORMS[name], **options})
    return getattr(augmentation, name)(KEY, images, **{**AUGMENTATIONS[name], **options})


def _shape(name, images, **options):
    return jax.eval_shape(lambda x: _call(name, x, **options), images)


EVERY = pytest.mark.parametrize("name", [*TRANSFORMS, *AUGMENTATIONS])
COLORS = ("adjust_brightness", "adjust_contrast", "adjust_saturation", "adjust_hue", "color_jitter")


@EVERY
def test_the_channels_may_come_last(name):
    last = np.asarray(_call(name, LAST, channel_axis=-1))
    np.testing.assert_allclose(np.moveaxis(last, -1, 1), _call(name, IMAGES), atol=2e-6)


def test_normal_numbers_that_erase_are_those_of_the_pixel_in_either_layout():
    first, last = (
        np.asarray(augmentation.random_erasing(KEY, x, 1.0, value=None, channel_axis=axis))
        for x, axis in ((IMAGES, 1), (LAST, -1))
    )
    np.testing.assert_array_equal(np.moveaxis(last, -1, 1), first)


@pytest.mark.parametrize("dtype", ["uint8", "uint32", "int8"])
def test_corners_and_sides_may_be_of_any_integer_dtype(dtype):
    one = jnp.ones((), dtype)
    cropped = augmentation.crop(IMAGES, jnp.ones(4, dtype), 1, 2, 2)
    np.testing.assert_array_equal(cropped, IMAGES[..., 1:3, 1:3])
    np.testing.assert_array_equal(augmentation.crop(IMAGES, one, one, 2, 2), cropped)
    # A sum beyond the dtype's largest number.
    top, height = (100, 100) if dtype == "int8" else (200, 100)
    tall = np.ones((1, 1, 300, 2), np.float32)
    erased = augmentation.erase(tall, one * top, 0, one * height, 2)
    assert int((erased == 0).sum()) == 200


def test_sides_of_rectangles_may_be_as_large_as_integers_get():
    ones, most = np.ones((1, 1, 6, 8), np.float32), 2**31 - 1
    assert int((augmentation.erase(ones, 5, 0, most, 3) == 0).sum()) == 3
    assert int((augmentation.erase(ones, -5, 0, -most, 3) == 0).sum()) == 0
    # Beyond int32 there are no images.
    assert int((augmentation.erase(ones, np.uint32(2**32 - 1), 0, 5, 3) == 0).sum()) == 0


@pytest.mark.parametrize(("value", "level"), [(300, 255), (-3, 0), (1.7, 2)])
def test_what_takes_the_place_of_levels_is_clipped_and_rounded(value, level):
    levels = np.full((1, 1, 4, 4), 9, np.uint8)
    assert augmentation.erase(levels, 0, 0, 4, 4, value)[0, 0, 0, 0] == level
    erased = augmentation.random_erasing(KEY, levels, 1.0, value=value)
    assert set(np.unique(erased)) == {9, level}


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_the_gradient_of_a_color_is_summed_in_float32(dtype):
    images = jnp.zeros((8, 1, 32, 32), dtype)
    cotangent = np.random.default_rng(0).standard_normal(images.shape).astype(images.dtype)
    exact = cotangent.astype(np.float64).sum()
    _, pull = jax.vjp(lambda v: augmentation.erase(images, 0, 0, 32, 32, v), jnp.ones(1, dtype))
    np.testing.assert_array_equal(pull(jnp.asarray(cotangent))[0], exact.astype(images.dtype))


def test_whole_numbers_may_be_those_of_numpy():
    two = np.int64(2)
    expected = augmentation.random_crop(KEY, IMAGES, 2, padding=2)
    np.testing.assert_array_equal(augmentation.random_crop(KEY, IMAGES, two, padding=two), expected)
    sizes = augmentation.random_crop(KEY, IMAGES, np.array([2, 2]), padding=np.array([2, 2]))
    np.testing.assert_array_equal(sizes, expected)


def test_both_ends_may_be_those_of_an_array():
    ends = (-10.0, 30.0)
    np.testing.assert_array_equal(
        augmentation.random_rotation(KEY, IMAGES, jnp.array(ends)),
        augmentation.random_rotation(KEY, IMAGES, ends),
    )


def test_images_of_64_bits_are_changed_by_numbers_of_64_bits():
    with jax.enable_x64(True):
        images = IMAGES.astype(np.float64)
        jittered = augmentation.color_jitter(KEY, images, (0.7, 0.7))
        np.testing.assert_allclose(jittered, 0.7 * images, rtol=1e-15)
        turned = augmentation.random_rotation(KEY, images, (30.1, 30.1))
        np.testing.assert_allclose(turned, augmentation.rotate(images, 30.1), atol=1e-14)
        matrix = augmentation.affine_matrix(6, 8, angle=np.float64(-30.1))
        np.testing.assert_allclose(augmentation.affine(images, matrix), turned, atol=1e-14)
        assert augmentation.affine_matrix(6, 8, angle=30.1).dtype == np.float32


@EVERY
def test_a_single_image_is_a_batch_of_one(name):
    options = {"top": 1} if name == "crop" else {}
    options |= {"contrast_factor": 0.5} if name == "adjust_contrast" else {}
    single = np.asarray(_call(name, IMAGES[0], **options))
    np.testing.assert_allclose(single, _call(name, IMAGES[:1], **options)[0], atol=3e-7)


@EVERY
def test_a_batch_of_no_images_gives_none(name):
    options = {"top": 1} if name == "crop" else {}
    options |= {"contrast_factor": 0.5} if name == "adjust_contrast" else {}
    assert _shape(name, IMAGES[:0], **options).shape[:2] == (0, 3)


@EVERY
@pytest.mark.parametrize("dtype", ["bfloat16", "uint8"])
def test_the_dtype_stays(name, dtype):
    if (name, dtype) == ("normalize_image", "uint8"):
        with pytest.raises(TypeError, match="floating"):
            _call(name, jnp.asarray(IMAGES * 255, dtype))
        return
    options = {"value": 0.0} if name in ("erase", "random_erasing") else {}
    assert _shape(name, jnp.asarray(IMAGES * 255, dtype), **options).dtype == dtype


@pytest.mark.parametrize("name", COLORS)
def test_levels_are_the_floats_rounded_once(name):
    levels = np.random.default_rng(1).integers(0, 256, IMAGES.shape, np.uint8)
    floats = np.asarray(_call(name, (levels / 255).astype(np.float32)), np.float64) * 255
    assert np.abs(np.asarray(_call(name, levels), np.float64) - floats).max() < 0.5001


@pytest.mark.parametrize("name", AUGMENTATIONS)
def test_the_switch_to_64_bits_changes_no_draw(name):
    before = np.asarray(_call(name, IMAGES))
    with jax.enable_x64(True):
        wide = np.asarray(_call(name, IMAGES.astype(np.float64)))
        assert _shape(name, IMAGES).dtype == np.float32
    assert wide.dtype == np.float64
    np.testing.assert_allclose(wide, before, atol=2e-5)


REFUSED = {
    "a crop larger than the image": ("random_crop", {"size": 12, "padding": 0}, "at most"),
    "a crop of nothing": ("random_crop", {"size": 0}, "at least 1"),
    "a crop of three sizes": ("random_crop", {"size": (1, 2, 3)}, "one number or two"),
    "a crop of half pixels": ("random_crop", {"size": 2.5}, "size must be of integers"),
    "padding of half pixels": ("random_crop", {"padding": (1, 0.5)}, "padding must be of integers"),
    "a probability for each": ("random_vertical_flip", {"p": np.ones(4)}, "p must be one number"),
    "an erasing for each": ("random_erasing", {"p": jnp.ones(4)}, "p must be one number"),
    "a strength for each column": ("color_jitter", {"brightness": jnp.ones(8) / 4}, "got 8 of"),
    "a strength with axes": ("color_jitter", {"hue": jnp.zeros((1, 1))}, "hue must be one number"),
    "an end for each image": ("random_rotation", {"degrees": (0.0, np.ones(4))}, "degrees must be"),
    "degrees of nothing": ("random_rotation", {"degrees": None}, "degrees must be an array"),
    "padding of three": ("random_crop", {"padding": (1, 2, 3)}, "two or four"),
    "negative padding": ("random_crop", {"padding": -1}, "at least 0"),
    "padding that cannot be mirrored": ("random_crop", {"padding": 6}, "reflect"),
    "an unknown padding": ("random_crop", {"padding_mode": "wrap"}, "padding_mode"),
    "a probability above 1": ("random_horizontal_flip", {"p": 1.5}, "p must be"),
    "a probability of nan": ("random_vertical_flip", {"p": float("nan")}, "p must be"),
    "negative degrees": ("random_rotation", {"degrees": -1.0}, "at least 0"),
    "crossed degrees": ("random_rotation", {"degrees": (2.0, 1.0)}, "lower end"),
    "three degrees": ("random_rotation", {"degrees": (1.0, 2.0, 3.0)}, "or two"),
    "cubic rotation": ("random_rotation", {"interpolation": "cubic"}, "interpolation"),
    "cubic affine": ("random_affine", {"interpolation": "cubic"}, "interpolation"),
    "a shift beyond the image": ("random_affine", {"translate": (0.1, 1.1)}, "in \\[0, 1\\]"),
    "one shift": ("random_affine", {"translate": (0.1,)}, "two numbers"),
    "a scale of 0": ("random_affine", {"scale": (0.0, 1.0)}, "lower end"),
    "three shears": ("random_affine", {"shear": (1.0, 2.0, 3.0)}, "or two"),
    "negative brightness": ("color_jitter", {"brightness": -0.1}, "at least 0"),
    "a negative factor": ("color_jitter", {"contrast": (-0.1, 1.0)}, "lower end"),
    "more than half a circle": ("color_jitter", {"hue": 0.6}, "in \\[0, 0.5\\]"),
    "hues out of the circle": ("color_jitter", {"hue": (-0.6, 0.1)}, "lower end"),
    "an erasing probability": ("random_erasing", {"p": -0.1}, "p must be"),
    "a share above 1": ("random_erasing", {"scale": (0.1, 1.1)}, "lower end"),
    "a ratio of 0": ("random_erasing", {"ratio": (0.0, 1.0)}, "lower end"),
    "crossed ratios": ("random_erasing", {"ratio": (2.0, 1.0)}, "lower end"),
    "an unknown layout": ("horizontal_flip", {"channel_axis": 2}, "channel_axis"),
    "two angles for four images": ("rotate", {"angle": np.ones(2)}, "each of 4 images"),
    "two fills for three channels": ("rotate", {"fill": (0.0, 1.0)}, "each of 3 channels"),
    "a row between rows": ("erase", {"top": 0.5}, "integer"),
    "other images of another size": ("erase", {"value": np.ones((4, 3, 2, 2))}, "as large as"),
}


@pytest.mark.parametrize(("name", "options", "message"), REFUSED.values(), ids=REFUSED.keys())
def test_a_bad_call_is_refused_with_the_name_of_what_is_wrong(name, options, message):
    with pytest.raises((ValueError, TypeError), match=f"^{name}: .*{message}"):
        _call(name, IMAGES, **options)


@EVERY
@pytest.mark.parametrize("shape", [(6, 8), (2, 4, 3, 6, 8)])
def test_what_is_no_batch_is_refused(name, shape):
    with pytest.raises(ValueError, match=f"^{name}: images must be a batch"):
        _call(name, np.ones(shape, np.float32))


@pytest.mark.parametrize("name", AUGMENTATIONS)
def test_a_key_of_none_is_refused(name):
    with pytest.raises(TypeError, match=f"^{name}: key must be a JAX random key, got None"):
        getattr(augmentation, name)(None, IMAGES, **AUGMENTATIONS[name])


def test_a_sequence_refuses_a_key_of_none():
    with pytest.raises(TypeError, match=r"^compose: key"):
        augmentation.compose(augmentation.random_horizontal_flip)(None, IMAGES)


@pytest.mark.parametrize("name", ["rotate", "affine", *COLORS])
def test_integers_that_are_no_levels_are_refused(name):
    with pytest.raises(NotImplementedError, match="floating dtype or uint8, got int32"):
        _call(name, np.ones((4, 3, 6, 8), np.int32))


def test_normal_numbers_do_not_erase_levels():
    with pytest.raises(TypeError, match="normal numbers"):
        augmentation.random_erasing(KEY, np.ones((4, 3, 6, 8), np.uint8), value=None)


# With the number that is told.
TRACED = [
    ("adjust_brightness", {"brightness_factor": -1.0}, -1.0),
    ("adjust_hue", {"hue_factor": 0.75}, 0.75),
    ("random_horizontal_flip", {"p": 1.5}, 1.5),
    ("random_rotation", {"degrees": -1.0}, -1.0),
    ("random_affine", {"scale": (-1.0, 1.0)}, -1.0),
    ("random_affine", {"translate": (0.25, 1.5)}, 1.5),
    ("random_affine", {"shear": -2.0}, -2.0),
    ("color_jitter", {"brightness": -0.25}, -0.25),
    ("color_jitter", {"hue": 0.75}, 0.75),
    ("random_erasing", {"ratio": (2.0, 1.0)}, 1.0),
]


@pytest.mark.parametrize(("name", "wrong", "told"), TRACED)
def test_a_traced_number_out_of_bounds_gives_nan_and_is_told_when_checked(name, wrong, told):
    def called(options):
        return _call(name, IMAGES, **options)

    options = jax.tree.map(jnp.float32, wrong)
    assert jnp.isnan(jax.jit(called)(options)).all()
    (argument,) = wrong
    with pytest.raises(ValueError, match=f"^{name}: {argument} must be .*, got {told}$"):
        jaxact.checked(called)(options)


def test_a_new_strength_compiles_nothing():
    jitted = colors._color_jitter
    augmentation.color_jitter(KEY, IMAGES, 0.1, hue=0.1)
    before = _programs(jitted)
    augmentation.color_jitter(KEY, IMAGES, 0.2, hue=(0.0, 0.2))
    assert _programs(jitted) == before


def _programs(function):
    """Of the compiled function below the decorators."""
    return function._cache_size()


def test_strengths_are_mapped_over_and_differentiated():
    def brightness(strength):
        return augmentation.color_jitter(KEY, IMAGES, strength).mean()

    strengths = jnp.array([0.1, 0.2])
    mapped = jax.vmap(brightness)(strengths)
    np.testing.assert_allclose(mapped, [brightness(s) for s in strengths], rtol=1e-5)
    slopes = jax.vmap(jax.grad(brightness))(strengths)
    ahead = (brightness(0.101) - brightness(0.099)) / 0.002
    np.testing.assert_allclose(slopes[0], ahead, rtol=1e-2)


@pytest.mark.parametrize("impl", ["rbg", "unsafe_rbg", "legacy"])
def test_any_kind_of_key_will_do(impl):
    key = jax.random.PRNGKey(0) if impl == "legacy" else jax.random.key(0, impl=impl)
    augment = augmentation.compose(
        augmentation.random_horizontal_flip,
        lambda k, x: augmentation.random_crop(k, x, (6, 8), padding=2),
        lambda k, x: augmentation.random_erasing(k, x, 1.0, value=None),
    )
    result = np.asarray(jax.jit(augment)(key, IMAGES))
    assert result.shape == IMAGES.shape
    assert not (result == IMAGES).all((1, 2, 3)).any()


def test_an_empty_sequence_gives_the_images():
    np.testing.assert_array_equal(augmentation.compose()(KEY, IMAGES), IMAGES)


def test_a_quarter_turn_is_that_of_the_array():
    square = IMAGES[:, :, :, :6]
    np.testing.assert_allclose(
        augmentation.rotate(square, 90.0), np.rot90(square, 1, (2, 3)), atol=1e-6
    )
    turned = augmentation.rotate(square, -90.0, interpolation="nearest")
    np.testing.assert_array_equal(turned, np.rot90(square, -1, (2, 3)))


@pytest.mark.parametrize("interpolation", ["bilinear", "nearest"])
def test_what_is_infinite_is_not_seen_from_outside(interpolation):
    images = np.full((1, 1, 4, 4), np.inf, np.float32)
    away = augmentation.affine_matrix(4, 4, translate=(8.0, 8.0))
    seen = augmentation.affine(images, away, interpolation=interpolation, fill=0.5)
    np.testing.assert_array_equal(seen, np.full_like(images, 0.5))


def test_grey_pixels_keep_their_colour_and_have_a_slope():
    grey = np.full((1, 3, 2, 2), 0.5, np.float32)
    np.testing.assert_array_equal(augmentation.adjust_hue(grey, 0.3), grey)
    slope = jax.grad(lambda x: augmentation.adjust_hue(x, 0.3).sum())(jnp.asarray(grey))
    np.testing.assert_allclose(slope.sum(1), 3.0, rtol=1e-6)


def test_a_crop_needs_no_copy_of_the_padded_batch():
    """The memory that 4096 images take besides the input and the result."""

    def crop(key, images):
        return augmentation.random_crop(key, images, 32, padding=4)

    shape = jax.ShapeDtypeStruct((4096, 3, 32, 32), np.float32)
    memory = jax.jit(crop).lower(KEY, shape).compile().memory_analysis()
    assert memory.temp_size_in_bytes < 0.1 * memory.output_size_in_bytes
