"""Normalization: what rows cannot show - devices, residuals, compilations, digits beside flax."""

import json
import os
import re
import subprocess
import sys
import warnings
from pathlib import Path

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest
import torch

import jaxact
from jaxact.regularizers.normalization import (
    batch_norm,
    batch_norm_stats,
    group_norm,
    instance_norm,
    instance_norm_stats,
    layer_norm,
    rms_norm,
)

functional = torch.nn.functional
N, C, H, W = 6, 4, 5, 3
GENERATOR = np.random.default_rng(0)
X = GENERATOR.standard_normal((N, C, H, W)).astype(np.float32)
WEIGHT, BIAS = GENERATOR.standard_normal((2, C)).astype(np.float32)
ROW = GENERATOR.standard_normal((2, W)).astype(np.float32)

NORMS = {
    "batch_norm": lambda x, w, b: batch_norm(x, None, None, w, b, True),
    "batch_norm_last": lambda x, w, b: batch_norm(
        jnp.moveaxis(x, 1, -1), None, None, w, b, True, channel_axis=-1
    ),
    "instance_norm": lambda x, w, b: instance_norm(x, None, None, w, b),
    "group_norm": lambda x, w, b: group_norm(x, 2, w, b),
    "layer_norm": lambda x, w, b: layer_norm(x, x.shape[-1:], *_rows(x, w, b)),
    "rms_norm": lambda x, w, b: rms_norm(x, x.shape[-1:], *_rows(x, w * b)),
}


def _rows(x, *parameters):
    """For each number of a row, from numbers for each channel."""
    return (jnp.resize(parameter, x.shape[-1:]) for parameter in parameters)


# -------------------------------------------------------------------------------- what is kept


@pytest.mark.parametrize("dtype", ["float32", "float16"])
@pytest.mark.parametrize("name", NORMS)
def test_the_backward_pass_keeps_the_input_and_numbers_for_each_mean(name, dtype):
    arrays = [jnp.asarray(a, dtype) for a in (X, WEIGHT, BIAS)]
    kept = jax.tree.leaves(jax.vjp(NORMS[name], *arrays)[1])
    large = [a for a in kept if a.size == X.size]
    assert [str(a.dtype) for a in large] == [dtype]
    assert all(a.size <= X.size // W for a in kept if a.size < X.size)


@pytest.mark.parametrize("name", NORMS)
def test_value_and_gradient_write_nothing_of_the_inputs_size_but_the_gradient(name):
    shape = (16, C, 32, 64)
    x = jax.ShapeDtypeStruct(shape, jnp.float32)
    small = jax.ShapeDtypeStruct((C,), jnp.float32)

    def loss(x, w, b, g):
        return jnp.vdot(NORMS[name](x, w, b), g)

    result = jax.eval_shape(NORMS[name], x, small, small)
    step = jax.jit(jax.value_and_grad(loss, (0, 1, 2)))
    memory = step.lower(x, small, small, result).compile().memory_analysis()
    of_input = 4 * int(np.prod(shape))
    transposed = of_input if name == "batch_norm_last" else 0
    # A layer's mean and what goes with it is one number in 64.
    assert memory.temp_size_in_bytes - transposed < of_input / 4


def test_batch_norm_and_its_statistics_compute_the_moments_once():
    def step(x, mean, variance):
        return batch_norm(x, None, None, training=True), batch_norm_stats(x, mean, variance)

    def alone(x):
        return batch_norm(x, None, None, training=True)

    def sums(function, *arrays):
        text = jax.jit(function).lower(*arrays).compile().as_text()
        return len(re.findall(r"= f32\[[\d,]*\]\S* reduce\(", text))

    x = jnp.ones((64, 8, 16, 16))
    assert sums(step, x, jnp.zeros(8), jnp.ones(8)) == sums(alone, x) == 2


# -------------------------------------------------------------------------------- compilations


def test_a_new_eps_or_momentum_compiles_nothing():
    step = jax.jit(lambda x, eps: batch_norm(x, None, None, training=True, eps=eps))
    rows = jax.jit(lambda x, eps: layer_norm(x, (W,), eps=eps))
    stats = jax.jit(lambda x, m: batch_norm_stats(x, WEIGHT, BIAS, m))
    for value in (0.1, 0.2, 0.3):
        for function in (step, rows, stats):
            function(X, value)
    assert [f._cache_size() for f in (step, rows, stats)] == [1, 1, 1]


def test_settings_are_swept_with_vmap():
    eps = jnp.asarray([1e-5, 0.1, 1.0])
    swept = jax.vmap(lambda e: batch_norm(X, None, None, WEIGHT, BIAS, True, eps=e))(eps)
    for e, y in zip(eps, swept, strict=True):
        alone = batch_norm(X, None, None, WEIGHT, BIAS, True, eps=float(e))
        np.testing.assert_allclose(y, alone, rtol=2e-6, atol=1e-6)


def test_batch_norm_is_mapped_over_a_new_axis():
    many = jnp.stack([X, 2 * X + 1, X[::-1]])
    weights = jnp.stack([WEIGHT, BIAS, WEIGHT])

    def gradient(x, w):
        return jax.grad(lambda x, w: jnp.sum(NORMS["batch_norm"](x, w, BIAS) ** 3), (0, 1))(x, w)

    mapped = jax.vmap(gradient)(many, weights)
    for i in range(3):
        for a, b in zip(mapped, gradient(many[i], weights[i]), strict=True):
            np.testing.assert_allclose(a[i], b, rtol=1e-5, atol=1e-5)


# -------------------------------------------------------------------------------------- values


def test_an_eps_that_only_the_program_knows_is_nan_or_an_error():
    step = jax.jit(lambda eps: batch_norm(X, None, None, training=True, eps=eps))
    assert np.isnan(step(0.0)).all()
    with pytest.raises(ValueError, match="eps must be positive when training, got 0"):
        jaxact.checked(lambda eps: batch_norm(X, None, None, training=True, eps=eps))(0.0)
    evaluated = jaxact.checked(lambda eps: batch_norm(X, WEIGHT, BIAS**2, eps=eps))
    assert np.isfinite(evaluated(0.0)).all()
    with pytest.raises(ValueError, match="eps must be at least 0, got -1"):
        evaluated(-1.0)


def test_axes_and_groups_are_ints_of_python_or_numpy():
    expected = group_norm(X, 2)
    np.testing.assert_array_equal(group_norm(X, np.int64(2), channel_axis=np.int64(1)), expected)
    for name, call in {
        "group_norm": lambda: group_norm(X, 2, channel_axis=1.0),
        "batch_norm": lambda: batch_norm(X, WEIGHT, WEIGHT, channel_axis=1.0),
        "instance_norm_stats": lambda: instance_norm_stats(X, WEIGHT, BIAS, channel_axis=1.0),
    }.items():
        with pytest.raises(TypeError, match=f"{name}: channel_axis must be an int, got float"):
            call()


def test_momentum_none_needs_the_number_of_batches():
    with pytest.raises(TypeError, match="num_batches_tracked must be given"):
        batch_norm_stats(X, WEIGHT, BIAS, None)
    with pytest.raises(ValueError, match="at least 1, got 0"):
        batch_norm_stats(X, WEIGHT, BIAS, None, num_batches_tracked=0)
    traced = jaxact.checked(
        lambda count: batch_norm_stats(X, WEIGHT, BIAS, None, num_batches_tracked=count)
    )
    with pytest.raises(ValueError, match="at least 1, got 0"):
        traced(0)
    mean, variance = traced(1)
    np.testing.assert_allclose(mean, X.mean((0, 2, 3)), rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(variance, X.var((0, 2, 3), ddof=1), rtol=1e-5)


def test_the_average_over_batches_weighs_all_alike():
    mean, variance = jnp.full(C, 7.0), jnp.full(C, 9.0)
    for number, batch in enumerate((X, X + 1, 3 * X), start=1):
        mean, variance = batch_norm_stats(batch, mean, variance, None, num_batches_tracked=number)
    means = [b.mean((0, 2, 3)) for b in (X, X + 1, 3 * X)]
    np.testing.assert_allclose(mean, np.mean(means, 0), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("last", [False, True])
@pytest.mark.parametrize("shape", [(1, 4, 5), (3, 4, 1), (3, 1, 5), (1, 1, 5), (3, 4, 1, 5)])
def test_axes_of_length_1_change_nothing(shape, last):
    x = GENERATOR.standard_normal(shape).astype(np.float32)
    c = shape[1]
    there, w, b = (torch.tensor(a) for a in (x, WEIGHT[:c], BIAS[:c]))
    here = jnp.moveaxis(x, 1, -1) if last else x
    axis = -1 if last else 1

    def close(ours, torchs):
        ours = jnp.moveaxis(ours, -1, 1) if last else ours
        np.testing.assert_allclose(ours, torchs.numpy(), rtol=1e-5, atol=2e-6)

    given = (np.asarray(w), np.asarray(b))
    close(
        batch_norm(here, None, None, *given, True, channel_axis=axis),
        functional.batch_norm(there, None, None, w, b, True),
    )
    close(group_norm(here, 1, *given, channel_axis=axis), functional.group_norm(there, 1, w, b))
    if np.prod(shape[2:]) > 1:
        close(
            instance_norm(here, None, None, *given, channel_axis=axis),
            functional.instance_norm(there, None, None, w, b),
        )
        mean, variance = torch.zeros(c), torch.ones(c)
        functional.instance_norm(there, mean, variance)
        ours = instance_norm_stats(here, jnp.zeros(c), jnp.ones(c), channel_axis=axis)
        np.testing.assert_allclose(jnp.stack(ours), torch.stack([mean, variance]), rtol=1e-5)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_half_precision_goes_with_parameters_of_float32(dtype):
    x = jnp.asarray(X, dtype)
    there = torch.tensor(X).to(getattr(torch, dtype))
    w, b = torch.tensor(WEIGHT), torch.tensor(BIAS)
    pairs = [
        (
            batch_norm(x, None, None, WEIGHT, BIAS, True),
            functional.batch_norm(there, None, None, w, b, True),
        ),
        (group_norm(x, 2, WEIGHT, BIAS), functional.group_norm(there, 2, w, b)),
        (layer_norm(x, (W,), *ROW), functional.layer_norm(there, (W,), *map(torch.tensor, ROW))),
    ]
    with warnings.catch_warnings():
        # Torch says that it has no fused kernel for it.
        warnings.simplefilter("ignore", UserWarning)
        expected = functional.rms_norm(there, (W,), torch.tensor(ROW[0]))
    pairs.append((rms_norm(x, (W,), ROW[0]), expected))
    for ours, torchs in pairs:
        assert str(ours.dtype) == dtype
        # One rounding of half precision.
        np.testing.assert_allclose(
            ours.astype(jnp.float32),
            torchs.float().numpy(),
            rtol=2 * float(jnp.finfo(dtype).eps),
            atol=1e-6,
        )
    gradient = jax.grad(lambda w: jnp.sum(batch_norm(x, None, None, w, BIAS, True)))(WEIGHT)
    assert gradient.dtype == jnp.float32


@pytest.mark.parametrize("size", [3, 10, 1000, 65536])
def test_a_constant_gives_exactly_0(size):
    x = jnp.full((size, 1), 5.1)
    assert not np.any(batch_norm(x, None, None, training=True))
    assert not np.any(layer_norm(x, (size, 1)))
    assert not np.any(instance_norm(x.reshape(1, 1, size)))


SPREAD = {
    "batch_norm": lambda x, eps: batch_norm(x, None, None, training=True, eps=eps),
    "instance_norm": lambda x, eps: instance_norm(x, eps=eps),
    "group_norm": lambda x, eps: group_norm(x, 2, eps=eps),
    "layer_norm": lambda x, eps: layer_norm(x, (H, W), eps=eps),
    "rms_norm": lambda x, eps: rms_norm(x, (H, W), eps=eps),
}


@pytest.mark.parametrize("name", SPREAD)
def test_first_and_second_derivatives_have_their_digits_however_numbers_are_spread(name):
    along, weights = GENERATOR.standard_normal((2, *X.shape)).astype(np.float32)

    @jax.jit
    def derivatives(spread):
        def gradient(x, eps):
            return jax.grad(lambda *a: jnp.vdot(SPREAD[name](*a), weights), (0, 1))(x, eps)

        def along_x(x):
            return gradient(x, spread * spread * 1e-3)

        (dx, d_eps), (ddx, _) = jax.jvp(along_x, (X * spread,), (along,))
        return dx * spread, ddx * spread * spread, d_eps * spread * spread

    expected = derivatives(1.0)
    # Powers of two leave all digits.
    for power in (43, -43):
        for a, b in zip(derivatives(2.0**power), expected, strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-6)


def test_the_slope_along_a_running_variance_has_its_digits_too():
    @jax.jit
    @jax.grad
    def slope(variance, spread):
        y = batch_norm(X * spread, WEIGHT * 0, spread * spread * variance, eps=0)
        return jnp.vdot(y, X)

    for power in (43, -43):
        np.testing.assert_allclose(slope(BIAS**2, 2.0**power), slope(BIAS**2, 1.0), rtol=1e-6)


@pytest.mark.parametrize("sign", [1, -1])
def test_an_infinite_input_makes_the_running_mean_infinite_as_in_torch(sign):
    x = X.copy()
    x[0, 0, 0, 0] = x[1, 1, 1, 1] = sign * np.inf
    x[2, 2, :2, 0] = np.inf, -np.inf
    mean, variance = np.zeros(C, np.float32), np.ones(C, np.float32)
    there = [torch.tensor(a) for a in (mean, variance)]
    functional.batch_norm(torch.tensor(x), *there, training=True)
    for ours, theirs in zip(batch_norm_stats(x, mean, variance), there, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-6)
    there = [torch.tensor(a) for a in (mean, variance)]
    functional.instance_norm(torch.tensor(x), *there)
    for ours, theirs in zip(instance_norm_stats(x, mean, variance), there, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("size", [8, 1024])
def test_the_result_is_0_where_squares_overflow_and_nan_where_sums_do(size):
    x = np.zeros((2, size), np.float32)
    x[0, 0] = x[1, -1] = 3e38
    assert not np.any(layer_norm(x, (size,)))
    assert not np.any(rms_norm(x, (size,)))
    assert not np.any(batch_norm(x.T, None, None, training=True))
    assert not np.any(layer_norm(np.full((1, size), 1e20, np.float32), (size,)))
    # The limit below which the first number is subtracted from all.
    assert not np.any(layer_norm(np.full((1, size), 2e38 / size, np.float32), (size,)))
    assert np.isnan(layer_norm(np.full((1, size), 3e38, np.float32), (size,))).all()


def _errors(mean):
    """The largest error in y, for layer and batch norm of 8 x 512 numbers, by library."""
    x = (GENERATOR.standard_normal((8, 512)) + mean).astype(np.float32)
    exact = x.astype(np.float64)
    found = {}
    for norm, axis in (("layer", 1), ("batch", 0)):
        centered = exact - exact.mean(axis, keepdims=True)
        true = centered / np.sqrt((centered**2).mean(axis, keepdims=True) + 1e-5)
        here = torch.tensor(x)
        if norm == "layer":
            results = {
                "jaxact": layer_norm(x, (512,)),
                "torch": functional.layer_norm(here, (512,)),
                "flax": nn.LayerNorm(epsilon=1e-5).init_with_output(jax.random.key(0), x)[0],
            }
        else:
            module = nn.BatchNorm(use_running_average=False, epsilon=1e-5)
            results = {
                "jaxact": batch_norm(x, None, None, training=True),
                "torch": functional.batch_norm(here, None, None, training=True),
                "flax": module.init_with_output(jax.random.key(0), x)[0],
            }
        for library, y in results.items():
            found[norm, library] = float(np.abs(np.asarray(y, np.float64) - true).max())
    return found


@pytest.mark.parametrize("mean", [0.0, 1e2, 1e3, 1e4, 1e6])
def test_digits_do_not_depend_on_the_mean(mean):
    errors = _errors(mean)
    print(f"mean {mean:g}: " + ", ".join(f"{' '.join(k)} {v:.1e}" for k, v in errors.items()))
    assert errors["layer", "jaxact"] < 2e-6
    assert errors["batch", "jaxact"] < 2e-6
    if mean >= 1e3:
        assert errors["layer", "torch"] > 10 * errors["layer", "jaxact"]
        assert errors["layer", "flax"] > 100 * errors["layer", "jaxact"]


# ------------------------------------------------------------------------------------- devices

PROGRAM = """
import json, re, sys
import jax, jax.numpy as jnp, numpy as np
from jax.sharding import NamedSharding, PartitionSpec as P
from jaxact.regularizers.normalization import batch_norm, batch_norm_stats, layer_norm, group_norm

generator = np.random.default_rng(0)
x, g = generator.standard_normal((2, 32, 6, 5, 3)).astype(np.float32)
x = x * 2 + 100
# Every device has another mean.
x += np.arange(32, dtype=np.float32)[:, None, None, None]
w, b, mean = generator.standard_normal((3, 6)).astype(np.float32)
variance = mean**2
mesh = jax.make_mesh((8,), ("d",), axis_types=(jax.sharding.AxisType.Auto,))


def step(axis_name, x, w, b, g):
    def loss(x, w, b):
        y = batch_norm(x, None, None, w, b, True, axis_name=axis_name)
        mine = jnp.sum(y * g)
        return mine, y

    (_, y), grads = jax.value_and_grad(loss, (0, 1, 2), has_aux=True)(x, w, b)
    stats = batch_norm_stats(x, mean, variance, 0.3, axis_name=axis_name)
    if axis_name:
        grads = (grads[0], *(jax.lax.psum(part, axis_name) for part in grads[1:]))
    return y, grads, stats


def error(a, b):
    pairs = zip(jax.tree.leaves(a), jax.tree.leaves(b), strict=True)
    return max(float(np.abs(np.asarray(p, np.float64) - q).max() / (1e-3 + np.abs(q).max()))
               for p, q in pairs)


alone = jax.tree.map(np.asarray, jax.jit(lambda *a: step(None, *a))(x, w, b, g))
found = {}
rows, all_ = NamedSharding(mesh, P("d")), NamedSharding(mesh, P())
places = (rows, all_, all_, rows)
placed = [jax.device_put(a, s) for a, s in zip((x, w, b, g), places)]
jitted = jax.jit(lambda *a: step(None, *a), in_shardings=places)
text = jitted.lower(*placed).compile().as_text()
found["automatic"] = error(jitted(*placed), alone)
kinds = "all-gather|all-reduce|all-to-all|collective-permute|reduce-scatter"
found["travels"] = [int(np.prod([int(d) for d in s.split(",") if d]))
    for s in re.findall(r"= \\\\w+\\\\[([\\\\d,]*)\\\\]\\\\S* (?:" + kinds + r")", text)]
found["kinds"] = sorted(set(re.findall(kinds, text)))

specs = (P("d"), P(), P(), P("d"))
out = (P("d"), (P("d"), P(), P()), P())
mapped = jax.shard_map(lambda *a: step("d", *a), mesh=mesh, in_specs=specs, out_specs=out,
                       check_vma=False)
found["shard_map"] = error(jax.jit(mapped)(x, w, b, g), alone)


def of_parts(run):
    parts = lambda a: a.reshape(8, 4, *a.shape[1:])
    y, (dx, dw, db), stats = run(parts(x), w, b, parts(g))
    whole = lambda a: np.asarray(a).reshape(x.shape)
    return whole(y), (whole(dx), dw[0], db[0]), jax.tree.map(lambda a: a[0], stats)


axes = (0, None, None, 0)
for name, transform in (("pmap", jax.pmap), ("vmap", jax.vmap)):
    run = transform(lambda *a: step("d", *a), axis_name="d", in_axes=axes)
    found[name] = error(of_parts(run), alone)


# Types that know what varies between the devices: gradients of what they share are summed there.
def checked(x, w, b, g):
    def loss(x, w, b):
        y = batch_norm(x, None, None, w, b, True, axis_name="d")
        return jax.lax.psum(jnp.sum(y * g), "d")

    return jax.grad(loss, (0, 1, 2))(x, w, b)


mapped = jax.shard_map(checked, mesh=mesh, in_specs=specs, out_specs=(P("d"), P(), P()))
found["shard_map, checked"] = error(jax.jit(mapped)(x, w, b, g), alone[1])


def rows_of(x, g):
    def loss(x):
        y = layer_norm(x, (5, 3)) + group_norm(x, 3)
        return jnp.sum(y * g)
    return jax.grad(loss)(x)


jitted = jax.jit(rows_of, in_shardings=(rows, rows))
found["rows"] = error(jitted(placed[0], placed[3]), np.asarray(jax.jit(rows_of)(x, g)))
text = jitted.lower(placed[0], placed[3]).compile().as_text()
found["rows_kinds"] = sorted(set(re.findall(kinds, text)))

# A mesh whose axes are part of the types.
mesh = jax.make_mesh((8,), ("d",), axis_types=(jax.sharding.AxisType.Explicit,))
rows, all_ = NamedSharding(mesh, P("d")), NamedSharding(mesh, P())
placed = [jax.device_put(a, s) for a, s in zip((x, w, b, g), (rows, all_, all_, rows))]
jitted = jax.jit(lambda *a: step(None, *a))
found["explicit"] = error(jitted(*placed), alone)
text = jitted.lower(*placed).compile().as_text()
found["explicit_kinds"] = sorted(set(re.findall(kinds, text)))
assert jax.typeof(jitted(*placed)[0]).sharding.spec == P("d", None, None, None)
found["explicit, rows"] = error(
    jax.jit(rows_of)(placed[0], placed[3]), np.asarray(jax.jit(rows_of)(x, g)))
print(json.dumps(found))
"""


@pytest.fixture(scope="module")
def on_eight_devices():
    flags = "--xla_force_host_platform_device_count=8"
    run = subprocess.run(
        [sys.executable, "-c", PROGRAM.replace("\\\\", "\\")],
        env=os.environ | {"XLA_FLAGS": flags, "JAX_PLATFORMS": "cpu"},
        capture_output=True,
        text=True,
        cwd=Path(__file__).parents[3],
        check=False,
    )
    assert run.returncode == 0, run.stderr[-3000:]
    return json.loads(run.stdout)


@pytest.mark.parametrize(
    "how",
    [
        "automatic",
        "shard_map",
        "shard_map, checked",
        "pmap",
        "vmap",
        "rows",
        "explicit",
        "explicit, rows",
    ],
)
def test_values_gradients_and_statistics_are_those_of_one_device(on_eight_devices, how):
    assert on_eight_devices[how] < 5e-6


def test_nothing_travels_but_sums_for_each_channel(on_eight_devices):
    assert on_eight_devices["explicit_kinds"] == on_eight_devices["kinds"]
    assert "all-gather" not in on_eight_devices["kinds"]
    assert max(on_eight_devices["travels"]) <= 2 * 6
    assert on_eight_devices["rows_kinds"] == []
