"""The averages of weights as functions of all the weights that they saw."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp

from jaxact import regularizers
from parity.suite.regularizers.subjects import Adapted


class Averaged(Adapted):
    """averaged(steps, ...) = the average after the update with each row of `steps`, stacked.

    Beside the row there is an integer in the tree, 10 times the row's place, which is copied.
    """

    def __call__(self, steps: Any, **values: Any) -> Any:
        """[steps, weights + 1]: after each update the weights and the integer."""
        average = self.function(**values)
        state = average.init({"weight": jnp.zeros_like(steps[0]), "count": jnp.asarray(0)})
        rows: list[Any] = []
        for i, row in enumerate(steps):
            state = average.update(state, {"weight": row, "count": jnp.asarray(10 * i)})
            count = state.params["count"].astype(steps.dtype)
            rows.append(jnp.append(state.params["weight"], count))
        return jnp.stack(rows)


ema = Averaged(regularizers.ema)
swa = Averaged(regularizers.swa)
