"""The activations as real functions: value, slope and curvature in forms that lose no digits.

Every formula takes a namespace `m` of elementary functions and runs on float64 arrays as well as on
single numbers of 60 digits. e = exp(-|x|) never overflows, and sums of terms of one sign lose no
digits; the remaining differences are exact, or belong to points where the function crosses zero.
At kinks torch decides, not these formulas.
"""
# pyright: basic

from __future__ import annotations

from parity.spec import Formula

# From here on exp(-x^2/2), and exp(-2u) of gelu's tanh form, are below every format's numbers.
BEYOND = 40


# ---------------------------------------------------------------------------------------- logistic


def _sigmoid(m, x):
    e = m.exp(-m.absolute(x))
    return m.where(x >= 0, 1, e) / (1 + e)


def _sigmoid_slope(m, x):
    e = m.exp(-m.absolute(x))
    return e / (1 + e) ** 2


def _logsigmoid(m, x):
    return m.minimum(x, 0) - m.log1p(m.exp(-m.absolute(x)))


def _softplus(m, x, beta=1, threshold=20):
    return m.where(beta * x > threshold, x, -_logsigmoid(m, -beta * x) / beta)


def _softplus_slope(m, x, beta=1, threshold=20):
    return m.where(beta * x > threshold, 1, _sigmoid(m, beta * x))


def _softplus_curvature(m, x, beta=1, threshold=20):
    return m.where(beta * x > threshold, 0, beta * _sigmoid_slope(m, beta * x))


sigmoid = Formula(
    value=_sigmoid,
    slope=_sigmoid_slope,
    curvature=lambda m, x: -_sigmoid_slope(m, x) * m.tanh(x / 2),
)
logsigmoid = Formula(
    value=_logsigmoid,
    slope=lambda m, x: _sigmoid(m, -x),
    curvature=lambda m, x: -_sigmoid_slope(m, x),
)
softplus = Formula(value=_softplus, slope=_softplus_slope, curvature=_softplus_curvature)


# ------------------------------------------------------------------------------ hyperbolic tangent


def _sech_squared(m, x):
    return 4 * _sigmoid_slope(m, 2 * x)


def _tanhshrink(m, x):
    """The value x - tanh(x); near 0 by its series, whose first omitted term is below 1e-20."""
    small = m.where(m.absolute(x) < 0.0625, x, 0)
    s = small * small
    series = (17 * s / 315) - (62 * s * s / 2835) + (1382 * s * s * s / 155925)
    series -= 21844 * s**4 / 6081075 - 929569 * s**5 / 638512875
    series -= 6404582 * s**6 / 10854718875
    near = small * s / 3 - small * s * s * (m.number("2") / 15 - series)
    return m.where(m.absolute(x) < 0.0625, near, x - m.tanh(x))


tanh = Formula(
    value=lambda m, x: m.tanh(x),
    slope=_sech_squared,
    curvature=lambda m, x: -2 * m.tanh(x) * _sech_squared(m, x),
)
tanhshrink = Formula(
    value=_tanhshrink,
    slope=lambda m, x: m.tanh(x) * m.tanh(x),
    curvature=lambda m, x: 2 * m.tanh(x) * _sech_squared(m, x),
)
softsign = Formula(
    value=lambda m, x: x / (1 + m.absolute(x)),
    slope=lambda m, x: 1 / (1 + m.absolute(x)) ** 2,
    curvature=lambda m, x: -2 * m.sign(x) / (1 + m.absolute(x)) ** 3,
)


# ------------------------------------------------------------------------------------- exponential

# torch's constants: the float64 numbers to which the paper's longer ones round.
SELU_ALPHA = "1.6732632423543772848170429916717"
SELU_SCALE = "1.0507009873554804934193349852946"


def _of_selu(part):
    """elu's formula with selu's constants."""
    return lambda m, x: m.number(SELU_SCALE) * part(m, x, m.number(SELU_ALPHA))


elu = Formula(
    value=lambda m, x, alpha=1: m.where(x > 0, x, alpha * m.expm1(m.minimum(x, 0))),
    slope=lambda m, x, alpha=1: m.where(x > 0, 1, alpha * m.exp(m.minimum(x, 0))),
    curvature=lambda m, x, alpha=1: m.where(x > 0, 0, alpha * m.exp(m.minimum(x, 0))),
)
celu = Formula(
    value=lambda m, x, alpha=1: m.where(x > 0, x, alpha * m.expm1(m.minimum(x, 0) / alpha)),
    slope=lambda m, x, alpha=1: m.where(x > 0, 1, m.exp(m.minimum(x, 0) / alpha)),
    curvature=lambda m, x, alpha=1: m.where(x > 0, 0, m.exp(m.minimum(x, 0) / alpha) / alpha),
)
selu = Formula(
    value=_of_selu(elu.value), slope=_of_selu(elu.slope), curvature=_of_selu(elu.curvature)
)


# ------------------------------------------------------------------------------------------- gated


def _swish_slope(m, x, beta=1):
    u = beta * x
    return _sigmoid(m, u) * (1 + u * _sigmoid(m, -u))


def _swish_curvature(m, x, beta=1):
    u = beta * x
    return beta * _sigmoid_slope(m, u) * (2 - u * m.tanh(u / 2))


def _mish_gate(m, x):
    """tanh(softplus(x)) = n(n + 2)/(n(n + 2) + 2) with n = exp(x), its slope and its curvature."""
    e = m.exp(-m.absolute(x))
    left = x < 0
    d = m.where(left, e * (e + 2) + 2, 1 + 2 * e + 2 * e * e)
    gate = m.where(left, e * (e + 2), 1 + 2 * e) / d
    slope = 4 * m.where(left, e * (e + 1), e * e * (1 + e)) / d**2
    bend_left = e * (2 + 2 * e - 3 * e * e - 2 * e**3)
    bend_right = e * e * (2 * e**3 + 2 * e * e - 3 * e - 2)
    return gate, slope, 4 * m.where(left, bend_left, bend_right) / d**3


def _mish_slope(m, x):
    gate, slope, _ = _mish_gate(m, x)
    return gate + x * slope


def _mish_curvature(m, x):
    _, slope, bend = _mish_gate(m, x)
    return 2 * slope + x * bend


def _near_zero(m, x):
    return m.minimum(m.maximum(x, -BEYOND), BEYOND)


def _cubic(m, x):
    """gelu's tanh form is x sigmoid(u): u = 2 sqrt(2/pi) (x + 0.044715 x^3), u' and u''."""
    linear, c = m.number("1.595769121605730711759784118262587"), m.number("0.044715")
    return linear * x * (1 + c * x * x), linear * (1 + 3 * c * x * x), 6 * c * linear * x


def _gelu(m, x, approximate="none"):
    if approximate == "tanh":
        return x * _sigmoid(m, _cubic(m, _near_zero(m, x))[0])
    return m.maximum(x, -BEYOND) * m.normal_cdf(_near_zero(m, x))


def _gelu_slope(m, x, approximate="none"):
    bounded = _near_zero(m, x)
    if approximate == "tanh":
        u, u1, _ = _cubic(m, bounded)
        return _sigmoid(m, u) * (1 + bounded * u1 * _sigmoid(m, -u))
    return m.normal_cdf(bounded) + bounded * m.normal_pdf(bounded)


def _gelu_curvature(m, x, approximate="none"):
    bounded = _near_zero(m, x)
    if approximate == "tanh":
        u, u1, u2 = _cubic(m, bounded)
        return _sigmoid_slope(m, u) * (2 * u1 + bounded * (u2 - u1 * u1 * m.tanh(u / 2)))
    return m.normal_pdf(bounded) * (2 - bounded * bounded)


silu = swish = Formula(
    value=lambda m, x, beta=1: x * _sigmoid(m, beta * x),
    slope=_swish_slope,
    curvature=_swish_curvature,
)
mish = Formula(
    value=lambda m, x: x * _mish_gate(m, x)[0], slope=_mish_slope, curvature=_mish_curvature
)
gelu = Formula(value=_gelu, slope=_gelu_slope, curvature=_gelu_curvature)


# ----------------------------------------------------------------------------- piecewise quadratic


def _between(m, x, inside, outside):
    return m.where((x > -3) & (x < 3), inside, outside)


def _ramp(m, x):
    return m.minimum(m.maximum(x + 3, 0), 6) / 6


hardsigmoid = Formula(
    value=_ramp,
    slope=lambda m, x: _between(m, x, m.number("1") / 6, 0),
    # This holds at infinity too; at nan torch's slope is 0, as everywhere outside the interval.
    curvature=lambda m, x: _between(m, x, 0, 0),
)
hardswish = Formula(
    value=lambda m, x: m.where(x >= 3, x, m.maximum(x, -3) * _ramp(m, m.minimum(x, 3))),
    slope=lambda m, x: _between(m, x, (2 * x + 3) / 6, m.where(x > 0, 1, 0)),
    curvature=lambda m, x: _between(m, x, m.number("1") / 3, 0),
)
