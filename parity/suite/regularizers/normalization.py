"""Normalization by mean and variance."""

from __future__ import annotations

from typing import Any

import numpy as np

from parity.spec import (
    Array,
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

C = 6
FORWARD = ("forward", "vjp")
NUMERIC = ("forward", "vjp", "jvp", "second")
WIDE = ("float32", "float64")
SINGLE = ("float32",)
X = np.asarray([[[0.25, 0.5], [0.5, 0.125]], [[1.0, 2.0], [0.5, 0.75]]], np.float32)


def _data(*shape: int, axis: int | None = None, **fields: Any) -> Samples:
    return Samples(shape=shape, axis=axis, **fields)


def _spread(*shape: int, axis: int | None = None, **values: Any) -> tuple[Params, ...]:
    """Numbers spread widely, and closely."""
    wide, close = (_data(*shape, axis=axis, scale=scale) for scale in (1e13, 1e-13))
    fields: dict[str, Any] = {"checks": FORWARD, "dtypes": SINGLE}
    return (
        Params(label="wide", inputs=(wide,), values=values, arrays=WIDELY, **fields),
        Params(label="close", inputs=(close,), values={**values, **CLOSELY}, **fields),
    )


def _references(name: str) -> Target:
    return on("torch", f"parity.suite.regularizers.normalization_references.{name}")


def _learned(*shape: int) -> dict[str, Array]:
    return {"weight": _data(*shape, center=1.0, scale=0.5), "bias": _data(*shape)}


LEARNED = _learned(C)
EPS = Samples(shape=(), center=0.5, scale=0.1, axis=None)
MEAN = Given(values=(0.5, -1.0, 0.25, 2.0, 0.0, -0.125))
VAR = Given(values=(1.5, 1.0, 0.25, 4.0, 2.0, 0.75))
LEARNED_MEAN = _data(C)
LEARNED_VAR = _data(C, center=2.0, scale=0.25)
NCHW = _data(5, C, 4, 3)
NHWC = _data(5, 4, 3, C)
# At a mean of 10⁴ float32 has 3 digits of a deviation of 1 left, and of the mean as many.
LARGE_MEAN = Samples(shape=(5, C, 4, 3), center=1e4, scale=1.0, axis=None)
# Of such deviations float32 has the squares and the inverses, but not the inverses of cubes; the
# weights make the gradients large enough to be compared.
WIDELY = {"weight": Samples(shape=(C,), center=1e13, scale=2e12, axis=None)}
CLOSELY = {"eps": 1e-30}
CONSTANT = Choices(values=(5.1,), shape=(25, C, 40))

SUMS = "a difference to a mean, and sums of such with both signs"
TWICE = "two parts, rounded to half precision each, add up to the derivative of a gradient"
SUMMED: dict[str | tuple[str, str], Budget] = {
    **{
        (check, dtype): Budget(ulp=ulp, floor=floor, everywhere=True, reason=SUMS)
        for check, ulp in (("forward", 2), ("vjp", 4), ("jvp", 4), ("second", 16))
        for dtype, floor in (("float32", 4), ("float64", 8))
    },
    **{
        (check, dtype): Budget(ulp=1, floor=2.0**-11, everywhere=True, reason=SUMS)
        for check in ("forward", "vjp", "jvp")
        for dtype in ("float16", "bfloat16")
    },
    **{
        ("second", dtype): Budget(ulp=2, floor=0.5, everywhere=True, reason=TWICE)
        for dtype in ("float16", "bfloat16")
    },
}


def _of(name: str, **fields: Any) -> Spec:
    return Spec(
        family="regularizers",
        name=name,
        subject=on("jax", f"jaxact.regularizers.{name}"),
        reference=on("torch", f"nn.functional.{name}"),
        budgets=SUMMED,
        **fields,
    )


def _stats(name: str, **fields: Any) -> Spec:
    return Spec(
        family="regularizers",
        name=name,
        subject=on("jax", f"parity.suite.regularizers.normalization_subjects.{name}"),
        reference=_references(name),
        budgets=SUMMED,
        **fields,
    )


def _formula(name: str, **fields: Any) -> Params:
    """A setting that torch's own function does not differentiate."""
    fields = {"checks": NUMERIC, "dtypes": WIDE, **fields}
    return Params(reference=_references(name), truth=_references(name), **fields)


def _moved(name: str, **fields: Any) -> Params:
    values = {"channel_axis": -1, **fields.pop("values", {})}
    return _formula(f"{name}_moved", values=values, **fields)


def _bad(name: str, reason: str, *args: Any, **values: Any) -> BadCall:
    return BadCall(name=name, reason=reason, args=args, values=values)


def _ones(*shape: int, dtype: str = "float32") -> Any:
    return np.ones(shape, dtype)


def _trained(label: str, *inputs: Array, **fields: Any) -> Params:
    """Batch statistics, without running ones."""
    values = {"running_mean": None, "running_var": None, "training": True}
    return Params(
        label=label,
        values={**values, **fields.pop("values", {})},
        inputs=inputs,
        arrays=fields.pop("arrays", LEARNED),
        **fields,
    )


TRAINED = {"running_mean": None, "running_var": None, "training": True}
STATS = (_ones(2), _ones(2))


def _wrong_dtypes(*args: Any, **values: Any) -> tuple[BadCall, ...]:
    return tuple(
        _bad(
            f"{x}_with_{w}_and_{b}",
            "dtypes that do not go",
            *(a.astype(x) if i == 0 else a for i, a in enumerate(args)),
            weight=_ones(2, dtype=w),
            bias=_ones(2, dtype=b),
            **values,
        )
        for x, w, b in (
            ("float32", "float16", "float16"),
            ("float16", "float16", "float32"),
            ("float16", "float32", "float16"),
            ("int32", "float32", "float32"),
            ("bool", "float32", "float32"),
            ("complex64", "float32", "float32"),
        )
    )


BATCH_CALLS = (
    *_wrong_dtypes(X, **TRAINED),
    _bad("no_statistics", "no statistics in evaluation", X, None, None),
    _bad("no_running_var", "a mean without a variance", X, STATS[0], None),
    _bad("no_running_var_when_training", "the same", X, STATS[0], None, training=True),
    _bad("one_value", "one value for a channel", _ones(1, 2), None, None, training=True),
    _bad("one_value_3d", "one value for a channel", _ones(1, 2, 1), None, None, training=True),
    _bad("one_axis", "no channels", _ones(2), *STATS),
    _bad("running_mean_length", "a mean too many", X, _ones(3), STATS[1]),
    _bad("running_var_length", "a variance too many", X, STATS[0], _ones(3)),
    _bad("running_mean_axes", "means of two axes", X, _ones(1, 2), STATS[1]),
    _bad("weight_length", "a weight too many", X, *STATS, weight=_ones(3)),
    _bad("bias_length", "a bias too many", X, *STATS, bias=_ones(3)),
    _bad("statistics_dtype", "float16 beside float32", X, _ones(2, dtype="float16"), STATS[1]),
    _bad("eps_0_when_training", "an eps of 0", X, None, None, training=True, eps=0.0),
    _bad("eps_negative_when_training", "eps < 0", X, None, None, training=True, eps=-1e-5),
    _bad("eps_negative", "eps < 0", X, *STATS, eps=-1e-5),
    _bad("eps_none", "no eps", X, *STATS, eps=None),
    _bad("training_1", "a training that is no bool", X, *STATS, training=1),
    _bad("input_is_a_list", "a list", [[1.0, 2.0]], *STATS),
)
INSTANCE_CALLS = (
    *_wrong_dtypes(X),
    _bad("no_statistics", "no statistics", X, use_input_stats=False),
    _bad("no_running_var", "a mean alone", X, STATS[0], None, use_input_stats=False),
    _bad("mean_alone", "a mean alone", X, STATS[0]),
    _bad("two_axes", "one value for a mean", _ones(4, 2)),
    _bad("one_axis", "no channels", _ones(2)),
    _bad("one_value", "one value for a mean", _ones(4, 2, 1)),
    _bad("weight_length", "a weight too many", X, weight=_ones(3)),
    _bad("bias_length", "a bias too many", X, bias=_ones(3)),
    _bad("weight_axes", "weights of two axes", X, weight=_ones(1, 2)),
    _bad("running_mean_length", "a mean too many", X, _ones(3), _ones(3), use_input_stats=False),
    _bad("eps_none", "no eps", X, eps=None),
    _bad("use_input_stats_1", "no bool", X, use_input_stats=1),
)
ROW_SHAPES: tuple[tuple[str, Any], ...] = (
    ("empty", ()),
    ("another", (3,)),
    ("other_axes", (2, 3)),
    ("a_float", (2.0,)),
    ("an_int", 2),
    ("none", None),
)


def _row_calls(*names: str) -> tuple[BadCall, ...]:
    return (
        *(_bad(f"shape_{name}", "no such last axes", X, shape) for name, shape in ROW_SHAPES),
        *(
            call
            for name in names
            for call in (
                _bad(f"{name}_length", "another shape", X, (2,), **{name: _ones(3)}),
                _bad(f"{name}_axes", "another shape", X, (2, 2), **{name: _ones(4)}),
            )
        ),
        _bad("integers", "integers", _ones(2, 2, dtype="int32"), (2,)),
        _bad("input_is_a_list", "a list", [1.0, 2.0], (2,)),
    )


GROUP_CALLS = (
    *_wrong_dtypes(X, num_groups=1),
    _bad("groups_3", "3 groups of 2 channels", X, 3),
    _bad("groups_negative", "-1 groups", X, -1),
    _bad("groups_float", "a number of groups that is no int", X, 1.0),
    _bad("groups_bool", "a number of groups that is no int", X, True),
    _bad("one_axis", "no channels", _ones(4), 2),
    _bad("one_value", "one value for a mean", _ones(1, 4), 4),
    _bad("weight_length", "a weight too many", X, 2, weight=_ones(3)),
    _bad("weight_axes", "weights of two axes", X, 2, weight=_ones(1, 2)),
    _bad("bias_length", "a bias too many", X, 2, bias=_ones(3)),
    _bad("eps_none", "no eps", X, 2, eps=None),
)
STATS_CALLS = (
    _bad("mean_length", "a mean too many", X, _ones(3), STATS[1]),
    _bad("variance_length", "a variance too many", X, STATS[0], _ones(3)),
    _bad("integers", "integers", X.astype(np.int32), *STATS),
)

SPECS = (
    _of(
        "batch_norm",
        extra=("channel_axis", "axis_name"),
        inputs=(NCHW, MEAN, VAR),
        params=(
            Params(arrays=LEARNED, label="evaluation"),
            Params(label="evaluation_alone", checks=FORWARD, dtypes=WIDE),
            _formula(
                "batch_norm",
                label="evaluation,running=learned",
                inputs=(NCHW, LEARNED_MEAN, LEARNED_VAR),
                arrays={**LEARNED, "eps": EPS},
            ),
            _moved("batch_norm", label="evaluation,channel_axis=-1", inputs=(NHWC, MEAN, VAR)),
            _trained("training", NCHW, dtypes=("float32", "float64", "float16", "bfloat16")),
            _trained("training_2d", _data(24, C), checks=NUMERIC, dtypes=WIDE),
            _trained("training_3d", _data(8, C, 5), checks=NUMERIC, dtypes=WIDE),
            _trained("training_5d", _data(2, C, 2, 3, 2), checks=FORWARD, dtypes=SINGLE),
            _trained("training_alone", NCHW, arrays={}, checks=NUMERIC, dtypes=WIDE),
            _trained("training,eps=0.5", NCHW, values={"eps": 0.5}, checks=NUMERIC, dtypes=SINGLE),
            _trained("training,large_mean", LARGE_MEAN, checks=FORWARD, dtypes=SINGLE),
            _trained("training,constant", CONSTANT, checks=FORWARD, dtypes=SINGLE),
            _trained(
                "training,special",
                _data(16, C, 4, axis=0, special=True),
                checks=("forward",),
                dtypes=SINGLE,
            ),
            _formula(
                "batch_norm",
                label="training,eps=array",
                values=TRAINED,
                inputs=(NCHW,),
                arrays={**LEARNED, "eps": EPS},
            ),
            *_spread(24, C, **TRAINED),
            *(
                _moved(
                    "batch_norm",
                    label=f"training,channel_axis=-1,{len(data.shape)}d",
                    values=TRAINED,
                    inputs=(data,),
                    arrays=LEARNED,
                )
                for data in (_data(24, C), _data(8, 5, C), NHWC)
            ),
        ),
        bad_calls=BATCH_CALLS,
    ),
    _stats(
        "batch_norm_stats",
        signature="(x, running_mean, running_var, momentum=0.1)",
        extra=("num_batches_tracked", "channel_axis", "axis_name"),
        inputs=(NCHW, MEAN, VAR),
        params=(
            Params(checks=("forward",)),
            Params(values={"momentum": 0.3}, checks=("forward",)),
            Params(values={"momentum": 0.0}, checks=("forward",)),
            Params(values={"momentum": 1.0}, checks=("forward",)),
            Params(
                values={"momentum": None, "num_batches_tracked": 4},
                inputs=(_data(8, C, 5), MEAN, VAR),
                checks=("forward",),
            ),
            Params(
                values={"momentum": None, "num_batches_tracked": 1},
                inputs=(_data(8, C), MEAN, VAR),
                checks=("forward",),
            ),
            Params(label="two_values", inputs=(_data(2, C), MEAN, VAR), checks=("forward",)),
            Params(label="empty", inputs=(_data(0, C), MEAN, VAR), checks=("forward",)),
            Params(label="large_mean", inputs=(LARGE_MEAN, MEAN, VAR), checks=("forward",)),
            Params(values={"channel_axis": -1}, inputs=(NHWC, MEAN, VAR), checks=("forward",)),
            _formula(
                "batch_norm_stats_formula",
                label="momentum=array",
                inputs=(NCHW, LEARNED_MEAN, LEARNED_VAR),
                arrays={"momentum": Samples(shape=(), center=0.3, scale=0.01, axis=None)},
            ),
        ),
        bad_calls=(
            *STATS_CALLS,
            _bad("one_value", "one value for a channel", _ones(1, 2), *STATS),
            _bad("statistics_dtype", "dtypes", X, *(s.astype(np.float16) for s in STATS)),
        ),
    ),
    _of(
        "instance_norm",
        extra=("channel_axis",),
        inputs=(_data(5, C, 4, 3, axis=0),),
        params=(
            Params(),
            Params(arrays=LEARNED, label="learned"),
            Params(arrays=LEARNED, label="learned_3d", inputs=(_data(8, C, 5),), checks=NUMERIC),
            Params(
                label="running",
                values={"use_input_stats": False},
                inputs=(NCHW, MEAN, VAR),
                arrays=LEARNED,
                checks=FORWARD,
            ),
            Params(
                label="running_2d",
                values={"use_input_stats": False},
                inputs=(_data(8, C), MEAN, VAR),
                checks=FORWARD,
                dtypes=SINGLE,
            ),
            Params(label="large_mean", inputs=(LARGE_MEAN,), checks=FORWARD, dtypes=SINGLE),
            Params(label="constant", inputs=(CONSTANT,), checks=FORWARD, dtypes=SINGLE),
            Params(label="eps=0", values={"eps": 0.0}, checks=("forward",), dtypes=SINGLE),
            _formula("instance_norm", label="eps=array", arrays={**LEARNED, "eps": EPS}),
            _formula(
                "instance_norm",
                label="running=learned",
                values={"use_input_stats": False},
                inputs=(NCHW, LEARNED_MEAN, LEARNED_VAR),
                arrays=LEARNED,
            ),
            _moved("instance_norm", label="channel_axis=-1", inputs=(NHWC,), arrays=LEARNED),
        ),
        bad_calls=INSTANCE_CALLS,
    ),
    _stats(
        "instance_norm_stats",
        signature="(x, running_mean, running_var, momentum=0.1)",
        extra=("channel_axis",),
        inputs=(NCHW, MEAN, VAR),
        params=(
            Params(checks=("forward",)),
            Params(values={"momentum": 0.3}, checks=("forward",)),
            Params(
                values={"momentum": None},
                inputs=(_data(8, C, 5), MEAN, VAR),
                checks=("forward",),
            ),
            Params(values={"channel_axis": -1}, inputs=(NHWC, MEAN, VAR), checks=("forward",)),
            _formula(
                "instance_norm_stats_formula",
                label="momentum=array",
                inputs=(NCHW, LEARNED_MEAN, LEARNED_VAR),
                arrays={"momentum": Samples(shape=(), center=0.3, scale=0.01, axis=None)},
            ),
        ),
        bad_calls=(
            *STATS_CALLS,
            _bad("one_value", "one value for a mean", _ones(4, 2, 1), *STATS),
            _bad("two_axes", "one value for a mean", _ones(4, 2), *STATS),
        ),
    ),
    _of(
        "layer_norm",
        inputs=(_data(24, C, axis=0),),
        params=(
            Params(values={"normalized_shape": (C,)}),
            Params(values={"normalized_shape": (C,)}, arrays=LEARNED, label="learned"),
            Params(
                values={"normalized_shape": (4, 3)},
                inputs=(NCHW,),
                arrays=_learned(4, 3),
                label="two_axes",
            ),
            Params(
                values={"normalized_shape": (5, C, 4, 3)},
                inputs=(NCHW,),
                arrays=_learned(5, C, 4, 3),
                label="all_axes",
                checks=FORWARD,
                dtypes=SINGLE,
            ),
            Params(
                values={"normalized_shape": (C,)},
                arrays={"weight": LEARNED["weight"]},
                label="weight",
                checks=NUMERIC,
                dtypes=WIDE,
            ),
            _formula(
                "layer_norm",
                values={"normalized_shape": (C,)},
                arrays={"bias": LEARNED["bias"]},
                label="bias",
            ),
            Params(
                label="one",
                values={"normalized_shape": (1,)},
                inputs=(_data(8, 1),),
                checks=FORWARD,
                dtypes=SINGLE,
            ),
            Params(
                label="special",
                values={"normalized_shape": (C,)},
                inputs=(_data(24, C, axis=0, special=True),),
                checks=("forward",),
                dtypes=SINGLE,
            ),
            Params(
                label="large_mean",
                values={"normalized_shape": (4, 3)},
                inputs=(LARGE_MEAN,),
                arrays=_learned(4, 3),
                checks=FORWARD,
                dtypes=SINGLE,
            ),
            Params(
                label="constant",
                values={"normalized_shape": (40,)},
                inputs=(CONSTANT,),
                checks=FORWARD,
                dtypes=SINGLE,
            ),
            *_spread(24, C, axis=0, normalized_shape=(C,)),
            _formula(
                "layer_norm",
                label="eps=array",
                values={"normalized_shape": (C,)},
                arrays={**LEARNED, "eps": EPS},
            ),
        ),
        bad_calls=(
            *_row_calls("weight", "bias"),
            *_wrong_dtypes(X, normalized_shape=(2,)),
            _bad("eps_none", "no eps", X, (2,), eps=None),
        ),
    ),
    _of(
        "group_norm",
        extra=("channel_axis",),
        inputs=(_data(5, C, 4, 3, axis=0),),
        params=(
            Params(values={"num_groups": 3}),
            Params(values={"num_groups": 3}, arrays=LEARNED, label="learned"),
            *(
                Params(
                    values={"num_groups": number},
                    arrays=LEARNED,
                    label=f"num_groups={number}",
                    checks=FORWARD,
                    dtypes=WIDE,
                )
                for number in (1, 2, C)
            ),
            Params(
                label="2d",
                values={"num_groups": 2},
                inputs=(_data(8, C),),
                arrays=LEARNED,
                checks=NUMERIC,
                dtypes=WIDE,
            ),
            Params(
                label="one_value",
                values={"num_groups": C},
                inputs=(_data(8, C),),
                arrays=LEARNED,
                checks=FORWARD,
                dtypes=SINGLE,
            ),
            Params(
                label="large_mean",
                values={"num_groups": 3},
                inputs=(LARGE_MEAN,),
                arrays=LEARNED,
                checks=FORWARD,
                dtypes=SINGLE,
            ),
            *_spread(8, C, 4, num_groups=3),
            _formula(
                "group_norm",
                label="eps=array",
                values={"num_groups": 3},
                arrays={**LEARNED, "eps": EPS},
            ),
            _moved(
                "group_norm",
                label="channel_axis=-1",
                values={"num_groups": 3},
                inputs=(NHWC,),
                arrays=LEARNED,
            ),
        ),
        bad_calls=GROUP_CALLS,
    ),
    _of(
        "rms_norm",
        inputs=(_data(24, C, axis=0),),
        params=(
            Params(values={"normalized_shape": (C,)}),
            Params(
                values={"normalized_shape": (C,)},
                arrays={"weight": LEARNED["weight"]},
                label="learned",
            ),
            Params(
                values={"normalized_shape": (4, 3)},
                inputs=(NCHW,),
                arrays={"weight": _learned(4, 3)["weight"]},
                label="two_axes",
            ),
            Params(
                values={"normalized_shape": (C,), "eps": 0.25},
                label="eps=0.25",
                checks=FORWARD,
                dtypes=SINGLE,
            ),
            *(
                Params(
                    label=f"{label},{dtypes[0]}",
                    values={"normalized_shape": (C,)},
                    inputs=(data,),
                    truth=truth,
                    checks=FORWARD,
                    dtypes=dtypes,
                )
                for dtypes, truth, size in (
                    (("float32", "float16", "bfloat16"), _references("rms_norm"), 2.0**-11),
                    (("float64",), None, 2.0**-26),
                )
                for label, data in (
                    ("small", _data(24, C, axis=0, scale=size)),
                    ("zeros", Choices(values=(0.0,), shape=(4, C))),
                )
            ),
            Params(
                label="special",
                values={"normalized_shape": (C,)},
                inputs=(_data(24, C, axis=0, special=True),),
                checks=("forward",),
                dtypes=SINGLE,
            ),
            *_spread(24, C, axis=0, normalized_shape=(C,)),
            _formula(
                "rms_norm",
                label="eps=array",
                values={"normalized_shape": (C,)},
                arrays={"weight": LEARNED["weight"], "eps": EPS},
            ),
        ),
        bad_calls=_row_calls("weight"),
    ),
)
