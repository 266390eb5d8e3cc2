"""The rows of the identity, orthogonal and sparse initializers."""

from __future__ import annotations

from parity.domains import Number, OneOf
from parity.spec import Budget
from parity.suite.initializers import laws
from parity.suite.initializers.domains import KERNELS as SHAPES
from parity.suite.initializers.domains import domain_of
from parity.suite.initializers.rows import (
    EXACT,
    MATRIX,
    NORMAL_BITS,
    NOT_FLOATING,
    WITHOUT_FANS,
    bad,
    filled,
    initializer,
    keyed,
    random_settings,
)
from parity.suite.rows import SINGLE, WIDE

# The distance of torch's float32 decomposition from the one in float64.
DECOMPOSED = Budget(ulp=0, floor=8, reason="torch decomposes in float32: 1e-6 at most")
DECOMPOSED_64 = Budget(ulp=0, floor=64, reason="two versions of LAPACK differ, 1e-14 at most")
KERNELS = ((3, 6, 5), (4, 4, 2, 4), (2, 2, 3, 3, 3))

SPECS = (
    initializer(
        "eye",
        settings=(
            filled((5, 3), label="tall", dtypes=EXACT),
            filled((3, 5), label="wide"),
            filled((0, 3), label="empty"),
            filled((3, 5), label="flax", layout="flax"),
            keyed((5, 3)),
        ),
        domain=domain_of("o i"),
        bad_calls=(
            bad("one_axis", "a shape of one axis", shape=(3,)),
            bad("three_axes", "a shape of three axes", shape=(3, 3, 3)),
        ),
    ),
    initializer(
        "dirac",
        settings=(
            filled((6, 3, 3, 3), label="6x3x3x3", dtypes=EXACT),
            *(filled(shape, label="x".join(map(str, shape)), dtypes=SINGLE) for shape in KERNELS),
            filled((6, 3, 3), dtypes=SINGLE, groups=2),
            filled((6, 1, 3, 3), dtypes=SINGLE, groups=6),
            filled((3, 3, 4, 8), label="flax", dtypes=SINGLE, layout="flax", groups=2),
            keyed((6, 3, 3, 3)),
        ),
        domain=domain_of("o i k l", "o i k", "o i k l m", groups=OneOf(1, 2, 8)),
        bad_calls=(
            bad("two_axes", "a shape of two axes"),
            bad("six_axes", "a shape of six axes", (1,) * 6),
            bad("groups_do_not_divide", "groups that do not divide", (3, 3, 1), groups=2),
            bad("no_groups", "no groups", (3, 3, 1), groups=0),
            bad("groups_are_floating", "a number of groups that is a float", (3, 3, 1), groups=1.0),
            bad("no_middle", "a kernel of length 0", (3, 3, 0)),
        ),
        laws=laws.DIRAC,
    ),
    initializer(
        "orthogonal",
        settings=(
            *random_settings({}, {"gain": 2.0**0.5}, {"gain": -1.0}, dtypes=WIDE),
            keyed(MATRIX, "times_gain", dtypes=WIDE, gain=1.0),
            filled((0, 3), label="empty", seed=3),
        ),
        dtypes=WIDE,
        domain=domain_of(*SHAPES, gain=Number(1.0, 0.5, -1, 0, 2)),
        budgets={("forward", "float32"): DECOMPOSED, ("forward", "float64"): DECOMPOSED_64},
        bad_calls=(*NOT_FLOATING, *WITHOUT_FANS, bad("half", "half precision", dtype="float16")),
        laws=laws.ORTHOGONAL,
    ),
    initializer(
        "sparse",
        settings=(
            *random_settings(
                {"sparsity": 0.1},
                {"sparsity": 0.3, "std": 1.0},
                {"sparsity": 0.0},
                {"sparsity": 1},
                shape=MATRIX,
            ),
            keyed(MATRIX, "sparse", given={"sparsity": 0.25}, std=1.0),
        ),
        domain=domain_of("o i", sparsity=OneOf(0.1, 0.5, 0.0, 1, 0.9), std=Number(0.01, 1, 0, 2)),
        budgets=NORMAL_BITS,
        bad_calls=(
            bad("integers", "an integer dtype", dtype="int32", sparsity=0.1),
            bad("one_axis", "a shape of one axis", (3,), sparsity=0.1),
            bad("three_axes", "a shape of three axes", (3, 3, 3), sparsity=0.1),
            bad("std_below_0", "a negative standard deviation", sparsity=0.1, std=-1.0),
            bad("sparsity_is_nan", "a share of nan", sparsity=float("nan")),
        ),
        laws=laws.SPARSE,
    ),
)
