"""Optimizers of torch, in groups or moved on the way, and one that loses fewer digits."""
# pyright: basic

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import jax
import numpy as np
import optax
import torch

from jaxact import optim
from parity.backends._torch_drivers import default_dtype
from parity.suite.optim import subjects
from parity.suite.optim.domains import objective
from parity.trees import flat, joined, placed


class Muon:
    """torch.optim.Muon, with the digits of the parameters in the Newton-Schulz iterations."""

    def __init__(self, params: Any, **options: Any) -> None:
        self.weights = {path: leaf.clone() for path, leaf in flat(params).items()}
        self.buffers = {path: torch.zeros_like(leaf) for path, leaf in self.weights.items()}
        self.options, self.steps = options, 0
        torch.optim.Muon(map(torch.nn.Parameter, self.weights.values()), **_at(0, options))
        if options.get("ns_steps", 0) >= 100:
            raise ValueError("torch raises in the first step")

    def step(self, grads: Any) -> dict[str, Any]:
        """The parameters and the buffers after the step."""
        at = _at(self.steps, self.options)
        self.steps += 1
        for path, gradient in flat(grads).items():
            self._step(path, gradient, **at)
        state = {joined("state/momentum_buffer", p): b for p, b in self.buffers.items()}
        return {f"params/{path}": weight for path, weight in self.weights.items()} | state

    def _step(
        self,
        path: str,
        gradient: Any,
        lr: Any = 1e-3,
        weight_decay: Any = 0.1,
        momentum: Any = 0.95,
        nesterov: bool = True,
        ns_coefficients: Any = (3.4445, -4.775, 2.0315),
        eps: Any = 1e-7,
        ns_steps: int = 5,
        adjust_lr_fn: str | None = None,
    ) -> None:
        buffer = self.buffers[path] = torch.lerp(self.buffers[path], gradient, 1 - momentum)
        ahead = torch.lerp(gradient, buffer, momentum) if nesterov else buffer
        rows, columns = gradient.shape
        x = ahead.T if rows > columns else ahead
        x = x / x.norm().clamp(min=eps)
        a, b, c = ns_coefficients
        for _ in range(ns_steps):
            gram = x @ x.T
            x = a * x + (b * gram + c * gram @ gram) @ x
        x = x.T if rows > columns else x
        scale = math.sqrt(max(1, rows / columns))
        if adjust_lr_fn == "match_rms_adamw":
            scale = 0.2 * math.sqrt(max(rows, columns))
        self.weights[path] = self.weights[path] * (1 - lr * weight_decay) - lr * scale * x


def muon(params: Any, **options: Any) -> Muon:
    """Muon with these hyperparameters."""
    return Muon(params, **options)


class Torch:
    """torch's optimizer on parameters by path."""

    def __init__(self, make: Callable[[dict[str, Any]], Any], params: Any) -> None:
        # torch's LBFGS views its parameters as vectors.
        leaves = {path: leaf.detach().contiguous().clone() for path, leaf in flat(params).items()}
        self.weights = {path: torch.nn.Parameter(leaf) for path, leaf in leaves.items()}
        self.optimizer = make(self.weights)

    def step(self, grads: Any) -> dict[str, Any]:
        """The parameters after the step."""
        for path, gradient in flat(grads).items():
            self.weights[path].grad = gradient.detach().clone()
        self.optimizer.step()
        return self.params()

    def params(self) -> dict[str, Any]:
        """The parameters as they are now."""
        return {f"params/{path}": leaf.detach().clone() for path, leaf in self.weights.items()}


class Sparse(Torch):
    """torch's SparseAdam, which gets indices of rows and their gradients."""

    def __init__(self, params: Any, **options: Any) -> None:
        super().__init__(
            lambda weights: torch.optim.SparseAdam(weights.values(), **_at(0, options)), params
        )
        self.options, self.steps = options, 0

    def step(self, grads: Any) -> dict[str, Any]:
        """The parameters and the averages after the step."""
        given = flat(grads)
        for path, weight in self.weights.items():
            rows, values = (given[joined(path, name)].detach() for name in ("rows", "values"))
            weight.grad = torch.sparse_coo_tensor(
                rows[None], values, weight.shape, check_invariants=True
            )
        self.optimizer.param_groups[0].update(_at(self.steps, self.options))
        self.steps += 1
        self.optimizer.step()
        state = {
            joined("state", name, path): self.optimizer.state[weight][name].clone()
            for path, weight in self.weights.items()
            for name in ("exp_avg", "exp_avg_sq")
        }
        return self.params() | state


def _at(step: int, options: dict[str, Any]) -> dict[str, Any]:
    """Hyperparameters, those that are schedules at a step."""
    return {name: value(step) if callable(value) else value for name, value in options.items()}


def sparse_adam(params: Any, **options: Any) -> Sparse:
    """SparseAdam with these hyperparameters."""
    return Sparse(params, **options)


class Searched(Torch):
    """torch's LBFGS with an objective that gets the targets of each step."""

    def step(self, targets: Any) -> dict[str, Any]:
        """The parameters after all iterations of the step."""
        weights = list(self.weights.values())
        wanted = {path: leaf.contiguous() for path, leaf in flat(targets).items()}

        def closure() -> Any:
            self.optimizer.zero_grad()
            with torch.enable_grad():
                value = objective(weights, [wanted[path].detach() for path in self.weights])
                value.backward()
            return value.detach()

        self.optimizer.step(closure)
        leaves = self.weights.items()
        return {f"state/params/{path}": leaf.detach().clone() for path, leaf in leaves}


def lbfgs(params: Any, **options: Any) -> Searched:
    """LBFGS with these hyperparameters."""
    return Searched(lambda weights: torch.optim.LBFGS(weights.values(), **options), params)


def param_groups(params: Any, make: str, groups: str, group_of: Any) -> Torch:
    """An optimizer with groups of parameters, by their names."""
    kind = getattr(torch.optim, subjects.OPTIMIZERS[make][1])

    def made(weights: dict[str, Any]) -> Any:
        named = {name: [] for name in subjects.GROUPS[groups]}
        for path, weight in weights.items():
            named[group_of(path, weight)].append(weight)
        options = subjects.GROUPS[groups]
        return kind([{"params": own, **options[name]} for name, own in named.items() if own])

    return Torch(made, params)


class Moved:
    """A training that begins in one framework and goes on in the other.

    Args:
        params: the initial ones.
        optimizer: its name.
        at: the number of steps before it moves.
        reverse: whether torch gets the parameters in reverse order, and their names.
        from_torch: whether it begins in torch.
    """

    def __init__(
        self, params: Any, optimizer: str, at: int, *, reverse: bool, from_torch: bool
    ) -> None:
        _, kind, self.options = subjects.OPTIMIZERS[optimizer]
        self.kind, self.reverse = getattr(torch.optim, kind), reverse
        self.ours = subjects.optimizer(optimizer)
        self.structure, self.at, self.done, self.from_torch = params, at, 0, from_torch
        self.dtype = next(iter(flat(params).values())).dtype
        self.wide = self.dtype == torch.float64
        if from_torch:
            self.torch = Torch(self._torch, params)
        else:
            with jax.enable_x64(self.wide):
                self.params = self._arrays(flat(params))
                self.state = self.ours.init(self.params)

    def step(self, grads: Any) -> dict[str, Any]:
        """The parameters after the step."""
        with jax.enable_x64(self.wide), default_dtype(self.dtype):
            if self.done == self.at:
                self._move()
                self.from_torch = not self.from_torch
            self.done += 1
            return self.torch.step(grads) if self.from_torch else self._in_jax(grads)

    def _torch(self, weights: dict[str, Any]) -> Any:
        if self.reverse:
            return self.kind(list(weights.items())[::-1], **self.options)
        # Without names the order is that of the leaves, which jax sorts by their keys.
        order = jax.tree.leaves(placed(self.structure, {path: path for path in weights}))
        return self.kind([weights[path] for path in order], **self.options)

    def _names(self) -> list[str] | None:
        return list(flat(self.structure))[::-1] if self.reverse else None

    def _arrays(self, leaves: dict[str, Any]) -> Any:
        arrays = {path: jax.numpy.asarray(leaf.detach().numpy()) for path, leaf in leaves.items()}
        return placed(self.structure, arrays)

    def _in_jax(self, grads: Any) -> dict[str, Any]:
        gradients = self._arrays(flat(grads))
        updates, self.state = self.ours.update(gradients, self.state, self.params)
        self.params = optax.apply_updates(self.params, updates)
        leaves = flat(self.params)
        return {f"params/{path}": torch.tensor(np.asarray(w)) for path, w in leaves.items()}

    def _move(self) -> None:
        if self.from_torch:
            self.params = self._arrays(self.torch.weights)
            state = self.ours.init(self.params)
            self.state = optim.from_torch_state(state, self.torch.optimizer.state_dict())
            return
        leaves = {path: torch.tensor(np.asarray(w)) for path, w in flat(self.params).items()}
        self.torch = Torch(self._torch, placed(self.structure, leaves))
        entries = optim.to_torch_state(self.state, self._names(), tensor=torch.tensor)
        if entries:
            groups = self.torch.optimizer.state_dict()["param_groups"]
            self.torch.optimizer.load_state_dict({"state": entries, "param_groups": groups})


def from_torch_state(params: Any, state: str, state_dict: int, names: bool, step: None) -> Moved:
    """The optimizer of the name `state`, which begins in torch, for `state_dict` steps."""
    return Moved(params, state, state_dict, reverse=names, from_torch=True)


def to_torch_state(params: Any, state: str, names: bool, tensor: int) -> Moved:
    """The optimizer of the name `state`, which ends in torch, after `tensor` steps."""
    return Moved(params, state, tensor, reverse=names, from_torch=False)
