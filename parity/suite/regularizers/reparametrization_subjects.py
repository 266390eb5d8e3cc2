"""weight_norm's and spectral_norm's results as rows compare them: one array each."""

from __future__ import annotations

from typing import Any

import jax

from jaxact import regularizers
from jaxact.random import TorchGenerator
from parity.suite.regularizers.subjects import Adapted, joined


class SpectralNorm(Adapted):
    """spectral_norm(...) as one vector: the weight, then u and v."""

    def __call__(self, weight: Any, u: Any = None, v: Any = None, **values: Any) -> Any:
        """The vector; u and v are None for a weight of one axis."""
        return joined(self.function(weight, u, v, **values))


class Initial(Adapted):
    """spectral_norm_init(...) from torch's stream of a seed, u and v as one vector."""

    def __call__(self, weight: Any, *, seed: int | None = 0, **values: Any) -> Any:
        """The vector; without a seed from a JAX key."""
        key = jax.random.key(0) if seed is None else TorchGenerator(seed)
        return joined(self.function(key, weight, **values))


spectral_norm = SpectralNorm(regularizers.spectral_norm)
spectral_norm_init = Initial(regularizers.spectral_norm_init)
