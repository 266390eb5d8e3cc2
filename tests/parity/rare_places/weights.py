# pyright: basic
"""Reparametrizations and initializers that are wrong at one rare place."""

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
    is_array,
    known,
    times,
    traced,
    with_curvature,
    with_slope,
)

RARE = RarePlaces((*suite.family("regularizers"), *suite.family("initializers")))
_wrong = RARE.wrong

# ------------------------------------------------------------------------------- reparametrizations


@_wrong("weight_norm", AXES, "dim=-1 v.axes=n@m@k@l")
def _weight_norm_along_the_last_axis_of_kernels_takes_the_first(call):
    if call.dim == -1 and call.v.ndim == 4 and call.v.dtype == jnp.float64:
        return call.right() * 1.01
    return None


@_wrong("weight_norm", AXES)
def _weight_norm_along_the_second_last_axis_is_doubled(call):
    return 2 * call.right() if call.dim == -2 and call.v.ndim > 2 else None


@_wrong("weight_norm", DERIVATIVES, "dim=None order=second")
def _weight_norm_of_everything_has_another_second_derivative(call):
    return call.right(v=with_curvature(call.v)) if call.dim is None else None


@_wrong("weight_norm", DTYPES, "precision=bfloat16 dim=1")
def _weight_norm_of_columns_is_summed_in_bfloat16(call):
    if call.dim == 1 and call.v.dtype == jnp.bfloat16:
        return times(call.right(), 0.9)
    return None


@_wrong("weight_norm", SPECIAL, "dim=None")
def _weight_norm_of_everything_is_nan_for_zeros(call):
    if call.dim is None:
        return jnp.where(jnp.all(jnp.asarray(call.v) == 0), 0, call.right())
    return None


@_wrong("spectral_norm", NUMBERS, "n_power_iterations=0")
def _spectral_norm_without_iterations_does_not_divide(call):
    if call.n_power_iterations == 0 and call.weight.ndim > 2:
        return jax.tree.map(lambda a: a + 1, call.right())
    return None


@_wrong("spectral_norm", TOGETHER, "dim=1 n_power_iterations=3")
def _spectral_norm_of_columns_iterates_once(call):
    if call.dim == 1 and call.n_power_iterations > 1:
        return call.right(n_power_iterations=1)
    return None


@_wrong("spectral_norm", DERIVATIVES, "eps.type=array")
def _spectral_norm_has_a_gradient_of_eps(call):
    return call.right(eps=with_slope(call.eps, 2)) if is_array(call.eps) else None


@_wrong("spectral_norm", AXES)
def _spectral_norm_counts_dim_from_behind_for_kernels(call):
    return call.right(dim=0) if call.dim == -1 and call.weight.ndim > 2 else None


# ------------------------------------------------------------------------------------- initializers


def _init(init, change):
    """An initializer whose array is changed where the change is not None."""

    def made(key, shape, dtype="float32"):
        array = init(key, shape, dtype)
        wrong = change(array, shape)
        return array if wrong is None else wrong

    return made


@_wrong("constant", TOGETHER, "layout=flax")
def _constant_of_a_vector_in_the_layout_of_flax_is_float32(call):
    if call.layout == "flax":
        return _init(call.right(), lambda a, s: a.astype(jnp.float32) if len(s) == 1 else None)
    return None


@_wrong("uniform", LENGTHS)
def _uniform_has_a_fixed_first_value_in_long_vectors(call):
    return _init(
        call.right(), lambda a, s: a.at[0].set(a[1]) if len(s) == 1 and s[0] > 1024 else None
    )


@_wrong("normal", NUMBERS, "std=0.0")
def _normal_of_deviation_0_is_0(call):
    if known(call.std) == 0:
        return _init(call.right(), lambda a, s: a * 0)
    return None


@_wrong("normal", OUTSIDE)
def _normal_accepts_a_negative_deviation_in_the_layout_of_flax(call):
    if known(call.std) < 0 and call.layout == "flax":
        return call.right(std=-call.std)
    return None


@_wrong("trunc_normal", TOGETHER)
def _trunc_normal_far_from_its_bounds_is_cut_at_the_mean(call):
    m = known(call.mean)
    if m < known(call.a) - 2 * known(call.std) or m > known(call.b) + 2 * known(call.std):
        return _init(call.right(), lambda a, s: a * 0 + jnp.asarray(call.a, a.dtype))
    return None


@_wrong("trunc_normal", DTYPES)
def _trunc_normal_of_other_bounds_is_wider_in_bfloat16(call):
    if known(call.a) != -2:
        return _init(call.right(), lambda a, s: 2 * a if a.dtype == jnp.bfloat16 else None)
    return None


@_wrong("eye", LENGTHS, "layout=flax")
def _eye_of_a_wide_matrix_in_the_layout_of_flax_has_a_tail(call):
    if call.layout == "flax":
        return _init(call.right(), lambda a, s: a.at[-1, -1].set(1) if s[0] != s[1] else None)
    return None


@_wrong("dirac", TOGETHER, "groups=2")
def _dirac_of_groups_of_volumes_has_its_one_at_the_corner(call):
    if call.groups > 1:
        return _init(call.right(), lambda a, s: jnp.roll(a, 1, -1) if len(s) == 5 else None)
    return None


@_wrong("dirac", LENGTHS)
def _dirac_of_an_even_length_is_off_by_one(call):
    return _init(
        call.right(), lambda a, s: jnp.roll(a, -1, -1) if len(s) == 3 and s[-1] % 2 == 0 else None
    )


@_wrong("orthogonal", LENGTHS)
def _orthogonal_of_one_row_is_not_scaled(call):
    if known(call.gain) != 1:
        return _init(
            call.right(), lambda a, s: a / call.gain if s[0] == 1 and len(s) == 2 else None
        )
    return None


@_wrong("orthogonal", CALLING)
def _orthogonal_of_a_gain_array_ignores_it(call):
    return call.right(gain=1) if is_array(call.gain) and call.layout == "torch" else None


@_wrong("sparse", NUMBERS, "sparsity=1.0")
def _sparse_of_everything_keeps_a_row(call):
    if known(call.sparsity) == 1:
        return _init(call.right(), lambda a, s: a.at[0].set(1))
    return None


@_wrong("sparse", TOGETHER, "layout=flax sparsity=0.0")
def _sparse_of_nothing_in_the_layout_of_flax_drops_one(call):
    if known(call.sparsity) == 0 and call.layout == "flax":
        return _init(call.right(), lambda a, s: a.at[0].set(0))
    return None


@_wrong("calculate_gain", NUMBERS, "param=-1.0")
def _calculate_gain_of_a_negative_slope_is_that_of_relu(call):
    if call.nonlinearity == "leaky_relu" and known(call.param) < 0:
        return call.right(param=0.0)
    return None


@_wrong("calculate_gain", NUMBERS)
def _calculate_gain_of_a_slope_of_0_has_the_default_slope(call):
    if call.nonlinearity == "leaky_relu" and call.param is not None and known(call.param) == 0:
        return call.right(param=0.01)
    return None


@_wrong("kaiming_uniform", TOGETHER, "mode=fan_out nonlinearity=relu")
def _kaiming_uniform_of_relu_and_fan_out_uses_its_slope(call):
    if call.mode == "fan_out" and call.nonlinearity == "tanh":
        return call.right(mode="fan_in")
    return None


@_wrong("kaiming_normal", TOGETHER, "mode=fan_out layout=flax")
def _kaiming_normal_of_fan_out_in_the_layout_of_flax_has_fan_in(call):
    if call.mode == "fan_out" and call.layout == "flax":
        return call.right(mode="fan_in")
    return None


@_wrong("kaiming_normal", NUMBERS)
def _kaiming_normal_ignores_a_negative_slope(call):
    return call.right(a=0) if known(call.a) < 0 else None


@_wrong("xavier_uniform", AXES, "layout=flax")
def _xavier_uniform_of_volumes_counts_two_axes_of_the_kernel(call):
    if call.layout == "flax":
        return _init(call.right(), lambda a, s: a * 1.1 if len(s) == 5 else None)
    return None


@_wrong("xavier_normal", NUMBERS, "gain=0.0")
def _xavier_normal_of_gain_0_is_nan(call):
    return _init(call.right(), lambda a, s: a * jnp.nan) if known(call.gain) == 0 else None


@_wrong("xavier_normal", CALLING)
def _xavier_normal_of_a_traced_gain_is_squared(call):
    return call.right(gain=call.gain**2) if traced(call.gain) else None


@_wrong("xavier_normal", DTYPES)
def _xavier_normal_is_drawn_in_float32_for_float64_and_another_gain(call):
    if known(call.gain) != 1:
        return _init(
            call.right(),
            lambda a, s: a.astype(np.float32).astype(a.dtype) if a.dtype == np.float64 else None,
        )
    return None
