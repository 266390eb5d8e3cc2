"""The rows of instance normalization."""

from __future__ import annotations

from parity.domains import LONG, Domain, Either, Number, OneOf, Tensor, optional
from parity.suite.choices import CHANNELS, MEANS, SIGNALS_ANYWHERE, VARIANCES, channel_axis
from parity.suite.regularizers.normalization.rows import (
    ALL,
    CHECKS,
    CONSTANT,
    EPSILONS,
    IMAGES,
    LARGE_MEAN,
    LEARNED,
    LEARNED_STATS,
    MEAN,
    MOMENTUM,
    NCHW,
    NHWC,
    ONE_CHANNEL,
    STATS,
    THEME,
    THREE,
    TWO,
    VAR,
    C,
    X,
    bad,
    mixed_dtypes,
    moved,
    normal,
    of_formula,
    ones,
    running_statistics,
    wrong_lengths,
)
from parity.suite.rows import WIDE, few, setting, values_only

INSTANCE_CALLS = (
    *mixed_dtypes(),
    *wrong_lengths(),
    bad("no_statistics", "no statistics", use_input_stats=False),
    bad("no_running_var", "a mean alone", X, TWO, None, use_input_stats=False),
    bad("mean_alone", "a mean alone", X, TWO),
    bad("two_axes", "one value for a mean", ones((4, 2))),
    bad("one_axis", "no channels", TWO),
    bad("one_value", "one value for a mean", ones((4, 2, 1))),
    bad("weight_axes", "weights of two axes", weight=ones((1, 2))),
    bad("running_mean_length", "one mean too many", X, THREE, THREE, use_input_stats=False),
    bad("eps_none", "no eps", eps=None),
    bad("use_input_stats_1", "no bool", use_input_stats=1),
)
RUNNING = {"use_input_stats": False}


SPECS = (
    THEME.row(
        "instance_norm",
        calls_reference=THEME.reference("instance_norm_moved"),
        extra=("channel_axis",),
        inputs=(IMAGES,),
        settings=(
            setting(),
            setting(label="learned", arrays=LEARNED),
            setting(normal(8, C, 5), label="learned_3d", arrays=LEARNED, checks=CHECKS),
            few(NCHW, MEAN, VAR, label="running", arrays=LEARNED, dtypes=WIDE, **RUNNING),
            few(normal(8, C), MEAN, VAR, label="running_2d", **RUNNING),
            few(LARGE_MEAN, label="large_mean"),
            few(CONSTANT, label="constant"),
            values_only(label="eps=0", eps=0.0),
            few(CONSTANT, label="constant,eps=0", eps=0.0),
            of_formula("instance_norm", label="eps=array", arrays=ALL),
            of_formula(
                "instance_norm", *LEARNED_STATS, label="running=learned", arrays=LEARNED, **RUNNING
            ),
            moved("instance_norm", NHWC, label="channel_axis=-1", arrays=LEARNED),
        ),
        bad_calls=INSTANCE_CALLS,
        domain=Domain(
            arguments={
                "input": SIGNALS_ANYWHERE,
                "running_mean": optional(MEANS),
                "running_var": optional(VARIANCES),
                "weight": optional(CHANNELS),
                "bias": optional(CHANNELS),
                "use_input_stats": OneOf(True, False),
                "momentum": Number(0.1, 0.5, 0, 1),
                "eps": EPSILONS,
                "channel_axis": channel_axis("input"),
            },
            parameters=("running_mean", "running_var", "weight", "bias"),
            # torch's exception is another one.
            impossible=(
                {"parameters": "float32", "running_mean": "given", "running_var": "none"},
                {"parameters": "float32", "running_mean": "none", "running_var": "given"},
                # torch refuses these of a bias without weight; its batch_norm takes them.
                {"parameters": "float32", "weight": "none", "bias": "given"},
            ),
            lengths={"c": (3, 1, LONG), "l": (4, 3, LONG), "n": (5, 1)},
            decisions={
                "momentum:None": "the momentum is that of instance_norm_stats; None is a choice",
                **ONE_CHANNEL,
                **{
                    f"{name}.given:fewer_axes": "torch takes a number for a single channel"
                    for name in ("running_mean", "running_var")
                },
                "bias.given:another_dtype": "beside half precision a float32 bias needs no weight",
                "running_var.given:another_dtype": "statistics that are not used have any dtype",
                **{
                    f"running_var.given:{other}": "beside half precision and a mean in float32 "
                    "torch takes a variance of any dtype"
                    for other in ("integers", "booleans")
                },
                **{
                    f"running_mean.given:{other}": "of two mistakes the missing variance is named"
                    for other in ("integers", "booleans")
                },
            },
        ),
    ),
    running_statistics(
        "instance_norm_stats",
        bad("one_value", "one value for a mean", ones((4, 2, 1)), *STATS),
        bad("two_axes", "one value for a mean", ones((4, 2)), *STATS),
        domain=Domain(
            arguments={
                "x": SIGNALS_ANYWHERE,
                "running_mean": CHANNELS,
                "running_var": Tensor(axes=("c",), low=0.5, high=2.0),
                "momentum": Either(given=Number(0.1, 0.5, 0, 1, 2.0), none=OneOf(None)),
                "channel_axis": channel_axis("x"),
            },
            lengths={"c": (3, 1, LONG), "l": (4, 3, LONG), "n": (5, 1)},
        ),
        settings=(
            of_formula("instance_norm_stats_formula", label="formula", dtypes=WIDE),
            setting(),
            setting(momentum=0.3),
            setting(normal(8, C, 5), MEAN, VAR, momentum=None),
            setting(NHWC, MEAN, VAR, channel_axis=-1),
            of_formula("instance_norm_stats_formula", *LEARNED_STATS, arrays=MOMENTUM),
        ),
    ),
)
