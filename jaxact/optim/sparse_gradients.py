"""Steps of the entries that a sparse gradient has."""

from typing import Any, NamedTuple, cast

import jax
import jax.numpy as jnp
import optax  # pyright: ignore[reportMissingTypeStubs]
from jax import Array
from jax.typing import ArrayLike

from jaxact._arguments import flag
from jaxact._numbers import compute_dtype
from jaxact._op import factory
from jaxact.errors import ArgumentTypeError, InvalidValueError
from jaxact.optim._hyperparameters import BETAS, Scheduled, number_at, within
from jaxact.optim._moments import Moments, root
from jaxact.optim._transformation import Numbers, Tree, checked_leaves, zeros

__all__ = ["SparseAdamState", "sparse_adam"]


class SparseAdamState(NamedTuple):
    """State of `sparse_adam`.

    Args:
        step: [], int32, the steps made.
        exp_avg: as params, the moving average of gradients, entry by entry.
        exp_avg_sq: as params, that of their squares.
    """

    step: Array
    exp_avg: Tree
    exp_avg_sq: Tree


_MESSAGE = "be above 0"


@factory(
    checks={
        "lr": within(lambda value: value > 0, _MESSAGE, scheduled=True),
        "betas": BETAS,
        "eps": within(lambda value: value > 0, _MESSAGE),
        "maximize": flag,
    }
)
def sparse_adam(
    lr: Scheduled = 1e-3,
    betas: tuple[Scheduled, Scheduled] = (0.9, 0.999),
    eps: ArrayLike = 1e-8,
    maximize: bool = False,
) -> optax.GradientTransformationExtraArgs:
    """sparse_adam(lr): w - lr m √(1 - β2^t) / ((1 - β1^t) (√v + eps)), where g has an entry.

    All other weights and averages stay as they are: rows of an embedding that are not in a batch
    cost nothing, and do not move. t counts all steps; eps is added to the root of the biased
    average, unlike in `adam`.

    The gradient of k rows of an array [n, m] is jax.experimental.sparse.BCOO((values, rows[:,
    None]), shape=(n, m)), of values [k, m] and rows [k]. Entries given twice are summed; those
    beyond the array are ignored.

    Args:
        lr: [], per step, or a schedule.
        betas: two of [], dimensionless, in [0, 1): the decay of both averages; or schedules.
        eps: [], unit of the gradients.
        maximize: whether to go up instead of down.

    Returns:
        An optax.GradientTransformationExtraArgs of trees of arrays [...], any unit; its update gets
        sparse arrays and gives dense ones, its state is a `SparseAdamState`.

    Raises:
        TypeError: if a hyperparameter is no number, betas are not two, or maximize is not True or
            False; by the update, if a gradient is dense.
        ValueError: if lr or eps is not above 0, or a beta is not in [0, 1); by the update, if a
            gradient has another shape than the parameters.

    Source:
        torch.optim.SparseAdam, torch 2.13.
    """
    moments = Moments(betas)

    def init(params: Tree) -> SparseAdamState:
        checked_leaves("sparse_adam", params)
        start = jax.tree.map(zeros, params)
        return SparseAdamState(jnp.zeros((), jnp.int32), start, start)

    def numbers_at(count: Array, before: Array) -> Numbers:
        numbers = moments.numbers(count)
        unbiased = jnp.sqrt(numbers["correction2"]) / numbers["correction1"]
        return {**numbers, "length": number_at(lr, before) * unbiased, "eps": jnp.asarray(eps)}

    def update(
        updates: Tree, state: SparseAdamState, params: Tree | None = None, **extra: Any
    ) -> tuple[Tree, SparseAdamState]:
        del params, extra
        count = cast(Array, optax.safe_increment(state.step))
        numbers = numbers_at(count, state.step)
        gradients, structure = cast(Any, jax.tree.flatten(updates, is_leaf=_is_sparse))
        slots = [structure.flatten_up_to(tree) for tree in state[1:]]
        made = [updated(numbers, *leaf) for leaf in zip(gradients, *slots, strict=True)]
        steps, mean, square = (structure.unflatten(new) for new in zip(*made, strict=True))
        return steps, SparseAdamState(count, mean, square)

    def updated(numbers: Numbers, gradient: Any, mean: Array, square: Array) -> tuple[Array, ...]:
        """The update of one leaf, and its averages."""
        indices, values = _entries(gradient, mean)
        own = {name: number.astype(values.dtype) for name, number in numbers.items()}
        values = -values if maximize else values

        def moved(slot: Array, new: Array, share: Array) -> Array:
            before = slot[indices].astype(new.dtype)
            return before + share * (new - before)

        def placed(array: Array, entries: Array) -> Array:
            return array.at[indices].set(entries.astype(array.dtype), mode="drop")

        new_mean = moved(mean, values, own["complement1"])
        new_square = moved(square, jnp.square(values), own["complement2"])
        step = -own["length"] * (new_mean / (root(new_square) + own["eps"]))
        return (
            placed(jnp.zeros_like(mean), step),
            placed(mean, new_mean),
            placed(square, new_square),
        )

    return optax.GradientTransformationExtraArgs(init, cast(Any, update))


def _is_sparse(node: object) -> bool:
    # Its import takes a third of a second.
    from jax.experimental.sparse import BCOO

    return isinstance(node, BCOO)


def _entries(gradient: Any, like: Array) -> tuple[tuple[Array, ...], Array]:
    """The places [k] along the sparse axes, each once, and the values there, to compute in.

    Raises:
        ArgumentTypeError: if the gradient is dense.
        InvalidValueError: if it has another shape than the parameters.
    """
    if not _is_sparse(gradient) or gradient.n_batch:
        raise ArgumentTypeError(
            "sparse_adam: gradients must be jax.experimental.sparse.BCOO arrays without batch "
            f"axes, got {type(gradient).__name__}; for dense ones there is adam"
        )
    if gradient.shape != like.shape:
        raise InvalidValueError(
            f"sparse_adam: a gradient must have the shape {like.shape} of its parameters, got "
            f"{gradient.shape}"
        )
    wide = gradient.data.astype(compute_dtype(gradient.dtype))
    whole = type(gradient)((wide, gradient.indices), shape=gradient.shape)
    summed = whole.sum_duplicates(nse=gradient.nse, remove_zeros=False)
    return tuple(summed.indices.T), summed.data
