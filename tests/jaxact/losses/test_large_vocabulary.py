"""linear_cross_entropy against torch's, against the two steps it replaces, and in what it needs."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import torch

import jaxact
from jaxact.losses.classification import cross_entropy
from jaxact.losses.large_vocabulary import linear_cross_entropy

REDUCTIONS = ["none", "mean", "sum"]
CHUNKED = {"batch_chunk_size": 4}


def _arrays(rows, classes, positions=(), features=6, seed=0):
    generator = np.random.default_rng(seed)
    x = generator.standard_normal((*rows, features))
    matrix = generator.standard_normal((classes, *positions, features))
    bias = generator.standard_normal((classes, *positions))
    return x, matrix, bias


def _indices(rows, classes, positions=(), seed=1):
    target = np.random.default_rng(seed).integers(0, classes, (*rows, *positions))
    if target.ndim:
        target.flat[::5] = -100
    return target


def _theirs(x, matrix, target, bias, weight, cotangent, **options):
    floats = [torch.tensor(a, requires_grad=True) for a in (x, matrix, bias)]
    t = torch.tensor(target)
    if t.is_floating_point():
        floats.append(t.requires_grad_())
    w = None if weight is None else torch.tensor(weight)
    out = torch.nn.functional.linear_cross_entropy(
        floats[0], floats[1], t, linear_bias=floats[2], weight=w, **options
    )
    slopes = torch.autograd.grad(out, floats, torch.tensor(cotangent(tuple(out.shape))))
    return out.detach().numpy(), [slope.numpy() for slope in slopes]


def _cotangent(shape):
    return np.random.default_rng(3).standard_normal(shape)


def _assert_same(x, matrix, target, bias, weight=None, chunks=None, **options):
    expected, slopes = _theirs(x, matrix, target, bias, weight, _cotangent, **options)
    probable = target.dtype.kind == "f"

    def loss(x, matrix, bias, *q):
        t = q[0] if probable else jnp.asarray(target)
        options_ = {"linear_bias": bias, "weight": weight, "options": chunks, **options}
        return linear_cross_entropy(x, matrix, t, **options_)

    with jax.enable_x64(True):
        arrays = [jnp.asarray(a) for a in (x, matrix, bias, *([target] if probable else []))]
        out, pullback = jax.vjp(loss, *arrays)
        ours = pullback(jnp.asarray(_cotangent(expected.shape)))
    assert out.shape == expected.shape
    np.testing.assert_allclose(out, expected, rtol=1e-12, atol=1e-14)
    for slope, wanted in zip(ours, slopes, strict=True):
        np.testing.assert_allclose(slope, wanted, rtol=1e-11, atol=1e-14)


@pytest.mark.parametrize("positions", [(), (2, 3)], ids=["classes", "positions"])
@pytest.mark.parametrize("kind", ["indices", "probabilities"])
@pytest.mark.parametrize("reduction", REDUCTIONS)
def test_losses_and_gradients_are_those_of_torch(reduction, kind, positions):
    x, matrix, bias = _arrays((13,), 7, positions)
    target = _indices((13,), 7, positions)
    if kind == "probabilities":
        target = np.random.default_rng(2).random((13, 7, *positions))
    weight = np.random.default_rng(4).random(7)
    options = {"reduction": reduction, "label_smoothing": 0.1}
    _assert_same(x, matrix, target, bias, weight, CHUNKED, **options)


@pytest.mark.parametrize("reduction", REDUCTIONS)
def test_one_row_and_no_row_give_what_torch_gives(reduction):
    for rows in ((), (0,)):
        x, matrix, bias = _arrays(rows, 5)
        _assert_same(x, matrix, _indices(rows, 5), bias, reduction=reduction)


def test_a_mean_over_nothing_is_nan_with_gradient_0():
    x, matrix, bias = _arrays((6,), 5)
    _assert_same(x, matrix, np.full(6, -100), bias, chunks=CHUNKED)
    _assert_same(x, matrix, np.full(6, 2), bias, chunks=CHUNKED, ignore_index=2)


def _two_steps(x, matrix, bias, target, **options):
    return cross_entropy(x @ matrix.T + bias, target, **options)


def _one_step(x, matrix, bias, target, options=None, **others):
    return linear_cross_entropy(x, matrix, target, linear_bias=bias, options=options, **others)


@pytest.mark.parametrize(
    "options",
    [None, {"batch_chunk_size": 5}, {"batch_chunk_size": 1}, {"batch_shards": 2}, CHUNKED],
    ids=str,
)
@pytest.mark.parametrize("rows", [24, 26])
def test_every_way_of_chunking_gives_the_same(rows, options):
    arrays = [jnp.asarray(a, jnp.float32) for a in _arrays((rows,), 9)]
    target = jnp.asarray(_indices((rows,), 9))
    expected = jax.value_and_grad(_two_steps, (0, 1, 2))(*arrays, target)
    found = jax.value_and_grad(_one_step, (0, 1, 2))(*arrays, target, options)
    for a, b in zip(jax.tree.leaves(found), jax.tree.leaves(expected), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("reduction", REDUCTIONS)
def test_forward_mode_vmap_and_second_derivatives_work(reduction):
    with jax.enable_x64(True):
        x, matrix, bias = map(jnp.asarray, _arrays((6,), 3, features=2))
        target = jnp.asarray([0, 1, 2, -100, 1, 0])

        def one(matrix):
            return jnp.sum(
                _one_step(x, matrix, bias, target, {"batch_chunk_size": 2}, reduction=reduction)
            )

        def two(matrix):
            return jnp.sum(_two_steps(x, matrix, bias, target, reduction=reduction))

        for second in (jax.hessian, lambda f: jax.jacrev(jax.grad(f))):
            np.testing.assert_allclose(second(one)(matrix), second(two)(matrix), rtol=1e-10)
        along = jax.jvp(one, (matrix,), (bias[:, None] + matrix,))
        expected = jax.jvp(two, (matrix,), (bias[:, None] + matrix,))
        np.testing.assert_allclose(along, expected, rtol=1e-10)
        stack = jnp.stack([matrix, 2 * matrix])
        np.testing.assert_allclose(jax.vmap(one)(stack), [one(m) for m in stack], rtol=1e-10)


def test_weight_and_smoothing_can_be_differentiated():
    with jax.enable_x64(True):
        x, matrix, bias = map(jnp.asarray, _arrays((9,), 4))
        target = jnp.asarray(_indices((9,), 4))
        weight = jnp.asarray([0.5, 1.0, 2.0, 0.1])

        def of(loss, **options):
            def f(weight, smoothing):
                return jnp.sum(
                    loss(
                        x, matrix, bias, target, weight=weight, label_smoothing=smoothing, **options
                    )
                )

            return jax.grad(f, (0, 1))(weight, jnp.asarray(0.2))

        for reduction in REDUCTIONS:
            found = of(_one_step, options=CHUNKED, reduction=reduction)
            expected = of(_two_steps, reduction=reduction)
            for a, b in zip(found, expected, strict=True):
                np.testing.assert_allclose(a, b, rtol=1e-11)


@pytest.mark.parametrize("reduction", REDUCTIONS)
def test_an_ignored_row_that_is_nan_reaches_no_gradient(reduction):
    x, matrix, bias = [jnp.asarray(a, jnp.float32) for a in _arrays((7,), 5)]
    target = jnp.asarray([0, 1, -100, 3, 4, -100, 2])

    def step(x):
        def loss(*arrays):
            return jnp.sum(_one_step(*arrays, target, CHUNKED, reduction=reduction))

        return jax.value_and_grad(loss, (0, 1, 2))(x, matrix, bias)

    clean, poisoned = step(x), step(x.at[2].set(jnp.nan).at[5, 0].set(jnp.inf))
    for a, b in zip(jax.tree.leaves(clean), jax.tree.leaves(poisoned), strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("reduction", REDUCTIONS)
def test_what_is_no_class_gives_nan_and_raises_in_a_checked_call(reduction):
    x, matrix, _ = [jnp.asarray(a, jnp.float32) for a in _arrays((6,), 5)]
    target = jnp.asarray([0, 1, 5, 3, -1, -100])

    def call(x):
        return linear_cross_entropy(x, matrix, target, reduction=reduction, options=CHUNKED)

    bad = np.array([False, False, True, False, True, False])
    out = np.atleast_1d(jax.jit(call)(x))
    assert np.isnan(out).tolist() == (bad.tolist() if reduction == "none" else [True])
    slopes = jax.grad(lambda x: jnp.sum(call(x)))(x)
    np.testing.assert_array_equal(np.isnan(slopes).all(axis=1), bad)
    np.testing.assert_array_equal(np.isnan(slopes).any(axis=1), bad)
    message = r"^linear_cross_entropy: target must be a class in \[0, 4\], got 5$"
    with jaxact.checking(), pytest.raises(IndexError, match=message):
        call(x)
    with pytest.raises(IndexError, match=message):
        jaxact.checked(jax.grad(lambda x: jnp.sum(call(x))))(x)


def test_a_traced_smoothing_above_1_gives_nan_and_raises_in_a_checked_call():
    x, matrix, _ = [jnp.asarray(a, jnp.float32) for a in _arrays((3,), 5)]

    def call(smoothing):
        return linear_cross_entropy(x, matrix, jnp.asarray([0, 1, 2]), label_smoothing=smoothing)

    assert np.isnan(jax.jit(call)(1.5))
    with pytest.raises(ValueError, match=r"label_smoothing must be at most 1, got 1\.5"):
        jaxact.checked(call)(jnp.float32(1.5))


def test_a_new_smoothing_or_weight_compiles_nothing():
    x, matrix, _ = [jnp.asarray(a, jnp.float32) for a in _arrays((3,), 5)]
    compiled = []

    @jax.jit
    def loss(weight, smoothing):
        compiled.append(smoothing)
        options = {"weight": weight, "label_smoothing": smoothing}
        return linear_cross_entropy(x, matrix, jnp.asarray([0, 1, 2]), **options)

    assert loss(jnp.ones(5), 0.1) != loss(jnp.arange(5.0), 0.2)
    assert len(compiled) == 1


# ------------------------------------------------------------------------------ digits and memory


def test_a_confident_prediction_keeps_its_digits():
    x = jnp.asarray([[1.0]])
    matrix = jnp.asarray([[20.0], [0.0]])
    out, slope = jax.value_and_grad(linear_cross_entropy, 1)(x, matrix, jnp.asarray([0]))
    np.testing.assert_allclose(out, np.log1p(np.exp(-20)), rtol=5e-7)
    np.testing.assert_allclose(slope[:, 0], np.array([-1, 1]) / (1 + np.exp(20)), rtol=5e-7)


def test_float32_is_as_near_to_the_truth_as_the_two_steps_are():
    x, matrix, bias = _arrays((512,), 300, features=64)
    target = jnp.asarray(_indices((512,), 300))
    arrays = [jnp.asarray(a, jnp.float32) for a in (x, matrix, bias)]
    with jax.enable_x64(True):
        wide = [jnp.asarray(np.asarray(a), jnp.float64) for a in arrays]
        truth = jax.tree.leaves(jax.value_and_grad(_two_steps, (0, 1, 2))(*wide, target))
        truth = [np.asarray(exact) for exact in truth]
    two = jax.tree.leaves(jax.value_and_grad(_two_steps, (0, 1, 2))(*arrays, target))
    one = jax.tree.leaves(
        jax.value_and_grad(_one_step, (0, 1, 2))(*arrays, target, {"batch_chunk_size": 32})
    )
    for ours, theirs, exact in zip(one, two, truth, strict=True):
        unit = np.finfo(np.float32).eps * np.abs(exact).max()
        error = np.abs(np.asarray(ours, np.float64) - exact).max()
        assert error <= 2 * np.abs(np.asarray(theirs, np.float64) - exact).max() + unit


@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
def test_bfloat16_is_added_up_in_float32(reduction):
    """torch's chunks return 4.0 for a mean of 9.78, added up in bfloat16."""
    x, matrix, bias = [jnp.asarray(a, jnp.bfloat16) for a in _arrays((1024,), 64, features=16)]
    target = jnp.asarray(_indices((1024,), 64))
    options = {"batch_chunk_size": 2}

    def loss(x, matrix, bias):
        out = _one_step(x, matrix, bias, target, options, reduction=reduction)
        return jnp.mean(out.astype(jnp.float32))

    found = jax.tree.leaves(jax.value_and_grad(loss, (0, 1, 2))(x, matrix, bias))
    wide = [a.astype(jnp.float32) for a in (x, matrix, bias)]
    expected = jax.tree.leaves(jax.value_and_grad(loss, (0, 1, 2))(*wide))
    assert _one_step(x, matrix, bias, target, options, reduction=reduction).dtype == jnp.bfloat16
    for ours, exact in zip(found, expected, strict=True):
        error = np.abs(np.asarray(ours, np.float64) - np.asarray(exact, np.float64)).max()
        assert error <= 2.0**-8 * np.abs(exact).max()


def test_a_float16_mean_over_more_rows_than_float16_can_count():
    x, matrix = jnp.ones((70000, 1), jnp.float16), jnp.asarray([[1.0], [0.0]], jnp.float16)
    out, slope = jax.value_and_grad(linear_cross_entropy, 1)(x, matrix, jnp.zeros(70000, jnp.int32))
    np.testing.assert_allclose(float(out), np.log1p(np.exp(-1)), rtol=1e-3)
    np.testing.assert_allclose(np.asarray(slope, float)[1, 0], 1 / (1 + np.e), rtol=1e-3)


def _temporaries(function, *arrays):
    return jax.jit(function).lower(*arrays).compile().memory_analysis().temp_size_in_bytes


@pytest.mark.parametrize("n", [8192, 8192 + 3], ids=["whole", "remainder"])
def test_a_sixteenth_of_the_memory_of_the_two_steps_is_enough(n):
    """Compiled, not run: 8192 tokens, 512 features, 32000 classes need 117 MB instead of 2097."""

    def shape(*sizes, dtype=jnp.float32):
        return jax.ShapeDtypeStruct(sizes, dtype)

    arrays = shape(n, 512), shape(32000, 512), shape(32000), shape(n, dtype=jnp.int32)
    two = _temporaries(jax.value_and_grad(_two_steps, (0, 1, 2)), *arrays)
    one = _temporaries(jax.value_and_grad(_one_step, (0, 1, 2)), *arrays)
    assert one <= two / (16 if n == 8192 else 12)
    # The value alone needs the scores of a chunk and no gradient.
    assert _temporaries(_one_step, *arrays) <= two / 20


def test_the_sum_of_losses_of_rows_never_has_all_scores():
    def shape(*sizes, dtype=jnp.float32):
        return jax.ShapeDtypeStruct(sizes, dtype)

    def loss(*arrays):
        return jnp.sum(jnp.square(_one_step(*arrays, reduction="none")))

    arrays = shape(4096, 64), shape(16000, 64), shape(16000), shape(4096, dtype=jnp.int32)
    memory = _temporaries(jax.value_and_grad(loss, (0, 1, 2)), *arrays)
    assert memory <= 4 * 4096 * 16000 / 2


# ------------------------------------------------------------------------------------ bad calls

F24, F34, I2 = np.zeros((2, 4), np.float32), np.zeros((3, 4), np.float32), np.zeros(2, np.int64)
BAD = {
    "0-d input": ((np.float32(1).reshape(()), F34, I2), {}),
    "3-d input": ((np.zeros((2, 2, 4), np.float32), F34, I2), {}),
    "linear_weight of one axis": ((F24, np.zeros(4, np.float32), I2), {}),
    "features": ((np.zeros((2, 5), np.float32), F34, I2), {}),
    "bias shape": ((F24, F34, I2), {"linear_bias": np.zeros(4, np.float32)}),
    "positions without rows": (
        (np.zeros(4, np.float32), np.zeros((3, 5, 4), np.float32), np.zeros(5, np.int64)),
        {},
    ),
    "flat bias": (
        (F24, np.zeros((3, 5, 4), np.float32), np.zeros((2, 5), np.int64)),
        {"linear_bias": np.zeros(15, np.float32)},
    ),
    "ignore_index and probabilities": (
        (F24, F34, np.zeros((2, 3), np.float32)),
        {"ignore_index": -100},
    ),
    "indices of the scores' shape": ((F24, F34, np.zeros((2, 3), np.int64)), {}),
    "probabilities of another shape": ((F24, F34, np.zeros(2, np.float32)), {}),
    "linear_weight dtype": ((F24, F34.astype(np.float16), I2), {}),
    "bias dtype": ((F24, F34, I2), {"linear_bias": np.zeros(3, np.float16)}),
    "weight dtype": ((F24, F34, I2), {"weight": np.zeros(3, np.float16)}),
    "weight shape": ((F24, F34, I2), {"weight": np.zeros(4, np.float32)}),
    "integer input": ((F24.astype(np.int64), F34.astype(np.int64), I2), {}),
    "reduction": ((F24, F34, I2), {"reduction": "men"}),
    "smoothing above 1": ((F24, F34, I2), {"label_smoothing": 1.5}),
    "ignore_index of no int": ((F24, F34, I2), {"ignore_index": 1.5}),
    "batch sizes": ((F24, F34, np.zeros(3, np.int64)), {}),
    "target of two axes": ((F24, F34, np.zeros((2, 1), np.int64)), {}),
}


@pytest.mark.parametrize("case", BAD.values(), ids=BAD.keys())
def test_a_bad_call_raises_what_torch_raises(case):
    arrays, options = case
    tensors = {k: torch.tensor(v) if isinstance(v, np.ndarray) else v for k, v in options.items()}
    with pytest.raises(Exception) as theirs:  # noqa: PT011 - torch decides which
        torch.nn.functional.linear_cross_entropy(*map(torch.tensor, arrays), **tensors)
    with pytest.raises(type(theirs.value), match=r"^linear_cross_entropy: "):
        linear_cross_entropy(*arrays, **options)


@pytest.mark.parametrize(
    ("options", "error"),
    [
        (5, TypeError),
        ({"chunk": 5}, TypeError),
        ({"batch_chunk_size": 2.0}, TypeError),
        ({"batch_chunk_size": 0}, ValueError),
        ({"batch_shards": 3}, ValueError),
    ],
    ids=str,
)
def test_options_that_do_not_exist_are_refused(options, error):
    with pytest.raises(error, match=r"^linear_cross_entropy: "):
        linear_cross_entropy(F24, F34, I2, options=options)


@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
def test_second_derivatives_reach_probabilities(reduction):
    """lax.scan over chunks drops rules that are differentiated in the target first."""
    random = np.random.default_rng(0)
    x, matrix, goal = (random.standard_normal(s).astype("f4") for s in ((5, 4), (3, 4), (5, 3)))
    given = x, matrix, np.abs(goal)
    along = tuple(random.standard_normal(a.shape).astype("f4") for a in given)

    def whole(x, matrix, goal):
        return cross_entropy(x @ matrix.T, goal, reduction=reduction).sum()

    def chunked(x, matrix, goal):
        return linear_cross_entropy(x, matrix, goal, reduction=reduction).sum()

    def second(loss):
        def slope(*given):
            slopes = jax.grad(loss, (0, 1, 2))(*given)
            return sum(jnp.vdot(a, b) for a, b in zip(slopes, along, strict=True))

        return jax.grad(slope, (0, 1, 2))(*given)

    for found, expected in zip(second(chunked), second(whole), strict=True):
        # Sums of terms of up to 12 in float32.
        np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-5)
