"""Weight decay, beside the loss."""

from collections.abc import Sequence
from typing import TypeVar

import jax.numpy as jnp
from jax import Array
from jax.typing import ArrayLike

from jaxact._arguments import check_scalar
from jaxact._numbers import compute_dtype
from jaxact._op import op, program
from jaxact.regularizers._hyperparameters import at_least_zero
from jaxact.regularizers._leaves import Where, paired, selected

__all__ = ["coupled_weight_decay", "decoupled_weight_decay"]


_Tree = TypeVar("_Tree")


@op(static=("where",), compiled=False)
def coupled_weight_decay(
    grads: _Tree, params: _Tree, weight_decay: ArrayLike, *, where: Where = "weights"
) -> _Tree:
    """coupled_weight_decay(g, w) = g + weight_decay w, what torch's optimizers do before the step.

    The gradient of the loss plus weight_decay/2 `l2_penalty`. With an adaptive optimizer, such as
    Adam, the decay is then divided by the gradient's size, too: see `decoupled_weight_decay`.

    Args:
        grads: a tree of arrays [...], of the structure of params; unit of loss per unit of params.
        params: a tree of arrays [...], any unit.
        weight_decay: [], any unit, at least 0.
        where: which leaves of params, see `l1_penalty`; "weights" leaves out biases and scales.
            torch decays all parameters that an optimizer has, "all".

    Returns:
        The tree of grads, [...], in the unit of grads; in the dtype that g and w promote to. Half
        precision is computed in float32 and rounded once.

    Raises:
        ValueError: if weight_decay is negative, in a checked call a traced one as well; if the
            trees do not fit, or `where` matches nothing.
        TypeError: if weight_decay is no number, or a leaf that is decayed, or its gradient, is an
            integer or complex (DtypeError).

    Source:
        Krogh & Hertz 1991; torch.optim.SGD, torch 2.13.
    """
    name = "coupled_weight_decay"
    check_scalar(name, "weight_decay", weight_decay, least=0)
    pair = paired(name, grads, selected(name, params, where))
    return pair[0].replaced(_coupled(pair[0].arrays, pair[1].arrays, weight_decay))


@program()
def _coupled(
    grads: Sequence[Array], weights: Sequence[Array], weight_decay: ArrayLike
) -> list[Array]:
    decay = at_least_zero("coupled_weight_decay", "weight_decay", weight_decay)

    def decayed(g: Array, w: Array) -> Array:
        dtype = jnp.promote_types(g.dtype, w.dtype)
        wide = compute_dtype(dtype)
        return (g.astype(wide) + decay.astype(wide) * w.astype(wide)).astype(dtype)

    return [decayed(g, w) for g, w in zip(grads, weights, strict=True)]


@op(static=("where",), compiled=False)
def decoupled_weight_decay(
    params: _Tree, lr: ArrayLike, weight_decay: ArrayLike, *, where: Where = "weights"
) -> _Tree:
    """decoupled_weight_decay(w) = w (1 - lr weight_decay), what AdamW does before the step.

    Args:
        params: a tree of arrays [...], any unit.
        lr: [], at least 0, per step.
        weight_decay: [], at least 0, dimensionless, of an lr of 1.
        where: which leaves, see `l1_penalty`; "weights" leaves out biases and scales. torch decays
            all parameters that an optimizer has, "all".

    Returns:
        The tree of params, [...], unit and dtype of params. Half precision is computed in float32
        and rounded once.

    Raises:
        ValueError: if lr or weight_decay is negative, in a checked call a traced one as well; if
            `where` matches nothing.
        TypeError: if lr or weight_decay is no number, or a leaf is complex (DtypeError).

    Source:
        Loshchilov & Hutter 2019; torch.optim.AdamW, torch 2.13.
    """
    name = "decoupled_weight_decay"
    check_scalar(name, "lr", lr, least=0)
    check_scalar(name, "weight_decay", weight_decay, least=0)
    chosen = selected(name, params, where)
    return chosen.replaced(_decoupled(chosen.arrays, lr, weight_decay))


@program()
def _decoupled(weights: Sequence[Array], lr: ArrayLike, weight_decay: ArrayLike) -> list[Array]:
    name = "decoupled_weight_decay"
    step = at_least_zero(name, "lr", lr)
    factor = 1 - step * at_least_zero(name, "weight_decay", weight_decay)
    return [_scaled(w, factor) for w in weights]


def _scaled(w: Array, factor: Array) -> Array:
    wide = compute_dtype(w.dtype)
    return (w.astype(wide) * factor.astype(wide)).astype(w.dtype)
