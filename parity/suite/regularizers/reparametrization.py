"""The rows of the weights that are divided by a norm of theirs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from parity.spec import (
    BadCall,
    Budget,
    Choices,
    Given,
    Law,
    Params,
    Samples,
    Spec,
    Target,
    on,
)

FORWARD = ("forward", "vjp")
SECOND = ("forward", "vjp", "second")
BOTH = ("float32", "float64")
V = Samples(shape=(6, 4, 3), axis=None)
MATRIX = np.ones((2, 3), np.float32)
ONES = np.ones((2,), np.float32), np.ones((3,), np.float32)
PROJECTED = Budget(
    ulp=8, floor=16, everywhere=True, reason="the part along the weight itself is taken off"
)
TWICE = Budget(ulp=16, floor=64, everywhere=True, reason="products of projected weights")
ROUNDED = "u and v are rounded, and in half precision torch rounds them after each product"
SUMS = Budget(ulp=8, floor=8, everywhere=True, reason="products of matrices and vectors")
HALF = Budget(ulp=2, floor=2, everywhere=True, reason=ROUNDED)


def _reference(name: str) -> Target:
    return on("torch", f"parity.suite.regularizers.reparametrization_references.{name}")


def _subject(name: str) -> Target:
    return on("jax", f"parity.suite.regularizers.reparametrization_subjects.{name}")


def bad(name: str, reason: str, *args: Any, **values: Any) -> BadCall:
    """A call to refuse."""
    return BadCall(name=name, args=args, values=values, reason=reason)


def _lengths(*shape: int) -> Samples:
    return Samples(shape=shape, center=1.5, axis=None)


WEIGHT_NORM = Spec(
    family="regularizers",
    name="weight_norm",
    subject=on("jax", "jaxact.regularizers.weight_norm"),
    reference=on("torch", "_weight_norm"),
    # torch's own double backward fails torch.autograd.gradgradcheck in v.
    truth=_reference("weight_norm"),
    signature="(v, g, dim=0)",
    # Half precision is computed in float32 and rounded once: its budgets are the default ones.
    budgets={
        (check, dtype): TWICE if check == "second" else PROJECTED
        for check in ("vjp", "jvp", "second")
        for dtype in BOTH
    },
    params=(
        Params(inputs=(Samples(shape=(6, 4, 3)), Samples(shape=(6, 1, 1), center=1.5))),
        Params(label="g=1-d", inputs=(V, _lengths(6)), dtypes=("float32",), checks=FORWARD),
        Params(
            values={"dim": 1}, inputs=(V, _lengths(1, 4, 1)), dtypes=("float32",), checks=FORWARD
        ),
        Params(
            values={"dim": 2}, inputs=(V, _lengths(1, 1, 3)), dtypes=("float32",), checks=SECOND
        ),
        Params(
            values={"dim": -2}, inputs=(V, _lengths(1, 4, 1)), dtypes=("float32",), checks=FORWARD
        ),
        Params(values={"dim": -1}, inputs=(V, _lengths()), dtypes=("float32",), checks=FORWARD),
        Params(
            values={"dim": None},
            inputs=(V, _lengths()),
            reference=_reference("weight_norm"),
            dtypes=("float32",),
            checks=FORWARD,
        ),
        *(
            Params(
                label=label,
                inputs=(Samples(shape=(6, 4), scale=scale), _lengths(6, 1)),
                dtypes=("float32",),
                checks=FORWARD,
            )
            # The inverses of the largest norms vanish.
            for label, scale in (("huge", 1e21), ("tiny", 1e-26), ("largest", 7e37))
        ),
        Params(
            label="slopes_of_huge",
            inputs=(Samples(shape=(6, 4), scale=1e21), _lengths(6, 1)),
            dtypes=("float32",),
            checks=("vjp",),
            # Far below what any floor would forgive.
            budget=Budget(ulp=2.0**10, reason="differences of terms 100 times as large"),
        ),
        Params(
            label="zeros",
            inputs=(Choices(values=(0.0, 0.0, 1.0), shape=(12, 2)), _lengths(12, 1)),
            dtypes=BOTH,
            checks=FORWARD,
        ),
    ),
    bad_calls=(
        bad("other_dtype_of_g", "dtypes that differ", MATRIX, np.ones((2, 1), np.float16)),
        bad("other_dtype_of_v", "dtypes that differ", MATRIX.astype(np.float16), ONES[0]),
        bad("no_such_dim", "no such dim", np.ones((2, 3, 2), np.float32), ONES[0], dim=3),
        bad("no_axes", "a v of no axes", np.asarray(1.0), np.asarray(1.0)),
        bad("dim_of_a_float", "a dim that is no int", MATRIX, ONES[0], dim=1.0),
        *(
            bad(kind, "a dtype that does not go", MATRIX.astype(kind), ONES[0].astype(kind))
            for kind in ("int32", "complex64")
        ),
    ),
)


def _unit(size: int, seed: int) -> Given:
    """A vector of length 1."""
    drawn = np.random.default_rng(seed).normal(size=size)
    return Given(values=tuple((drawn / np.linalg.norm(drawn)).tolist()))


SPECTRAL_NORM = Spec(
    family="regularizers",
    name="spectral_norm",
    subject=_subject("spectral_norm"),
    reference=_reference("spectral_norm"),
    signature="(weight, u, v, n_power_iterations=1, eps=1e-12, dim=0)",
    budgets={
        **{("forward", dtype): SUMS for dtype in BOTH},
        **{("jit", dtype): SUMS for dtype in BOTH},
        **dict.fromkeys(("vjp", "jvp", "vmap"), PROJECTED),
        "second": TWICE,
        **{
            (check, dtype): HALF
            for check in ("forward", "vjp", "jvp", "second", "jit")
            for dtype in ("float16", "bfloat16")
        },
    },
    params=(
        Params(inputs=(V, _unit(6, 0), _unit(12, 1))),
        *(
            Params(
                values={"n_power_iterations": n, "dim": dim},
                inputs=(V, _unit(rows, 0), _unit(72 // rows, 1)),
                dtypes=("float32",),
                checks=FORWARD,
            )
            for n, dim, rows in ((0, 0, 6), (3, 1, 4), (1, -1, 3))
        ),
        Params(
            label="eps=10",
            values={"eps": 10.0},
            inputs=(V, _unit(6, 0), _unit(12, 1)),
            dtypes=("float32",),
            checks=FORWARD,
        ),
        Params(
            label="huge",
            inputs=(Samples(shape=(4, 3), scale=1e24, axis=None), _unit(4, 0), _unit(3, 1)),
            dtypes=("float32",),
            checks=FORWARD,
        ),
        Params(
            label="largest",
            inputs=(Choices(values=(5e37, 6e37), shape=(2, 3)), _unit(2, 0), _unit(3, 1)),
            dtypes=("float32",),
            checks=("forward",),
        ),
        Params(
            label="one_axis",
            inputs=(Samples(shape=(5,), axis=None),),
            dtypes=("float32",),
            checks=SECOND,
        ),
        Params(
            label="zeros",
            inputs=(Choices(values=(0.0,), shape=(4, 3)), _unit(4, 0), _unit(3, 1)),
            dtypes=("float32",),
            checks=("forward",),
        ),
    ),
)


def _matrix(seed: int = 0) -> Any:
    return np.random.default_rng(seed).normal(size=(6, 4)).astype(np.float32)


def _vectors_are_singular(subject: Callable[..., Any]) -> str | None:
    """Both have length 1, and u' W v is the largest singular value but for 15 iterations."""
    for seed in range(3):
        weight = _matrix(seed)
        found = np.asarray(subject(weight, seed=None), np.float64)
        u, v = found[:6], found[6:]
        if max(abs(np.linalg.norm(u) - 1), abs(np.linalg.norm(v) - 1)) > 1e-6:
            return "u or v has not length 1"
        singular = np.linalg.svd(weight.astype(np.float64))[1]
        bound = singular[0] * (1 - (singular[1] / singular[0]) ** 20)
        if not bound <= u @ weight @ v <= singular[0] * (1 + 1e-6):
            return f"u' W v is {u @ weight @ v:.6g}, the largest singular value {singular[0]:.6g}"
    return None


SPECTRAL_NORM_INIT = Spec(
    family="regularizers",
    name="spectral_norm_init",
    subject=_subject("spectral_norm_init"),
    reference=_reference("spectral_norm_init"),
    signature="(key, weight, eps=1e-12, dim=0)",
    # In float64 torch draws other numbers.
    truth="reference",
    checks=("forward", "signature", "law"),
    dtypes=BOTH,
    budgets={"forward": Budget(ulp=16, floor=8, everywhere=True, reason="15 products of matrices")},
    params=tuple(
        Params(values={"seed": seed, "dim": dim}, inputs=(V,)) for seed, dim in ((0, 0), (7, 1))
    ),
    laws=(Law(name="vectors_are_singular", broken=_vectors_are_singular),),
)

SPECS: tuple[Spec, ...] = (WEIGHT_NORM, SPECTRAL_NORM, SPECTRAL_NORM_INIT)
