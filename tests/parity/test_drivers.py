"""How targets are called: trees, factories, steps, modules, and where random numbers come from."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
import torch
from flax import nnx

from parity.cases import cases
from parity.engine import run
from parity.spec import (
    Budget,
    Choices,
    Fixed,
    ObservedDraw,
    SameSeed,
    Samples,
    Setting,
    Spec,
    Template,
    factory,
    module,
    on,
    steps,
)
from parity.verdict import Outcome

PARAMS = {"weight": Samples(shape=(3, 2), axis=None), "bias": Samples(shape=(), axis=None)}


def _results(subject, reference, **fields):
    fields = {"dtypes": ("float32",), "checks": ("forward", "vjp", "jvp", "second"), **fields}
    spec = Spec(family="test", name="f", subject=subject, reference=reference, **fields)
    return {result.case.check: result for result in run(cases([spec]))}


def _outcomes(*targets, **fields):
    results = _results(*targets, **fields)
    return {result.outcome for result in results.values()}, results


# ------------------------------------------------------------------------------------------ trees


class State(NamedTuple):
    count: object
    params: object


def _jax_state(params):
    return State(jnp.asarray(2), jax.tree.map(lambda leaf: 2 * leaf, params)), {
        "norm": _norm(params)
    }


def _norm(params):
    return (params["weight"] ** 2).sum() + params["bias"]


def _torch_state(params):
    doubled = {name: 2 * leaf for name, leaf in params.items()}
    return State(torch.tensor(2), doubled), {"norm": _norm(params)}


TREES = (on("jax", _jax_state), on("torch", _torch_state))


def test_a_result_that_is_a_tree_is_compared_leaf_by_leaf():
    checks = ("forward", "vjp", "jvp", "second", "vmap", "jit")
    outcomes, results = _outcomes(*TREES, inputs=(PARAMS,), checks=checks)
    assert outcomes <= {Outcome.EXACT, Outcome.WITHIN}, results


@pytest.mark.parametrize(
    ("wrong", "entry"),
    [
        (lambda s, d: (s._replace(count=s.count + 1), d), "out/0/count"),
        (
            lambda s, d: (s._replace(params={**s.params, "bias": s.count * 1.0}), d),
            "out/0/params/bias",
        ),
        (lambda s, d: (s, {"norm": d["norm"] + 1}), "out/1/norm"),
    ],
)
def test_a_wrong_leaf_is_named(wrong, entry):
    subject = on("jax", lambda params: wrong(*_jax_state(params)))
    result = _results(subject, TREES[1], inputs=(PARAMS,))["forward"]
    assert result.outcome is Outcome.MISMATCH
    assert result.message.startswith(entry)


def test_a_leaf_that_is_missing_is_named():
    subject = on("jax", lambda params: (_jax_state(params)[0], {}))
    result = _results(subject, TREES[1], inputs=(PARAMS,))["forward"]
    assert "out/1/norm is missing" in result.message


def test_the_gradient_of_each_leaf_is_compared():
    def stopped(params):
        return _jax_state({**params, "bias": jax.lax.stop_gradient(params["bias"])})

    result = _results(on("jax", stopped), TREES[1], inputs=(PARAMS,))["vjp"]
    assert result.message.startswith("vjp/0/bias")


# ------------------------------------------------------------------------ factories, random numbers


class Stream:
    """A source of torch's numbers for a jax function, which the real one is not needed for."""

    def __init__(self, seed):
        self.generator = torch.Generator().manual_seed(seed)

    def rand(self, count, dtype="float32"):
        kind = getattr(torch, str(dtype))
        return torch.rand(count, dtype=kind, generator=self.generator).numpy()


def _uniform(a=0.0, b=1.0, *, extra=0):
    def init(key, shape, dtype="float32"):
        drawn = key.rand(int(np.prod(shape)) + extra)[: int(np.prod(shape))]
        return jnp.asarray(a + (b - a) * drawn.reshape(shape), dtype)

    return init


SAME = SameSeed(seed=3, generator=on("jax", Stream))
FILLED = {"inputs": (Template(shape=(5, 3)),), "checks": ("forward",)}


def test_a_factory_draws_what_torch_fills():
    params = (Setting(values={"a": 0.0, "b": 2.0}, random=SAME),)
    targets = factory("jax", _uniform), factory("torch", "nn.init.uniform_")
    outcomes, results = _outcomes(*targets, settings=params, **FILLED)
    assert outcomes == {Outcome.EXACT}, results


def test_a_factory_that_draws_too_much_is_seen_by_the_place_of_the_stream():
    targets = factory("jax", _uniform, extra=1), factory("torch", "nn.init.uniform_")
    result = _results(*targets, settings=(Setting(random=SAME),), **FILLED)["forward"]
    assert result.message.startswith("stream")


def test_gradients_pass_through_a_function_that_draws_the_same_numbers():
    def dropped(x, *, key):
        return x * jnp.asarray(key.rand(x.size).reshape(x.shape) < 0.5)

    def torchs(x):
        return x * (torch.rand(x.shape) < 0.5)

    inputs = (Samples(shape=(8, 4)),)
    outcomes, results = _outcomes(
        on("jax", dropped),
        on("torch", torchs),
        settings=(Setting(random=SAME),),
        inputs=inputs,
        checks=("forward", "vjp"),
    )
    assert outcomes == {Outcome.EXACT}, results


@pytest.mark.parametrize(("at", "order"), [("key", 1), (0, 0), ("rng", 1)])
def test_the_draw_of_the_subject_is_given_to_the_reference(at, order):
    def noisy(*args, **named):
        key, x = (args if order == 0 else (named[at], *args))[:2]
        return x + jax.random.normal(key, x.shape, x.dtype)

    def observe(subject, arguments, values):
        return np.asarray(subject(jnp.zeros_like(arguments[0])))

    params = (Setting(random=ObservedDraw(seed=5, observe=observe, at=at)),)
    outcomes, results = _outcomes(
        on("jax", noisy),
        on("torch", lambda x, drawn: x + drawn),
        settings=params,
        inputs=(Samples(shape=(8, 4)),),
        checks=("forward", "vjp", "vmap"),
    )
    assert outcomes <= {Outcome.EXACT, Outcome.WITHIN}, results


# ------------------------------------------------------------------------------------------- steps

START = {"weight": Samples(shape=(4,), axis=None), "bias": Fixed(values=0.5)}
SHOWN = {"weight": Samples(shape=(6, 4), axis=None), "bias": Samples(shape=(6,), axis=None)}
SGD = {
    "settings": (Setting(values={"momentum": 0.5}),),
    "inputs": (START, SHOWN),
    "checks": ("forward",),
}


def _sgd(momentum, scale=1.0):
    return optax.sgd(0.1 * scale, momentum=momentum)


def test_an_optax_transformation_is_compared_with_an_optimizer_of_torch():
    state = {"momentum_buffer": "0/trace"}
    targets = steps("jax", _sgd), steps("torch", "optim.SGD", lr=0.1, state=state)
    result = _results(*targets, **SGD)["forward"]
    assert result.outcome.succeeds, result.message


def test_the_first_step_that_differs_is_seen_as_a_step():
    targets = steps("jax", _sgd, scale=1.5), steps("torch", "optim.SGD", lr=0.1)
    result = _results(*targets, **SGD)["forward"]
    assert result.message.startswith("step/")
    assert "params" in result.message


SUMS = Budget(ulp=16, floor=64, everywhere=True, reason="sums over six steps, of either sign")


class Sum:
    """The sum so far, in torch."""

    def __init__(self, params, rate=1.0):
        self.rate, self.total = rate, params

    def step(self, given):
        self.total = {name: leaf + self.rate * given[name] for name, leaf in self.total.items()}
        return {"state": self.total}


class Machine(NamedTuple):
    init: object
    update: object


def _summed(rate=1.0):
    def update(state, given):
        return jax.tree.map(lambda total, leaf: total + rate * leaf, state, given)

    return Machine(lambda params: params, update)


def test_a_state_is_followed_and_differentiated_step_by_step():
    start = {name: Choices(values=(0.5,), shape=s) for name, s in (("weight", (4,)), ("bias", ()))}
    outcomes, results = _outcomes(
        steps("jax", _summed),
        steps("torch", Sum),
        inputs=(start, SHOWN),
        settings=(Setting(arrays={"rate": Samples(shape=(), axis=None)}),),
        checks=("forward", "vjp", "jvp", "second", "vmap", "jit"),
        budgets=dict.fromkeys(("vjp", "jvp", "second", "jit"), SUMS),
    )
    assert all(outcome.succeeds for outcome in outcomes), results


@pytest.mark.parametrize(("per_step", "outcome"), [(0.0, "mismatch"), (2.0, "within")])
def test_a_budget_grows_with_the_steps(per_step, outcome):
    def drifting(rate=1.0):
        machine = _summed()

        def update(state, given):
            return jax.tree.map(lambda leaf: leaf * (1 + 2.0**-22), machine.update(state, given))

        return Machine(machine.init, update)

    ones = {"weight": Fixed(values=np.ones((6, 4)))}
    result = _results(
        steps("jax", drifting),
        steps("torch", Sum),
        inputs=({"weight": Fixed(values=np.ones(4))}, ones),
        checks=("forward",),
        budgets={"forward": Budget(ulp=2, per_step=per_step)},
    )["forward"]
    assert result.outcome == outcome, result.message


# ----------------------------------------------------------------------------------------- modules


class Norm(nnx.Module):
    """A normalization whose running variance is what `correction` says."""

    def __init__(self, num_features, *, rngs, correction=1):
        del rngs
        self.correction = correction
        self.use_running_average = False
        self.weight = nnx.Param(jnp.ones(num_features))
        self.bias = nnx.Param(jnp.zeros(num_features))
        self.running_mean = nnx.BatchStat(jnp.zeros(num_features))
        self.running_var = nnx.BatchStat(jnp.ones(num_features))

    def __call__(self, x):
        mean, var = self.running_mean.value, self.running_var.value
        if not self.use_running_average:
            mean, var = x.mean(0), x.var(0)
            new = x.var(0, ddof=self.correction)
            self.running_mean.value = 0.9 * self.running_mean.value + 0.1 * mean
            self.running_var.value = 0.9 * self.running_var.value + 0.1 * new
        scaled = (x - mean) / jnp.sqrt(var + 1e-5)
        return scaled * self.weight.value + self.bias.value


MODULE = {
    "inputs": (Samples(shape=(16, 3)),),
    "settings": (
        Setting(
            values={"num_features": 3},
            arrays={
                "params": {"weight": Samples(shape=(3,)), "bias": Samples(shape=(3,))},
                "buffers": {
                    "running_mean": Fixed(values=(0.5, -0.5, 0.0)),
                    "running_var": Fixed(values=(0.5, 1.5, 1.0)),
                },
            },
        ),
    ),
    "budgets": dict.fromkeys(
        ("forward", "vjp"), Budget(ulp=16, floor=64, everywhere=True, reason="a plain formula")
    ),
}


@pytest.mark.parametrize("train", [True, False])
def test_a_module_is_loaded_and_its_buffers_are_compared(train):
    targets = (module(b, c, train=train) for b, c in (("jax", Norm), ("torch", "nn.BatchNorm1d")))
    outcomes, results = _outcomes(*targets, **MODULE, checks=("forward", "vjp"))
    assert outcomes <= {Outcome.WITHIN, Outcome.EXACT}, results


def test_a_running_variance_of_the_biased_kind_is_seen():
    targets = module("jax", Norm, correction=0), module("torch", "nn.BatchNorm1d")
    result = _results(*targets, **MODULE, checks=("forward",))["forward"]
    assert result.message.startswith("buffers/running_var")
