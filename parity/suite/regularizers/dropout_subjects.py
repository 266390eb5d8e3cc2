"""The dropouts, with torch's random stream as well.

Rows name them by their path, so that jaxact is loaded when a row runs.
"""

from __future__ import annotations

from typing import Any, cast

import jax
import jax.numpy as jnp

from jaxact import regularizers
from jaxact.random import TorchGenerator
from parity.suite.regularizers.dropout_laws import numbers
from parity.suite.regularizers.subjects import Adapted


class Seeded(Adapted):
    """f(...), or with a seed f(x, key=TorchGenerator(seed)) of known numbers x."""

    def __call__(
        self, *arrays: Any, seed: int | None = None, gradient: bool = False, **values: Any
    ) -> Any:
        """What the function gives.

        Args:
            *arrays: its arguments; with a seed, templates of shape and dtype.
            seed: of the generator. It refuses to draw while a program is traced, as rows are.
            gradient: return the gradient under the cotangent x instead.
            **values: further arguments.
        """
        if seed is None:
            return self.function(*arrays, **values)
        with jax.ensure_compile_time_eval():
            x = jnp.asarray(numbers(arrays[0].shape)).astype(arrays[0].dtype)

            def dropped(x: Any) -> Any:
                return self.function(x, key=TorchGenerator(seed), **values)

            if not gradient:
                return dropped(x)
            _, pull = cast(tuple[Any, Any], jax.vjp(dropped, x))
            return pull(x)[0]


dropout = Seeded(regularizers.dropout)
dropout1d = Seeded(regularizers.dropout1d)
dropout2d = Seeded(regularizers.dropout2d)
dropout3d = Seeded(regularizers.dropout3d)
alpha_dropout = Seeded(regularizers.alpha_dropout)
feature_alpha_dropout = Seeded(regularizers.feature_alpha_dropout)
drop_path = Seeded(regularizers.drop_path)
dropconnect = Seeded(regularizers.dropconnect)
dropblock = Seeded(regularizers.dropblock)
gaussian_dropout = Seeded(regularizers.gaussian_dropout)
