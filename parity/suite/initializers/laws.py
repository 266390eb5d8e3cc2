"""What initializers have to keep to with JAX keys: distributions, structure, transformations.

Every statistical test is one of seven or so of a row, at fixed keys, and a right function fails it
once in a million times (ALARM); what they can see is shown by the family's mutants.
"""

from __future__ import annotations

import functools
import importlib
import math
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from parity.spec import Law

Floats: TypeAlias = NDArray[np.float64]
Shape: TypeAlias = tuple[int, ...]
Scales: TypeAlias = tuple[tuple[dict[str, Any], float], ...]
Subject = Callable[..., Any]

ALARM = 1e-6
COUNT = 1 << 16
# P(sqrt(n) D > z) = 2 exp(-2 z^2) at the false-alarm rate, and that of a normal number: 4.9.
KOLMOGOROV = math.sqrt(math.log(2 / ALARM) / 2)
NORMAL_QUANTILE = 4.9


def _factory(subject: Subject) -> Callable[..., Any]:
    """The factory that the subject of a row is made of."""
    return getattr(subject, "factory", subject)


def _drawn(
    subject: Subject,
    shape: Shape,
    values: Mapping[str, Any],
    dtype: str = "float32",
    seed: int = 0,
) -> Floats:
    import jax

    array = _factory(subject)(**values)(jax.random.key(seed), shape, dtype)
    return np.asarray(array).astype(np.float64)


# ----------------------------------------------------------------------------------- distributions


def _distance(values: Floats, probability: Callable[[Floats], Floats]) -> float:
    """Kolmogorov and Smirnov's, times sqrt(n)."""
    found = probability(np.sort(values.ravel()))
    rank = np.arange(values.size + 1) / values.size
    gap = max(np.abs(found - rank[1:]).max(), np.abs(found - rank[:-1]).max())
    return float(gap) * math.sqrt(values.size)


def _moments(values: Floats, mean: float, variance: float, fourth: float) -> str | None:
    """Mean and variance against the true ones, `fourth` being the fourth central moment."""
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


def _uniform(values: Floats, low: float, high: float) -> str | None:
    if values.min() < low or values.max() > high:
        return (
            f"values lie in [{values.min():.6g}, {values.max():.6g}], not [{low:.6g}, {high:.6g})"
        )
    gap = _distance(values, lambda x: (x - low) / (high - low))
    if gap > KOLMOGOROV:
        return f"values are not uniform: sqrt(n) D = {gap:.3g} > {KOLMOGOROV:.3g}"
    width = high - low
    return _moments(values, (low + high) / 2, width**2 / 12, width**4 / 80)


def _normal(values: Floats, mean: float, std: float) -> str | None:
    def probability(x: Floats) -> Floats:
        return np.exp(_log_below((x - mean) / std))

    gap = _distance(values, probability)
    if gap > KOLMOGOROV:
        return f"values are not normal: sqrt(n) D = {gap:.3g} > {KOLMOGOROV:.3g}"
    if values.size >= COUNT and np.abs((values - mean) / std).max() < 3.5:
        return "no value is beyond 3.5 standard deviations: the distribution is truncated"
    return _moments(values, mean, std**2, 3 * std**4)


def _log_below(z: Any) -> Any:
    """Log of the probability of a normal number below z."""
    special: Any = importlib.import_module("scipy.special")
    return special.log_ndtr(z)


def _truncated(values: Floats, mean: float, std: float, a: float, b: float) -> str | None:
    def probability(x: Floats) -> Floats:
        """From logarithms in the tail that the interval is in, which keep their digits there."""
        low, high, z = (a - mean) / std, (b - mean) / std, (x - mean) / std
        if low + high <= 0:
            least, most, at = _log_below(low), _log_below(high), _log_below(z)
            return np.exp(at - most) * -np.expm1(least - at) / -np.expm1(least - most)
        least, most, at = _log_below(-high), _log_below(-low), _log_below(-z)
        return 1 - np.exp(at - most) * -np.expm1(least - at) / -np.expm1(least - most)

    if values.min() < a or values.max() > b:
        return f"values lie in [{values.min():.6g}, {values.max():.6g}], not [{a}, {b}]"
    gap = _distance(values, probability)
    name = f"mean={mean}, std={std}, a={a}, b={b}"
    return f"{name}: sqrt(n) D = {gap:.3g} > {KOLMOGOROV:.3g}" if gap > KOLMOGOROV else None


def _uniform_is_uniform(subject: Subject) -> str | None:
    return _uniform(_drawn(subject, (COUNT,), {"a": -0.3, "b": 0.7}), -0.3, 0.7)


def _uniform_ends_before_b(subject: Subject) -> str | None:
    """Rounding reaches b, in half precision often: torch turns it into a."""
    for dtype in ("float32", "bfloat16", "float16"):
        values = _drawn(subject, (COUNT,), {"a": 1.0, "b": 1.0 + 2.0**-6}, dtype)
        if values.max() >= 1.0 + 2.0**-6 or values.min() < 1.0:
            return f"{dtype}: values lie in [{values.min()}, {values.max()}], not [1, 1 + 2^-6)"
    return None


def _half_precision_is_drawn_in_float32(subject: Subject) -> str | None:
    """Numbers below 2^-10 are one in a thousand; drawn in bfloat16 there are only multiples."""
    for dtype in ("bfloat16", "float16"):
        values = np.abs(_drawn(subject, (COUNT,), {}, dtype))
        small = values[(values > 0) & (values < 2.0**-12)]
        if np.unique(small).size < 3:
            return f"{dtype}: {np.unique(small).size} different numbers below 2^-12"
    return None


def _normal_is_normal(subject: Subject) -> str | None:
    return _normal(_drawn(subject, (COUNT,), {"mean": 1.0, "std": 0.2}), 1.0, 0.2)


INTERVALS = (
    *((0.0, 1.0, -2.0, 2.0), (0.0, 0.02, -2.0, 2.0), (3.0, 2.0, -1.0, 0.0)),
    *((0.0, 1.0, 5.0, 6.0), (0.0, 1.0, -6.0, -5.0), (0.0, 1.0, 0.5, 0.51)),
    *((0.0, 1.0, 12.0, 13.0), (0.0, 1.0, -30.0, -25.0), (0.0, 1.0, -math.inf, -4.0)),
    *((0.0, 1.0, -math.inf, math.inf), (-20.0, 1.0, 0.0, 1.0), (0.0, 1.0, 11.0, math.inf)),
)


def _trunc_normal_is_truncated_at_values(subject: Subject) -> str | None:
    """At a and b, wherever they are; not at so many standard deviations."""
    for mean, std, a, b in INTERVALS:
        values = {"mean": mean, "std": std, "a": a, "b": b}
        broken = _truncated(_drawn(subject, (COUNT,), values), mean, std, a, b)
        if broken:
            return broken
    return None


def _trunc_normal_keeps_its_tails(subject: Subject) -> str | None:
    """Where bounds cut nothing, an unlucky uniform number must not become a bound."""
    values = _drawn(subject, (1 << 24,), {"a": -100.0, "b": 100.0})
    most = np.abs(values).max()
    return f"a normal number of {most:.1f} standard deviations" if most > 7 else None


def _trunc_normal_in_half_precision_keeps_its_bounds(subject: Subject) -> str | None:
    for dtype in ("bfloat16", "float16"):
        values = _drawn(subject, (COUNT,), {"a": -0.3, "b": 0.3}, dtype)
        low, high = _rounded(-0.3, dtype), _rounded(0.3, dtype)
        if values.min() < low or values.max() > high:
            return f"{dtype}: values lie in [{values.min()}, {values.max()}]"
    return None


def _rounded(number: float, dtype: str) -> float:
    from parity.dtypes import rounded

    return float(rounded(number, dtype))


# -------------------------------------------------------------------------------- variance scaling

# Few inputs and many outputs, so that no fan stands for another.
OUT, IN, LENGTH = 512, 32, 5
SHAPES = {"torch": (OUT, IN, LENGTH), "flax": (LENGTH, IN, OUT)}
FAN_IN, FAN_OUT = IN * LENGTH, OUT * LENGTH


def _scaled(
    test: Callable[[Floats, float], str | None],
    settings: Scales,
) -> Callable[[Subject], str | None]:
    """The standard deviation of each setting, in both layouts."""

    def broken(subject: Subject) -> str | None:
        for values, std in settings:
            for layout, shape in SHAPES.items():
                drawn = _drawn(subject, shape, {**values, "layout": layout})
                found = test(drawn, std)
                if found:
                    return f"{values}, {layout}: {found}"
        return None

    return broken


def _uniform_of_std(values: Floats, std: float) -> str | None:
    bound = math.sqrt(3) * std * (1 + 2.0**-20)
    return _uniform(values, -bound, bound)


def _normal_of_std(values: Floats, std: float) -> str | None:
    return _normal(values, 0.0, std)


_XAVIER = math.sqrt(2 / (FAN_IN + FAN_OUT))
XAVIER: Scales = (({}, _XAVIER), ({"gain": 2.0}, 2 * _XAVIER))
KAIMING: Scales = (
    ({}, math.sqrt(2 / FAN_IN)),
    ({"a": math.sqrt(5)}, math.sqrt(2 / 6 / FAN_IN)),
    ({"mode": "fan_out", "nonlinearity": "relu"}, math.sqrt(2 / FAN_OUT)),
    ({"nonlinearity": "tanh"}, 5 / 3 / math.sqrt(FAN_IN)),
)


# ---------------------------------------------------------------------------------- structure


def _dirac_passes_its_inputs(subject: Subject) -> str | None:
    """Through a convolution of odd length, padded to keep the length: out is in."""
    import jax.numpy as jnp
    from jax import lax

    x = jnp.asarray(np.random.default_rng(0).standard_normal((2, 4, 9)), jnp.float32)
    layouts = {
        "torch": ((4, 2, 3), ("NCH", "OIH", "NCH")),
        "flax": ((3, 2, 4), ("NCH", "HIO", "NCH")),
    }
    for layout, (shape, names) in layouts.items():
        kernel = jnp.asarray(_drawn(subject, shape, {"groups": 2, "layout": layout}), jnp.float32)
        numbers = lax.conv_dimension_numbers(x.shape, kernel.shape, names)
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
        error = _orthogonality_error(drawn, shape[-1] if "layout" in values else shape[0])
        if error > 1e-6:
            return f"{shape}, {values}: |Q Q' - 1| is {error:.3g}"
    return None


def _orthogonality_error(array: Floats, outputs: int) -> float:
    matrix = array.reshape(outputs, -1) if array.shape[0] == outputs else array.reshape(-1, outputs)
    if matrix.shape[0] > matrix.shape[1]:
        matrix = matrix.T
    return float(np.abs(matrix @ matrix.T - np.eye(matrix.shape[0])).max())


def _rotations(subject: Subject, shape: tuple[int, int], count: int) -> Floats:
    """As many matrices, from one key each."""
    import jax

    init = _factory(subject)()

    def draw(key: Any) -> Any:
        return init(key, shape, "float32")

    keys = jax.random.split(jax.random.key(0), count)
    return np.asarray(jax.vmap(draw)(keys), np.float64)


def _orthogonal_has_both_determinants(subject: Subject) -> str | None:
    """One sign in 64 matrices has a chance of 2^-63."""
    signs = np.sign(np.linalg.det(_rotations(subject, (3, 3), 64)))
    return f"every determinant is {signs[0]:g}" if len(set(signs)) < 2 else None


def _orthogonal_is_uniform(subject: Subject) -> str | None:
    """In three dimensions each entry is uniform on [-1, 1], as Archimedes knew."""
    for shape in ((3, 3), (2, 3), (3, 1)):
        rotations = _rotations(subject, shape, 4096)
        for i, j in np.ndindex(*shape):
            gap = _distance(rotations[:, i, j], lambda x: (x + 1) / 2)
            if gap > KOLMOGOROV:
                return f"entry {i, j} of {shape} is not uniform: sqrt(n) D = {gap:.3g}"
    return None


def _sparse_has_its_zeros(subject: Subject) -> str | None:
    """ceil(sparsity * outputs) for each input, where a torch column and a flax row are one."""
    for sparsity, zeros in ((0.0, 0), (0.01, 1), (0.1, 4), (0.34, 14), (1.0, 40)):
        for layout, shape, axis in (("torch", (40, 100), 0), ("flax", (100, 40), 1)):
            drawn = _drawn(subject, shape, {"sparsity": sparsity, "layout": layout})
            counts = np.unique((drawn == 0).sum(axis))
            if counts.tolist() != [zeros]:
                return f"{layout}, sparsity={sparsity}: {counts} zeros, not {zeros} for each input"
    return None


def _sparse_has_its_zeros_anywhere(subject: Subject) -> str | None:
    """Pearson's statistic over 8 rows; 7 degrees of freedom, 44 once in a million."""
    places = (_drawn(subject, (8, 4096), {"sparsity": 0.25}) == 0).sum(1)
    # Two of eight without repetition: the variance is 6/7 of the multinomial one.
    statistic = float(((places - 1024) ** 2 / 1024).sum()) * 7 / 6
    return f"zeros are not spread over the rows: chi2 {statistic:.1f}" if statistic > 44 else None


def _sparse_is_normal_elsewhere(subject: Subject) -> str | None:
    drawn = _drawn(subject, (512, 256), {"sparsity": 0.25, "std": 0.5})
    return _normal(drawn[drawn != 0], 0.0, 0.5)


# ---------------------------------------------------------------------------------- layer defaults


def _default_weight_has_its_scale(subject: Subject) -> str | None:
    """1 / sqrt(fan), the fan of a transposed convolution being that of its outputs."""
    settings: tuple[tuple[dict[str, Any], Shape, int], ...] = (
        ({"layer": "Linear"}, (512, 128), 128),
        ({"layer": "Conv1d"}, (OUT, IN, LENGTH), FAN_IN),
        ({"layer": "Conv1d", "layout": "flax"}, (LENGTH, IN, OUT), FAN_IN),
        ({"layer": "ConvTranspose1d"}, (OUT, IN, LENGTH), FAN_IN),
        ({"layer": "Bilinear"}, (16, 32, 128), 32),
        ({"layer": "LSTM", "hidden_size": 64}, (256, 256), 64),
    )
    for values, shape, fan in settings:
        bound = 1 / math.sqrt(fan) * (1 + 2.0**-20)
        broken = _uniform(_drawn(subject, shape, values), -bound, bound)
        if broken:
            return f"{values}: {broken}"
    return None


def _default_weight_of_an_embedding_is_normal(subject: Subject) -> str | None:
    drawn = _drawn(subject, (1025, 64), {"layer": "Embedding", "padding_idx": -1})
    if drawn[-1].any():
        return "the padding row is not 0"
    return _normal(drawn[:-1], 0.0, 1.0)


def _default_bias_has_the_scale_of_the_weight(subject: Subject) -> str | None:
    settings: tuple[tuple[dict[str, Any], int], ...] = (
        ({"layer": "Linear", "weight_shape": (COUNT, 128)}, 128),
        ({"layer": "Conv1d", "weight_shape": (OUT, IN, LENGTH)}, FAN_IN),
        ({"layer": "Conv1d", "weight_shape": (LENGTH, IN, OUT), "layout": "flax"}, FAN_IN),
        ({"layer": "Bilinear", "weight_shape": (16, 32, 128)}, 32),
        ({"layer": "GRU", "hidden_size": 64}, 64),
    )
    for values, fan in settings:
        bound = 1 / math.sqrt(fan) * (1 + 2.0**-20)
        broken = _uniform(_drawn(subject, (COUNT,), values), -bound, bound)
        if broken:
            return f"{values}: {broken}"
    return None


# --------------------------------------------------------------------------------- transformations


def _follows_its_key(subject: Subject, values: Mapping[str, Any]) -> str | None:
    draws = [_drawn(subject, (9, 7), values, seed=seed) for seed in (0, 0, 1)]
    if not np.array_equal(draws[0], draws[1]):
        return "the same key gives other numbers"
    return "another key gives the same numbers" if np.array_equal(draws[0], draws[2]) else None


def _is_the_same_compiled_and_mapped(subject: Subject, values: Mapping[str, Any]) -> str | None:
    import jax

    init = _factory(subject)(**values)

    def draw(key: Any) -> Any:
        return init(key, (9, 7), "float32")

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


def _has_one_draw_for_both_layouts(subject: Subject, values: Mapping[str, Any]) -> str | None:
    torch = _drawn(subject, (9, 7), {**values, "layout": "torch"})
    flax = _drawn(subject, (7, 9), {**values, "layout": "flax"})
    return None if np.array_equal(torch.T, flax) else "flax's numbers are not torch's, transposed"


def _random(*laws: tuple[str, Callable[[Subject], str | None]], **values: Any) -> tuple[Law, ...]:
    """The laws of a random initializer: those of all, with these arguments, and its own."""
    shared = {
        "follows_its_key": _follows_its_key,
        "is_the_same_compiled_and_mapped": _is_the_same_compiled_and_mapped,
        "has_one_draw_for_both_layouts": _has_one_draw_for_both_layouts,
    }
    return (
        *(Law(name=name, broken=broken) for name, broken in laws),
        *(
            Law(name=name, broken=functools.partial(broken, values=values))
            for name, broken in shared.items()
        ),
    )


UNIFORM = _random(
    ("is_uniform", _uniform_is_uniform),
    ("ends_before_b", _uniform_ends_before_b),
    ("half_precision_is_drawn_in_float32", _half_precision_is_drawn_in_float32),
)
NORMAL = _random(
    ("is_normal", _normal_is_normal),
    ("half_precision_is_drawn_in_float32", _half_precision_is_drawn_in_float32),
)
TRUNCATED = _random(
    ("is_truncated_at_values", _trunc_normal_is_truncated_at_values),
    ("keeps_its_tails", _trunc_normal_keeps_its_tails),
    ("half_precision_keeps_its_bounds", _trunc_normal_in_half_precision_keeps_its_bounds),
)
XAVIER_UNIFORM = _random(("has_its_scale", _scaled(_uniform_of_std, XAVIER)))
XAVIER_NORMAL = _random(("has_its_scale", _scaled(_normal_of_std, XAVIER)))
KAIMING_UNIFORM = _random(("has_its_scale", _scaled(_uniform_of_std, KAIMING)))
KAIMING_NORMAL = _random(("has_its_scale", _scaled(_normal_of_std, KAIMING)))
DIRAC = (Law(name="passes_its_inputs", broken=_dirac_passes_its_inputs),)
ORTHOGONAL = _random(
    ("is_orthogonal", _orthogonal_is_orthogonal),
    ("has_both_determinants", _orthogonal_has_both_determinants),
    ("is_uniform", _orthogonal_is_uniform),
)
SPARSE = _random(
    ("has_its_zeros", _sparse_has_its_zeros),
    ("has_its_zeros_anywhere", _sparse_has_its_zeros_anywhere),
    ("is_normal_elsewhere", _sparse_is_normal_elsewhere),
    sparsity=0.3,
)
DEFAULT_WEIGHT = _random(
    ("has_its_scale", _default_weight_has_its_scale),
    ("of_an_embedding_is_normal", _default_weight_of_an_embedding_is_normal),
    layer="Linear",
)
DEFAULT_BIAS = (
    Law(name="has_the_scale_of_the_weight", broken=_default_bias_has_the_scale_of_the_weight),
)
