"""The rows of the division by a norm of a vector or of neighbouring channels."""

from __future__ import annotations

from typing import Any

import numpy as np

from parity.spec import BadCall, Budget, Choices, Params, Samples, Spec, Target, on

ROWS = Samples(shape=(24, 6))
# Components that are 0, and that tie for the largest and the smallest.
TIED = Choices(values=(-1.0, 0.0, 0.5, 1.0), shape=(24, 6))
# Several zero vectors.
ZEROS = Choices(values=(0.0, 0.0, 0.0, -0.5, 1.0), shape=(24, 6))
CHANNELS = Samples(shape=(4, 6, 5))
IMAGES = Samples(shape=(2, 5, 3, 2))
X = np.asarray([[0.25, 0.5, 0.75], [0.5, 0.125, 1.0]], np.float32)
CUBE = np.ones((2, 3, 4), np.float32)
FORWARD = ("forward", "vjp")
SECOND = ("forward", "vjp", "second")
BOTH = ("float32", "float64")
# Components of a gradient are differences of terms as large as the vectors' lengths.
PROJECTED = Budget(
    ulp=8, floor=8, everywhere=True, reason="the part along the vector itself is taken off"
)
TWICE = Budget(
    ulp=16, floor=64, everywhere=True, reason="a sum of products of three projected vectors"
)
# Far below what any floor would forgive; measured: up to 319.
CANCELS = Budget(ulp=2.0**10, reason="differences of terms that are some 100 times as large")
SMALL = Budget(ulp=8, reason="results far below 1, of which no floor may forgive anything")
HUGE = Samples(shape=(24, 6), scale=1e25)
# Norms whose inverses vanish, and norms that are no numbers.
LARGEST = Samples(shape=(24, 6), scale=9e37)
NEIGHBOURS = Budget(
    ulp=8, floor=8, everywhere=True, reason="terms of all neighbours, of either sign"
)


def _reference(name: str) -> Target:
    return on("torch", f"parity.suite.regularizers.rescaling_references.{name}")


def bad(name: str, reason: str, *args: Any, **values: Any) -> BadCall:
    """A call to refuse; without arguments of its own it gets X."""
    return BadCall(name=name, args=args or (X,), values=values, reason=reason)


def _number(center: float, scale: float) -> Samples:
    return Samples(shape=(), center=center, scale=scale, axis=None)


def _norms() -> tuple[Params, ...]:
    return tuple(
        Params(values={"p": p, "eps": 0.25}, inputs=(TIED,), dtypes=("float32",), checks=FORWARD)
        for p in (0.0, 0.5, 1.0, 1.5, 3.0, np.inf, -np.inf)
    )


NORMALIZE = Spec(
    family="regularizers",
    name="normalize",
    subject=on("jax", "jaxact.functional.normalize"),
    reference=on("torch", "nn.functional.normalize"),
    signature="(input, p=2.0, dim=1, eps=1e-12)",
    # Half precision is computed in float32 and rounded once: its budgets are the default ones.
    budgets={
        (check, dtype): TWICE if check == "second" else PROJECTED
        for check in ("vjp", "jvp", "second")
        for dtype in BOTH
    },
    params=(
        Params(inputs=(ROWS,)),
        Params(
            label="special",
            inputs=(Samples(shape=(24, 6), special=True),),
            dtypes=("float32",),
            checks=("forward",),
        ),
        Params(label="zeros", inputs=(ZEROS,), checks=FORWARD),
        Params(label="huge", inputs=(HUGE,), checks=("forward",)),
        Params(label="slopes_of_huge", inputs=(HUGE,), checks=("vjp",), budget=CANCELS),
        *(
            Params(
                values={"p": p},
                label=f"largest,p={p}",
                inputs=(LARGEST,),
                dtypes=("float32",),
                checks=("forward",),
            )
            for p in (2.0, 3.0)
        ),
        Params(
            label="ties,eps=0.25",
            values={"eps": 0.25},
            inputs=(TIED,),
            dtypes=("float32",),
            checks=SECOND,
        ),
        # At eps itself, and on both sides.
        Params(
            label="eps=1",
            values={"eps": 1.0},
            inputs=(Choices(values=(0.0, 0.0, 0.0, 1.0, 0.5, -0.5), shape=(48, 3)),),
            checks=FORWARD,
            dtypes=BOTH,
        ),
        *_norms(),
        Params(values={"p": 1.5}, inputs=(ROWS,), dtypes=("float64",), checks=SECOND),
        *(
            Params(
                values={"dim": dim, "eps": 4.0},
                inputs=(Samples(shape=(4, 3, 5), axis=None),),
                dtypes=("float32",),
                checks=FORWARD,
            )
            for dim in (0, -1, (0, 2), (-1, 1), ())
        ),
        Params(
            label="p=array,eps=array",
            arrays={"p": _number(2.5, 0.25), "eps": _number(4.0, 0.5)},
            inputs=(ROWS,),
            reference=_reference("normalize"),
            truth=_reference("normalize"),
            dtypes=("float32",),
            checks=SECOND,
        ),
    ),
    bad_calls=(
        bad("no_such_dim", "no such dim", dim=2),
        bad("one_axis", "no axis 1", X[0]),
        bad("dim_twice", "a dim named twice", dim=(1, 1)),
        bad("dim_of_a_float", "a dim that is no int", dim=1.0),
        bad("dim_of_a_bool", "a dim that is no int", dim=True),
        bad("eps_none", "an eps that is no number", eps=None),
        bad("p_string", "a p that is no number", p="x"),
        bad("a_list", "a list", [1.0, 2.0]),
        *(
            bad(kind, "a dtype that does not go", np.ones((2, 3), kind))
            for kind in ("int32", "bool")
        ),
        *(
            bad(f"nothing_to_take_p_{p}_of", "no components", np.ones((2, 0), np.float32), p=p)
            for p in (np.inf, -np.inf, -1.0)
        ),
    ),
)


def _windows() -> tuple[Params, ...]:
    """Even and odd ones, of one channel, of all of them, and beyond the borders."""
    return tuple(
        Params(
            values={"size": size, "alpha": 0.5, "k": 2.0},
            inputs=(CHANNELS,),
            dtypes=("float32",),
            checks=FORWARD,
        )
        for size in (1, 2, 4, 5, 6, 7, 11, 30)
    )


LOCAL_RESPONSE_NORM = Spec(
    family="regularizers",
    name="local_response_norm",
    subject=on("jax", "jaxact.functional.local_response_norm"),
    reference=on("torch", "nn.functional.local_response_norm"),
    signature="(input, size, alpha=0.0001, beta=0.75, k=1.0)",
    extra=("channel_axis",),
    budgets={(check, dtype): NEIGHBOURS for check in ("vjp", "jvp", "second") for dtype in BOTH},
    params=(
        Params(values={"size": 3, "alpha": 0.5}, inputs=(CHANNELS,)),
        Params(values={"size": 3}, inputs=(IMAGES,), dtypes=BOTH, checks=SECOND),
        *_windows(),
        *(
            Params(
                values={"size": 3, "alpha": 0.5, "beta": beta},
                inputs=(CHANNELS,),
                dtypes=("float32",),
                checks=SECOND,
            )
            for beta in (0.5, 1.0, 2.0, -0.25)
        ),
        Params(
            label="special",
            values={"size": 2},
            inputs=(Samples(shape=(24, 6, 1), special=True),),
            dtypes=("float32",),
            checks=("forward",),
        ),
        *(
            Params(
                label=label,
                values={"size": 3, "beta": beta},
                inputs=(Samples(shape=(4, 6, 5), scale=1e21),),
                dtypes=("float32",),
                checks=(check,),
                budget=CANCELS if check == "vjp" else SMALL,
            )
            for label, beta, check in (
                ("huge", 0.75, "forward"),
                ("huge,beta=0.5", 0.5, "forward"),
                ("slopes_of_huge", 0.75, "vjp"),
            )
        ),
        # Here a slope in the sum of squares is below the least number.
        Params(
            label="slopes_of_large",
            values={"size": 3},
            inputs=(Samples(shape=(4, 6, 5), scale=3e18),),
            dtypes=("float32",),
            checks=("vjp",),
            budget=CANCELS,
        ),
        Params(
            label="numbers=arrays",
            values={"size": 4},
            arrays={"alpha": _number(0.5, 0.1), "beta": _number(0.75, 0.1), "k": _number(2, 0.1)},
            inputs=(CHANNELS,),
            dtypes=BOTH,
            checks=SECOND,
        ),
        Params(
            values={"size": 3, "channel_axis": -1},
            inputs=(IMAGES,),
            reference=_reference("local_response_norm"),
            dtypes=("float32",),
            checks=FORWARD,
        ),
    ),
    bad_calls=(
        bad("two_axes", "too few axes", X, size=2),
        *(bad(f"size_{size}", "no such size", CUBE, size=size) for size in (0, -2)),
        bad("size_of_a_float", "a size that is no int", CUBE, size=2.0),
        bad("size_of_a_bool", "a size that is no int", CUBE, size=True),
        bad("size_none", "a size that is no int", CUBE, size=None),
        *(
            bad(f"{name}_none", f"{name} is no number", CUBE, size=2, **{name: None})
            for name in ("alpha", "beta", "k")
        ),
        bad("a_list", "a list", [1.0], size=2),
        *(
            bad(kind, "a dtype that does not go", np.ones((2, 3, 4), kind), size=2)
            for kind in ("int32", "bool", "complex64")
        ),
    ),
)

SPECS: tuple[Spec, ...] = (NORMALIZE, LOCAL_RESPONSE_NORM)
