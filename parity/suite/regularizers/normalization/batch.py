"""The rows of batch normalization."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from parity.domains import LONG, Domain, Either, Number, OneOf, Tensor, optional
from parity.spec import FLOATS, Fixed, SampleQuirk, Setting, module
from parity.suite.choices import (
    AXIS_NAME,
    CHANNELS,
    CHANNELS_ANYWHERE,
    MEANS,
    VARIANCES,
    channel_axis,
)
from parity.suite.regularizers.normalization.rows import (
    ALL,
    CHECKS,
    CONSTANT,
    EPSILONS,
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
    TRAINED,
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
    spread,
    thorough,
    wrong_lengths,
)
from parity.suite.rows import WIDE, few, laws, setting, values_only


def _trained(make: Callable[..., Setting], label: str, *inputs: Any, **fields: Any) -> Setting:
    """A setting with batch statistics, without running ones."""
    return make(*inputs, label=f"training{label}", **{"arrays": LEARNED, **TRAINED, **fields})


BATCH_CALLS = (
    *mixed_dtypes(**TRAINED),
    *wrong_lengths(X, *STATS),
    bad("no_statistics", "no statistics in evaluation", X, None, None),
    bad("no_running_var", "a mean without a variance", X, TWO, None),
    bad("no_running_var_when_training", "the same", X, TWO, None, training=True),
    bad("one_value", "one value for a channel", ones((1, 2)), **TRAINED),
    bad("one_value_3d", "one value for a channel", ones((1, 2, 1)), **TRAINED),
    bad("one_axis", "no channels", TWO, *STATS),
    bad("running_mean_length", "one mean too many", X, THREE, TWO),
    bad("running_var_length", "one variance too many", X, TWO, THREE),
    bad("running_mean_axes", "means of two axes", X, ones((1, 2)), TWO),
    bad("statistics_dtype", "float16 beside float32", X, TWO.astype("float16"), TWO),
    bad("eps_0_when_training", "an eps of 0", **TRAINED, eps=0.0),
    bad("eps_negative_when_training", "eps < 0", **TRAINED, eps=-1e-5),
    bad("eps_negative", "eps < 0", X, *STATS, eps=-1e-5),
    bad("eps_none", "no eps", X, *STATS, eps=None),
    bad("training_1", "a training that is not a bool", X, *STATS, training=1),
    bad("input_is_a_list", "a list", [[1.0, 2.0]], *STATS),
)


def _module(label: str, train: bool, momentum: float | None = 0.1) -> Setting:
    """A setting for the layer, whose statistics `batch_norm_stats` updates."""
    counted = Fixed(values=3)
    return setting(
        NCHW,
        label=f"module,{label}",
        subject=module("jax", f"{__name__}_subjects.BatchNorm", train=train),
        reference=module("torch", "nn.BatchNorm2d", train=train),
        arrays={
            "params": LEARNED,
            "buffers": {"running_mean": MEAN, "running_var": VAR, "num_batches_tracked": counted},
        },
        num_features=C,
        momentum=momentum,
        eps=1e-3,
        checks=(*CHECKS, "vmap"),
        dtypes=WIDE,
    )


_formula_of_batch = functools.partial(of_formula, "batch_norm")
_moved_batch = functools.partial(moved, "batch_norm")

# The drift is 16 roundings; 3 are measured.
BATCHES, DRIFT = 1000, 16 * 2.0**-23


def _follows_a_thousand_batches(subject: Callable[..., Any]) -> str | None:
    """The running statistics after a thousand batches are those of float64 to DRIFT of the largest.

    Roundings do not add up: old batches fade with the momentum, and among n batches they average.
    """
    import jax

    batches = np.random.default_rng(0).normal(1.0, 2.0, (BATCHES, 4, C)).astype(np.float32)
    counts = np.arange(1, BATCHES + 1)
    start = np.zeros(C, np.float32), np.ones(C, np.float32)
    for momentum in (0.1, None):

        def step(stats: Any, batch: Any, momentum: float | None = momentum) -> Any:
            x, count = batch
            return subject(x, *stats, momentum, num_batches_tracked=count), None

        scanned: Any = jax.jit(functools.partial(jax.lax.scan, step))
        found = scanned(start, (batches, counts))[0]
        expected = np.zeros(C), np.ones(C)
        for x, count in zip(batches.astype(np.float64), counts, strict=True):
            share = momentum or 1 / count
            new = x.mean(0), x.var(0, ddof=1)
            expected = tuple(a + share * (b - a) for a, b in zip(expected, new, strict=True))
        off = max(
            float(np.abs(a - b).max() / np.abs(b).max())
            for a, b in zip(map(np.asarray, found), expected, strict=True)
        )
        if off > DRIFT:
            return f"momentum={momentum}: off by {off:.3g} after {BATCHES} batches"
    return None


SPECS = (
    THEME.row(
        "batch_norm",
        sample_quirks=(
            SampleQuirk(
                reason="an input has channels, even without elements",
                source="torch 2.13 returns an empty vector for one, and refuses one of 3 numbers",
                samples="*sample-*",
                shows="input must have at least 2 dimensions, got 1; the reference gives a result",
            ),
        ),
        calls_reference=THEME.reference("batch_norm_moved"),
        extra=("channel_axis", "axis_name"),
        inputs=(NCHW, MEAN, VAR),
        settings=(
            setting(label="evaluation", arrays=LEARNED),
            few(label="evaluation_alone", dtypes=WIDE),
            _formula_of_batch(*LEARNED_STATS, label="evaluation,running=learned", arrays=ALL),
            _moved_batch(NHWC, MEAN, VAR, label="evaluation,channel_axis=-1"),
            _trained(setting, "", NCHW, dtypes=FLOATS),
            _trained(thorough, "_2d", normal(24, C)),
            _trained(thorough, "_3d", normal(8, C, 5)),
            _trained(few, "_5d", normal(2, C, 2, 3, 2)),
            _trained(thorough, "_alone", NCHW, arrays={}),
            _trained(few, ",eps=0.5", NCHW, eps=0.5, checks=CHECKS),
            _trained(few, ",large_mean", LARGE_MEAN),
            _trained(few, ",constant", CONSTANT),
            _trained(values_only, ",special", normal(16, C, 4, axis=0, special=True)),
            _trained(_formula_of_batch, ",eps=array", NCHW, arrays=ALL),
            *spread(24, C, **TRAINED),
            *(
                _trained(_moved_batch, f",channel_axis=-1,{len(data.shape)}d", data)
                for data in (normal(24, C), normal(8, 5, C), NHWC)
            ),
            _module("training", True),
            _module("training,momentum=None", True, None),
            _module("evaluation", False),
        ),
        bad_calls=BATCH_CALLS,
        domain=Domain(
            arguments={
                "input": CHANNELS_ANYWHERE,
                "running_mean": optional(MEANS),
                "running_var": optional(VARIANCES),
                "weight": optional(CHANNELS),
                "bias": optional(CHANNELS),
                "training": OneOf(True, False),
                "momentum": Number(0.1, 0.5, 0, 1),
                "eps": EPSILONS,
                "channel_axis": channel_axis("input"),
                "axis_name": AXIS_NAME,
            },
            parameters=("running_mean", "running_var", "weight", "bias"),
            lengths={"c": (3, 1, LONG), "n": (5, 1, LONG)},
            decisions={
                "input:fewer_axes": "torch fails where it looks for the channels",
                "weight.given:more_axes": "a parameter has one axis; torch counts its numbers only",
                "bias.given:more_axes": "a parameter has one axis; torch counts its numbers only",
                **ONE_CHANNEL,
                "momentum:None": "the momentum is that of batch_norm_stats, where None is a choice",
            },
        ),
    ),
    running_statistics(
        "batch_norm_stats",
        bad("one_value", "one value for a channel", ones((1, 2)), *STATS),
        bad("statistics_dtype", "dtypes", X, *(s.astype(np.float16) for s in STATS)),
        laws=laws(_follows_a_thousand_batches),
        extra=("axis_name",),
        domain=Domain(
            arguments={
                "x": CHANNELS_ANYWHERE,
                "running_mean": CHANNELS,
                "running_var": Tensor(axes=("c",), low=0.5, high=2.0),
                "momentum": Either(given=Number(0.1, 0.5, 0, 1, 2.0), none=OneOf(None)),
                "num_batches_tracked": OneOf(4, 1, outside=(0,)),
                "channel_axis": channel_axis("x"),
                "axis_name": AXIS_NAME,
            },
            lengths={"c": (3, 1, LONG), "n": (5, 2, LONG)},
            # The bare mean of so many numbers around 0 is small beside the rounding of their sum.
            impossible=(
                {"num_batches_tracked": "1", "lengths": f"n={LONG}"},
                {"momentum.given": "1", "lengths": f"n={LONG}"},
                {"running_mean.numbers": "zeros", "lengths": f"n={LONG}"},
            ),
        ),
        settings=(
            of_formula("batch_norm_stats_formula", label="formula", dtypes=WIDE),
            setting(),
            *(setting(momentum=momentum) for momentum in (0.3, 0.0, 1.0)),
            setting(normal(8, C, 5), MEAN, VAR, momentum=None, num_batches_tracked=4),
            setting(normal(8, C), MEAN, VAR, momentum=None, num_batches_tracked=1),
            setting(normal(2, C), MEAN, VAR, label="two_values"),
            setting(normal(0, C), MEAN, VAR, label="empty"),
            setting(LARGE_MEAN, MEAN, VAR, label="large_mean"),
            setting(NHWC, MEAN, VAR, channel_axis=-1),
            of_formula("batch_norm_stats_formula", *LEARNED_STATS, arrays=MOMENTUM),
        ),
    ),
)
