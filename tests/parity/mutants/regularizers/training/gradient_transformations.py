# pyright: basic
"""Gradient clipping as transformations of optax: mistakes."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp

from jaxact.regularizers import training
from parity.mutation import Mutants
from parity.suite.regularizers.training.gradient_transformations import SPECS

MUTANTS = Mutants(SPECS)
_wrong = MUTANTS.wrong


@_wrong("clip_by_grad_norm", "max_norm=1.0,norm_type=inf/float32/forward")
def _transformation_forgets_the_norm_type(max_norm, norm_type=2.0):
    return training.clip_by_grad_norm(max_norm)


@_wrong("clip_by_grad_value", "clip_value=0.5/float32/forward")
def _clip_value_has_no_lower_bound(clip_value):
    import optax

    return optax.stateless(
        lambda grads, params: jax.tree.map(lambda g: jnp.minimum(g, clip_value), grads)
    )


@_wrong("clip_adaptively", "clip_factor=0.5,eps=4.0,layout=flax/float32/forward")
def _adaptive_transformation_forgets_eps(clip_factor=0.01, eps=1e-3, *, layout: Any = "torch"):
    return training.clip_adaptively(clip_factor, layout=layout)
