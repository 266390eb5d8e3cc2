"""Laws of dropouts, which hold for every draw.

Every law uses fixed keys; a correct function violates it for one key in a million (ALARM). The
mutants show which errors the laws detect.
"""

from __future__ import annotations

import functools
import importlib
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from parity.spec import Law
from parity.suite.rows import laws

Bools: TypeAlias = NDArray[np.bool_]
Subject = Callable[..., Any]

ALARM = 1e-6
PROBABILITIES = (1e-3, 0.1, 0.5, 0.7, 0.999)
BLOCK_SIZE, BLOCK_SHARE = 3, 0.2


@dataclass(frozen=True, kw_only=True)
class Mask:
    """How the mask of a dropout is observed.

    Args:
        shape: of the input.
        shared: axes along which all elements share one draw.
    """

    shape: tuple[int, ...]
    shared: tuple[int, ...] = ()

    @property
    def ones(self) -> Any:
        """The input."""
        return np.ones(self.shape, np.float32)

    def whole(self, subject: Subject, seed: Any = 0, **values: Any) -> Bools:
        """Whether each element is kept."""
        kept: Bools = _dropped(subject, self.ones, seed, **values) > 0
        return kept

    def drawn(self, subject: Subject, seed: Any = 0, **values: Any) -> Bools:
        """Whether each draw keeps its elements."""
        return self.first(self.whole(subject, seed, **values))

    def first(self, kept: Any) -> Any:
        """The first element along the shared axes."""
        return kept[tuple(slice(1) if i in self.shared else slice(None) for i in range(kept.ndim))]


LINE = Mask(shape=(1 << 10, 1 << 10))
ROWS = Mask(shape=(1 << 18, 2, 1), shared=(1, 2))


def _dropped(subject: Subject, x: Any, seed: Any, **values: Any) -> Any:
    """The output in training mode, with a key or its seed."""
    import jax

    key = jax.random.key(seed) if isinstance(seed, int) else seed
    return np.asarray(subject(x, training=True, key=key, **values), np.float64)


def _keys(seed: int, count: int) -> Any:
    import jax

    return jax.random.split(jax.random.key(seed), count)


def _stats() -> Any:
    return importlib.import_module("scipy.stats")


def _quantile(tests: int) -> float:
    """The bound that any of the tests' normal numbers exceeds, on either side, with ALARM."""
    return float(_stats().norm.isf(ALARM / 2 / tests))


# ------------------------------------------------------------------------------------------- rates


def _drops_with_probability_p(subject: Subject, mask: Mask) -> str | None:
    """By exact binomial tails, for p as a number and as an array."""
    tests = 2 * len(PROBABILITIES)
    for seed, p in enumerate(PROBABILITIES):
        for given in (p, np.asarray(p, np.float32)):
            unlikely = _unlikely_share(mask.drawn(subject, seed, p=given), p, tests)
            if unlikely:
                return f"p = {given!r}: {unlikely}"
    return None


def _unlikely_share(kept: Bools, p: float, tests: int) -> str | None:
    count, dropped = kept.size, int((~kept).sum())
    chance = _stats().binom(count, p)
    unlikely = min(chance.cdf(dropped), chance.sf(dropped - 1)) < ALARM / 2 / tests
    return f"{dropped} of {count} are dropped" if unlikely else None


# ------------------------------------------------------------------------------------ independence


def _independent(pairs: dict[str, tuple[Any, Any]], mean: float, variance: float) -> str | None:
    """The sum of (a - mean) (b - mean) / variance, divided by the root of n, is a normal number."""
    limit = _quantile(len(pairs))
    for name, (a, b) in pairs.items():
        found = float(((a - mean) * (b - mean)).sum() / variance / math.sqrt(a.size))
        if abs(found) > limit:
            return f"{name} are correlated: {found:.1f} standard errors"
    return None


def _neighbours_are_independent(
    subject: Subject, mask: Mask, seed: Any = 11, p: float = 0.3
) -> str | None:
    """Tests neighbours and elements half an axis apart, along each axis with several draws."""
    kept = mask.drawn(subject, seed, p=p)
    pairs: dict[str, Any] = {}
    for axis in range(kept.ndim):
        length, line = kept.shape[axis], np.moveaxis(kept, axis, 0)
        for lag in sorted({1, 2, 3, length // 2} & set(range(1, length))):
            pairs[f"places {lag} apart on axis {axis}"] = line[lag:], line[:-lag]
    return _independent(pairs, 1 - p, p * (1 - p))


def _draws_alike_from_torch_s_stream(subject: Subject, mask: Mask) -> str | None:
    """The share that is dropped and its independence, with torch's generator as the key."""
    from jaxact.random import TorchGenerator

    p = 0.3
    unlikely = _unlikely_share(mask.drawn(subject, TorchGenerator(13), p=p), p, 2)
    return unlikely or _neighbours_are_independent(subject, mask, TorchGenerator(17), p)


def _keys_are_independent(subject: Subject, mask: Mask) -> str | None:
    keys = (*_keys(5, 3), 5)
    kept = [mask.drawn(subject, key, p=0.5) for key in keys]
    if not np.array_equal(kept[0], mask.drawn(subject, keys[0], p=0.5)):
        return "the same key gives another mask"
    pairs = {f"keys {i} and {j}": (kept[i], kept[j]) for i in range(4) for j in range(i)}
    return _independent(pairs, 0.5, 0.25)


def _mapped_keys_have_masks_of_their_own(subject: Subject, mask: Mask) -> str | None:
    import jax

    keys = _keys(6, 2)

    def draw(key: Any) -> Any:
        return subject(mask.ones, training=True, key=key, p=0.5)

    together = np.asarray(jax.vmap(draw)(keys))
    for key, one in zip(keys, together, strict=True):
        if not np.array_equal(one, np.asarray(draw(key))):
            return "a mapped call has another mask than a single one"
    first, second = (mask.first(one > 0) for one in together)
    return _independent({"mapped keys": (first, second)}, 0.5, 0.25)


def _shares_one_draw(subject: Subject, mask: Mask) -> str | None:
    kept = mask.whole(subject, 3, p=0.5)
    if kept.shape != mask.shape:
        return f"an input of shape {mask.shape} gives {kept.shape}"
    if (kept != mask.first(kept)).any():
        return f"along the axes {mask.shared} there are several draws"
    return None


# ------------------------------------------------------------------------------------------- calls


def _training_needs_a_key(subject: Subject, mask: Mask) -> str | None:
    for p in (0.5, np.asarray(0.0, np.float32)):
        try:
            subject(mask.ones, p=p, training=True, key=None)
        except (TypeError, ValueError):
            continue
        return f"a call with p = {p!r} without a key is accepted"
    return None


def _needs_no_key_where_all_is_dropped(subject: Subject, mask: Mask) -> str | None:
    if np.any(subject(mask.ones, p=1.0, training=True, key=None)):
        return "p = 1.0 keeps something"
    return None


def _is_the_input_itself(subject: Subject, mask: Mask) -> str | None:
    """In evaluation mode and for p = 0, without a key."""
    import jax.numpy as jnp

    x = jnp.asarray(mask.ones)
    for values in ({"training": False}, {"training": True, "p": 0.0}, {"training": True, "p": 0}):
        if subject(x, key=None, **values) is not x:
            return f"{values} gives another array than the input"
    return None


def _any_kind_of_key_will_do(subject: Subject, mask: Mask) -> str | None:
    import jax

    p = 0.3
    kinds = [jax.random.key(2, impl=kind) for kind in ("threefry2x32", "rbg", "unsafe_rbg")]
    kept = [mask.drawn(subject, key, p=p) for key in kinds]
    if not np.array_equal(kept[0], mask.drawn(subject, jax.random.key_data(kinds[0]), p=p)):
        return "the data of a key give another mask than the key"
    limit = _quantile(len(kinds))
    for kind, mask_of_kind in zip(kinds, kept, strict=True):
        off = (mask_of_kind.mean() - (1 - p)) / math.sqrt(p * (1 - p) / mask_of_kind.size)
        if abs(off) > limit:
            return f"{kind.dtype}: {mask_of_kind.mean():.4f} are kept"
    return None


def _laws(masks: Sequence[Mask], *broken: Callable[[Subject, Mask], str | None]) -> tuple[Law, ...]:
    """Laws that have to hold for each of the masks."""

    def violated(law: Callable[[Subject, Mask], str | None], subject: Subject) -> str | None:
        found = ((mask.shape, law(subject, mask)) for mask in masks)
        return next((f"shape {shape}: {text}" for shape, text in found if text), None)

    return tuple(
        Law(name=law.__name__.strip("_"), violation=functools.partial(violated, law))
        for law in broken
    )


def random_mask(*masks: Mask, stream: bool = False) -> tuple[Law, ...]:
    """The laws of a dropout that draws masks.

    Args:
        masks: of inputs of several shapes; laws that have nothing to do with shapes take the first.
        stream: whether it also draws torch's stream.
    """
    return (
        *_laws(
            masks,
            _drops_with_probability_p,
            _neighbours_are_independent,
            *((_draws_alike_from_torch_s_stream,) if stream else ()),
            *((_shares_one_draw,) if masks[0].shared else ()),
        ),
        *_laws(
            masks[:1],
            _keys_are_independent,
            _mapped_keys_have_masks_of_their_own,
            _any_kind_of_key_will_do,
            _training_needs_a_key,
            _needs_no_key_where_all_is_dropped,
            _is_the_input_itself,
        ),
    )


# ---------------------------------------------------------------------------------- alpha dropout


def _keeps_mean_and_variance(subject: Subject, mask: Mask) -> str | None:
    """Normal inputs keep mean 0 and variance 1, as networks with selu need."""
    x = np.random.default_rng(0).standard_normal(mask.shape).astype(np.float32)
    limit = _quantile(2 * 3)
    for seed, p in enumerate((0.05, 0.3, 0.8)):
        y = _dropped(subject, x, seed, p=p)
        for name, values, expected in (("mean", y, 0.0), ("variance", y**2, 1.0)):
            # Elements that share a draw are not independent, so they are averaged first.
            means = values.mean(mask.shared) if mask.shared else values
            off = (means.mean() - expected) / (means.std() / math.sqrt(means.size))
            if abs(off) > limit:
                return f"p = {p}: the {name} is {means.mean():.4f}, not {expected}"
    return None


def saturating_mask(*masks: Mask, stream: bool = False) -> tuple[Law, ...]:
    """The laws of a dropout whose dropped values are selu's limit at -inf."""
    return (*random_mask(*masks, stream=stream), *_laws(masks, _keeps_mean_and_variance))


# ------------------------------------------------------------------------------- Gaussian dropout


def _factors_are_normal(subject: Subject) -> str | None:
    ones, settings = np.ones(1 << 18, np.float32), (0.02, 0.5, 0.999, np.asarray(0.5, np.float32))
    for seed, p in enumerate(settings):
        normal = (_dropped(subject, ones, seed, p=p) - 1) / math.sqrt(float(p) / (1 - float(p)))
        found = _stats().ks_1samp(normal, _stats().norm.cdf, method="asymp")
        if found.pvalue < ALARM / len(settings):
            return f"p = {p!r}: Kolmogorov and Smirnov's D = {found.statistic:.3g}"
    return None


def _factors_are_independent(subject: Subject) -> str | None:
    a, b = (_dropped(subject, np.ones((512, 512), np.float32), key, p=0.5) for key in _keys(0, 2))
    pairs = {"keys": (a, b), "rows": (a[1:], a[:-1]), "columns": (a[:, 1:], a[:, :-1])}
    return _independent(pairs, 1.0, 1.0)


GAUSSIAN = (
    *laws(_factors_are_normal, _factors_are_independent),
    *_laws((LINE,), _training_needs_a_key, _is_the_input_itself),
)


# -------------------------------------------------------------------------------------- DropBlock

MAPS = Mask(shape=(64, 64, 12, 10))


def _kept_places(subject: Subject, seed: Any, **values: Any) -> Bools:
    return MAPS.whole(subject, seed, p=BLOCK_SHARE, block_size=BLOCK_SIZE, **values)


def _expected_share() -> float:
    """The expected share of dropped positions: 1 - (1 - γ)^k for one that k blocks may cover."""
    coverings, gamma = np.ones((1, 1)), BLOCK_SHARE
    for length in MAPS.shape[2:]:
        first = np.arange(length - BLOCK_SIZE + 1)
        place = np.arange(length)[:, None]
        cover = ((first <= place) & (place < first + BLOCK_SIZE)).sum(1)
        coverings = np.multiply.outer(coverings.ravel(), cover)
        gamma *= length / (BLOCK_SIZE * first.size)
    return float((1 - (1 - gamma) ** coverings).mean())


def _drops_the_share_of_the_paper(subject: Subject) -> str | None:
    share = 1 - _kept_places(subject, 0).mean((2, 3))
    off = (share.mean() - _expected_share()) / (share.std() / math.sqrt(share.size))
    if abs(off) > _quantile(1):
        return f"{share.mean():.4f} of all places are dropped, not {_expected_share():.4f}"
    return None


def _drops_whole_blocks(subject: Subject) -> str | None:
    """Every dropped position lies in a dropped block that fits into the map."""
    windows: Any = np.lib.stride_tricks.sliding_window_view
    size = (BLOCK_SIZE, BLOCK_SIZE)
    dropped = ~_kept_places(subject, 1)
    first = windows(dropped, size, (2, 3)).all((-2, -1))
    edge = BLOCK_SIZE - 1
    padded = np.pad(first, ((0, 0), (0, 0), (edge, edge), (edge, edge)))
    covered = windows(padded, size, (2, 3)).any((-2, -1))
    return None if np.array_equal(covered, dropped) else "a dropped place lies in no dropped block"


def _maps_are_independent(subject: Subject) -> str | None:
    share, again = (_kept_places(subject, key).mean((2, 3)) for key in _keys(4, 2))
    pairs = {
        "neighbouring samples": (share[1:], share[:-1]),
        "neighbouring channels": (share[:, 1:], share[:, :-1]),
        "keys": (share, again),
    }
    return _independent(pairs, share.mean(), share.var())


def _channels_may_be_last(subject: Subject) -> str | None:
    """Blocks extend along the axes that are neither samples nor channels."""
    ones = np.ones((8, 12, 10, 16), np.float32)
    dropped = _dropped(subject, ones, 0, p=0.3, block_size=3, channel_axis=-1) == 0
    windows: Any = np.lib.stride_tricks.sliding_window_view
    blocks = windows(dropped, (3, 3), (1, 2)).all((-2, -1)).any((1, 2))
    if not (blocks == dropped.any((1, 2))).all():
        return "with channel_axis=-1 blocks do not lie on the axes 1 and 2"
    return None


DROPBLOCK = (
    *laws(
        _drops_the_share_of_the_paper,
        _drops_whole_blocks,
        _maps_are_independent,
        _channels_may_be_last,
    ),
    *_laws((MAPS,), _training_needs_a_key, _is_the_input_itself),
)
