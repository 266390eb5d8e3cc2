"""The rows of weights that are divided by their norm."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from parity.domains import LONG, Domain, Draw, Made, OneOf, Tensor
from parity.dtypes import rounded
from parity.spec import Budget, Choices, Fixed, Law, Samples
from parity.suite.rows import HALVES, WIDE, Theme, each, few, setting, torch_stream, values_only

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


def _vectors_are_singular(subject: Callable[..., Any]) -> str | None:
    """Both have length 1, and u' W v is the largest singular value to the accuracy of 15 steps."""
    import jax

    for seed in range(3):
        weight = np.random.default_rng(seed).normal(size=(6, 4)).astype(np.float32)
        u, v = (np.asarray(x, np.float64) for x in subject(jax.random.key(0), weight))
        if max(abs(np.linalg.norm(u) - 1), abs(np.linalg.norm(v) - 1)) > 1e-6:
            return "u or v has not length 1"
        singular = np.linalg.svd(weight.astype(np.float64))[1]
        bound = singular[0] * (1 - (singular[1] / singular[0]) ** 20)
        if not bound <= u @ weight @ v <= singular[0] * (1 + 1e-6):
            return f"u' W v is {u @ weight @ v:.6g}, the largest singular value {singular[0]:.6g}"
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
                "v": Tensor(axes=("n m", "n m k")),
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
        laws=(Law(name="vectors_are_singular", violation=_vectors_are_singular),),
    ),
)
