"""The rows of the distances and of the losses that compare them."""

from __future__ import annotations

from typing import Any

import numpy as np

from parity.domains import FLAG, LONG, Domain, Number, OneOf, Tensor
from parity.spec import Budget, Choices, Fixed, Samples, Setting
from parity.suite.choices import OTHER_DTYPES, REDUCTION, signs
from parity.suite.losses.rows import (
    DERIVATIVES,
    NUMERIC,
    SUMMED,
    X,
    bad,
    filled,
    loss,
    wrong_values,
)
from parity.suite.rows import (
    FORWARD,
    SINGLE,
    WIDE,
    Theme,
    as_formula,
    few,
    laws,
    setting,
    values_only,
)

THEME = Theme("losses", "distances")
bad_triplet = Theme("losses", arguments=(X, X, X)).bad
# Of a thousand rows some have an anchor equal to the positive: which of two equal distances is the
# smaller one, rounding decides where XLA adds them up in two loops.
SWAPPED_TIES = {
    "swap": "True",
    "anchor.numbers": ("ties", "zeros"),
    "positive.numbers": ("ties", "zeros"),
    "lengths": f"n={LONG}",
}
TRIPLET = {
    "anchor": Tensor(axes=("n c", "c", "n k c")),
    "positive": Tensor(like="anchor"),
    "negative": Tensor(like="anchor"),
}
N, D = 24, 6
ROWS = Samples(shape=(N, D))
PAIRS = (ROWS, ROWS)
SPECIAL = (Samples(shape=(N, D), special=True), ROWS)
BROADCAST = (Samples(shape=(4, 1, D)), Samples(shape=(3, D), axis=None))
# Differences that are 0, and ties for the largest and the smallest difference.
TIED = Choices(values=(-1.0, 0.0, 0.5, 1.0), shape=(N, D))
# Several zero vectors.
ZEROS = Choices(values=(0.0, 0.0, 0.0, -0.5, 1.0), shape=(N, D))
SIGNS = Fixed(values=(1.0, -1.0, 1.0, -1.0, 1.0, 0.0) * (N // 6))
# Vectors with one component. 1e-39 counts as 0, since XLA on CPUs computes with 0 in its place.
SUBNORMAL = Choices(values=(1e-39, 0.0, 0.5), shape=(N, 1))
EMPTY = Samples(shape=(N, 0))
NO_NUMBER = {"none": None, "string": "1"}
CANCELS = Budget(ulp=4, floor=4, everywhere=True, reason="rounded distances cancel")
# Components of a gradient are differences of terms as large as the vectors' lengths.
PROJECTED = Budget(
    ulp=8, floor=4, everywhere=True, reason="the part along the vector is subtracted"
)


def squared(x1: Any, x2: Any) -> Any:
    """The sum of squared differences, of arrays of any framework."""
    return ((x1 - x2) ** 2).sum(-1)


def _number(center: float, scale: float) -> Samples:
    """A hyperparameter that is an array."""
    return Samples(shape=(), center=center, scale=scale, axis=None)


def _learned(name: str, budget: Budget | None = None, **numbers: Samples) -> Setting:
    """Hyperparameters that are arrays, compared with a formula, since torch takes only numbers."""
    return as_formula(
        THEME.reference(name), arrays=numbers, dtypes=SINGLE, checks=FORWARD, budget=budget
    )


def _norms(**values: Any) -> tuple[Setting, ...]:
    return tuple(few(TIED, TIED, **values, p=p) for p in (0.0, 0.5, 1.0, 3.0, np.inf, -np.inf))


def _gradient_of_a_subnormal_is_finite(pairwise_distance: Any) -> str | None:
    """torch's is nan for p = 3, where the power underflows."""
    import jax

    x1, x2 = np.asarray([[1e-39], [0.5]], np.float32), np.zeros((2, 1), np.float32)
    for p in (1.0, 3.0, np.float32(1.0), np.float32(3.0)):

        def total(x: Any, p: Any = p) -> Any:
            return pairwise_distance(x, x2, p=p, eps=0.0).sum()

        slope: Any = jax.jit(jax.grad(total))
        found = np.asarray(slope(x1))
        if not (np.isfinite(found).all() and found[1, 0] == 1):
            return f"p={p!r}: the gradient at {x1} is {found}"
    return None


SPECS = (
    loss(
        "cosine_similarity",
        budgets=dict.fromkeys(DERIVATIVES, PROJECTED),
        inputs=PAIRS,
        settings=(
            setting(),
            values_only(*SPECIAL, label="special"),
            few(ZEROS, ZEROS, label="zeros"),
            few(dim=0),
            setting(dim=-1, eps=4.0, dtypes=WIDE),
            few(eps=np.inf),
            values_only(EMPTY, EMPTY, label="empty,eps=0", eps=0.0),
            setting(*BROADCAST, label="broadcast", dim=2, dtypes=SINGLE),
            _learned("cosine_similarity", eps=_number(4.0, 0.5)),
        ),
        bad_calls=(
            *wrong_values("eps", **NO_NUMBER),
            bad("negative_eps", "a negative eps", eps=-1.0),
            bad("shapes_do_not_broadcast", "shapes", *filled((2, 3), (2, 2))),
            bad("no_such_dim", "no such dim", dim=2),
            bad("one_axis", "no axis 1", X[0], X[0]),
            bad("dim_of_a_float", "a dim that is not an int", dim=1.0),
            bad("dim_of_a_bool", "a dim that is not an int", dim=True),
            bad("int32", "integers alone", *filled((2, 3), (2, 3), dtype="int32")),
            bad("complex64", "complex", *filled((2, 3), (2, 3), dtype="complex64")),
        ),
        domain=Domain(
            arguments={
                "x1": Tensor(axes=("n c", "c", "n c k", "n c k l")),
                "x2": Tensor(like="x1", broadcast=True, beside=OTHER_DTYPES),
                "dim": OneOf(1, 0, -1, -2, 2, -3),
                "eps": Number(1e-8, 0.5, 0.0, 2),
            },
            # A vector of one component, or of equal ones, may only change its length: the slope is
            # what the rounding of the terms leaves.
            impossible=(
                {"lengths": ("n=1", "c=1"), "order": "second"},
                # torch's second derivative at a vector of zeros is nan.
                {"x1.numbers": "ties", "order": "second"},
                {"x2.numbers": "ties", "order": "second"},
                {"x2.broadcast": ("first", "last", "all"), "precision": "float64"},
                {"x2.broadcast": ("first", "last", "all"), "order": "second"},
            ),
        ),
    ),
    loss(
        "cosine_embedding_loss",
        budgets=dict.fromkeys(NUMERIC, PROJECTED),
        inputs=(*PAIRS, SIGNS),
        settings=(
            setting(),
            setting(reduction="none", dtypes=WIDE),
            few(ZEROS, ZEROS, SIGNS, label="zeros", reduction="none", dtypes=WIDE),
            few(reduction="sum", margin=-0.5),
            _learned("cosine_embedding_loss", margin=_number(-0.5, 0.1)),
        ),
        bad_calls=(
            *wrong_values("margin", X, X, X[:, 0], **NO_NUMBER),
            bad("reduction_men", "no such reduction", X, X, X[:, 0], reduction="men"),
            bad("target_of_two_axes", "a target of two axes", X, X, X),
            bad("one_vector_for_rows", "a vector where rows are", X[0], X, X[:, 0]),
            bad("rows_for_one_target", "rows for a single target", X, X, np.asarray(1.0)),
            bad("other_lengths", "shapes", *filled((2, 3), (2, 2), (2,))),
            bad("other_rows", "shapes", *filled((2, 3), (2, 3), (3,))),
            bad("complex64", "complex", *filled((2, 3), (2, 3), (2,), dtype="complex64")),
        ),
        domain=Domain(
            arguments={
                "input1": Tensor(axes=("n c", "c")),
                "input2": Tensor(like="input1", beside=OTHER_DTYPES),
                "target": signs("input1", without="c"),
                "margin": Number(0.0, 0.5, -0.5, 1, -1),
                "reduction": REDUCTION,
            },
            impossible=(
                # With one component the slope is what the rounding of the terms leaves.
                {"lengths": "c=1", "precision": "float64"},
                # torch adds its 1e-12 to the squares of integers in float32, which loses it.
                {"input2.dtype": "int32", "precision": "float64"},
                # The slope at a vector of zeros is beyond the range; half of it is not.
                {"input1.numbers": "zeros", "precision": "float16", "context": "product"},
            ),
        ),
    ),
    loss(
        "pairwise_distance",
        budgets={"jvp": CANCELS, "second": PROJECTED},
        inputs=PAIRS,
        settings=(
            setting(),
            few(*SPECIAL, label="special", dtypes=WIDE),
            *_norms(),
            *_norms(eps=0.0),
            *(
                values_only(SUBNORMAL, SUBNORMAL, label=f"subnormal,p={p}", p=p, eps=0.0)
                for p in (1.0, 3.0)
            ),
            setting(p=1.5, keepdim=True, dtypes=WIDE, budget=PROJECTED),
            setting(*BROADCAST, label="broadcast", dtypes=SINGLE),
            _learned("pairwise_distance", PROJECTED, p=_number(2.5, 0.25), eps=_number(0.25, 0.01)),
        ),
        laws=laws(_gradient_of_a_subnormal_is_finite),
        bad_calls=(
            *wrong_values("p", **NO_NUMBER),
            *wrong_values("eps", **NO_NUMBER),
            bad("shapes_do_not_broadcast", "shapes", *filled((2, 3), (2, 2))),
            bad("bool", "booleans", *filled((2, 3), (2, 3), dtype="bool")),
            *(
                bad(f"nothing_to_take_p_{p}_of", "no components", *filled((2, 0), (2, 0)), p=p)
                for p in (np.inf, -np.inf, -1.0)
            ),
        ),
        domain=Domain(
            arguments={
                "x1": Tensor(axes=("n c", "c", "n k c")),
                "x2": Tensor(like="x1", broadcast=True, beside=OTHER_DTYPES),
                "p": Number(2.0, 1, 3, 0.5, 0, np.inf, -1, -np.inf),
                "eps": Number(1e-6, 0.5, 0.0, 2, -0.5),
                "keepdim": FLAG,
            },
            # torch's second derivative at a component, or a vector, of 0 is nan.
            impossible=(
                {"p": "0.5", "eps": "0.0", "order": "second"},
                {
                    "x1.numbers": "ties",
                    "eps": ("0.5", "0.0", "2", "-0.5"),
                    "order": "second",
                },
            ),
        ),
    ),
    loss(
        "triplet_margin_loss",
        budgets=dict.fromkeys(NUMERIC, CANCELS),
        inputs=(*PAIRS, ROWS),
        settings=(
            setting(),
            setting(reduction="none", swap=True, margin=2.0, dtypes=WIDE),
            few(TIED, TIED, TIED, label="ties", reduction="none", swap=True, p=1.0, eps=0.0),
            few(reduction="sum", p=3.0, eps=0.125),
            _learned("triplet_margin_loss", margin=_number(1.5, 0.1)),
        ),
        bad_calls=(
            *wrong_values("p", X, X, X, **NO_NUMBER),
            *wrong_values("eps", X, X, X, **NO_NUMBER),
            bad_triplet("reduction_men", "no such reduction", reduction="men"),
            bad_triplet("margin_0", "a margin that is not positive", margin=0.0),
            bad_triplet("margin_string", "a margin that is not a number", margin="1"),
            bad_triplet("swap_1", "a swap that is not a bool", swap=1),
            bad("other_rank", "a negative of fewer axes", X, X, X[0]),
            bad("shapes_do_not_broadcast", "shapes", *filled((2, 3), (2, 3), (2, 2))),
            bad("bool", "booleans", *filled((2, 3), (2, 3), (2, 3), dtype="bool")),
        ),
        domain=Domain(
            arguments={
                **TRIPLET,
                "margin": Number(1.0, 0.5, 2, 100.0, outside=(0.0, -1.0)),
                "p": Number(2.0, 1, 3, 1.5, np.inf),
                "eps": Number(1e-6, 0.5, 2, 0.0),
                "swap": FLAG,
                "reduction": REDUCTION,
            },
            # Of a thousand rows of few numbers some have distances that are equal but for rounding.
            impossible=(
                {"p": ("1", "1.5", "inf"), "lengths": f"n={LONG}"},
                SWAPPED_TIES,
                # torch's second derivative at a distance, or a component, of 0 is nan.
                {"p": "1.5", "order": "second"},
                *(
                    {
                        "anchor.numbers": "ties",
                        f"{other}.numbers": "ties",
                        "eps": ("0.5", "2", "0.0"),
                        "order": "second",
                    }
                    for other in ("positive", "negative")
                ),
            ),
        ),
    ),
    loss(
        "triplet_margin_with_distance_loss",
        budgets=dict.fromkeys(NUMERIC, CANCELS),
        inputs=(*PAIRS, ROWS),
        settings=(
            setting(),
            few(reduction="none", swap=True, margin=2.0, checks=SUMMED, dtypes=WIDE),
            few(reduction="sum"),
            few(label="distance_function=squared", distance_function=squared, swap=True),
        ),
        bad_calls=(
            bad_triplet("reduction_men", "no such reduction", reduction="men"),
            bad_triplet("margin_0", "a margin that is not positive", margin=0.0),
            bad("other_rank", "a negative of fewer axes", X, X, X[0]),
            bad_triplet("distance_3", "a distance that cannot be called", distance_function=3),
        ),
        domain=Domain(
            arguments={
                **TRIPLET,
                "distance_function": OneOf(None),
                "margin": Number(1.0, 0.5, 2, 100.0, outside=(0.0, -1.0)),
                "swap": FLAG,
                "reduction": REDUCTION,
            },
            impossible=(SWAPPED_TIES,),
        ),
    ),
)
