"""jaxact's clipping as functions of arrays."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from jaxact.regularizers import clipping
from parity.suite.regularizers.subjects import Adapted, Joined, joined, tree_of

# In the order of a jax tree.
NAMES = ("a/bias", "a/weight", "b")


class Paired(Adapted):
    """f(grads, params, ...) of arrays: the first half of them are those of grads.

    Args:
        function: jaxact's, or a wrong one.
        names: of the leaves of either tree.
    """

    def __init__(self, function: Callable[..., Any], names: tuple[str, ...] = NAMES) -> None:
        super().__init__(function)
        self.names = names

    def __call__(self, *arrays: Any, **values: Any) -> Any:
        """All leaves in one vector."""
        count = len(self.names)
        grads, params = (
            tree_of(dict(zip(self.names, part, strict=True)))
            for part in (arrays[:count], arrays[count:])
        )
        return joined(self.function(grads, params, **values))


class Transformed(Adapted):
    """The updates of an optax transformation, made for the call.

    Args:
        factory: jaxact's, or a wrong one.
        with_params: whether half of the arrays are parameters.
    """

    def __init__(self, factory: Callable[..., Any], with_params: bool = False) -> None:
        def update(grads: Any, params: Any, **values: Any) -> Any:
            transformation = factory(**values)
            return transformation.update(grads, transformation.init(grads), params)[0]

        super().__init__(factory)
        self.update = update
        self.with_params = with_params

    def __call__(self, *arrays: Any, **values: Any) -> Any:
        """All leaves in one vector."""
        if self.with_params:
            return Paired(self.update)(*arrays, **values)

        def without(grads: Any, **values: Any) -> Any:
            return self.update(grads, None, **values)

        return Joined(without, NAMES[: len(arrays)])(*arrays, **values)


get_total_norm = Joined(clipping.get_total_norm, NAMES)
clip_grads_with_norm = Joined(clipping.clip_grads_with_norm, NAMES)
clip_grad_norm = Joined(clipping.clip_grad_norm, NAMES)
clip_grad_value = Joined(clipping.clip_grad_value, ("a",))
adaptive_grad_clip = Paired(clipping.adaptive_grad_clip)
clip_by_grad_norm = Transformed(clipping.clip_by_grad_norm)
clip_by_grad_value = Transformed(clipping.clip_by_grad_value)
clip_adaptively = Transformed(clipping.clip_adaptively, with_params=True)
