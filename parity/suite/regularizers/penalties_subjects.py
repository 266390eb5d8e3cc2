"""jaxact's penalties as functions of arrays."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp

from jaxact.regularizers import penalties
from parity.suite.regularizers.subjects import Adapted, Joined

# In the order of a jax tree: only a/weight and b/kernel are weights.
NAMES = ("a/bias", "a/weight", "b/bias", "b/kernel", "b/scale")


class OfNetwork(Adapted):
    """f(network, x, ...) of x and of the weights of the network's two layers."""

    def __call__(self, x: Any, first: Any, second: Any, **values: Any) -> Any:
        """The penalty, differentiable in the weights as well."""

        def network(rows: Any) -> Any:
            return jnp.tanh(rows @ first) @ second

        return self.function(network, x, **values)


l1_penalty = Joined(penalties.l1_penalty, NAMES)
l2_penalty = Joined(penalties.l2_penalty, NAMES)
elastic_net = Joined(penalties.elastic_net, NAMES)
group_lasso = Joined(penalties.group_lasso, NAMES)
orthogonality_penalty = Joined(penalties.orthogonality_penalty, NAMES)
jacobian_penalty = OfNetwork(penalties.jacobian_penalty)
