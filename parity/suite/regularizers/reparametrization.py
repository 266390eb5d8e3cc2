"""The rows of weights that are divided by their norm."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from parity.domains import LONG, Domain, Draw, Made, OneOf, Tensor
from parity.dtypes import rounded
from parity.spec import Budget, Choices, Fixed, Floats, Samples
from parity.suite.rows import (
    HALVES,
    WIDE,
    Theme,
    each,
    few,
    laws,
    setting,
    torch_stream,
    values_only,
)

SECOND = ("forward", "vjp", "second")
DERIVATIVES = ("vjp", "jvp", "second")
V = Samples(shape=(6, 4, 3), axis=None)
MATRIX, TWO = np.ones((2, 3), np.float32), np.ones(2, np.float32)
PROJECTED = Budget(
    ulp=8, floor=16, everywhere=True, reason="the part along the weight itself is subtracted"
)
TWICE = Budget(ulp=16, floor=64, everywhere=True, reason="products of projected weights")
ROUNDED = "u and v are rounded, and in half precision torch rounds them after each product"
SUMS = Budget(ulp=8, floor=8, everywhere=True, reason="products of matrices and vectors")
HALF = Budget(ulp=2, floor=2, everywhere=True, reason=ROUNDED)
# Results far below 1, where any floor would accept anything.
CANCELS = Budget(ulp=2.0**10, reason="differences of terms 100 times as large")
ITERATED = Budget(ulp=16, floor=8, everywhere=True, reason="15 products of matrices")
THEME = Theme("regularizers", "reparametrization")


def _lengths(*shape: int) -> Samples:
    return Samples(shape=shape, center=1.5, axis=None)


def _rows(scale: float) -> tuple[Samples, Samples]:
    return Samples(shape=(6, 4), scale=scale), _lengths(6, 1)


def _unit(size: int, seed: int) -> Fixed:
    """A vector of length 1."""
    drawn = np.random.default_rng(seed).normal(size=size)
    return Fixed(values=drawn / np.linalg.norm(drawn))


def _units(rows: int, columns: int) -> tuple[Fixed, Fixed]:
    return _unit(rows, 0), _unit(columns, 1)


# Shapes of weights, and the axis of their outputs.
WEIGHTS = (((6, 4), 0), ((4, 6), 1), ((33, 3, 2), 0), ((5, 1), -1), ((2, 3, 4), -2))


def _weight(shape: tuple[int, ...]) -> NDArray[np.float32]:
    return np.random.default_rng(0).normal(size=shape).astype(np.float32)


def _matrix(weight: NDArray[np.float32], dim: int) -> Floats:
    """The weight with an output in each row."""
    rows = np.moveaxis(weight, dim, 0)
    return rows.reshape(len(rows), -1).astype(np.float64)


def _singular(matrix: Floats, u: Any, v: Any, steps: int) -> str | None:
    """Both have length 1, and u' W v is the largest singular value to the accuracy of the steps."""
    left, right = (np.asarray(x, np.float64) for x in (u, v))
    if max(abs(np.linalg.norm(left) - 1), abs(np.linalg.norm(right) - 1)) > 1e-6:
        return "u or v has not length 1"
    singular = np.append(np.linalg.svd(matrix)[1], 0.0)
    bound = singular[0] * (1 - (singular[1] / singular[0]) ** steps - 1e-6)
    found = left @ matrix @ right
    right_one = bound <= found <= singular[0] * (1 + 1e-6)
    return None if right_one else f"u' W v is {found:.6g}, the largest value {singular[0]:.6g}"


def _vectors_are_singular(subject: Callable[..., Any]) -> str | None:
    """For weights of several shapes, from a key and from torch's stream."""
    import jax

    from jaxact.random import TorchGenerator

    for seed, (shape, dim) in enumerate(WEIGHTS):
        weight = _weight(shape)
        for key in (jax.random.key(seed), TorchGenerator(seed)):
            # Of 15 steps, each multiplies what is wrong by the square of the ratio of the values.
            broken = _singular(_matrix(weight, dim), *subject(key, weight, dim=dim), steps=20)
            if broken:
                return f"{shape}, dim={dim}, {type(key).__name__}: {broken}"
    return None


def _stays_singular(subject: Callable[..., Any]) -> str | None:
    """The state after 1,000 steps, from vectors that are not singular."""
    import jax

    for shape, dim in WEIGHTS:
        weight = _weight(shape)
        matrix = _matrix(weight, dim)
        start = tuple(np.full(n, n**-0.5, np.float32) for n in matrix.shape)

        def step(state: Any, _: Any, weight: Any = weight, dim: int = dim) -> Any:
            return subject(weight, *state, dim=dim)[1:], None

        scanned: Any = jax.jit(functools.partial(jax.lax.scan, step, length=1000))
        broken = _singular(matrix, *scanned(start, None)[0], steps=2000)
        if broken:
            return f"{shape}, dim={dim}: {broken}"
    return None


def _gains(draw: Draw) -> NDArray[Any]:
    """A length for each slice of v; without a dim, one for all."""
    shape, dim = draw.made["v"].shape, draw.made["dim"]
    if dim is None or dim == -1:
        kept: tuple[int, ...] = ()
    else:
        kept = tuple(n if i == dim % len(shape) else 1 for i, n in enumerate(shape))
    return rounded(1.5 + draw.random("g").standard_normal(kept), draw.dtype)


def _direction(draw: Draw, name: str) -> NDArray[Any]:
    """A vector of length 1: u belongs to the rows of the weight, v to its columns."""
    weight, dim = draw.made["weight"], draw.made["dim"]
    rows: int = weight.shape[dim]
    length = rows if name == "u" else weight.size // rows
    vector: Any = draw.random(name).standard_normal(length)
    draw.constant.add(name)
    return rounded(vector / np.linalg.norm(vector), draw.dtype)


SPECS = (
    THEME.row(
        "weight_norm",
        reference=THEME.reference("weight_norm_of_torch"),
        # torch's own double backward fails torch.autograd.gradgradcheck in v.
        truth=THEME.reference("weight_norm"),
        signature="(v, g, dim=0)",
        # Half precision is computed in float32 and rounded once: its budgets are the default ones.
        budgets={**each(("vjp", "jvp"), WIDE, PROJECTED), **each(("second",), WIDE, TWICE)},
        settings=(
            setting(Samples(shape=(6, 4, 3)), Samples(shape=(6, 1, 1), center=1.5)),
            few(V, _lengths(6), label="g=1-d"),
            few(V, _lengths(1, 4, 1), dim=1),
            few(V, _lengths(1, 1, 3), dim=2, checks=SECOND),
            few(V, _lengths(1, 4, 1), dim=-2),
            few(V, _lengths(), dim=-1),
            few(V, _lengths(), dim=None, reference=THEME.reference("weight_norm")),
            # The inverses of the largest norms underflow to 0.
            *(
                few(*_rows(scale), label=label)
                for label, scale in (("huge", 1e21), ("tiny", 1e-26), ("largest", 7e37))
            ),
            few(*_rows(1e21), label="slopes_of_huge", checks=("vjp",), budget=CANCELS),
            few(
                Choices(values=(0.0, 0.0, 1.0), shape=(12, 2)),
                _lengths(12, 1),
                label="zeros",
                dtypes=WIDE,
            ),
        ),
        bad_calls=(
            THEME.bad(
                "other_dtype_of_g", "dtypes that differ", MATRIX, np.ones((2, 1), np.float16)
            ),
            THEME.bad("other_dtype_of_v", "dtypes that differ", MATRIX.astype(np.float16), TWO),
            THEME.bad("no_such_dim", "no such dim", np.ones((2, 3, 2), np.float32), TWO, dim=3),
            THEME.bad("no_axes", "a v of no axes", np.asarray(1.0), np.asarray(1.0)),
            THEME.bad("dim_of_a_float", "a dim that is not an int", MATRIX, TWO, dim=1.0),
            *(
                THEME.bad(kind, "an incompatible dtype", MATRIX.astype(kind), TWO.astype(kind))
                for kind in ("int32", "complex64")
            ),
        ),
        domain=Domain(
            arguments={
                "v": Tensor(axes=("n m", "n m k", "n m k l")),
                "dim": OneOf(0, 1, -1, None, -2),
                "g": Made(_gains),
            },
            lengths={"n": (5, 1, LONG), "m": (3, 1)},
            refusals=False,
        ),
    ),
    THEME.row_beyond(
        "spectral_norm",
        budgets={
            **each(("forward", "jit"), WIDE, SUMS),
            **dict.fromkeys(("vjp", "jvp", "vmap"), PROJECTED),
            "second": TWICE,
            **each(("forward", *DERIVATIVES, "jit"), HALVES, HALF),
        },
        settings=(
            setting(V, *_units(6, 12)),
            *(
                few(V, *_units(rows, 72 // rows), n_power_iterations=n, dim=dim)
                for n, dim, rows in ((0, 0, 6), (3, 1, 4), (1, -1, 3))
            ),
            few(V, *_units(6, 12), label="eps=10", eps=10.0),
            few(Samples(shape=(4, 3), scale=1e24, axis=None), *_units(4, 3), label="huge"),
            values_only(Choices(values=(5e37, 6e37), shape=(2, 3)), *_units(2, 3), label="largest"),
            few(Samples(shape=(5,), axis=None), label="one_axis", u=None, v=None, checks=SECOND),
            values_only(Choices(values=(0.0,), shape=(4, 3)), *_units(4, 3), label="zeros"),
        ),
        laws=laws(_stays_singular),
        domain=Domain(
            arguments={
                "weight": Tensor(axes=("n m", "n m k")),
                "dim": OneOf(0, 1, -1, -2),
                "u": Made(lambda draw: _direction(draw, "u")),
                "v": Made(lambda draw: _direction(draw, "v")),
                "n_power_iterations": OneOf(1, 0, 3),
                "eps": OneOf(1e-12, 0.5),
            },
            lengths={"n": (5, 1, 33), "m": (3, 1)},
        ),
    ),
    THEME.row_beyond(
        "spectral_norm_init",
        checks=("forward", "signature", "law"),
        dtypes=WIDE,
        extra=("key",),
        budgets={"forward": ITERATED},
        domain=Domain(
            arguments={
                "weight": Tensor(axes=("n m", "n m k"), differentiated=False),
                "eps": OneOf(1e-12, 0.5),
                "dim": OneOf(0, 1, -1, -2),
            },
            lengths={"n": (5, 1, 33), "m": (3, 1)},
        ),
        settings=tuple(
            setting(V, label=f"seed={seed},dim={dim}", dim=dim, random=torch_stream(seed, at=0))
            for seed, dim in ((0, 0), (7, 1))
        ),
        laws=laws(_vectors_are_singular),
    ),
)
