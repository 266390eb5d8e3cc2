"""The activations as real functions: value, slope and curvature in forms that lose no digits.

Every formula is written over a namespace `m` of elementary functions and runs on float64 arrays as
well as on single numbers of 60 digits. e = exp(-|x|) never overflows; sums of terms of one sign
lose nothing; where a difference is left, it is exact or it is where the function crosses zero.
At kinks torch decides, not these formulas.
"""

from __future__ import annotations

from typing import Any

from parity.spec import Formula

# Where exp(-x^2/2) is below every format's smallest number.
BEYOND_GAUSSIAN = 40
# Where exp(-2u) of the tanh form of gelu is below every format's smallest number.
BEYOND_CUBIC = 40


def _zero(m: Any, x: Any) -> Any:
    return x * 0


# ---------------------------------------------------------------------------------------- logistic


def _sigmoid(m: Any, x: Any) -> Any:
    e = m.exp(-m.absolute(x))
    return m.where(x >= 0, 1, e) / (1 + e)


def _sigmoid_slope(m: Any, x: Any) -> Any:
    e = m.exp(-m.absolute(x))
    return e / (1 + e) ** 2


def _sigmoid_curvature(m: Any, x: Any) -> Any:
    return -_sigmoid_slope(m, x) * m.tanh(x / 2)


def _logsigmoid(m: Any, x: Any) -> Any:
    return m.minimum(x, 0) - m.log1p(m.exp(-m.absolute(x)))


def _softplus(m: Any, x: Any, beta: Any = 1, threshold: Any = 20) -> Any:
    u = beta * x
    return m.where(u > threshold, x, -_logsigmoid(m, -u) / beta)


def _softplus_slope(m: Any, x: Any, beta: Any = 1, threshold: Any = 20) -> Any:
    u = beta * x
    return m.where(u > threshold, 1, _sigmoid(m, u))


def _softplus_curvature(m: Any, x: Any, beta: Any = 1, threshold: Any = 20) -> Any:
    u = beta * x
    return m.where(u > threshold, 0, beta * _sigmoid_slope(m, u))


sigmoid = Formula(value=_sigmoid, slope=_sigmoid_slope, curvature=_sigmoid_curvature)


def _logsigmoid_slope(m: Any, x: Any) -> Any:
    return _sigmoid(m, -x)


def _logsigmoid_curvature(m: Any, x: Any) -> Any:
    return -_sigmoid_slope(m, x)


logsigmoid = Formula(value=_logsigmoid, slope=_logsigmoid_slope, curvature=_logsigmoid_curvature)
softplus = Formula(value=_softplus, slope=_softplus_slope, curvature=_softplus_curvature)


# ------------------------------------------------------------------------------ hyperbolic tangent


def _sech_squared(m: Any, x: Any) -> Any:
    return 4 * _sigmoid_slope(m, 2 * x)


def _tanhshrink(m: Any, x: Any) -> Any:
    """X - tanh(x); near 0 the terms of its series, of which the first left out is below 1e-20."""
    small = m.where(m.absolute(x) < 0.0625, x, 0)
    s = small * small
    series = (17 * s / 315) - (62 * s * s / 2835) + (1382 * s * s * s / 155925)
    series -= 21844 * s**4 / 6081075 - 929569 * s**5 / 638512875
    series -= 6404582 * s**6 / 10854718875
    near = small * s / 3 - small * s * s * (m.number("2") / 15 - series)
    return m.where(m.absolute(x) < 0.0625, near, x - m.tanh(x))


def _tanh(m: Any, x: Any) -> Any:
    return m.tanh(x)


def _tanh_curvature(m: Any, x: Any) -> Any:
    return -2 * m.tanh(x) * _sech_squared(m, x)


tanh = Formula(value=_tanh, slope=_sech_squared, curvature=_tanh_curvature)


def _tanhshrink_slope(m: Any, x: Any) -> Any:
    return m.tanh(x) * m.tanh(x)


def _tanhshrink_curvature(m: Any, x: Any) -> Any:
    return 2 * m.tanh(x) * _sech_squared(m, x)


tanhshrink = Formula(value=_tanhshrink, slope=_tanhshrink_slope, curvature=_tanhshrink_curvature)


def _softsign(m: Any, x: Any) -> Any:
    return x / (1 + m.absolute(x))


def _softsign_slope(m: Any, x: Any) -> Any:
    return 1 / (1 + m.absolute(x)) ** 2


def _softsign_curvature(m: Any, x: Any) -> Any:
    return -2 * m.sign(x) / (1 + m.absolute(x)) ** 3


softsign = Formula(value=_softsign, slope=_softsign_slope, curvature=_softsign_curvature)


# ------------------------------------------------------------------------------------- exponential


def _elu(m: Any, x: Any, alpha: Any = 1) -> Any:
    return m.where(x > 0, x, alpha * m.expm1(m.minimum(x, 0)))


def _elu_slope(m: Any, x: Any, alpha: Any = 1) -> Any:
    return m.where(x > 0, 1, alpha * m.exp(m.minimum(x, 0)))


def _elu_curvature(m: Any, x: Any, alpha: Any = 1) -> Any:
    return m.where(x > 0, 0, alpha * m.exp(m.minimum(x, 0)))


def _celu(m: Any, x: Any, alpha: Any = 1) -> Any:
    return m.where(x > 0, x, alpha * m.expm1(m.minimum(x, 0) / alpha))


def _celu_slope(m: Any, x: Any, alpha: Any = 1) -> Any:
    return m.where(x > 0, 1, m.exp(m.minimum(x, 0) / alpha))


def _celu_curvature(m: Any, x: Any, alpha: Any = 1) -> Any:
    return m.where(x > 0, 0, m.exp(m.minimum(x, 0) / alpha) / alpha)


# torch's constants: the float64 numbers, which the paper's longer ones round to.
SELU_ALPHA = "1.6732632423543772848170429916717"
SELU_SCALE = "1.0507009873554804934193349852946"


def _selu(m: Any, x: Any) -> Any:
    return m.number(SELU_SCALE) * _elu(m, x, m.number(SELU_ALPHA))


def _selu_slope(m: Any, x: Any) -> Any:
    return m.number(SELU_SCALE) * _elu_slope(m, x, m.number(SELU_ALPHA))


def _selu_curvature(m: Any, x: Any) -> Any:
    return m.number(SELU_SCALE) * _elu_curvature(m, x, m.number(SELU_ALPHA))


elu = Formula(value=_elu, slope=_elu_slope, curvature=_elu_curvature)
celu = Formula(value=_celu, slope=_celu_slope, curvature=_celu_curvature)
selu = Formula(value=_selu, slope=_selu_slope, curvature=_selu_curvature)


# ------------------------------------------------------------------------------------------- gated


def _swish(m: Any, x: Any, beta: Any = 1) -> Any:
    return x * _sigmoid(m, beta * x)


def _swish_slope(m: Any, x: Any, beta: Any = 1) -> Any:
    u = beta * x
    return _sigmoid(m, u) * (1 + u * _sigmoid(m, -u))


def _swish_curvature(m: Any, x: Any, beta: Any = 1) -> Any:
    u = beta * x
    return beta * _sigmoid_slope(m, u) * (2 - u * m.tanh(u / 2))


def _mish_gate(m: Any, x: Any) -> tuple[Any, Any, Any]:
    """tanh(softplus(x)) = n(n + 2)/(n(n + 2) + 2) with n = exp(x), its slope and its curvature."""
    e = m.exp(-m.absolute(x))
    left = x < 0
    d = m.where(left, e * (e + 2) + 2, 1 + 2 * e + 2 * e * e)
    gate = m.where(left, e * (e + 2), 1 + 2 * e) / d
    slope = 4 * m.where(left, e * (e + 1), e * e * (1 + e)) / d**2
    bend_left = e * (2 + 2 * e - 3 * e * e - 2 * e**3)
    bend_right = e * e * (2 * e**3 + 2 * e * e - 3 * e - 2)
    return gate, slope, 4 * m.where(left, bend_left, bend_right) / d**3


def _mish_slope(m: Any, x: Any) -> Any:
    gate, slope, _ = _mish_gate(m, x)
    return gate + x * slope


def _mish_curvature(m: Any, x: Any) -> Any:
    _, slope, bend = _mish_gate(m, x)
    return 2 * slope + x * bend


def _near_zero(m: Any, x: Any, bound: int) -> Any:
    return m.minimum(m.maximum(x, -bound), bound)


def _gelu(m: Any, x: Any, approximate: str = "none") -> Any:
    if approximate == "tanh":
        return x * _sigmoid(m, _cubic(m, x)[0])
    bounded = m.maximum(x, -BEYOND_GAUSSIAN)
    return m.where(x > 0, x, bounded) * m.normal_cdf(m.minimum(bounded, BEYOND_GAUSSIAN))


def _gelu_slope(m: Any, x: Any, approximate: str = "none") -> Any:
    if approximate == "tanh":
        u, u1, _ = _cubic(m, x)
        bounded = _near_zero(m, x, BEYOND_CUBIC)
        return _sigmoid(m, u) * (1 + bounded * u1 * _sigmoid(m, -u))
    bounded = _near_zero(m, x, BEYOND_GAUSSIAN)
    return m.normal_cdf(bounded) + bounded * m.normal_pdf(bounded)


def _gelu_curvature(m: Any, x: Any, approximate: str = "none") -> Any:
    if approximate == "tanh":
        u, u1, u2 = _cubic(m, x)
        bounded = _near_zero(m, x, BEYOND_CUBIC)
        inner = 2 * u1 + bounded * (u2 - u1 * u1 * m.tanh(u / 2))
        return _sigmoid_slope(m, u) * inner
    bounded = _near_zero(m, x, BEYOND_GAUSSIAN)
    return m.normal_pdf(bounded) * (2 - bounded * bounded)


def _cubic(m: Any, x: Any) -> tuple[Any, Any, Any]:
    """U = 2 sqrt(2/pi) (x + 0.044715 x^3), so that gelu's tanh form is x sigmoid(u); u', u''."""
    x = _near_zero(m, x, BEYOND_CUBIC)
    scale = m.number("1.595769121605730711759784118262587") * x
    c = m.number("0.044715")
    first = m.number("1.595769121605730711759784118262587") * (1 + 3 * c * x * x)
    return scale * (1 + c * x * x), first, 6 * c * scale


silu = Formula(value=_swish, slope=_swish_slope, curvature=_swish_curvature)
swish = silu


def _mish(m: Any, x: Any) -> Any:
    return x * _mish_gate(m, x)[0]


mish = Formula(value=_mish, slope=_mish_slope, curvature=_mish_curvature)
gelu = Formula(value=_gelu, slope=_gelu_slope, curvature=_gelu_curvature)


# ----------------------------------------------------------------------------- piecewise quadratic


def _between(m: Any, x: Any, inside: Any, outside: Any) -> Any:
    return m.where((x > -3) & (x < 3), inside, outside)


def _ramp(m: Any, x: Any) -> Any:
    return m.minimum(m.maximum(x + 3, 0), 6)


def _hardswish(m: Any, x: Any) -> Any:
    return m.where(x >= 3, x, m.maximum(x, -3) * _ramp(m, m.minimum(x, 3)) / 6)


def _hardsigmoid(m: Any, x: Any) -> Any:
    return _ramp(m, x) / 6


def _hardsigmoid_slope(m: Any, x: Any) -> Any:
    return _between(m, x, m.number("1") / 6, 0)


hardsigmoid = Formula(value=_hardsigmoid, slope=_hardsigmoid_slope, curvature=_zero)


def _hardswish_slope(m: Any, x: Any) -> Any:
    return _between(m, x, (2 * x + 3) / 6, m.where(x > 0, 1, 0))


def _hardswish_curvature(m: Any, x: Any) -> Any:
    return _between(m, x, m.number("1") / 3, 0)


hardswish = Formula(value=_hardswish, slope=_hardswish_slope, curvature=_hardswish_curvature)
