"""A layer built from jaxact's functions, which carries statistics from call to call."""

from __future__ import annotations

import jax.numpy as jnp
from flax import nnx
from jax import Array

from jaxact.regularizers import batch_norm, batch_norm_stats


class BatchNorm(nnx.Module):
    """A counterpart of torch.nn.BatchNorm2d, with its names of parameters and buffers."""

    def __init__(
        self, num_features: int, eps: float = 1e-5, momentum: float | None = 0.1, *, rngs: nnx.Rngs
    ) -> None:
        self.eps, self.momentum, self.use_running_average = eps, momentum, False
        ones, zeros = jnp.ones(num_features), jnp.zeros(num_features)
        self.weight, self.bias = nnx.Param(ones), nnx.Param(zeros)
        self.running_mean, self.running_var = nnx.BatchStat(zeros), nnx.BatchStat(ones)
        self.num_batches_tracked = nnx.BatchStat(jnp.asarray(0))

    def __call__(self, input: Array) -> Array:
        """The normalized input; in training mode the running statistics are updated."""
        mean, var = self.running_mean.value, self.running_var.value
        weight, bias, training = self.weight.value, self.bias.value, not self.use_running_average
        if training:
            count = self.num_batches_tracked.value = self.num_batches_tracked.value + 1
            self.running_mean.value, self.running_var.value = batch_norm_stats(
                input, mean, var, self.momentum, num_batches_tracked=count
            )
        return batch_norm(input, mean, var, weight, bias, training, eps=self.eps)
