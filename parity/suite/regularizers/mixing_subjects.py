"""mixup and cutmix with the key by name and both results as one vector."""

from __future__ import annotations

from typing import Any

import jax

from jaxact import regularizers
from parity.suite.regularizers.subjects import Adapted, joined


class Mixed(Adapted):
    """mixed(images, labels, key=..., ...) = the mixed images, then the labels, as one vector."""

    def __call__(self, images: Any, labels: Any, *, key: Any = None, **values: Any) -> Any:
        """The vector."""
        key = jax.random.key(0) if key is None else key
        return joined(self.function(key, images, labels, **values))


mixup = Mixed(regularizers.mixup)
cutmix = Mixed(regularizers.cutmix)
