"""The rows of the distances and of the losses that compare them."""

from __future__ import annotations

from typing import Any

import numpy as np

from parity.spec import (
    BadCall,
    Budget,
    Choices,
    Given,
    Params,
    Samples,
    Spec,
    Target,
    on,
)
from parity.suite.losses.rows import bad, filled, loss

N, D = 24, 6
ROWS = Samples(shape=(N, D))
SPECIAL = Samples(shape=(N, D), special=True)
# Differences that are 0, and that tie for the largest and the smallest.
TIED = Choices(values=(-1.0, 0.0, 0.5, 1.0), shape=(N, D))
# Several zero vectors.
ZEROS = Choices(values=(0.0, 0.0, 0.0, -0.5, 1.0), shape=(N, D))
SIGNS = Given(values=(1.0, -1.0, 1.0, -1.0, 1.0, 0.0) * (N // 6))
X = np.asarray([[0.25, 0.5, 0.75], [0.5, 0.125, 1.0]], np.float32)
FORWARD = ("forward", "vjp")
SECOND = ("forward", "vjp", "second")
BOTH = ("float32", "float64")
CANCELS = Budget(
    ulp=4, floor=4, everywhere=True, reason="distances, which are rounded, cancel in the difference"
)
# Components of a gradient are differences of terms as large as the vectors' lengths.
PROJECTED = Budget(
    ulp=8, floor=4, everywhere=True, reason="the part along the vector itself is taken off"
)


def _references(name: str) -> Target:
    return on("torch", f"parity.suite.losses.distances_references.{name}")


def _no_numbers(*args: Any, **names: Any) -> tuple[BadCall, ...]:
    return tuple(
        bad(f"{name}_{kind}", f"{name} is no number", *args, **{name: value})
        for name in names
        for kind, value in (("none", None), ("string", "1"))
    )


def _norms(**values: Any) -> tuple[Params, ...]:
    return tuple(
        Params(
            values={**values, "p": p},
            inputs=(TIED, TIED),
            dtypes=("float32",),
            checks=FORWARD,
        )
        for p in (0.0, 0.5, 1.0, 3.0, np.inf, -np.inf)
    )


SPECS = (
    loss(
        "cosine_similarity",
        signature="(x1, x2, dim=1, eps=1e-8)",
        budgets=dict.fromkeys(("vjp", "jvp", "second"), PROJECTED),
        params=(
            Params(inputs=(ROWS, ROWS)),
            Params(
                label="special", inputs=(SPECIAL, ROWS), checks=("forward",), dtypes=("float32",)
            ),
            Params(label="zeros", inputs=(ZEROS, ZEROS), checks=FORWARD, dtypes=("float32",)),
            Params(values={"dim": 0}, inputs=(ROWS, ROWS), checks=FORWARD, dtypes=("float32",)),
            Params(values={"dim": -1, "eps": 4.0}, inputs=(ROWS, ROWS), dtypes=BOTH),
            Params(
                label="broadcast",
                values={"dim": 2},
                inputs=(Samples(shape=(4, 1, D)), Samples(shape=(3, D), axis=None)),
                dtypes=("float32",),
            ),
            Params(
                label="eps=array",
                arrays={"eps": Samples(shape=(), center=4.0, scale=0.5, axis=None)},
                inputs=(ROWS, ROWS),
                reference=_references("cosine_similarity"),
                truth=_references("cosine_similarity"),
                dtypes=("float32",),
                checks=FORWARD,
            ),
        ),
        bad_calls=(
            *_no_numbers(X, X, eps=None),
            bad("negative_eps", "a negative eps", X, X, eps=-1.0),
            bad("shapes_do_not_broadcast", "shapes", *filled((2, 3), (2, 2))),
            bad("no_such_dim", "no such dim", X, X, dim=2),
            bad("one_axis", "no axis 1", X[0], X[0]),
            bad("dim_of_a_float", "a dim that is no int", X, X, dim=1.0),
            bad("dim_of_a_bool", "a dim that is no int", X, X, dim=True),
            bad("int32", "integers alone", *filled((2, 3), (2, 3), dtype="int32")),
            bad("complex64", "complex", *filled((2, 3), (2, 3), dtype="complex64")),
        ),
    ),
    loss(
        "cosine_embedding_loss",
        signature="(input1, input2, target, margin=0, reduction='mean')",
        budgets=dict.fromkeys(("forward", "vjp", "jvp", "second"), PROJECTED),
        params=(
            Params(inputs=(ROWS, ROWS, SIGNS)),
            Params(values={"reduction": "none"}, inputs=(ROWS, ROWS, SIGNS), dtypes=BOTH),
            Params(
                label="zeros",
                values={"reduction": "none"},
                inputs=(ZEROS, ZEROS, SIGNS),
                checks=FORWARD,
                dtypes=BOTH,
            ),
            Params(
                values={"reduction": "sum", "margin": -0.5},
                inputs=(ROWS, ROWS, SIGNS),
                checks=FORWARD,
                dtypes=("float32",),
            ),
            Params(
                label="margin=array",
                arrays={"margin": Samples(shape=(), center=-0.5, scale=0.1, axis=None)},
                inputs=(ROWS, ROWS, SIGNS),
                reference=_references("cosine_embedding_loss"),
                truth=_references("cosine_embedding_loss"),
                dtypes=("float32",),
                checks=FORWARD,
            ),
        ),
        bad_calls=(
            *_no_numbers(X, X, X[:, 0], margin=None),
            bad("reduction_men", "no such reduction", X, X, X[:, 0], reduction="men"),
            bad("target_of_two_axes", "a target of two axes", X, X, X),
            bad("one_vector_for_rows", "a vector where rows are", X[0], X, X[:, 0]),
            bad("rows_for_one_target", "rows for a single target", X, X, np.asarray(1.0)),
            bad("other_lengths", "shapes", *filled((2, 3), (2, 2), (2,))),
            bad("other_rows", "shapes", *filled((2, 3), (2, 3), (3,))),
            bad("complex64", "complex", *filled((2, 3), (2, 3), (2,), dtype="complex64")),
        ),
    ),
    loss(
        "pairwise_distance",
        signature="(x1, x2, p=2, eps=1e-6, keepdim=False)",
        budgets={"jvp": CANCELS, "second": PROJECTED},
        params=(
            Params(inputs=(ROWS, ROWS)),
            Params(label="special", inputs=(SPECIAL, ROWS), checks=FORWARD, dtypes=BOTH),
            *_norms(),
            *_norms(eps=0.0),
            Params(
                values={"p": 1.5, "keepdim": True},
                inputs=(ROWS, ROWS),
                dtypes=BOTH,
                budget=PROJECTED,
            ),
            Params(
                label="broadcast",
                inputs=(Samples(shape=(4, 1, D)), Samples(shape=(3, D), axis=None)),
                dtypes=("float32",),
            ),
            Params(
                label="p=array,eps=array",
                arrays={
                    "p": Samples(shape=(), center=2.5, scale=0.25, axis=None),
                    "eps": Samples(shape=(), center=0.25, scale=0.01, axis=None),
                },
                inputs=(ROWS, ROWS),
                reference=_references("pairwise_distance"),
                truth=_references("pairwise_distance"),
                dtypes=("float32",),
                checks=FORWARD,
                budget=PROJECTED,
            ),
        ),
        bad_calls=(
            *_no_numbers(X, X, p=None, eps=None),
            bad("shapes_do_not_broadcast", "shapes", *filled((2, 3), (2, 2))),
            bad("bool", "booleans", *filled((2, 3), (2, 3), dtype="bool")),
            *(
                bad(f"nothing_to_take_p_{p}_of", "no components", *filled((2, 0), (2, 0)), p=p)
                for p in (np.inf, -np.inf, -1.0)
            ),
        ),
    ),
    loss(
        "triplet_margin_loss",
        signature="(anchor, positive, negative, margin=1.0, p=2, eps=1e-6, swap=False, "
        "reduction='mean')",
        budgets=dict.fromkeys(("forward", "vjp", "jvp", "second"), CANCELS),
        params=(
            Params(inputs=(ROWS, ROWS, ROWS)),
            Params(
                values={"reduction": "none", "swap": True, "margin": 2.0},
                inputs=(ROWS, ROWS, ROWS),
                dtypes=BOTH,
            ),
            Params(
                label="ties",
                values={"reduction": "none", "swap": True, "p": 1.0, "eps": 0.0},
                inputs=(TIED, TIED, TIED),
                checks=FORWARD,
                dtypes=("float32",),
            ),
            Params(
                values={"reduction": "sum", "p": 3.0, "eps": 0.125},
                inputs=(ROWS, ROWS, ROWS),
                checks=FORWARD,
                dtypes=("float32",),
            ),
            Params(
                label="margin=array",
                arrays={"margin": Samples(shape=(), center=1.5, scale=0.1, axis=None)},
                inputs=(ROWS, ROWS, ROWS),
                reference=_references("triplet_margin_loss"),
                truth=_references("triplet_margin_loss"),
                checks=FORWARD,
                dtypes=("float32",),
            ),
        ),
        bad_calls=(
            *_no_numbers(X, X, X, p=None, eps=None),
            bad("reduction_men", "no such reduction", X, X, X, reduction="men"),
            bad("margin_0", "a margin that is not positive", X, X, X, margin=0.0),
            bad("margin_string", "a margin that is no number", X, X, X, margin="1"),
            bad("swap_1", "a swap that is no bool", X, X, X, swap=1),
            bad("other_rank", "a negative of fewer axes", X, X, X[0]),
            bad("shapes_do_not_broadcast", "shapes", *filled((2, 3), (2, 3), (2, 2))),
            bad("bool", "booleans", *filled((2, 3), (2, 3), (2, 3), dtype="bool")),
        ),
    ),
    Spec(
        family="losses",
        name="triplet_margin_with_distance_loss",
        subject=on("jax", "jaxact.functional.triplet_margin_with_distance_loss"),
        reference=on("torch", "nn.functional.triplet_margin_with_distance_loss"),
        budgets=dict.fromkeys(("forward", "vjp", "jvp", "second"), CANCELS),
        params=(
            Params(inputs=(ROWS, ROWS, ROWS)),
            Params(
                values={"reduction": "none", "swap": True, "margin": 2.0},
                inputs=(ROWS, ROWS, ROWS),
                checks=SECOND,
                dtypes=BOTH,
            ),
            Params(
                values={"reduction": "sum"},
                inputs=(ROWS, ROWS, ROWS),
                checks=FORWARD,
                dtypes=("float32",),
            ),
        ),
        bad_calls=(
            bad("reduction_men", "no such reduction", X, X, X, reduction="men"),
            bad("margin_0", "a margin that is not positive", X, X, X, margin=0.0),
            bad("other_rank", "a negative of fewer axes", X, X, X[0]),
            bad("distance_3", "a distance that cannot be called", X, X, X, distance_function=3),
        ),
    ),
)
