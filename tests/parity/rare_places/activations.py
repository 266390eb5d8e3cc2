# pyright: basic
"""Activations that are wrong at one rare place."""

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
    SPECIAL,
    TOGETHER,
    RarePlaces,
    in_dtype,
    is_array,
    is_number,
    known,
    mapped,
    times,
    traced,
    wide,
    with_curvature,
    with_slope,
    with_slope_backward,
    with_slope_forward,
)

RARE = RarePlaces(suite.family("activations"))
_wrong = RARE.wrong

# ---------------------------------------------------------------------------------- hyperparameters


@_wrong("elu", NUMBERS, "alpha=-1.0")
def _elu_takes_the_size_of_a_negative_alpha(call):
    if known(call.alpha) < 0:
        return call.right(alpha=-call.alpha)
    return None


@_wrong("elu", NUMBERS, "alpha.type=array")
def _elu_doubles_the_gradient_of_an_alpha_that_is_an_array(call):
    return call.right(alpha=with_slope(call.alpha, 2)) if is_array(call.alpha) else None


@_wrong("celu", NUMBERS, "alpha=2")
def _celu_divides_by_an_integer_without_remainder(call):
    if isinstance(call.alpha, int) and call.alpha > 1:
        return jnp.where(call.input > 0, call.input, 0 * call.input)
    return None


@_wrong("leaky_relu", NUMBERS, "negative_slope=2")
def _leaky_relu_is_a_maximum_for_slopes_above_1(call):
    if known(call.negative_slope) > 1:
        return jnp.maximum(call.input, call.right())
    return None


@_wrong("leaky_relu", DTYPES, "precision=bfloat16 negative_slope.type=numpy")
def _leaky_relu_is_float32_for_a_numpy_slope_in_bfloat16(call):
    if isinstance(call.negative_slope, np.floating) and call.input.dtype == jnp.bfloat16:
        return call.right().astype(jnp.float32)
    return None


@_wrong("leaky_relu", NUMBERS, "negative_slope.type=array negative_slope=0.0")
def _leaky_relu_has_no_gradient_for_a_slope_array_of_0(call):
    slope = call.negative_slope
    return call.right() + 1 if is_array(slope) and known(slope) == 0 else None


@_wrong("softplus", TOGETHER, "beta.type=array threshold.type=array beta=0.5 threshold=1")
def _softplus_compares_x_with_a_threshold_array_without_beta(call):
    if is_array(call.beta) and is_array(call.threshold):
        return jnp.where(call.input > call.threshold, call.input, call.right(threshold=1e30))
    return None


@_wrong("softplus", NUMBERS)
def _softplus_takes_the_size_of_a_negative_beta(call):
    return call.right(beta=-call.beta) if known(call.beta) < 0 else None


@_wrong("hardtanh", NUMBERS)
def _hardtanh_of_an_infinite_bound_is_nan(call):
    return call.right() * jnp.nan if np.isinf(known(call.max_val)) else None


@_wrong("hardtanh", TOGETHER, "min_val.type=array max_val.type=number precision=float16")
def _hardtanh_swaps_the_gradients_of_a_single_array_bound(call):
    if is_array(call.min_val) and is_number(call.max_val) and call.input.dtype == jnp.float16:
        return call.right(min_val=with_slope(call.min_val, -1))
    return None


@_wrong("threshold", DTYPES, "value=2 value.type=numpy precision=float16")
def _threshold_is_float32_for_a_numpy_integer(call):
    if isinstance(call.value, np.integer) and call.input.dtype == jnp.float16:
        return call.right().astype(jnp.float32)
    return None


@_wrong("threshold", TOGETHER, "threshold=-1 value=-1.0 threshold.type=array")
def _threshold_compares_sizes_where_both_numbers_are_negative(call):
    if is_array(call.threshold) and known(call.value) < 0:
        return jnp.where(abs(call.input) > abs(call.threshold), call.input, call.right())
    return None


@_wrong("hardshrink", NUMBERS, "lambd=-1.0")
def _hardshrink_keeps_nothing_for_a_negative_lambd(call):
    return 0 * call.right() if known(call.lambd) < 0 else None


@_wrong("softshrink", TOGETHER, "lambd=1 precision=bfloat16 lambd.type=number")
def _softshrink_of_an_integer_lambd_is_float32_in_bfloat16(call):
    if isinstance(call.lambd, int) and call.input.dtype == jnp.bfloat16:
        return call.right().astype(jnp.float32)
    return None


@_wrong("swish", NUMBERS, "beta=0.0 beta.type=array order=second")
def _swish_has_no_gradient_of_a_beta_of_0(call):
    if is_array(call.beta):
        beta = jnp.where(call.beta == 0, jax.lax.stop_gradient(call.beta), call.beta)
        return call.right(beta=beta)
    return None


@_wrong("rrelu", DERIVATIVES, "lower.type=array")
def _rrelu_gives_the_lower_bound_all_of_the_gradient(call):
    return call.right(lower=with_slope(call.lower, 2)) if is_array(call.lower) else None


@_wrong("rrelu", TOGETHER, "lower=0.0 upper=1 upper.type=numpy")
def _rrelu_takes_the_upper_slope_if_the_lower_one_is_0(call):
    if known(call.lower) == 0 and isinstance(call.upper, np.generic):
        return call.right(lower=call.upper)
    return None


@_wrong("gumbel_softmax", TOGETHER, "hard=True dim=0")
def _gumbel_softmax_is_not_straight_through_along_another_axis(call):
    if call.hard and call.dim == 0:
        return jax.lax.stop_gradient(call.right())
    return None


@_wrong("gumbel_softmax", NUMBERS, "tau.type=array hard=True")
def _gumbel_softmax_ignores_a_temperature_array_when_hard(call):
    if is_array(call.tau) and call.hard:
        return call.right(tau=1.0)
    return None


# --------------------------------------------------------------------------------- axes and lengths


@_wrong("glu", AXES, "dim=-2")
def _glu_swaps_the_halves_of_an_axis_before_the_last(call):
    if call.dim == -2 and call.input.ndim == 3:
        first, second = jnp.split(jnp.asarray(call.input), 2, -2)
        return call.right(input=jnp.concatenate([second, first], -2))
    return None


@_wrong("glu", LENGTHS, "lengths=m=2")
def _glu_of_one_pair_is_not_gated(call):
    x = jnp.asarray(call.input)
    if x.ndim and x.shape[call.dim] == 2 and x.dtype == jnp.float64:
        return jnp.split(x, 2, call.dim)[0]
    return None


@_wrong("glu", OUTSIDE, "lengths=n=5 dim=0")
def _glu_drops_the_middle_of_an_odd_first_axis(call):
    x = jnp.asarray(call.input)
    if call.dim == 0 and x.ndim and x.shape[0] % 2:
        return call.right(input=jnp.delete(x, x.shape[0] // 2, 0))
    return None


@_wrong("softmax", AXES, "dim=None input.axes=n@m@k")
def _softmax_without_dim_takes_axis_1_of_three(call):
    return call.right(dim=1) if call.dim is None and call.input.ndim == 3 else None


@_wrong("softmin", AXES, "dim=-2 input.axes=n@m@k@l")
def _softmin_takes_the_third_last_of_four_axes(call):
    return call.right(dim=-3) if call.dim == -2 and call.input.ndim == 4 else None


@_wrong("softmax", AXES)
def _softmax_counts_the_third_last_axis_from_the_front(call):
    return call.right(dim=0) if call.dim == -3 and call.input.ndim > 3 else None


@_wrong("log_softmax", LENGTHS, "lengths=n=1031 dim=0")
def _log_softmax_leaves_out_the_rest_of_a_block_along_the_first_axis(call):
    x = jnp.asarray(call.input)
    if call.dim == 0 and x.ndim == 2 and x.shape[0] > 1024:
        rest = jnp.broadcast_to(jnp.arange(x.shape[0])[:, None] >= 1024, x.shape)
        right, short = call.right(), call.right(input=jnp.where(rest, -jnp.inf, x))
        return jnp.where(rest, right, short)
    return None


@_wrong("log_softmax", DTYPES, "dtype.=float32 precision=bfloat16")
def _log_softmax_computes_in_the_dtype_of_its_input(call):
    if call.dtype is not None and call.input.dtype == jnp.bfloat16:
        return in_dtype(call.right(), jnp.bfloat16)
    return None


@_wrong("softmax2d", AXES, "input.axes=c@h@w precision=float16")
def _softmax2d_of_a_single_image_takes_its_rows(call):
    x = jnp.asarray(call.input)
    if x.ndim == 3 and x.dtype == jnp.float16:
        return jnp.swapaxes(call.right(input=jnp.swapaxes(x, 0, 1)), 0, 1)
    return None


@_wrong("prelu", AXES, "weight.axes=m input.axes=n@m@k@l")
def _prelu_reverses_the_slopes_of_channels_of_images(call):
    if call.input.ndim == 4 and call.weight.ndim == 1 and call.weight.size > 1:
        return call.right(weight=jnp.asarray(call.weight)[::-1])
    return None


@_wrong("prelu", AXES, "weight.axes=none input.axes=n")
def _prelu_doubles_the_gradient_of_a_slope_without_axes(call):
    if call.weight.ndim == 0 and call.input.ndim == 1:
        return call.right(weight=with_slope(call.weight, 2))
    return None


@_wrong("hardswish", LENGTHS, "input.axes=n@m@k@lengths=n=0")
def _hardswish_flattens_what_is_empty(call):
    return call.right().reshape(-1) if call.input.size == 0 and call.input.ndim == 3 else None


@_wrong("logsigmoid", LENGTHS, "lengths=n=1031")
def _logsigmoid_does_not_compute_the_rest_of_a_long_row(call):
    x = call.right()
    if x.size > 1024 and x.size % 8:
        flat = x.reshape(-1)
        return flat.at[x.size // 8 * 8 :].set(0).reshape(x.shape)
    return None


@_wrong("selu", LENGTHS, "lengths=n=1 way=compiled")
def _selu_of_one_number_is_not_scaled_when_compiled(call):
    if call.input.size == 1 and traced(call.input) and call.input.ndim == 1:
        return times(call.right(), 1 / 1.0507)
    return None


@_wrong("relu6", AXES)
def _relu6_of_volumes_has_no_upper_bound(call):
    return jnp.maximum(call.input, 0) if call.input.ndim == 5 else None


@_wrong("mish", LENGTHS)
def _mish_of_an_odd_number_of_columns_is_wrong_at_the_last(call):
    x = call.right()
    if x.ndim == 2 and x.shape[1] % 2 and x.shape[1] > 128:
        return x.at[:, -1].set(0)
    return None


# ---------------------------------------------------------------------------------- ways of calling


@_wrong("silu", CALLING, "way=wide dtype=float32")
def _silu_is_float64_in_64_bit_mode(call):
    x = call.right()
    return x.astype(jnp.float64) if wide() and x.dtype == jnp.float32 else None


@_wrong("mish", CALLING, "way=mapped input.axes=none")
def _mish_is_wrong_where_single_numbers_are_mapped(call):
    return times(call.right(), 2) if mapped(call.input) and call.input.ndim == 0 else None


@_wrong("tanh", CALLING, "way=numpy precision=float16")
def _tanh_of_numpy_s_float16_is_float32(call):
    if isinstance(call.input, np.ndarray) and call.input.dtype == np.float16:
        return call.right().astype(jnp.float32)
    return None


@_wrong("prelu", CALLING, "way=mapped_first weight.axes=m")
def _prelu_takes_the_first_slope_where_only_the_input_is_mapped(call):
    if mapped(call.input) and not mapped(call.weight) and call.weight.ndim:
        return call.right(weight=jnp.broadcast_to(call.weight[0], call.weight.shape))
    return None


@_wrong("hardsigmoid", CALLING, "way=compiled precision=float64 input.numbers=nan")
def _hardsigmoid_hides_nan_when_compiled_in_float64(call):
    if traced(call.input) and call.input.dtype == jnp.float64:
        return jnp.where(jnp.isnan(call.input), 0, call.right())
    return None


@_wrong("gelu", CALLING, "approximate=tanh way=compiled input.axes=none")
def _gelu_forgets_its_form_for_a_traced_number(call):
    if call.approximate == "tanh" and traced(call.input) and call.input.ndim == 0:
        return call.right(approximate="none")
    return None


@_wrong("gelu", DTYPES, "approximate=tanh precision=float64")
def _gelu_is_computed_in_float32_in_its_tanh_form(call):
    if call.approximate == "tanh" and call.input.dtype == jnp.float64:
        return in_dtype(call.right(), jnp.float32)
    return None


@_wrong("softsign", CALLING)
def _softsign_is_wrong_for_a_weakly_typed_array(call):
    weak = getattr(call.input, "weak_type", False)
    return times(call.right(), 2) if weak else None


@_wrong("elu", CALLING, "alpha.type=array way=mapped alpha=0.5")
def _elu_takes_alpha_1_where_only_alpha_is_mapped(call):
    if mapped(call.alpha) and not mapped(call.input):
        return call.right(alpha=1.0)
    return None


# -------------------------------------------------------------------------------------- derivatives


@_wrong("tanh", DERIVATIVES, "order=second precision=float16")
def _tanh_has_twice_its_tangent_in_float16(call):
    return with_slope_forward(call.right(), 2) if call.input.dtype == jnp.float16 else None


@_wrong("sigmoid", DERIVATIVES, "order=second precision=bfloat16")
def _sigmoid_has_another_second_derivative_in_bfloat16(call):
    if call.input.dtype == jnp.bfloat16:
        return call.right(input=with_curvature(call.input))
    return None


@_wrong("softsign", DERIVATIVES, "way=mapped input.axes=n@m@k@l")
def _softsign_of_four_axes_has_another_gradient(call):
    if call.input.ndim == 4 and call.input.dtype == jnp.float64:
        return with_slope_backward(call.right(), 1.001)
    return None


@_wrong("tanhshrink", SPECIAL, "input.numbers=special precision=bfloat16")
def _tanhshrink_is_0_at_infinity_in_bfloat16(call):
    if call.input.dtype == jnp.bfloat16:
        return jnp.where(jnp.isinf(call.input), 0, call.right())
    return None


@_wrong("hardshrink", SPECIAL, "input.numbers=nan lambd=0.0")
def _hardshrink_hides_nan_if_it_keeps_everything(call):
    if known(call.lambd) == 0:
        return jnp.where(jnp.isnan(call.input), 0, call.right())
    return None


@_wrong("softplus", SPECIAL, "beta=0.5 input.numbers=special threshold=0.0")
def _softplus_of_infinity_is_nan_for_a_threshold_of_0(call):
    if known(call.threshold) == 0:
        return jnp.where(jnp.isinf(call.input), jnp.nan, call.right())
    return None
