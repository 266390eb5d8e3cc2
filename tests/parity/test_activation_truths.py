"""The closed forms are the activations: against their defining formulas in many digits."""

import mpmath
import numpy as np
import pytest

from parity.exact import exactly_at
from parity.formulas import NumpyMath
from parity.inputs import Form, Problem
from parity.spec import Sweep
from parity.suite.activations import truths

MP = mpmath.mp.clone()
# Enough for 1 + erf(-13): the definitions below cancel where the closed forms do not.
MP.dps = 150

NEAR = (-12.5, -7.25, -3.5, -2.75, -1.5, -0.75, -0.0078125, 0.0078125, 0.5, 1.25, 2.875, 5.5, 9.75)
SMALL = (-1e-3, 1e-5, 1e-9)
FAR = (-95.5, -40.25, 33.0, 80.5)


def _sigmoid(x):
    return 1 / (1 + MP.exp(-x))


def _softplus(x, beta=1, threshold=20):
    return x if beta * x > threshold else MP.log(1 + MP.exp(beta * x)) / beta


def _elu(x, alpha=1):
    return x if x > 0 else alpha * (MP.exp(x) - 1)


def _celu(x, alpha=1):
    return x if x > 0 else alpha * (MP.exp(x / alpha) - 1)


def _selu(x):
    alpha = MP.mpf("1.6732632423543772848170429916717")
    return MP.mpf("1.0507009873554804934193349852946") * _elu(x, alpha)


def _gelu(x, approximate="none"):
    if approximate == "tanh":
        inner = MP.sqrt(2 / MP.pi) * (x + MP.mpf("0.044715") * x**3)
        return x * (1 + MP.tanh(inner)) / 2
    return x * (1 + MP.erf(x / MP.sqrt(2))) / 2


def _ramp(x):
    return min(max(x + 3, MP.mpf(0)), MP.mpf(6)) / 6


DEFINITIONS = {
    "sigmoid": (_sigmoid, {}),
    "logsigmoid": (lambda x: MP.log(_sigmoid(x)), {}),
    "softplus": (_softplus, {}),
    "softplus of beta": (_softplus, {"beta": 2.0, "threshold": 8.0}),
    "softplus of a negative beta": (_softplus, {"beta": -1.0}),
    "tanh": (MP.tanh, {}),
    "tanhshrink": (lambda x: x - MP.tanh(x), {}),
    "softsign": (lambda x: x / (1 + abs(x)), {}),
    "elu": (_elu, {}),
    "elu of alpha": (_elu, {"alpha": -0.5}),
    "celu": (_celu, {}),
    "celu of alpha": (_celu, {"alpha": 2.0}),
    "selu": (_selu, {}),
    "silu": (lambda x: x * _sigmoid(x), {}),
    "swish": (lambda x, beta=1: x * _sigmoid(beta * x), {"beta": -0.5}),
    "mish": (lambda x: x * MP.tanh(MP.log(1 + MP.exp(x))), {}),
    "gelu": (_gelu, {}),
    "gelu in the tanh form": (_gelu, {"approximate": "tanh"}),
    "hardsigmoid": (_ramp, {}),
    "hardswish": (lambda x: x * _ramp(x), {}),
}
ORDERS = ("value", "slope", "curvature")


def _points(name):
    # The tanh form's tail is beyond any number of digits; softplus jumps at its threshold.
    far = () if name.startswith(("gelu", "softplus")) else FAR
    return NEAR + SMALL + far


def _formula(name):
    return getattr(truths, name.partition(" ")[0])


def _expected(name, order):
    definition, values = DEFINITIONS[name]
    exact = {k: MP.mpf(v) if isinstance(v, float) else v for k, v in values.items()}

    def at(x):
        # One-sided pieces have no kink within the step of a derivative.
        return MP.diff(lambda t: definition(t, **exact), MP.mpf(x), order, h=MP.mpf(10) ** -40)

    return [at(x) if order else definition(MP.mpf(x), **exact) for x in _points(name)]


def _close(found, expected, relative):
    error = abs(found - expected)
    return error <= relative * abs(expected) or error <= relative * MP.mpf(10) ** -12


@pytest.mark.parametrize("order", range(3), ids=ORDERS)
@pytest.mark.parametrize("name", DEFINITIONS)
def test_a_formula_is_right_in_float64(name, order):
    part = getattr(_formula(name), ORDERS[order])
    x = np.array(_points(name))
    found = part(NumpyMath, x, **DEFINITIONS[name][1])
    for point, value, expected in zip(x, found, _expected(name, order), strict=True):
        # Where a derivative crosses zero its digits go; elsewhere none do.
        assert _close(MP.mpf(float(value)), expected, MP.mpf("2e-13")), (point, value, expected)


@pytest.mark.parametrize("order", range(3), ids=ORDERS)
@pytest.mark.parametrize("name", DEFINITIONS)
def test_a_formula_has_many_digits_in_mpmath(name, order):
    x = np.array(_points(name))
    form = Form(positional=(Sweep(),), named={})
    problem = Problem(key="truths", dtype="float64", arguments={"0": x}, form=form)
    entry = ("out", "vjp/0", "second/0")[order]
    high, rest = exactly_at(_formula(name), problem, DEFINITIONS[name][1], entry, np.arange(x.size))
    cotangent = problem.cotangent(x.shape)
    direction = problem.directions()["0"]
    factors = (np.ones_like(x), cotangent, cotangent * direction)[order]
    for i, expected in enumerate(_expected(name, order)):
        found = MP.mpf(float(high[i])) + MP.mpf(float(rest[i]))
        wanted = expected * MP.mpf(float(factors[i]))
        if abs(wanted) > 1e-280:
            assert _close(found, wanted, MP.mpf(2) ** -70), (x[i], found, wanted)


@pytest.mark.parametrize("name", sorted({name.partition(" ")[0] for name in DEFINITIONS}))
@pytest.mark.parametrize("order", ORDERS)
def test_a_formula_is_finite_over_the_whole_range(name, order):
    binades = 2.0 ** np.arange(-1022, 1024, dtype=np.float64)
    x = np.concatenate([-binades, binades])
    with np.errstate(all="ignore"):
        found = np.asarray(getattr(_formula(name), order)(NumpyMath, x), dtype=np.float64)
    assert np.isfinite(found).all()
    assert found.shape == x.shape


def test_every_formula_has_a_definition():
    formulas = {name for name, value in vars(truths).items() if hasattr(value, "curvature")}
    assert formulas == {name.partition(" ")[0] for name in DEFINITIONS}
