# pyright: basic
"""Weights divided by a norm of theirs: mistakes."""

from __future__ import annotations

import jax
import jax.numpy as jnp

from jaxact import regularizers
from jaxact.random import TorchGenerator
from parity.mutation import Mutants
from parity.suite.regularizers.reparametrization import SPECS

MUTANTS = Mutants(SPECS)
_wrong = MUTANTS.wrong


@_wrong("weight_norm", "dim=1/float32/forward")
def _weight_norm_sums_over_dim(v, g, dim=0):
    return v / jnp.sqrt(jnp.sum(v * v, axis=dim, keepdims=True)) * g


@_wrong("weight_norm", "dim=-1/float32/forward")
def _weight_norm_takes_minus_1_for_the_last_axis(v, g, dim=0):
    axes = [i for i in range(v.ndim) if i != dim % v.ndim]
    return v / jnp.sqrt(jnp.sum(v * v, axis=axes, keepdims=True)) * g


@_wrong("weight_norm", "tiny/float32/forward")
def _weight_norm_squares_what_is_small(v, g, dim=0):
    return v / jnp.sqrt(jnp.sum(v * v, axis=range(1, v.ndim), keepdims=True)) * g


@_wrong("weight_norm", "float32/vjp")
def _weight_norm_holds_the_norm_constant(v, g, dim=0):
    norm = jnp.sqrt(jnp.sum(v * v, axis=range(1, v.ndim), keepdims=True))
    return v / jax.lax.stop_gradient(norm) * g


def _iterated(matrix, u, v, steps, eps):
    def unit(x):
        return x / jnp.maximum(jnp.linalg.norm(x), eps)

    for _ in range(steps):
        u = unit(matrix @ v)
        v = unit(matrix.T @ u)
    return u, v


@_wrong("spectral_norm", "float32/vjp")
def _spectral_norm_differentiates_u_and_v(weight, u, v, n_power_iterations=1, eps=1e-12, dim=0):
    matrix = weight.reshape(weight.shape[0], -1)
    u, v = _iterated(matrix, u, v, n_power_iterations, eps)
    return weight / (u @ matrix @ v), u, v


@_wrong("spectral_norm", "float64/vjp")
def _spectral_norm_holds_sigma_constant(weight, u, v, n_power_iterations=1, eps=1e-12, dim=0):
    _, u, v = regularizers.spectral_norm(weight, u, v, n_power_iterations, eps, dim)
    matrix = weight.reshape(weight.shape[0], -1)
    return weight / jax.lax.stop_gradient(u @ matrix @ v), u, v


@_wrong("spectral_norm", "n_power_iterations=3,dim=1/float32/forward")
def _spectral_norm_flattens_without_moving_dim(
    weight, u, v, n_power_iterations=1, eps=1e-12, dim=0
):
    matrix = weight.reshape(weight.shape[dim], -1)
    flat, u, v = regularizers.spectral_norm(matrix, u, v, n_power_iterations, eps)
    return flat.reshape(weight.shape), u, v


@_wrong("spectral_norm", "float32/forward")
def _spectral_norm_takes_sigma_before_the_iteration(
    weight, u, v, n_power_iterations=1, eps=1e-12, dim=0
):
    before = regularizers.spectral_norm(weight, u, v, 0, eps, dim)[0]
    return before, *regularizers.spectral_norm(weight, u, v, n_power_iterations, eps, dim)[1:]


@_wrong("spectral_norm", "stays_singular/any/law")
def _spectral_norm_keeps_u(weight, u, v, n_power_iterations=1, eps=1e-12, dim=0):
    normed, _, new = regularizers.spectral_norm(weight, u, v, n_power_iterations, eps, dim)
    return normed, u, new


@_wrong("spectral_norm", "eps=10/float32/forward")
def _spectral_norm_forgets_eps(weight, u, v, n_power_iterations=1, eps=1e-12, dim=0):
    return regularizers.spectral_norm(weight, u, v, n_power_iterations, 1e-12, dim)


@_wrong("spectral_norm_init", "seed=0,dim=0/float32/forward")
def _v_is_drawn_first(key, weight, eps=1e-12, dim=0):
    if isinstance(key, TorchGenerator):
        matrix = jnp.moveaxis(weight, dim, 0).reshape(weight.shape[dim], -1)
        v, u = (jnp.asarray(key.randn((n,), weight.dtype)) for n in matrix.shape[::-1])
        return regularizers.spectral_norm(matrix, u, v, 15, eps)[1:]
    return regularizers.spectral_norm_init(key, weight, eps, dim)


@_wrong("spectral_norm_init", "vectors_are_singular/any/law")
def _vectors_are_random(key, weight, eps=1e-12, dim=0):
    shape = (weight.shape[dim], weight.size // weight.shape[dim])
    u, v = (jax.random.normal(jax.random.key(0), (n,)) for n in shape)
    return u / jnp.linalg.norm(u), v / jnp.linalg.norm(v)
