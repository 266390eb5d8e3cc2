"""A function as calls to be timed: forward and backward, compiled by jax or run by torch."""

from collections.abc import Callable, Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import torch
from numpy.typing import NDArray

from experiments.bench.timing import Call, repeated
from parity.backends import backend
from parity.spec import Target

EAGER_CALLS = 200


class JaxFunction:
    """A function of jax with its hyperparameters, on one input."""

    def __init__(
        self, target: Target, values: Mapping[str, Any], key: int | None, x: NDArray[np.float32]
    ) -> None:
        self.call = backend("jax").resolve(target)
        self.values = {name: _as_jax(value) for name, value in values.items()}
        if key is not None:
            self.values["key"] = jax.random.key(key)
        self.x = jnp.asarray(x)

    def __call__(self, x: jax.Array) -> jax.Array:
        """The function at x."""
        return self.call(x, **self.values)

    def forward(self) -> Call:
        """The value, compiled."""
        compiled = jax.jit(self).lower(self.x).compile()
        return lambda: compiled(self.x).block_until_ready()

    def backward(self, cotangent: Callable[[tuple[int, ...]], NDArray[np.float32]]) -> Call:
        """The gradient under a cotangent, compiled: x, ct -> jax.vjp(f, x)[1](ct)."""
        ct = jnp.asarray(cotangent(jax.eval_shape(self, self.x).shape))
        compiled = jax.jit(lambda x, ct: jax.vjp(self, x)[1](ct)[0]).lower(self.x, ct).compile()
        return lambda: compiled(self.x, ct).block_until_ready()

    def eager(self) -> Call:
        """`EAGER_CALLS` calls on 16 elements, as a user at a prompt makes them."""
        shape = (*[1] * (self.x.ndim - 2), 4, 4) if self.x.ndim > 1 else (16,)
        x = self.x.reshape(-1)[:16].reshape(shape)
        return repeated(lambda: self(x).block_until_ready(), EAGER_CALLS)

    def residuals(self) -> float:
        """What the backward pass keeps, from the jaxpr, in arrays of the input's size."""
        traced = jax.make_jaxpr(lambda x: jax.vjp(self, x))(self.x)
        _, *kept = traced.jaxpr.outvars
        # One array may stand several times among what is kept.
        elements = {id(kept_once): kept_once.aval.size for kept_once in kept}
        return round(sum(elements.values()) / self.x.size, 1)


class TorchFunction:
    """A function of torch with its hyperparameters, on one input."""

    def __init__(self, target: Target, values: Mapping[str, Any], x: NDArray[np.float32]) -> None:
        self.call = backend("torch").resolve(target)
        self.values = {name: _as_torch(value) for name, value in values.items()}
        self.x = torch.tensor(x)

    def forward(self) -> Call:
        """The value."""

        def run() -> torch.Tensor:
            with torch.no_grad():
                return self.call(self.x, **self.values)

        return run

    def backward(self, cotangent: Callable[[tuple[int, ...]], NDArray[np.float32]]) -> Call:
        """The gradient under a cotangent, from a forward pass made once."""
        leaf = self.x.clone().requires_grad_()
        out = self.call(leaf, **self.values)
        ct = torch.tensor(cotangent(tuple(out.shape)))
        return lambda: torch.autograd.grad(out, leaf, ct, retain_graph=True)


def compilations(call: Callable[[], Any]) -> int:
    """How many programs jax compiles while `call` runs."""
    count = 0

    def listen(event: str, duration_secs: float, **_: str | int) -> None:
        nonlocal count
        count += event == "/jax/core/compile/backend_compile_duration"

    jax.monitoring.register_event_duration_secs_listener(listen)
    try:
        call()
    finally:
        jax.monitoring.unregister_event_duration_listener(listen)
    return count


def _as_jax(value: Any) -> Any:
    return jnp.asarray(value, jnp.float32) if isinstance(value, np.ndarray) else value


def _as_torch(value: Any) -> Any:
    return torch.tensor(value, dtype=torch.float32) if isinstance(value, np.ndarray) else value
