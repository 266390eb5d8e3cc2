"""Clipping in trees of every kind, in optax chains, checked, for many models, beside optax's."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from flax import nnx

import jaxact
from jaxact.regularizers import (
    adaptive_grad_clip,
    clip_adaptively,
    clip_by_grad_norm,
    clip_by_grad_value,
    clip_grad_norm,
    clip_grad_value,
    clip_grads_with_norm,
    get_total_norm,
)
from jaxact.regularizers.training import clipping

GRADS = {"a": jnp.array([3.0, 0.0]), "b": {"c": jnp.array([[0.0, 4.0]]), "none": None}}
CLIPPED = {
    "clip_grad_norm": lambda g, x=1.0: clip_grad_norm(g, x)[0],
    "clip_grad_value": lambda g, x=1.0: clip_grad_value(g, x),
    "clip_grads_with_norm": lambda g, x=1.0: clip_grads_with_norm(g, x, 5.0),
    "adaptive_grad_clip": lambda g, x=1.0: adaptive_grad_clip(g, g, x / 100),
}
EACH = pytest.mark.parametrize("name", CLIPPED)


def allclose(found, expected, rtol=1e-6):
    assert jax.tree.structure(found) == jax.tree.structure(expected)
    for a, b in zip(jax.tree.leaves(found), jax.tree.leaves(expected), strict=True):
        np.testing.assert_allclose(a, b, rtol=rtol, atol=1e-7)


@EACH
def test_the_structure_stays_with_its_empty_leaves(name):
    clipped = CLIPPED[name](GRADS)
    assert jax.tree.structure(clipped) == jax.tree.structure(GRADS)
    assert CLIPPED[name]({}) == {}
    state = nnx.state(nnx.Linear(3, 2, rngs=nnx.Rngs(0)), nnx.Param)
    assert jax.tree.structure(CLIPPED[name](state)) == jax.tree.structure(state)


@EACH
def test_hundreds_of_models_are_clipped_each_by_itself(name):
    grads = {"a": jax.random.normal(jax.random.key(0), (300, 5)) * jnp.arange(300)[:, None]}
    bounds = jnp.linspace(0.1, 4, 300)
    mapped = jax.jit(jax.vmap(CLIPPED[name]))(grads, bounds)["a"]
    for i in (0, 1, 299):
        alone = CLIPPED[name]({"a": grads["a"][i]}, bounds[i])["a"]
        np.testing.assert_allclose(mapped[i], alone, rtol=1e-5, atol=1e-7)


def test_the_norm_of_nothing_is_0():
    clipped, total = clip_grad_norm({"a": None}, 1.0)
    assert clipped == {"a": None}
    assert total.dtype == jnp.float32
    assert float(total) == 0 == float(get_total_norm([], "inf"))


def test_a_new_bound_compiles_nothing():
    clip_grad_norm(GRADS, 1.0)
    compiled = clipping._clip_grad_norm._cache_size()
    clip_grad_norm(GRADS, 2.0)
    clip_grad_norm(GRADS, 3)
    assert clipping._clip_grad_norm._cache_size() <= compiled + 1


@pytest.mark.parametrize("norm_type", [0.0, 0.5, 1.0, 2.0, 3.0, np.inf, -np.inf])
def test_a_traced_norm_type_gives_what_a_known_one_does(norm_type):
    known = get_total_norm(GRADS, norm_type)
    traced = jax.jit(get_total_norm)(GRADS, jnp.float32(norm_type))
    np.testing.assert_allclose(traced, known, rtol=1e-6)


def test_a_traced_norm_type_of_2_has_the_derivative_of_its_neighbours():
    def total(p, grads=GRADS):
        return get_total_norm(grads, p)

    def mixed(p):
        return jax.grad(lambda a: total(p, {"a": a}))(jnp.array([3.0, 4.0]))[0]

    def clipped(p):
        return clip_grad_norm(GRADS, 1.0, p)[0]["a"][0]

    orders = jnp.array([1.999, 2.0, 2.001])
    for function in (total, mixed, clipped):
        slopes = jax.jit(jax.vmap(jax.grad(function)))(orders)
        assert abs(slopes[1]) > 0.05
        np.testing.assert_allclose(slopes[1], (slopes[0] + slopes[2]) / 2, rtol=1e-4)
    np.testing.assert_allclose(jax.grad(total)(2.0), slopes_of_3_and_4(), rtol=1e-5)


def slopes_of_3_and_4():
    """d/dp (3^p + 4^p)^(1/p) at p = 2."""
    logs = (9 * np.log(3) + 16 * np.log(4)) / 25
    return 5 * (logs / 2 - np.log(25) / 4)


def test_mixed_dtypes_promote_and_each_leaf_keeps_its_own():
    grads = [jnp.array([3.0], jnp.float16), jnp.array([4.0], jnp.bfloat16)]
    clipped, total = clip_grad_norm(grads, 1.0)
    assert total.dtype == jnp.float32
    assert [g.dtype for g in clipped] == [jnp.float16, jnp.bfloat16]
    np.testing.assert_allclose(clipped[0].astype(float), 0.6, rtol=1e-3)


def test_wide_and_narrow_leaves_are_normed_together_beyond_the_range_of_the_narrow():
    with jax.enable_x64(True):
        for size in (1e200, 1e-200):
            grads = [jnp.array([0.0, 0.0], jnp.float32), jnp.array([3.0, 4.0]) * size]
            np.testing.assert_allclose(get_total_norm(grads), 5 * size, rtol=1e-14)


def test_complex_gradients_are_clipped_by_their_sizes():
    clipped, total = clip_grad_norm({"a": jnp.array([3 + 4j])}, 1.0)
    assert float(total) == 5
    assert total.dtype == jnp.float32
    np.testing.assert_allclose(clipped["a"], [0.6 + 0.8j], rtol=1e-6)


@pytest.mark.parametrize("leaf", [jnp.arange(3), jnp.array([True]), jax.random.key(0)])
def test_gradients_that_are_no_numbers_are_refused_by_their_path(leaf):
    with pytest.raises(TypeError, match=r"^clip_grad_norm: the leaves of grads .* at 'a/0'"):
        clip_grad_norm({"a": [leaf]}, 1.0)


@pytest.mark.parametrize("kind", ["int32", "complex64"])
def test_gradients_that_cannot_be_clipped_adaptively_are_refused(kind):
    params = {"w": jnp.ones((2, 2)), "n": None}
    message = f"^adaptive_grad_clip: the leaves of grads .*, got {kind} at 'w'"
    with pytest.raises(TypeError, match=message):
        adaptive_grad_clip({**params, "w": params["w"].astype(kind)}, params)


def test_integers_without_gradients_stay():
    params = {"w": jnp.ones(4), "n": jnp.arange(2)}
    grads = jax.grad(lambda p: p["w"].sum(), allow_int=True)(params)
    clipped = adaptive_grad_clip(grads, params)
    assert clipped["n"] is grads["n"]
    assert (clipped["w"] < 1).all()


@pytest.mark.parametrize(
    ("grads", "norm_type", "message"),
    [
        ([jnp.ones(0)], "inf", "the leaves of grads must not be empty for norm_type inf, .* '0'"),
        ([jnp.ones(1)], "fro", "norm_type must be a number or 'inf', got 'fro'"),
    ],
)
def test_norms_that_do_not_exist_are_refused_by_their_name(grads, norm_type, message):
    with pytest.raises(ValueError, match=f"^clip_grad_norm: {message}"):
        clip_grad_norm(grads, 1.0, norm_type)


@pytest.mark.parametrize("size", [5e37, 1.9e38])
def test_gradients_near_the_largest_number_are_clipped(size):
    grads, third = jnp.full((1, 3), size), np.full((1, 3), 3**-0.5)
    np.testing.assert_allclose(jax.grad(get_total_norm)(grads), third, rtol=1e-6)
    np.testing.assert_allclose(clip_grad_norm(grads, 1.0)[0], third, rtol=1e-6)
    adaptive = adaptive_grad_clip(grads, jnp.ones((1, 3)))
    np.testing.assert_allclose(adaptive, np.full((1, 3), 0.01), rtol=1e-6)


def test_gradients_of_integers_pass():
    grads = jax.grad(lambda p: p["w"].sum(), allow_int=True)({"w": jnp.ones(4), "n": jnp.arange(2)})
    clipped, total = clip_grad_norm(grads, 1.0)
    assert float(total) == 2
    assert clipped["n"] is grads["n"]


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_a_norm_that_is_not_finite_raises_when_asked_in_a_checked_call(bad):
    grads = {"a": jnp.array([1.0, bad])}
    clipped, total = clip_grad_norm(grads, 1.0, error_if_nonfinite=True)
    assert jnp.isnan(total)
    assert jnp.isnan(clipped["a"]).all()
    for function in (
        lambda: clip_grad_norm(grads, 1.0, error_if_nonfinite=True),
        lambda: get_total_norm(grads, error_if_nonfinite=True),
    ):
        with (
            jaxact.checking(),
            pytest.raises(RuntimeError, match=r"the total norm must be finite .*, got (nan|inf)"),
        ):
            function()
    with jaxact.checking():
        clip_grad_norm(grads, 1.0)


def test_infinite_bounds_have_finite_slopes():
    for slope in (
        jax.grad(lambda g: sum(x.sum() for x in jax.tree.leaves(clip_grad_norm(g, jnp.inf)[0]))),
        jax.grad(lambda g: adaptive_grad_clip(g, g, jnp.inf)["a"].sum()),
    ):
        assert all(jnp.isfinite(x).all() for x in jax.tree.leaves(slope(GRADS)))


# ----------------------------------------------------------------------------------------- optax


def tree(seed, *shapes):
    keys = jax.random.split(jax.random.key(seed), len(shapes))
    return [jax.random.normal(key, shape) for key, shape in zip(keys, shapes, strict=True)]


def test_in_a_chain_the_optimizer_gets_what_the_function_gives():
    grads, params = tree(0, (4, 3), (4,)), tree(1, (4, 3), (4,))
    for transformation, clipped in (
        (clip_by_grad_norm(0.5), clip_grad_norm(grads, 0.5)[0]),
        (clip_by_grad_norm(0.5, "inf"), clip_grad_norm(grads, 0.5, "inf")[0]),
        (clip_by_grad_value(0.25), clip_grad_value(grads, 0.25)),
        (clip_adaptively(0.1), adaptive_grad_clip(grads, params, 0.1)),
    ):
        chain = optax.chain(transformation, optax.sgd(0.1))
        updates, _ = jax.jit(chain.update)(grads, chain.init(params), params)
        allclose(updates, jax.tree.map(lambda g: -0.1 * g, clipped))


@pytest.mark.parametrize(
    "transformation", [clip_by_grad_norm(0.5), clip_by_grad_value(0.25), clip_adaptively(0.1)]
)
def test_trees_of_numpy_are_clipped_from_python(transformation):
    trees = tree(0, (4, 3), (4,)), tree(1, (4, 3), (4,))
    arrays = jax.tree.map(np.asarray, trees)
    expected, found = (
        transformation.update(grads, transformation.init(params), params)[0]
        for grads, params in (trees, arrays)
    )
    allclose(found, expected)


def test_a_bound_may_follow_a_schedule():
    schedule = optax.linear_schedule(1.0, 0.0, 2)
    transformation = optax.inject_hyperparams(clip_by_grad_norm)(max_norm=schedule)
    state, norms = transformation.init(GRADS), []
    for _ in range(3):
        updates, state = transformation.update(GRADS, state)
        norms.append(float(get_total_norm(updates)))
    np.testing.assert_allclose(norms, [1.0, 0.5, 0.0], atol=1e-6)


def test_other_factors_of_the_adaptive_clip_may_be_injected():
    params = tree(1, (4, 3))
    transformation = optax.inject_hyperparams(clip_adaptively)(clip_factor=0.1)
    updates, _ = transformation.update(params, transformation.init(params), params)
    allclose(updates, adaptive_grad_clip(params, params, 0.1))


def test_the_last_layer_may_be_left_out_by_a_mask():
    params = {"body": jnp.ones((2, 2)), "head": jnp.ones((2, 2))}
    masked = optax.masked(clip_adaptively(), {"body": True, "head": False})
    updates, _ = masked.update(params, masked.init(params), params)
    assert (updates["head"] == 1).all()
    assert (updates["body"] < 1).all()


def test_the_adaptive_clip_asks_for_parameters():
    with pytest.raises(ValueError, match=r"^clip_adaptively: params must be given"):
        clip_adaptively().update(GRADS, optax.EmptyState())


def test_in_flaxs_layout_the_adaptive_clip_is_that_of_optax():
    shapes = ((5, 4), (3, 3, 2, 6), (7,), ())
    grads, params = tree(0, *shapes), tree(1, *shapes)
    update = jax.jit(optax.adaptive_grad_clip(0.3).update)
    theirs, _ = update(grads, optax.EmptyState(), params)
    allclose(adaptive_grad_clip(grads, params, 0.3, layout="flax"), theirs)


def test_optax_clips_to_the_bound_itself_where_torch_stays_below_it():
    theirs, _ = optax.clip_by_global_norm(1.0).update(GRADS, optax.EmptyState())
    ours, _ = clip_grad_norm(GRADS, 1.0)
    assert float(theirs["a"][0]) == np.float32(0.6)
    assert float(ours["a"][0]) < np.float32(0.6)
    allclose(ours, theirs)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: clip_grad_norm(GRADS, "1"), "clip_grad_norm: max_norm must be a number"),
        (lambda: clip_by_grad_norm(None), "clip_by_grad_norm: max_norm must be a number"),
        (lambda: clip_by_grad_value(1j), "clip_by_grad_value: clip_value must be real"),
        (lambda: get_total_norm([jnp.ones(2)], None), "get_total_norm: norm_type must be a number"),
    ],
)
def test_what_is_no_number_is_refused(call, message):
    with pytest.raises(TypeError, match=f"^{message}"):
        call()


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_the_gradient_of_clip_value_is_summed_in_float32(dtype):
    grads = jnp.full((4096,), 2, dtype)
    cotangent = np.random.default_rng(0).standard_normal(grads.shape).astype(grads.dtype)
    exact = cotangent.astype(np.float64).sum()
    _, pull = jax.vjp(lambda v: clip_grad_value(grads, v), jnp.ones((), dtype))
    np.testing.assert_array_equal(pull(jnp.asarray(cotangent))[0], exact.astype(grads.dtype))
