"""What every loss and regularizer is timed on, taken from its row."""

import dataclasses
import functools
from collections.abc import Collection, Iterator, Mapping
from typing import Any

import jax
import numpy as np
import optax

from experiments.bench.forms import FORMS, UNTIMED, Form
from experiments.bench.peers import PEERS
from experiments.bench.sides import (
    Function,
    JaxSide,
    Measure,
    TorchSide,
    abstract,
    called,
    first_and_rest,
    is_tree,
)
from experiments.bench.sizes import ELEMENTS, Numbers, Sizes, Source, drawn
from experiments.bench.speed import JAXACT, TORCH
from parity import suite
from parity.backends import backend
from parity.inputs import is_constant, is_pointwise
from parity.spec import Described, Fixed, Setting, Spec, Steps
from parity.trees import flat

# By family and number of axes: the shape of the first argument, if it is not visited by points.
SHAPES: Mapping[str, Mapping[int, tuple[int, ...]]] = {
    family: {
        0: (),
        1: (ELEMENTS,),
        2: rows,
        3: (64, 256, 256),
        4: (64, 64, 32, 32),
        5: (64, 64, 4, 16, 16),
    }
    for family, rows in (("losses", (4096, 1000)), ("regularizers", (8192, 512)))
}
# Hyperparameters that are sizes of the arguments.
SIZES = ("normalized_shape", "num_classes")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Workload:
    """One function on arrays of one size.

    Attributes:
        function: its name.
        size: of the first argument, in words.
        jaxact, torch: the two sides of the row.
        peers: by library, the same from elsewhere in JAX.
    """

    function: str
    size: str
    jaxact: JaxSide
    torch: TorchSide
    peers: Mapping[str, JaxSide]

    @property
    def sides(self) -> dict[str, JaxSide | TorchSide]:
        """All of them, by library."""
        return {JAXACT: self.jaxact, TORCH: self.torch, **self.peers}


def workloads(
    family: str, functions: Collection[str], scale: float, *, blank: bool = False
) -> Iterator[Workload]:
    """Those of a family's functions that are timed, or of those named.

    Args:
        family: "losses" or "regularizers".
        functions: names; all, if there is none.
        scale: size of the arrays, in parts of the full ones.
        blank: whether only shapes and dtypes matter.
    """
    for spec in suite.family(family):
        if spec.name not in UNTIMED and (not functions or spec.name in functions):
            yield workload(spec, FORMS.get(spec.name, Form()), scale, blank=blank)


def untimed(family: str) -> dict[str, list[str]]:
    """By reason, those of a family's functions that are not timed."""
    names: dict[str, list[str]] = {}
    for spec in suite.family(family):
        if spec.name in UNTIMED:
            names.setdefault(UNTIMED[spec.name], []).append(spec.name)
    return names


def workload(spec: Spec, form: Form, scale: float, *, blank: bool = False) -> Workload:
    """The workload of a row, in the given form."""
    setting = _setting(spec, form)
    stepwise = isinstance(spec.subject.driver, Steps)
    described = _described(spec, setting, form, stepwise=stepwise)
    sizes = _sizes(spec.family, form, described[0], scale)
    source = None if blank else np.random.default_rng(0)
    arguments = {
        name: _argument(form, name, array, sizes, source) for name, array in described.items()
    }
    values = _values(setting, form, sizes)
    make = _stepwise if stepwise else _called
    jaxact, theirs = make(spec, setting, form, described, arguments, values)
    given = tuple(arguments.values())
    torch = TorchSide(prepare=form.torch or theirs, arguments=given, measure=jaxact.measure)
    # What others are called with: not the state of ours, but the key.
    given = given if stepwise else jaxact.arguments
    peers = {
        library: JaxSide(call=peer.call, arguments=peer.arguments(*given), measure=jaxact.measure)
        for library, peer in PEERS.get(spec.name, {}).items()
    }
    return Workload(
        function=spec.name, size=_size(given[0]), jaxact=jaxact, torch=torch, peers=peers
    )


def _setting(spec: Spec, form: Form) -> Setting:
    if form.setting is None:
        return spec.settings[0]
    return next(params for params in spec.settings if params.name == form.setting)


def _described(
    spec: Spec, setting: Setting, form: Form, *, stepwise: bool
) -> dict[int | str, Described]:
    """The arguments, by position or name."""
    first, *others = form.inputs or setting.inputs or spec.inputs
    inputs = (first, *(map(_one_step, others) if stepwise else others))
    return {**dict(enumerate(inputs)), **setting.arrays}


def _one_step(described: Described) -> Described:
    """What a step gets of an argument that has the steps as its first axis."""
    if isinstance(described, Mapping):
        return described
    return dataclasses.replace(described, shape=described.shape[1:])


def _values(setting: Setting, form: Form, sizes: Sizes) -> dict[str, Any]:
    """The hyperparameters; a loss is reduced, whatever its row shows first."""
    values = {**setting.values, **form.values}
    if values.get("reduction") == "none":
        del values["reduction"]
    # Those of the form are meant as they are.
    for name in set(SIZES) & set(values) - set(form.values):
        value = values[name]
        is_shape = isinstance(value, tuple)
        values[name] = tuple(map(sizes.size, value)) if is_shape else sizes.size(value)
    return values


def _sizes(family: str, form: Form, first: Described, scale: float) -> Sizes:
    leaf = next(iter(flat(first).values()))
    if is_tree(first) or is_pointwise(leaf):
        old, new = (), form.shape or (ELEMENTS,)
    else:
        old = np.shape(leaf.values) if isinstance(leaf, Fixed) else leaf.shape
        new = form.shape or SHAPES[family][len(old)]
    if form.sizes and not form.shape:
        new = tuple(form.sizes.get(n, n) for n in old)
    return Sizes(scale=scale, old=old, new=new, named=form.sizes)


def _argument(
    form: Form, name: int | str, described: Described, sizes: Sizes, source: Source
) -> Any:
    if name in form.arguments:
        return form.arguments[name](np.random.default_rng(0), sizes.first)
    return drawn(described, sizes, source)


def _floating(described: Described) -> bool:
    return not any(is_constant(leaf) for leaf in flat(described).values())


def _called(
    spec: Spec,
    setting: Setting,
    form: Form,
    described: Mapping[int | str, Described],
    arguments: Mapping[int | str, Any],
    values: Mapping[str, Any],
) -> tuple[JaxSide, Any]:
    """Our side, and how torch's is prepared, of what is simply called."""
    # The reference of a random setting wants the subject's draw; here it makes its own.
    reference = spec.reference if setting.random else setting.reference or spec.reference
    ours = form.jaxact or backend("jax").resolve(setting.subject or spec.subject)
    at = setting.random.at if setting.random else None
    names = [name for name in arguments if isinstance(name, str)]
    bound = functools.partial(_bound, names=names, values=values)
    call = bound(ours, at=at)
    given = tuple(arguments.values())
    if at is not None:
        given = (*given, jax.random.key(0))
    differentiated = tuple(i for i, d in enumerate(described.values()) if _floating(d))
    measure = _measure(spec, form, call, given, differentiated)
    theirs = called(bound(backend("torch").resolve(reference)))
    return JaxSide(call=call, arguments=given, measure=measure), theirs


def _bound(
    function: Function,
    names: list[str],
    values: Mapping[str, Any],
    at: str | int | None = None,
) -> Function:
    """Of positional arguments: those by position, those by name and, last, the random key."""

    def call(*arguments: Any) -> Any:
        given, source = list(arguments), {}
        if at is not None:
            key = given.pop()
            if isinstance(at, str):
                source = {at: key}
        named = dict(zip(names, given[len(given) - len(names) :], strict=True))
        positional = given[: len(given) - len(names)]
        if isinstance(at, int):
            positional.insert(at, key)
        return function(*positional, **named, **source, **values)

    return call


def _measure(
    spec: Spec, form: Form, call: Function, given: tuple[Any, ...], differentiated: tuple[int, ...]
) -> Measure:
    """Losses: of the mean, in the first argument; others in all of them.

    Where trees are changed or norms of gradients taken there is no gradient of use: the value.
    """
    if spec.family == "losses":
        return Measure(gradients=(0,), mean=True)
    result, _ = first_and_rest(jax.eval_shape(call, *jax.tree.map(abstract, given)))
    if form.value_only or is_tree(result):
        return Measure(gradients=())
    return Measure(gradients=differentiated)


def _stepwise(
    spec: Spec,
    setting: Setting,
    form: Form,
    described: Mapping[int | str, Described],
    arguments: Mapping[int | str, Any],
    values: Mapping[str, Any],
) -> tuple[JaxSide, Any]:
    """The same of what has a state: one update of it."""
    params, *others = arguments.values()
    made = backend("jax").resolve(setting.subject or spec.subject)(**values)
    state = jax.eval_shape(made.init, jax.tree.map(abstract, params))
    state = jax.tree.map(lambda leaf: np.zeros(leaf.shape, leaf.dtype), state)
    is_optax = isinstance(made, optax.GradientTransformation)
    given = (*others, state, params) if is_optax else (state, *others)
    maker = backend("torch").resolve(setting.reference or spec.reference)

    def prepare(params: Any, *others: Any) -> Any:
        step = maker(params, **values).step
        return lambda: step(*others)

    return JaxSide(call=made.update, arguments=given, measure=Measure(gradients=())), prepare


def _size(first: Any) -> str:
    if is_tree(first):
        leaves: list[Numbers] = list(first.values())
        return f"{sum(leaf.size for leaf in leaves):,} in {len(leaves)} leaves"
    return " x ".join(map(str, next(iter(flat(first).values())).shape))
