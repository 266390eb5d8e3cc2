"""torch's initializers as functions that fill a new tensor after `manual_seed`."""

from __future__ import annotations

import inspect
import threading
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import init

# The layers' and sparse_'s random source is global.
_STREAM = threading.Lock()
_FILLED = ("tensor", "generator")


def _without(call: Callable[..., Any], names: Sequence[str]) -> inspect.Signature:
    signature = inspect.signature(call)
    kept = [p for name, p in signature.parameters.items() if name not in names]
    return signature.replace(parameters=kept)


class Filled:
    """fill(template, seed=..., **arguments) = init.name_(torch.empty(...), **arguments).

    Args:
        name: in torch.nn.init, without the underscore.
    """

    def __init__(self, name: str) -> None:
        self._fill = getattr(init, f"{name}_")
        self.__name__ = self.__qualname__ = name
        self.__signature__ = _without(self._fill, _FILLED)

    def __call__(
        self,
        template: Tensor,
        *,
        seed: int = 0,
        skip: int = 0,
        after: bool = False,
        layout: str = "torch",
        **values: Any,
    ) -> Tensor:
        """A tensor of the template's shape and dtype; see `subjects.Filled`."""
        shape = _torch_shape(template.shape, layout)
        with _STREAM:
            torch.manual_seed(seed)
            torch.rand(skip, dtype=template.dtype if skip else None)
            filled = self._fill(torch.empty(shape, dtype=template.dtype), **values)
            place = torch.rand(4)
        if after:
            return place
        return filled if layout == "torch" else _in_flax_layout(filled)


def _torch_shape(shape: Sequence[int], layout: str) -> tuple[int, ...]:
    """(out, in, *kernel) of flax's (*kernel, in, out)."""
    if layout == "torch" or len(shape) < 2:
        return tuple(shape)
    return (shape[-1], shape[-2], *shape[:-2])


def _in_flax_layout(tensor: Tensor) -> Tensor:
    return tensor.movedim((0, 1), (-1, -2)) if tensor.ndim > 1 else tensor


constant = Filled("constant")
zeros = Filled("zeros")
ones = Filled("ones")
eye = Filled("eye")
dirac = Filled("dirac")
uniform = Filled("uniform")
normal = Filled("normal")
trunc_normal = Filled("trunc_normal")
xavier_uniform = Filled("xavier_uniform")
xavier_normal = Filled("xavier_normal")
kaiming_uniform = Filled("kaiming_uniform")
kaiming_normal = Filled("kaiming_normal")
orthogonal = Filled("orthogonal")
sparse = Filled("sparse")


class _Gains:
    """calculate_gain(...) in the shape and dtype of a template."""

    __name__ = __qualname__ = "calculate_gain"
    __signature__ = inspect.signature(init.calculate_gain)

    def __call__(self, template: Tensor, **values: Any) -> Tensor:
        gain = init.calculate_gain(**values)
        return torch.full(template.shape, gain, dtype=template.dtype)


calculate_gain = _Gains()


def layer(
    template: Tensor,
    *,
    made: tuple[Any, ...],
    options: Any = None,
    parameter: str = "weight",
    seed: int = 0,
    layout: str = "torch",
    **values: Any,
) -> Tensor:
    """A parameter of torch.nn's layer made after `manual_seed`, in the shape of the template.

    Args:
        template: for the dtype.
        made: the positional arguments of the constructor.
        options: its keyword arguments.
        parameter: its name in the state_dict.
        seed: of the generator.
        layout: of the result.
        **values: what the subject is told: the layer's name, and what it needs instead of the
            constructor's arguments.
    """
    with _STREAM:
        torch.manual_seed(seed)
        module = getattr(nn, values["layer"])(*made, **(options or {}), dtype=template.dtype)
    filled = module.state_dict()[parameter]
    embedding = values["layer"].startswith("Embedding")
    return filled if layout == "torch" or embedding else _in_flax_layout(filled)
