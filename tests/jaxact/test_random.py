"""TorchGenerator against torch's CPU generator: the same bits, the same place in the stream."""

import random
import subprocess
import sys
import warnings
from fractions import Fraction

import jax.numpy as jnp
import numpy as np
import pytest
import torch

from jaxact.random import TorchGenerator
from jaxact.random._fused import affine, fused32
from jaxact.random._shuffle import inserted, swapped

SIZES = (0, 1, 2, 15, 16, 17, 31, 32, 33, 100, 1000, 10007)
SEEDS = (0, 1, 42, 2**32 + 5, -1, 2**64 - 1, -(2**63))
FLOATING = ("float16", "bfloat16", "float32", "float64")
INTEGERS = ("bool", "uint8", "int8", "int16", "int32", "int64")
SIGNED = {1: "int8", 2: "int16", 4: "int32", 8: "int64"}


def ours_of(dtype):
    return np.dtype(jnp.bfloat16 if dtype == "bfloat16" else dtype)


def torchs_of(dtype):
    return getattr(torch, dtype)


def _empty(n, dtype):
    return torch.empty(n, dtype=torchs_of(dtype))


def _trunc_normal(n, dtype, mean, std, a, b):
    with warnings.catch_warnings():
        # torch warns where the mean is far outside [a, b].
        warnings.simplefilter("ignore", UserWarning)
        return torch.nn.init.trunc_normal_(_empty(n, dtype), mean, std, a, b)


# name: (torch's draw, ours), of n samples of a dtype; the generator of torch is the global one.
DRAWS = {
    "rand": (
        lambda n, d: torch.rand(n, dtype=torchs_of(d)),
        lambda g, n, d: g.rand(n, ours_of(d)),
    ),
    "uniform about 0": (
        lambda n, d: _empty(n, d).uniform_(-0.3, 0.3),
        lambda g, n, d: g.uniform(n, -0.3, 0.3, ours_of(d)),
    ),
    "uniform off 0": (
        lambda n, d: _empty(n, d).uniform_(1.1, 3.7),
        lambda g, n, d: g.uniform(n, 1.1, 3.7, ours_of(d)),
    ),
    "uniform, subnormal": (
        lambda n, d: _empty(n, d).uniform_(1e-42, 1e-40),
        lambda g, n, d: g.uniform(n, 1e-42, 1e-40, ours_of(d)),
    ),
    "uniform of one value": (
        lambda n, d: _empty(n, d).uniform_(5, 5),
        lambda g, n, d: g.uniform(n, 5, 5, ours_of(d)),
    ),
    "randn": (
        lambda n, d: torch.randn(n, dtype=torchs_of(d)),
        lambda g, n, d: g.randn(n, ours_of(d)),
    ),
    "normal of mean 0": (
        lambda n, d: _empty(n, d).normal_(0, 0.02),
        lambda g, n, d: g.normal(n, 0, 0.02, ours_of(d)),
    ),
    "normal off 0": (
        lambda n, d: _empty(n, d).normal_(-1.3, 0.7),
        lambda g, n, d: g.normal(n, -1.3, 0.7, ours_of(d)),
    ),
    "normal without spread": (
        lambda n, d: _empty(n, d).normal_(0.1, 0),
        lambda g, n, d: g.normal(n, 0.1, 0, ours_of(d)),
    ),
    "trunc_normal": (
        lambda n, d: _trunc_normal(n, d, 0.1, 1, -1.2, 2),
        lambda g, n, d: g.trunc_normal(n, 0.1, 1, -1.2, 2, ours_of(d)),
    ),
    "trunc_normal, narrow": (
        lambda n, d: _trunc_normal(n, d, 0.5, 2, 0, 1),
        lambda g, n, d: g.trunc_normal(n, 0.5, 2, 0, 1, ours_of(d)),
    ),
    "trunc_normal, tail": (
        lambda n, d: _trunc_normal(n, d, 0, 1, 3, 4),
        lambda g, n, d: g.trunc_normal(n, 0, 1, 3, 4, ours_of(d)),
    ),
    "exponential": (
        lambda n, d: _empty(n, d).exponential_(1.7),
        lambda g, n, d: g.exponential(n, 1.7, ours_of(d)),
    ),
    "bernoulli": (
        lambda n, d: _empty(n, d).bernoulli_(1 / 3),
        lambda g, n, d: g.bernoulli(n, 1 / 3, ours_of(d)),
    ),
    "bernoulli of probabilities": (
        lambda n, d: torch.bernoulli(torch.rand(n, dtype=torchs_of(d))),
        lambda g, n, d: g.bernoulli(n, g.rand(n, ours_of(d)), ours_of(d)),
    ),
    "dropout": (
        lambda n, d: torch.nn.functional.dropout(torch.ones(n, dtype=torchs_of(d)), 0.1),
        lambda g, n, d: g.dropout_mask(n, 0.1, ours_of(d)),
    ),
    "dropout of nothing": (
        lambda n, d: torch.nn.functional.dropout(torch.ones(n, dtype=torchs_of(d)), 0.0),
        lambda g, n, d: g.dropout_mask(n, 0, ours_of(d)),
    ),
    "dropout of everything": (
        lambda n, d: torch.nn.functional.dropout(torch.ones(n, dtype=torchs_of(d)), 1.0),
        lambda g, n, d: g.dropout_mask(n, 1, ours_of(d)),
    ),
    "random": (
        lambda n, d: _empty(n, d).random_(),
        lambda g, n, d: g.random(n, ours_of(d)),
    ),
    "randint": (
        lambda n, d: torch.randint(-7, 100, (n,), dtype=torchs_of(d)),
        lambda g, n, d: g.randint(-7, 100, n, ours_of(d)),
    ),
    "randperm": (
        lambda n, d: torch.randperm(min(n, 250), dtype=torchs_of(d)),
        lambda g, n, d: g.randperm(min(n, 250), ours_of(d)),
    ),
}


def bits(values):
    """The bits as integers: -0 is not 0, and nan is nan."""
    if isinstance(values, torch.Tensor):
        return values.contiguous().view(getattr(torch, SIGNED[values.element_size()])).numpy()
    return values.view(SIGNED[values.dtype.itemsize])


def assert_same_bits(ours, theirs):
    assert ours.dtype.name == str(theirs.dtype).removeprefix("torch.")
    np.testing.assert_array_equal(bits(ours), bits(theirs))


def assert_same_place(generator):
    np.testing.assert_array_equal(generator.get_state(), torch.get_rng_state().numpy())


def both(seed=0):
    torch.manual_seed(seed)
    return TorchGenerator(seed)


# ----------------------------------------------------------------------------------------- streams


@pytest.mark.parametrize("dtype", FLOATING)
@pytest.mark.parametrize("name", DRAWS)
def test_a_draw_has_torchs_bits_and_leaves_torchs_stream(name, dtype):
    theirs, ours = DRAWS[name]
    generator = both()
    for n in SIZES:
        assert_same_bits(ours(generator, n, dtype), theirs(n, dtype))
        assert_same_place(generator)
        assert_same_bits(generator.rand(3), torch.rand(3))


@pytest.mark.parametrize("seed", SEEDS)
def test_every_seed_of_torch_gives_its_stream(seed):
    generator = both(seed)
    assert generator.initial_seed() == torch.initial_seed()
    assert_same_place(generator)
    for name in ("rand", "randn", "randint"):
        theirs, ours = DRAWS[name]
        assert_same_bits(ours(generator, 1000, "float32"), theirs(1000, "float32"))
    assert_same_place(generator)


@pytest.mark.parametrize("seed", range(6))
def test_kinds_of_draws_mix(seed):
    chosen = random.Random(seed)
    generator = both(seed)
    for _ in range(80):
        theirs, ours = DRAWS[chosen.choice(list(DRAWS))]
        n, dtype = chosen.choice((*SIZES[:-1], *range(18))), chosen.choice(FLOATING)
        assert_same_bits(ours(generator, n, dtype), theirs(n, dtype))
    assert_same_place(generator)


def test_the_second_normal_of_a_pair_waits_for_the_next_small_draw():
    generator = both()
    assert_same_bits(generator.randn(1), torch.randn(1))
    assert_same_bits(generator.randn(20), torch.randn(20))
    assert_same_bits(generator.normal(1, 3.0, 0.1), torch.empty(1).normal_(3.0, 0.1))
    assert_same_bits(generator.randn(3, np.float64), torch.randn(3, dtype=torch.float64))
    assert_same_place(generator)


@pytest.mark.parametrize("shape", [(), (3,), (4, 5), (2, 3, 7), (0, 3), (1, 1, 16)])
def test_a_shape_is_filled_in_the_order_of_its_elements(shape):
    generator = both()
    assert_same_bits(generator.randn(shape), torch.randn(shape))
    assert_same_bits(generator.uniform(shape, -1, 2), torch.empty(shape).uniform_(-1, 2))
    assert_same_bits(generator.randint(0, 9, shape), torch.randint(0, 9, shape))
    assert_same_place(generator)


def test_many_samples_do_not_depend_on_torchs_threads():
    generator = both()
    for n in (1 << 17, (1 << 18) + 5):
        assert_same_bits(generator.rand(n), torch.rand(n))
        assert_same_bits(generator.randn(n), torch.randn(n))
        assert_same_bits(
            generator.dropout_mask(n, 0.3), torch.nn.functional.dropout(torch.ones(n), 0.3)
        )
    assert_same_place(generator)


# ---------------------------------------------------------------------------------------- integers

RANGES = [
    (0, 1),
    (0, 2),
    (-5, 100),
    (0, 2**16),
    (-(2**20), 2**20),
    (0, 2**28 - 1),
    (0, 2**28),
    (-(2**31), 2**31),
    (0, 2**32),
    (0, 2**32 + 1),
    (-(2**62), 2**62),
    (0, 2**63 - 1),
    (-(2**63), 2**63 - 1),
    (7, 65504),
    (-3000, 2050),
    (255, 300),
]


@pytest.mark.parametrize("dtype", [*INTEGERS, *FLOATING])
def test_integers_of_a_range_are_torchs_or_both_refuse(dtype):
    generator = both()
    for low, high in RANGES:
        try:
            with warnings.catch_warnings():
                # torch warns that a floating dtype does not hold every integer of the range.
                warnings.simplefilter("ignore", UserWarning)
                theirs = _empty(100, dtype).random_(low, high)
        except RuntimeError:
            with pytest.raises(ValueError, match="randint: low"):
                generator.randint(low, high, 100, ours_of(dtype))
        else:
            assert_same_bits(generator.randint(low, high, 100, ours_of(dtype)), theirs)
    assert_same_place(generator)


@pytest.mark.parametrize("dtype", INTEGERS)
def test_integers_without_a_range_and_masks_are_torchs(dtype):
    generator = both()
    assert_same_bits(generator.random(1000, ours_of(dtype)), _empty(1000, dtype).random_())
    assert_same_bits(
        generator.bernoulli(1000, 0.2, ours_of(dtype)), _empty(1000, dtype).bernoulli_(0.2)
    )
    assert_same_place(generator)


@pytest.mark.parametrize("dtype", ["uint8", "int32", "int64", "float16", "float32"])
def test_permutations_are_torchs(dtype):
    generator = both()
    longest = 255 if dtype == "uint8" else 2048
    for n in (0, 1, 2, 3, 10, longest):
        theirs = torch.randperm(n, dtype=torchs_of(dtype))
        assert_same_bits(generator.randperm(n, ours_of(dtype)), theirs)
    assert_same_place(generator)


def test_a_large_permutation_is_torchs():
    generator = both()
    assert_same_bits(generator.randperm(100_003), torch.randperm(100_003))
    assert_same_place(generator)


@pytest.mark.parametrize("n", [0, 1, 2, 3, 50, 2000])
def test_swaps_at_once_are_swaps_in_turn(n):
    places = np.random.default_rng(n).integers(np.arange(n), n)
    contents = list(range(n))
    for i, z in enumerate(places):
        contents[i], contents[z] = contents[z], contents[i]
    np.testing.assert_array_equal(swapped(places), contents)


@pytest.mark.parametrize("n", [0, 1, 2, 3, 50, 2000])
def test_insertions_at_once_are_insertions_in_turn(n):
    # torch shuffles so from a length of 2^32 / 20 on: too long for a test.
    places = np.random.default_rng(n).integers(0, np.arange(n) + 1)
    contents = [0] * n
    for i, z in enumerate(places):
        contents[i] = i
        contents[i] = contents[z]
        contents[z] = i
    np.testing.assert_array_equal(inserted(places), contents)


# ------------------------------------------------------------------------------------------- masks


@pytest.mark.parametrize("p", [0.1, 1 / 3, 0.5, 0.9, 0.999])
@pytest.mark.parametrize("dtype", FLOATING)
def test_a_dropout_mask_times_the_input_is_torchs_dropout(dtype, p):
    generator = both()
    x = torch.linspace(-3, 3, 500).to(torchs_of(dtype))
    theirs = torch.nn.functional.dropout(x, p)
    mask = generator.dropout_mask((500,), p, ours_of(dtype))
    own = x.float().numpy().astype(ours_of(dtype)) if dtype != "float64" else x.numpy()
    assert_same_bits((own * mask).astype(ours_of(dtype)), theirs)
    assert_same_place(generator)


def test_a_mask_with_lengths_of_one_is_that_of_feature_dropout():
    generator = both()
    for n, c in ((4, 8), (2, 3)):
        theirs = torch.nn.functional.dropout2d(torch.ones(n, c, 5, 6), 0.4)
        mask = generator.dropout_mask((n, c, 1, 1), 0.4)
        assert_same_bits(np.ascontiguousarray(np.broadcast_to(mask, (n, c, 5, 6))), theirs)
    assert_same_place(generator)


def test_the_mask_of_alpha_dropout_is_a_bernoulli_draw():
    generator = both()
    dropped = torch.nn.functional.alpha_dropout(torch.zeros(999), 0.3, training=True)
    np.testing.assert_array_equal(generator.bernoulli(999, 0.7) == 0, dropped.numpy() < 0)
    assert_same_place(generator)


def test_an_array_of_probabilities_broadcasts():
    generator = both()
    p = torch.tensor([[0.1], [0.9]])
    theirs = torch.empty(2, 50).bernoulli_(p)
    assert_same_bits(generator.bernoulli((2, 50), jnp.asarray(p.numpy())), theirs)
    p = p.double()
    theirs = torch.empty(2, 50).bernoulli_(p)
    assert_same_bits(generator.bernoulli((2, 50), p.numpy()), theirs)
    assert_same_place(generator)


# ------------------------------------------------------------------------------------ initializers


@pytest.mark.parametrize("shape", [(33, 20), (5, 3), (20, 33)])
def test_orthogonal_and_sparse_matrices_can_be_built(shape):
    generator = both()
    tall = generator.randn(shape)
    if shape[0] < shape[1]:
        tall = np.ascontiguousarray(tall.T)
    q, r = np.linalg.qr(tall.astype(np.float64))
    q *= np.sign(np.diag(r))
    theirs = torch.nn.init.orthogonal_(torch.empty(shape))
    np.testing.assert_allclose(q.T if shape[0] < shape[1] else q, theirs.numpy(), atol=2e-5)
    sparse = generator.normal(shape, 0, 0.01)
    for column in range(shape[1]):
        sparse[generator.randperm(shape[0])[:3], column] = 0
    theirs = torch.nn.init.sparse_(torch.empty(shape), 2.5 / shape[0])
    assert_same_bits(sparse, theirs)
    assert_same_place(generator)


def test_a_linear_layer_of_torch_can_be_built():
    generator = both(7)
    layer = torch.nn.Linear(30, 20)
    bound = 1 / 30**0.5
    # kaiming_uniform_ computes gain / sqrt(fan) · sqrt(3), in this order.
    weight_bound = 3**0.5 * ((2 / 6) ** 0.5 / 30**0.5)
    weight = generator.uniform((20, 30), -weight_bound, weight_bound)
    assert_same_bits(weight, layer.weight.detach())
    assert_same_bits(generator.uniform(20, -bound, bound), layer.bias.detach())


# ------------------------------------------------------------------------------------------- state


def test_a_state_continues_in_torch_and_here():
    torch.manual_seed(3)
    torch.randn(5)
    generator = TorchGenerator(0)
    generator.set_state(torch.get_rng_state().numpy())
    assert generator.initial_seed() == 3
    assert_same_place(generator)
    assert_same_bits(generator.randn(3), torch.randn(3))
    assert_same_bits(generator.rand(700), torch.rand(700))
    assert_same_place(generator)

    generator = TorchGenerator(11)
    generator.randn(7)
    torch.set_rng_state(torch.from_numpy(generator.get_state()))
    assert_same_bits(generator.randn(3), torch.randn(3))
    assert_same_place(generator)


@pytest.mark.parametrize("drawn", [0, 1, 623, 624, 625, 1248])
def test_a_state_is_kept_at_the_borders_of_the_twisters_blocks(drawn):
    generator = both(5)
    generator.rand(drawn)
    torch.rand(drawn)
    assert_same_place(generator)
    copy = TorchGenerator(0)
    copy.set_state(generator.get_state())
    np.testing.assert_array_equal(copy.get_state(), generator.get_state())
    np.testing.assert_array_equal(copy.rand(1000), generator.rand(1000))


def test_a_saved_state_is_not_changed_by_later_draws():
    generator = TorchGenerator(1)
    saved = generator.get_state()
    kept = saved.copy()
    first = generator.rand(5)
    np.testing.assert_array_equal(saved, kept)
    generator.set_state(saved)
    np.testing.assert_array_equal(generator.rand(5), first)
    np.testing.assert_array_equal(saved, kept)


def test_seeding_again_begins_anew_and_forgets_the_second_normal():
    generator = TorchGenerator(9)
    first = generator.randn(3)
    assert generator.manual_seed(9) is generator
    np.testing.assert_array_equal(generator.randn(3), first)


def test_torch_is_not_loaded():
    code = (
        "import sys; from jaxact.random import TorchGenerator; TorchGenerator(0).randn(20); "
        "assert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


# ------------------------------------------------------------------------------------------ errors


@pytest.mark.parametrize("seed", [2**64, -(2**63) - 1])
def test_a_seed_out_of_range_is_refused(seed):
    with pytest.raises(ValueError, match="Overflow"):
        torch.manual_seed(seed)
    with pytest.raises(RuntimeError, match=r"TorchGenerator: seed must be in .*, got"):
        TorchGenerator(seed)


@pytest.mark.parametrize("seed", [1.0, "1", None])
def test_a_seed_that_is_no_integer_is_refused(seed):
    with pytest.raises(TypeError, match=r"TorchGenerator: seed must be an integer, got"):
        TorchGenerator(seed)


WRONG = {
    "randn: dtype": (NotImplementedError, lambda g: g.randn(3, np.int32)),
    "rand: shape": (ValueError, lambda g: g.rand((2, -1))),
    "uniform: low must not exceed": (RuntimeError, lambda g: g.uniform(3, 1, 0)),
    "uniform: low and high must be finite": (ValueError, lambda g: g.uniform(3, 0, np.inf)),
    "uniform: high - low": (ValueError, lambda g: g.uniform(3, -6e4, 6e4, np.float16)),
    "normal: std": (RuntimeError, lambda g: g.normal(3, 0, -1)),
    "exponential: lambd": (RuntimeError, lambda g: g.exponential(3, 0)),
    "bernoulli: p must be in": (RuntimeError, lambda g: g.bernoulli(3, 1.5)),
    "bernoulli: p must be float": (NotImplementedError, lambda g: g.bernoulli(1, np.array([1]))),
    "dropout_mask: p": (ValueError, lambda g: g.dropout_mask(3, -0.1)),
    "randint: low must be less": (RuntimeError, lambda g: g.randint(3, 3, 2)),
    "randint: low and high": (ValueError, lambda g: g.randint(0, 300, 2, np.uint8)),
    "randint: dtype": (TypeError, lambda g: g.randint(0, 3, 2, np.complex64)),
    "random: dtype": (TypeError, lambda g: g.random(3, np.uint16)),
    "randperm: n": (ValueError, lambda g: g.randperm(-1)),
    "randperm: n must": (ValueError, lambda g: g.randperm(300, np.uint8)),
    "trunc_normal: .* must be less improbable": (
        RuntimeError,
        lambda g: g.trunc_normal(9, 10, 0.02, -2, 0.5),
    ),
    "trunc_normal: low": (RuntimeError, lambda g: g.trunc_normal(3, 0, 1, 2, -2)),
    "TorchGenerator: state must be uint8": (TypeError, lambda g: g.set_state(np.zeros(5056))),
    "TorchGenerator: state must have shape": (
        ValueError,
        lambda g: g.set_state(np.zeros(7, np.uint8)),
    ),
    "TorchGenerator: state must be that": (
        RuntimeError,
        lambda g: g.set_state(np.zeros(5056, np.uint8)),
    ),
}


@pytest.mark.parametrize("message", WRONG)
def test_a_wrong_argument_is_named_and_draws_nothing(message):
    error, call = WRONG[message]
    generator = TorchGenerator(0)
    before = generator.get_state()
    with pytest.raises(error, match=message):
        call(generator)
    np.testing.assert_array_equal(generator.get_state(), before)


# --------------------------------------------------------------------------------------- rounding


def test_a_product_and_a_sum_are_rounded_once():
    # Just below halfway: a float64 sum lands on halfway, and rounds to even from there.
    a = np.float32([2.0**-12 * (1 + 2.0**-15)])
    b = np.float32([2.0**-12 * (1 - 2.0**-15)])
    c = np.float32(1 + 2.0**-23)
    assert np.float32(np.float64(a[0]) * np.float64(b[0]) + c) == np.float32(1 + 2.0**-22)
    assert fused32(a, b, c)[0] == c


@pytest.mark.parametrize(
    ("scale", "offset"), [(0.6, -0.3), (1e-3, 1.0), (1e300, -1e300), (1e-290, 3e-291), (2.5, 0.0)]
)
def test_float64_is_rounded_once(scale, offset):
    drawn = np.random.default_rng(0).random(2000)
    exact = [float(Fraction(u) * Fraction(scale) + Fraction(offset)) for u in drawn.tolist()]
    np.testing.assert_array_equal(affine(drawn, np.float64(scale), np.float64(offset)), exact)
