"""Early stopping as a function of all the metrics that it saw."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp

from jaxact import regularizers
from parity.suite.regularizers.subjects import Adapted


class Stopped(Adapted):
    """stopped(metrics, ...) = best, wait, should_stop and the kept weights after each metric.

    The weights of the i-th metric are the number i + 1.
    """

    def __call__(self, metrics: Any, **values: Any) -> Any:
        """[steps, 4]."""
        stopping = self.function(**values)

        def step(state: Any, at: Any) -> Any:
            metric, weight = at
            state = stopping.update(state, metric, {"weight": weight})
            found = (state.best, state.wait, state.should_stop, state.params["weight"])
            return state, jnp.stack([value.astype(metrics.dtype) for value in found])

        start = stopping.init({"weight": jnp.asarray(0)})
        return jax.lax.scan(step, start, (metrics, 1 + jnp.arange(len(metrics))))[1]


early_stopping = Stopped(regularizers.early_stopping)
