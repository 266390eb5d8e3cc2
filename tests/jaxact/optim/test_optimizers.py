"""Optimizers inside of what users build with optax, flax and jax, and over many steps."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
import torch
from flax import nnx
from jax.sharding import Mesh, NamedSharding, PartitionSpec

from jaxact import errors, optim
from jaxact.optim import schedules

# Where larger steps jump about a minimum, an ulp in the first weights decides where torch ends:
# with a rate of 0.01 its NAdam is then 7e-7 off, its RMSprop and its Adafactor are 1e-2 off.
OPTIMIZERS: dict[str, tuple[Any, Any, dict[str, Any]]] = {
    "sgd": (optim.sgd, torch.optim.SGD, {"lr": 0.05, "momentum": 0.9}),
    "adam": (optim.adam, torch.optim.Adam, {"lr": 0.01, "amsgrad": True}),
    "adamw": (optim.adamw, torch.optim.AdamW, {"lr": 0.01}),
    "adamax": (optim.adamax, torch.optim.Adamax, {"lr": 0.01}),
    "nadam": (optim.nadam, torch.optim.NAdam, {"lr": 0.001}),
    "radam": (optim.radam, torch.optim.RAdam, {"lr": 0.01}),
    "rmsprop": (optim.rmsprop, torch.optim.RMSprop, {"lr": 1e-4, "momentum": 0.9}),
    "rprop": (optim.rprop, torch.optim.Rprop, {"lr": 0.01}),
    "adagrad": (optim.adagrad, torch.optim.Adagrad, {"lr": 0.05}),
    "adadelta": (optim.adadelta, torch.optim.Adadelta, {"lr": 1.0}),
    "asgd": (optim.asgd, torch.optim.ASGD, {"lr": 0.05, "t0": 100}),
    "adafactor": (optim.adafactor, torch.optim.Adafactor, {"lr": 0.001}),
}
EVERY = pytest.mark.parametrize("name", OPTIMIZERS)
Tree = Any


def _params() -> Tree:
    return {"weight": jnp.linspace(-1, 1, 12).reshape(3, 4), "bias": jnp.ones(4)}


def _loss(params: Tree) -> jax.Array:
    return (params["weight"] ** 2).sum() + ((params["bias"] - 3) ** 4).sum()


def _after(
    transformation: optax.GradientTransformation, steps: int, params: Tree | None = None
) -> Tree:
    """The parameters after some steps, scanned."""

    def step(carry: Any, _: Any) -> Any:
        params, state = carry
        updates, state = transformation.update(jax.grad(_loss)(params), state, params)
        return (optax.apply_updates(params, updates), state), None

    params = _params() if params is None else params
    start = params, transformation.init(params)
    (params, _), _ = jax.jit(lambda carry: jax.lax.scan(step, carry, length=steps))(start)
    return params


def _differ(a: Tree, b: Tree) -> float:
    pairs = zip(jax.tree.leaves(a), jax.tree.leaves(b), strict=True)
    return max(float(jnp.abs(x - y).max()) for x, y in pairs)


# ---------------------------------------------------------------------------------- long trainings


def _problem() -> tuple[Any, Any, Any]:
    random = np.random.default_rng(0)
    return (
        random.standard_normal((40, 6)),
        random.integers(0, 3, 40),
        random.standard_normal((3, 6)),
    )


def _in_torch(make: Any, options: dict[str, Any], steps: int) -> Any:
    inputs, labels, start = (torch.tensor(array) for array in _problem())
    weight = torch.nn.Parameter(start.clone())
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    try:
        optimizer = make([weight], **options)
        for _ in range(steps):
            optimizer.zero_grad()
            loss = torch.nn.functional.cross_entropy(inputs @ weight.T, labels)
            (loss + 0.01 * weight.pow(4).sum()).backward()
            optimizer.step()
    finally:
        torch.set_default_dtype(before)
    return weight.detach().numpy()


def _in_jax(make: Any, options: dict[str, Any], steps: int) -> Any:
    inputs, labels, start = map(jnp.asarray, _problem())
    transformation = make(**options)

    def loss(weight: jax.Array) -> jax.Array:
        scores = jax.nn.log_softmax(inputs @ weight.T)
        chosen = jnp.take_along_axis(scores, labels[:, None], 1)
        return -chosen.mean() + 0.01 * (weight**4).sum()

    def step(carry: Any, _: Any) -> Any:
        weight, state = carry
        updates, state = transformation.update(jax.grad(loss)(weight), state, weight)
        return (optax.apply_updates(weight, updates), state), None

    carry = start, transformation.init(start)
    return np.asarray(jax.lax.scan(step, carry, length=steps)[0][0])


@EVERY
def test_a_thousand_steps_of_a_training_end_where_torchs_end(name: str) -> None:
    ours, theirs, options = OPTIMIZERS[name]
    with jax.enable_x64(True):
        found = _in_jax(ours, options, 1000)
    expected = _in_torch(theirs, options, 1000)
    np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-14)


# ---------------------------------------------------------------------------------- optax and flax


@EVERY
def test_a_chain_with_a_scale_of_1_changes_nothing(name: str) -> None:
    ours, _, options = OPTIMIZERS[name]
    chained = optax.chain(ours(**options), optax.scale(1.0))
    assert _differ(_after(chained, 5), _after(ours(**options), 5)) == 0


@EVERY
def test_a_rate_as_schedule_injected_and_as_number_agree(name: str) -> None:
    ours, _, options = OPTIMIZERS[name]
    expected = _after(ours(**options), 5)
    scheduled = ours(**{**options, "lr": lambda step: options["lr"] + 0 * step})
    injected = optax.inject_hyperparams(ours)(**options)
    assert _differ(_after(scheduled, 5), expected) < 1e-6
    assert _differ(_after(injected, 5), expected) < 1e-6


@EVERY
def test_trainings_with_several_rates_run_as_one_program(name: str) -> None:
    ours, _, options = OPTIMIZERS[name]

    def trained(lr: Any) -> Tree:
        return _after(ours(**{**options, "lr": lr}), 5)

    rates = jnp.asarray([0.01, 0.1])
    found = jax.vmap(trained)(rates)
    for i, lr in enumerate(rates):
        assert _differ(jax.tree.map(lambda leaf, i=i: leaf[i], found), trained(lr)) < 1e-5


@EVERY
def test_small_batches_add_up(name: str) -> None:
    ours, _, options = OPTIMIZERS[name]
    accumulated = optax.MultiSteps(ours(**options), every_k_schedule=2)
    params, state = _params(), accumulated.init(_params())
    gradients = jax.grad(_loss)(params)
    for _ in range(2):
        updates, state = accumulated.update(gradients, state, params)
        params = optax.apply_updates(params, updates)
    assert _differ(params, _after(ours(**options), 1)) < 1e-6


@EVERY
def test_a_masked_leaf_stays(name: str) -> None:
    ours, _, options = OPTIMIZERS[name]
    mask = {"weight": True, "bias": False}
    frozen = optax.multi_transform(
        {True: ours(**options), False: optax.set_to_zero()}, param_labels=mask
    )
    found = _after(frozen, 3)
    assert _differ(found["bias"], _params()["bias"]) == 0
    alone = _after(ours(**options), 3)["weight"]
    if name != "adafactor":
        assert _differ(found["weight"], alone) < 1e-6


def test_a_state_has_the_sharding_of_the_parameters() -> None:
    mesh = Mesh(np.asarray(jax.devices()[:1]), ("model",))
    sharding = NamedSharding(mesh, PartitionSpec("model"))
    params = jax.device_put({"weight": jnp.ones((8, 4))}, sharding)
    state = optim.adam().init(params)
    assert state.exp_avg["weight"].sharding == sharding


def test_it_trains_a_module_of_flax() -> None:
    model = nnx.Linear(2, 1, rngs=nnx.Rngs(0))
    optimizer = nnx.Optimizer(model, optim.adamw(lr=0.1), wrt=nnx.Param)
    x = jnp.asarray([[1.0, 2.0], [3.0, -1.0]])

    @nnx.jit
    def step(model: nnx.Linear, optimizer: Any) -> jax.Array:
        loss, gradients = nnx.value_and_grad(lambda m: (m(x) ** 2).mean())(model)
        optimizer.update(model, gradients)
        return loss

    losses = [float(step(model, optimizer)) for _ in range(20)]
    assert losses[-1] < losses[0] / 4


# ------------------------------------------------------------------------------------------ states


def test_leaves_of_half_precision_keep_their_dtype() -> None:
    params = {"weight": jnp.ones(4, jnp.bfloat16)}
    transformation = optim.adam()
    updates, state = transformation.update(params, transformation.init(params), params)
    assert updates["weight"].dtype == state.exp_avg["weight"].dtype == jnp.bfloat16


def test_a_state_has_no_more_than_torch_keeps() -> None:
    params = _params()
    sizes = {
        optim.sgd(): 0,
        optim.sgd(momentum=0.9): 16,
        optim.adam(): 32,
        optim.adam(amsgrad=True): 48,
        optim.rmsprop(centered=True): 32,
        optim.adafactor(): 3 + 4 + 4,
    }
    for transformation, expected in sizes.items():
        leaves = jax.tree.leaves(transformation.init(params))
        assert sum(leaf.size for leaf in leaves) == expected + 1


def test_a_weight_without_gradients_has_finite_derivatives_by_the_rate() -> None:
    def moved(lr: jax.Array) -> jax.Array:
        transformation = optim.adam(lr)
        params = jnp.zeros(2)
        state = transformation.init(params)
        return transformation.update(jnp.asarray([0.0, 1.0]), state, params)[0].sum()

    assert np.isfinite(jax.grad(moved)(jnp.asarray(0.1)))


@pytest.mark.parametrize("search", [None, "strong_wolfe"])
def test_lbfgs_computes_the_objective_as_often_as_torch(search: str | None) -> None:
    start = [-1.2, 1.0, 0.5, -0.3]

    def valley(w: Any) -> Any:
        return (100 * (w[1:] - w[:-1] ** 2) ** 2 + (1 - w[:-1]) ** 2).sum()

    weights = torch.nn.Parameter(torch.tensor(start, dtype=torch.float64))
    theirs = torch.optim.LBFGS([weights], max_iter=6, history_size=3, line_search_fn=search)

    def closure() -> Any:
        theirs.zero_grad()
        loss = valley(weights)
        loss.backward()
        return loss.detach()

    with jax.enable_x64(True):
        ours = optim.lbfgs(max_iter=6, history_size=3, line_search_fn=search)
        params = jnp.asarray(start)
        state = ours.init(params)
        for _ in range(5):
            theirs.step(closure)
            slopes = jax.grad(valley)(params)
            updates, state = ours.update(slopes, state, params, value_fn=valley)
            params = optax.apply_updates(params, updates)
            np.testing.assert_allclose(params, weights.detach().numpy(), rtol=1e-10)
        counts = theirs.state[weights]
        assert int(state.n_iter) == counts["n_iter"]
        assert int(state.func_evals) == counts["func_evals"]


def test_lbfgs_needs_the_objective() -> None:
    ours = optim.lbfgs()
    with pytest.raises(errors.InvalidValueError, match="lbfgs: value_fn must be given"):
        ours.update(jnp.ones(2), ours.init(jnp.ones(2)), jnp.ones(2))


def test_a_plateau_slows_an_optimizer_down() -> None:
    transformation = optax.chain(
        optim.sgd(0.5), schedules.reduce_lr_on_plateau(0.5, patience=0, factor=0.5)
    )
    params, state = jnp.zeros(()), None
    state = transformation.init(params)
    steps = []
    for metric in (1.0, 1.0, 1.0):
        updates, state = transformation.update(jnp.ones(()), state, params, value=metric)
        steps.append(float(updates))
    assert steps == [-0.5, -0.5, -0.25]


# ------------------------------------------------------------------------------------------ errors


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: optim.sgd(-0.1), "sgd: lr must be at least 0, got -0.1"),
        (lambda: optim.adam(betas=(0.9, 1.0)), r"adam: betas\[1\] must be in \[0, 1\), got 1.0"),
        (lambda: optim.sgd(nesterov=True), "sgd: nesterov must have a momentum above 0"),
        (lambda: optim.muon().init([jnp.ones(3)]), r"muon: the leaves of params must be matrices"),
        (lambda: optim.adamw().update([jnp.ones(3)], optim.adamw().init([jnp.ones(3)])), "params"),
        (lambda: schedules.step_lr(0.1, 0), "step_lr: step_size must be at least 1, got 0"),
        (lambda: schedules.sequential_lr([], []), "sequential_lr: schedulers must be a list"),
        (
            lambda: schedules.chained_scheduler(
                [schedules.exponential_lr(0.1, 0.9), schedules.exponential_lr(0.2, 0.9)]
            ),
            r"chained_scheduler: schedulers must start from the same lr, got \[0.1, 0.2\]",
        ),
    ],
)
def test_a_bad_value_is_named(call: Any, message: str) -> None:
    with pytest.raises(errors.InvalidValueError, match=message):
        call()


def test_a_leaf_of_integers_is_named() -> None:
    with pytest.raises(errors.DtypeError, match=r"adam: .* got int32 at 'a/b'"):
        optim.adam().init({"a": {"b": jnp.ones(3, int)}})


def test_a_bad_rate_in_an_array_makes_the_step_nan() -> None:
    transformation = optim.sgd(jnp.asarray(-0.1))
    updates, _ = transformation.update(jnp.ones(2), transformation.init(jnp.ones(2)))
    assert np.isnan(np.asarray(updates)).all()


def test_a_step_after_the_last_one_of_a_cycle_is_nan() -> None:
    schedule = schedules.one_cycle_lr(0.1, total_steps=10)
    assert np.isfinite(float(schedule(9)))
    assert np.isnan(float(schedule(10)))


def test_a_step_that_is_no_integer_is_named() -> None:
    with pytest.raises(errors.DtypeError, match="exponential_lr: step must hold integers"):
        schedules.exponential_lr(0.1, 0.9)(0.5)


def test_steps_in_an_array_give_rates_in_an_array() -> None:
    for schedule in (
        schedules.multiplicative_lr(0.1, lambda step: 1 - 0.5 / (1 + step)),
        schedules.multi_step_lr(0.1, [2, 5]),
        schedules.cosine_annealing_warm_restarts(0.1, 3, 2),
    ):
        steps = jnp.arange(12).reshape(3, 4)
        each = [[schedule(step) for step in row] for row in steps]
        np.testing.assert_allclose(schedule(steps), np.asarray(each), rtol=1e-6)
