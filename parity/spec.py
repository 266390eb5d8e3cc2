"""What a person writes to have two functions compared: frozen, keyword-only rows.

A row (`Spec`) names the function under test (`subject`), the one it should agree with (`reference`)
and, where the reference's own float64 is not good enough, the `truth`. Everything else in a row
says what to call them with and how far apart they may be.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

FLOATS = ("float32", "float64", "float16", "bfloat16")

CHECKS: dict[str, str] = {
    "forward": "values, dtype and the sign of zeros",
    "vjp": "gradients under random signed cotangents, for every floating argument",
    "jvp": "forward mode, against the reference's own Jacobian times the same tangent",
    "second": "the double backward: the derivative of the gradient",
    "vmap": "mapped over a new leading axis, against one call at a time",
    "jit": "compiled as one program, against op by op",
    "shapes": "empty and 0-d inputs, and the dtype under 64-bit mode",
    "error": "a bad call raises what the reference raises",
    "signature": "parameter names, order and defaults",
    "law": "a property that no single reference value can show",
}

NUMERIC_CHECKS = ("forward", "vjp", "jvp", "second", "vmap", "jit")

Values: TypeAlias = Mapping[str, Any]
Floats: TypeAlias = NDArray[np.float64]


@dataclass(frozen=True)
class Call:
    """How a target is called: with the arguments. The trace has its result as `out`."""


@dataclass(frozen=True)
class Factory:
    """How a target is called: it makes init(key, shape, dtype), as jax and flax have initializers.

    The only argument is a `Template`. In torch, which fills what there is, the target is a function
    of torch.nn.init that gets an empty tensor of the shape.
    """


@dataclass(frozen=True, kw_only=True)
class Steps:
    """How a target is called: it makes something with a state, which is then updated step by step.

    The first argument is a tree of parameters, as they are in the beginning; the others have the
    steps as their leading axis. Hyperparameters go to the maker. In jax it gives a pair of init and
    update: an optax transformation, whose first other argument is the gradients, or functions
    init(params) -> state and update(state, *others) -> state. In torch it gives an optimizer, or an
    object whose step(*others) returns the entries of the trace as a tree.

    The trace of step 17 has step/17/params/..., step/17/updates/... and step/17/state/....

    Args:
        state: by name of an entry in the state of one of torch's optimizers, where the trace of the
            other side has it below `state`; other entries are not compared.
    """

    state: Mapping[str, str] = field(default_factory=dict[str, str])


@dataclass(frozen=True, kw_only=True)
class Module:
    """How a target is called: a class (flax.nnx or torch.nn) is constructed, loaded and called.

    Hyperparameters go to the constructor. The arguments `params` and `buffers`, given by name, are
    loaded: dicts of arrays by the path of the attribute, such as "layers/0/weight". The positional
    arguments go to the call. The trace has the result as `out` and the buffers afterwards as
    `buffers/...`; `vjp/params/...` are the gradients by parameter.

    Args:
        train: whether in training mode, else in evaluation.
        names: by path of an argument, the path of the attribute where this side has another one.
    """

    train: bool = True
    names: Mapping[str, str] = field(default_factory=dict[str, str])


Driver: TypeAlias = Call | Factory | Steps | Module


@dataclass(frozen=True)
class Target:
    """A function in some framework, and how it is called; made by `on` and its kin."""

    backend: str
    call: str | Callable[..., Any]
    options: Values = field(default_factory=dict[str, Any])
    driver: Driver = Call()

    @property
    def name(self) -> str:
        """The import path, or `module:qualname` of a callable."""
        if isinstance(self.call, str):
            return self.call
        named = getattr(self.call, "__qualname__", repr(self.call))
        return f"{getattr(self.call, '__module__', '')}:{named}"

    @property
    def last_name(self) -> str:
        """The name without its module."""
        return re.split("[.:]", self.name)[-1]


def on(backend: str, call: str | Callable[..., Any], /, **options: Any) -> Target:
    """Names a function of a framework.

    Args:
        backend: "jax", "torch", "numpy" or "mpmath".
        call: a callable, or its import path; a torch path may leave out the leading "torch.".
        **options: keyword arguments given to every call.
    """
    return Target(backend, call, options)


def factory(backend: str, call: str | Callable[..., Any], /, **options: Any) -> Target:
    """Names a function that makes initializers; see `Factory`."""
    return Target(backend, call, options, Factory())


def steps(
    backend: str,
    call: str | Callable[..., Any],
    /,
    *,
    state: Mapping[str, str] | None = None,
    **options: Any,
) -> Target:
    """Names a function that makes something to be updated step by step; see `Steps`."""
    return Target(backend, call, options, Steps(state=state or {}))


def module(
    backend: str,
    call: str | Callable[..., Any],
    /,
    *,
    train: bool = True,
    names: Mapping[str, str] | None = None,
    **options: Any,
) -> Target:
    """Names a class of modules; see `Module`."""
    return Target(backend, call, options, Module(train=train, names=names or {}))


@dataclass(frozen=True, kw_only=True)
class Sweep:
    """An argument that is visited point by point: one long vector over the whole exponent range.

    Half precision visits every bit pattern. A `span` restricts the points to an interval and leaves
    out infinities, nan and the sweep: meant for hyperparameters and for arguments that are refused
    elsewhere.

    Of several such arguments each runs through its own points, in an order that has nothing to do
    with the others'; besides, the special numbers and kinks of any two meet in all combinations.

    Args:
        kinks: where the function is not smooth; each is visited together with its two neighbours.
        span: (low, high), both ends included.
    """

    kinks: tuple[float, ...] = ()
    span: tuple[float, float] | None = None


@dataclass(frozen=True, kw_only=True)
class SweepAround:
    """An argument that is visited point by point and compared with the first one, like a target.

    It runs through the points of `Sweep()`. Besides, `first - this` is each kink and the next
    number above and below, without rounding, for many values of the first argument; and one of the
    two is moved by one ulp from where they are a kink apart. Where the difference would be a
    subnormal number that counts as zero, both are the same.

    Args:
        kinks: of the difference, first argument less this one.
    """

    kinks: tuple[float, ...] = (0.0,)


@dataclass(frozen=True, kw_only=True)
class Choices:
    """A floating argument that has one of some values at each place, drawn at random.

    Beside other arguments that are visited point by point every value meets every special number.

    Args:
        values: to choose from, such as (-1.0, 1.0).
        shape: the whole shape; by default the argument is visited point by point.
        differentiated: whether gradients are taken of it; False where the reference has none.
    """

    values: tuple[float, ...]
    shape: tuple[int, ...] | None = None
    differentiated: bool = True


@dataclass(frozen=True, kw_only=True)
class Samples:
    """An argument of a fixed shape, drawn from a normal distribution times `scale`.

    Args:
        shape: the whole shape, sample axis included.
        center: mean of the draw.
        scale: standard deviation of the draw.
        axis: the sample axis, along which results are independent of each other; None if there is
            none.
        special: overwrite the first samples with rows that have -inf, +inf, nan, huge, tied and
            constant entries.
    """

    shape: tuple[int, ...]
    center: float = 0.0
    scale: float = 2.0
    axis: int | None = 0
    special: bool = False

    def __post_init__(self) -> None:
        """Refuses special samples where there is no sample axis."""
        if self.special and self.axis is None:
            raise ValueError("Samples: special=True needs a sample axis, got axis=None")


@dataclass(frozen=True, kw_only=True)
class Template:
    """An argument of which shape and dtype matter and the numbers, zeros, do not.

    Never differentiated.
    """

    shape: tuple[int, ...]


@dataclass(frozen=True, kw_only=True)
class ObservedDraw:
    """Randomness: the subject draws from a key, and the reference is told what came of it.

    Args:
        seed: of the key, a random source of the subject's framework.
        observe: (subject, arguments, values) -> array, recovers the draw by calling the subject;
            the reference gets it as its argument `drawn`. None if nothing is left to chance.
        at: the subject's argument that takes the key, by name or position.
    """

    seed: int
    observe: Callable[[Callable[..., Any], tuple[Any, ...], Values], Any] | None = None
    at: str | int = "key"


@dataclass(frozen=True, kw_only=True)
class SameSeed:
    """Randomness: both sides draw from the same stream, that of the reference's framework.

    The reference draws from its framework's global stream after the seed.

    Args:
        seed: of both streams.
        generator: seed -> the subject's counterpart of the stream. It has torch's `rand`, and need
            not work while a program is traced: the subject is not compiled.
        skip: how many uniform numbers, of the dtype of the case, the subject draws before: what the
            reference draws by itself.
        place: whether the trace has an entry `stream` besides, four uniform numbers that are drawn
            afterwards: they show how much was drawn.
        at: the subject's argument that takes the generator, by name or position.
    """

    seed: int
    generator: Target
    skip: int = 0
    place: bool = True
    at: str | int = "key"


Randomness: TypeAlias = ObservedDraw | SameSeed


@dataclass(frozen=True, kw_only=True)
class Labels:
    """Class indices, int64, never differentiated.

    Args:
        shape: the whole shape.
        classes: each index is drawn from 0 to `classes` - 1.
        special: other indices, such as one that is to be ignored; each fourth label is one of them,
            the first label included.
    """

    shape: tuple[int, ...]
    classes: int
    special: tuple[int, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Fixed:
    """Exactly these numbers: lengths, masks, weights. Never differentiated.

    Args:
        values: an array or nested sequences; integers and booleans keep their dtype, floating
            numbers get the dtype of the case.
    """

    values: Any


DESCRIPTIONS = (Sweep, SweepAround, Choices, Samples, Labels, Fixed, Template)
Array: TypeAlias = Sweep | SweepAround | Choices | Samples | Labels | Fixed | Template
# Dicts, lists and tuples of descriptions describe an argument that is a tree.
Described: TypeAlias = Any


@dataclass(frozen=True, kw_only=True)
class Formula:
    """The real function in closed form, point by point.

    Each callable takes a namespace `m` of elementary functions (numpy on float64 arrays, or mpmath
    at 60 digits), the points and the hyperparameters. One text therefore serves both as a fast
    truth and as an exact one.
    """

    value: Callable[..., Any]
    slope: Callable[..., Any]
    curvature: Callable[..., Any]


# The reference as it is: what is drawn at random has no other truth.
Truth: TypeAlias = Formula | Target | Literal["reference"]


@dataclass(frozen=True, kw_only=True)
class Budget:
    """How far a value may be off: within `ulp`, or by the absolute error that is always fine.

    Args:
        ulp: units in the last place of the dtype.
        floor: absolute error that is always fine, in units of the dtype's epsilon. For points it
            counts only within 2^-4 of where the true result crosses zero (other than at 0), and for
            points of several arguments nowhere, unless `everywhere` is set; for samples it is
            multiplied by the largest true value of the sample, if that is above 1; for functions
            that give a single number by the largest true value, whatever that is.
        everywhere: apply the floor at every point.
        rtol, atol: atol + rtol |reference| is fine as well, everywhere.
        per_step: of a trajectory, step n may be off by ulp and floor times 1 + n per_step.
        signs_of_zero: whether a zero has to have the reference's sign.
        nan: whether nan has to be where the reference has it; otherwise such places are left out.
        reason: why it is not the default.
    """

    ulp: float
    floor: float = 0.0
    everywhere: bool = False
    rtol: float = 0.0
    atol: float = 0.0
    per_step: float = 0.0
    signs_of_zero: bool = True
    nan: bool = True
    reason: str = ""


@dataclass(frozen=True, kw_only=True)
class Setting:
    """One setting of the hyperparameters; each makes cases of its own.

    Args:
        values: keyword arguments, the same for the whole call.
        arrays: arguments given by name as arrays or trees: hyperparameters, weights, lengths.
        mapped: map the call over input and `arrays` together, so that each point has its own
            hyperparameter.
        label: the setting's part of the case id; by default `name=value,...`.
        inputs, subject, reference, truth, dtypes, checks, budget: replace the row's own for this
            setting.
        random: where the random numbers come from.
    """

    values: Values = field(default_factory=dict[str, Any])
    arrays: Mapping[str, Described] = field(default_factory=dict[str, Any])
    mapped: bool = False
    label: str = ""
    inputs: tuple[Described, ...] | None = None
    subject: Target | None = None
    reference: Target | None = None
    truth: Truth | None = None
    dtypes: tuple[str, ...] | None = None
    checks: tuple[str, ...] | None = None
    random: Randomness | None = None
    budget: Budget | None = None

    @property
    def name(self) -> str:
        """The setting's part of the case id; empty for the defaults."""
        if self.label:
            return self.label
        named = {**self.values, **dict.fromkeys(self.arrays, "array")}
        return ",".join(f"{key}={value}" for key, value in named.items())


@dataclass(frozen=True, kw_only=True)
class Place:
    """One entry of a trace, for a quirk to say what is there. Arrays are in float64.

    Args:
        entry: its name.
        arguments: the positional ones, then those given by name.
        values: the hyperparameters.
        cotangent: of the result, if the entry has its shape or the result is a single number.
        directions: of the arguments, by position or name.
        truth, reference: the entry as it is there.
    """

    entry: str
    arguments: tuple[Floats, ...]
    values: Values
    cotangent: Floats
    directions: Mapping[str, Floats]
    truth: Floats
    reference: Floats


@dataclass(frozen=True, kw_only=True)
class Quirk:
    """A declared difference from the reference. A run in which it is not observed fails (STALE).

    Args:
        reason: what the reference does there and why the subject does not.
        source: a link or a measurement.
        where: (arguments, values) -> mask of the points concerned, or a single truth value for all
            of them; the arguments are the positional ones, then those given by name, in float64.
            It concerns the results of the mask's shape. None if the reference cannot answer at all
            and the truth alone decides.
        instead: what the subject has there: a number, a function of the `Place` that gives the
            numbers, or a budget from the truth. Needed wherever there is a mask.
        checks, dtypes: where it shows.
        settings: names of the settings where it shows; all of them if empty.
    """

    reason: str
    source: str
    where: Callable[[tuple[Floats, ...], Values], NDArray[np.bool_] | bool] | None
    instead: float | Callable[[Place], Any] | Budget | None = None
    checks: tuple[str, ...]
    dtypes: tuple[str, ...] = FLOATS
    settings: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Refuses a mask alone, which would excuse anything."""
        if self.where is not None and self.instead is None:
            raise ValueError(f"Quirk: instead must say what is there, got None: {self.reason}")


@dataclass(frozen=True, kw_only=True)
class BadCall:
    """A call that the reference refuses; the subject has to raise the same kind of exception.

    Args:
        name: the case's part of the id, in snake_case.
        args: positional arguments; numpy arrays become arrays of the framework.
        values: keyword arguments.
        reason: what is wrong with the call.
        reference_args: what the reference gets instead of `args`, where the two take different
            things.
    """

    name: str
    args: tuple[Any, ...]
    values: Values = field(default_factory=dict[str, Any])
    reason: str
    reference_args: tuple[Any, ...] | None = None


@dataclass(frozen=True, kw_only=True)
class Law:
    """A property of the subject.

    Args:
        name: the case's part of the id, in snake_case.
        violation: subject -> a sentence that says how the property fails, or None if it holds.
    """

    name: str
    violation: Callable[[Callable[..., Any]], str | None]


@dataclass(frozen=True, kw_only=True)
class Spec:
    """A function and all that has to be true of it.

    Args:
        family, name: the first two parts of every case id.
        subject, reference: the two functions.
        truth: a closed form, or a function that is run in float64; by default the reference, run in
            float64; "reference" is the reference in the dtype of the case.
        accept_reference: whether agreement with the reference is enough, be it right or wrong.
        inputs: the positional arguments: descriptions of arrays, or trees of such.
        settings: of the hyperparameters; the first is the default one.
        dtypes: of the inputs.
        checks: see `CHECKS`.
        budgets: by check or by (check, dtype), where the default does not do.
        quirks, bad_calls, laws: see there.
        signature: whose parameters the subject has to have: by default the reference's own; another
            function, or source text, where the reference has no signature in Python.
        omitted: parameters of that function that the subject has not.
        renamed: by their name, parameters that the subject calls otherwise.
        extra: parameters that the subject has besides.
    """

    family: str
    name: str
    subject: Target
    reference: Target
    truth: Truth | None = None
    accept_reference: bool = False
    inputs: tuple[Described, ...] = (Sweep(),)
    settings: tuple[Setting, ...] = (Setting(),)
    dtypes: tuple[str, ...] = FLOATS
    checks: tuple[str, ...] = tuple(CHECKS)
    budgets: Mapping[str | tuple[str, str], Budget] = field(
        default_factory=dict[str | tuple[str, str], Budget]
    )
    quirks: tuple[Quirk, ...] = ()
    bad_calls: tuple[BadCall, ...] = ()
    laws: tuple[Law, ...] = ()
    signature: str | Target | None = None
    omitted: tuple[str, ...] = ()
    renamed: Mapping[str, str] = field(default_factory=dict[str, str])
    extra: tuple[str, ...] = ()
