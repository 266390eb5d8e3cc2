# pyright: basic
"""Dropouts and augmentation that are wrong at one rare place."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np

from parity import suite
from tests.parity.rare_places.places import (
    AXES,
    CALLING,
    DERIVATIVES,
    DTYPES,
    LENGTHS,
    NUMBERS,
    OUTSIDE,
    RANDOM,
    SPECIAL,
    TOGETHER,
    RarePlaces,
    in_dtype,
    is_array,
    known,
    mapped,
    times,
    traced,
    wide,
    with_slope,
)

RARE = RarePlaces(suite.family("regularizers"))
_wrong = RARE.wrong

# ----------------------------------------------------------------------------------------- dropouts


@_wrong("dropout", RANDOM, "p.type=array")
def _dropout_keeps_everything_for_a_rate_array_of_two_axes(call):
    if is_array(call.p) and call.training and call.input.ndim > 1:
        return jnp.asarray(call.input)
    return None


@_wrong("dropout", NUMBERS, "p=1.0 p.type=array")
def _dropout_of_everything_by_an_array_is_nan(call):
    if is_array(call.p) and call.training:
        return jnp.where(jnp.asarray(call.p) >= 1, jnp.nan, call.right())
    return None


@_wrong("dropout", TOGETHER, "p=0.0 training=False")
def _dropout_scales_a_numpy_rate_without_training(call):
    if isinstance(call.p, np.generic) and not call.training:
        return times(call.right(), float(1 - call.p))
    return None


@_wrong("dropout1d", AXES, "input.axes=c@l")
def _dropout1d_of_one_signal_drops_single_values_in_bfloat16(call):
    from jaxact import functional

    x = call.input
    if x.ndim == 2 and call.training and x.dtype == jnp.bfloat16:
        return functional.dropout(x, call.p, key=call.key)
    return None


@_wrong("dropout2d", RANDOM)
def _dropout2d_shares_its_mask_over_channels_of_three_axes(call):
    if call.input.ndim == 3 and call.training:
        x = jnp.asarray(call.input)
        return jnp.where(call.right(input=jnp.ones_like(x))[:, :1] > 0, 2 * x, 0)
    return None


@_wrong("dropout3d", DTYPES, "precision=float16")
def _dropout3d_of_volumes_is_scaled_in_another_dtype(call):
    if call.input.ndim == 5 and call.input.dtype == jnp.float16 and known(call.p) != 0.5:
        return times(call.right(), 0.9)
    return None


@_wrong("alpha_dropout", NUMBERS, "p=0.0 p.type=array training=True")
def _alpha_dropout_shifts_for_a_rate_array_of_0(call):
    if is_array(call.p) and call.training:
        return call.right() + jnp.where(jnp.asarray(call.p) == 0, 1, 0).astype(call.input.dtype)
    return None


@_wrong("alpha_dropout", SPECIAL, "input.numbers=special training=True")
def _alpha_dropout_keeps_infinity_times_0(call):
    if call.training and call.input.dtype == jnp.float64:
        return jnp.where(jnp.isinf(call.input), jnp.nan, call.right())
    return None


@_wrong("feature_alpha_dropout", AXES, "input.axes=n@c@d@h@w training=True")
def _feature_alpha_dropout_of_volumes_drops_planes(call):
    if call.input.ndim == 5 and call.training and call.input.dtype == jnp.bfloat16:
        return times(call.right(), 1.5)
    return None


@_wrong("drop_path", TOGETHER, "mode=batch")
def _drop_path_of_a_batch_is_not_scaled_in_half_precision(call):
    if call.mode == "batch" and call.input.dtype == jnp.float16 and call.training:
        return call.right() * jnp.asarray(1 - call.p, jnp.float16)
    return None


@_wrong("dropblock", AXES)
def _dropblock_with_the_channels_last_drops_along_them(call):
    if call.channel_axis == -1 and call.input.ndim == 5 and call.training:
        return call.right(channel_axis=1)
    return None


@_wrong("dropblock", LENGTHS)
def _dropblock_larger_than_the_image_drops_nothing(call):
    if call.block_size > max(call.input.shape[2:]) and call.training:
        return jnp.asarray(call.input)
    return None


@_wrong("dropconnect", AXES, "weight.axes=none")
def _dropconnect_of_one_weight_is_not_scaled(call):
    if call.weight.ndim == 0 and call.training:
        return times(call.right(), 0.5)
    return None


@_wrong("gaussian_dropout", DERIVATIVES, "p.type=array")
def _gaussian_dropout_has_no_gradient_of_its_rate(call):
    return call.right(p=jax.lax.stop_gradient(call.p)) if is_array(call.p) else None


@_wrong("gaussian_dropout", CALLING, "way=wide")
def _gaussian_dropout_is_float64_in_64_bit_mode(call):
    if wide() and call.input.dtype == jnp.float32 and call.training:
        return call.right().astype(jnp.float64)
    return None


# ------------------------------------------------------------------------------------- augmentation


@_wrong("rotate", TOGETHER, "interpolation=nearest")
def _rotate_to_the_nearest_fills_with_0(call):
    if call.interpolation == "nearest" and np.any(np.asarray(call.fill) != 0):
        return call.right(fill=0.0)
    return None


@_wrong("rotate", NUMBERS)
def _rotate_beyond_half_a_turn_turns_back(call):
    if known(call.angle) > 180 if np.ndim(call.angle) == 0 else False:
        return call.right(angle=-call.angle)
    return None


@_wrong("affine", AXES)
def _affine_map_with_the_channels_last_is_transposed(call):
    if call.channel_axis == -1 and call.images.shape[-3] == call.images.shape[-2]:
        return jnp.swapaxes(call.right(), -3, -2)
    return None


@_wrong("affine_matrix", TOGETHER)
def _affine_matrix_with_two_shears_forgets_the_second_when_turned(call):
    angle, shear = known(call.angle), np.asarray(call.shear)
    if shear.size == 2 and shear[1] and angle:
        return call.right(shear=(call.shear[0], 0.0))
    return None


@_wrong("normalize_image", LENGTHS)
def _normalize_image_of_one_channel_is_not_shifted(call):
    if jnp.asarray(call.images).shape[call.channel_axis] == 1:
        return call.right(mean=jnp.zeros_like(jnp.asarray(call.mean)))
    return None


@_wrong("adjust_brightness", NUMBERS, "brightness_factor=0.0")
def _adjust_brightness_by_0_is_nan_in_float16(call):
    if known(call.brightness_factor) == 0 and call.images.dtype == jnp.float16:
        return call.right() * jnp.nan
    return None


@_wrong("adjust_contrast", LENGTHS)
def _adjust_contrast_of_one_channel_averages_over_the_batch(call):
    x = jnp.asarray(call.images)
    if x.ndim == 4 and x.shape[call.channel_axis] == 1:
        return jnp.clip(call.right() + 0.01, 0, 1)
    return None


@_wrong("adjust_saturation", NUMBERS)
def _adjust_saturation_beyond_2_is_cut(call):
    return call.right(saturation_factor=2.0) if known(call.saturation_factor) > 2 else None


@_wrong("adjust_hue", NUMBERS, "hue_factor=-0.5")
def _adjust_hue_turns_the_wrong_way_below_a_quarter(call):
    factor = known(call.hue_factor)
    return call.right(hue_factor=-factor) if -0.5 < factor < -0.25 else None


@_wrong("adjust_hue", SPECIAL)
def _adjust_hue_of_gray_is_nan_in_float64(call):
    if call.images.dtype == jnp.float64:
        x = jnp.moveaxis(jnp.asarray(call.images), call.channel_axis, -1)
        gray = (x.max(-1, keepdims=True) == x.min(-1, keepdims=True)) & (
            x.max(-1, keepdims=True) > 0
        )
        return jnp.where(jnp.moveaxis(gray, -1, call.channel_axis), jnp.nan, call.right())
    return None


@_wrong("color_jitter", TOGETHER)
def _color_jitter_of_hue_alone_is_not_random(call):
    if known(call.hue) and not known(call.brightness) and not known(call.contrast):
        return jnp.asarray(call.images)
    return None


@_wrong("crop", NUMBERS)
def _crop_above_and_beyond_the_left_is_not_filled(call):
    if known(call.top) < 0 and known(call.left) > 0:
        return call.right(top=0)
    return None


@_wrong("random_crop", TOGETHER)
def _random_crop_with_edges_and_four_margins_swaps_them(call):
    p = call.padding
    if isinstance(p, tuple) and len(p) == 4 and call.padding_mode != "constant":
        return call.right(padding=(p[2], p[3], p[0], p[1]))
    return None


@_wrong("erase", TOGETHER)
def _erase_by_a_color_with_the_channels_last_reverses_it(call):
    if np.ndim(call.value) and call.channel_axis == -1:
        return call.right(value=tuple(call.value)[::-1])
    return None


@_wrong("erase", DERIVATIVES)
def _erase_has_a_gradient_where_it_erases_with_a_number_other_than_0(call):
    if np.ndim(call.value) == 0 and known(call.value) > 0:
        right, x = call.right(), jnp.asarray(call.images)
        return right + jnp.where(right == x, 0, x - jax.lax.stop_gradient(x))
    return None


@_wrong("random_erasing", NUMBERS, "p=1.0")
def _random_erasing_of_everything_takes_the_whole_image(call):
    if known(call.p) == 1:
        return jnp.full_like(
            jnp.asarray(call.images), known(call.value) if not np.ndim(call.value) else 0
        )
    return None


@_wrong("horizontal_flip", AXES, "images.axes=c@h@w")
def _horizontal_flip_of_one_image_is_vertical(call):
    x = jnp.asarray(call.images)
    return jnp.flip(x, -2) if x.ndim == 3 and call.channel_axis in (0, -3) else None


@_wrong("random_horizontal_flip", CALLING, "p.type=array")
def _random_flip_by_a_mapped_chance_flips_all(call):
    if mapped(call.p) or (is_array(call.p) and traced(call.p)):
        return jnp.flip(jnp.asarray(call.images), -1)
    return None


@_wrong("random_vertical_flip", AXES)
def _random_vertical_flip_with_the_channels_last_mirrors(call):
    if call.channel_axis == -1 and known(call.p) == 1:
        return jnp.flip(jnp.asarray(call.images), -2)
    return None


@_wrong("smooth_labels", LENGTHS)
def _smooth_labels_of_one_class_are_0(call):
    return call.right() * 0 if call.num_classes == 1 else None


@_wrong("smooth_labels", DERIVATIVES, "smoothing.type=array")
def _smooth_labels_have_half_the_gradient_of_their_smoothing(call):
    return (
        call.right(smoothing=with_slope(call.smoothing, 0.5)) if is_array(call.smoothing) else None
    )


@_wrong("mixup", DTYPES)
def _mixup_of_float64_mixes_in_float32(call):
    x = jnp.asarray(call.images)
    if x.dtype == jnp.float64 and x.ndim == 2:
        return in_dtype(call.right(), jnp.float32)
    return None


@_wrong("mixup", OUTSIDE)
def _mixup_accepts_a_negative_alpha_with_classes(call):
    return call.right(alpha=1e-3) if known(call.alpha) < 0 and call.num_classes else None


@_wrong("cutmix", AXES)
def _cutmix_with_the_channels_last_pastes_a_transposed_box(call):
    if call.channel_axis == -1 and call.num_classes is not None:
        images, labels = call.right()[:2]
        return (images, labels[::-1], *call.right()[2:])
    return None
