"""The initializers as functions that fill a template from torch's stream.

Rows name them by their path, so that jaxact is loaded when a row runs.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import jax.numpy as jnp

from jaxact import initializers
from jaxact.random import TorchGenerator

Factory = Callable[..., Any]


class Filled:
    """fill(template, seed=..., **arguments) = factory(**arguments)(TorchGenerator(seed), ...).

    Args:
        factory: of jaxact.initializers, or a wrong one.
    """

    def __init__(self, factory: Factory) -> None:
        self.factory = factory
        self.__name__ = self.__qualname__ = factory.__name__
        self.__signature__ = inspect.signature(factory)

    def __call__(
        self, template: Any, *, seed: int = 0, skip: int = 0, after: bool = False, **values: Any
    ) -> Any:
        """An array of the template's shape and dtype; the template's own numbers do not matter.

        Args:
            template: what torch would fill.
            seed: of the generator.
            skip: how many uniform numbers are drawn before.
            after: return four uniform numbers drawn afterwards instead: they show the place of the
                stream.
            **values: the factory's arguments.
        """
        init = self.factory(**values)
        generator = TorchGenerator(seed)
        if skip:
            generator.rand(skip, template.dtype)
        filled = init(generator, template.shape, template.dtype)
        return jnp.asarray(generator.rand(4)) if after else filled


constant = Filled(initializers.constant)
zeros = Filled(initializers.zeros)
ones = Filled(initializers.ones)
eye = Filled(initializers.eye)
dirac = Filled(initializers.dirac)
uniform = Filled(initializers.uniform)
normal = Filled(initializers.normal)
trunc_normal = Filled(initializers.trunc_normal)
xavier_uniform = Filled(initializers.xavier_uniform)
xavier_normal = Filled(initializers.xavier_normal)
kaiming_uniform = Filled(initializers.kaiming_uniform)
kaiming_normal = Filled(initializers.kaiming_normal)
orthogonal = Filled(initializers.orthogonal)
sparse = Filled(initializers.sparse)
default_weight = Filled(initializers.default_weight)
default_bias = Filled(initializers.default_bias)


class Gains:
    """calculate_gain(...) in the shape and dtype of a template.

    Args:
        function: jaxact's, or a wrong one.
    """

    def __init__(self, function: Factory) -> None:
        self.__name__ = self.__qualname__ = function.__name__
        self.__signature__ = inspect.signature(function)
        self._function = function

    def __call__(self, template: Any, **values: Any) -> Any:
        """The gain, everywhere."""
        return jnp.full(template.shape, self._function(**values), template.dtype)


calculate_gain = Gains(initializers.calculate_gain)
