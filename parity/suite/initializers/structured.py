"""The rows of identities, orthogonal and sparse matrices."""

from __future__ import annotations

from typing import Any

from parity.spec import FLOATS, Budget, Params
from parity.suite.initializers.laws import DIRAC, ORTHOGONAL, SPARSE
from parity.suite.initializers.rows import (
    BOOLEANS,
    INTEGERS,
    NO_AXIS,
    NORMAL_BITS,
    ONE_AXIS,
    bad,
    filled,
    initializer,
    random_settings,
)

EXACT = (*FLOATS, "int32", "uint8", "bool")
# torch's own float32 decomposition is that far from the one in float64.
DECOMPOSED = Budget(ulp=0, floor=8, reason="torch decomposes in float32: 1e-6 at most")
DECOMPOSED_64 = Budget(ulp=0, floor=64, reason="two LAPACKs, 1e-14 at most")
NOT_A_MATRIX = (
    bad("one_axis", "a shape of one axis", shape=(3,)),
    bad("three_axes", "a shape of three axes", shape=(3, 3, 3)),
)


def _dirac(*shape: int, label: str = "", **values: Any) -> Params:
    dtypes = EXACT if shape == (6, 3, 3, 3) else ("float32",)
    return filled(shape, label=label or "x".join(map(str, shape)), values=values, dtypes=dtypes)


SPECS = (
    initializer(
        "eye",
        params=(
            filled((5, 3), label="tall", dtypes=EXACT),
            filled((3, 5), label="wide"),
            filled((0, 3), label="empty"),
            filled((3, 5), label="flax", values={"layout": "flax"}),
        ),
        bad_calls=NOT_A_MATRIX,
    ),
    initializer(
        "dirac",
        params=(
            _dirac(6, 3, 3, 3),
            _dirac(3, 6, 5),
            _dirac(4, 4, 2, 4),
            _dirac(2, 2, 3, 3, 3),
            _dirac(6, 3, 3, label="groups=2", groups=2),
            _dirac(6, 1, 3, 3, label="groups=6", groups=6),
            _dirac(3, 3, 4, 8, label="flax", layout="flax", groups=2),
        ),
        bad_calls=(
            bad("two_axes", "a shape of two axes"),
            bad("six_axes", "a shape of six axes", (1,) * 6),
            bad("groups_do_not_divide", "groups that do not divide", (3, 3, 1), groups=2),
            bad("no_groups", "no groups", (3, 3, 1), groups=0),
            bad("groups_are_floating", "a number of groups that is a float", (3, 3, 1), groups=1.0),
            bad("no_middle", "a kernel of length 0", (3, 3, 0)),
        ),
        laws=DIRAC,
    ),
    initializer(
        "orthogonal",
        params=(
            *random_settings([{}, {"gain": 2.0**0.5}, {"gain": -1.0}], dtypes=FLOATS[:2]),
            filled((0, 3), label="empty", values={"seed": 3}),
        ),
        dtypes=FLOATS[:2],
        budgets={("forward", "float32"): DECOMPOSED, ("forward", "float64"): DECOMPOSED_64},
        bad_calls=(
            INTEGERS,
            BOOLEANS,
            ONE_AXIS,
            NO_AXIS,
            bad("half", "half precision", dtype="float16"),
        ),
        laws=ORTHOGONAL,
    ),
    initializer(
        "sparse",
        params=random_settings(
            [{"sparsity": 0.1}, {"sparsity": 0.3, "std": 1.0}, {"sparsity": 0.0}, {"sparsity": 1}],
            kernels=False,
        ),
        budgets=NORMAL_BITS,
        bad_calls=(
            bad("integers", "an integer dtype", dtype="int32", sparsity=0.1),
            bad("one_axis", "a shape of one axis", (3,), sparsity=0.1),
            bad("three_axes", "a shape of three axes", (3, 3, 3), sparsity=0.1),
            bad("std_below_0", "a negative standard deviation", sparsity=0.1, std=-1.0),
            bad("sparsity_is_nan", "a share of nan", sparsity=float("nan")),
        ),
        laws=SPARSE,
    ),
)
