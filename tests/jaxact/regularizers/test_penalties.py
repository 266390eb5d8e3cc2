"""Which leaves count, trees of every kind, many models at once, random projections."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import linen, nnx

import jaxact
from jaxact.regularizers import (
    elastic_net,
    group_lasso,
    jacobian_penalty,
    l1_penalty,
    l2_penalty,
    orthogonality_penalty,
    penalties,
)

PENALTIES = (l1_penalty, l2_penalty, elastic_net, group_lasso, orthogonality_penalty)
EACH = pytest.mark.parametrize("penalty", PENALTIES, ids=lambda penalty: penalty.__name__)
TREE = {
    "encoder": {
        "layers": [{"weight": jnp.full((2, 3), 2.0), "bias": jnp.full(2, 5.0)}] * 2,
        "norm": {"scale": jnp.full(3, 7.0), "bias": jnp.full(3, 5.0)},
    },
    "steps": jnp.arange(6).reshape(2, 3),
    "key": jax.random.key(0),
    "nothing": None,
    "head": (jnp.full((1, 2), 3.0),),
}


class Model(nnx.Module):
    def __init__(self, rngs: nnx.Rngs):
        self.layers = nnx.List([nnx.Linear(3, 4, rngs=rngs), nnx.Linear(4, 2, rngs=rngs)])
        self.norm = nnx.LayerNorm(4, rngs=rngs)
        self.dropout = nnx.Dropout(0.5, rngs=rngs)

    def __call__(self, x):
        return self.layers[1](self.norm(self.layers[0](x)))


def weights_of(model: Model) -> float:
    return sum(float(jnp.sum(layer.kernel[...] ** 2)) for layer in model.layers)


# ------------------------------------------------------------------------------------- selection


@pytest.mark.parametrize(
    ("where", "expected"),
    [
        ("weights", 2 * 24 + 18),
        ("all", 2 * 24 + 18 + 2 * 50 + 147 + 75),
        ("encoder/layers/0/weight", 24),
        ("encoder/*/bias", 2 * 50 + 75),
        ("head/*", 18),
        (("head/0", "*/scale"), 18 + 147),
        (lambda path, leaf: path.startswith("encoder/norm") and leaf.ndim == 1, 147 + 75),
        (lambda path, leaf: False, 0),
    ],
)
def test_where_selects_by_kind_glob_globs_or_function(where, expected):
    assert float(l2_penalty(TREE, where=where)) == expected


def test_where_may_be_a_tree_of_booleans():
    marks = jax.tree.map(lambda leaf: leaf.ndim == 1, TREE)
    assert float(l2_penalty(TREE, where=marks)) == 2 * 50 + 147 + 75


def test_biases_and_scales_stacked_over_layers_are_no_weights():
    stacked = {"bias": jnp.ones((4, 3)), "scale": jnp.ones((4, 3)), "kernel": jnp.ones((4, 3, 3))}
    assert float(l2_penalty(stacked)) == 36


@pytest.mark.parametrize("where", ["encoder/*/kernel", ("head/0", "tail"), (), "steps"])
def test_a_glob_that_matches_no_floating_leaf_is_refused_with_the_paths(where):
    message = r"^l2_penalty: where must .* match a floating leaf of params, got .*encoder/layers/0"
    with pytest.raises(ValueError, match=message):
        l2_penalty(TREE, where=where)


def test_booleans_of_another_structure_are_refused():
    with pytest.raises(ValueError, match=r"^l2_penalty: where must have the structure of params"):
        l2_penalty(TREE, where={"encoder": True})


@pytest.mark.parametrize("where", [3, jnp.ones(2), {"encoder": 1.0}])
def test_other_kinds_of_where_are_refused(where):
    with pytest.raises(TypeError, match=r"^l2_penalty: where must be a string"):
        l2_penalty(TREE, where=where)


def test_complex_weights_are_refused_by_their_path():
    with pytest.raises(TypeError, match=r"got complex64 at 'a/w'"):
        l1_penalty({"a": {"w": jnp.ones((2, 2), complex)}})


# ----------------------------------------------------------------------------------------- trees


@EACH
def test_a_state_of_flax_counts_as_the_model_itself(penalty):
    model = Model(nnx.Rngs(0))
    state = nnx.state(model)
    plain = nnx.to_pure_dict(nnx.state(model, nnx.Param))
    assert float(penalty(state)) == float(penalty(plain)) == float(penalty(model)) > 0
    kernels = penalty(state, where="layers/*/kernel")
    assert float(kernels) == float(penalty(state))


def test_a_penalty_is_differentiated_through_a_model():
    model = Model(nnx.Rngs(0))
    grads = nnx.grad(lambda model: l2_penalty(model) / 2)(model)
    kernel = model.layers[0].kernel[...]
    np.testing.assert_allclose(grads["layers"][0]["kernel"][...], kernel, rtol=1e-6)
    assert not grads["norm"]["scale"][...].any()
    np.testing.assert_allclose(l2_penalty(model), weights_of(model), rtol=1e-6)


@jax.tree_util.register_dataclass
@dataclasses.dataclass
class Attention:
    query: jax.Array
    key: jax.Array
    value: jax.Array


def test_an_attribute_called_value_has_its_name_in_the_path():
    attention = Attention(*(jnp.full((2, 2), x) for x in (1.0, 2.0, 3.0)))
    assert float(l2_penalty({"layer": attention}, where="*/value")) == 36
    assert float(l2_penalty({"scale": attention})) == 4 + 16 + 36
    layer = nnx.Linear(2, 2, rngs=nnx.Rngs(0))
    layer.value = nnx.Param(jnp.full((2, 2), 3.0))
    assert float(l2_penalty({"layer": nnx.state(layer)}, where="*/value")) == 36


def test_arrays_with_flaxs_metadata_have_the_name_of_their_box():
    boxed = {name: linen.Partitioned(jnp.ones((2, 2)), ("x", "y")) for name in ("kernel", "scale")}
    assert float(l2_penalty(boxed)) == float(l2_penalty(boxed, where="kernel")) == 4
    assert float(l2_penalty({"scale": nnx.Param(jnp.ones((2, 2)))})) == 0


@pytest.mark.parametrize("other", [1.0, 1e21, 1e-15, 0.0])
def test_a_group_so_small_that_it_counts_as_zeros_does_so_beside_any_other(other):
    weight = jnp.array([[1e-21, 1e-21], [other, other], [2e-19, 2e-19]])
    gradient = jax.grad(group_lasso)(weight)
    np.testing.assert_allclose(gradient, [[0] * 2, [float(other > 0)] * 2, [1] * 2], rtol=1e-6)


@pytest.mark.parametrize("size", [5e37, 1.9e38])
def test_groups_near_the_largest_number_have_gradients(size):
    weight = jnp.full((1, 3), size)
    np.testing.assert_allclose(jax.grad(group_lasso)(weight), [[1.0] * 3], rtol=1e-6)


@EACH
@pytest.mark.parametrize("tree", [{}, None, [None], {"bias": jnp.ones(3)}, {"n": jnp.arange(3)}])
def test_a_tree_with_nothing_to_touch_has_the_penalty_0(penalty, tree):
    result = penalty(tree)
    assert result.dtype == jnp.float32
    assert float(result) == 0


def test_leaves_of_several_dtypes_give_what_they_promote_to():
    half = {"a": jnp.full((2, 2), 3.0, jnp.float16), "b": jnp.full((2, 2), 3.0, jnp.bfloat16)}
    assert l2_penalty({"a": half["a"]}).dtype == jnp.float16
    assert l2_penalty(half).dtype == jnp.float32
    assert float(l2_penalty(half)) == 72
    grads = jax.grad(l2_penalty)(half)
    assert {name: g.dtype for name, g in grads.items()} == {"a": jnp.float16, "b": jnp.bfloat16}


def test_half_precision_is_summed_in_float32():
    many = jnp.full((100, 100), 0.1, jnp.bfloat16)
    assert abs(float(l1_penalty(many)) - 1e4 * float(many[0, 0])) <= 4


@EACH
def test_hundreds_of_models_have_the_penalties_of_each(penalty):
    draw = np.random.default_rng(0)
    shapes = {"weight": (300, 4, 3), "bias": (300, 4)}
    models = {name: jnp.asarray(draw.normal(size=s), jnp.float32) for name, s in shapes.items()}
    mapped = jax.jit(jax.vmap(jax.value_and_grad(penalty)))(models)
    for i in (0, 299):
        one = jax.value_and_grad(penalty)(jax.tree.map(lambda x, i=i: x[i], models))
        for found, expected in zip(
            jax.tree.leaves(jax.tree.map(lambda x, i=i: x[i], mapped)),
            jax.tree.leaves(one),
            strict=True,
        ):
            np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-5)


def test_another_ratio_compiles_nothing():
    elastic_net(TREE, 0.25)
    compiled = penalties._elastic_net._cache_size()
    elastic_net(TREE, 0.75)
    assert penalties._elastic_net._cache_size() == compiled


@pytest.mark.parametrize("ratio", [-0.1, 1.1, float("nan")])
def test_a_ratio_out_of_range_is_refused_and_nan_where_it_is_traced(ratio):
    message = r"^elastic_net: l1_ratio must be in \[0, 1\], got"
    with pytest.raises(ValueError, match=message):
        elastic_net(TREE, ratio)
    traced = jnp.float32(ratio)
    assert jnp.isnan(elastic_net(TREE, traced))
    with jaxact.checking(), pytest.raises(ValueError, match=message):
        elastic_net(TREE, traced)


def test_group_lasso_names_the_axis_that_is_not_there():
    with pytest.raises(IndexError, match=r"^group_lasso: axis must be in \[-2, 1\] .*, got 2"):
        group_lasso(TREE, axis=2)
    with pytest.raises(TypeError, match=r"^group_lasso: axis must be an int"):
        group_lasso(TREE, axis=0.0)


def test_a_layout_that_does_not_exist_is_refused():
    with pytest.raises(ValueError, match=r"^orthogonality_penalty: layout must be"):
        orthogonality_penalty(TREE, layout="keras")


def test_orthogonal_weights_have_no_penalty_whichever_side_is_longer():
    rows = jnp.linalg.qr(jax.random.normal(jax.random.key(0), (6, 4)))[0]
    for weight, layout in ((rows, "torch"), (rows.T, "torch"), (rows, "flax")):
        assert float(orthogonality_penalty(weight, layout=layout)) < 1e-11


# -------------------------------------------------------------------------------------- Jacobians


def network(x):
    return jnp.tanh(x @ jnp.array([[1.0, -2.0], [0.5, 3.0], [2.0, 1.0]]))


X = jnp.linspace(-1, 1, 12).reshape(4, 3)


def test_the_exact_penalty_is_that_of_all_jacobians():
    jacobians = jax.vmap(jax.jacrev(network))(X)
    expected = jnp.mean(jnp.sum(jacobians**2, axis=(1, 2)))
    np.testing.assert_allclose(jacobian_penalty(network, X, num_projections=None), expected, 1e-6)


@pytest.mark.parametrize("impl", ["threefry2x32", "rbg", "unsafe_rbg"])
def test_projections_come_near_the_exact_penalty_with_any_key(impl):
    exact = float(jacobian_penalty(network, X, num_projections=None))
    found = jacobian_penalty(network, X, key=jax.random.key(1, impl=impl), num_projections=20000)
    # 80,000 draws of a spread below the exact value: less than 1 in a million is so far off.
    assert abs(float(found) - exact) < 5 * exact / np.sqrt(80000)


def test_old_keys_draw_the_same_as_new_ones():
    old, new = (
        jacobian_penalty(network, X, key=key) for key in (jax.random.PRNGKey(3), jax.random.key(3))
    )
    assert float(old) == float(new)


def test_the_same_directions_are_drawn_compiled_and_split_keys_draw_others():
    def penalty(key):
        return jacobian_penalty(network, X, key=key)

    keys = jax.random.split(jax.random.key(0), 4)
    apart = jnp.stack([penalty(key) for key in keys])
    np.testing.assert_allclose(jax.jit(jax.vmap(penalty))(keys), apart, rtol=1e-6)
    assert len(set(apart.tolist())) == 4


def test_inputs_and_outputs_may_be_images():
    def convolution(x):
        return jnp.stack([x[:, 1:] - x[:, :-1], 2 * x[:, 1:]], axis=1)

    # Of each of 3 x 4 outputs twice: 1 + 1 and 4.
    x = jnp.ones((5, 4, 4))
    assert float(jacobian_penalty(convolution, x, num_projections=None)) == 12 * 6


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({}, TypeError, "key must be given"),
        ({"num_projections": 0}, ValueError, "num_projections must be at least 1, got 0"),
        ({"num_projections": 1.5}, TypeError, "num_projections must be an int or None, got float"),
    ],
)
def test_bad_projections_are_refused(arguments, error, message):
    with pytest.raises(error, match=f"^jacobian_penalty: {message}"):
        jacobian_penalty(network, X, **arguments)


def test_outputs_without_samples_are_refused():
    with pytest.raises(ValueError, match="as many samples along axis 0 as x"):
        jacobian_penalty(jnp.sum, X, num_projections=None)
