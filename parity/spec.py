"""The rows that describe which functions to compare, and how: frozen, keyword-only dataclasses.

A row (`Spec`) names the function under test (`subject`), the one it should agree with (`reference`)
and, where the reference's own float64 is not accurate enough, the `truth`. The other fields say
with what to call them and how far apart the results may be.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from parity.domains import Domain

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
    "calls": "calls of the domain in which all choices, or pairs of choices, meet",
    "torch_tests": "the calls that torch's own tests make",
}

NUMERIC_CHECKS = ("forward", "vjp", "jvp", "second", "vmap", "jit")

Values: TypeAlias = Mapping[str, Any]
Floats: TypeAlias = NDArray[np.float64]


@dataclass(frozen=True)
class Call:
    """A driver: calls the target with the arguments. The trace has the result as `out`."""


@dataclass(frozen=True)
class Factory:
    """A driver: the target returns init(key, shape, dtype), like initializers of jax and flax.

    The only argument is a `Template`. In torch, where an initializer fills a tensor, the target is
    a function of torch.nn.init, which gets an empty tensor of the shape.
    """


@dataclass(frozen=True, kw_only=True)
class Steps:
    """A driver: the target returns an object with a state, which is then updated step by step.

    The first argument is a tree with the initial parameters; the others have the steps as their
    leading axis. The target gets the hyperparameters. In jax it returns a pair of init and update:
    an optax transformation, for which the second argument is the gradients, or functions
    init(params) -> state and update(state, *others) -> state. In torch it returns an optimizer, or
    an object whose step(*others) returns the entries of the trace as a tree.

    The trace of step 17 has step/17/params/..., step/17/updates/... and step/17/state/....

    In torch a hyperparameter that is a function of the step, counted from 0, or a tuple with one,
    is set before each step; in jax the target gets the function.

    Args:
        state: maps the name of an entry in the state of a torch optimizer to its path below `state`
            in the trace of the other side; other entries are not compared.
        numbers: the same for entries that are one number for all parameters.
        updates: whether the trace of an optax transformation has the updates, which an optimizer
            of torch does not show.
    """

    state: Mapping[str, str] = field(default_factory=dict[str, str])
    numbers: Mapping[str, str] = field(default_factory=dict[str, str])
    updates: bool = True


@dataclass(frozen=True, kw_only=True)
class Module:
    """A driver: constructs a class of flax.nnx or torch.nn, loads its parameters and calls it.

    Hyperparameters go to the constructor. The arguments `params` and `buffers`, given by name, are
    loaded: dicts of arrays by the path of the attribute, such as "layers/0/weight". The positional
    arguments go to the call. The trace has the result as `out` and the buffers after the call as
    `buffers/...`; `vjp/params/...` are the gradients by parameter.

    Args:
        train: whether the module is called in training mode; otherwise in evaluation mode.
        names: maps the path of an argument to the path of the attribute, where the two differ.
    """

    train: bool = True
    names: Mapping[str, str] = field(default_factory=dict[str, str])


Driver: TypeAlias = Call | Factory | Steps | Module


@dataclass(frozen=True)
class Target:
    """A function in some framework, and its driver; see `on`, `factory`, `steps` and `module`."""

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
    """Names a function that returns an initializer; see `Factory`."""
    return Target(backend, call, options, Factory())


def steps(
    backend: str,
    call: str | Callable[..., Any],
    /,
    *,
    state: Mapping[str, str] | None = None,
    numbers: Mapping[str, str] | None = None,
    updates: bool = True,
    **options: Any,
) -> Target:
    """Names a function that returns an object to be updated step by step; see `Steps`."""
    return Target(
        backend, call, options, Steps(state=state or {}, numbers=numbers or {}, updates=updates)
    )


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

    In half precision every bit pattern is visited. A `span` restricts the points to an interval,
    without infinities, nan and the exponent sweep: it is meant for hyperparameters, and for
    arguments that the function refuses outside the interval.

    If there are several such arguments, each runs through its own points in an independent order;
    besides, the special numbers and kinks of any two are combined in every way.

    Args:
        kinks: points where the function is not smooth; each is visited with its two neighbours.
        span: (low, high), both ends included.
    """

    kinks: tuple[float, ...] = ()
    span: tuple[float, float] | None = None


@dataclass(frozen=True, kw_only=True)
class SweepAround:
    """An argument that is visited point by point and that the function subtracts, like a target.

    It runs through the points of `Sweep()`. Besides, for many values of the first argument,
    `first - this` equals each kink and the next number above and below, without rounding; and
    from pairs whose difference is a kink, one number is moved by one ulp. Where the difference
    would be a subnormal number that counts as zero, the two arguments are equal.

    Args:
        kinks: kinks as a function of the first argument minus this one.
    """

    kinks: tuple[float, ...] = (0.0,)


@dataclass(frozen=True, kw_only=True)
class Choices:
    """A floating argument that has one of some values at each place, drawn at random.

    Every value is combined with every special number of other arguments that are visited point by
    point.

    Args:
        values: the values to choose from, such as (-1.0, 1.0).
        shape: the whole shape; by default the argument is visited point by point.
        differentiated: whether gradients are taken with respect to it; False where the reference
            has none.
    """

    values: tuple[float, ...]
    shape: tuple[int, ...] | None = None
    differentiated: bool = True


@dataclass(frozen=True, kw_only=True)
class Samples:
    """An argument of a fixed shape, drawn from a normal distribution times `scale`.

    Args:
        shape: the whole shape, including the sample axis.
        center: mean of the draw.
        scale: standard deviation of the draw.
        axis: the sample axis: results at different places of it are independent; None if there is
            none.
        special: whether to overwrite the first samples with rows that have -inf, +inf, nan, huge,
            tied and constant entries.
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
    """An argument of which only shape and dtype matter; its numbers are zeros.

    Never differentiated.
    """

    shape: tuple[int, ...]


@dataclass(frozen=True, kw_only=True)
class ObservedDraw:
    """Randomness: the subject draws from a key, and the reference gets the draw as an argument.

    Args:
        seed: of the key, a random source of the subject's framework.
        observe: (subject, arguments, values) -> array, recovers the draw by calling the subject;
            the reference gets it as its argument `drawn`. None if the result is not random.
        at: the name or position of the subject's argument that takes the key.
    """

    seed: int
    observe: Callable[[Callable[..., Any], tuple[Any, ...], Values], Any] | None = None
    at: str | int = "key"


@dataclass(frozen=True, kw_only=True)
class SameSeed:
    """Randomness: both sides draw from the same stream, that of the reference's framework.

    The reference draws from its framework's global stream, seeded before the call.

    Args:
        seed: of both streams.
        generator: seed -> the subject's counterpart of the stream. It has torch's `rand`, and need
            not work while a program is traced: the subject is not compiled.
        skip: how many uniform numbers, of the dtype of the case, the subject's stream skips before
            the call, because the reference draws that many more.
        place: whether the trace has an extra entry `stream`: four uniform numbers drawn after the
            call, which are equal only if both sides drew equally many numbers.
        at: the name or position of the subject's argument that takes the generator.
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
        special: other indices, such as the one to ignore; every fourth label, from the first on, is
            one of them.
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
# A dict, list or tuple of descriptions describes an argument that is a tree.
Described: TypeAlias = Any


@dataclass(frozen=True, kw_only=True)
class Formula:
    """The real function in closed form, point by point.

    Each callable takes a namespace `m` of elementary functions (numpy on float64 arrays, or mpmath
    with 60 digits), the points and the hyperparameters. So the same code gives both a fast truth
    and an exact one.
    """

    value: Callable[..., Any]
    slope: Callable[..., Any]
    curvature: Callable[..., Any]


# The reference in the case's own dtype: a random draw has no other truth.
Truth: TypeAlias = Formula | Target | Literal["reference"]


@dataclass(frozen=True, kw_only=True)
class Budget:
    """The allowed error of a value: at most `ulp` relative to it, or at most an absolute floor.

    Args:
        ulp: allowed error in units in the last place of the dtype.
        floor: absolute error that is always accepted, in units of the dtype's epsilon. For
            arguments visited point by point it applies only within 2^-4 of a point, other than 0,
            where the true result crosses zero, and not at all if there are several such arguments,
            unless `everywhere` is set. For samples it is multiplied by the largest true value of
            the sample, if that is above 1; for functions that return a single number, by the
            largest true value in any case.
        everywhere: apply the floor at every point.
        rtol, atol: an error up to atol + rtol |reference| is accepted as well, everywhere.
        per_step: at step n of a trajectory, ulp and floor are multiplied by 1 + n per_step.
        signs_of_zero: whether a zero has to have the reference's sign.
        nan: whether the subject has to be nan where the reference is; otherwise points where either
            is nan are left out.
        reason: why the budget is not the default one.
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
    """One setting of the hyperparameters, with its own cases.

    Args:
        values: keyword arguments, the same for the whole call.
        arrays: arguments given by name as arrays or trees: hyperparameters, weights, lengths.
        mapped: whether to map the call over input and `arrays` together, so that each point has its
            own hyperparameter.
        label: the setting's part of the case id; by default `name=value,...`.
        inputs, subject, reference, truth, dtypes, checks, budget: replace those of the row for this
            setting.
        random: the source of random numbers.
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
        # A function by its name, for its text has an address that is another in each process.
        named = {key: getattr(value, "__name__", value) for key, value in named.items()}
        return ",".join(f"{key}={value}" for key, value in named.items())


@dataclass(frozen=True, kw_only=True)
class Place:
    """One entry of a trace, from which a quirk computes the expected result; arrays are in float64.

    Args:
        entry: the name of the entry.
        arguments: the positional arguments, then those given by name.
        values: the hyperparameters.
        cotangent: of the result, if the entry has its shape or the result is a single number.
        directions: of the arguments, by position or name.
        truth, reference: the entry in the truth's trace and in the reference's.
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
        reason: what the reference does there, and why the subject differs.
        source: a link or a measurement.
        where: (arguments, values) -> mask of the points concerned, or a single truth value for all
            of them; the arguments are the positional ones, then those given by name, in float64.
            It applies to results of the mask's shape. None if the reference fails at every point
            and the truth alone decides.
        instead: the result that the subject has there: a number, a function of the `Place` that
            returns the numbers, or a budget for the distance from the truth. Required if there is a
            mask.
        checks, dtypes: those in which the difference shows.
        settings: names of the settings in which it shows; all of them if empty.
    """

    reason: str
    source: str
    where: Callable[[tuple[Floats, ...], Values], NDArray[np.bool_] | bool] | None
    instead: float | Callable[[Place], Any] | Budget | None = None
    checks: tuple[str, ...]
    dtypes: tuple[str, ...] = FLOATS
    settings: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Refuses a mask without `instead`, which would accept any result."""
        if self.where is not None and self.instead is None:
            raise ValueError(f"Quirk: instead must say what is there, got None: {self.reason}")


@dataclass(frozen=True, kw_only=True)
class SampleQuirk:
    """A declared difference in calls of torch's own tests; STALE if no call shows it.

    Args:
        reason: what the reference does there, and why the subject differs.
        source: a link or a measurement.
        samples: a shell pattern for the names of the calls.
        shows: a part of the message that says how they differ; any other difference fails.
        dtypes: those in which the difference shows.
    """

    reason: str
    source: str
    samples: str
    shows: str
    dtypes: tuple[str, ...] = FLOATS


@dataclass(frozen=True, kw_only=True)
class BadCall:
    """A call that the reference refuses; the subject has to raise the same kind of exception.

    Args:
        name: the case's part of the id, in snake_case.
        args: positional arguments; numpy arrays become arrays of the framework.
        values: keyword arguments.
        reason: what is wrong with the call.
        reference_args: the arguments of the reference, if they differ from `args`.
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
        violation: subject -> a sentence on how the property is violated, or None if it holds.
    """

    name: str
    violation: Callable[[Callable[..., Any]], str | None]


@dataclass(frozen=True, kw_only=True)
class Spec:
    """A row: a function and everything that is checked of it.

    Args:
        family, name: the first two parts of every case id.
        subject, reference: the two functions.
        truth: a closed form, or a function that is run in float64; by default the reference, run in
            float64; "reference" is the reference in the dtype of the case.
        accept_reference: whether agreement with the reference is enough, even if it is wrong.
        inputs: the positional arguments: descriptions of arrays, or trees of descriptions.
        settings: of the hyperparameters; the first is the default one.
        dtypes: of the inputs.
        checks: see `CHECKS`.
        budgets: by check or by (check, dtype), where they differ from the default.
        quirks, sample_quirks, bad_calls, laws: see `Quirk`, `SampleQuirk`, `BadCall`, `Law`.
        domain: what may be called; see `Domain`.
        calls_reference: the reference of those calls, if the row's lacks arguments.
        signature: the signature that the subject has to have: by default the reference's; else that
            of another function, or text, where the reference has no signature in Python.
        omitted: parameters of that signature that the subject does not have.
        renamed: maps the names of parameters to the names that the subject uses.
        extra: parameters that only the subject has.
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
    sample_quirks: tuple[SampleQuirk, ...] = ()
    bad_calls: tuple[BadCall, ...] = ()
    laws: tuple[Law, ...] = ()
    domain: Domain | None = None
    calls_reference: Target | None = None
    signature: str | Target | None = None
    omitted: tuple[str, ...] = ()
    renamed: Mapping[str, str] = field(default_factory=dict[str, str])
    extra: tuple[str, ...] = ()
