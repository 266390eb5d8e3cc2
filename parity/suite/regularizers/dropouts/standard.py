"""The rows of torch's dropouts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from parity.domains import LONG, Choice, Domain, Number, OneOf, Tensor, Together
from parity.spec import (
    FLOATS,
    BadCall,
    Budget,
    Law,
    ObservedDraw,
    Samples,
    Setting,
    Spec,
    Sweep,
    Values,
)
from parity.suite.choices import ANY
from parity.suite.regularizers.dropouts.laws import LINE, Mask, random_mask, saturating_mask
from parity.suite.rows import FORWARD, SINGLE, Theme, setting, torch_stream

SAME_BITS = Budget(ulp=0, reason="the same stream gives the same bits")
# Kept values cross zero at x = -ALPHA p, which depends on p.
SHIFTED = {
    ("forward", dtype): Budget(ulp=4, floor=2, everywhere=True, reason="a x and a ALPHA p cancel")
    for dtype in FLOATS[:2]
}
POINTS = Sweep(kinks=(0.0,))
X = np.ones((2, 3, 2), np.float32)
DRAWN = ("forward", "vjp", "jvp", "second", "vmap", "jit")
SOME = ("float32", "float16")
ANY_DTYPE = (*FLOATS, "int32", "uint8")
SEEDED = {0.5: FLOATS, 0.3: FLOATS, 0.999: FLOATS, 0.1: SINGLE, 1.0: SINGLE}
THEME = Theme(
    "regularizers",
    "dropouts.standard",
    {"checks": (*DRAWN, "error", "signature", "law"), "extra": ("key",)},
    (X,),
)
SCALED, SATURATING = THEME.reference("scaled"), THEME.reference("saturating")


def maps(*shape: int) -> Samples:
    """Feature maps, some with infinities and nan; or a vector of plain numbers."""
    several = len(shape) > 1
    return Samples(shape=shape, axis=0 if several else None, special=several)


def kept(subject: Callable[..., Any], arrays: Any, values: Values) -> Any:
    """The mask: 1 where the result for an input of ones is above 0, and 0 elsewhere."""
    ones = np.ones(arrays[0].shape, np.float32)
    return (np.asarray(subject(ones, **values)) > 0).astype(np.float32)


def drawn(
    reference: Any, *inputs: Any, label: str = "", observe: Any = kept, **fields: Any
) -> Setting:
    """A random setting: the reference gets the subject's draw as an argument."""
    values = [f"{k}={v}" for k, v in fields.items() if k not in ("dtypes", "checks")]
    return setting(
        *inputs,
        label=",".join(filter(None, (label, *values))) or "default",
        random=ObservedDraw(seed=7, observe=observe),
        reference=reference,
        **{"dtypes": FLOATS, "checks": DRAWN, "training": True, **fields},
    )


def certain(**values: Any) -> Setting:
    """A setting whose result is not random."""
    return setting(
        label=",".join(f"{k}={v}" for k, v in values.items()),
        random=ObservedDraw(seed=7),
        dtypes=ANY_DTYPE,
        checks=FORWARD,
        **{"training": True, **values},
    )


def seeded(*shape: int, seed: int = 42, dtypes: tuple[str, ...] = FLOATS, **values: Any) -> Setting:
    """A setting in which both sides draw from torch's stream and have to give the same bits."""
    named = {"seed": seed, **values, "shape": "x".join(map(str, shape)) or "0-d"}
    return setting(
        maps(*shape),
        label=",".join(f"{k}={v}" for k, v in named.items()),
        random=torch_stream(seed),
        dtypes=dtypes,
        checks=FORWARD,
        budget=SAME_BITS,
        training=True,
        **values,
    )


def same_seed(first: tuple[int, ...], *others: tuple[int, ...]) -> tuple[Setting, ...]:
    """Settings with torch's stream: several p, other seeds and other shapes."""
    return (
        *(seeded(*first, p=p, dtypes=dtypes) for p, dtypes in SEEDED.items()),
        seeded(*first, p=0.3, seed=0),
        seeded(*first, p=0.3, seed=-1, dtypes=SINGLE),
        *(seeded(*shape, p=0.3, dtypes=SINGLE) for shape in others),
    )


def bad(name: str, reason: str, *args: Any, **values: Any) -> BadCall:
    """A call to refuse in training mode; by default its argument is X."""
    return THEME.bad(name, reason, *args, **{"training": True, **values})


NO_PROBABILITIES: dict[str, dict[str, Any]] = {
    "p_below_0": {"p": -0.1},
    "p_above_1": {"p": 1.1},
    "p_above_1_without_training": {"p": 1.1, "training": False},
    "p_is_nan": {"p": float("nan")},
    "p_is_nan_without_training": {"p": float("nan"), "training": False},
    "p_is_text": {"p": "0.5"},
    "p_is_none": {"p": None},
}


def refused(x: Any = X) -> tuple[BadCall, ...]:
    """Calls that every dropout refuses, with this input."""
    return (
        *(bad(name, "no probability", x, **values) for name, values in NO_PROBABILITIES.items()),
        bad("input_is_a_list", "no array", [1.0, 2.0]),
        *(
            bad(f"input_is_{d}", "not floating", x.astype(d))
            for d in ("int32", "bool", "complex64")
        ),
    )


# Of feature maps: long ones have many channels.
LENGTHS = {
    "n": (5, 1, 0),
    "c": (3, 1, LONG),
    **{axis: (n,) for axis, n in zip("dhwl", (3, 4, 2, 6), strict=True)},
}


def domain_of(
    *axes: str,
    name: str = "input",
    impossible: tuple[Together, ...] = (),
    **others: Choice,
) -> Domain:
    """What a dropout of an array with these axes may get."""
    return Domain(
        arguments={
            name: Tensor(axes=axes, special=True),
            "p": Number(0.5, 0.3, 0, 1),
            "training": OneOf(True, False),
            **others,
        },
        lengths=LENGTHS if len(axes[0].split()) > 2 else {},
        # torch's stream is drawn for a number.
        impossible=({"random": "stream", "p.type": "array"}, *impossible),
    )


NO_BOOLEANS = (
    bad("training_is_1", "no boolean", training=1),
    bad("training_is_text", "no boolean", training="no"),
)


def dropout(
    name: str,
    inputs: Any,
    seeds: tuple[Setting, ...],
    laws: tuple[Law, ...],
    *,
    formula: Any = SCALED,
    rates: tuple[float, ...] = (0.3,),
    settings: tuple[Setting, ...] = (),
    axes: tuple[int, ...] = (),
    **fields: Any,
) -> Spec:
    """A row of this theme, which compares jaxact's function of that name with torch's.

    Args:
        name: in both namespaces.
        inputs: of the settings.
        seeds: the settings with torch's stream.
        laws: see there.
        formula: of a known mask.
        rates: p beside the default.
        settings: further ones.
        axes: numbers of axes that are refused.
        **fields: of the row.
    """
    return THEME.row(
        name,
        inputs=(inputs,),
        settings=(
            drawn(formula),
            *(drawn(formula, dtypes=SOME, p=p) for p in rates),
            *settings,
            *(certain(**values) for values in ({"p": 1.0}, {"p": 0.0}, {"training": False})),
            *seeds,
        ),
        bad_calls=(
            *refused(),
            *NO_BOOLEANS,
            *(bad(f"input_of_{n}_axes", "so many axes", np.ones((2,) * n, "f4")) for n in axes),
        ),
        laws=laws,
        **fields,
    )


MAPS = ("n c h w", "n c l", "n c")
OTHERS = ((33,), (), (0, 3), (3, 4, 5))
MAPS_1D, MAPS_2D, MAPS_3D = (6, 5, 7), (6, 5, 3, 4), (4, 5, 2, 3, 2)
BY_CHANNEL = Mask(shape=(1 << 10, 1 << 10, 2), shared=(2,))
BY_CHANNEL_2D = Mask(shape=(1 << 10, 1 << 10, 1, 2), shared=(2, 3))
BY_CHANNEL_3D = Mask(shape=(1 << 10, 1 << 10, 1, 2, 1), shared=(2, 3, 4))
# The same without a batch, and inputs of other numbers of axes.
OF_ELEMENTS = (LINE, Mask(shape=(1 << 18,)), Mask(shape=(16, 64, 16, 16)))
OF_LINES = (BY_CHANNEL, Mask(shape=(1 << 18, 2), shared=(1,)))
OF_MAPS = (BY_CHANNEL_2D, Mask(shape=(512, 512, 2), shared=(2,)), Mask(shape=(512, 512)))
OF_VOLUMES = (BY_CHANNEL_3D, Mask(shape=(1 << 18, 1, 2, 1), shared=(1, 2, 3)))

SPECS = (
    dropout(
        "dropout",
        POINTS,
        # The last one's 1 / (1 - p) is infinite.
        (*same_seed((7, 11), *OTHERS), seeded(7, 11, p=0.99999, dtypes=("float16",))),
        random_mask(*OF_ELEMENTS, stream=True),
        rates=(0.3, 0.875),
        domain=domain_of(*ANY),
    ),
    dropout(
        "dropout1d",
        maps(*MAPS_1D),
        same_seed(MAPS_1D, (6, 9)),
        random_mask(*OF_LINES, stream=True),
        settings=(drawn(SCALED, maps(6, 9), label="unbatched", dtypes=SOME),),
        axes=(0, 1, 4),
        domain=domain_of("n c l", "c l"),
    ),
    dropout(
        "dropout2d",
        maps(*MAPS_2D),
        same_seed(MAPS_2D, MAPS_1D, MAPS_3D, (6, 5)),
        random_mask(*OF_MAPS, stream=True),
        axes=(0, 1),
        domain=domain_of(*MAPS),
    ),
    dropout(
        "dropout3d",
        maps(*MAPS_3D),
        same_seed(MAPS_3D, MAPS_2D, MAPS_1D, (9,), (2, 3, 2, 1, 2, 2)),
        random_mask(*OF_VOLUMES, stream=True),
        settings=(drawn(SCALED, maps(*MAPS_2D), label="unbatched", dtypes=SOME),),
        axes=(0,),
        domain=domain_of("n c d h w", "c d h w", "c"),
    ),
    dropout(
        "alpha_dropout",
        POINTS,
        same_seed((7, 11), *OTHERS),
        saturating_mask(*OF_ELEMENTS, stream=True),
        formula=SATURATING,
        rates=(0.3, 0.875),
        budgets=SHIFTED,
        domain=domain_of(*ANY),
    ),
    dropout(
        "feature_alpha_dropout",
        maps(*MAPS_2D),
        same_seed(MAPS_2D, MAPS_1D, MAPS_3D, (6, 5)),
        saturating_mask(*OF_MAPS, stream=True),
        formula=SATURATING,
        budgets=SHIFTED,
        axes=(0, 1),
        domain=domain_of(*MAPS),
    ),
)
