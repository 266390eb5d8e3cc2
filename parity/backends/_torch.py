"""torch on the CPU: autograd, and the other kernels that it uses for other layouts and lengths."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from parity.backends import Program, Run, import_path, native
from parity.compare import Trace
from parity.dtypes import is_floating, numpy_dtype
from parity.inputs import Problem
from parity.spec import Target, Values

SHORT_CALLS = 24
Layout = Callable[[torch.Tensor], torch.Tensor]


def _contiguous(tensor: torch.Tensor) -> torch.Tensor:
    return tensor


@dataclass(frozen=True, kw_only=True)
class TorchProgram:
    """A function with its hyperparameters, run in one memory layout."""

    call: Callable[..., Any]
    values: Values
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
            out = self._called(problem, tensors)
            run.trace["out"] = to_numpy(out)
        except Exception as error:
            run.failures = dict.fromkeys(self.phases, error)
            return run
        if is_floating(problem.dtype):
            self._differentiate(run, problem, out, leaves)
        return run

    def _tensors(self, arrays: dict[str, NDArray[Any]]) -> dict[str, torch.Tensor]:
        return {name: self.layout(to_torch(array)) for name, array in arrays.items()}

    def _called(self, problem: Problem, tensors: dict[str, torch.Tensor]) -> torch.Tensor:
        """The result for all arguments, given by position or name."""
        arrays = [tensors[str(i)] for i in range(len(problem.arrays))]
        named = {name: tensors[name] for name in problem.named}
        drawn = {name: to_torch(a) for name, a in problem.drawn.items()}
        return self.call(*arrays, **self.values, **named, **drawn)

    def _differentiate(
        self, run: Run, problem: Problem, out: torch.Tensor, by_name: dict[str, torch.Tensor]
    ) -> None:
        names, leaves = list(by_name), list(by_name.values())
        pulled = problem.cotangent(tuple(out.shape)).astype(to_numpy(out).dtype)
        cotangent = self.layout(to_torch(pulled)).requires_grad_()
        gradients: list[torch.Tensor] = []
        if {"vjp", "jvp", "second"} & set(self.phases):
            try:
                gradients = self._gradients(out, leaves, cotangent)
            except Exception as error:
                run.failures |= dict.fromkeys(("vjp", "jvp", "second"), error)
                return
            run.trace |= _entries("vjp", names, gradients)
        if {"jvp", "second"} & set(self.phases):
            try:
                run.trace |= self._double_backward(problem, gradients, names, leaves, cotangent)
            except Exception as error:
                run.failures |= {"jvp": error, "second": error}
                self._forward_mode(run, problem)

    def _gradients(
        self, out: torch.Tensor, leaves: list[torch.Tensor], cotangent: torch.Tensor
    ) -> list[torch.Tensor]:
        again = bool({"jvp", "second"} & set(self.phases))
        return list(
            torch.autograd.grad(out, leaves, cotangent, create_graph=again, materialize_grads=True)
        )

    def _double_backward(
        self,
        problem: Problem,
        gradients: list[torch.Tensor],
        names: list[str],
        leaves: list[torch.Tensor],
        cotangent: torch.Tensor,
    ) -> Trace:
        directions = self._tensors(problem.directions()).values()
        pairs = [(g, d) for g, d in zip(gradients, directions, strict=True) if g.requires_grad]
        second = torch.autograd.grad(
            [g for g, _ in pairs],
            [*leaves, cotangent],
            [d for _, d in pairs],
            materialize_grads=True,
        )
        # The gradient is linear in the cotangent: its derivative there is the Jacobian times the
        # directions, which is what forward mode gives.
        along = to_numpy(second[-1])
        return _entries("second", names, second[:-1]) | {
            "second/cotangent": along,
            "jvp/out": along,
        }

    def _forward_mode(self, run: Run, problem: Problem) -> None:
        """The Jacobian times the directions, for functions without a double backward."""
        tensors = self._tensors(problem.arguments)
        leaves = {name: tensors[name] for name in problem.differentiated}

        def called(leaves: dict[str, torch.Tensor]) -> torch.Tensor:
            return self._called(problem, {**tensors, **leaves})

        try:
            directions = self._tensors(problem.directions())
            pushed: Any = torch.func.jvp(called, (leaves,), (directions,))
        except Exception as error:
            run.failures["jvp"] = error
            return
        del run.failures["jvp"]
        run.trace["jvp/out"] = to_numpy(pushed[1])


class TorchBackend:
    """torch on the CPU."""

    def resolve(self, target: Target) -> Callable[..., Any]:
        """The function that the target names, with its options bound."""
        call = import_path(target.call, "torch") if isinstance(target.call, str) else target.call
        return functools.partial(call, **target.options) if target.options else call

    def array(self, values: Any) -> Any:
        """A tensor."""
        return to_torch(values)

    def dtype(self, dtype: np.dtype[Any]) -> Any:
        """The framework's name for a numpy dtype."""
        return getattr(torch, dtype.name)

    def keyed(self, call: Callable[..., Any], seed: int) -> Callable[..., Any]:
        """The function with its random source fixed."""
        raise NotImplementedError("torch's random source is global")

    def program(
        self, call: Callable[..., Any], values: Values, mapped: bool, phases: tuple[str, ...]
    ) -> TorchProgram:
        """The function on contiguous arrays; `mapped` needs no care, since tensors broadcast."""
        return TorchProgram(call=call, values=native(self, values), phases=phases)

    def variants(self, program: Program, problem: Problem) -> dict[str, Run]:
        """One long vector, the same with strides, and a call for each of the first points."""
        assert isinstance(program, TorchProgram)
        runs = {"vector": program(problem)}
        runs["strided"] = replace(program, layout=_strided)(problem)
        out = runs["vector"].trace.get("out", None)
        one_each = out is not None and out.shape == problem.arrays[0].shape
        if problem.pointwise and one_each and not problem.drawn:
            runs["single"] = _one_at_a_time(program, problem, runs["vector"])
        return runs


def _strided(tensor: torch.Tensor) -> torch.Tensor:
    """The same values, every other place of the memory: torch then leaves its vector kernels."""
    if not tensor.ndim:
        return tensor
    spread = torch.empty((*tensor.shape, 2), dtype=tensor.dtype)
    spread[..., 0] = tensor
    return spread[..., 0]


def _one_at_a_time(program: TorchProgram, problem: Problem, long: Run) -> Run:
    count = min(SHORT_CALLS, problem.arrays[0].shape[0])
    trace = {key: array.copy() for key, array in long.trace.items()}
    for index in range(count):
        for key, array in program(problem.at(index)).trace.items():
            trace[key][index] = array[0]
    return Run(trace)


def to_torch(array: NDArray[Any]) -> torch.Tensor:
    """A tensor of its own memory; numpy's bfloat16 goes over bit by bit."""
    if array.dtype == numpy_dtype("bfloat16"):
        return torch.tensor(array.view(np.int16)).view(torch.bfloat16)
    return torch.tensor(array)


def to_numpy(tensor: torch.Tensor) -> NDArray[Any]:
    """An array of the same values and dtype."""
    # A gradient may be a tensor of zeros that has no memory, or a view of one: a copy has.
    tensor = tensor.clone() if tensor._is_zerotensor() else tensor.contiguous()
    if tensor.dtype == torch.bfloat16:
        return tensor.view(torch.int16).numpy(force=True).view(numpy_dtype("bfloat16"))
    return tensor.numpy(force=True)


def _entries(phase: str, names: list[str], tensors: Any) -> Trace:
    return {f"{phase}/{name}": to_numpy(t) for name, t in zip(names, tensors, strict=True)}


BACKEND = TorchBackend()
