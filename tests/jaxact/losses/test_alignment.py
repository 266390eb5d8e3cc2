"""ctc_loss against all alignments one by one, and against torch, whose gradient it has."""

import itertools
import re

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal

import jaxact
from jaxact.losses.alignment import ctc_loss

T, N, C, S = 7, 4, 5, 3
FRAMES, LENGTHS = (7, 6, 5, 4), (3, 2, 0, 1)
TARGETS = np.asarray([[1, 1, 2], [3, 4, 1], [2, 2, 2], [4, 1, 1]])


def _log_probs(shape=(T, N, C), scale=2.0, seed=0, dtype=np.float64):
    scores = np.random.default_rng(seed).standard_normal(shape) * scale
    return torch.tensor(scores).log_softmax(-1).numpy().astype(dtype)


def _packed(targets=TARGETS, lengths=LENGTHS):
    return np.concatenate([row[:length] for row, length in zip(targets, lengths, strict=True)])


def _collapsed(path, blank):
    return tuple(c for c, _ in itertools.groupby(path) if c != blank)


def _enumerated(log_probs, target, blank):
    """Minus the log of the sum over the paths that collapse to the target."""
    frames, classes = log_probs.shape
    paths = itertools.product(range(classes), repeat=frames)
    fitting = [path for path in paths if _collapsed(path, blank) == tuple(target)]
    return -np.log(sum(np.exp(log_probs[range(frames), path].sum()) for path in fitting))


def _theirs(log_probs, targets, frames, lengths, cotangent=None, **options):
    """torch's losses and gradient."""
    x = torch.tensor(log_probs, requires_grad=True)
    losses = torch.nn.functional.ctc_loss(
        x, torch.tensor(targets), torch.tensor(frames), torch.tensor(lengths), **options
    )
    seed = torch.ones_like(losses) if cotangent is None else torch.tensor(cotangent)
    (slope,) = torch.autograd.grad(losses, x, seed)
    return losses.detach().numpy(), slope.numpy()


def _ours(log_probs, targets, frames, lengths, cotangent=None, **options):
    def loss(x):
        return ctc_loss(
            x, jnp.asarray(targets), jnp.asarray(frames), jnp.asarray(lengths), **options
        )

    with jax.enable_x64(True):
        losses, pull = jax.vjp(jax.jit(loss), jnp.asarray(log_probs))
        seed = jnp.ones_like(losses) if cotangent is None else jnp.asarray(cotangent)
        return np.asarray(losses), np.asarray(pull(seed)[0])


# --------------------------------------------------------------------------------------- semantics


@pytest.mark.parametrize("blank", [0, 2])
def test_the_loss_sums_over_the_alignments(blank):
    log_probs = _log_probs((5, 3, 3))
    others = [c for c in range(3) if c != blank]
    targets = [others, [others[0]] * 2, [others[1]] * 2]
    lengths = (2, 2, 1)
    losses, _ = _ours(log_probs, targets, (5, 5, 4), lengths, blank=blank, reduction="none")
    truth = [
        _enumerated(log_probs[:frames, n], targets[n][: lengths[n]], blank)
        for n, frames in enumerate((5, 5, 4))
    ]
    assert_allclose(losses, truth, rtol=1e-13)


@pytest.mark.parametrize("reduction", ["none", "mean", "sum"])
def test_value_and_gradient_are_torchs(reduction):
    cotangent = np.asarray([1.5, -0.5, 2.0, 0.25]) if reduction == "none" else np.asarray(-0.7)
    arguments = (_log_probs(), TARGETS, FRAMES, LENGTHS, cotangent)
    losses, slope = _ours(*arguments, reduction=reduction)
    expected, expected_slope = _theirs(*arguments, reduction=reduction)
    assert_allclose(losses, expected, rtol=1e-14)
    assert_allclose(slope, expected_slope, rtol=0, atol=1e-14)


def test_behind_log_softmax_the_projected_gradient_is_the_gradient():
    with jax.enable_x64(True):
        scores = jnp.asarray(np.random.default_rng(5).standard_normal((T, N, C)))

        def loss(x):
            return ctc_loss(jax.nn.log_softmax(x), jnp.asarray(TARGETS), FRAMES, LENGTHS)

        slope, step = jax.grad(loss)(scores), 1e-5
        for place in [(0, 0, 0), (3, 1, 2), (4, 3, 4), (6, 0, 1)]:
            move = jnp.zeros_like(scores).at[place].set(step)
            difference = (loss(scores + move) - loss(scores - move)) / (2 * step)
            assert_allclose(slope[place], difference, atol=1e-9)


def test_all_forms_of_targets_and_lengths_give_the_same():
    log_probs = _log_probs(dtype=np.float32)
    frames, lengths, packed = jnp.asarray(FRAMES), jnp.asarray(LENGTHS), jnp.asarray(_packed())
    padded = ctc_loss(log_probs, TARGETS, frames, lengths, reduction="none")
    traced = jax.jit(lambda *rest: ctc_loss(log_probs, *rest, reduction="none"))
    for losses in [
        ctc_loss(log_probs, TARGETS, FRAMES, list(LENGTHS), reduction="none"),
        ctc_loss(log_probs, TARGETS.astype(np.float32), frames[:, None], lengths, reduction="none"),
        ctc_loss(log_probs, packed, FRAMES, LENGTHS, reduction="none"),
        ctc_loss(log_probs, packed, frames, lengths, reduction="none"),
        traced(packed, frames, lengths),
        traced(TARGETS, tuple(FRAMES), lengths),
    ]:
        assert_array_equal(losses, padded)
    for n in (0, 2):
        one = log_probs[:, n], TARGETS[n, : LENGTHS[n]]
        loss = ctc_loss(*one, jnp.asarray(FRAMES[n]), (LENGTHS[n],), reduction="none")
        assert loss.shape == ()
        assert_array_equal(loss, padded[n])


def test_what_pads_targets_and_frames_plays_no_part():
    log_probs, targets = _log_probs(dtype=np.float32), TARGETS.copy()
    losses, slope = _ours(log_probs, targets, FRAMES, LENGTHS)
    for n in range(N):
        log_probs[FRAMES[n] :, n] = np.nan
        targets[n, LENGTHS[n] :] = -1
    padded, padded_slope = _ours(log_probs, targets, FRAMES, LENGTHS)
    assert_array_equal(padded, losses)
    assert_array_equal(padded_slope, slope)
    assert not padded_slope[6, 1].any()


@pytest.mark.parametrize("zero_infinity", [False, True])
def test_a_target_without_an_alignment_is_infinite_or_counts_for_nothing(zero_infinity):
    targets = np.asarray([[1, 1, 1], [1, 2, 3], [1, 2, 3]])
    arguments = (_log_probs((6, 3, C)), targets, (4, 6, 0), (3, 3, 1))
    options = {"reduction": "none", "zero_infinity": zero_infinity}
    losses, slope = _ours(*arguments, **options)
    expected, expected_slope = _theirs(*arguments, **options)
    assert_allclose(losses, expected, rtol=1e-14)
    assert_allclose(slope, expected_slope, atol=1e-14)
    assert np.isnan(slope[:4, 0]).all() != zero_infinity
    assert not slope[4:, 0].any()


def test_an_impossible_class_has_gradient_zero():
    log_probs = _log_probs()
    log_probs[2, 0, 3] = log_probs[3, 0, 1] = -np.inf
    losses, slope = _ours(log_probs, TARGETS, FRAMES, LENGTHS, reduction="none")
    expected, expected_slope = _theirs(log_probs, TARGETS, FRAMES, LENGTHS, reduction="none")
    assert_allclose(losses, expected, rtol=1e-14)
    # torch has nan for both.
    assert np.argwhere(np.isnan(expected_slope)).tolist() == [[2, 0, 3], [3, 0, 1]]
    assert_allclose(slope, np.nan_to_num(expected_slope, nan=0.0), atol=1e-14)


def test_nan_stays_where_torch_has_it():
    log_probs = _log_probs()
    log_probs[1, 0, 0] = log_probs[1, 1, 2] = np.nan
    arguments = (log_probs, TARGETS, FRAMES, LENGTHS)
    losses, slope = _ours(*arguments, reduction="none")
    expected, expected_slope = _theirs(*arguments, reduction="none")
    assert_allclose(losses, expected, rtol=1e-14)
    assert_allclose(slope, expected_slope, atol=1e-14)


# ------------------------------------------------------------------------------------------ digits


def _errors(log_probs, targets):
    """The largest errors of both gradients in float32."""
    batch = log_probs.shape[1]
    rest = (targets, (len(log_probs),) * batch, (targets.shape[1],) * batch)
    _, truth = _theirs(log_probs.astype(np.float64), *rest, reduction="sum")
    _, ours = _ours(log_probs, *rest, reduction="sum")
    _, theirs = _theirs(log_probs, *rest, reduction="sum")
    return np.abs(ours - truth).max(), np.abs(theirs - truth).max()


@pytest.mark.parametrize("scale", [1.0, 10.0, 1000.0])
def test_the_float32_gradient_loses_nothing_to_the_size_of_the_loss(scale):
    targets = np.random.default_rng(1).integers(1, 9, (2, 30))
    ours, theirs = _errors(_log_probs((120, 2, 9), scale, dtype=np.float32), targets)
    assert ours < 1e-6
    assert ours < theirs / 20


def test_the_gradient_of_a_confident_model_keeps_its_digits():
    targets = np.random.default_rng(1).integers(1, 9, (1, 20))
    scores = np.random.default_rng(2).standard_normal((80, 1, 9))
    scores[:, 0, 0] += 20
    for s, target in enumerate(targets[0]):
        scores[4 * s + 2, 0, [0, target]] += [-20, 20]
    ours, theirs = _errors(torch.tensor(scores).log_softmax(-1).float().numpy(), targets)
    assert ours < 1e-12
    assert theirs > 1e-9


def test_nothing_underflows_where_a_model_knows_only_blanks():
    log_probs = np.full((300, 1, 64), -200, np.float32)
    log_probs[..., 0] = 0
    arguments = (log_probs, np.ones((1, 60), np.int64) * [[1, 2] * 30], (300,), (60,))
    truth, _ = _theirs(log_probs.astype(np.float64), *arguments[1:], reduction="sum")
    losses, slope = _ours(*arguments, reduction="sum")
    assert_allclose(losses, truth, rtol=1e-6)
    assert np.isfinite(slope).all()


def test_one_certain_alignment_has_loss_zero():
    log_probs = np.full((4, 1, 3), -np.inf, np.float32)
    for frame, c in enumerate([1, 0, 2, 2]):
        log_probs[frame, 0, c] = 0
    losses, slope = _ours(log_probs, np.asarray([[1, 2]]), (4,), (2,), reduction="none")
    assert losses[0] == 0
    assert not slope.any()


def test_the_largest_float_stands_for_itself():
    log_probs = _log_probs(dtype=np.float32)
    log_probs[2, 0, :] = np.finfo(np.float32).min
    log_probs[2, 1, 3] = np.finfo(np.float32).min
    arguments = (log_probs, TARGETS, FRAMES, LENGTHS)
    losses, slope = _ours(*arguments, reduction="none")
    assert_allclose(losses, _theirs(*arguments, reduction="none")[0], rtol=1e-6)
    assert np.isfinite(slope).all()


# -------------------------------------------------------------------------------------- transforms


def test_vmap_maps_sequences():
    log_probs = _log_probs(dtype=np.float32)
    losses = jax.vmap(
        lambda x, target, frames, length: ctc_loss(x, target[None], frames, length), (1, 0, 0, 0)
    )(log_probs, jnp.asarray(TARGETS), jnp.asarray(FRAMES), jnp.asarray(LENGTHS))
    expected = ctc_loss(log_probs, TARGETS, FRAMES, LENGTHS, reduction="none")
    assert_allclose(losses, expected / np.maximum(LENGTHS, 1), rtol=1e-6)


def test_forward_mode_has_the_gradient_of_reverse_mode():
    log_probs, step = _log_probs(dtype=np.float32), _log_probs(seed=4, dtype=np.float32)
    losses, along = jax.jvp(lambda x: ctc_loss(x, TARGETS, FRAMES, LENGTHS), (log_probs,), (step,))
    expected, slope = _ours(log_probs, TARGETS, FRAMES, LENGTHS)
    assert_allclose(losses, expected, rtol=1e-6)
    assert_allclose(along, np.sum(slope * step), rtol=1e-5)


def test_there_is_no_second_derivative_as_in_torch():
    def loss(x):
        return ctc_loss(x, TARGETS, FRAMES, LENGTHS)

    def slope(x):
        return jnp.sum(jax.grad(loss)(x) ** 2)

    with pytest.raises(NotImplementedError, match="ctc_loss: there is no second derivative"):
        jax.grad(slope)(_log_probs(dtype=np.float32))


def test_other_lengths_and_targets_compile_nothing():
    jitted = jax.jit(ctc_loss)
    for turn in range(3):
        frames, lengths = jnp.roll(jnp.asarray(FRAMES), turn), jnp.roll(jnp.asarray(LENGTHS), turn)
        jitted(_log_probs(seed=turn, dtype=np.float32), jnp.asarray(TARGETS), frames, lengths)
    assert jitted._cache_size() == 1


def _floats_held(frames, labels, packed=False):
    """How many float32 the gradient's program holds on the way."""
    batch = 8
    lengths = (labels,) * batch

    def loss(x, targets):
        return ctc_loss(x, targets, (frames,) * batch, lengths)

    targets = jnp.ones((batch * labels,) if packed else (batch, labels), jnp.int32)
    log_probs = jnp.zeros((frames, batch, 16), jnp.float32)
    compiled = jax.jit(jax.grad(loss)).lower(log_probs, targets).compile()
    return compiled.memory_analysis().temp_size_in_bytes / 4


def test_memory_is_linear_in_frames_and_labels():
    one = _floats_held(100, 20)
    assert one < 10 * 100 * 8 * (20 + 16)
    assert _floats_held(200, 20) < 2.1 * one
    assert _floats_held(100, 40) < 2.1 * one
    # Numbers tell the longest of the targets that stand one after another.
    assert _floats_held(100, 20, packed=True) < 1.1 * one


# ---------------------------------------------------------------------------------- values, errors

FOUR, ONE = (c == TARGETS for c in (4, 1))
BAD_ARRAYS = {
    "input_lengths must be in [0, 7], got 8": (TARGETS, (7, 8, 5, 4), LENGTHS, [1]),
    "input_lengths must be in [0, 7], got -1": (TARGETS, (7, 6, -1, 4), LENGTHS, [2]),
    "target_lengths must be in [0, 3], got 4": (TARGETS, FRAMES, (3, 2, 0, 4), [3]),
    "target_lengths must be in [0, 3], got -2": (TARGETS, FRAMES, (-2, 2, 0, 1), [0]),
    "targets must be in [0, 5) and not 0, got 5": (TARGETS + FOUR, FRAMES, LENGTHS, [1, 3]),
    "targets must be in [0, 5) and not 0, got 0": (TARGETS - ONE, FRAMES, LENGTHS, [0]),
    "targets must be in [0, 5) and not 0, got -1": (TARGETS - 2 * ONE, FRAMES, LENGTHS, [0]),
    "target_lengths must have the sum 6, got 7": (_packed(), FRAMES, (3, 2, 0, 2), [0, 1, 2, 3]),
}


def _each(*arrays):
    return ctc_loss(*arrays, reduction="none")


def _slope(*arrays):
    return jax.grad(lambda *a: jnp.sum(_each(*a)))(*arrays)


EACH, SLOPE, CHECKED = jax.jit(_each), jax.jit(_slope), jaxact.checked(_each)


def _arrays(targets=TARGETS, frames=FRAMES, lengths=LENGTHS):
    log_probs = _log_probs(dtype=np.float32)
    return [jnp.asarray(a) for a in (log_probs, targets, frames, lengths)]


@pytest.mark.parametrize("message", BAD_ARRAYS)
def test_bad_values_in_arrays_give_nan_and_raise_when_checked(message):
    *arguments, bad = BAD_ARRAYS[message]
    arrays = _arrays(*arguments)
    assert np.flatnonzero(np.isnan(EACH(*arrays))).tolist() == bad
    assert np.flatnonzero(np.isnan(SLOPE(*arrays)).any((0, 2))).tolist() == bad
    with pytest.raises(ValueError, match=f"^{re.escape('ctc_loss: ' + message)}$") as raised:
        CHECKED(*arrays)
    assert isinstance(raised.value, RuntimeError)


def test_bad_values_raise_in_a_checking_context():
    with pytest.raises(RuntimeError, match="got 8"), jaxact.checking():
        ctc_loss(*_arrays(frames=(7, 6, 8, 4)))


def test_good_values_pass_the_checks():
    arrays = _arrays()
    with jaxact.checking():
        assert np.isfinite(ctc_loss(*arrays))
    assert np.isfinite(CHECKED(*arrays)).all()


GOOD = {
    "log_probs": np.zeros((T, N, C), np.float32),
    "targets": TARGETS,
    "input_lengths": FRAMES,
    "target_lengths": LENGTHS,
}
BAD_CALLS = [
    ({"input_lengths": (7, 8, 5, 4)}, RuntimeError, "input_lengths must be in"),
    ({"input_lengths": (7, 6, 5, -1)}, RuntimeError, "input_lengths must be in"),
    ({"target_lengths": (4, 2, 0, 1)}, RuntimeError, "target_lengths must be in"),
    ({"targets": _packed(), "target_lengths": (3, 2, 0, 2)}, RuntimeError, "targets must hold 7"),
    ({"input_lengths": (7, 6, 5)}, RuntimeError, "input_lengths must hold 4 lengths, got 3"),
    ({"target_lengths": jnp.asarray(2)}, RuntimeError, "target_lengths must hold 4 lengths"),
    ({"input_lengths": jnp.ones(4)}, RuntimeError, "input_lengths must hold integers"),
    ({"target_lengths": jnp.ones(4, bool)}, RuntimeError, "target_lengths must hold integers"),
    ({"input_lengths": (7.0, 6.0, 5.0, 4.0)}, TypeError, "input_lengths must hold integers"),
    ({"targets": TARGETS.tolist()}, TypeError, "targets must be an array"),
    ({"targets": TARGETS[:2]}, RuntimeError, "targets must have shape"),
    ({"targets": TARGETS[None]}, RuntimeError, "targets must have shape"),
    ({"log_probs": np.zeros((T, N, C), np.float16)}, NotImplementedError, "log_probs must have"),
    ({"log_probs": np.zeros((T, N, C), np.int32)}, NotImplementedError, "log_probs must have"),
    ({"log_probs": np.zeros((0, N, C), np.float32)}, RuntimeError, "log_probs must not be empty"),
    ({"log_probs": np.zeros((1, T, N, C), np.float32)}, RuntimeError, "log_probs must have shape"),
    ({"blank": C}, RuntimeError, "blank must be in"),
    ({"blank": -1}, RuntimeError, "blank must be in"),
    ({"blank": 1.0}, TypeError, "blank must be an int"),
    ({"blank": True}, TypeError, "blank must be an int"),
    ({"zero_infinity": 1}, TypeError, "zero_infinity must be True or False"),
    ({"reduction": "batchmean"}, ValueError, "reduction must be"),
]


@pytest.mark.parametrize(("bad", "error", "message"), BAD_CALLS)
def test_bad_calls_raise_torchs_errors(bad, error, message):
    with pytest.raises(error, match=f"^ctc_loss: {message}"):
        ctc_loss(**(GOOD | bad))


@pytest.mark.parametrize("dtype", [np.int8, np.uint8, np.int64])
def test_lengths_of_few_bits_are_lengths_all_the_same(dtype):
    draw = np.random.default_rng(0)
    log_probs = jax.nn.log_softmax(draw.normal(size=(300, 3, 20)).astype(np.float32))
    targets, lengths = draw.integers(1, 20, (3, 100)), np.array([100, 90, 80])
    packed = np.concatenate([row[:n] for row, n in zip(targets, lengths, strict=True)])
    frames = np.full(3, 300)
    expected = ctc_loss(log_probs, targets, frames, lengths, reduction="none")
    for labels in (targets, packed):
        found = ctc_loss(log_probs, labels, frames, lengths.astype(dtype), reduction="none")
        assert_array_equal(found, expected)


def test_a_label_beyond_32_bits_is_no_class():
    with jax.enable_x64(True):
        log_probs = jnp.full((5, 1, 4), -np.log(4.0))
        assert jnp.isnan(ctc_loss(log_probs, jnp.array([[2**32 + 1]]), (5,), (1,)))
