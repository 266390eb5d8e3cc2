"""Steps that use the rows and columns of matrices: factored variances, orthogonal updates."""

import math
from collections.abc import Mapping
from typing import Any, NamedTuple

import jax.numpy as jnp
import optax  # pyright: ignore[reportMissingTypeStubs]
from jax import Array
from jax.typing import ArrayLike

from jaxact._arguments import flag, integer, one_of
from jaxact._numbers import is_number, matmul_precision
from jaxact._op import factory
from jaxact.errors import InvalidValueError
from jaxact.optim._hyperparameters import (
    Scheduled,
    anything,
    at_least_0,
    number_at,
    or_none,
    rate,
    several,
    within,
)
from jaxact.optim._moments import average, complement, root
from jaxact.optim._transformation import (
    Decay,
    Leaf,
    Numbers,
    Rule,
    Slots,
    Step,
    Tree,
    zeros,
)

__all__ = ["AdafactorState", "MuonState", "adafactor", "muon"]


class AdafactorState(NamedTuple):
    """State of `adafactor`.

    Args:
        step: [], int32, the steps made.
        row_var: as params, [..., n, 1] for a leaf [..., n, m]; None for one without two axes.
        col_var: as params, [..., 1, m] for a leaf [..., n, m]; None for one without two axes.
        variance: as params, for leaves without two axes; else None.
    """

    step: Array
    row_var: Tree
    col_var: Tree
    variance: Tree


@factory(
    checks={
        "lr": rate,
        "beta2_decay": within(lambda value: value <= 0, "be at most 0"),
        "eps": several(or_none(at_least_0), at_least_0),
        "d": within(lambda value: value >= 1, "be at least 1"),
        "weight_decay": at_least_0,
        "maximize": flag,
    }
)
def adafactor(
    lr: Scheduled = 1e-2,
    beta2_decay: ArrayLike = -0.8,
    eps: tuple[ArrayLike | None, ArrayLike] = (None, 1e-3),
    d: ArrayLike = 1.0,
    weight_decay: ArrayLike = 0.0,
    *,
    maximize: bool = False,
) -> optax.GradientTransformationExtraArgs:
    """adafactor(lr): w - α u / max(1, rms(u) / d), u = g / √v, v = row col / mean(row).

    row and col are the averages, with weight t^beta2_decay for the newest, of the means of g^2 over
    the last and over the last but one axis; leaves with fewer axes have the average of g^2 itself.
    α = max(eps2, rms(w)) min(lr, 1/√t). optax.adafactor factors only axes of 128 and more.

    Args:
        lr: [], dimensionless, or a schedule: the largest relative step.
        beta2_decay: [], dimensionless, at most 0.
        eps: two of []: the least √v, unit of the gradients, None for the epsilon of the leaf's
            dtype; and the least rms(w), unit of the weights.
        d: [], dimensionless, at least 1: the largest rms(u).
        weight_decay: [], dimensionless; the weights shrink by lr times this.
        maximize: whether to go up instead of down.

    Returns:
        An optax.GradientTransformationExtraArgs of trees of arrays [...], any unit; its update
        needs the params, its state is an `AdafactorState`.

    Raises:
        TypeError: if a hyperparameter is no number, eps are not two, or maximize is not True or
            False.
        ValueError: if lr, eps or weight_decay is negative, beta2_decay is positive, or d is below
            1; by the update, if it gets no params.

    Source:
        Shazeer & Stern 2018; torch.optim.Adafactor, torch 2.13.
    """

    def prepare(step: Step) -> Mapping[str, ArrayLike]:
        count = step.number.astype(step.lr.dtype)
        share = count ** jnp.asarray(beta2_decay).astype(count.dtype)
        length = jnp.minimum(step.lr, 1 / jnp.sqrt(count))
        least = {} if eps[0] is None else {"eps1": eps[0]}
        return {"share": share, "length": length, "d": d, "eps2": eps[1], **least}

    def update(numbers: Numbers, leaf: Leaf, slots: Slots) -> tuple[Array, Slots]:
        assert leaf.weight is not None
        eps1 = numbers.get("eps1", jnp.asarray(jnp.finfo(leaf.dtype).eps, leaf.gradient.dtype))
        squares, share = jnp.square(leaf.gradient), numbers["share"]
        if "variance" in slots:
            variance = average(slots["variance"], squares, share)
            slots = {"variance": variance}
        else:
            rows = average(slots["row_var"], squares.mean(-1, keepdims=True), share)
            columns = average(slots["col_var"], squares.mean(-2, keepdims=True), share)
            slots = {"row_var": rows, "col_var": columns}
            variance = rows * columns / jnp.maximum(rows.mean(-2, keepdims=True), eps1)
        step = leaf.gradient / jnp.sqrt(jnp.maximum(variance, eps1 * eps1))
        # A comparison with nan is False: as in torch, other elements then move on.
        size, excess = _rms(leaf.weight), _rms(step) / numbers["d"]
        size = jnp.where(size > numbers["eps2"], size, numbers["eps2"])
        return -numbers["length"] * size / jnp.where(excess > 1, excess, 1) * step, slots

    return Rule(
        name="adafactor",
        state=AdafactorState,
        slots={"row_var": _rows, "col_var": _columns, "variance": _all},
        lr=lr,
        prepare=prepare,
        update=update,
        decay=Decay(rate=weight_decay, decoupled=True),
        maximize=maximize,
        needs_params=True,
    ).transformation()


def _rms(array: Array) -> Array:
    return root(jnp.square(array).sum() / max(array.size, 1))


def _rows(leaf: Array) -> Array | None:
    return jnp.zeros_like(leaf[..., :1]) if leaf.ndim > 1 else None


def _columns(leaf: Array) -> Array | None:
    return jnp.zeros_like(leaf[..., :1, :]) if leaf.ndim > 1 else None


def _all(leaf: Array) -> Array | None:
    return None if leaf.ndim > 1 else jnp.zeros_like(leaf)


class MuonState(NamedTuple):
    """State of `muon`.

    Args:
        step: [], int32, the steps made.
        momentum_buffer: as params, the moving average of gradients.
    """

    step: Array
    momentum_buffer: Tree


# More would take longer than they improve.
_FEW_STEPS = 100


def _number_of_steps(function: str, argument: str, value: Any) -> int:
    number = integer(function, argument, value)
    if number >= _FEW_STEPS:
        raise InvalidValueError(f"{function}: {argument} must be below {_FEW_STEPS}, got {value}")
    return number


@factory(
    checks={
        "lr": rate,
        "weight_decay": at_least_0,
        "momentum": rate,
        "nesterov": flag,
        "ns_coefficients": several(anything, anything, anything),
        "eps": anything,
        "ns_steps": _number_of_steps,
        "adjust_lr_fn": or_none(one_of("original", "match_rms_adamw")),
    }
)
def muon(
    lr: Scheduled = 1e-3,
    weight_decay: ArrayLike = 0.1,
    momentum: Scheduled = 0.95,
    nesterov: bool = True,
    ns_coefficients: tuple[ArrayLike, ArrayLike, ArrayLike] = (3.4445, -4.775, 2.0315),
    eps: ArrayLike = 1e-7,
    ns_steps: int = 5,
    adjust_lr_fn: str | None = None,
) -> optax.GradientTransformationExtraArgs:
    """muon(lr): w (1 - lr weight_decay) - lr s O, with O = U Vᵀ nearly of b = U S Vᵀ.

    b is the average of gradients, with nesterov that of b and the gradient. O follows by ns_steps
    of Newton-Schulz X <- a X + (b A + c A²) X, A = X Xᵀ, from b / |b|. torch computes them in
    bfloat16, here they have the digits of the leaf: 2e-4 apart after 20 steps.

    Args:
        lr: [], per step, or a schedule.
        weight_decay: [], dimensionless; the weights shrink by lr times this.
        momentum: [], dimensionless: the decay of the average; or a schedule.
        nesterov: whether the gradient counts once more.
        ns_coefficients: three of [], dimensionless: a, b and c.
        eps: [], unit of the gradients: the least norm to divide by.
        ns_steps: the number of iterations, below 100.
        adjust_lr_fn: "original" or None for s = √max(1, rows / columns), "match_rms_adamw" for
            s = 0.2 √max(rows, columns).

    Returns:
        An optax.GradientTransformationExtraArgs of trees of matrices [n, m], any unit, in torch's
        layout (out, in); its state is a `MuonState`.

    Raises:
        TypeError: if a hyperparameter is no number, ns_coefficients are not three, or nesterov is
            not True or False.
        ValueError: if lr, weight_decay or momentum is negative, ns_steps is 100 or more, or there
            is no such adjust_lr_fn; by init, if a leaf is no matrix; by the update, if there is a
            weight decay and it gets no params.

    Source:
        Jordan et al. 2024; torch.optim.Muon, torch 2.13.
    """

    def prepare(step: Step) -> Mapping[str, ArrayLike]:
        known = momentum if is_number(momentum) else number_at(momentum, step.number - 1)
        named = {f"ns{i}": value for i, value in enumerate(ns_coefficients)}
        return {"complement": complement(known), "momentum": known, "eps": eps, **named}

    def update(numbers: Numbers, leaf: Leaf, slots: Slots) -> tuple[Array, Slots]:
        buffer = average(slots["momentum_buffer"], leaf.gradient, numbers["complement"])
        ahead = average(leaf.gradient, buffer, numbers["momentum"]) if nesterov else buffer
        length = numbers["lr"] * _scale(leaf.gradient.shape, adjust_lr_fn)
        return -length * _orthogonal(ahead, numbers, ns_steps), {"momentum_buffer": buffer}

    return Rule(
        name="muon",
        state=MuonState,
        slots={"momentum_buffer": zeros},
        lr=lr,
        prepare=prepare,
        update=update,
        decay=Decay(rate=weight_decay, decoupled=True),
        check=_matrix,
    ).transformation()


def _matrix(path: str, leaf: Array) -> None:
    if leaf.ndim != 2:
        raise InvalidValueError(
            f"muon: the leaves of params must be matrices, got shape {leaf.shape} at {path!r}; "
            "optax.masked leaves others alone"
        )


def _scale(shape: tuple[int, ...], adjust_lr_fn: str | None) -> float:
    rows, columns = shape
    if adjust_lr_fn == "match_rms_adamw":
        return 0.2 * math.sqrt(max(rows, columns))
    return math.sqrt(max(1.0, rows / max(columns, 1)))


def _orthogonal(matrix: Array, numbers: Numbers, steps: int) -> Array:
    """Newton-Schulz iterations, with the shorter axis first."""
    rows, columns = matrix.shape
    if rows > columns:
        return _orthogonal(matrix.T, numbers, steps).T
    norm = root(jnp.square(matrix).sum())
    x = matrix / jnp.where(norm < numbers["eps"], numbers["eps"], norm)
    a, b, c = (numbers[f"ns{i}"] for i in range(3))
    precision = matmul_precision()
    for _ in range(steps):
        gram = jnp.matmul(x, x.T, precision=precision)
        combined = b * gram + c * jnp.matmul(gram, gram, precision=precision)
        x = a * x + jnp.matmul(combined, x, precision=precision)
    return x
