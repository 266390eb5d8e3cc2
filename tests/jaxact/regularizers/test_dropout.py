"""Dropouts in programs: compiled, mapped, differentiated, scanned, with any key."""

import functools
import warnings

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import torch
from jax.ad_checkpoint import print_saved_residuals

import jaxact
from jaxact import regularizers
from jaxact.random import TorchGenerator
from jaxact.regularizers.dropouts._factors import threshold

KEY = jax.random.key(3)
SHAPE = (6, 5, 8, 7)
X = jnp.asarray(np.random.default_rng(0).standard_normal(SHAPE), jnp.float32)
VOLUME = jnp.ones((2, 3, 4, 5, 6))
ALPHA = {"training": True}

CALLS = {
    "dropout": regularizers.dropout,
    "dropout1d": lambda x, p, **values: regularizers.dropout1d(x[0], p, **values),
    "dropout2d": regularizers.dropout2d,
    "dropout3d": regularizers.dropout3d,
    "alpha_dropout": functools.partial(regularizers.alpha_dropout, **ALPHA),
    "feature_alpha_dropout": functools.partial(regularizers.feature_alpha_dropout, **ALPHA),
    "drop_path": regularizers.drop_path,
    "drop_path of a batch": functools.partial(regularizers.drop_path, mode="batch"),
    "dropconnect": regularizers.dropconnect,
    "dropblock": functools.partial(regularizers.dropblock, block_size=3),
    "gaussian_dropout": regularizers.gaussian_dropout,
}
EACH = pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)


def _with_generator(call, x, seed=0):
    return call(x, 0.3, key=TorchGenerator(seed))


# ------------------------------------------------------------------------------------ one program


@EACH
def test_the_mask_is_the_same_compiled_and_not_for_p_as_number_and_as_array(call):
    eager = call(X, 0.25, key=KEY)
    compiled = jax.jit(lambda x, key: call(x, 0.25, key=key))(X, KEY)
    traced = jax.jit(lambda x, p, key: call(x, p, key=key))(X, 0.25, KEY)
    array = call(X, jnp.float32(0.25), key=KEY)
    for other in (compiled, traced, array):
        np.testing.assert_allclose(other, eager, rtol=3e-7, atol=1e-6)


@EACH
def test_a_new_p_compiles_nothing(call):
    first, other = jnp.float32(0.25), jnp.float32(0.375)
    another_key = jax.random.key(4)
    call(X, 0.25, key=KEY)
    call(X, first, key=KEY)
    with jax.no_tracing():
        call(X, 0.375, key=another_key)
        call(X, other, key=another_key)


@EACH
def test_mapped_keys_give_what_they_give_alone(call):
    keys = jax.random.split(KEY, 3)
    together = jax.vmap(lambda key: call(X, 0.3, key=key))(keys)
    alone = jnp.stack([call(X, 0.3, key=key) for key in keys])
    np.testing.assert_allclose(together, alone, rtol=3e-7, atol=1e-6)


@pytest.mark.parametrize("name", ["dropout", "alpha_dropout", "dropblock", "gaussian_dropout"])
def test_p_can_be_mapped(name):
    call = CALLS[name]
    p = jnp.array([0.1, 0.6])
    together = jax.vmap(lambda p: call(X, p, key=KEY))(p)
    alone = jnp.stack([call(X, each, key=KEY) for each in p])
    np.testing.assert_allclose(together, alone, rtol=3e-7, atol=1e-6)


@EACH
def test_every_step_of_a_scan_draws_from_its_own_key(call):
    keys = jax.random.split(KEY, 3)

    def step(carry, key):
        return carry, call(X, 0.3, key=key)

    _, each = jax.lax.scan(step, 0.0, keys)
    alone = jnp.stack([call(X, 0.3, key=key) for key in keys])
    np.testing.assert_allclose(each, alone, rtol=3e-7, atol=1e-6)


@EACH
@pytest.mark.parametrize("kind", ["rbg", "unsafe_rbg"])
def test_every_kind_of_key_draws_typed_or_as_bare_data(call, kind):
    key = jax.random.key(1, impl=kind)
    assert call(X, 0.3, key=key).shape == call(X, 0.3, key=KEY).shape
    with jax.default_prng_impl(kind):
        bare = call(X, 0.3, key=jax.random.key_data(key))
    np.testing.assert_array_equal(bare, call(X, 0.3, key=key))


# -------------------------------------------------------------------------------------- gradients


@EACH
def test_the_backward_pass_draws_the_mask_again(call, capsys):
    print_saved_residuals(lambda x, key: call(x, 0.3, key=key), X, KEY)
    saved = capsys.readouterr().out
    largest = [line for line in saved.splitlines() if "," in line.split("]")[0]]
    assert largest == [], saved


@EACH
def test_the_gradient_in_p_is_that_of_the_scale_with_the_mask_held(call):
    """As a difference quotient shows it where both of its ends have the same mask."""
    p, step = 0.3, 2.0**-9

    def total(p):
        return jnp.mean(call(X, p, key=KEY) ** 2)

    found, forward = jax.grad(total)(p), jax.jvp(total, (p,), (1.0,))[1]
    np.testing.assert_allclose(found, forward, rtol=1e-4)
    low, high = (call(jnp.ones(SHAPE), q, key=KEY) > 0 for q in (p - step, p + step))
    held = jnp.asarray(low == high, jnp.float32)
    assert held.mean() > 0.95
    if call is CALLS["dropblock"]:
        assert found == 0
        return

    def held_total(p):
        return jnp.mean(call(X, p, key=KEY) ** 2 * held)

    quotient = (held_total(p + step) - held_total(p - step)) / (2 * step)
    np.testing.assert_allclose(jax.grad(held_total)(p), quotient, rtol=2e-3)


@pytest.mark.parametrize("p", [0.0, 1.0])
@pytest.mark.parametrize("name", ["dropout", "dropout2d", "alpha_dropout", "drop_path"])
def test_a_traced_p_of_0_keeps_all_and_of_1_drops_all(name, p):
    y, slope = jax.value_and_grad(lambda p: jnp.sum(CALLS[name](X, p, key=KEY) ** 2))(p)
    expected = float(jnp.sum(X**2)) if p == 0 else 0.0
    np.testing.assert_allclose(y, expected, rtol=1e-6)
    assert np.isfinite(slope)
    gradient = jax.grad(lambda x: jnp.sum(CALLS[name](x, jnp.float32(p), key=KEY)))(X)
    np.testing.assert_array_equal(gradient, 1 - p)


def test_what_is_dropped_is_multiplied_by_0():
    x = jnp.array([jnp.nan, jnp.inf, -1.0, 1.0])
    y = regularizers.dropout(x, 1.0, key=KEY)
    np.testing.assert_array_equal(y, [np.nan, np.nan, -0.0, 0.0])
    assert np.signbit(y[2])
    assert not np.signbit(y[3])
    np.testing.assert_array_equal(
        jax.grad(lambda x: regularizers.dropout(x, 1.0, key=KEY).sum())(x), 0
    )


# ----------------------------------------------------------------------------------- the threshold


@pytest.mark.parametrize("p", [0.0, 1e-10, 2.0**-32, 1e-3, 0.1, 0.5, 0.7, 0.999, 1 - 2.0**-33, 1.0])
def test_the_chance_is_the_nearest_multiple_of_2_to_the_minus_32(p):
    assert int(threshold(p)) == min(round(p * 2**32), 2**32 - 1)
    single = float(np.float32(p))
    expected = min(round(single * 2**32), 2**32 - 2**8)
    assert int(jax.jit(threshold)(jnp.float32(p))) == expected
    with jax.enable_x64(True):
        assert int(threshold(jnp.float64(p))) == int(threshold(p))


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_a_p_of_half_precision_is_taken_as_it_is(dtype):
    p = jnp.asarray(0.3, dtype)
    exact = float(p)
    assert int(threshold(p)) == round(exact * 2**32)
    drawn = regularizers.dropout(jnp.ones(64), p, key=KEY)
    np.testing.assert_allclose(drawn.max(), 1 / (1 - exact), rtol=1e-6)


# ------------------------------------------------------------------------------------------ checks


@EACH
@pytest.mark.parametrize("training", [1, 0, "no", None])
def test_training_is_true_or_false(call, training):
    if "training" in getattr(call, "keywords", {}):
        call = call.func
    with pytest.raises(TypeError, match=r": training must be True or False, got (1|.no.|None|.*)"):
        call(X, 0.3, training=training, key=KEY)


@EACH
@pytest.mark.parametrize(
    "key", [0, "key", np.zeros(2, np.int32), np.zeros(3, np.uint32), jax.random.split(KEY)]
)
def test_what_is_no_key_is_named(call, key):
    with pytest.raises(TypeError, match=r"\w: key must be a JAX random key or a Torch.*, got"):
        call(X, 0.3, key=key)


@pytest.mark.parametrize("p", [-0.1, 1.1, np.nan])
@pytest.mark.parametrize("name", ["dropout", "alpha_dropout", "dropblock", "gaussian_dropout"])
def test_a_traced_p_that_is_no_probability_gives_nan_and_raises_when_checked(name, p):
    call = CALLS[name]
    assert np.isnan(call(X, jnp.float32(p), key=KEY)).all()
    with jaxact.checking(), pytest.raises(ValueError, match="p must be in"):
        call(X, jnp.float32(p), key=KEY)
    with pytest.raises(ValueError, match="p must be in"):
        jaxact.checked(lambda p: call(X, p, key=KEY))(p)


@EACH
def test_p_has_no_axes(call):
    with pytest.raises(ValueError, match="p must be a number or an array without axes"):
        call(X, jnp.full(7, 0.5), key=KEY)


@pytest.mark.parametrize(
    ("call", "shape", "count"),
    [
        (regularizers.dropout2d, (3, 4, 5), 1),
        (regularizers.dropout2d, (3, 4), 1),
        (regularizers.dropout2d, (3, 4, 1, 1, 1), 1),
        (regularizers.dropout2d, (3, 4, 5, 6), 0),
        (regularizers.dropout3d, (3, 4, 5), 1),
        (regularizers.dropout3d, (1, 1, 1, 1, 1, 1), 1),
        (regularizers.dropout3d, (3, 4, 5, 6), 0),
        (regularizers.dropout3d, (3, 4, 5, 6, 1), 0),
    ],
)
@pytest.mark.parametrize("training", [True, False])
def test_channels_warn_of_a_number_of_axes_as_torch_does(call, shape, count, training):
    name = call.__name__
    with warnings.catch_warnings(record=True) as ours:
        warnings.simplefilter("always")
        call(jnp.ones(shape), training=training, key=KEY)
    with warnings.catch_warnings(record=True) as theirs:
        warnings.simplefilter("always")
        getattr(torch.nn.functional, name)(torch.ones(shape), training=training)
    assert len(ours) == len(theirs) == count
    assert [w.filename for w in ours] == [__file__] * count


# --------------------------------------------------------------------------------- torch's stream


MAPPED = {
    "vmap": jax.vmap,
    "gradient of vmap": lambda f: jax.grad(lambda x: jax.vmap(f)(x).sum()),
    "scan": lambda f: lambda x: jax.lax.scan(lambda c, row: (c, f(row)), 0, x),
    "a constant of vmap": lambda f: jax.vmap(lambda row: row * jnp.sum(f(jnp.ones((4, 3, 8, 7))))),
}
COMPILED = {
    "jit": jax.jit,
    "checkpoint": jax.checkpoint,
    "gradient of jit": lambda f: jax.grad(lambda x: jax.jit(f)(x).sum()),
    "jit of gradient": lambda f: jax.jit(jax.grad(lambda x: f(x).sum())),
    "a constant of jit": lambda f: jax.jit(lambda x: x.sum() + f(jnp.ones((4, 3, 8, 7))).sum()),
}


@EACH
@pytest.mark.parametrize("name", [*MAPPED, *COMPILED])
def test_a_generator_is_refused_where_it_would_draw_while_tracing(call, name):
    x = jnp.ones((2, 4, 3, 8, 7) if name in MAPPED else (4, 3, 8, 7))
    transform = {**MAPPED, **COMPILED}[name]
    with pytest.raises(TypeError, match="key must be a JAX key inside jit, vmap, scan"):
        transform(functools.partial(_with_generator, call))(x)


@EACH
def test_a_generator_draws_under_eager_gradients(call):
    def total(x):
        return jnp.sum(_with_generator(call, x) ** 2)

    found = jax.grad(total)(X)
    tangent = jax.jvp(total, (X,), (X,))[1]
    np.testing.assert_allclose(tangent, jnp.sum(found * X), rtol=1e-4)
    assert np.isfinite(jax.hessian(lambda s: total(s * X))(1.0))


def test_a_generator_draws_once_under_jacfwd():
    x = jnp.ones(8)
    slopes = jax.jacfwd(lambda x: regularizers.dropout(x, 0.5, key=TorchGenerator(0)))(x)
    expected = regularizers.dropout(x, 0.5, key=TorchGenerator(0))
    np.testing.assert_array_equal(slopes, jnp.diag(expected))


@EACH
def test_a_generator_takes_a_p_that_is_known(call):
    with pytest.raises(TypeError, match="p must be a number when key is a TorchGenerator"):
        call(X, jnp.float32(0.3), key=TorchGenerator(0))


def test_a_generator_goes_on_where_torch_goes_on():
    """Several layers in a row, one of which draws nothing."""
    torch.manual_seed(5)
    generator = TorchGenerator(5)
    x, y = torch.from_numpy(np.asarray(X).copy()), X
    for name, p in (("dropout", 0.2), ("dropout2d", 0.5), ("dropout", 1.0), ("alpha_dropout", 0.1)):
        x = getattr(torch.nn.functional, name)(x + 1, p, True)
        y = getattr(regularizers, name)(y + 1, p, True, key=generator)
    np.testing.assert_array_equal(y, x.numpy())
    np.testing.assert_array_equal(generator.rand(3), torch.rand(3).numpy())


# ---------------------------------------------------------------------------------------- variants


def test_dropblock_of_channels_last_is_that_of_channels_first_with_other_draws():
    y = regularizers.dropblock(jnp.ones((4, 9, 8, 6)), 0.3, 3, key=KEY, channel_axis=-1)
    kept = np.asarray(y) > 0
    np.testing.assert_allclose(np.asarray(y)[kept], kept.size / kept.sum(), rtol=1e-6)


def test_a_block_is_no_larger_than_the_map():
    y = regularizers.dropblock(jnp.ones((64, 8, 3, 5)), 0.3, 7, key=KEY)
    dropped = np.asarray(y) == 0
    runs = np.lib.stride_tricks.sliding_window_view(dropped, (3, 3), (2, 3)).all((-2, -1))
    assert (runs.any((2, 3)) == dropped.any((2, 3))).all()
    assert dropped.any()


@pytest.mark.parametrize("impl", ["rbg", "threefry2x32"])
def test_a_key_of_any_implementation_drops_in_64_bit_mode(impl):
    with jax.enable_x64(True):
        x = jnp.ones(10_000, jnp.float32)
        dropped = regularizers.dropout(x, 0.5, key=jax.random.key(0, impl=impl)) == 0
    assert 0.4 < float(dropped.mean()) < 0.6
