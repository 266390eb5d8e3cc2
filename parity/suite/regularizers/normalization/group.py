"""The rows of group normalization."""

from __future__ import annotations

from parity.domains import Domain, OneOf, optional
from parity.suite.choices import CHANNELS, CHANNELS_ANYWHERE, channel_axis
from parity.suite.regularizers.normalization.rows import (
    ALL,
    EPSILONS,
    IMAGES,
    LARGE_MEAN,
    LEARNED,
    NHWC,
    THEME,
    C,
    X,
    bad,
    mixed_dtypes,
    moved,
    normal,
    of_formula,
    ones,
    spread,
    thorough,
    wrong_lengths,
)
from parity.suite.rows import WIDE, few, setting

GROUP_CALLS = (
    *mixed_dtypes(num_groups=1),
    *wrong_lengths(X, 2),
    bad("groups_3", "3 groups of 2 channels", X, 3),
    bad("groups_negative", "-1 groups", X, -1),
    bad("groups_float", "a number of groups that is not an int", X, 1.0),
    bad("groups_bool", "a number of groups that is not an int", X, True),
    bad("one_axis", "no channels", ones(4), 2),
    bad("one_value", "one value for a mean", ones((1, 4)), 4),
    bad("weight_axes", "weights of two axes", X, 2, weight=ones((1, 2))),
    bad("eps_none", "no eps", X, 2, eps=None),
)

SPECS = (
    THEME.row(
        "group_norm",
        calls_reference=THEME.reference("group_norm_moved"),
        extra=("channel_axis",),
        inputs=(IMAGES,),
        settings=(
            setting(num_groups=3),
            setting(label="learned", num_groups=3, arrays=LEARNED),
            *(
                few(label=f"num_groups={n}", num_groups=n, arrays=LEARNED, dtypes=WIDE)
                for n in (1, 2, C)
            ),
            thorough(normal(8, C), label="2d", num_groups=2, arrays=LEARNED),
            few(normal(8, C), label="one_value", num_groups=C, arrays=LEARNED),
            few(LARGE_MEAN, label="large_mean", num_groups=3, arrays=LEARNED),
            *spread(8, C, 4, num_groups=3),
            of_formula("group_norm", label="eps=array", num_groups=3, arrays=ALL),
            moved("group_norm", NHWC, label="channel_axis=-1", num_groups=3, arrays=LEARNED),
        ),
        bad_calls=GROUP_CALLS,
        domain=Domain(
            arguments={
                "input": CHANNELS_ANYWHERE,
                "num_groups": OneOf(1, 2, 4, outside=(3, 0, -1)),
                "weight": optional(CHANNELS),
                "bias": optional(CHANNELS),
                "eps": EPSILONS,
                "channel_axis": channel_axis("input"),
            },
            parameters=("weight", "bias"),
            lengths={"c": (4, 2, 1028)},
            # The slope of a group of one number, or two, is what rounding leaves.
            impossible=(
                {"lengths": "c=2", "input.axes": "n c"},
                {"num_groups": "2", "lengths": "usual", "input.axes": "n c"},
                {"num_groups": "4", "input.axes": "n c", "order": "second"},
                {
                    "num_groups": "4",
                    "input.axes": "n c",
                    "weight": "none",
                    "precision": "float64",
                },
            ),
            decisions={"input:fewer_axes": "the reference fails where it moves the channels"},
        ),
    ),
)
