"""Errors of float32 normalization of numbers whose mean is far from 0."""

import dataclasses
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import flax.linen
import jax.numpy as jnp
import numpy as np
import torch
from numpy.typing import NDArray

from jaxact import functional

MEANS = (0.0, 1e2, 1e3, 1e4, 1e6)
SIDES = ("jaxact", "torch", "flax", "flax, two passes")
ROWS, FEATURES = 256, 512


@dataclasses.dataclass(frozen=True, kw_only=True)
class LargeMean:
    """Errors of a normalization of numbers with standard deviation 1.

    Attributes:
        function: its name.
        mean: of the numbers.
        errors: by side, the largest absolute error of the result, which is about 1.
    """

    function: str
    mean: float
    errors: Mapping[str, float]


def measure() -> Iterator[LargeMean]:
    """Every normalization at every mean; float64 from the same float32 numbers is the truth."""
    draw = np.random.default_rng(0).standard_normal((ROWS, FEATURES))
    for function, (axis, sides) in _functions().items():
        for mean in MEANS:
            x = (draw + mean).astype(np.float32)
            true = _normalized(x.astype(np.float64), axis)
            errors = {
                name: float(np.abs(np.asarray(sides[name](x), np.float64) - true).max())
                for name in SIDES
            }
            yield LargeMean(function=function, mean=mean, errors=errors)


def _normalized(x: NDArray[np.float64], axis: int) -> NDArray[np.float64]:
    return (x - x.mean(axis, keepdims=True)) / np.sqrt(x.var(axis, keepdims=True) + 1e-5)


def _functions() -> dict[str, tuple[int, dict[str, Callable[[Any], Any]]]]:
    """By name the axis of the mean, and the function of each side."""
    plain = torch.nn.functional

    def linen(name: str, fast: bool, **options: Any) -> Callable[[Any], Any]:
        module = getattr(flax.linen, name)(
            epsilon=1e-5, use_scale=False, use_bias=False, use_fast_variance=fast, **options
        )
        return lambda x: module.apply({}, x, mutable=["batch_stats"])[0]

    layer = (
        lambda x: functional.layer_norm(jnp.asarray(x), (FEATURES,)),
        lambda x: plain.layer_norm(torch.tensor(x), (FEATURES,)),
        linen("LayerNorm", fast=True),
        linen("LayerNorm", fast=False),
    )
    batch = (
        lambda x: functional.batch_norm(jnp.asarray(x), None, None, training=True),
        lambda x: plain.batch_norm(torch.tensor(x), None, None, training=True),
        linen("BatchNorm", fast=True, use_running_average=False),
        linen("BatchNorm", fast=False, use_running_average=False),
    )
    return {
        "layer_norm": (1, dict(zip(SIDES, layer, strict=True))),
        "batch_norm": (0, dict(zip(SIDES, batch, strict=True))),
    }
