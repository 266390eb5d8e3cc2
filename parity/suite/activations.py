"""The activations: jaxact.functional against torch.nn.functional."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from parity.spec import (
    FLOATS,
    BadCall,
    Budget,
    Drawn,
    Params,
    Points,
    Quirk,
    Samples,
    Spec,
    Target,
    Values,
    on,
)
from parity.suite import activation_truths as truths
from parity.suite.activation_laws import GUMBEL_SOFTMAX, RRELU

ZERO = (Points(kinks=(0.0,)),)
# Where a hyperparameter has a value of its own at every point: no sum hides what one point does.
BRANCHES = (Points(kinks=(0.0,), span=(-8.0, 8.0)),)


def _cancels(floor: float) -> Budget:
    return Budget(
        ulp=4,
        floor=floor,
        everywhere=True,
        reason="the derivative in the hyperparameter is a difference of larger terms",
    )


CROSSES = Budget(
    ulp=4,
    floor=2,
    everywhere=True,
    reason="where it crosses zero depends on the hyperparameter",
)
X = np.array([-1.0, 0.0, 2.0], np.float32)
PAIR = np.zeros((2, 2), np.float32)


def _activation(name: str, *, refuses: tuple[str, ...] = (), **fields: Any) -> Spec:
    """A row of this family: jaxact's function of that name against torch's.

    Args:
        name: in both namespaces.
        refuses: dtypes of inputs for which torch has no kernel.
        **fields: of the row.
    """
    reference = fields.pop("reference", on("torch", f"nn.functional.{name}"))
    bad_calls = fields.pop("bad_calls", ())
    required = fields.pop("required", ())
    generic = [_wrong_kind("a_list", [1.0, 2.0], required)]
    generic += [_wrong_kind(d, np.ones((2, 2)).astype(d), required) for d in refuses]
    return Spec(
        family="activations",
        name=name,
        subject=on("jax", f"jaxact.functional.{name}"),
        reference=reference,
        bad_calls=(*generic, *bad_calls),
        **fields,
    )


def _reference(name: str) -> Target:
    """A function of `activation_references`."""
    return on("torch", f"parity.suite.activation_references.{name}")


def _wrong_kind(kind: str, value: Any, required: tuple[Any, ...]) -> BadCall:
    return BadCall(
        name=f"input_is_{kind}", args=(value, *required), reason=f"an input that is {kind}"
    )


def _bad(name: str, reason: str, *args: Any, **values: Any) -> BadCall:
    return BadCall(name=name, args=args or (X,), values=values, reason=reason)


def _swept(
    reference: str,
    budget: Budget | None = None,
    **arrays: Points,
) -> Params:
    """Hyperparameters as arrays with a value for each point, differentiated."""
    return Params(
        arrays=arrays,
        mapped=True,
        inputs=BRANCHES,
        budget=budget,
        reference=_reference(reference),
        truth=_reference(reference),
        dtypes=("float32",),
        checks=("forward", "vjp"),
    )


def _slopes_of_rrelu(subject: Callable[..., Any], arrays: Any, values: Values) -> Any:
    """The slopes drawn for an input of this shape: the output at -1, with its sign turned."""
    return -np.asarray(subject(-np.ones(arrays[0].shape, np.float32), **values))


def _noise_of_gumbel_softmax(subject: Callable[..., Any], arrays: Any, values: Values) -> Any:
    """Log softmax(noise), from logits of 0: the noise up to a constant in each row."""
    dim = values.get("dim", -1)
    return np.log(np.asarray(subject(np.zeros(arrays[0].shape, np.float32), dim=dim)))


def _drawn(reference: str, observe: Callable[..., Any], **fields: Any) -> Params:
    """A random setting: the reference is given what the subject drew from its key."""
    return Params(
        key=7,
        reference=_reference(reference),
        drawn=Drawn(observe=observe),
        dtypes=("float32",),
        checks=("forward", "vjp", "jvp", "second", "jit"),
        **fields,
    )


# --------------------------------------------------------------------------------------- the rows

INTEGERS = ("int32", "uint8")

RECTIFIERS = (
    _activation("relu", inputs=ZERO, dtypes=(*FLOATS, *INTEGERS), refuses=("bool", "complex64")),
    _activation(
        "relu6",
        inputs=(Points(kinks=(0.0, 6.0)),),
        dtypes=(*FLOATS, *INTEGERS),
        refuses=("bool", "complex64"),
    ),
    _activation(
        "threshold",
        params=(
            Params(
                values={"threshold": 0.5, "value": -2.0},
                inputs=(Points(kinks=(0.5,)),),
                dtypes=(*FLOATS, "int32"),
            ),
            Params(values={"threshold": -1.0, "value": 3.0}, inputs=(Points(kinks=(-1.0,)),)),
            _swept("threshold", threshold=Points(span=(-2.0, 2.0)), value=Points(span=(-2.0, 2.0))),
        ),
        required=(0.0, 0.0),
        refuses=("bool", "complex64"),
    ),
    _activation(
        "hardtanh",
        params=(
            Params(inputs=(Points(kinks=(-1.0, 1.0)),), dtypes=(*FLOATS, "int32")),
            Params(
                values={"min_val": -0.75, "max_val": 2.5},
                inputs=(Points(kinks=(-0.75, 2.5)),),
                dtypes=(*FLOATS, "int32"),
            ),
            Params(values={"min_val": 0.5, "max_val": 0.5}, inputs=(Points(kinks=(0.5,)),)),
            _swept("hardtanh", min_val=Points(span=(-4.0, -0.5)), max_val=Points(span=(0.5, 4.0))),
        ),
        refuses=("bool", "complex64"),
        bad_calls=(
            _bad("bounds_crossed", "min_val above max_val", min_val=2.0, max_val=1.0),
            _bad("negative_bound_of_uint8", "a negative bound", np.zeros(3, np.uint8)),
        ),
    ),
    _activation(
        "leaky_relu",
        inputs=ZERO,
        params=(
            Params(),
            Params(values={"negative_slope": 0.25}),
            Params(values={"negative_slope": 2.0}),
            _swept("leaky_relu", negative_slope=Points(span=(-2.0, 2.0))),
        ),
        refuses=("int32", "bool", "complex64"),
    ),
    _activation(
        "prelu",
        inputs=ZERO,
        params=(
            Params(arrays={"weight": Samples(shape=(1,), center=0.25, scale=0, axis=None)}),
            Params(
                label="weight=0-d",
                arrays={"weight": Samples(shape=(), center=-0.5, scale=0, axis=None)},
            ),
            Params(
                label="weight=per_channel",
                inputs=(Samples(shape=(8, 3, 5)),),
                arrays={"weight": Samples(shape=(3,), axis=None)},
            ),
            Params(
                label="weight=shared",
                inputs=(Samples(shape=(8, 3, 5)),),
                arrays={"weight": Samples(shape=(1,), axis=None)},
            ),
        ),
        quirks=(
            Quirk(
                reason="torch's double backward takes the slope 1 at 0, its backward the weight",
                source="prelu(0, weight=0.25): backward 0.25, double backward 1, torch 2.13",
                where=lambda x, values: x == 0,
                checks=("jvp", "second"),
                settings=("weight=array", "weight=0-d"),
            ),
        ),
        required=(np.array([0.25], np.float32),),
        bad_calls=(
            _bad("weight_2d", "a weight of two axes", PAIR, PAIR),
            _bad("weight_of_one_axis_input", "three weights for one channel", X, X),
            _bad("channels_differ", "three weights for two channels", PAIR, X),
            _bad("dtypes_differ", "dtypes that differ", X, np.ones(1, np.float16)),
        ),
        budgets={
            ("vjp", "float16"): Budget(ulp=1, floor=4, reason=(sums := "a sum over the batch")),
            ("vjp", "bfloat16"): Budget(ulp=1, floor=4, reason=sums),
            ("second", "float16"): Budget(ulp=1, floor=4, reason=sums),
            ("second", "bfloat16"): Budget(ulp=1, floor=4, reason=sums),
        },
    ),
    _activation(
        "rrelu",
        inputs=ZERO,
        params=(
            Params(),
            Params(values={"lower": 0.25, "upper": 0.5}),
            _swept("rrelu_eval", lower=Points(span=(0.0, 0.5)), upper=Points(span=(0.5, 1.0))),
            _drawn("rrelu_given_slopes", _slopes_of_rrelu, values={"training": True}),
            _drawn(
                "rrelu_given_slopes",
                _slopes_of_rrelu,
                values={"training": True, "lower": 0.5, "upper": 2.0},
            ),
        ),
        extra=("key",),
        laws=RRELU,
        refuses=("int32", "bool", "complex64"),
        bad_calls=(
            _bad("bounds_crossed", "lower above upper", lower=0.5, upper=0.25),
            _bad("bound_infinite", "a bound that is not finite", upper=float("inf")),
            _bad("bound_nan", "a bound that is not finite", lower=float("nan")),
        ),
    ),
)

EXPONENTIAL = (
    _activation(
        "elu",
        truth=truths.elu,
        inputs=ZERO,
        params=(
            Params(),
            Params(values={"alpha": 0.75}),
            Params(values={"alpha": -0.5}),
            Params(values={"alpha": 0.0}, dtypes=("float32",)),
            _swept("elu", alpha=Points(span=(-2.0, 2.0))),
        ),
        refuses=("int32", "bool", "complex64"),
    ),
    _activation(
        "celu",
        truth=truths.celu,
        inputs=ZERO,
        params=(
            Params(),
            Params(values={"alpha": 2.0}),
            Params(values={"alpha": 0.0625}),
            _swept("celu", _cancels(1), alpha=Points(span=(0.25, 4.0))),
        ),
        refuses=("int32", "bool", "complex64"),
        bad_calls=(_bad("alpha_zero", "a division by zero", alpha=0.0),),
    ),
    _activation("selu", truth=truths.selu, inputs=ZERO, refuses=("int32", "bool", "complex64")),
)

SIGMOIDAL = (
    _activation("sigmoid", truth=truths.sigmoid, dtypes=(*FLOATS, *INTEGERS, "bool")),
    _activation("logsigmoid", truth=truths.logsigmoid, refuses=("int32", "bool", "complex64")),
    _activation("tanh", truth=truths.tanh, dtypes=(*FLOATS, *INTEGERS, "bool")),
    _activation(
        "softplus",
        truth=truths.softplus,
        inputs=(Points(kinks=(20.0,)),),
        params=(
            Params(),
            Params(values={"beta": 2.0, "threshold": 8.0}, inputs=(Points(kinks=(4.0,)),)),
            Params(values={"beta": 0.5}, inputs=(Points(kinks=(40.0,)),)),
            Params(values={"beta": -1.0}, inputs=(Points(kinks=(-20.0,)),)),
            _swept("softplus", _cancels(16), beta=Points(span=(0.5, 2.0))),
        ),
        refuses=("int32", "bool", "complex64"),
    ),
    _activation(
        "softsign",
        truth=truths.softsign,
        inputs=ZERO,
        dtypes=(*FLOATS, "int32"),
        refuses=("bool",),
    ),
    _activation(
        "hardsigmoid",
        truth=truths.hardsigmoid,
        inputs=(Points(kinks=(-3.0, 3.0)),),
        refuses=("int32", "bool", "complex64"),
        quirks=(
            Quirk(
                reason="torch has no double backward of hardsigmoid",
                source="derivative for aten::hardsigmoid_backward is not implemented",
                where=None,
                checks=("second",),
            ),
        ),
    ),
)

GATED = (
    _activation(
        "silu",
        truth=truths.silu,
        refuses=("int32", "bool"),
    ),
    _activation(
        "swish",
        truth=truths.swish,
        reference=_reference("swish"),
        params=(
            Params(),
            Params(values={"beta": 1.5}),
            _swept("swish", CROSSES, beta=Points(span=(-2.0, 2.0))),
            Params(
                label="beta=per_channel",
                inputs=(Samples(shape=(8, 3, 5)),),
                arrays={"beta": Samples(shape=(3,), axis=None)},
                truth=_reference("stable_swish"),
                dtypes=("float32",),
            ),
        ),
        budgets={
            ("vjp", "float16"): Budget(ulp=1, floor=4, reason=sums),
            ("vjp", "bfloat16"): Budget(ulp=1, floor=4, reason=sums),
            ("second", "float16"): Budget(ulp=1, floor=4, reason=sums),
            ("second", "bfloat16"): Budget(ulp=1, floor=4, reason=sums),
        },
        signature="(input, beta=1.0)",
    ),
    _activation(
        "hardswish",
        truth=truths.hardswish,
        inputs=(Points(kinks=(-3.0, 3.0)),),
        refuses=("int32", "bool", "complex64"),
    ),
    _activation(
        "mish",
        truth=truths.mish,
        refuses=("int32", "bool", "complex64"),
    ),
    _activation(
        "gelu",
        truth=truths.gelu,
        params=(Params(), Params(values={"approximate": "tanh"})),
        refuses=("int32", "bool", "complex64"),
        bad_calls=(_bad("approximate_unknown", "an unknown form", approximate="erf"),),
    ),
    _activation(
        "glu",
        truth=_reference("stable_glu"),
        inputs=(Samples(shape=(512, 8), special=True),),
        params=(
            Params(),
            Params(values={"dim": 0}, inputs=(Samples(shape=(8, 64), axis=1, special=True),)),
            Params(values={"dim": 1}, inputs=(Samples(shape=(16, 4, 3), special=True),)),
        ),
        budgets={
            (check, dtype): Budget(ulp=4, reason="a product: no digits cancel, no floor is needed")
            for check in ("forward", "vjp")
            for dtype in ("float32", "float64")
        },
        refuses=("int32", "bool", "complex64"),
        bad_calls=(
            _bad("odd_axis", "an axis of odd length", X),
            _bad("no_axis", "an input without axes", np.array(1.0, np.float32)),
            _bad("dim_out_of_range", "an axis that is not there", PAIR, dim=2),
            _bad("dim_below_range", "an axis that is not there", PAIR, dim=-3),
        ),
    ),
)

SHRINKAGE = (
    _activation(
        "tanhshrink", truth=truths.tanhshrink, dtypes=(*FLOATS, "int32"), refuses=("bool",)
    ),
    _activation(
        "hardshrink",
        inputs=(Points(kinks=(-0.5, 0.5)),),
        params=(
            Params(),
            Params(values={"lambd": 1.25}, inputs=(Points(kinks=(-1.25, 1.25)),)),
            Params(values={"lambd": 0.0}, inputs=ZERO),
            Params(values={"lambd": -1.0}, inputs=ZERO),
        ),
        refuses=("int32", "bool", "complex64"),
    ),
    _activation(
        "softshrink",
        inputs=(Points(kinks=(-0.5, 0.5)),),
        params=(
            Params(),
            Params(values={"lambd": 1.25}, inputs=(Points(kinks=(-1.25, 1.25)),)),
            Params(values={"lambd": 0.0}, inputs=ZERO),
            _swept("softshrink", lambd=Points(span=(0.0, 2.0))),
        ),
        refuses=("int32", "bool", "complex64"),
        bad_calls=(
            _bad("lambd_negative", "a negative lambd", lambd=-0.5),
            _bad("lambd_nan", "a lambd that is nan", lambd=float("nan")),
        ),
    ),
)

NORMALIZED = Budget(ulp=8, floor=8, reason="a sum over the axis in which terms cancel")
NORMALIZED_HALF = Budget(ulp=1, floor=1, reason="a sum over the axis in which terms cancel")
PROBABILITIES = Budget(
    ulp=64, reason="exp(x - max) of a rounded difference: up to 87/2 ulp in float32"
)
LOG_PROBABILITIES = Budget(
    ulp=4, floor=4, reason="near probability 1 the result is a difference of larger numbers"
)
SOFTMAX_BUDGETS: dict[Any, Budget] = {
    (check, dtype): NORMALIZED if dtype in ("float32", "float64") else NORMALIZED_HALF
    for check in ("vjp", "jvp", "second", "vmap", "jit")
    for dtype in FLOATS
}
ROWS = (Samples(shape=(64, 9), special=True),)
COLUMNS = (Samples(shape=(9, 64), axis=1, special=True),)
VOLUME = (Samples(shape=(16, 5, 7), special=True),)
TWO_BY_TWO = np.zeros((2, 2), np.int32)
SOFTMAX_PARAMS = (
    Params(inputs=ROWS),
    Params(values={"dim": 0}, inputs=COLUMNS),
    Params(values={"dim": -1}, inputs=VOLUME),
    Params(values={"dim": 1}, inputs=(Samples(shape=(4, 1000)),)),
    Params(label="dim=None,one_axis", inputs=(Samples(shape=(33,), axis=None),)),
    Params(label="dim=None,three_axes", inputs=(Samples(shape=(9, 8, 8), axis=1),)),
    Params(
        label="dim=None,four_axes",
        inputs=(Samples(shape=(8, 9, 2, 2), special=True),),
        dtypes=("float32",),
    ),
    Params(
        values={"dim": 1, "dtype": np.dtype("float32")},
        inputs=ROWS,
        dtypes=("float16", "int32"),
        checks=("forward",),
    ),
)
AXIS_ERRORS = (
    _bad("dim_out_of_range", "an axis that is not there", PAIR, dim=2),
    _bad("dim_below_range", "an axis that is not there", PAIR, dim=-3),
    _bad("dim_of_0d", "an axis that is not there", np.array(1.0, np.float32), dim=1),
)


def _softmax_row(name: str, forward: Budget, truth: Target | None = None) -> Spec:
    return _activation(
        name,
        truth=truth,
        params=SOFTMAX_PARAMS,
        budgets={
            **SOFTMAX_BUDGETS,
            ("forward", "float32"): forward,
            ("forward", "float64"): forward,
        },
        required=(-1,),
        refuses=("int32", "complex64"),
        bad_calls=(
            *AXIS_ERRORS,
            _bad(
                "dtype_integer",
                "an integer dtype of the result",
                PAIR,
                dim=-1,
                dtype=np.dtype("int32"),
            ),
        ),
    )


SOFTMAX = (
    _softmax_row("softmax", PROBABILITIES),
    _softmax_row("log_softmax", LOG_PROBABILITIES, _reference("stable_log_softmax")),
    _softmax_row("softmin", PROBABILITIES),
    _activation(
        "softmax2d",
        reference=_reference("softmax2d"),
        params=(
            Params(inputs=(Samples(shape=(8, 9, 2, 3), special=True),)),
            Params(label="unbatched", inputs=(Samples(shape=(9, 4, 5), axis=2, special=True),)),
        ),
        budgets={**SOFTMAX_BUDGETS, ("forward", "float32"): PROBABILITIES},
        signature="(input)",
        bad_calls=(
            _bad("two_axes", "an input of two axes", PAIR),
            _bad("five_axes", "an input of five axes", np.zeros((1, 1, 1, 1, 1), np.float32)),
        ),
    ),
    _activation(
        "gumbel_softmax",
        inputs=(Samples(shape=(64, 9)),),
        params=(
            _drawn("gumbel_softmax_given_noise", _noise_of_gumbel_softmax),
            _drawn("gumbel_softmax_given_noise", _noise_of_gumbel_softmax, values={"hard": True}),
            _drawn(
                "gumbel_softmax_given_noise",
                _noise_of_gumbel_softmax,
                values={"tau": 0.5, "hard": True, "dim": 0},
                inputs=(Samples(shape=(9, 64), axis=1),),
            ),
            _drawn(
                "gumbel_softmax_given_noise",
                _noise_of_gumbel_softmax,
                arrays={"tau": Samples(shape=(), center=1.5, scale=0, axis=None)},
            ),
        ),
        budgets={
            check: Budget(ulp=32, floor=16, reason="the noise is recovered from an output, to 1e-7")
            for check in ("forward", "vjp", "jvp", "second", "jit")
        },
        extra=("key",),
        laws=GUMBEL_SOFTMAX,
    ),
)

SPECS = RECTIFIERS + EXPONENTIAL + SIGMOIDAL + GATED + SHRINKAGE + SOFTMAX
