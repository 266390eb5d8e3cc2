"""torch on the CPU: autograd, and the different kernels for different layouts and lengths."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from parity.backends import (
    OUT,
    STREAM,
    Backend,
    Function,
    Program,
    Run,
    Task,
    by_step,
    leaf_of,
    native,
    resolved,
    with_source,
)
from parity.backends._torch_drivers import GLOBAL, driven
from parity.compare import Trace
from parity.dtypes import is_floating, numpy_dtype
from parity.inputs import Problem
from parity.spec import (
    ObservedDraw,
    Randomness,
    SameSeed,
    Target,
    Values,
)
from parity.trees import flat, joined

SHORT_CALLS = 24
Layout = Callable[[torch.Tensor], torch.Tensor]
Leaves = dict[str, torch.Tensor]


def _contiguous(tensor: torch.Tensor) -> torch.Tensor:
    return tensor


@dataclass(frozen=True, kw_only=True)
class TorchProgram:
    """A task, run in one memory layout."""

    task: Task
    function: Function
    phases: tuple[str, ...]
    layout: Layout = _contiguous

    def __call__(self, problem: Problem) -> Run:
        run = Run()
        tensors = self._tensors(problem.arguments)
        leaves = {name: tensors[name] for name in problem.differentiated}
        if is_floating(problem.dtype):
            for leaf in leaves.values():
                leaf.requires_grad_()
        try:
            entries = self.entries(problem, tensors)
            run.trace = by_step({key: to_numpy(entry) for key, entry in entries.items()})
        except Exception as error:
            run.failures = dict.fromkeys(self.phases, error)
            return run
        if is_floating(problem.dtype) and leaves:
            self._differentiate(run, problem, _floating(entries), leaves)
        return run

    def _tensors(self, arrays: Any) -> Leaves:
        return {name: self.layout(to_torch(array)) for name, array in arrays.items()}

    def entries(self, problem: Problem, tensors: Leaves) -> dict[str, Any]:
        """The results of the function for all arguments, by path."""
        args, named = self.task.form.arguments(tensors)
        drawn = {name: to_torch(a) for name, a in problem.drawn.items()}
        return flat(self.function(args, {**self.task.values, **named, **drawn}))

    def _differentiate(self, run: Run, problem: Problem, results: Leaves, by_name: Leaves) -> None:
        if not {"vjp", "jvp", "second"} & set(self.phases):
            return
        names, leaves = list(by_name), list(by_name.values())
        cotangents = {
            key: self.cotangent(problem, key, entry).requires_grad_()
            for key, entry in results.items()
        }
        try:
            gradients = self._gradients(list(results.values()), leaves, list(cotangents.values()))
        except Exception as error:
            run.failures |= dict.fromkeys(("vjp", "jvp", "second"), error)
            return
        run.trace |= _named("vjp", names, gradients)
        if {"jvp", "second"} & set(self.phases):
            try:
                run.trace |= self._double_backward(problem, gradients, names, leaves, cotangents)
            except Exception as error:
                run.failures |= {"jvp": error, "second": error}
                self._forward_mode(run, problem)

    def cotangent(self, problem: Problem, key: str, entry: torch.Tensor) -> torch.Tensor:
        """The cotangent of an entry of the trace."""
        pulled = problem.cotangent(tuple(entry.shape), leaf_of(key))
        return self.layout(to_torch(pulled).to(entry.dtype))

    def _gradients(
        self,
        results: list[torch.Tensor],
        leaves: list[torch.Tensor],
        cotangents: list[torch.Tensor],
    ) -> list[torch.Tensor]:
        again = bool({"jvp", "second"} & set(self.phases))
        return list(
            torch.autograd.grad(
                results, leaves, cotangents, create_graph=again, materialize_grads=True
            )
        )

    def _double_backward(
        self,
        problem: Problem,
        gradients: list[torch.Tensor],
        names: list[str],
        leaves: list[torch.Tensor],
        cotangents: Leaves,
    ) -> Trace:
        directions = self._tensors(problem.directions()).values()
        pairs = [(g, d) for g, d in zip(gradients, directions, strict=True) if g.requires_grad]
        second = torch.autograd.grad(
            [g for g, _ in pairs],
            [*leaves, *cotangents.values()],
            [d for _, d in pairs],
            materialize_grads=True,
        )
        # The gradient is linear in the cotangent: its derivative with respect to the cotangent is
        # the Jacobian times the directions, which is the result of forward mode.
        along = dict(zip(cotangents, second[len(leaves) :], strict=True))
        return {
            **_named("second", names, second[: len(leaves)]),
            **{joined("second/cotangent", leaf_of(key)): to_numpy(a) for key, a in along.items()},
            **{joined("jvp", key): to_numpy(a) for key, a in along.items()},
        }

    def _forward_mode(self, run: Run, problem: Problem) -> None:
        """Adds the Jacobian times the directions, for functions without a double backward."""
        tensors = self._tensors(problem.arguments)
        leaves = {name: tensors[name] for name in problem.differentiated}

        def called(leaves: Leaves) -> Leaves:
            return self.entries(problem, {**tensors, **leaves})

        try:
            directions = self._tensors(problem.directions())
            pushed: Any = torch.func.jvp(called, (leaves,), (directions,))
        except Exception as error:
            run.failures["jvp"] = error
            return
        del run.failures["jvp"]
        # A tangent has the dtype of its result. Beside float32 weights torch 2.13 gives the result
        # of batch_norm in bfloat16 and its tangent in float32.
        results, tangents = pushed
        run.trace |= {
            joined("jvp", key): to_numpy(tangent.to(results[key].dtype))
            for key, tangent in tangents.items()
        }


class TorchBackend(Backend):
    """torch on the CPU."""

    def resolve(self, target: Target) -> Callable[..., Any]:
        """The function that the target names, with its options bound."""
        return resolved(target, "torch")

    def array(self, values: Any) -> Any:
        """A tensor."""
        return to_torch(values)

    def as_numpy(self, array: Any) -> NDArray[Any]:
        """A tensor, or a number, as an array of numpy."""
        return to_numpy(array)

    def dtype(self, dtype: np.dtype[Any]) -> Any:
        """The framework's name for a numpy dtype."""
        return getattr(torch, dtype.name)

    def sourced(self, target: Target, random: Randomness | None) -> Callable[..., Any]:
        """The target's function with its source of random numbers as an argument."""
        call = self.resolve(target)
        if not isinstance(random, ObservedDraw):
            return call
        return with_source(call, lambda: torch.Generator().manual_seed(random.seed), random.at)

    def function(self, target: Target, random: Randomness | None) -> Function:
        """The target as its driver calls it."""
        call = driven(self.sourced(target, random), target.driver)
        if not isinstance(random, SameSeed):
            return call

        def streamed(args: tuple[Any, ...], named: Values) -> dict[str, Any]:
            """Runs in one thread at a time; adds the numbers that the stream gives afterwards."""
            with GLOBAL:
                torch.manual_seed(random.seed)
                roots = call(args, named)
                return {**roots, STREAM: torch.rand(4)} if random.place else roots

        return streamed

    def program(self, task: Task, phases: tuple[str, ...]) -> TorchProgram:
        """The task on contiguous arrays; `mapped` is ignored, since tensors broadcast."""
        task = replace(task, values=native(self, task.values))
        function = self.function(task.target, task.random)
        return TorchProgram(task=task, function=function, phases=phases)

    def mapped_program(self, task: Task) -> Callable[[list[Problem]], list[Trace]]:
        """The traces, with gradients, of several problems mapped over a new leading axis."""
        program = self.program(task, ("forward", "vjp"))
        return lambda problems: _mapped(program, problems)

    def laid_out(self, program: Program, layout: str) -> Program:
        """The program on arrays with one of the layouts of `LAYOUTS`."""
        assert isinstance(program, TorchProgram)
        return replace(program, layout=_LAYOUTS[layout])

    def variants(self, program: Program, problem: Problem) -> dict[str, Run]:
        """Runs on one long vector, on the same with strides, and on each of the first points."""
        assert isinstance(program, TorchProgram)
        runs = {"vector": program(problem)}
        if isinstance(program.task.random, SameSeed):
            # Another memory layout would draw the stream in another order.
            return runs
        runs["strided"] = replace(program, layout=_strided)(problem)
        out = runs["vector"].trace.get(OUT, None)
        one_each = out is not None and out.shape == problem.first.shape
        if problem.pointwise and one_each and not problem.drawn:
            runs["single"] = _one_at_a_time(program, problem, runs["vector"])
        return runs


# ------------------------------------------------------------------------------------------ phases


def _floating(entries: dict[str, Any]) -> Leaves:
    """The entries that have gradients; if there are none, all floating entries."""
    floating = {
        key: entry
        for key, entry in entries.items()
        if isinstance(entry, torch.Tensor) and entry.is_floating_point()
    }
    return {key: entry for key, entry in floating.items() if entry.requires_grad} or floating


def _mapped(program: TorchProgram, problems: list[Problem]) -> list[Trace]:
    """The traces by torch.func.vmap, with the gradients of all problems at once."""
    names = problems[0].differentiated
    stacked = {
        name: torch.stack([to_torch(p.arguments[name]) for p in problems])
        for name in problems[0].arguments
    }
    leaves = [stacked[name].requires_grad_() for name in names]

    def called(tensors: Leaves) -> dict[str, Any]:
        return program.entries(problems[0], tensors)

    entries: Any = torch.func.vmap(called)(stacked)
    results = _floating(entries)
    cotangents = [
        torch.stack(
            [
                program.cotangent(problem, key, one)
                for problem, one in zip(problems, entry, strict=True)
            ]
        )
        for key, entry in results.items()
    ]
    gradients = torch.autograd.grad(
        list(results.values()), leaves, cotangents, materialize_grads=True
    )
    found = {**entries, **{f"vjp/{n}": g for n, g in zip(names, gradients, strict=True)}}
    return [
        by_step({key: to_numpy(entry[i]) for key, entry in found.items()})
        for i in range(len(problems))
    ]


def _strided(tensor: torch.Tensor) -> torch.Tensor:
    """The same values in every other place of memory: torch then uses no vector kernels."""
    if not tensor.ndim:
        return tensor
    spread = torch.empty((*tensor.shape, 2), dtype=tensor.dtype)
    spread[..., 0] = tensor
    return spread[..., 0]


def _transposed(tensor: torch.Tensor) -> torch.Tensor:
    """The same values with the axes in reverse order in memory."""
    reverse = tuple(range(tensor.ndim))[::-1]
    return tensor.permute(reverse).contiguous().permute(reverse)


_LAYOUTS: dict[str, Layout] = {
    "contiguous": _contiguous,
    "strided": _strided,
    "transposed": _transposed,
}


def _one_at_a_time(program: TorchProgram, problem: Problem, long: Run) -> Run:
    count = min(SHORT_CALLS, problem.first.shape[0])
    trace = {key: array.copy() for key, array in long.trace.items()}
    for index in range(count):
        for key, array in program(problem.at(index)).trace.items():
            trace[key][index] = array[0]
    return Run(trace)


def to_torch(array: NDArray[Any]) -> torch.Tensor:
    """A tensor with its own memory; bfloat16, which torch does not take, is copied bit by bit."""
    if array.dtype == numpy_dtype("bfloat16"):
        return torch.tensor(array.view(np.int16)).view(torch.bfloat16)
    return torch.tensor(array)


def to_numpy(tensor: Any) -> NDArray[Any]:
    """An array of the same values and dtype; a plain number becomes an array without axes."""
    if not isinstance(tensor, torch.Tensor):
        return np.asarray(tensor)
    # A gradient may be a tensor of zeros that has no memory, or a view of one: a copy has.
    tensor = tensor.clone() if tensor._is_zerotensor() else tensor.contiguous()
    if tensor.dtype == torch.bfloat16:
        return tensor.view(torch.int16).numpy(force=True).view(numpy_dtype("bfloat16"))
    return tensor.numpy(force=True)


def _named(phase: str, names: list[str], tensors: Any) -> Trace:
    return {f"{phase}/{name}": to_numpy(t) for name, t in zip(names, tensors, strict=True)}


BACKEND = TorchBackend()
