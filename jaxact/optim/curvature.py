"""Steps that estimate the curvature from former gradients."""

from collections.abc import Callable
from typing import Any, NamedTuple, TypeAlias, cast

import jax
import jax.numpy as jnp
import optax  # pyright: ignore[reportMissingTypeStubs]
from jax import Array
from jax.flatten_util import ravel_pytree
from jax.typing import ArrayLike

from jaxact._arguments import integer, one_of
from jaxact._op import factory
from jaxact.errors import InvalidValueError
from jaxact.optim._hyperparameters import Scheduled, anything, number_at, or_none, rate
from jaxact.optim._line_search import Point, strong_wolfe
from jaxact.optim._transformation import Tree, checked_leaves

__all__ = ["LbfgsState", "lbfgs"]


class LbfgsState(NamedTuple):
    """State of `lbfgs`; n is the number of all parameters, h that of the pairs that are kept.

    Args:
        step: [], int32, the updates made.
        func_evals: [], int32, the values of the objective that were computed.
        n_iter: [], int32, the iterations made.
        d: [n], the last direction.
        t: [], the last step's length along it.
        old_dirs: [h, n], changes of the gradient, the newest last; zeros where there are none yet.
        old_stps: [h, n], the steps that led to them.
        ro: [h], 1 over the products of both.
        H_diag: [], the inverse of the curvature along the last step.
        prev_flat_grad: [n], the gradient at the beginning of the last step.
        prev_loss: [], the objective there.
    """

    step: Array
    func_evals: Array
    n_iter: Array
    d: Array
    t: Array
    old_dirs: Array
    old_stps: Array
    ro: Array
    H_diag: Array
    prev_flat_grad: Array
    prev_loss: Array


# Value and gradient at the end of a step, its length, and how often the objective was computed.
_Step: TypeAlias = tuple[Array, Array, Array, Array]


class _Search(NamedTuple):
    """What changes in the iterations of one update."""

    x: Array
    loss: Array
    gradient: Array
    state: LbfgsState
    made: Array
    evaluated: Array
    goes_on: Array


@factory(
    checks={
        "lr": rate,
        "max_iter": integer,
        "max_eval": or_none(integer),
        "tolerance_grad": anything,
        "tolerance_change": anything,
        "history_size": integer,
        "line_search_fn": or_none(one_of("strong_wolfe")),
    }
)
def lbfgs(
    lr: Scheduled = 1.0,
    max_iter: int = 20,
    max_eval: int | None = None,
    tolerance_grad: ArrayLike = 1e-7,
    tolerance_change: ArrayLike = 1e-9,
    history_size: int = 100,
    line_search_fn: str | None = None,
) -> optax.GradientTransformationExtraArgs:
    """lbfgs(lr): up to max_iter times w + t d, d = -H g, H from the last changes of w and g.

    Its update takes the objective as `value_fn=`, a function of the parameters, and makes all
    iterations of torch's step(closure): update(grads, state, params, value_fn=loss). The first t is
    min(1, 1 / |g|_1) lr, the others are lr; optax.lbfgs has 1 / |g|_2, and one iteration an update.
    With "strong_wolfe" t is searched until the objective falls and its slope flattens enough.

    Args:
        lr: [], dimensionless, or a schedule by the number of updates.
        max_iter: iterations in an update.
        max_eval: values of the objective in an update; None for 1.25 max_iter.
        tolerance_grad: [], unit of the gradients: the largest one at which it stops.
        tolerance_change: [], unit of the weights and of the objective: the change at which it
            stops.
        history_size: pairs that are kept.
        line_search_fn: None or "strong_wolfe".

    Returns:
        An optax.GradientTransformationExtraArgs of trees of arrays [...], any unit; its update
        needs the params and `value_fn`, its state is an `LbfgsState`. It has no reverse mode.

    Raises:
        TypeError: if a number is none.
        ValueError: if lr is negative, or there is no such search; by the update, if it gets no
            params or no value_fn.

    Source:
        Liu & Nocedal 1989; torch.optim.LBFGS, torch 2.13.
    """
    most = max_iter * 5 // 4 if max_eval is None else max_eval

    def init(params: Tree) -> LbfgsState:
        checked_leaves("lbfgs", params)
        flat = _flat(params)[0]
        none, number = jnp.zeros((), jnp.int32), jnp.zeros((), flat.dtype)
        pairs = jnp.zeros((history_size, flat.size), flat.dtype)
        vector = jnp.zeros_like(flat)
        return LbfgsState(
            step=none,
            func_evals=none,
            n_iter=none,
            d=vector,
            t=number,
            old_dirs=pairs,
            old_stps=pairs,
            ro=jnp.zeros(history_size, flat.dtype),
            H_diag=jnp.ones_like(number),
            prev_flat_grad=vector,
            prev_loss=number,
        )

    def update(
        updates: Tree,
        state: LbfgsState,
        params: Tree | None = None,
        *,
        value_fn: Callable[[Tree], Array] | None = None,
        **extra: Any,
    ) -> tuple[Tree, LbfgsState]:
        del extra
        for argument, value in (("params", params), ("value_fn", value_fn)):
            if value is None:
                raise InvalidValueError(f"lbfgs: {argument} must be given to update, got None")
        start, restored = _flat(params)
        length = number_at(lr, state.step).astype(start.dtype)

        def objective(x: Array) -> Array:
            return cast(Callable[[Tree], Array], value_fn)(restored(x))

        def evaluated(x: Array) -> tuple[Array, Array]:
            value, gradient = jax.value_and_grad(objective)(x)
            return value.astype(x.dtype), gradient

        gradient = _flat(updates)[0]
        loss = objective(start).astype(start.dtype)
        count = state.func_evals + 1
        state = state._replace(step=state.step + 1, func_evals=count)
        begun = _Search(
            x=start,
            loss=loss,
            gradient=gradient,
            state=state,
            made=jnp.zeros((), jnp.int32),
            evaluated=jnp.ones((), jnp.int32),
            goes_on=~_is_flat(gradient) & (max_iter > 0),
        )
        ended: _Search = jax.lax.while_loop(
            lambda s: s.goes_on, lambda s: iterated(s, evaluated, length), begun
        )
        return restored(ended.x - start), ended.state

    def _is_flat(gradient: Array) -> Array:
        return jnp.abs(gradient).max(initial=0) <= tolerance_grad

    def iterated(
        search: _Search, evaluated: Callable[[Array], tuple[Array, Array]], length: Array
    ) -> _Search:
        """One iteration: a direction, a step along it, and whether to go on."""
        gradient, made = search.gradient, search.made + 1
        state = _remembering(search.state, gradient)
        first = state.n_iter == 1
        shortest = jnp.minimum(1, 1 / jnp.abs(gradient).sum())
        state = state._replace(
            d=jnp.where(first, -gradient, _direction(state, gradient)),
            t=jnp.where(first, shortest * length, length),
            prev_flat_grad=gradient,
            prev_loss=search.loss,
        )
        slope = gradient @ state.d
        falls = ~(slope > -jnp.asarray(tolerance_change))

        def moved(_: None) -> _Step:
            """Value, gradient, length and evaluations of the step."""
            if line_search_fn is not None:
                here = Point(jnp.zeros_like(state.t), search.loss, gradient, slope)
                return strong_wolfe(
                    lambda t: evaluated(search.x + t * state.d),
                    here,
                    state.t,
                    state.d,
                    most - search.evaluated,
                    tolerance_change,
                )
            one = jnp.ones((), jnp.int32)

            def new(_: None) -> _Step:
                return (*evaluated(search.x + state.t * state.d), state.t, one)

            # What would not be used any more is not computed.
            return cast(_Step, jax.lax.cond(made == max_iter, unmoved, new, None))

        def unmoved(_: None) -> _Step:
            return search.loss, gradient, state.t, jnp.zeros((), jnp.int32)

        loss, new, t, count = cast(_Step, jax.lax.cond(falls, moved, unmoved, None))
        step = jnp.where(falls, t, 0) * state.d
        state = state._replace(t=t, func_evals=state.func_evals + count)
        total = search.evaluated + count
        stops = (
            (made == max_iter)
            | (total >= most)
            | _is_flat(new)
            | (jnp.abs(step).max(initial=0) <= tolerance_change)
            | (jnp.abs(loss - search.loss) < tolerance_change)
        )
        return _Search(search.x + step, loss, new, state, made, total, falls & ~stops)

    return optax.GradientTransformationExtraArgs(init, cast(Any, update))


def _flat(tree: Tree) -> tuple[Array, Callable[[Array], Tree]]:
    return cast(Any, ravel_pytree(tree))


def _remembering(state: LbfgsState, gradient: Array) -> LbfgsState:
    """The state at the beginning of an iteration, with the last change of the gradient."""
    change, step = gradient - state.prev_flat_grad, state.d * state.t
    product = change @ step
    keeps = (state.n_iter > 0) & (product > 1e-10)

    def pushed(old: Array, new: Array) -> Array:
        return jnp.where(keeps, jnp.concatenate([old[1:], new[None]]), old)

    diagonal = jnp.where(keeps, product / jnp.where(keeps, change @ change, 1), state.H_diag)
    return state._replace(
        n_iter=state.n_iter + 1,
        old_dirs=pushed(state.old_dirs, change),
        old_stps=pushed(state.old_stps, step),
        ro=pushed(state.ro, 1 / jnp.where(keeps, product, 1)),
        H_diag=diagonal,
    )


def _direction(state: LbfgsState, gradient: Array) -> Array:
    """-H gradient; pairs that are not there yet are zeros and change nothing."""
    pairs = (state.old_dirs, state.old_stps, state.ro)

    def back(q: Array, pair: tuple[Array, Array, Array]) -> tuple[Array, Array]:
        change, step, ro = pair
        share = (step @ q) * ro
        return q - share * change, share

    def forth(r: Array, pair: tuple[tuple[Array, Array, Array], Array]) -> tuple[Array, None]:
        (change, step, ro), share = pair
        return r + (share - (change @ r) * ro) * step, None

    q, shares = jax.lax.scan(back, -gradient, pairs, reverse=True)
    return jax.lax.scan(forth, q * state.H_diag, (pairs, shares))[0]
