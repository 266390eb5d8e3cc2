# pyright: basic
"""Wrong initializers: see `parity.mutation`."""

from __future__ import annotations

import math
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jaxact import initializers
from jaxact.random import TorchGenerator
from parity import suite
from parity.mutation import Function, Mutants
from parity.verdict import Outcome

MUTANTS = Mutants(suite.family("initializers"))
# The literals of the signatures are lost in parameters that have no annotation.
right: Any = initializers
_wrong = MUTANTS.wrong


def _turned(init: Function, layout: str) -> Function:
    """An initializer for torch's shapes in the layout."""

    def turned(key, shape, dtype="float32"):
        if layout == "torch" or len(shape) < 2:
            return init(key, shape, dtype)
        array = init(key, (shape[-1], shape[-2], *shape[:-2]), dtype)
        return jnp.transpose(array, (*range(2, len(shape)), 1, 0))

    return turned


def _fans(shape: Any) -> tuple[int, int]:
    field = math.prod(shape[2:])
    return shape[1] * field, shape[0] * field


def _first(init: Function, before: Function) -> Function:
    """What a generator goes through before it draws."""

    def drawn(key, shape, dtype="float32"):
        if isinstance(key, TorchGenerator):
            before(key)
        return init(key, shape, dtype)

    return drawn


# --------------------------------------------------------------------------------- constants


@_wrong("constant", "val=3.7/int32/forward")
def _constant_rounds_to_the_nearest_integer(val, *, layout="torch"):
    return lambda key, shape, dtype: jnp.full(shape, jnp.round(val), dtype)


@_wrong("constant", "300_in_uint8/any/error")
def _constant_is_cut_to_the_range(val, *, layout="torch"):
    return lambda key, shape, dtype: jnp.full(shape, min(val, 255), dtype)


@_wrong("constant", "1000000.0_in_float16/any/error")
def _constant_overflows_to_infinity(val, *, layout="torch"):
    return lambda key, shape, dtype: jnp.full(shape, val, dtype)


@_wrong("zeros", "kernel/int32/forward")
def _zeros_are_always_floating(*, layout="torch"):
    return lambda key, shape, dtype: jnp.zeros(shape)


@_wrong("ones", "kernel/float32/forward")
def _ones_are_zeros(*, layout="torch"):
    return lambda key, shape, dtype: jnp.zeros(shape, dtype)


# ----------------------------------------------------------------------------- distributions


@_wrong("uniform", "any/signature")
def _uniform_has_the_default_of_jax(a=0.0, b=0.01, *, layout="torch"):
    return right.uniform(a, b, layout=layout)


@_wrong("uniform", "kernel/float32/forward")
def _uniform_is_rounded_twice(a=0.0, b=1.0, *, layout="torch"):
    def init(key, shape, dtype="float32"):
        u, kind = key.rand(shape, dtype), np.dtype(dtype).type
        return jnp.asarray(kind(b - a) * u + kind(a), dtype)

    return _turned(init, layout)


@_wrong("uniform", "flax/float32/forward")
def _uniform_draws_in_the_order_of_flax(a=0.0, b=1.0, *, layout="torch"):
    return right.uniform(a, b)


@_wrong("uniform", "after,float32/float32/forward")
def _uniform_moves_the_stream_too_far(a=0.0, b=1.0, *, layout="torch"):
    def init(key, shape, dtype="float32"):
        values = right.uniform(a, b, layout=layout)(key, shape, dtype)
        key.rand(1)
        return values

    return init


@_wrong("uniform", "seed=-1/float32/forward")
def _uniform_drops_the_sign_of_the_seed(a=0.0, b=1.0, *, layout="torch"):
    def unsigned(generator):
        seed = generator.initial_seed()
        generator.manual_seed(2**64 - seed if seed >= 2**63 else seed)

    return _first(right.uniform(a, b, layout=layout), unsigned)


@_wrong("uniform", "kernel/float64/forward")
def _uniform_has_24_bits_in_float64(a=0.0, b=1.0, *, layout="torch"):
    def init(key, shape, dtype="float32"):
        return right.uniform(a, b, layout=layout)(key, shape, "float32").astype(dtype)

    return init


@_wrong("uniform", "ends_before_b/any/law")
def _uniform_reaches_its_upper_end(a=0.0, b=1.0, *, layout="torch"):
    def init(key, shape, dtype="float32"):
        return (a + (b - a) * jax.random.uniform(key, shape)).astype(dtype)

    return _turned(init, layout)


@_wrong("uniform", "half_precision_is_drawn_in_float32/any/law")
def _uniform_is_drawn_in_half_precision(a=0.0, b=1.0, *, layout="torch"):
    def init(key, shape, dtype="float32"):
        return jax.random.uniform(key, shape, dtype, a, b)

    return _turned(init, layout)


@_wrong("uniform", "is_uniform/any/law")
def _uniform_is_a_little_narrow(a=0.0, b=1.0, *, layout="torch"):
    return right.uniform(a, a + 0.985 * (b - a), layout=layout)


@_wrong("uniform", "is_uniform/any/law")
def _uniform_is_a_little_skewed(a=0.0, b=1.0, *, layout="torch"):
    def init(key, shape, dtype="float32"):
        return (a + (b - a) * jax.random.uniform(key, shape) ** 1.03).astype(dtype)

    return _turned(init, layout)


@_wrong("uniform", "follows_its_key/any/law")
def _uniform_ignores_its_key(a=0.0, b=1.0, *, layout="torch"):
    init = right.uniform(a, b, layout=layout)
    return lambda key, shape, dtype="float32": init(jax.random.key(0), shape, dtype)


@_wrong("uniform", "is_the_same_compiled_and_mapped/any/law", Outcome.ERROR)
def _uniform_cannot_be_traced(a=0.0, b=1.0, *, layout="torch"):
    def init(key, shape, dtype="float32"):
        return jnp.asarray(np.asarray(right.uniform(a, b, layout=layout)(key, shape, dtype)))

    return init


@_wrong("uniform", "a_above_b/any/error")
def _uniform_takes_its_ends_in_any_order(a=0.0, b=1.0, *, layout="torch"):
    return right.uniform(min(a, b), max(a, b), layout=layout)


@_wrong("normal", "is_normal/any/law")
def _normal_is_that_of_jax_truncated(mean=0.0, std=1.0, *, layout="torch"):
    def init(key, shape, dtype="float32"):
        z = jax.random.truncated_normal(key, -2, 2, shape) / 0.87962566103423978
        return (mean + std * z).astype(dtype)

    return _turned(init, layout)


@_wrong("normal", "is_normal/any/law")
def _normal_takes_the_variance(mean=0.0, std=1.0, *, layout="torch"):
    return right.normal(mean, math.sqrt(std), layout=layout)


@_wrong("normal", "is_normal/any/law")
def _normal_is_a_sum_of_three_uniforms(mean=0.0, std=1.0, *, layout="torch"):
    def init(key, shape, dtype="float32"):
        z = 2 * jax.random.uniform(key, (3, *shape)).sum(0) - 3
        return (mean + std * z).astype(dtype)

    return _turned(init, layout)


@_wrong("normal", "rest/float32/forward")
def _normal_draws_the_rest_by_itself(mean=0.0, std=1.0, *, layout="torch"):
    def init(key, shape, dtype="float32"):
        count = math.prod(shape)
        whole = count - count % 16
        parts = [key.normal(whole, mean, std, dtype), key.normal(count - whole, mean, std, dtype)]
        return jnp.asarray(np.concatenate(parts).reshape(shape))

    return _turned(init, layout)


@_wrong("normal", "small/float32/forward")
def _normal_draws_a_block_for_few(mean=0.0, std=1.0, *, layout="torch"):
    def init(key, shape, dtype="float32"):
        count = math.prod(shape)
        return jnp.asarray(key.normal(max(count, 16), mean, std, dtype)[:count].reshape(shape))

    return _turned(init, layout)


@_wrong("normal", "std_below_0/any/error")
def _normal_takes_a_negative_std(mean=0.0, std=1.0, *, layout="torch"):
    return right.normal(mean, abs(std), layout=layout)


@_wrong("normal", "integers/any/error")
def _normal_draws_integers(mean=0.0, std=1.0, *, layout="torch"):
    init = right.normal(mean, std, layout=layout)
    return lambda key, shape, dtype="float32": init(key, shape).astype(dtype)


def _by_jax(mean: Any, std: Any, low: Any, high: Any, layout: str) -> Function:
    def init(key, shape, dtype="float32"):
        return (mean + std * jax.random.truncated_normal(key, low, high, shape)).astype(dtype)

    return _turned(init, layout)


@_wrong("trunc_normal", "is_truncated_at_values/any/law")
def _trunc_normal_counts_bounds_in_std(mean=0.0, std=1.0, a=-2.0, b=2.0, *, layout="torch"):
    return _by_jax(mean, std, a, b, layout)


@_wrong("trunc_normal", "is_truncated_at_values/any/law")
def _trunc_normal_clips(mean=0.0, std=1.0, a=-2.0, b=2.0, *, layout="torch"):
    def init(key, shape, dtype="float32"):
        return jnp.clip(mean + std * jax.random.normal(key, shape), a, b).astype(dtype)

    return _turned(init, layout)


@_wrong("trunc_normal", "is_truncated_at_values/any/law")
def _trunc_normal_loses_the_tail(mean=0.0, std=1.0, a=-2.0, b=2.0, *, layout="torch"):
    return _by_jax(mean, std, (a - mean) / std, (b - mean) / std, layout)


@_wrong("trunc_normal", "keeps_its_tails/any/law")
def _trunc_normal_turns_a_zero_into_a_bound(mean=0.0, std=1.0, a=-2.0, b=2.0, *, layout="torch"):
    return _by_jax(mean, std, (a - mean) / std, (b - mean) / std, layout)


@_wrong("trunc_normal", "is_truncated_at_values/any/law")
def _trunc_normal_keeps_its_variance(mean=0.0, std=1.0, a=-2.0, b=2.0, *, layout="torch"):
    return right.trunc_normal(mean, std / 0.87962566103423978, a, b, layout=layout)


@_wrong("trunc_normal", "kernel/float32/forward")
def _trunc_normal_draws_again_only_what_is_missing(
    mean=0.0, std=1.0, a=-2.0, b=2.0, *, layout="torch"
):
    def init(key, shape, dtype="float32"):
        values = key.normal(shape, mean, std, dtype)
        while (outside := (values < a) | (values > b)).any():
            values[outside] = key.normal(int(outside.sum()), mean, std, dtype)
        return jnp.asarray(values)

    return _turned(init, layout)


@_wrong("trunc_normal", "std_is_0/any/error")
def _trunc_normal_takes_a_std_of_zero(mean=0.0, std=1.0, a=-2.0, b=2.0, *, layout="torch"):
    return right.trunc_normal(mean, std or 1.0, a, b, layout=layout)


# -------------------------------------------------------------------------- variance scaling


@_wrong("calculate_gain", "tanh/float64/forward")
def _gain_of_tanh_is_one(nonlinearity, param=None):
    return 1.0 if nonlinearity == "tanh" else right.calculate_gain(nonlinearity, param)


@_wrong("calculate_gain", "selu/float64/forward")
def _gain_of_selu_is_one(nonlinearity, param=None):
    return 1.0 if nonlinearity == "selu" else right.calculate_gain(nonlinearity, param)


@_wrong("calculate_gain", "leaky_relu/float64/forward")
def _gain_of_leaky_relu_forgets_the_default_slope(nonlinearity, param=None):
    return right.calculate_gain(nonlinearity, param or 0)


@_wrong("calculate_gain", "param=0.2/float64/forward")
def _gain_of_leaky_relu_does_not_square_the_slope(nonlinearity, param: Any = None):
    return math.sqrt(2 / (1 + param))


@_wrong("calculate_gain", "identity/any/error")
def _gain_of_the_unknown_is_one(nonlinearity, param=None):
    try:
        return right.calculate_gain(nonlinearity, param)
    except ValueError:
        return 1.0


def _uniform_of(bound: Function, layout: str) -> Function:
    """U(-c, c) with c from torch's shape."""

    def init(key, shape, dtype="float32"):
        c = bound(shape)
        return right.uniform(-c, c)(key, shape, dtype)

    return _turned(init, layout)


def _normal_of(std: Function, layout: str) -> Function:
    def init(key, shape, dtype="float32"):
        return right.normal(0.0, std(shape))(key, shape, dtype)

    return _turned(init, layout)


@_wrong("xavier_uniform", "kernel/float32/forward")
def _xavier_uniform_knows_inputs_only(gain=1.0, *, layout="torch"):
    return _uniform_of(lambda shape: gain * math.sqrt(3 / _fans(shape)[0]), layout)


@_wrong("xavier_uniform", "has_its_scale/any/law")
def _xavier_uniform_takes_the_std_for_the_bound(gain=1.0, *, layout="torch"):
    return _uniform_of(lambda shape: gain * math.sqrt(2 / sum(_fans(shape))), layout)


@_wrong("xavier_uniform", "has_its_scale/any/law")
def _xavier_uniform_forgets_the_kernel(gain=1.0, *, layout="torch"):
    return _uniform_of(lambda shape: gain * math.sqrt(6 / sum(shape[:2])), layout)


@_wrong("xavier_normal", "has_its_scale/any/law")
def _xavier_normal_is_that_of_jax_truncated(gain=1.0, *, layout="torch"):
    def init(key, shape, dtype="float32"):
        std = gain * math.sqrt(2 / sum(_fans(shape))) / 0.87962566103423978
        return std * jax.random.truncated_normal(key, -2, 2, shape, dtype)

    return _turned(init, layout)


@_wrong("xavier_normal", "gain=1.6666666666666667/float32/forward")
def _xavier_normal_takes_the_root_of_the_gain(gain=1.0, *, layout="torch"):
    return right.xavier_normal(math.sqrt(gain), layout=layout)


@_wrong("xavier_normal", "one_axis/any/error")
def _xavier_normal_takes_a_vector(gain=1.0, *, layout="torch"):
    init = right.xavier_normal(gain, layout=layout)

    def of_a_column(key, shape, dtype="float32"):
        return init(key, shape if len(shape) > 1 else (*shape, 1), dtype).reshape(shape)

    return of_a_column


@_wrong("kaiming_uniform", "kernel/float32/forward")
def _kaiming_uniform_has_a_gain_of_one(
    a=0, mode="fan_in", nonlinearity="leaky_relu", *, layout="torch"
):
    return _uniform_of(lambda shape: math.sqrt(3 / _fans(shape)[0]), layout)


@_wrong("kaiming_uniform", "has_its_scale/any/law")
def _kaiming_uniform_reads_flax_shapes_as_torch_shapes(
    a=0, mode="fan_in", nonlinearity="leaky_relu", *, layout="torch"
):
    return right.kaiming_uniform(a, mode, nonlinearity)


@_wrong("kaiming_uniform", "mode=fan_out/float32/forward")
def _kaiming_uniform_swaps_its_modes(
    a=0, mode="fan_in", nonlinearity="leaky_relu", *, layout="torch"
):
    other = {"fan_in": "fan_out", "fan_out": "fan_in"}[mode]
    return right.kaiming_uniform(a, other, nonlinearity, layout=layout)


@_wrong("kaiming_uniform", "no_such_mode/any/error")
def _kaiming_uniform_takes_any_mode(
    a=0, mode="fan_in", nonlinearity="leaky_relu", *, layout="torch"
):
    known = mode if mode in ("fan_in", "fan_out") else "fan_in"
    return right.kaiming_uniform(a, known, nonlinearity, layout=layout)


@_wrong("kaiming_normal", "mode=FAN_OUT,nonlinearity=relu/float32/forward", Outcome.ERROR)
def _kaiming_normal_minds_upper_case(
    a=0, mode="fan_in", nonlinearity="leaky_relu", *, layout="torch"
):
    if mode not in ("fan_in", "fan_out"):
        raise ValueError(f"no such mode: {mode}")
    return right.kaiming_normal(a, mode, nonlinearity, layout=layout)


@_wrong("kaiming_normal", "nonlinearity=tanh/float32/forward")
def _kaiming_normal_always_uses_a(a=0, mode="fan_in", nonlinearity="leaky_relu", *, layout="torch"):
    return right.kaiming_normal(a, mode, "leaky_relu", layout=layout)


@_wrong("kaiming_normal", "has_its_scale/any/law")
def _kaiming_normal_is_he_normal_of_jax(
    a=0, mode: Any = "fan_in", nonlinearity="leaky_relu", *, layout="torch"
):
    axes = {"in_axis": 1, "out_axis": 0} if layout == "torch" else {}
    return jax.nn.initializers.variance_scaling(2.0, mode, "truncated_normal", **axes)


# --------------------------------------------------------------------------------- structure


@_wrong("eye", "wide/float32/forward")
def _eye_counts_from_the_end(*, layout="torch"):
    return lambda key, shape, dtype="float32": jnp.eye(*shape, dtype=dtype)[::-1, ::-1]


@_wrong("eye", "three_axes/any/error")
def _eye_takes_kernels(*, layout="torch"):
    return lambda key, shape, dtype="float32": jnp.eye(*shape[:2], dtype=dtype)


def _dirac_of(places: Function, layout: str) -> Function:
    def init(key, shape, dtype="float32"):
        array = np.zeros(shape, dtype)
        for place in places(shape):
            array[place] = 1
        return jnp.asarray(array)

    return _turned(init, layout)


@_wrong("dirac", "4x4x2x4/float32/forward")
def _dirac_rounds_the_middle_down(groups=1, *, layout="torch"):
    def places(shape):
        middle = [(length - 1) // 2 for length in shape[2:]]
        return [(d, d, *middle) for d in range(min(shape[:2]))]

    return _dirac_of(places, layout)


@_wrong("dirac", "groups=2/float32/forward")
def _dirac_ignores_groups(groups=1, *, layout="torch"):
    return right.dirac(1, layout=layout)


@_wrong("dirac", "6x3x3x3/float32/forward")
def _dirac_repeats_its_inputs(groups=1, *, layout="torch"):
    def places(shape):
        middle = [length // 2 for length in shape[2:]]
        return [(d, d % shape[1], *middle) for d in range(shape[0])]

    return _dirac_of(places, layout)


@_wrong("dirac", "passes_its_inputs/any/law")
def _dirac_reads_flax_shapes_as_torch_shapes(groups=1, *, layout="torch"):
    return lambda key, shape, dtype="float32": right.dirac(1)(key, shape, dtype)


@_wrong("dirac", "groups_do_not_divide/any/error")
def _dirac_leaves_outputs_that_are_over(groups=1, *, layout="torch"):
    init = right.dirac(1, layout=layout)
    return lambda key, shape, dtype="float32": init(key, shape, dtype)


def _decomposed(q_of: Function, gain: Any, layout: str) -> Function:
    """Q from a normal matrix of at least as many rows as columns."""

    def init(key, shape, dtype="float32"):
        rows, columns = shape[0], math.prod(shape[1:])
        normal = right.normal()(key, (rows, columns), dtype)
        tall = normal if rows >= columns else normal.T
        q = q_of(tall)
        return (gain * (q if rows >= columns else q.T)).reshape(shape).astype(dtype)

    return _turned(init, layout)


@_wrong("orthogonal", "is_uniform/any/law")
def _orthogonal_keeps_the_signs_of_the_decomposition(gain=1, *, layout="torch"):
    return _decomposed(lambda normal: jnp.linalg.qr(normal)[0], gain, layout)


@_wrong("orthogonal", "kernel/float32/forward")
def _orthogonal_has_other_signs_than_torch(gain=1, *, layout="torch"):
    return _decomposed(lambda normal: jnp.linalg.qr(normal)[0], gain, layout)


@_wrong("orthogonal", "has_both_determinants/any/law")
def _orthogonal_is_a_rotation(gain=1, *, layout="torch"):
    def q_of(normal):
        q, r = jnp.linalg.qr(normal)
        q = q * jnp.sign(jnp.diagonal(r))
        square = q.shape[0] == q.shape[1]
        return q.at[:, 0].multiply(jnp.sign(jnp.linalg.det(q))) if square else q

    return _decomposed(q_of, gain, layout)


@_wrong("orthogonal", "is_orthogonal/any/law")
def _orthogonal_by_a_single_gram_schmidt(gain=1, *, layout="torch"):
    """A Cholesky factor instead of a decomposition: the error grows with the condition squared."""

    def q_of(normal):
        factor = jnp.linalg.cholesky(normal.T @ normal)
        return jax.scipy.linalg.solve_triangular(factor, normal.T, lower=True).T

    return _decomposed(q_of, gain, layout)


@_wrong("orthogonal", "is_orthogonal/any/law")
def _orthogonal_flattens_kernels_from_the_end(gain=1, *, layout="torch"):
    def init(key, shape, dtype="float32"):
        flat = (math.prod(shape[:-1]), shape[-1])
        return right.orthogonal(gain)(key, flat, dtype).reshape(shape)

    return _turned(init, layout)


@_wrong("orthogonal", "is_orthogonal/any/law")
def _orthogonal_squares_the_gain(gain=1, *, layout="torch"):
    return right.orthogonal(gain**2, layout=layout)


@_wrong("orthogonal", "half/any/error")
def _orthogonal_takes_half_precision(gain=1, *, layout="torch"):
    init = right.orthogonal(gain, layout=layout)
    return lambda key, shape, dtype="float32": init(key, shape, "float32").astype(dtype)


def _with_zeros(mask: Function, std: float, layout: str) -> Function:
    def init(key, shape, dtype="float32"):
        values = right.normal(0.0, std)(key, shape, dtype)
        return jnp.where(mask(jax.random.fold_in(key, 1), shape), 0, values)

    return _turned(init, layout)


@_wrong("sparse", "has_its_zeros/any/law")
def _sparse_draws_zeros_one_by_one(sparsity, std=0.01, *, layout="torch"):
    return _with_zeros(lambda key, shape: jax.random.bernoulli(key, sparsity, shape), std, layout)


@_wrong("sparse", "has_its_zeros/any/law")
def _sparse_rounds_the_count_down(sparsity, std=0.01, *, layout="torch"):
    def init(key, shape, dtype="float32"):
        return right.sparse(math.floor(sparsity * shape[0]) / shape[0], std)(key, shape, dtype)

    return _turned(init, layout)


@_wrong("sparse", "has_its_zeros/any/law")
def _sparse_counts_in_rows(sparsity, std=0.01, *, layout="torch"):
    return right.sparse(sparsity, std, layout="flax" if layout == "torch" else "torch")


@_wrong("sparse", "has_its_zeros_anywhere/any/law")
def _sparse_has_the_same_zeros_in_each_column(sparsity, std=0.01, *, layout="torch"):
    def mask(key, shape):
        return (jax.random.permutation(key, shape[0]) < sparsity * shape[0])[:, None]

    return _with_zeros(mask, std, layout)


@_wrong("sparse", "matrix/float32/forward")
def _sparse_draws_the_zeros_first(sparsity, std=0.01, *, layout="torch"):
    def init(key, shape, dtype="float32"):
        zeros = np.zeros(shape, bool)
        for column in range(shape[1]):
            zeros[key.randperm(shape[0])[: math.ceil(sparsity * shape[0])], column] = True
        return jnp.where(zeros, 0, right.normal(0.0, std)(key, shape, dtype))

    return _turned(init, layout)


# ---------------------------------------------------------------------------- layer defaults


def _instead(layer_is: str, init: Function, **options: Any) -> Function:
    """Another initializer for one layer, the right ones for the others."""
    layer = options.pop("layer")
    return init if layer == layer_is else right.default_weight(layer, **options)


@_wrong("default_weight", "Linear/float32/forward")
def _linear_weight_is_that_of_kaiming(layer, **options):
    return _instead("Linear", right.kaiming_uniform(), layer=layer, **options)


@_wrong("default_weight", "Linear/float32/forward")
def _linear_weight_is_that_of_flax(layer, **options):
    def init(key, shape, dtype="float32"):
        return right.normal(0.0, 1 / math.sqrt(shape[1]))(key, shape, dtype)

    return _instead("Linear", init, layer=layer, **options)


@_wrong("default_weight", "ConvTranspose2d/float32/forward")
def _transposed_weight_counts_its_inputs(layer, **options):
    bound = _uniform_of(lambda shape: 1 / math.sqrt(_fans(shape)[1]), "torch")
    return _instead("ConvTranspose2d", bound, layer=layer, **options)


@_wrong("default_weight", "has_its_scale/any/law")
def _recurrent_weight_counts_its_inputs(layer, **options):
    bound = _uniform_of(lambda shape: 1 / math.sqrt(shape[1]), "torch")
    return _instead("LSTM", bound, layer=layer, **options)


@_wrong("default_weight", "Bilinear/float32/forward")
def _bilinear_weight_counts_both_inputs(layer, **options):
    bound = _uniform_of(lambda shape: 1 / math.sqrt(_fans(shape)[0]), "torch")
    return _instead("Bilinear", bound, layer=layer, **options)


@_wrong("default_weight", "MultiheadAttention/float32/forward")
def _attention_weight_is_drawn_for_each_projection(layer, **options):
    def init(key, shape, dtype="float32"):
        bound = math.sqrt(6 / (2 * shape[1]))
        return right.uniform(-bound, bound)(key, shape, dtype)

    return _instead("MultiheadAttention", init, layer=layer, **options)


@_wrong("default_weight", "of_an_embedding_is_normal/any/law")
def _embedding_keeps_its_padding_row(layer, **options):
    return right.default_weight(layer, **{**options, "padding_idx": None})


@_wrong("default_weight", "Embedding/float32/forward")
def _embedding_is_that_of_flax(layer, **options):
    init = _normal_of(lambda shape: 1 / math.sqrt(shape[1]), "torch")
    return _instead("Embedding", init, layer=layer, **options)


@_wrong("default_weight", "Embedding_flax/float32/forward")
def _embedding_is_transposed_in_flax(layer, layout="torch", **options):
    return right.normal(layout=layout)


@_wrong("default_weight", "PReLU/float32/forward")
def _prelu_weight_is_that_of_flax(layer, **options):
    return _instead("PReLU", right.constant(0.01), layer=layer, **options)


@_wrong("default_bias", "Linear/float32/forward")
def _bias_is_zero(layer, **options):
    return right.zeros()


@_wrong("default_bias", "has_the_scale_of_the_weight/any/law")
def _bias_counts_the_outputs(layer, weight_shape=None, hidden_size=None, layout="torch"):
    if weight_shape is None:
        return right.default_bias(layer, hidden_size=hidden_size)
    bound = 1 / math.sqrt(weight_shape[0])
    return right.uniform(-bound, bound)


@_wrong("default_bias", "Conv2d_flax/float32/forward")
def _bias_reads_flax_shapes_as_torch_shapes(layer, layout="torch", **options):
    return right.default_bias(layer, **options)


@_wrong("default_bias", "MultiheadAttention_keys/float32/forward")
def _attention_key_bias_is_zero(layer, **options):
    return right.zeros()


@_wrong("default_bias", "MultiheadAttention/float32/forward")
def _attention_bias_is_drawn(layer, **options):
    return right.uniform(-0.1, 0.1)
