"""Every public function inside what people of JAX put around functions.

The numbers are those of parity's rows: a sample is a row in its default setting, or in the first
one that gives arrays by name which the default does not.
"""

import copy
import functools
import gc
import importlib
import inspect
import pickle
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx
from jax import Array, export
from jax.sharding import AxisType, NamedSharding, PartitionSpec

from jaxact import functional, initializers, regularizers
from parity import inputs, suite
from parity.backends import backend
from parity.spec import DESCRIPTIONS, Call, ObservedDraw, SameSeed, Samples, Setting, Spec, on

DTYPE = "float32"
# Of arguments that are visited point by point; the first axis is divided by the devices.
SHAPE = (4, 3)
DEVICES = 2


class Known:
    """Something that is no array and knows itself as one."""

    def __init__(self, array: Array) -> None:
        self.array = array

    def __jax_array__(self) -> Array:
        return self.array


class Sample:
    """A call of a function with a few numbers of a usual size.

    Args:
        spec: the function's row.
        params: one of its settings.
    """

    def __init__(self, spec: Spec, params: Setting) -> None:
        self.values, self.random = params.values, params.random is not None
        described = spec.inputs if params.inputs is None else params.inputs
        key = f"{spec.family}/{spec.name}/{params.name}"
        arrays = {name: _usual(array) for name, array in params.arrays.items()}
        self.problem = inputs.problem(key, DTYPE, _usual(described), arrays, SHAPE)
        drawn = params.random
        if isinstance(drawn, SameSeed):
            # torch's stream is drawn outside of programs.
            drawn = ObservedDraw(seed=drawn.seed, at=drawn.at)
        self.function = backend("jax").function(spec.subject, drawn)
        self.names = list(self.problem.arguments)
        self.numbers = [
            # Of parameters that go with single points, those of the first one.
            jnp.asarray(a.flat[0] if params.mapped and name in arrays else a)
            for name, a in self.problem.arguments.items()
        ]
        self.floating = [
            i
            for i, (name, a) in enumerate(zip(self.names, self.numbers, strict=True))
            if name not in self.problem.constant and jnp.issubdtype(a.dtype, jnp.floating)
        ]

    @property
    def elementwise(self) -> bool:
        """Whether the numbers at a place of the result follow from those at that place."""
        described = self.problem.form.leaves
        pointwise = all(map(inputs.is_pointwise, described.values()))
        shapes = [np.shape(leaf) for leaf in self.expected]
        return bool(described) and pointwise and not self.random and shapes == [SHAPE]

    def result(self, *numbers: Any) -> Any:
        """The result, a tree."""
        args, named = self.problem.form.arguments(dict(zip(self.names, numbers, strict=True)))
        return self.function(args, {**self.values, **named})

    def value(self, *numbers: Any) -> list[Any]:
        """The leaves of the result."""
        return jax.tree.leaves(self.result(*numbers))

    def both(self, *numbers: Any) -> tuple[list[Any], Any]:
        """The leaves of the result, and the gradients of its floating ones."""

        def of(*floating: Any) -> tuple[list[Any], list[Any]]:
            given = list(numbers)
            for i, number in zip(self.floating, floating, strict=True):
                given[i] = number
            leaves = self.value(*given)
            return [a for a in leaves if _is_float(a)], leaves

        result, pull, leaves = jax.vjp(of, *(numbers[i] for i in self.floating), has_aux=True)
        return leaves, pull([jnp.ones_like(a) for a in result])

    @functools.cached_property
    def jitted(self) -> Any:
        """Value and gradients as one program."""
        return jax.jit(self.both)

    @functools.cached_property
    def plain(self) -> tuple[list[Any], Any]:
        """Value and gradients."""
        return self.jitted(*self.numbers)

    @functools.cached_property
    def expected(self) -> list[Any]:
        """The leaves of the result, called as a user does."""
        return self.value(*self.numbers)


def _usual(tree: Any) -> Any:
    """Descriptions without the infinities and nan that a row may ask for."""

    def usual(array: Any) -> Any:
        return replace(array, special=False) if isinstance(array, Samples) else array

    return jax.tree.map(usual, tree, is_leaf=lambda node: isinstance(node, DESCRIPTIONS))


def _is_float(array: Any) -> bool:
    return jnp.issubdtype(jnp.result_type(array), jnp.floating)


def _same(found: Any, expected: Any) -> None:
    """The same numbers, but for what another order of additions changes."""
    pairs = zip(jax.tree.leaves(found), jax.tree.leaves(expected), strict=True)
    for a, b in pairs:
        assert (a.shape, a.dtype) == (np.shape(b), jnp.result_type(b))
        if jnp.issubdtype(a.dtype, jax.dtypes.prng_key):
            a, b = jax.random.key_data(a), jax.random.key_data(b)
        np.testing.assert_allclose(np.asarray(a), np.asarray(b), rtol=1e-5, atol=1e-6)


# -------------------------------------------------------------------------------------- conditions


def _variables(sample: Sample) -> None:
    """flax's variables in the place of arrays."""
    _same(sample.value(*map(nnx.Param, sample.numbers)), sample.expected)


def _known_arrays(sample: Sample) -> None:
    """Objects of another library in the place of arrays, also as leaves of trees."""
    _same(sample.value(*map(Known, sample.numbers)), sample.expected)


def _leaks(sample: Sample) -> None:
    """No value of a trace survives it."""
    # Nothing that was traced before may stand in: this setting is part of what traces go by.
    for name, module in list(sys.modules.items()):
        for cached in vars(module).values() if name.startswith("jaxact.") else ():
            if callable(clear := getattr(cached, "cache_clear", None)):
                clear()
    # jax looks through all that there is, for each trace: but for what is frozen.
    gc.freeze()
    try:
        with jax.default_matmul_precision("highest"), jax.checking_leaks():
            jax.eval_shape(lambda *numbers: sample.both(*numbers), *sample.numbers)
    finally:
        gc.unfreeze()


def _debug_nans(sample: Sample) -> None:
    if any(_is_float(a) and np.isnan(a).any() for a in jax.tree.leaves(sample.plain)):
        return  # As in torch: the logarithm of a negative target.
    with jax.debug_nans(True):
        sample.value(*sample.numbers)
        sample.jitted(*sample.numbers)


def _rank_promotion(sample: Sample) -> None:
    with jax.numpy_rank_promotion("raise"):
        jax.eval_shape(lambda *numbers: sample.both(*numbers), *sample.numbers)


def _dtype_promotion(sample: Sample) -> None:
    with jax.numpy_dtype_promotion("strict"):
        jax.eval_shape(lambda *numbers: sample.both(*numbers), *sample.numbers)


def _export(sample: Sample) -> None:
    exported = export.export(sample.jitted, platforms=("cuda", "tpu"))(*sample.numbers)
    assert [tuple(a.shape) for a in exported.out_avals][: len(sample.expected)] == [
        np.shape(a) for a in sample.expected
    ]


def _ahead(sample: Sample) -> None:
    compiled = sample.jitted.lower(*sample.numbers).compile()
    _same(compiled(*sample.numbers)[0], sample.expected)


def _shapes(sample: Sample) -> None:
    found = jax.eval_shape(lambda *numbers: sample.value(*numbers), *sample.numbers)
    expected = [(np.shape(a), jnp.result_type(a)) for a in sample.expected]
    assert [(a.shape, a.dtype) for a in found] == expected


def _divided(sample: Sample) -> list[PartitionSpec]:
    """How the numbers lie on the devices."""
    return [
        PartitionSpec("d") if sample.elementwise and a.shape == SHAPE else PartitionSpec()
        for a in sample.numbers
    ]


def _shard_map(sample: Sample) -> None:
    mesh = jax.make_mesh((DEVICES,), ("d",), axis_types=(AxisType.Auto,))
    specs = tuple(_divided(sample))
    result = PartitionSpec("d") if sample.elementwise else PartitionSpec()
    gradients = tuple(specs[i] for i in sample.floating)
    both = jax.shard_map(
        lambda *numbers: sample.both(*numbers),
        mesh=mesh,
        in_specs=specs,
        out_specs=(result, gradients),
    )
    if sample.elementwise:
        _same(jax.jit(both)(*sample.numbers), sample.plain)
    else:
        # The same program on each device.
        jax.eval_shape(both, *sample.numbers)


def _explicit(sample: Sample) -> None:
    mesh = jax.make_mesh((DEVICES,), ("d",), axis_types=(AxisType.Explicit,))
    with jax.set_mesh(mesh):
        placed = [
            jax.device_put(a, NamedSharding(mesh, spec))
            for a, spec in zip(sample.numbers, _divided(sample), strict=True)
        ]
        jax.eval_shape(lambda *numbers: sample.both(*numbers), *placed)
        if sample.elementwise:
            (found,) = sample.value(*placed)
            assert jax.typeof(found).sharding.spec[0] == "d"
            _same([found], sample.expected)


CONDITIONS: dict[str, Callable[[Sample], None]] = {
    "leaks": _leaks,
    "variables": _variables,
    "known_arrays": _known_arrays,
    "ahead": _ahead,
    "debug_nans": _debug_nans,
    "shapes": _shapes,
    "rank_promotion": _rank_promotion,
    "dtype_promotion": _dtype_promotion,
    "export": _export,
    "shard_map": _shard_map,
    "explicit": _explicit,
}

# ------------------------------------------------------------------------------------------- calls


# What is looked at while tracing, which costs little: in every setting that gives other arguments.
TRACED = ("rank_promotion", "dtype_promotion")
# What costs most, and says the same of every setting: in the default one.
COMPILED = ("ahead", "debug_nans", "shard_map", "explicit")
# What says nothing where the arrays are not given to the function itself.
OF_ARRAYS = ("variables", "known_arrays")


def _settings(spec: Spec) -> Iterator[tuple[Setting, tuple[str, ...]]]:
    """Settings, and the conditions that they are tried in."""
    default, conditions = spec.settings[0], tuple(CONDITIONS)
    if spec.subject.driver != Call() or not spec.subject.name.startswith("jaxact."):
        conditions = tuple(name for name in CONDITIONS if name not in OF_ARRAYS)
    whole = [p for p in spec.settings if p.arrays.keys() - default.arrays.keys() and not p.subject]
    found: set[Any] = set()
    for params in spec.settings:
        if params is default:
            yield params, conditions
        elif params in whole[:1]:
            yield params, tuple(name for name in conditions if name not in COMPILED)
        elif _given(params) not in found and not params.subject:
            yield params, TRACED
        found.add(_given(params))


def _given(params: Setting) -> Any:
    """Which arguments a setting gives, and the shapes of arrays."""
    shapes = {name: repr(getattr(array, "shape", "")) for name, array in params.arrays.items()}
    return frozenset(params.values), frozenset(shapes.items())


def _name(spec: Spec, params: Setting) -> str:
    return f"{spec.family}.{spec.name}" + ("" if params is spec.settings[0] else f"-{params.name}")


LINEAR = Spec(
    family="layers",
    name="linear",
    subject=on("jax", "jaxact.functional.linear"),
    reference=on("torch", "nn.functional.linear"),
    inputs=(Samples(shape=(4, 3)), Samples(shape=(5, 3))),
    settings=(Setting(), Setting(arrays={"bias": Samples(shape=(5,))})),
)
SAMPLES = {
    _name(spec, params): (spec, params, conditions)
    for spec in (*suite.load(), LINEAR)
    # Which gives a number of Python for one.
    if spec.name != "calculate_gain"
    for params, conditions in _settings(spec)
}


@functools.cache
def _sample(name: str) -> Sample:
    return Sample(*SAMPLES[name][:2])


def _cases() -> Iterator[Any]:
    for name, (_, _, conditions) in SAMPLES.items():
        for condition in conditions:
            yield pytest.param(name, condition, id=f"{name}-{condition}")


@pytest.mark.filterwarnings("ignore:softm.*the implicit choice of dim", "ignore:log_softm.*dim")
@pytest.mark.parametrize(("name", "condition"), list(_cases()))
def test_a_function_works_inside(name: str, condition: str):
    CONDITIONS[condition](_sample(name))


FUNCTIONS = [
    pytest.param(
        getattr(module, name),
        id=f"{module.__name__}.{name}",
    )
    for module in (functional, initializers, regularizers)
    for name in module.__all__
]


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_function_is_pickled_and_copied_as_a_reference(function: Any):
    assert pickle.loads(pickle.dumps(function)) is function
    assert copy.deepcopy(function) is function


INITIALIZERS = [spec for spec in suite.family("initializers") if spec.name != "calculate_gain"]


@pytest.mark.parametrize("spec", INITIALIZERS, ids=lambda spec: spec.name)
def test_an_initializer_that_was_pickled_or_copied_draws_the_same(spec: Spec):
    factory = getattr(initializers, spec.name)
    init = factory(**spec.settings[0].values)
    (template,) = spec.settings[0].inputs or spec.inputs
    key = jax.random.key(0)
    expected = init(key, template.shape)
    for again in (pickle.loads(pickle.dumps(init)), copy.deepcopy(init)):
        np.testing.assert_array_equal(again(key, template.shape), expected)


# A value for each number that a factory takes.
HYPERPARAMETERS = {
    **dict.fromkeys(("a", "sparsity", "min_delta", "clip_value", "eps"), 0.25),
    **dict.fromkeys(("b", "mean", "val", "gain", "max_norm", "clip_factor"), 0.5),
    **dict.fromkeys(("std", "decay", "patience", "norm_type"), 1.0),
}


def _factories() -> Iterator[Any]:
    for module in (initializers, regularizers):
        for name in module.__all__:
            function = getattr(module, name)
            if hasattr(function, "lower") or isinstance(function, type):
                continue
            parameters = inspect.signature(function).parameters.values()
            taken = [p.name for p in parameters if "Array" in str(p.annotation)]
            if taken and name != "compose":
                yield pytest.param(function, taken, id=name)


@pytest.mark.parametrize(("factory", "numbers"), list(_factories()))
def test_the_numbers_of_a_factory_may_be_variables(factory: Any, numbers: list[str]):
    plain = {name: jnp.asarray(HYPERPARAMETERS[name]) for name in numbers}
    made = [factory(**plain), factory(**{n: nnx.Param(x) for n, x in plain.items()})]
    _same(*map(_results_of, made))


def _results_of(made: Any) -> Any:
    """What an initializer, an average, early stopping or a transformation of optax gives."""
    tree = {"weight": jnp.arange(12.0).reshape(3, 4) / 4}
    if isinstance(made, regularizers.WeightAverage):
        return made.update(made.init(tree), {"weight": tree["weight"] + 1})
    if isinstance(made, regularizers.EarlyStopping):
        return made.update(made.init(tree), jnp.asarray(2.0), tree)
    if callable(made):
        return made(jax.random.key(0), (3, 4))
    return made.update(tree, made.init(tree), tree)


def test_every_function_of_the_families_has_a_sample():
    sampled = {spec.name for spec in suite.load()}
    for family in suite.FAMILIES:
        module = importlib.import_module(f"jaxact.{family}")
        functions = {name for name in module.__all__ if not isinstance(getattr(module, name), type)}
        assert functions <= sampled
