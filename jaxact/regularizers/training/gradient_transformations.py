"""Gradient clipping as transformations of optax."""

from collections.abc import Callable
from typing import Any, cast

import optax  # pyright: ignore[reportMissingTypeStubs]
from jax.typing import ArrayLike

from jaxact._arguments import Layout, check_scalar, known_layout
from jaxact._op import factory
from jaxact.errors import InvalidValueError
from jaxact.regularizers._leaves import Tree
from jaxact.regularizers.training._total_norms import parse_norm_type
from jaxact.regularizers.training.clipping import (
    adaptive_grad_clip,
    clip_grad_norm,
    clip_grad_value,
)

__all__ = ["clip_adaptively", "clip_by_grad_norm", "clip_by_grad_value"]


def _stateless(update: Callable[[Tree, Tree | None], Tree]) -> optax.GradientTransformation:
    def init(params: Tree) -> optax.EmptyState:
        return optax.EmptyState()

    def updated(
        updates: Tree, state: optax.EmptyState, params: Tree | None = None
    ) -> tuple[Tree, optax.EmptyState]:
        return update(updates, params), state

    return optax.GradientTransformation(init, cast(Any, updated))


@factory()
def clip_by_grad_norm(
    max_norm: ArrayLike, norm_type: ArrayLike | str = 2.0
) -> optax.GradientTransformation:
    """clip_by_grad_norm(max_norm) = `clip_grad_norm` as an optax transformation.

    For optax.chain, before the optimizer. optax.clip_by_global_norm differs from it: it adds no
    1e-6 to the norm, and its float32 overflows.

    Args:
        max_norm: [], unit of the gradients; with optax.inject_hyperparams a schedule.
        norm_type: [], dimensionless, p; "inf" as well. Under optax.inject_hyperparams name it in
            static_args, or it is traced.

    Returns:
        An optax.GradientTransformation of trees of arrays [...], any unit; its state is empty.

    Raises:
        TypeError: if max_norm or norm_type is no number.
        ValueError: if norm_type is another string than a number.

    Source:
        Pascanu et al. 2013; torch.nn.utils.clip_grad_norm_, torch 2.13.
    """
    check_scalar("clip_by_grad_norm", "max_norm", max_norm)
    p = parse_norm_type("clip_by_grad_norm", norm_type)

    def update(updates: Tree, params: Tree | None) -> Tree:
        return clip_grad_norm(updates, max_norm, p)[0]

    return _stateless(update)


@factory()
def clip_by_grad_value(clip_value: ArrayLike) -> optax.GradientTransformation:
    """clip_by_grad_value(clip_value) = `clip_grad_value` as an optax transformation.

    Args:
        clip_value: [], unit of the gradients; with optax.inject_hyperparams a schedule.

    Returns:
        An optax.GradientTransformation of trees of arrays [...], any unit; its state is empty.

    Raises:
        TypeError: if clip_value is no number.

    Source:
        torch.nn.utils.clip_grad_value_, torch 2.13.
    """
    check_scalar("clip_by_grad_value", "clip_value", clip_value)

    def update(updates: Tree, params: Tree | None) -> Tree:
        return clip_grad_value(updates, clip_value)

    return _stateless(update)


@factory()
def clip_adaptively(
    clip_factor: ArrayLike = 0.01, eps: ArrayLike = 1e-3, *, layout: Layout = "torch"
) -> optax.GradientTransformation:
    """clip_adaptively(clip_factor) = `adaptive_grad_clip` as an optax transformation.

    Its update needs the parameters. The paper leaves the last layer alone: optax.masked does that.

    Args:
        clip_factor: [], unit of the gradients per unit of the parameters.
        eps: [], unit of the parameters: the least norm of a unit.
        layout: "torch" has the outputs on axis 0, "flax" on the last one.

    Returns:
        An optax.GradientTransformation of trees of arrays [...], any unit; its state is empty.

    Raises:
        TypeError: if clip_factor or eps is no number.
        ValueError: if there is no such layout; by the update, if it gets no parameters.

    Source:
        Brock et al. 2021; beyond torch.nn.utils.clip_grad_norm_, torch 2.13.
    """
    check_scalar("clip_adaptively", "clip_factor", clip_factor)
    check_scalar("clip_adaptively", "eps", eps)
    known_layout("clip_adaptively", "layout", layout)

    def update(updates: Tree, params: Tree | None) -> Tree:
        if params is None:
            raise InvalidValueError("clip_adaptively: params must be given to update, got None")
        return adaptive_grad_clip(updates, params, clip_factor, eps, layout=layout)

    return _stateless(update)
