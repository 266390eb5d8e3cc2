"""mixup and cutmix with the key by name and both results as one vector."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import jax

from jaxact import regularizers
from parity.suite.regularizers.subjects import joined

Function = Callable[..., Any]


class Mixed:
    """mixed(images, labels, key=..., ...) = the mixed images, then the labels, as one vector.

    Args:
        function: jaxact's, or a wrong one.
    """

    def __init__(self, function: Function) -> None:
        self.function = function
        self.__name__ = self.__qualname__ = function.__name__
        self.__signature__ = inspect.signature(function)

    def __call__(self, images: Any, labels: Any, *, key: Any = None, **values: Any) -> Any:
        """The vector."""
        key = jax.random.key(0) if key is None else key
        return joined(self.function(key, images, labels, **values))


mixup = Mixed(regularizers.mixup)
cutmix = Mixed(regularizers.cutmix)
