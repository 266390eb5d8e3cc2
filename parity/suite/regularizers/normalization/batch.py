"""Normalization by mean and variance."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from parity.spec import FLOATS, BadCall, Budget, Choices, Given, Params, Samples, Spec, module
from parity.suite.rows import (
    FORWARD,
    HALVES,
    WIDE,
    Theme,
    each,
    few,
    number,
    setting,
    values_only,
)

SUMS = "a difference to a mean, and sums of such with both signs"
TWICE = "two parts, rounded to half precision each, add up to the derivative of a gradient"
SUMMED: dict[str | tuple[str, str], Budget] = {
    **{
        (check, dtype): Budget(ulp=ulp, floor=floor, everywhere=True, reason=SUMS)
        for check, ulp in (("forward", 2), ("vjp", 4), ("jvp", 4), ("second", 16))
        for dtype, floor in (("float32", 4), ("float64", 8))
    },
    **each((*FORWARD, "jvp"), HALVES, Budget(ulp=1, floor=2.0**-11, everywhere=True, reason=SUMS)),
    **each(("second",), HALVES, Budget(ulp=2, floor=0.5, everywhere=True, reason=TWICE)),
}
C = 6
X = np.asarray([[[0.25, 0.5], [0.5, 0.125]], [[1.0, 2.0], [0.5, 0.75]]], np.float32)
THEME = Theme("regularizers", "normalization.batch", {"budgets": SUMMED}, (X,))
CHECKS = (*FORWARD, "jvp", "second")
TRAINED: dict[str, Any] = {"running_mean": None, "running_var": None, "training": True}


def _data(*shape: int, axis: int | None = None, **fields: Any) -> Samples:
    return Samples(shape=shape, axis=axis, **fields)


def _learned(*shape: int) -> dict[str, Any]:
    return {"weight": _data(*shape, center=1.0, scale=0.5), "bias": _data(*shape)}


LEARNED = _learned(C)
WEIGHT, BIAS = ({name: LEARNED[name]} for name in ("weight", "bias"))
EPS = {"eps": number(0.5, 0.1)}
ALL = {**LEARNED, **EPS}
MOMENTUM = {"momentum": number(0.3, 0.01)}
MEAN = Given(values=(0.5, -1.0, 0.25, 2.0, 0.0, -0.125))
VAR = Given(values=(1.5, 1.0, 0.25, 4.0, 2.0, 0.75))
NCHW, NHWC = _data(5, C, 4, 3), _data(5, 4, 3, C)
LEARNED_STATS = NCHW, _data(C), _data(C, center=2.0, scale=0.25)
ROWS, IMAGES = _data(24, C, axis=0), _data(5, C, 4, 3, axis=0)
# At a mean of 10⁴ float32 has 3 digits of a deviation of 1 left, and of the mean as many.
LARGE_MEAN = _data(5, C, 4, 3, center=1e4, scale=1.0)
CONSTANT = Choices(values=(5.1,), shape=(25, C, 40))
SPECIAL = _data(24, C, axis=0, special=True)


def _spread(*shape: int, axis: int | None = None, **values: Any) -> tuple[Params, ...]:
    """Numbers spread widely, and closely.

    Of such deviations float32 has the squares and the inverses, but not the inverses of cubes; the
    weights make the gradients large enough to be compared.
    """
    wide, close = (_data(*shape, axis=axis, scale=scale) for scale in (1e13, 1e-13))
    weight = _data(C, center=1e13, scale=2e12)
    return (
        few(wide, label="wide", arrays={"weight": weight}, **values),
        few(close, label="close", eps=1e-30, **values),
    )


def _thorough(*inputs: Any, **fields: Any) -> Params:
    return setting(*inputs, **{"checks": CHECKS, "dtypes": WIDE, **fields})


def _formula(name: str, *inputs: Any, **fields: Any) -> Params:
    """A setting that torch's own function does not differentiate."""
    reference = THEME.reference(name)
    return _thorough(*inputs, reference=reference, truth=reference, **fields)


def _moved(name: str, *inputs: Any, **fields: Any) -> Params:
    return _formula(f"{name}_moved", *inputs, channel_axis=-1, **fields)


def _trained(make: Callable[..., Params], label: str, *inputs: Any, **fields: Any) -> Params:
    """Batch statistics, without running ones."""
    return make(*inputs, label=f"training{label}", **{"arrays": LEARNED, **TRAINED, **fields})


# ---------------------------------------------------------------------------------- calls to refuse


_bad = THEME.bad
_ones = functools.partial(np.ones, dtype=np.float32)
TWO, THREE = _ones(2), _ones(3)
STATS = (TWO, TWO)
# Of input, weight and bias.
DTYPES = (
    ("float32", "float16", "float16"),
    ("float16", "float16", "float32"),
    ("float16", "float32", "float16"),
    *((dtype, "float32", "float32") for dtype in ("int32", "bool", "complex64")),
)


def _dtypes(**values: Any) -> tuple[BadCall, ...]:
    def call(x: str, w: str, b: str) -> BadCall:
        parameters = {"weight": TWO.astype(w), "bias": TWO.astype(b)}
        name = f"{x}_with_{w}_and_{b}"
        return _bad(name, "dtypes that do not go", X.astype(x), **parameters, **values)

    return tuple(call(*dtypes) for dtypes in DTYPES)


def _lengths(*args: Any, names: tuple[str, ...] = ("weight", "bias")) -> tuple[BadCall, ...]:
    return tuple(_bad(f"{name}_length", "one too many", *args, **{name: THREE}) for name in names)


BATCH_CALLS = (
    *_dtypes(**TRAINED),
    *_lengths(X, *STATS),
    _bad("no_statistics", "no statistics in evaluation", X, None, None),
    _bad("no_running_var", "a mean without a variance", X, TWO, None),
    _bad("no_running_var_when_training", "the same", X, TWO, None, training=True),
    _bad("one_value", "one value for a channel", _ones((1, 2)), **TRAINED),
    _bad("one_value_3d", "one value for a channel", _ones((1, 2, 1)), **TRAINED),
    _bad("one_axis", "no channels", TWO, *STATS),
    _bad("running_mean_length", "a mean too many", X, THREE, TWO),
    _bad("running_var_length", "a variance too many", X, TWO, THREE),
    _bad("running_mean_axes", "means of two axes", X, _ones((1, 2)), TWO),
    _bad("statistics_dtype", "float16 beside float32", X, TWO.astype("float16"), TWO),
    _bad("eps_0_when_training", "an eps of 0", **TRAINED, eps=0.0),
    _bad("eps_negative_when_training", "eps < 0", **TRAINED, eps=-1e-5),
    _bad("eps_negative", "eps < 0", X, *STATS, eps=-1e-5),
    _bad("eps_none", "no eps", X, *STATS, eps=None),
    _bad("training_1", "a training that is no bool", X, *STATS, training=1),
    _bad("input_is_a_list", "a list", [[1.0, 2.0]], *STATS),
)
INSTANCE_CALLS = (
    *_dtypes(),
    *_lengths(),
    _bad("no_statistics", "no statistics", use_input_stats=False),
    _bad("no_running_var", "a mean alone", X, TWO, None, use_input_stats=False),
    _bad("mean_alone", "a mean alone", X, TWO),
    _bad("two_axes", "one value for a mean", _ones((4, 2))),
    _bad("one_axis", "no channels", TWO),
    _bad("one_value", "one value for a mean", _ones((4, 2, 1))),
    _bad("weight_axes", "weights of two axes", weight=_ones((1, 2))),
    _bad("running_mean_length", "a mean too many", X, THREE, THREE, use_input_stats=False),
    _bad("eps_none", "no eps", eps=None),
    _bad("use_input_stats_1", "no bool", use_input_stats=1),
)
GROUP_CALLS = (
    *_dtypes(num_groups=1),
    *_lengths(X, 2),
    _bad("groups_3", "3 groups of 2 channels", X, 3),
    _bad("groups_negative", "-1 groups", X, -1),
    _bad("groups_float", "a number of groups that is no int", X, 1.0),
    _bad("groups_bool", "a number of groups that is no int", X, True),
    _bad("one_axis", "no channels", _ones(4), 2),
    _bad("one_value", "one value for a mean", _ones((1, 4)), 4),
    _bad("weight_axes", "weights of two axes", X, 2, weight=_ones((1, 2))),
    _bad("eps_none", "no eps", X, 2, eps=None),
)


def _row_calls(*names: str) -> tuple[BadCall, ...]:
    return (
        _bad("shape_empty", "no axes", X, ()),
        _bad("shape_another", "other last axes", X, (3,)),
        _bad("shape_other_axes", "other last axes", X, (2, 3)),
        _bad("shape_a_float", "a length that is no int", X, (2.0,)),
        _bad("shape_an_int", "a length without a tuple", X, 2),
        _bad("shape_none", "no shape", X, None),
        *_lengths(X, (2,), names=names),
        *(_bad(f"{n}_axes", "another shape", X, (2, 2), **{n: _ones(4)}) for n in names),
        _bad("integers", "integers", _ones((2, 2)).astype("int32"), (2,)),
        _bad("input_is_a_list", "a list", [1.0, 2.0], (2,)),
    )


def _stats(name: str, *bad_calls: BadCall, **fields: Any) -> Spec:
    """A row of running statistics, against torch's buffers."""
    return THEME.row_beyond(
        name,
        inputs=(NCHW, MEAN, VAR),
        checks=("forward", "error", "signature"),
        bad_calls=(
            *bad_calls,
            _bad("mean_length", "a mean too many", X, THREE, TWO),
            _bad("variance_length", "a variance too many", X, TWO, THREE),
            _bad("integers", "integers", X.astype(np.int32), *STATS),
        ),
        **fields,
    )


# -------------------------------------------------------------------------------------------- rows


def _module(label: str, train: bool, momentum: float | None = 0.1) -> Params:
    """The layer, which keeps the statistics that `batch_norm_stats` updates."""
    counted = Given(values=3)
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


_formula_of_batch = functools.partial(_formula, "batch_norm")
_moved_batch = functools.partial(_moved, "batch_norm")
ROW: dict[str, Any] = {"normalized_shape": (C,)}
RUNNING = {"use_input_stats": False}
SPECS = (
    THEME.row(
        "batch_norm",
        extra=("channel_axis", "axis_name"),
        inputs=(NCHW, MEAN, VAR),
        params=(
            setting(label="evaluation", arrays=LEARNED),
            few(label="evaluation_alone", dtypes=WIDE),
            _formula_of_batch(*LEARNED_STATS, label="evaluation,running=learned", arrays=ALL),
            _moved_batch(NHWC, MEAN, VAR, label="evaluation,channel_axis=-1"),
            _trained(setting, "", NCHW, dtypes=FLOATS),
            _trained(_thorough, "_2d", _data(24, C)),
            _trained(_thorough, "_3d", _data(8, C, 5)),
            _trained(few, "_5d", _data(2, C, 2, 3, 2)),
            _trained(_thorough, "_alone", NCHW, arrays={}),
            _trained(few, ",eps=0.5", NCHW, eps=0.5, checks=CHECKS),
            _trained(few, ",large_mean", LARGE_MEAN),
            _trained(few, ",constant", CONSTANT),
            _trained(values_only, ",special", _data(16, C, 4, axis=0, special=True)),
            _trained(_formula_of_batch, ",eps=array", NCHW, arrays=ALL),
            *_spread(24, C, **TRAINED),
            *(
                _trained(_moved_batch, f",channel_axis=-1,{len(data.shape)}d", data)
                for data in (_data(24, C), _data(8, 5, C), NHWC)
            ),
            _module("training", True),
            _module("training,momentum=None", True, None),
            _module("evaluation", False),
        ),
        bad_calls=BATCH_CALLS,
    ),
    _stats(
        "batch_norm_stats",
        _bad("one_value", "one value for a channel", _ones((1, 2)), *STATS),
        _bad("statistics_dtype", "dtypes", X, *(s.astype(np.float16) for s in STATS)),
        extra=("axis_name",),
        params=(
            setting(),
            *(setting(momentum=momentum) for momentum in (0.3, 0.0, 1.0)),
            setting(_data(8, C, 5), MEAN, VAR, momentum=None, num_batches_tracked=4),
            setting(_data(8, C), MEAN, VAR, momentum=None, num_batches_tracked=1),
            setting(_data(2, C), MEAN, VAR, label="two_values"),
            setting(_data(0, C), MEAN, VAR, label="empty"),
            setting(LARGE_MEAN, MEAN, VAR, label="large_mean"),
            setting(NHWC, MEAN, VAR, channel_axis=-1),
            _formula("batch_norm_stats_formula", *LEARNED_STATS, arrays=MOMENTUM),
        ),
    ),
    THEME.row(
        "instance_norm",
        extra=("channel_axis",),
        inputs=(IMAGES,),
        params=(
            setting(),
            setting(label="learned", arrays=LEARNED),
            setting(_data(8, C, 5), label="learned_3d", arrays=LEARNED, checks=CHECKS),
            few(NCHW, MEAN, VAR, label="running", arrays=LEARNED, dtypes=WIDE, **RUNNING),
            few(_data(8, C), MEAN, VAR, label="running_2d", **RUNNING),
            few(LARGE_MEAN, label="large_mean"),
            few(CONSTANT, label="constant"),
            values_only(label="eps=0", eps=0.0),
            _formula("instance_norm", label="eps=array", arrays=ALL),
            _formula(
                "instance_norm", *LEARNED_STATS, label="running=learned", arrays=LEARNED, **RUNNING
            ),
            _moved("instance_norm", NHWC, label="channel_axis=-1", arrays=LEARNED),
        ),
        bad_calls=INSTANCE_CALLS,
    ),
    _stats(
        "instance_norm_stats",
        _bad("one_value", "one value for a mean", _ones((4, 2, 1)), *STATS),
        _bad("two_axes", "one value for a mean", _ones((4, 2)), *STATS),
        params=(
            setting(),
            setting(momentum=0.3),
            setting(_data(8, C, 5), MEAN, VAR, momentum=None),
            setting(NHWC, MEAN, VAR, channel_axis=-1),
            _formula("instance_norm_stats_formula", *LEARNED_STATS, arrays=MOMENTUM),
        ),
    ),
    THEME.row(
        "layer_norm",
        inputs=(ROWS,),
        params=(
            setting(**ROW),
            setting(**ROW, label="learned", arrays=LEARNED),
            setting(NCHW, label="two_axes", normalized_shape=(4, 3), arrays=_learned(4, 3)),
            few(NCHW, label="all_axes", normalized_shape=(5, C, 4, 3), arrays=_learned(5, C, 4, 3)),
            _thorough(label="weight", arrays=WEIGHT, **ROW),
            _formula("layer_norm", label="bias", arrays=BIAS, **ROW),
            few(_data(8, 1), label="one", normalized_shape=(1,)),
            values_only(SPECIAL, label="special", **ROW),
            few(LARGE_MEAN, label="large_mean", normalized_shape=(4, 3), arrays=_learned(4, 3)),
            few(CONSTANT, label="constant", normalized_shape=(40,)),
            *_spread(24, C, axis=0, **ROW),
            _formula("layer_norm", label="eps=array", arrays=ALL, **ROW),
        ),
        bad_calls=(
            *_row_calls("weight", "bias"),
            *_dtypes(normalized_shape=(2,)),
            _bad("eps_none", "no eps", X, (2,), eps=None),
        ),
    ),
    THEME.row(
        "group_norm",
        extra=("channel_axis",),
        inputs=(IMAGES,),
        params=(
            setting(num_groups=3),
            setting(label="learned", num_groups=3, arrays=LEARNED),
            *(
                few(label=f"num_groups={n}", num_groups=n, arrays=LEARNED, dtypes=WIDE)
                for n in (1, 2, C)
            ),
            _thorough(_data(8, C), label="2d", num_groups=2, arrays=LEARNED),
            few(_data(8, C), label="one_value", num_groups=C, arrays=LEARNED),
            few(LARGE_MEAN, label="large_mean", num_groups=3, arrays=LEARNED),
            *_spread(8, C, 4, num_groups=3),
            _formula("group_norm", label="eps=array", num_groups=3, arrays=ALL),
            _moved("group_norm", NHWC, label="channel_axis=-1", num_groups=3, arrays=LEARNED),
        ),
        bad_calls=GROUP_CALLS,
    ),
    THEME.row(
        "rms_norm",
        inputs=(ROWS,),
        params=(
            setting(**ROW),
            setting(**ROW, label="learned", arrays=WEIGHT),
            setting(
                NCHW,
                label="two_axes",
                normalized_shape=(4, 3),
                arrays={"weight": _learned(4, 3)["weight"]},
            ),
            few(label="eps=0.25", **ROW, eps=0.25),
            *(
                few(data, label=f"{label},{dtypes[0]}", **ROW, truth=truth, dtypes=dtypes)
                for dtypes, truth, size in (
                    (("float32", *HALVES), THEME.reference("rms_norm"), 2.0**-11),
                    (("float64",), None, 2.0**-26),
                )
                for label, data in (
                    ("small", _data(24, C, axis=0, scale=size)),
                    ("zeros", Choices(values=(0.0,), shape=(4, C))),
                )
            ),
            values_only(SPECIAL, label="special", **ROW),
            *_spread(24, C, axis=0, **ROW),
            _formula("rms_norm", label="eps=array", arrays={**WEIGHT, **EPS}, **ROW),
        ),
        bad_calls=_row_calls("weight"),
    ),
)
