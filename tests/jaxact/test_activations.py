"""What parity with torch does not show: residuals, compilations, sweeps, chance, higher orders."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import mpmath as mp
import numpy as np
import pytest
from jax import Array

import jaxact
import jaxact.functional as F

KEY = jax.random.key(0)

# name -> further arguments; everything that maps one array to one array of its shape
ELEMENTWISE: dict[str, tuple[tuple[Any, ...], dict[str, Any]]] = {
    "celu": ((0.7,), {}),
    "elu": ((0.7,), {}),
    "gelu": ((), {}),
    "hardshrink": ((0.3,), {}),
    "hardsigmoid": ((), {}),
    "hardswish": ((), {}),
    "hardtanh": ((-0.5, 2.0), {}),
    "leaky_relu": ((0.2,), {}),
    "logsigmoid": ((), {}),
    "mish": ((), {}),
    "prelu": ((jnp.float32(0.2),), {}),
    "relu": ((), {}),
    "relu6": ((), {}),
    "rrelu": ((), {"training": True, "key": KEY}),
    "selu": ((), {}),
    "sigmoid": ((), {}),
    "silu": ((), {}),
    "softplus": ((1.5, 10.0), {}),
    "softshrink": ((0.3,), {}),
    "softsign": ((), {}),
    "swish": ((1.5,), {}),
    "tanh": ((), {}),
    "tanhshrink": ((), {}),
    "threshold": ((0.1, 0.3), {}),
}
OTHERS: dict[str, tuple[tuple[Any, ...], dict[str, Any]]] = {
    "glu": ((), {}),
    "gumbel_softmax": ((), {"key": KEY}),
    "log_softmax": ((1,), {}),
    "softmax": ((1,), {}),
    "softmin": ((1,), {}),
}


def bound(name: str) -> Callable[[Array], Array]:
    arguments, options = (ELEMENTWISE | OTHERS)[name]
    return lambda x: getattr(F, name)(x, *arguments, **options)


@pytest.fixture(scope="module")
def x() -> Array:
    return 3 * jax.random.normal(jax.random.key(1), (6, 8))


@pytest.mark.parametrize("dtype", [jnp.float32, jnp.bfloat16, jnp.float16])
@pytest.mark.parametrize("name", [*ELEMENTWISE, *OTHERS])
def test_the_backward_pass_keeps_one_array(name: str, dtype: Any, x: Array) -> None:
    arguments, options = (ELEMENTWISE | OTHERS)[name]
    narrow = x.astype(dtype)
    cast = tuple(a.astype(dtype) if isinstance(a, Array) else a for a in arguments)
    _, pull_back = jax.vjp(lambda x: getattr(F, name)(x, *cast, **options), narrow)
    kept = [leaf for leaf in jax.tree.leaves(pull_back) if jnp.size(leaf) > 1]
    kept = [leaf for leaf in kept if not jnp.issubdtype(leaf.dtype, jax.dtypes.prng_key)]
    assert [leaf.dtype for leaf in kept] == [dtype]


SWEEPS = [
    ("celu", (), (0.5, 0.9)),
    ("elu", (), (0.5, 0.9)),
    ("hardshrink", (), (0.5, 0.9)),
    ("leaky_relu", (), (0.1, 0.9)),
    ("softplus", (), (0.5, 0.9)),
    ("softshrink", (), (0.5, 0.9)),
    ("swish", (), (0.5, 0.9)),
    ("hardtanh", (-0.1,), (0.5, 0.9)),
    ("threshold", (0.1,), (0.5, 0.9)),
]


@pytest.mark.parametrize(("name", "before", "values"), SWEEPS)
def test_a_new_hyperparameter_compiles_nothing(
    name: str, before: tuple[float, ...], values: tuple[float, float], x: Array
) -> None:
    function = jax.jit(getattr(F, name))
    first = function(x, *before, values[0])
    second = function(x, *before, values[1])
    assert function._cache_size() == 1
    assert not np.array_equal(np.asarray(first), np.asarray(second))


@pytest.mark.parametrize(("name", "before", "values"), SWEEPS)
def test_hyperparameters_are_swept_with_vmap(
    name: str, before: tuple[float, ...], values: tuple[float, float], x: Array
) -> None:
    function = getattr(F, name)
    swept = jax.vmap(lambda value: function(x, *before, value))(jnp.asarray(values))
    each = jnp.stack([function(x, *before, value) for value in values])
    np.testing.assert_array_almost_equal_nulp(np.asarray(swept), np.asarray(each), 4)


@pytest.mark.parametrize("name", ["celu", "elu", "leaky_relu", "softplus", "swish"])
def test_hyperparameters_can_be_learned(name: str, x: Array) -> None:
    function = getattr(F, name)
    with jax.enable_x64(True):
        wide = jnp.asarray(np.asarray(x), jnp.float64)
        weights = jnp.cos(wide)

        def total(value: Any) -> Array:
            return jnp.sum(weights * function(wide, value))

        step = 1e-6
        difference = (total(0.7 + step) - total(0.7 - step)) / (2 * step)
        # a central difference is good to step^2 and to rounding / step
        np.testing.assert_allclose(jax.grad(total)(jnp.float64(0.7)), difference, rtol=1e-7)


def test_swish_learns_a_beta_for_each_channel() -> None:
    with jax.enable_x64(True):
        x = jax.random.normal(KEY, (4, 3, 5), jnp.float64)
        beta = jnp.asarray([0.5, 1.0, -2.0])
        gradient = jax.grad(lambda b: jnp.sum(F.swish(x, b) ** 2))(beta)
        for channel in range(3):
            alone = jax.grad(lambda b, c=channel: jnp.sum(F.swish(x[:, c], b) ** 2))(beta[channel])
            np.testing.assert_allclose(gradient[channel], alone, rtol=1e-13)


@pytest.mark.parametrize(
    ("call", "where"),
    [
        (lambda v: F.hardtanh(jnp.ones(3), v, 0.0), 1.0),
        (lambda v: F.softshrink(jnp.ones(3), v), -1.0),
        (lambda v: F.celu(-jnp.ones(3), v), 0.0),
    ],
)
def test_what_a_traced_argument_may_not_be_gives_nan(
    call: Callable[[Any], Array], where: float
) -> None:
    assert np.isnan(jax.jit(call)(where)).all()
    with pytest.raises(ValueError, match="must"):
        call(where)


THIRD = {
    "silu": lambda x: x / (1 + mp.exp(-x)),
    "gelu": lambda x: x * mp.ncdf(x),
    "mish": lambda x: x * mp.tanh(mp.log1p(mp.exp(x))),
    "tanh": mp.tanh,
    "softplus": lambda x: mp.log1p(mp.exp(x)),
}


@pytest.mark.parametrize("name", THIRD)
def test_third_derivatives_are_right(name: str) -> None:
    points = [-3.1, -1.3, -0.4, 0.6, 2.2]
    with mp.workdps(50), jax.enable_x64(True):
        got = jax.vmap(jax.grad(jax.grad(jax.grad(getattr(F, name)))))(jnp.asarray(points))
        true = [float(mp.diff(THIRD[name], mp.mpf(point), 3)) for point in points]
    # derivatives of the fitted polynomials lose about one digit an order
    np.testing.assert_allclose(got, true, rtol=1e-10, atol=1e-12)


def test_rrelu_draws_every_slope_and_uses_it_in_both_directions() -> None:
    x = -jnp.ones(20000)
    slopes = -F.rrelu(x, 0.2, 0.6, training=True, key=KEY)
    gradient = jax.grad(lambda x: F.rrelu(x, 0.2, 0.6, training=True, key=KEY).sum())(x)
    assert np.array_equal(slopes, gradient)
    assert slopes.min() >= 0.2
    assert slopes.max() <= 0.6
    # Kolmogorov-Smirnov distance to the uniform law; 1.95 / sqrt(n) has a false alarm rate of 1e-3
    ordered = np.sort((np.asarray(slopes) - 0.2) / 0.4)
    distance = np.abs(ordered - (np.arange(20000) + 0.5) / 20000).max()
    assert distance < 1.95 / np.sqrt(20000)


def test_rrelu_refuses_crossed_array_bounds_in_a_checked_call() -> None:
    def train(lower: Array) -> Array:
        return F.rrelu(-jnp.ones(3), lower, jnp.asarray(0.25), training=True, key=KEY)

    assert jnp.isnan(train(jnp.asarray(0.5))).all()
    assert jnp.isfinite(jaxact.checked(train)(jnp.asarray(0.125))).all()
    with pytest.raises(RuntimeError, match="lower must not exceed upper, got lower=0"):
        jaxact.checked(train)(jnp.asarray(0.5))


def test_rrelu_needs_a_key_to_train() -> None:
    with pytest.raises(TypeError, match="rrelu: key must be given when training"):
        F.rrelu(jnp.ones(2), training=True)


def _chi_square(samples: np.ndarray, probabilities: np.ndarray) -> float:
    counts = np.bincount(samples, minlength=len(probabilities))
    expected = probabilities * len(samples)
    return float(((counts - expected) ** 2 / expected).sum())


def test_gumbel_softmax_samples_the_softmax_distribution() -> None:
    logits = jnp.asarray([0.0, 1.0, -1.0, 2.0])
    draws = jax.vmap(lambda key: F.gumbel_softmax(logits, hard=True, key=key))(
        jax.random.split(KEY, 20000)
    )
    samples = np.asarray(draws).argmax(1)
    probabilities = np.asarray(F.softmax(logits, 0))
    # 3 degrees of freedom: 16.27 is exceeded once in 1000; a temperature of 1.2 must be rejected
    assert _chi_square(samples, probabilities) < 16.27
    assert _chi_square(samples, np.asarray(F.softmax(logits / 1.2, 0))) > 16.27


def test_hard_gumbel_softmax_is_exactly_one_hot_with_the_soft_gradient(x: Array) -> None:
    hard = F.gumbel_softmax(x, hard=True, key=KEY)
    assert set(np.unique(hard)) == {0.0, 1.0}
    assert np.array_equal(hard.sum(1), np.ones(6))
    weights = jnp.sin(x)
    gradients = [
        jax.grad(lambda x, h=h: jnp.sum(weights * F.gumbel_softmax(x, 0.7, hard=h, key=KEY)))(x)
        for h in (True, False)
    ]
    assert np.array_equal(gradients[0], gradients[1])
    assert np.abs(gradients[0]).max() > 0


@pytest.mark.parametrize("name", ["softmax", "log_softmax", "softmin"])
def test_an_implicit_axis_warns_where_it_is_written(name: str, x: Array) -> None:
    for _ in range(2):
        with pytest.warns(UserWarning, match=f"{name}: the implicit choice of dim") as caught:
            result = getattr(F, name)(x)
        assert caught[0].filename == __file__
    np.testing.assert_array_equal(result, getattr(F, name)(x, 1))


def test_log_softmax_keeps_the_digits_of_a_confident_row() -> None:
    got = F.log_softmax(jnp.asarray([20.0, 0.0, 0.0]), 0)[0]
    np.testing.assert_allclose(got, -np.log1p(2 * np.exp(-20.0)), rtol=1e-6)
    tied = F.log_softmax(jnp.asarray([3.0, 3.0, -80.0]), 0)
    np.testing.assert_allclose(tied[:2], -np.log(2.0), rtol=1e-6)
