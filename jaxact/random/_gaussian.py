"""Normal samples from uniforms, bit for bit as torch's kernels compute them.

float32 follows torch's AVX2 kernel: Cephes polynomials (J. Pommier's sse_mathfun, zlib licence),
where every product that is used only in a sum becomes a fused multiply-add. On a processor without
AVX2 torch runs another kernel, which rounds the last digits differently. float64 calls the C
library, as torch does.
"""

import math
from collections.abc import Callable
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from jaxact.random._fused import affine, fused32

BLOCK = 16

_Array = NDArray[Any]

_SQRT_HALF = np.float32(0.707106781186547524)
_LOG = (
    *(7.0376836292e-2, -1.1514610310e-1, 1.1676998740e-1, -1.2420140846e-1, 1.4249322787e-1),
    *(-1.6668057665e-1, 2.0000714765e-1, -2.4999993993e-1, 3.3333331174e-1),
)
# log 2 in two parts; the first is short enough that its product with an exponent is exact.
_LOG_TWO = (np.float32(0.693359375), np.float32(-2.12194440e-4))
_SINE = (-1.9515295891e-4, 8.3321608736e-3, -1.6666654611e-1)
_COSINE = (2.443315711809948e-5, -1.388731625493765e-3, 4.166664568298827e-2)
_FOUR_OVER_PI = np.float32(1.27323954473516)
# -pi/4 in three parts
_QUARTER_TURN = (-0.78515625, -2.4187564849853515625e-4, -3.77489497744594108e-8)
_TURN = 2 * math.pi


def box_muller(uniforms: _Array, mean: float, std: float) -> _Array:
    """r cos θ · std + mean, r sin θ · std + mean, with r = sqrt(-2 log(1 - u)), θ = 2π v.

    Args:
        uniforms: [16 n] in [0, 1), float32 or float64; each block of 16 is 8 u and then 8 v.
        mean: unit of the result.
        std: unit of the result.

    Returns:
        [16 n]; each block of 16 is 8 cosines and then 8 sines.
    """
    pairs = uniforms.reshape(-1, 2, BLOCK // 2)
    u, v = np.ascontiguousarray(pairs[:, 0]), np.ascontiguousarray(pairs[:, 1])
    polar = _polar64 if uniforms.dtype == np.float64 else _polar32
    radius, sine, cosine = polar(1 - u, v)
    normal = np.empty_like(pairs)
    np.multiply(radius, cosine, out=normal[:, 0])
    np.multiply(radius, sine, out=normal[:, 1])
    kind = uniforms.dtype.type
    return affine(normal.reshape(-1), kind(std), kind(mean))


def polar_pair(u: float, v: float) -> tuple[float, float]:
    """The pair of normal samples that torch draws at once if fewer than 16 are needed."""
    radius, angle = math.sqrt(-2 * math.log1p(-v)), _TURN * u
    return radius * math.cos(angle), radius * math.sin(angle)


def by_libm(function: Callable[[float], float], x: _Array) -> _Array:
    """Applies the C library's function to each element: numpy's log and log1p round differently."""
    return np.fromiter(map(function, cast(list[float], x.tolist())), np.float64, x.size)


def _polar64(u: _Array, v: _Array) -> tuple[_Array, _Array, _Array]:
    """sqrt(-2 log u), sin(2π v), cos(2π v)."""
    angle = (_TURN * v).reshape(-1)
    logarithm, sine, cosine = (
        by_libm(function, x).reshape(u.shape)
        for function, x in ((math.log, u.reshape(-1)), (math.sin, angle), (math.cos, angle))
    )
    return np.sqrt(-2 * logarithm), sine, cosine


def _polar32(u: _Array, v: _Array) -> tuple[_Array, _Array, _Array]:
    """sqrt(-2 log u), sin(2π v), cos(2π v)."""
    sine, cosine = _sine_and_cosine(np.float32(_TURN) * v)
    return np.sqrt(np.float32(-2) * _log(u)), sine, cosine


def _log(x: _Array) -> _Array:
    """log x for normal x > 0."""
    bits = x.view(np.int32)
    exponent = ((bits >> 23) - 126).astype(np.float32)
    fraction = ((bits & 0x007FFFFF) | 0x3F000000).view(np.float32)
    small = fraction < _SQRT_HALF
    exponent -= small
    t = (fraction - np.float32(1)) + np.where(small, fraction, np.float32(0))
    square = t * t
    series = _horner(_LOG, t) * t
    series = fused32(series, square, exponent * _LOG_TWO[1]) - square * np.float32(0.5)
    return fused32(exponent, _LOG_TWO[0], t + series)


def _sine_and_cosine(x: _Array) -> tuple[_Array, _Array]:
    """sin x, cos x for 0 ≤ x ≤ 2π."""
    octant = ((x * _FOUR_OVER_PI).astype(np.int32) + 1) & ~1
    turns = octant.astype(np.float32)
    for part in _QUARTER_TURN:
        x = fused32(turns, np.float32(part), x)
    square = x * x
    even = _horner(_COSINE, square) * square
    even = fused32(even, square, square * np.float32(-0.5)) + np.float32(1)
    odd = fused32(_horner(_SINE, square) * square, x, x)
    straight = (octant & 2) == 0
    sine, cosine = np.where(straight, odd, even), np.where(straight, even, odd)
    # Flip the sign bits: the sign of cos changes two octants before the sign of sin.
    sine.view(np.int32)[...] ^= (octant & 4) << 29
    cosine.view(np.int32)[...] ^= (~(octant - 2) & 4) << 29
    return sine, cosine


def _horner(coefficients: tuple[float, ...], x: _Array) -> _Array:
    """The polynomial with these coefficients, from the highest power down."""
    first, *others = (np.float32(c) for c in coefficients)
    total = np.full_like(x, first)
    for c in others:
        total = fused32(total, x, c)
    return total
