"""Early stopping: what no row of the suite shows."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxact
from jaxact.regularizers import early_stopping


def _run(stopping, metrics, params=None):
    state = stopping.init(params)
    for metric in metrics:
        state = stopping.update(state, metric, params)
    return state


def test_the_best_weights_are_kept_in_any_tree():
    stopping = early_stopping(patience=2)
    trees = [{"w": jnp.full(2, float(i)), "key": jax.random.key(i), "none": None} for i in range(5)]
    state = stopping.init(trees[0])
    for metric, tree in zip([3.0, 2.0, np.nan, 2.5, 1.0], trees, strict=True):
        state = stopping.update(state, metric, tree)
    np.testing.assert_array_equal(state.params["w"], 1)
    assert jax.random.key_data(state.params["key"])[-1] == 1
    assert (float(state.best), int(state.wait), bool(state.should_stop)) == (2.0, 2, True)


def test_weights_and_metrics_may_be_of_numpy():
    state = _run(early_stopping(patience=2), np.float32([1, 2, 3]), {"w": np.ones(2, np.float32)})
    np.testing.assert_array_equal(state.params["w"], 1)
    assert (float(state.best), bool(state.should_stop)) == (1.0, True)


def test_a_training_can_end_inside_a_compiled_loop():
    stopping = early_stopping(patience=3)

    def run(target):
        def step(carry):
            x, state = carry
            x = x - 0.2 * (x - target)
            return x, stopping.update(state, jnp.abs(x - jnp.round(target)), x)

        start = (jnp.asarray(0.0), stopping.init(jnp.asarray(0.0)))
        return jax.lax.while_loop(lambda carry: ~carry[1].should_stop, step, start)[1]

    state = jax.jit(jax.vmap(run))(jnp.asarray([1.4, 2.3]))
    np.testing.assert_array_equal(state.should_stop, True)
    np.testing.assert_array_equal(state.wait, 3)
    np.testing.assert_allclose(state.params, [1, 2], atol=0.15)


def test_new_numbers_compile_nothing(caplog):
    _run(early_stopping(3, 0.5), [1.0])
    with jax.log_compiles():
        _run(early_stopping(4, 0.25), [1.0])
    assert not [record for record in caplog.records if "Compiling" in record.message]


def test_the_state_keeps_its_dtypes_for_any_metric():
    for dtype in (jnp.float16, jnp.bfloat16, jnp.float32, jnp.int32):
        state = _run(early_stopping(), [jnp.asarray(3, dtype)])
        assert (state.best.dtype, state.wait.dtype) == (jnp.float32, jnp.int32)
        assert float(state.best) == 3


@pytest.mark.parametrize("kept", [jnp.bfloat16, jnp.float16, jnp.int32])
def test_the_weights_keep_the_dtype_that_init_was_given(kept):
    stopping = early_stopping()

    def step(state, metric):
        return stopping.update(state, metric, {"w": jnp.full(2, 3, jnp.float32)}), None

    start = stopping.init({"w": jnp.ones(2, kept)})
    state = jax.lax.scan(step, start, jnp.ones(2, jnp.bfloat16))[0]
    assert state.params["w"].dtype == kept
    np.testing.assert_array_equal(state.params["w"].astype(float), 3)


def test_the_first_metric_may_be_the_worst_of_all():
    state = _run(early_stopping(patience=5), [jnp.inf, jnp.inf, 4.0])
    assert (float(state.best), int(state.wait)) == (4.0, 0)


@pytest.mark.parametrize("least", [-1.0, np.nan])
def test_a_traced_min_delta_below_0_is_refused(least):
    stopping = early_stopping(min_delta=jnp.asarray(least))
    assert jnp.isnan(_run(stopping, [1.0]).best)
    with jaxact.checking(), pytest.raises(ValueError, match="min_delta must not be negative"):
        _run(stopping, [1.0])


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (
            lambda: early_stopping(mode="auto"),
            ValueError,
            "mode must be 'min' or 'max', got 'auto'",
        ),
        (lambda: early_stopping(patience=-1), ValueError, "patience must not be negative, got -1"),
        (lambda: early_stopping(np.nan), ValueError, "patience must not be negative, got nan"),
        (lambda: early_stopping(3, np.nan), ValueError, "min_delta must not be negative, got nan"),
        (lambda: _run(early_stopping(), [jnp.ones(2)]), ValueError, "metric must be a single"),
        (
            lambda: early_stopping().update(early_stopping().init(), 1.0, jnp.ones(2)),
            TypeError,
            "update must get params if and only if init did, got some",
        ),
        (
            lambda: early_stopping().update(early_stopping().init({"a": 1}), 1.0),
            TypeError,
            "update must get params if and only if init did, got none",
        ),
        (
            lambda: early_stopping().update(early_stopping().init({"a": 1}), 1.0, {"b": 1}),
            ValueError,
            "params must have the tree",
        ),
    ],
)
def test_wrong_arguments_are_named(call, error, message):
    with pytest.raises(error, match=message):
        call()
