"""Laws of the initializers with JAX keys: distributions, structure, transformations.

A row has about seven statistical tests, at fixed keys. A correct function fails one of them with a
probability of one in a million (ALARM); the family's mutants show which errors they detect.
"""

from __future__ import annotations

import functools
import importlib
import math
from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from parity.dtypes import rounded
from parity.spec import Law

Floats: TypeAlias = NDArray[np.float64]
Shape: TypeAlias = tuple[int, ...]
Values: TypeAlias = Mapping[str, Any]
Subject: TypeAlias = Callable[..., Any]
Scale: TypeAlias = tuple[Values, Shape, float]
Broken: TypeAlias = Callable[[Subject], str | None]

ALARM = 1e-6
COUNT = 1 << 16
# The quantiles at the false-alarm rate: of sqrt(n) D, where P(sqrt(n) D > z) = 2 exp(-2 z^2), and
# of a normal number, 4.9.
KOLMOGOROV = math.sqrt(math.log(2 / ALARM) / 2)
NORMAL_QUANTILE = 4.9


def _drawn(
    subject: Subject, shape: Shape, values: Values, dtype: str = "float32", seed: Any = 0
) -> Floats:
    """The numbers from a key, or its seed, or torch's generator."""
    import jax

    key = jax.random.key(seed) if isinstance(seed, int) else seed
    array = subject(**values)(key, shape, dtype)
    return np.asarray(array).astype(np.float64)


def _first(complaints: Iterable[tuple[Any, str | None]]) -> str | None:
    """The first violation, with the name of the case that it is about."""
    return next((f"{about}: {broken}" for about, broken in complaints if broken), None)


# ----------------------------------------------------------------------------------- distributions


def _unlike(values: Floats, probability: Callable[[Floats], Floats]) -> str | None:
    """The Kolmogorov-Smirnov test against a cumulative distribution function."""
    found = probability(np.sort(values.ravel()))
    rank = np.arange(values.size + 1) / values.size
    gap = max(np.abs(found - rank[1:]).max(), np.abs(found - rank[:-1]).max())
    distance = float(gap) * math.sqrt(values.size)
    above = distance > KOLMOGOROV
    return f"another distribution: sqrt(n) D = {distance:.3g} > {KOLMOGOROV:.3g}" if above else None


def _moments(values: Floats, mean: float, variance: float, fourth: float) -> str | None:
    """Compares mean and variance with the true ones; `fourth` is the fourth central moment."""
    size = values.size
    off = abs(values.mean() - mean) / math.sqrt(variance / size)
    if off > NORMAL_QUANTILE:
        return f"the mean is {values.mean():.6g}, not {mean:.6g}: {off:.1f} standard errors"
    error = math.sqrt(max(fourth - variance**2, 0) / size)
    off = abs(((values - mean) ** 2).mean() - variance) / error
    if off > NORMAL_QUANTILE:
        found = math.sqrt(values.var())
        return f"the standard deviation is {found:.6g}, not {math.sqrt(variance):.6g}"
    return None


def _outside(values: Floats, low: float, high: float) -> str | None:
    if low <= values.min() and values.max() <= high:
        return None
    return f"values lie in [{values.min():.6g}, {values.max():.6g}], not [{low:.6g}, {high:.6g}]"


def _uniform(values: Floats, low: float, high: float) -> str | None:
    width = high - low
    return (
        _outside(values, low, high)
        or _unlike(values, lambda x: (x - low) / width)
        or _moments(values, (low + high) / 2, width**2 / 12, width**4 / 80)
    )


def _normal(values: Floats, mean: float, std: float) -> str | None:
    if values.size >= COUNT and np.abs((values - mean) / std).max() < 3.5:
        return "no value is beyond 3.5 standard deviations: the distribution is truncated"
    unlike = _unlike(values, lambda x: np.exp(_log_below((x - mean) / std)))
    return unlike or _moments(values, mean, std**2, 3 * std**4)


def _log_below(z: Any) -> Any:
    """The log of the probability that a normal number is below z."""
    special: Any = importlib.import_module("scipy.special")
    return special.log_ndtr(z)


def _truncated(values: Floats, mean: float, std: float, a: float, b: float) -> str | None:
    if a + b > 2 * mean:
        # The same in the lower tail, where logarithms of probabilities keep their digits.
        return _truncated(-values, -mean, std, -b, -a)
    least, most = (_log_below((end - mean) / std) for end in (a, b))

    def probability(x: Floats) -> Floats:
        at = _log_below((x - mean) / std)
        return np.exp(at - most) * -np.expm1(least - at) / -np.expm1(least - most)

    return _outside(values, a, b) or _unlike(values, probability)


# Of about COUNT numbers, with long axes at either end.
ARRANGED = ((COUNT,), (COUNT // 64, 64), (3, COUNT // 12, 2, 2), (2, 2, COUNT // 4))


def _in_every_shape(
    subject: Subject, values: Values, law: Callable[[Floats], str | None]
) -> str | None:
    """The law for numbers in several shapes, from a key and from torch's stream."""
    from jaxact.random import TorchGenerator

    return _first(
        (f"{shape} from {type(source).__name__}", law(_drawn(subject, shape, values, seed=source)))
        for i, shape in enumerate(ARRANGED)
        for source in (i, TorchGenerator(i))
    )


def _uniform_is_uniform(subject: Subject) -> str | None:
    return _in_every_shape(subject, {"a": -0.3, "b": 0.7}, lambda x: _uniform(x, -0.3, 0.7))


def _uniform_ends_before_b(subject: Subject) -> str | None:
    """Rounding can give b, in half precision often; torch replaces b by a."""
    for dtype in ("float32", "bfloat16", "float16"):
        values = _drawn(subject, (COUNT,), {"a": 1.0, "b": 1.0 + 2.0**-6}, dtype)
        if values.max() >= 1.0 + 2.0**-6 or values.min() < 1.0:
            return f"{dtype}: values lie in [{values.min()}, {values.max()}], not [1, 1 + 2^-6)"
    return None


def _half_precision_is_drawn_in_float32(subject: Subject) -> str | None:
    """One number in a thousand is below 2^-10; a draw in bfloat16 would have few values there."""
    for dtype in ("bfloat16", "float16"):
        values = np.abs(_drawn(subject, (COUNT,), {}, dtype))
        found = np.unique(values[(values > 0) & (values < 2.0**-12)]).size
        if found < 3:
            return f"{dtype}: {found} different numbers below 2^-12"
    return None


def _normal_is_normal(subject: Subject) -> str | None:
    return _in_every_shape(subject, {"mean": 1.0, "std": 0.2}, lambda x: _normal(x, 1.0, 0.2))


NAMES = ("mean", "std", "a", "b")
INTERVALS = (
    *((0.0, 1.0, -2.0, 2.0), (0.0, 0.02, -2.0, 2.0), (3.0, 2.0, -1.0, 0.0)),
    *((0.0, 1.0, 5.0, 6.0), (0.0, 1.0, -6.0, -5.0), (0.0, 1.0, 0.5, 0.51)),
    *((0.0, 1.0, 12.0, 13.0), (0.0, 1.0, -30.0, -25.0), (0.0, 1.0, -math.inf, -4.0)),
    *((0.0, 1.0, -math.inf, math.inf), (-20.0, 1.0, 0.0, 1.0), (0.0, 1.0, 11.0, math.inf)),
)


def _trunc_normal_is_truncated_at_values(subject: Subject) -> str | None:
    """The values a and b are the bounds, not numbers of standard deviations."""
    return _first(
        (i, _truncated(_drawn(subject, (COUNT,), dict(zip(NAMES, i, strict=True))), *i))
        for i in INTERVALS
    )


def _trunc_normal_keeps_its_tails(subject: Subject) -> str | None:
    """With bounds far outside, no uniform number, however extreme, may become a bound."""
    values = _drawn(subject, (1 << 24,), {"a": -100.0, "b": 100.0})
    most = np.abs(values).max()
    return f"a normal number of {most:.1f} standard deviations" if most > 7 else None


def _trunc_normal_half_precision_keeps_its_bounds(subject: Subject) -> str | None:
    ends = {"a": -0.3, "b": 0.3}
    return _first(
        (dtype, _outside(_drawn(subject, (COUNT,), ends, dtype), *rounded([-0.3, 0.3], dtype)))
        for dtype in ("bfloat16", "float16")
    )


# ------------------------------------------------------------------------------------------ scales

# Few inputs and many outputs, so that no fan can be taken for another.
OUT, IN, LENGTH = 512, 32, 5
SHAPES = {"torch": (OUT, IN, LENGTH), "flax": (LENGTH, IN, OUT)}
FAN_IN, FAN_OUT = IN * LENGTH, OUT * LENGTH


def _scaled(test: Callable[[Floats, float], str | None], *settings: Scale) -> Broken:
    """The law that with these arguments numbers of a shape have a given scale."""

    def has_its_scale(subject: Subject) -> str | None:
        return _first((v, test(_drawn(subject, shape, v), scale)) for v, shape, scale in settings)

    return has_its_scale


def _uniform_of_std(values: Floats, std: float) -> str | None:
    bound = math.sqrt(3) * std * (1 + 2.0**-20)
    return _uniform(values, -bound, bound)


def _uniform_of_fan(values: Floats, fan: float) -> str | None:
    return _uniform_of_std(values, 1 / math.sqrt(3 * fan))


def _normal_of_std(values: Floats, std: float) -> str | None:
    return _normal(values, 0.0, std)


def _in_both_layouts(*scales: tuple[Values, float]) -> tuple[Scale, ...]:
    both = SHAPES.items()
    return tuple(({**v, "layout": k}, shape, std) for v, std in scales for k, shape in both)


_XAVIER = math.sqrt(2 / (FAN_IN + FAN_OUT))
XAVIER = _in_both_layouts(({}, _XAVIER), ({"gain": 2.0}, 2 * _XAVIER))
KAIMING = _in_both_layouts(
    ({}, math.sqrt(2 / FAN_IN)),
    ({"a": math.sqrt(5)}, math.sqrt(2 / 6 / FAN_IN)),
    ({"mode": "fan_out", "nonlinearity": "relu"}, math.sqrt(2 / FAN_OUT)),
    ({"nonlinearity": "tanh"}, 5 / 3 / math.sqrt(FAN_IN)),
)
# torch computes the fan-in of a transposed convolution from its outputs.
WEIGHTS: tuple[Scale, ...] = (
    ({"layer": "Linear"}, (512, 128), 128),
    ({"layer": "Conv1d"}, (OUT, IN, LENGTH), FAN_IN),
    ({"layer": "Conv1d", "layout": "flax"}, (LENGTH, IN, OUT), FAN_IN),
    ({"layer": "ConvTranspose1d"}, (OUT, IN, LENGTH), FAN_IN),
    ({"layer": "Bilinear"}, (16, 32, 128), 32),
    ({"layer": "LSTM", "hidden_size": 64}, (256, 256), 64),
)
BIASES: tuple[Scale, ...] = (
    ({"layer": "Linear", "weight_shape": (COUNT, 128)}, (COUNT,), 128),
    ({"layer": "Conv1d", "weight_shape": (OUT, IN, LENGTH)}, (COUNT,), FAN_IN),
    ({"layer": "Conv1d", "weight_shape": (LENGTH, IN, OUT), "layout": "flax"}, (COUNT,), FAN_IN),
    ({"layer": "Bilinear", "weight_shape": (16, 32, 128)}, (COUNT,), 32),
    ({"layer": "GRU", "hidden_size": 64}, (COUNT,), 64),
)


def _default_weight_of_an_embedding_is_normal(subject: Subject) -> str | None:
    drawn = _drawn(subject, (1025, 64), {"layer": "Embedding", "padding_idx": -1})
    return "the padding row is not 0" if drawn[-1].any() else _normal(drawn[:-1], 0.0, 1.0)


# ---------------------------------------------------------------------------------- structure


def _dirac_passes_its_inputs(subject: Subject) -> str | None:
    """A convolution with an odd kernel, padded to keep the length, returns its input."""
    import jax.numpy as jnp
    from jax import lax

    x = jnp.asarray(np.random.default_rng(0).standard_normal((2, 4, 9)), jnp.float32)
    layouts = {"torch": ((4, 2, 3), "OIH"), "flax": ((3, 2, 4), "HIO")}
    for layout, (shape, axes) in layouts.items():
        kernel = jnp.asarray(_drawn(subject, shape, {"groups": 2, "layout": layout}), jnp.float32)
        numbers = lax.conv_dimension_numbers(x.shape, shape, ("NCH", axes, "NCH"))
        out = lax.conv_general_dilated(
            x, kernel, (1,), [(1, 1)], dimension_numbers=numbers, feature_group_count=2
        )
        if not np.array_equal(out, x):
            return f"{layout}: a convolution changes its input"
    return None


MATRICES: tuple[tuple[Shape, dict[str, Any]], ...] = (
    *(((64, 256), {}), ((256, 64), {"gain": 3.0}), ((512, 512), {}), ((48, 16, 3, 3), {})),
    *(((256, 64), {"layout": "flax"}), ((3, 3, 16, 48), {"layout": "flax"})),
)


def _orthogonal_is_orthogonal(subject: Subject) -> str | None:
    for shape, values in MATRICES:
        drawn = _drawn(subject, shape, values) / values.get("gain", 1.0)
        last = drawn.reshape(-1, shape[-1]).T
        matrix = last if "layout" in values else drawn.reshape(shape[0], -1)
        gram = matrix @ matrix.T if matrix.shape[0] <= matrix.shape[1] else matrix.T @ matrix
        error = np.abs(gram - np.eye(len(gram))).max()
        if error > 1e-6:
            return f"{shape}, {values}: |Q Q' - 1| is {error:.3g}"
    return None


def _rotations(subject: Subject, shape: tuple[int, int], count: int) -> Floats:
    """Matrices, each from its own key."""
    import jax

    draw: Any = functools.partial(subject(), shape=shape, dtype="float32")
    keys = jax.random.split(jax.random.key(0), count)
    return np.asarray(jax.vmap(draw)(keys), np.float64)


def _orthogonal_has_both_determinants(subject: Subject) -> str | None:
    """That 64 matrices have determinants of the same sign has a probability of 2^-63."""
    signs = np.sign(np.linalg.det(_rotations(subject, (3, 3), 64)))
    return f"every determinant is {signs[0]:g}" if len(set(signs)) < 2 else None


def _orthogonal_is_uniform(subject: Subject) -> str | None:
    """In three dimensions each entry is uniform on [-1, 1], by Archimedes' theorem."""
    drawn = {shape: _rotations(subject, shape, 4096) for shape in ((3, 3), (2, 3), (3, 1))}
    return _first(
        (f"entry {i, j} of {shape}", _unlike(rotations[:, i, j], lambda x: (x + 1) / 2))
        for shape, rotations in drawn.items()
        for i, j in np.ndindex(*shape)
    )


def _sparse_has_its_zeros(subject: Subject) -> str | None:
    """Each input has ceil(sparsity * outputs) zeros; its weights are a torch column, a flax row."""
    for sparsity, zeros in ((0.0, 0), (0.01, 1), (0.1, 4), (0.34, 14), (1.0, 40)):
        for layout, shape, axis in (("torch", (40, 100), 0), ("flax", (100, 40), 1)):
            drawn = _drawn(subject, shape, {"sparsity": sparsity, "layout": layout})
            counts = np.unique((drawn == 0).sum(axis))
            if counts.tolist() != [zeros]:
                return f"{layout}, sparsity={sparsity}: {counts} zeros, not {zeros} for each input"
    return None


def _sparse_has_its_zeros_anywhere(subject: Subject) -> str | None:
    """By Pearson's statistic over 8 rows: 7 degrees of freedom, above 44 once in a million."""
    places = (_drawn(subject, (8, 4096), {"sparsity": 0.25}) == 0).sum(1)
    # Two of eight are drawn without replacement: the variance is 6/7 of the multinomial one.
    statistic = float(((places - 1024) ** 2 / 1024).sum()) * 7 / 6
    return f"zeros are not spread over the rows: chi2 {statistic:.1f}" if statistic > 44 else None


def _sparse_is_normal_elsewhere(subject: Subject) -> str | None:
    drawn = _drawn(subject, (512, 256), {"sparsity": 0.25, "std": 0.5})
    return _normal(drawn[drawn != 0], 0.0, 0.5)


# --------------------------------------------------------------------------------- transformations


def _follows_its_key(subject: Subject, values: Values) -> str | None:
    first, again, other = (_drawn(subject, (9, 7), values, seed=seed) for seed in (0, 0, 1))
    if not np.array_equal(first, again):
        return "the same key gives other numbers"
    return "another key gives the same numbers" if np.array_equal(first, other) else None


def _is_the_same_compiled_and_mapped(subject: Subject, values: Values) -> str | None:
    import jax

    draw: Any = functools.partial(subject(**values), shape=(9, 7), dtype="float32")
    keys = jax.random.split(jax.random.key(0), 3)
    alone = np.stack([np.asarray(draw(key)) for key in keys])
    calls: dict[str, Any] = {"vmap": jax.vmap(draw), "jit of vmap": jax.jit(jax.vmap(draw))}
    for name, call in calls.items():
        # A program of its own may multiply and add in one rounding.
        if not np.allclose(np.asarray(call(keys)), alone, rtol=4e-7, atol=4e-7):
            return f"{name} gives other numbers"
    shape = jax.eval_shape(draw, keys[0])
    if (shape.shape, str(shape.dtype)) != ((9, 7), "float32"):
        return f"eval_shape gives {shape}"
    return None


def _has_one_draw_for_both_layouts(subject: Subject, values: Values) -> str | None:
    torch = _drawn(subject, (9, 7), {**values, "layout": "torch"})
    flax = _drawn(subject, (7, 9), {**values, "layout": "flax"})
    return None if np.array_equal(torch.T, flax) else "flax's numbers are not torch's, transposed"


def _laws(initializer: str, *broken: Broken) -> tuple[Law, ...]:
    """Laws named after their functions, without the initializer's name."""
    names = [law.__name__.removeprefix("_").removeprefix(f"{initializer}_") for law in broken]
    return tuple(Law(name=n, violation=law) for n, law in zip(names, broken, strict=True))


def _random(initializer: str, *broken: Broken, **values: Any) -> tuple[Law, ...]:
    """The laws of a random initializer: its own, and with these arguments those of all of them."""
    shared = (_follows_its_key, _is_the_same_compiled_and_mapped, _has_one_draw_for_both_layouts)
    bound = [functools.update_wrapper(functools.partial(law, values=values), law) for law in shared]
    return _laws(initializer, *broken, *bound)


UNIFORM = _random(
    "uniform", _uniform_is_uniform, _uniform_ends_before_b, _half_precision_is_drawn_in_float32
)
NORMAL = _random("normal", _normal_is_normal, _half_precision_is_drawn_in_float32)
TRUNCATED = _random(
    "trunc_normal",
    _trunc_normal_is_truncated_at_values,
    _trunc_normal_keeps_its_tails,
    _trunc_normal_half_precision_keeps_its_bounds,
)
XAVIER_UNIFORM = _random("xavier_uniform", _scaled(_uniform_of_std, *XAVIER))
XAVIER_NORMAL = _random("xavier_normal", _scaled(_normal_of_std, *XAVIER))
KAIMING_UNIFORM = _random("kaiming_uniform", _scaled(_uniform_of_std, *KAIMING))
KAIMING_NORMAL = _random("kaiming_normal", _scaled(_normal_of_std, *KAIMING))
DIRAC = _laws("dirac", _dirac_passes_its_inputs)
ORTHOGONAL = _random(
    "orthogonal",
    _orthogonal_is_orthogonal,
    _orthogonal_has_both_determinants,
    _orthogonal_is_uniform,
)
SPARSE = _random(
    "sparse",
    _sparse_has_its_zeros,
    _sparse_has_its_zeros_anywhere,
    _sparse_is_normal_elsewhere,
    sparsity=0.3,
)
DEFAULT_WEIGHT = _random(
    "default_weight",
    _scaled(_uniform_of_fan, *WEIGHTS),
    _default_weight_of_an_embedding_is_normal,
    layer="Linear",
)
DEFAULT_BIAS = (
    Law(name="has_the_scale_of_the_weight", violation=_scaled(_uniform_of_fan, *BIASES)),
)
