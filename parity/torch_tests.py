"""The calls that torch's own tests make, from the installed torch.

`torch.testing._internal` has inputs of operators, some of which have to be refused (OpInfo), inputs
of modules (ModuleInfo), and tests of modules from before these. A test of a module is taken for
the functions that it calls: they are recorded while the module is constructed and called.
"""

from __future__ import annotations

import functools
import random
import types
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from parity.backends import backend
from parity.dtypes import is_floating
from parity.inputs import Form, Problem
from parity.signatures import parameters_in, parameters_of
from parity.spec import Factory, Spec, Target
from parity.torch_recording import NAMED, Test, recording
from parity.trees import flat, joined, mapped

# The dtypes in which the tests of modules from before ModuleInfo are run.
DTYPES_OF_OLD_TESTS = ("float32", "float64")
SEED = 0


@dataclass(frozen=True, kw_only=True)
class Sample:
    """The call of a test with arrays in place of tensors, for either framework.

    Args:
        name: of the test.
        problem: the arrays; every floating one is differentiated.
        values: the other arguments.
        marked: the arrays with respect to which torch's test takes gradients.
        contiguous: whether all of the tensors are.
    """

    name: str
    problem: Problem
    values: Mapping[str, Any]
    marked: frozenset[str]
    contiguous: bool

    def __str__(self) -> str:
        """`(float32[5, 3], int64[5], reduction='sum')`."""
        form = self.problem.form
        args = [_described(tree) for tree in form.positional]
        named = [f"{name}={_described(tree)}" for name, tree in form.named.items()]
        values = [f"{name}={value!r}" for name, value in self.values.items()]
        return f"({', '.join((*args, *named, *values))})"

    @property
    def key(self) -> tuple[Any, ...]:
        """Equal for calls that are the same."""
        arrays = tuple(array.tobytes() for array in self.problem.arguments.values())
        return str(self), arrays, self.marked, self.contiguous


@dataclass(frozen=True, kw_only=True)
class Skipped:
    """A test that cannot be run with the subject.

    Args:
        name: of the test.
        reason: why not.
    """

    name: str
    reason: str


class SkippedError(Exception):
    """Raised where a call turns out to be one that cannot be run; the message says why."""


def missing(spec: Spec) -> str:
    """Why torch has no tests of a row's function; empty if it has some."""
    name = spec.reference.name
    if spec.reference.backend != "torch" or name.startswith("parity."):
        return "torch has no such function"
    return "" if any(tested(spec, dtype) for dtype in spec.dtypes) else "torch has no tests of it"


def tested(spec: Spec, dtype: str) -> bool:
    """Whether torch has tests of a row's function in the dtype."""
    name = spec.reference.name
    old = dtype in DTYPES_OF_OLD_TESTS and name in _of_old_tests(dtype)
    return old or any(_operators(name, dtype)) or any(_modules(name, dtype))


def calls(spec: Spec, dtype: str) -> list[Sample | Skipped]:
    """The calls of a row's function that torch's tests make in the dtype; equal ones once."""
    from parity.backends._torch_drivers import GLOBAL

    name = spec.reference.name
    with GLOBAL:
        tests = [*_of_operators(name, dtype), *_of_modules(name, dtype)]
        tests += _of_old_tests(dtype).get(name, ()) if dtype in DTYPES_OF_OLD_TESTS else ()
    found: dict[Any, Sample | Skipped] = {}
    counts: Counter[str] = Counter()
    for test in tests:
        # A module may call the function several times.
        again = f".{counts[test.name]}" if test.name in counts else ""
        counts[test.name] += 1
        name = f"{test.name}{again}"
        try:
            made = _sample(replace(test, name=name), spec, dtype)
            found.setdefault(made.key, made)
        except SkippedError as error:
            found[name] = Skipped(name=name, reason=str(error))
    return list(found.values())


# -------------------------------------------------------------------------- where tests come from


def _operators(function: str, dtype: str) -> Iterator[Any]:
    """The OpInfos of a function."""
    import torch
    from torch.testing._internal.common_methods_invocations import op_db

    for operator in cast("list[Any]", op_db):
        named = operator.name in (function, NAMED.get(function))
        if named and getattr(torch, dtype) in operator.supported_dtypes("cpu"):
            yield operator


def _of_operators(function: str, dtype: str) -> Iterator[Test]:
    import torch

    of = getattr(torch, dtype)
    for operator in _operators(function, dtype):
        variant = f"{operator.variant_test_name}-" if operator.variant_test_name else ""
        _seed()
        made = operator.sample_inputs("cpu", of, requires_grad=of.is_floating_point)
        for i, sample in enumerate(made):
            yield _test(f"{variant}sample-{i}", sample)
        # The errors do not depend on the dtype, and choose their own.
        if operator.error_inputs_func and dtype == "float32":
            _seed()
            for i, error in enumerate(operator.error_inputs("cpu")):
                yield _test(f"{variant}error-{i}", error.sample_input)


def _test(name: str, sample: Any) -> Test:
    return Test(name=name, args=(sample.input, *sample.args), named=sample.kwargs)


def _modules(function: str, dtype: str) -> Iterator[Any]:
    """The ModuleInfos of modules whose own code mentions the function."""
    import torch
    from torch.testing._internal.common_modules import module_db

    for info in cast("list[Any]", module_db):
        supported = getattr(torch, dtype) in info.supported_dtypes("cpu")
        if supported and _mentions(info.module_cls, function.rpartition(".")[2]):
            yield info


def _mentions(kind: type, name: str) -> bool:
    """Whether a class of modules calls a function by that name when it is called."""
    import torch

    functions = [
        function
        for owner in kind.__mro__
        if owner not in (torch.nn.Module, object)
        for function in vars(owner).values()
        if isinstance(function, types.FunctionType)
    ]
    return any(name in function.__code__.co_names for function in functions)


def _of_modules(function: str, dtype: str) -> list[Test]:
    import torch

    with recording() as recorder:
        for info in _modules(function, dtype):
            modes = (True, False) if info.train_and_eval_differ else (False,)
            for training in modes:
                arguments: dict[str, Any] = {
                    "device": "cpu",
                    "dtype": getattr(torch, dtype),
                    "requires_grad": True,
                    "training": training,
                }
                _seed()
                inputs = list(info.module_inputs_func(info, **arguments))
                refused = info.module_error_inputs_func
                errors = list(refused(info, **arguments)) if refused and dtype == "float32" else []
                kind = f"{info.module_cls.__name__}{'-training' if len(modes) * training else ''}"
                for i, given in enumerate(inputs):
                    recorder.run(f"{kind}-{i}", _run_module, info, given, arguments)
                for i, error in enumerate(errors):
                    given = error.module_error_input
                    recorder.run(f"{kind}-error-{i}", _run_module, info, given, arguments)
    return recorder.found.get(function, [])


def _run_module(info: Any, given: Any, arguments: Mapping[str, Any]) -> None:
    module = info.module_cls(*given.constructor_input.args, **given.constructor_input.kwargs)
    module.to(arguments["dtype"]).train(arguments["training"])
    if given.forward_input is not None:
        module(*given.forward_input.args, **given.forward_input.kwargs)


@functools.cache
def _of_old_tests(dtype: str) -> dict[str, list[Test]]:
    """The calls that the tests from before ModuleInfo make, by function."""
    import torch
    from torch.testing._internal import common_nn

    from parity.backends._torch_drivers import GLOBAL

    with GLOBAL, recording() as recorder:
        _seed()
        described: list[Any] = [*common_nn.module_tests, *common_nn.get_new_module_tests()]
        for one in described:
            kind = one.get("constructor") or getattr(torch.nn, one["module_name"])
            test: Any = common_nn.NewModuleTest(**{**one, "constructor": kind})
            name = test.get_name().removeprefix("test_")
            recorder.run(name, _run_old_test, test, getattr(torch, dtype))
    return recorder.found


def _run_old_test(test: Any, dtype: Any) -> None:
    module = test.constructor(*test.constructor_args).to(dtype)
    given: Any = test._get_input()
    tensors: list[Any] = list(flat(given).values())
    module(*(a.to(dtype) if a.is_floating_point() else a for a in tensors))


def _seed() -> None:
    """Makes the tests draw the same numbers in every run, whichever are asked for."""
    from torch.testing._internal import common_utils

    common_utils.set_rng_seed(SEED)
    random.seed(SEED)


# -------------------------------------------------------------------------------------- translation


def _sample(test: Test, spec: Spec, dtype: str) -> Sample:
    """The call with arrays in place of tensors.

    Raises:
        SkippedError: if the subject has no parameter for an argument, or numpy no such array.
    """
    fills = isinstance(spec.reference.driver, Factory)
    names = _parameters(spec.signature or spec.reference)
    given = _by_name(test, spec, names)
    tensors = {path: leaf for path, leaf in flat(given).items() if _is_tensor(leaf)}
    given = {n: mapped(functools.partial(_translated, n), value) for n, value in given.items()}
    positional = list(_positional(given, names[: len(test.args)]))
    if fills:
        # Only the shape and the dtype of what an initializer fills matter.
        given |= {name: np.zeros_like(given[name]) for name in positional}
    form = Form(
        positional=tuple(given[name] for name in positional),
        named={n: v for n, v in given.items() if n not in positional and _is_array(v)},
    )
    leaves: dict[str, NDArray[Any]] = form.leaves
    floating = {path: leaf for path, leaf in leaves.items() if is_floating(leaf.dtype.name)}
    problem = Problem(
        key=f"{spec.family}/{spec.name}/{test.name}",
        dtype=next((leaf.dtype.name for leaf in floating.values()), dtype),
        arguments=leaves,
        form=form,
        constant=frozenset(path for path in leaves if fills or path not in floating),
    )
    places = {name: str(i) for i, name in enumerate(positional)}
    return Sample(
        name=test.name,
        problem=problem,
        values={n: v for n, v in given.items() if n not in (*positional, *form.named)},
        marked=frozenset(_placed(p, places) for p, leaf in tensors.items() if leaf.requires_grad),
        contiguous=all(tensor.is_contiguous() for tensor in tensors.values()),
    )


def _by_name(test: Test, spec: Spec, names: Sequence[str]) -> dict[str, Any]:
    """The arguments by the names of the reference's parameters, less those the subject lacks."""
    if len(test.args) > len(names):
        raise SkippedError("more arguments than parameters")
    given = {**dict(zip(names, test.args, strict=False)), **test.named}
    for name in [name for name in given if name in spec.omitted or name not in names]:
        # An initializer makes the tensor that torch's fills.
        if name in names and name == names[0]:
            continue
        value = given.pop(name)
        # A parameter whose name begins with an underscore is not for users.
        if value is not None and value is not False and not name.startswith("_"):
            raise SkippedError(f"{name}: the subject has no such parameter")
    return given


def _placed(path: str, places: Mapping[str, str]) -> str:
    """The path of a leaf of an argument, which may be given by position."""
    name, _, rest = path.partition("/")
    return joined(places.get(name, name), rest)


def _parameters(of: Target | str) -> tuple[str, ...]:
    return tuple(parameters_in(of)) if isinstance(of, str) else _names(of.name)


@functools.cache
def _names(name: str) -> tuple[str, ...]:
    return tuple(parameters_of(backend("torch").resolve(Target("torch", name))))


def _positional(given: Mapping[str, Any], names: Sequence[str]) -> Iterator[str]:
    """The first of some arguments, as far as they are arrays or None."""
    for name in names:
        if name not in given or not (given[name] is None or _is_array(given[name])):
            return
        yield name


def _translated(name: str, leaf: Any) -> Any:
    """An array or a dtype of numpy, or a plain value."""
    import torch

    from parity.backends._torch import to_numpy

    if isinstance(leaf, torch.dtype):
        return to_numpy(torch.empty(0, dtype=leaf)).dtype
    if isinstance(leaf, torch.Tensor):
        if leaf.is_complex():
            raise SkippedError("complex numbers")
        if leaf.layout != torch.strided or leaf.device.type != "cpu" or leaf.is_quantized:
            raise SkippedError(f"{name}: a tensor without an array")
        return to_numpy(leaf.detach())
    if callable(leaf):
        raise SkippedError(f"{name}: a function of torch")
    if type(leaf).__module__.partition(".")[0] == "torch":
        raise SkippedError(f"{name}: an object of torch")
    return leaf


def _is_tensor(leaf: Any) -> bool:
    import torch

    return isinstance(leaf, torch.Tensor)


def _is_array(tree: Any) -> bool:
    leaves = list(flat(tree).values())
    return bool(leaves) and all(isinstance(leaf, np.ndarray) for leaf in leaves)


def _described(tree: Any) -> str:
    def one(leaf: NDArray[Any]) -> str:
        return f"{leaf.dtype}{list(leaf.shape)}"

    shown = mapped(one, tree)
    return shown if isinstance(shown, str) else str(shown).replace("'", "")
