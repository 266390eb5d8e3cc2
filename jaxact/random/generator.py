"""A generator that draws the same numbers as torch on a CPU."""

import math
import operator
from collections.abc import Callable
from typing import SupportsIndex

import numpy as np
from jax.typing import ArrayLike
from numpy.typing import DTypeLike, NDArray

from jaxact._arguments import any_dtype
from jaxact._numbers import is_number
from jaxact.errors import ArgumentValueError, DtypeError
from jaxact.random._arguments import (
    FLOATING,
    Array,
    Dtype,
    Shape,
    bounds,
    check_seed,
    floating,
    inwards,
    largest,
    numeric,
    rounded,
    sizes,
    wide,
)
from jaxact.random._engine import Engine
from jaxact.random._fused import affine
from jaxact.random._gaussian import BLOCK, box_muller, by_libm, polar_pair
from jaxact.random._shuffle import inserted, swapped

__all__ = ["TorchGenerator"]

# Samples computed at a time, so that intermediate arrays stay in the processor's cache.
_PART = 1 << 15
# For integer ranges, and permutation lengths, of at least these sizes torch draws 64-bit integers.
_WIDE_RANGE = 1 << 28
_LONG_PERMUTATION = ((1 << 32) - 1) // 20
# For intervals of at most this probability, torch proposes uniform instead of normal samples.
_LIKELY = 0.3
# The largest expected number of rounds of rejection that is accepted.
_ROUNDS = 100_000


class TorchGenerator:
    """TorchGenerator(seed) = the random stream of torch's CPU after torch.manual_seed(seed).

    Each method draws, bit for bit, the numbers that the torch function of the same name draws into
    a new contiguous tensor, and leaves the stream at the same position. The bits are those of torch
    on x86 processors with AVX2. On other processors torch itself rounds differently: without fused
    multiply-add `uniform` differs in the last digit, and float32 normal samples by up to 2e-6. The
    position in the stream is the same on all processors.

    Results are numpy arrays. The generator is a state, not a key: every call advances it, and under
    jit it would draw only once, while tracing.

    Args:
        seed: in [-2^63, 2^64), dimensionless; a negative seed counts down from 2^64.

    Raises:
        ArgumentTypeError: if seed is not an integer.
        ArgumentValueError: if seed is out of range.

    Source:
        M. Matsumoto and T. Nishimura, Mersenne Twister, 1998. torch.Generator, torch 2.13.
    """

    def __init__(self, seed: SupportsIndex) -> None:
        self._engine = Engine(check_seed(seed))

    # ------------------------------------------------------------------------------------- state

    def initial_seed(self) -> int:
        """initial_seed() = the seed, as an unsigned 64-bit number.

        Returns:
            in [0, 2^64), dimensionless.

        Source:
            torch.Generator.initial_seed, torch 2.13.
        """
        return self._engine.seed

    def manual_seed(self, seed: SupportsIndex) -> "TorchGenerator":
        """manual_seed(seed) = this generator, as if newly created with the seed.

        Args:
            seed: in [-2^63, 2^64), dimensionless.

        Returns:
            the generator itself.

        Raises:
            ArgumentTypeError: if seed is not an integer.
            ArgumentValueError: if seed is out of range.

        Source:
            torch.Generator.manual_seed, torch 2.13.
        """
        self._engine = Engine(check_seed(seed))
        return self

    def get_state(self) -> NDArray[np.uint8]:
        """get_state() = the bytes that torch.get_rng_state() returns at this point of the stream.

        Returns:
            [5056] bytes, for `set_state` or, as a tensor, for torch.set_rng_state.

        Source:
            torch.Generator.get_state, torch 2.13.
        """
        return self._engine.state()

    def set_state(self, state: ArrayLike) -> None:
        """set_state(state): continues at the point where `get_state` or torch returned the bytes.

        Args:
            state: [5056] of uint8, dimensionless.

        Raises:
            ArgumentTypeError: if state is not an array of uint8.
            ArgumentValueError: if state is not a state of torch's CPU generator.

        Source:
            torch.Generator.set_state, torch 2.13.
        """
        self._engine.restore(np.asarray(state))

    # -------------------------------------------------------------------------------- continuous

    def rand(self, shape: Shape, dtype: DTypeLike = np.float32) -> Array:
        """rand(shape) = u, uniform on [0, 1).

        Args:
            shape: the shape of the result.
            dtype: floating. float32 has 24 random bits, float64 has 53; half precision is float32
                rounded, with 0 in place of 1.

        Returns:
            [...] of dtype, dimensionless.

        Raises:
            DtypeError: if dtype is not floating.

        Source:
            torch.rand, torch 2.13.
        """
        return self._uniform("rand", shape, 0.0, 1.0, dtype)

    def uniform(
        self, shape: Shape, low: float = 0.0, high: float = 1.0, dtype: DTypeLike = np.float32
    ) -> Array:
        """uniform(shape, low, high) = low + (high - low) u, rounded once; low replaces high.

        Args:
            shape: the shape of the result.
            low: unit of the result; the least value.
            high: unit of the result; exceeds every value, unless high = low.
            dtype: floating; see `rand`.

        Returns:
            [...] of dtype, unit of low.

        Raises:
            ArgumentValueError: if low > high, or low, high or high - low exceeds dtype's range.
            DtypeError: if dtype is not floating.

        Source:
            torch.Tensor.uniform_, torch 2.13.
        """
        return self._uniform("uniform", shape, low, high, dtype)

    def randn(self, shape: Shape, dtype: DTypeLike = np.float32) -> Array:
        """randn(shape) = z, normal of mean 0 and variance 1.

        Args:
            shape: the shape of the result.
            dtype: floating; half precision is float32 rounded.

        Returns:
            [...] of dtype, dimensionless.

        Raises:
            DtypeError: if dtype is not floating.

        Source:
            G. E. P. Box and M. E. Muller, 1958. torch.randn, torch 2.13.
        """
        return self._normal("randn", shape, 0.0, 1.0, dtype)

    def normal(
        self, shape: Shape, mean: float = 0.0, std: float = 1.0, dtype: DTypeLike = np.float32
    ) -> Array:
        """normal(shape, mean, std) = mean + std z, rounded once.

        Args:
            shape: the shape of the result.
            mean: unit of the result.
            std: unit of the result; the standard deviation, not negative.
            dtype: floating; see `randn`.

        Returns:
            [...] of dtype, unit of mean.

        Raises:
            ArgumentValueError: if std is negative or nan.
            DtypeError: if dtype is not floating.

        Source:
            torch.Tensor.normal_, torch 2.13.
        """
        if not std >= 0:
            raise ArgumentValueError(f"normal: std must be at least 0, got {std}")
        return self._normal("normal", shape, mean, std, dtype)

    def trunc_normal(
        self,
        shape: Shape,
        mean: float = 0.0,
        std: float = 1.0,
        a: float = -2.0,
        b: float = 2.0,
        dtype: DTypeLike = np.float32,
    ) -> Array:
        """trunc_normal(shape, mean, std, a, b) = mean + std z, redrawn until it lies in [a, b].

        Each round of rejection draws the whole shape again, as in torch. If [a, b] has a
        probability of 0.3 or less, proposals are uniform; a proposal is rejected if the log of
        another uniform number exceeds the log density. torch's float32 log has an error of 1 ulp
        for 7 % of all u, which is not imitated: about 1 proposal in 10^8 is so close to the limit
        that torch decides differently.

        Args:
            shape: the shape of the result.
            mean: unit of the result; the mean of the normal distribution before truncation.
            std: unit of the result; its standard deviation before truncation.
            a: unit of the result; the least value.
            b: unit of the result; the greatest value.
            dtype: floating; see `randn`.

        Returns:
            [...] of dtype, unit of mean.

        Raises:
            ArgumentValueError: if a > b, if a or b exceeds dtype's range, or if [a, b] is so
                improbable that more than 100,000 rounds are expected, which take minutes.
            ZeroDivisionError: if std is 0.
            DtypeError: if dtype is not floating.

        Source:
            torch.nn.init.trunc_normal_, torch 2.13.
        """
        kind = floating("trunc_normal", dtype)
        lengths = sizes("trunc_normal", shape)
        if _below((b - mean) / std) - _below((a - mean) / std) > _LIKELY:
            return self._cut_normal(lengths, mean, std, (a, b), kind)
        _check_rounds(math.prod(lengths), mean, std, (a, b))
        return self._accepted_uniform(lengths, mean, std, (a, b), kind)

    def exponential(self, shape: Shape, lambd: float = 1.0, dtype: DTypeLike = np.float32) -> Array:
        """exponential(shape, lambd) = -log(1 - u) / lambd.

        Args:
            shape: the shape of the result.
            lambd: inverse of the unit of the result; the rate, positive.
            dtype: floating; computed in float64 and rounded.

        Returns:
            [...] of dtype, unit of 1 / lambd.

        Raises:
            ArgumentValueError: if lambd is not positive.
            DtypeError: if dtype is not floating.

        Source:
            torch.Tensor.exponential_, torch 2.13.
        """
        kind = floating("exponential", dtype)
        if not lambd > 0:
            raise ArgumentValueError(f"exponential: lambd must be positive, got {lambd}")

        def draw(count: int) -> Array:
            logarithm = by_libm(math.log1p, -self._engine.uniforms(count, np.dtype(np.float64)))
            return rounded(-1 / lambd * logarithm, kind)

        return _filled(sizes("exponential", shape), kind, draw)

    # ---------------------------------------------------------------------------------- discrete

    def bernoulli(self, shape: Shape, p: ArrayLike = 0.5, dtype: DTypeLike = np.float32) -> Array:
        """bernoulli(shape, p) = 1 where u < p, else 0.

        Args:
            shape: the shape of the result, which p broadcasts to.
            p: [...] or a number, dimensionless; the probability of a 1. For a number or a float64
                array u has 53 bits, for an array of another dtype 24: torch's rule for
                `tensor.bernoulli_(p)` and `torch.bernoulli(tensor)`.
            dtype: any.

        Returns:
            [...] of dtype, dimensionless.

        Raises:
            ArgumentValueError: if p is outside [0, 1].
            DtypeError: if p is an array of a dtype that is not floating.

        Source:
            torch.Tensor.bernoulli_ and torch.bernoulli, torch 2.13.
        """
        known = is_number(p)
        chance = np.asarray(p, np.float64) if known else np.asarray(p)
        precision = wide(floating("bernoulli", chance.dtype, "p"))
        if not np.all((chance >= 0) & (chance <= 1)):
            offending = chance[~((chance >= 0) & (chance <= 1))].flat[0]
            raise ArgumentValueError(f"bernoulli: p must be in [0, 1], got {offending}")
        lengths = sizes("bernoulli", shape)
        chances = np.broadcast_to(chance.astype(precision), lengths)
        if not known:
            drawn = self._engine.uniforms(chances.size, precision).reshape(lengths)
            return (drawn < chances).astype(dtype)
        kind = any_dtype("bernoulli", "dtype", dtype)
        return _filled(lengths, kind, lambda n: self._engine.uniforms(n, precision) < chance)

    def dropout_mask(self, shape: Shape, p: float = 0.5, dtype: DTypeLike = np.float32) -> Array:
        """dropout_mask(shape, p) = 0 with probability p, else 1 / (1 - p): dropout's factors.

        For the feature variants the shape is that of the input with length 1 for each shared axis,
        [n, c, 1, ...]. In float16, 1 / (1 - p) is infinite for p > 1 - 1 / 65504, as in torch.

        Args:
            shape: the shape of the result.
            p: dimensionless, in [0, 1]; 0 and 1 draw nothing.
            dtype: floating; the dtype of dropout's input.

        Returns:
            [...] of dtype, dimensionless.

        Raises:
            ArgumentValueError: if p is outside [0, 1].
            DtypeError: if dtype is not floating.

        Source:
            torch.nn.functional.dropout, torch 2.13.
        """
        kind = floating("dropout_mask", dtype)
        if not 0 <= p <= 1:
            raise ArgumentValueError(f"dropout_mask: p must be in [0, 1], got {p}")
        if p in (0, 1):
            return np.full(sizes("dropout_mask", shape), 1 - p, kind)
        precise = wide(kind).type
        with np.errstate(over="ignore"):  # float16 overflows for p > 1 - 1 / 65504, as in torch.
            scale = (precise(1) / precise(1 - p)).astype(kind)
        # Assign instead of multiplying: 0 times infinity is nan.
        mask = np.zeros(sizes("dropout_mask", shape), kind)
        mask[self.bernoulli(shape, 1 - p, bool)] = scale
        return mask

    def randint(self, low: int, high: int, shape: Shape, dtype: DTypeLike = np.int64) -> Array:
        """randint(low, high, shape) = low + r mod (high - low).

        r has 32 bits, or 64 if high - low is 2^28 or more. For a floating dtype, low and high first
        move inwards until rounding cannot leave [low, high).

        Args:
            low: dimensionless; the least value.
            high: dimensionless; exceeds every value.
            shape: the shape of the result.
            dtype: integer, boolean or floating.

        Returns:
            [...] of dtype, dimensionless.

        Raises:
            ArgumentValueError: if low >= high, or low or high - 1 exceeds dtype's range.
            DtypeError: if dtype is complex or not numeric.

        Source:
            torch.randint and torch.Tensor.random_, torch 2.13.
        """
        kind = numeric("randint", dtype)
        least, end = operator.index(low), operator.index(high)
        if kind in FLOATING:
            least, end = inwards(least, end, kind)
        if not least < end:
            raise ArgumentValueError(f"randint: low must be less than high, got {low} and {high}")
        lowest, greatest = bounds(kind)
        if not (lowest <= least and end - 1 <= greatest):
            raise ArgumentValueError(
                f"randint: low and high must be within {lowest} and {greatest} for {kind.name}, "
                f"got {low} and {high}"
            )
        span, offset = end - least, np.uint64(least % (1 << 64))

        def draw(count: int) -> Array:
            return rounded(
                ((self._bits(count, span >= _WIDE_RANGE) % span) + offset).view(np.int64), kind
            )

        return _filled(sizes("randint", shape), kind, draw)

    def random(self, shape: Shape, dtype: DTypeLike = np.int64) -> Array:
        """random(shape) = an integer from 0 to the greatest value of the dtype.

        For a floating dtype of d digits the greatest value is 2^d: it holds every integer up to
        2^d.

        Args:
            shape: the shape of the result.
            dtype: integer of up to 64 bits (unsigned: 8 bits only), boolean or floating.

        Returns:
            [...] of dtype, dimensionless.

        Raises:
            DtypeError: if torch has no kernel for dtype.

        Source:
            torch.Tensor.random_, torch 2.13.
        """
        kind = numeric("random", dtype)
        if kind.kind == "u" and kind.itemsize > 1:
            raise DtypeError(
                f"random: dtype must be none of uint16, uint32, uint64, got {kind.name}"
            )
        greatest = 1 << FLOATING[kind] if kind in FLOATING else bounds(kind)[1]
        long = kind.type in (np.int64, np.float64)

        def draw(count: int) -> Array:
            return rounded((self._bits(count, long) % (greatest + 1)).view(np.int64), kind)

        return _filled(sizes("random", shape), kind, draw)

    def randperm(self, n: int, dtype: DTypeLike = np.int64) -> Array:
        """randperm(n) = 0 ... n-1 in random order.

        Args:
            n: dimensionless; the length, not negative.
            dtype: integer or floating, with n - 1 in its range.

        Returns:
            [n] of dtype, dimensionless.

        Raises:
            ArgumentValueError: if n is negative or exceeds dtype's range.
            DtypeError: if dtype is boolean, complex or not numeric.

        Source:
            R. Durstenfeld, Algorithm 235, 1964. torch.randperm, torch 2.13.
        """
        kind, length = numeric("randperm", dtype), operator.index(n)
        greatest = 1 << FLOATING[kind] if kind in FLOATING else bounds(kind)[1]
        if not 0 <= length <= greatest:
            raise ArgumentValueError(
                f"randperm: n must be in [0, {greatest}] for {kind.name}, got {length}"
            )
        steps = np.arange(length, dtype=np.uint64)
        if length >= _LONG_PERMUTATION:
            places = self._engine.double_words(length) % (steps + 1)
            return inserted(places.view(np.int64)).astype(kind)
        places = steps
        places[:-1] += self._engine.words(max(length - 1, 0)) % (length - steps[:-1])
        return swapped(places.view(np.int64)).astype(kind)

    # ------------------------------------------------------------------------------------- parts

    def _bits(self, count: int, long: bool) -> NDArray[np.uint64]:
        """The next `count` integers, of 64 bits if `long`, else of 32."""
        if long:
            return self._engine.double_words(count)
        return self._engine.words(count).astype(np.uint64)

    def _uniform(
        self, method: str, shape: Shape, low: float, high: float, dtype: DTypeLike
    ) -> Array:
        kind = floating(method, dtype)
        _check_interval(method, low, high, kind)
        precision = wide(kind)
        least, end = precision.type(low), precision.type(high)

        def draw(count: int) -> Array:
            drawn = self._engine.uniforms(count, precision)
            values = affine(drawn, end - least, least).astype(kind, copy=False)
            values[values == end.astype(kind)] = least.astype(kind)
            return values

        return _filled(sizes(method, shape), kind, draw)

    def _normal(
        self, method: str, shape: Shape, mean: float, std: float, dtype: DTypeLike
    ) -> Array:
        kind = floating(method, dtype)
        lengths = sizes(method, shape)
        count = math.prod(lengths)
        if count < BLOCK:
            return self._few_normal(count, mean, std, kind).reshape(lengths)
        precision = wide(kind)

        def draw(size: int) -> Array:
            drawn = self._engine.uniforms(size, precision)
            return box_muller(drawn, mean, std).astype(kind, copy=False)

        normal = _filled((count,), kind, draw, count - count % BLOCK)
        if count % BLOCK:
            # If the dtype is the compute dtype, torch first fills the whole tensor with uniforms.
            if kind == precision:
                self._engine.uniforms(count % BLOCK, precision)
            normal[-BLOCK:] = draw(BLOCK)
        return normal.reshape(lengths)

    def _few_normal(self, count: int, mean: float, std: float, kind: Dtype) -> Array:
        """Fewer than 16 samples: drawn in pairs in float64; an unused second one is kept."""
        normal = np.empty(count)
        for index in range(count):
            if self._engine.spare is None:
                u, v = self._engine.uniforms(2, np.dtype(np.float64))
                normal[index], self._engine.spare = polar_pair(float(u), float(v))
            else:
                normal[index], self._engine.spare = self._engine.spare, None
        return rounded(affine(normal, np.float64(std), np.float64(mean)), kind)

    def _cut_normal(
        self, shape: Shape, mean: float, std: float, ends: tuple[float, float], kind: Dtype
    ) -> Array:
        """Normal samples, redrawn where they are outside the ends."""
        low, high = rounded(np.array(ends), kind)
        result = self._normal("trunc_normal", shape, mean, std, kind)
        while True:
            outside = (result < low) | (result > high)
            if not outside.any():
                return result
            again = self._normal("trunc_normal", shape, mean, std, kind)
            result = np.where(outside, again, result)

    def _accepted_uniform(
        self, shape: Shape, mean: float, std: float, ends: tuple[float, float], kind: Dtype
    ) -> Array:
        """Uniform samples, redrawn where the log of a second uniform exceeds the log density."""
        low, high = ends
        mode = max(low, min(mean, high))
        peak = -0.5 * ((mode - mean) / std) ** 2
        result = self._uniform("trunc_normal", shape, low, high, kind)
        rejected = self._log_uniform(shape, kind) > _log_density(result, mean, std, peak)
        while rejected.any():
            again = self._uniform("trunc_normal", shape, low, high, kind)
            result = np.where(rejected, again, result)
            rejected &= self._log_uniform(shape, kind) > _log_density(again, mean, std, peak)
        return result

    def _log_uniform(self, shape: Shape, kind: Dtype) -> Array:
        drawn = self._uniform("trunc_normal", shape, 0.0, 1.0, kind)
        with np.errstate(divide="ignore"):
            return rounded(np.log(drawn.astype(np.float64)), kind)


def _filled(
    shape: tuple[int, ...], kind: Dtype, draw: Callable[[int], Array], count: int | None = None
) -> Array:
    """An array of the shape, with its first `count` elements (None: all) drawn in parts."""
    flat = np.empty(math.prod(shape), kind)
    end = flat.size if count is None else count
    for start in range(0, end, _PART):
        stop = min(start + _PART, end)
        flat[start:stop] = draw(stop - start)
    return flat.reshape(shape)


def _check_interval(method: str, low: float, high: float, kind: Dtype) -> None:
    greatest = largest(kind)
    if not (abs(low) <= greatest and abs(high) <= greatest):
        raise ArgumentValueError(
            f"{method}: low and high must be finite in {kind.name}, got {low} and {high}"
        )
    if not low <= high:
        raise ArgumentValueError(f"{method}: low must not exceed high, got {low} and {high}")
    if not high - low <= greatest:
        raise ArgumentValueError(
            f"{method}: high - low must be finite in {kind.name}, got {low} and {high}"
        )


def _check_rounds(count: int, mean: float, std: float, ends: tuple[float, float]) -> None:
    """Raises if rejection would take too long.

    Let m be the distance of the density's peak in [a, b] from the mean, in units of std. The
    density falls from its peak like exp(-m d) or faster, so at most a fraction
    1 / (m (b - a) / std) of the proposals is accepted.
    """
    low, high = ends
    distance = abs(max(low, min(mean, high)) - mean) / std
    accepted = 1 / max((high - low) / std * max(distance, 1), 1)
    rounds = math.log(max(count, 2)) / accepted
    if rounds > _ROUNDS:
        raise ArgumentValueError(
            "trunc_normal: [a, b] must be less improbable for a TorchGenerator, got "
            f"[{low}, {high}] at mean {mean} and std {std}: about {rounds:.0f} rounds of "
            "rejection; a JAX key draws it at once"
        )


def _below(x: float) -> float:
    """The probability of a standard normal sample below x."""
    return (1.0 + math.erf(x / math.sqrt(2.0))) / 2.0


def _log_density(x: Array, mean: float, std: float, peak: float) -> Array:
    """-((x - mean) / std)^2 / 2 - peak, each step rounded to x's dtype as in torch."""
    precision = wide(x.dtype)

    def step(operation: Callable[..., Array], values: Array, number: float) -> Array:
        return operation(values.astype(precision), precision.type(number)).astype(x.dtype)

    scaled = step(np.divide, step(np.subtract, x, mean), std)
    squared = (scaled.astype(precision) ** 2).astype(x.dtype)
    return step(np.subtract, step(np.multiply, squared, -0.5), peak)
