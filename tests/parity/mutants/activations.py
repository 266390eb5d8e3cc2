# pyright: basic
"""Wrong activations: see `parity.mutation`."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
from jax import lax
from jax.core import Tracer
from jax.custom_derivatives import linear_call

from jaxact import functional
from parity import suite
from parity.mutation import Function, Mutants
from parity.verdict import Outcome

MUTANTS = Mutants(suite.family("activations"))
_wrong = MUTANTS.wrong


def _with_slope(value: Function, slope: Function) -> Function:
    """value(x) whose derivative is slope(x)."""
    ruled = jax.custom_jvp(value)

    @ruled.defjvp
    def _rule(primals: Any, tangents: Any) -> Any:
        return ruled(*primals), slope(*primals) * tangents[0]

    return ruled


def _with_pull_back(value: Function, pull_back: Function) -> Function:
    """value(x) whose backward pass is pull_back(x, cotangent)."""
    ruled = jax.custom_vjp(value)
    ruled.defvjp(lambda x: (value(x), x), lambda x, cotangent: (pull_back(x, cotangent),))
    return ruled


def _slope_of(function: Function) -> Function:
    def slope(x: Any) -> Any:
        return jax.jvp(function, (x,), (jnp.ones_like(x),))[1]

    return slope


# ---------------------------------------------------------------------------------- kinks


@_wrong("relu", "float32/vjp")
def _relu_has_slope_half_at_zero(input):
    return jnp.where(input == 0, input, jnp.maximum(input, 0))


@_wrong("relu", "bfloat16/vjp")
def _relu_has_slope_one_at_zero(input):
    return jnp.where(input < 0, 0, input)


@_wrong("relu6", "float32/vjp")
def _relu6_has_slope_half_at_six(input):
    return jnp.clip(input, 0, 6)


@_wrong("hardtanh", "float32/vjp")
def _hardtanh_has_the_slope_of_clamp(input):
    return jnp.where(input < -1, -1, jnp.where(input > 1, 1, input))


@_wrong("hardswish", "float32/vjp")
def _hardswish_has_the_kinks_of_torch_2_6(input):
    def slope(x):
        inside = (2 * x + 3) / 6
        return jnp.where(x < -3, 0, jnp.where(x <= 3, inside, 1)).astype(x.dtype)

    return _with_slope(functional.hardswish, slope)(input)


@_wrong("hardsigmoid", "float32/vjp")
def _hardsigmoid_has_a_slope_at_three(input):
    return _with_slope(
        functional.hardsigmoid, lambda x: jnp.where((x >= -3) & (x <= 3), 1 / 6, 0.0)
    )(input)


@_wrong("hardsigmoid", "float32/forward")
def _hardsigmoid_of_keras(input):
    return jnp.clip(0.2 * input + 0.5, 0, 1)


@_wrong("leaky_relu", "float32/vjp")
def _leaky_relu_has_slope_one_at_zero(input, negative_slope=0.01):
    return jnp.where(input >= 0, input, negative_slope * input)


@_wrong("prelu", "weight=0-d/float32/vjp")
def _prelu_has_slope_one_at_zero(input, weight):
    return jnp.where(input >= 0, input, weight * input)


@_wrong("hardshrink", "float32/vjp")
def _hardshrink_keeps_its_bound(input, lambd=0.5):
    return jnp.where(jnp.abs(input) >= lambd, input, 0)


@_wrong("softshrink", "float32/vjp")
def _softshrink_has_a_slope_at_its_bound(input, lambd=0.5):
    bound = jnp.abs(input) >= lambd
    return jnp.where(bound, input - jnp.sign(input) * lambd, input * 0)


@_wrong("threshold", "threshold=0.5,value=-2.0/float32/forward")
def _threshold_keeps_its_bound(input, threshold, value):
    return jnp.where(input >= threshold, input, value)


@_wrong("elu", "alpha=0.75/float32/vjp")
def _elu_has_slope_one_at_zero(input, alpha=1.0):
    return _with_slope(
        lambda x: functional.elu(x, alpha),
        lambda x: jnp.where(x >= 0, 1, alpha * jnp.exp(jnp.minimum(x, 0))),
    )(input)


@_wrong("selu", "float32/vjp")
def _selu_has_the_right_slope_at_zero(input):
    slope = _slope_of(functional.selu)
    return _with_slope(functional.selu, lambda x: jnp.where(x == 0, 1.0507009873554805, slope(x)))(
        input
    )


# ------------------------------------------------------------- constants and approximations


@_wrong("selu", "float32/forward")
def _selu_has_rounded_constants(input):
    return 1.0507 * jnp.where(input > 0, input, 1.67326 * jnp.expm1(jnp.minimum(input, 0)))


@_wrong("gelu", "float32/forward")
def _gelu_is_the_tanh_form(input, approximate="none"):
    return functional.gelu(input, "tanh")


@_wrong("gelu", "approximate=tanh/float32/forward")
def _gelu_has_a_rounded_coefficient(input, approximate="none"):
    return input * jax.nn.sigmoid(1.5957691 * (input + 0.0447 * input**3))


# ------------------------------------------------------------------------------- lost digits


@_wrong("sigmoid", "float32/vjp")
def _sigmoid_slope_is_y_times_one_minus_y(input):
    def slope(x):
        y = functional.sigmoid(x)
        return y * (1 - y)

    return _with_slope(functional.sigmoid, slope)(input)


@_wrong("tanh", "float32/vjp")
def _tanh_slope_is_one_minus_y_squared(input):
    return _with_slope(functional.tanh, lambda x: 1 - functional.tanh(x) ** 2)(input)


@_wrong("elu", "float32/vjp")
def _elu_slope_is_expm1_plus_one(input, alpha=1.0):
    return jnp.where(input > 0, input, alpha * jnp.expm1(jnp.minimum(input, 0)))


@_wrong("celu", "float64/vjp")
def _celu_slope_is_expm1_plus_one(input, alpha=1.0):
    return jnp.where(input > 0, input, alpha * jnp.expm1(jnp.minimum(input, 0) / alpha))


@_wrong("tanhshrink", "float32/forward")
def _tanhshrink_is_a_difference(input):
    return input - jnp.tanh(input)


@_wrong("gelu", "float32/forward")
def _gelu_tail_is_one_plus_erf(input, approximate="none"):
    return 0.5 * input * (1 + lax.erf(input * 0.7071067811865476))


@_wrong("gelu", "approximate=tanh/float32/forward")
def _gelu_tail_is_one_plus_tanh(input, approximate="none"):
    inner = 0.7978845608028654 * (input + 0.044715 * input**3)
    return 0.5 * input * (1 + jnp.tanh(inner))


@_wrong("logsigmoid", "float32/forward")
def _logsigmoid_is_the_log_of_the_sigmoid(input):
    return jnp.log(jax.nn.sigmoid(input))


@_wrong("log_softmax", "float32/forward")
def _log_softmax_is_the_log_of_the_softmax(input, dim=None, _stacklevel=3, dtype=None):
    return jnp.log(functional.softmax(input, dim))


@_wrong("mish", "bfloat16/forward")
def _mish_rounds_at_every_step(input):
    def step(x):
        return lax.reduce_precision(x, exponent_bits=8, mantissa_bits=7)

    return input * step(jnp.tanh(step(jnp.log1p(step(jnp.exp(input))))))


# --------------------------------------------------------------------------------- overflow


@_wrong("mish", "float32/forward")
def _mish_overflows_past_88(input):
    n = jnp.exp(input)
    n = n * (n + 2)
    return input * (n / (n + 2))


@_wrong("softplus", "float32/forward")
def _softplus_overflows_past_88(input, beta=1, threshold=20):
    return jnp.log1p(jnp.exp(beta * input)) / beta


@_wrong("elu", "float32/vjp")
def _elu_has_nan_slopes_past_88(input, alpha=1.0):
    return jnp.where(input > 0, input, alpha * (jnp.exp(input) - 1))


@_wrong("silu", "float32/vjp")
def _silu_has_nan_slopes_past_88(input):
    return input / (1 + jnp.exp(-input))


@_wrong("gelu", "approximate=tanh/float32/vjp")
def _gelu_has_nan_slopes_beyond_1e13(input, approximate="none"):
    return jax.nn.gelu(input, approximate=True)


@_wrong("softmax", "float32/forward")
def _softmax_does_not_subtract_the_maximum(input, dim=None, _stacklevel=3, dtype=None):
    e = jnp.exp(input)
    return e / e.sum(1, keepdims=True)


# ------------------------------------------------------------------- cotangents and modes


@_wrong("silu", "float32/vjp")
def _silu_squares_the_cotangent(input):
    slope = _slope_of(functional.silu)
    return _with_pull_back(functional.silu, lambda x, g: g * g * slope(x))(input)


@_wrong("tanh", "float32/vjp")
def _tanh_ignores_the_sign_of_the_cotangent(input):
    slope = _slope_of(functional.tanh)
    return _with_pull_back(functional.tanh, lambda x, g: jnp.abs(g) * slope(x))(input)


@_wrong("mish", "float32/vjp")
def _mish_takes_every_cotangent_for_one(input):
    slope = _slope_of(functional.mish)
    return _with_pull_back(functional.mish, lambda x, g: slope(x))(input)


@_wrong("relu", "float32/vjp")
def _relu_stops_the_gradient(input):
    return lax.stop_gradient(functional.relu(input))


@_wrong("silu", "float32/jvp", Outcome.ERROR)
def _silu_has_no_forward_mode(input):
    slope = _slope_of(functional.silu)
    return _with_pull_back(functional.silu, lambda x, g: g * slope(x))(input)


@_wrong("tanh", "float32/jvp")
def _tanh_has_another_slope_forward_than_backward(input):
    slope = _slope_of(functional.tanh)

    def pushed(x, t):
        return linear_call(lambda x, t: 1.001 * slope(x) * t, lambda x, g: slope(x) * g, x, t)

    ruled = jax.custom_jvp(functional.tanh)
    ruled.defjvp(lambda primals, tangents: (ruled(*primals), pushed(primals[0], tangents[0])))
    return ruled(input)


@_wrong("gelu", "float32/second")
def _gelu_is_linear_for_the_second_derivative(input, approximate="none"):
    def gelu(x):
        return functional.gelu(x)

    slope = _slope_of(gelu)
    return _with_slope(gelu, lambda x: lax.stop_gradient(slope(x)))(input)


@_wrong("sigmoid", "float32/second")
def _sigmoid_bends_the_wrong_way(input):
    slope = _slope_of(functional.sigmoid)
    bent = _with_slope(slope, lambda x: slope(x) * jnp.tanh(x / 2))
    return _with_slope(functional.sigmoid, bent)(input)


@_wrong("gumbel_softmax", "hard=True/float32/vjp")
def _gumbel_softmax_has_no_gradient_when_hard(logits, tau=1, hard=False, eps=1e-10, dim=-1, *, key):
    out = functional.gumbel_softmax(logits, tau, hard, eps, dim, key=key)
    return lax.stop_gradient(out) if hard else out


# ---------------------------------------------------------------------------- hyperparameters


@_wrong("prelu", "weight=per_channel/float32/forward")
def _prelu_broadcasts_along_the_last_axis(input, weight):
    weight = jnp.resize(weight, input.shape[-1:])
    return jnp.where(input > 0, input, weight * input)


@_wrong("leaky_relu", "negative_slope=array/float32/vjp")
def _leaky_relu_does_not_learn_its_slope(input, negative_slope=0.01):
    return functional.leaky_relu(input, lax.stop_gradient(negative_slope))


@_wrong("elu", "alpha=array/float32/forward", Outcome.ERROR)
def _elu_needs_a_fixed_alpha(input, alpha=1.0):
    return functional.elu(input, float(alpha))


@_wrong("celu", "alpha=2.0/float32/vjp")
def _celu_forgets_alpha_in_the_slope(input, alpha=1.0):
    return _with_slope(lambda x: functional.celu(x, alpha), lambda x: jnp.exp(jnp.minimum(x, 0)))(
        input
    )


@_wrong("softplus", "beta=2.0,threshold=8.0/float32/forward")
def _softplus_has_no_threshold(input, beta=1, threshold=20):
    return jnp.logaddexp(beta * input, 0) / beta


@_wrong("rrelu", "lower=0.25,upper=0.5/float32/forward")
def _rrelu_takes_the_lower_slope(input, lower=1 / 8, upper=1 / 3, training=False, *, key=None):
    return functional.leaky_relu(input, lower)


@_wrong("rrelu", "slopes_are_uniform/any/law")
def _rrelu_draws_between_zero_and_one(input, lower=0, upper=1, training=False, *, key=None):
    return functional.rrelu(input, 0.0, 1.0, training, key=key)


@_wrong("rrelu", "slopes_follow_the_key/any/law")
def _rrelu_ignores_its_key(input, lower=1 / 8, upper=1 / 3, training=False, *, key=None):
    return functional.rrelu(input, lower, upper, training, key=jax.random.key(0))


@_wrong("gumbel_softmax", "choices_follow_the_softmax/any/law")
def _gumbel_softmax_draws_normal_noise(logits, tau=1, hard=False, eps=1e-10, dim=-1, *, key):
    noisy = logits + jax.random.normal(key, logits.shape)
    return jax.nn.one_hot(noisy.argmax(dim), logits.shape[dim])


# ----------------------------------------------------------------------- special values, dtypes


@_wrong("relu", "float32/forward")
def _relu_swallows_nan(input):
    return jnp.where(input > 0, input, jnp.minimum(input * 0, 0))


@_wrong("celu", "float32/forward")
def _celu_loses_the_sign_of_zero(input, alpha=1.0):
    return jnp.where(input == 0, 0, functional.celu(input, alpha))


@_wrong("hardswish", "float32/forward")
def _hardswish_hides_the_nan_at_infinity(input):
    return jnp.where(input == -jnp.inf, 0, functional.hardswish(input))


@_wrong("silu", "float16/forward")
def _silu_widens_half_precision(input):
    return functional.silu(input.astype(jnp.float32))


@_wrong("tanh", "float32/shapes")
def _tanh_widens_in_64_bit_mode(input):
    return functional.tanh(input) * jnp.ones((), float)


@_wrong("relu6", "int32/forward")
def _relu6_turns_integers_into_floats(input):
    return jnp.minimum(jnp.maximum(input, 0.0), 6.0)


# ----------------------------------------------------------------------------------- shapes


@_wrong("softmax", "dim=0/float32/forward")
def _softmax_takes_the_last_axis(input, dim=None, _stacklevel=3, dtype=None):
    return functional.softmax(input, -1)


@_wrong("softmax2d", "float32/forward")
def _softmax2d_takes_the_last_axis(input):
    return functional.softmax(input, -1)


@_wrong("softmin", "float32/forward")
def _softmin_is_softmax(input, dim=None, _stacklevel=3, dtype=None):
    return functional.softmax(input, 1 if dim is None else dim)


@_wrong("glu", "float32/forward")
def _glu_gates_with_the_first_half(input, dim=-1):
    a, b = jnp.split(input, 2, dim)
    return b * jax.nn.sigmoid(a)


@_wrong("sigmoid", "float32/shapes")
def _sigmoid_fails_on_empty_inputs(input):
    return functional.sigmoid(input) + 0 * input.min()


@_wrong("silu", "float32/shapes")
def _silu_adds_an_axis_to_0d_inputs(input):
    return functional.silu(jnp.atleast_1d(input))


# ----------------------------------------------------------------------------- calls and errors


@_wrong("leaky_relu", "any/signature")
def _leaky_relu_renames_its_parameter(input, alpha=0.01):
    return functional.leaky_relu(input, alpha)


@_wrong("hardtanh", "any/signature")
def _hardtanh_swaps_its_parameters(input, max_val=1.0, min_val=-1.0):
    return functional.hardtanh(input, min_val, max_val)


@_wrong("gelu", "any/signature")
def _gelu_has_another_default(input, approximate: Any = "tanh"):
    return functional.gelu(input, approximate)


@_wrong("glu", "odd_axis/any/error")
def _glu_accepts_an_odd_axis(input, dim=-1):
    half = input.shape[dim] // 2
    return input[..., :half] * jax.nn.sigmoid(input[..., half : 2 * half])


@_wrong("softmax", "dim_out_of_range/any/error")
def _softmax_raises_a_value_error_for_an_axis(input, dim=None, _stacklevel=3, dtype=None):
    if dim is not None and not -input.ndim <= dim < input.ndim:
        raise ValueError(f"softmax: no axis {dim}")
    return functional.softmax(input, dim)


@_wrong("mish", "input_is_int32/any/error")
def _mish_accepts_integers(input):
    return functional.mish(input.astype(jnp.float32))


# -------------------------------------------------------------------------------- transforms


@_wrong("relu", "float32/jit", Outcome.ERROR)
def _relu_branches_on_a_value(input):
    return functional.relu(input) if input.max() > 0 else input * 0


@_wrong("silu", "float32/jit")
def _silu_is_another_function_when_compiled(input):
    compiled = isinstance(input, Tracer)
    return functional.silu(input) if compiled else functional.mish(input)


@_wrong("mish", "float32/vmap")
def _mish_mixes_up_a_mapped_axis(input):
    mish = jax.custom_batching.custom_vmap(functional.mish)

    @mish.def_vmap
    def _rule(size: int, mapped: Any, x: Any) -> Any:
        return functional.mish(x[::-1]), True

    return _with_slope(mish, _slope_of(functional.mish))(input)
