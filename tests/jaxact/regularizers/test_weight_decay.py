"""The steps of torch's optimizers, untouched leaves, checked hyperparameters, many models."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import torch
from flax import nnx

import jaxact
from jaxact.regularizers import (
    coupled_weight_decay,
    decoupled_weight_decay,
    group_lasso,
    l1_penalty,
    l2_penalty,
    max_norm,
    proximal_group_lasso,
    proximal_l1,
)
from jaxact.regularizers.training import projections

STEPS = {
    "decoupled_weight_decay": lambda p, x=0.1, **k: decoupled_weight_decay(p, 0.5, x, **k),
    "max_norm": lambda p, x=0.1, **k: max_norm(p, x, **k),
    "proximal_l1": lambda p, x=0.1, **k: proximal_l1(p, x, **k),
    "proximal_group_lasso": lambda p, x=0.1, **k: proximal_group_lasso(p, x, **k),
    "coupled_weight_decay": lambda p, x=0.1, **k: coupled_weight_decay(p, p, x, **k),
}
EACH = pytest.mark.parametrize("name", STEPS)


def tree(seed=0):
    draw = np.random.default_rng(seed)
    return {
        "bias": jnp.asarray(draw.normal(size=4), jnp.float32),
        "weight": jnp.asarray(draw.normal(size=(4, 3)), jnp.float32),
        "steps": jnp.arange(4).reshape(2, 2),
        "key": jax.random.key(0),
        "nothing": None,
    }


@EACH
def test_only_the_selected_leaves_change(name):
    params = tree()
    changed = STEPS[name](params)
    assert (changed["weight"] != params["weight"]).all()
    assert all(changed[leaf] is params[leaf] for leaf in ("bias", "steps", "key", "nothing"))
    every = STEPS[name](params, where="all")
    assert (every["bias"] != params["bias"]).any()
    assert every["steps"] is params["steps"]


@EACH
def test_a_state_of_flax_stays_one(name):
    state = nnx.state(nnx.Linear(3, 2, rngs=nnx.Rngs(0)), nnx.Param)
    changed = STEPS[name](state)
    assert jax.tree.structure(changed) == jax.tree.structure(state)
    assert (changed["kernel"][...] != state["kernel"][...]).any()


@EACH
def test_hundreds_of_models_change_as_each_alone(name):
    models = {"weight": jax.random.normal(jax.random.key(0), (200, 4, 3))}
    strengths = jnp.linspace(0.01, 0.3, 200)
    mapped = jax.jit(jax.vmap(STEPS[name]))(models, strengths)["weight"]
    for i in (0, 199):
        alone = STEPS[name]({"weight": models["weight"][i]}, strengths[i])["weight"]
        np.testing.assert_allclose(mapped[i], alone, rtol=1e-5, atol=1e-6)


@EACH
def test_a_negative_hyperparameter_is_refused_and_nan_where_it_is_traced(name):
    params, traced = {"weight": jnp.ones((2, 2))}, jnp.float32(-1)
    message = f"^{name}: .* must be at least 0, got -1"
    with pytest.raises(ValueError, match=message):
        STEPS[name](params, -1.0)
    assert jnp.isnan(STEPS[name](params, traced)["weight"]).all()
    with jaxact.checking(), pytest.raises(ValueError, match=message):
        STEPS[name](params, traced)


@EACH
def test_a_hyperparameter_with_axes_is_refused(name):
    with pytest.raises(ValueError, match=f"^{name}: .* must be one number, got shape"):
        STEPS[name](tree(), jnp.ones(2))


@EACH
def test_an_empty_tree_stays_empty(name):
    assert STEPS[name]({}) == {}


def test_a_new_value_compiles_nothing():
    params = tree()
    max_norm(params, 1.0)
    compiled = projections._max_norm._cache_size()
    max_norm(params, 2.0)
    assert projections._max_norm._cache_size() == compiled


# ------------------------------------------------------------------------------ torch's own steps


def _torch_step(optimizer, params, grads, **options):
    tensors = [torch.nn.Parameter(torch.tensor(np.asarray(p))) for p in params]
    for tensor, grad in zip(tensors, grads, strict=True):
        tensor.grad = torch.tensor(np.asarray(grad))
    optimizer(tensors, **options).step()
    return [tensor.detach().numpy() for tensor in tensors]


def test_coupled_decay_and_a_step_are_a_step_of_torchs_sgd():
    params, grads = ([tree(seed)[name] for name in ("bias", "weight")] for seed in (0, 1))
    decayed = coupled_weight_decay(grads, params, 0.2, where="all")
    ours = [p - 0.5 * g for p, g in zip(params, decayed, strict=True)]
    theirs = _torch_step(torch.optim.SGD, params, grads, lr=0.5, weight_decay=0.2)
    for found, expected in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-6)


def test_decoupled_decay_is_a_step_of_torchs_adamw_without_gradients():
    params = [tree()[name] for name in ("bias", "weight")]
    ours = decoupled_weight_decay(params, 0.5, 0.2, where="all")
    zeros = [jnp.zeros_like(p) for p in params]
    theirs = _torch_step(torch.optim.AdamW, params, zeros, lr=0.5, weight_decay=0.2)
    for found, expected in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(found, expected, rtol=3e-7)


def test_coupled_decay_is_the_gradient_of_half_the_l2_penalty():
    params = {"weight": tree()["weight"]}
    zeros = jax.tree.map(jnp.zeros_like, params)
    gradient = jax.grad(lambda p: 0.1 * l2_penalty(p) / 2)(params)
    decayed = coupled_weight_decay(zeros, params, 0.1)
    np.testing.assert_allclose(decayed["weight"], gradient["weight"], rtol=1e-6)


@pytest.mark.parametrize(
    ("penalty", "step"), [(l1_penalty, proximal_l1), (group_lasso, proximal_group_lasso)]
)
def test_a_proximal_step_is_the_least_of_penalty_and_distance(penalty, step):
    weight, draw = tree()["weight"], np.random.default_rng(1)
    nearest = step(weight, 0.3)

    def objective(w):
        return float(0.3 * penalty(w) + jnp.sum((w - weight) ** 2) / 2)

    least = objective(nearest)
    for _ in range(200):
        other = nearest + jnp.asarray(draw.normal(size=(4, 3)) * draw.choice([1e-2, 0.3]))
        assert objective(other.astype(jnp.float32)) > least


def test_what_comes_within_the_threshold_is_exactly_0():
    weight = jnp.array([[0.3, -0.3, 0.0], [0.31, -2.0, 1e-30]])
    assert (proximal_l1(weight, 0.3) == 0).tolist() == [[True] * 3, [False, False, True]]
    assert not proximal_group_lasso(weight, 0.3)[0].any()


def test_gradients_whose_leaves_are_missing_are_left_alone():
    params, grads = tree(), {**tree(1), "weight": None}
    assert coupled_weight_decay(grads, params, 0.1)["weight"] is None


def test_gradients_that_cannot_be_decayed_are_refused_where_they_would_be():
    weight = jnp.ones((2, 2))
    params = {"bias": jnp.ones(2), "weight": weight}
    message = "^coupled_weight_decay: the leaves of grads .*, got {} at 'weight'"
    for kind in ("int32", "complex64"):
        with pytest.raises(TypeError, match=message.format(kind)):
            coupled_weight_decay({**params, "weight": weight.astype(kind)}, params, 0.1)
        bias = jnp.ones(2, kind)
        assert coupled_weight_decay({**params, "bias": bias}, params, 0.1)["bias"] is bias


def test_a_group_is_a_group_of_zeros_beside_any_other():
    for other in (1.0, 1e21, 0.0):
        weight = jnp.array([[1e-21, 1e-21], [other, other], [2e-19, 2e-19]])
        expected = weight.at[0].set(0)
        np.testing.assert_array_equal(proximal_group_lasso(weight, 0.0), expected)


def test_an_infinite_weight_is_not_shrunk_and_its_group_stays():
    weight = jnp.array([[jnp.inf, 1.0]])
    np.testing.assert_array_equal(proximal_group_lasso(weight, 0.1), weight)
    assert jnp.isnan(proximal_group_lasso(weight, jnp.float32(-1))).all()


@pytest.mark.parametrize("size", [5e37, 1.9e38])
def test_units_near_the_largest_number_are_projected(size):
    projected = max_norm(jnp.full((1, 3), size), 1.0)
    np.testing.assert_allclose(projected, [[3**-0.5] * 3], rtol=1e-6)


def test_trees_that_do_not_fit_are_refused():
    weight = jnp.ones((2, 3))
    with pytest.raises(ValueError, match="grads must be a tree of the structure of params"):
        coupled_weight_decay({"a": weight}, {"b": weight}, 0.1)
    with pytest.raises(ValueError, match=r"shapes of those of params, got \(3, 2\) for \(2, 3\)"):
        coupled_weight_decay({"a": weight.T}, {"a": weight}, 0.1)


def test_the_derivative_of_max_norm_is_finite_with_a_bound_of_infinity_and_at_zeros():
    weight = jnp.array([[0.0, 0.0], [3.0, 4.0]])
    for bound in (jnp.inf, 1.0, 0.0):
        hessian = jax.hessian(lambda w, bound=bound: jnp.sum(max_norm(w, bound) ** 2))(weight)
        assert jnp.isfinite(hessian).all()


def test_a_traced_p_of_0_is_nan_and_raises_when_checked():
    weight = jnp.ones((2, 2))
    assert jnp.isnan(max_norm(weight, 1.0, p=jnp.float32(0))).all()
    with jaxact.checking(), pytest.raises(ValueError, match=r"^max_norm: p must be above 0, got 0"):
        max_norm(weight, 1.0, p=jnp.float32(0))
