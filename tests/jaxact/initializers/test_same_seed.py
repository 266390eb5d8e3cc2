"""Whole layers from a TorchGenerator are torch's, in torch's layout and in flax's."""

import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from flax import nnx

from jaxact.initializers import default_bias, default_weight
from jaxact.random import TorchGenerator

ROOT = Path(__file__).parents[3]
GUIDE = (ROOT / "docs" / "same_seed.md").read_text(encoding="utf-8")
SCRIPT, *EXAMPLES = re.findall(r"```python\n(.*?)```", GUIDE, re.DOTALL)
(SHOWN,) = re.findall(r"```\n(seed 0.*?)```", GUIDE, re.DOTALL)
SEEDS = (0, 1, 42, 2**32 + 5, -1)


def _printed(code, tmp_path):
    (tmp_path / "script.py").write_text(code, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-W", "error", str(tmp_path / "script.py")],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout


def test_the_guides_script_finds_the_same_network_for_every_seed(tmp_path):
    printed = _printed(SCRIPT, tmp_path)
    found = dict(zip(SEEDS, re.split(r"^seed .*\n", printed, flags=re.MULTILINE)[1:], strict=True))
    shown = SHOWN.partition("\n")[2]
    for seed, lines in found.items():
        # Normal numbers differ in the last places on processors without AVX2.
        normal, alike = re.subn(r"(Embedding.* apart) [012] ulp", r"\1 0 ulp", lines)
        assert alike == 1, seed
        assert normal == shown, seed


@pytest.mark.parametrize("code", EXAMPLES, ids=["in flax", "with a key"])
def test_the_guides_other_examples_run(code, tmp_path):
    assert _printed(code, tmp_path) == ""


def test_a_script_with_one_number_too_many_is_noticed(tmp_path):
    wrong = SCRIPT.replace(
        'default_weight("Linear")(generator, shape)',
        'default_weight("Linear")(generator, (n_out + 1, n_in))[1:]',
    )
    assert wrong != SCRIPT
    assert "then another" in _printed(wrong, tmp_path)


# ------------------------------------------------------------------------------ torch's own order


def _recurrent(layer, gates, generator, sizes, *, directions=1, layers=1, projection=0):
    n_in, hidden = sizes
    width = projection or hidden
    draw = {"weight": default_weight, "bias": default_bias}
    parameters = {}
    for depth in range(layers):
        inputs = n_in if depth == 0 else directions * width
        shapes = {
            "weight_ih": (gates * hidden, inputs),
            "weight_hh": (gates * hidden, width),
            "bias_ih": (gates * hidden,),
            "bias_hh": (gates * hidden,),
        } | ({"weight_hr": (projection, hidden)} if projection else {})
        for suffix in ("", "_reverse")[:directions]:
            for name, shape in shapes.items():
                init = draw[name.partition("_")[0]](layer, hidden_size=hidden)
                parameters[f"{name}_l{depth}{suffix}"] = init(generator, shape)
    return parameters


def _attention_with_keys_of_another_size(generator):
    weight, bias = default_weight("MultiheadAttention"), default_bias("MultiheadAttention")
    out = default_weight("Linear")(generator, (8, 8))
    default_bias("Linear", weight_shape=(8, 8))(generator, (8,))
    return {
        "out_proj.weight": out,
        "out_proj.bias": bias(generator, (8,)),
        "q_proj_weight": weight(generator, (8, 8)),
        "k_proj_weight": weight(generator, (8, 5)),
        "v_proj_weight": weight(generator, (8, 3)),
        "in_proj_bias": bias(generator, (24,)),
        "bias_k": bias(generator, (1, 1, 8)),
        "bias_v": bias(generator, (1, 1, 8)),
    }


LAYERS = {
    "two-way LSTM of two layers with projections": (
        lambda: torch.nn.LSTM(8, 16, num_layers=2, bidirectional=True, proj_size=5),
        lambda g: _recurrent("LSTM", 4, g, (8, 16), directions=2, layers=2, projection=5),
    ),
    "GRU": (lambda: torch.nn.GRU(3, 7), lambda g: _recurrent("GRU", 3, g, (3, 7))),
    "RNN": (lambda: torch.nn.RNN(3, 7), lambda g: _recurrent("RNN", 1, g, (3, 7))),
    "attention": (
        lambda: torch.nn.MultiheadAttention(8, 2, kdim=5, vdim=3, add_bias_kv=True),
        _attention_with_keys_of_another_size,
    ),
}


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("name", LAYERS)
def test_a_layer_drawn_in_torchs_order_has_torchs_parameters(name, seed):
    make, draw = LAYERS[name]
    torch.manual_seed(seed)
    expected = make().state_dict()
    after = torch.rand(3)
    generator = TorchGenerator(seed)
    found = draw(generator)
    assert set(found) == set(expected)
    for key, array in found.items():
        # bias_k and bias_v are normal numbers.
        np.testing.assert_array_max_ulp(np.asarray(array), expected[key].numpy(), maxulp=2)
        if "bias_" not in key:
            assert np.array_equal(array, expected[key].numpy()), key
    assert np.array_equal(generator.rand(3), after.numpy())


# ------------------------------------------------------------------------------------------- flax


def _by(generator, init):
    return lambda key, shape, dtype: init(generator, shape, dtype)


def _pair(layer, weight_shape, **kernel):
    generator = TorchGenerator(3)
    weight = default_weight(layer, layout="flax")
    bias = default_bias(layer, weight_shape=weight_shape, layout="flax")
    return {
        "kernel_init": _by(generator, weight),
        "bias_init": _by(generator, bias),
        "rngs": nnx.Rngs(0),
        **kernel,
    }


@pytest.fixture(autouse=True)
def _seeded():
    torch.manual_seed(3)


def test_nnx_linear_computes_what_torchs_linear_computes():
    theirs = torch.nn.Linear(6, 4)
    ours = nnx.Linear(6, 4, **_pair("Linear", (6, 4)))
    assert np.array_equal(ours.kernel[...].T, theirs.weight.detach())
    x = np.linspace(-1, 1, 12, dtype=np.float32).reshape(2, 6)
    expected = theirs(torch.from_numpy(x)).detach()
    np.testing.assert_allclose(ours(x), expected, rtol=1e-5, atol=1e-6)


def test_nnx_conv_with_groups_computes_what_torchs_convolution_computes():
    theirs = torch.nn.Conv2d(4, 6, (3, 2), groups=2, padding="valid")
    ours = nnx.Conv(
        4,
        6,
        (3, 2),
        feature_group_count=2,
        padding="VALID",
        **_pair("Conv2d", (3, 2, 2, 6)),
    )
    x = np.random.default_rng(0).standard_normal((2, 5, 5, 4)).astype(np.float32)
    expected = theirs(torch.from_numpy(x).movedim(-1, 1)).movedim(1, -1).detach()
    np.testing.assert_allclose(ours(x), expected, rtol=1e-5, atol=1e-6)


def test_nnx_conv_transpose_computes_what_torchs_computes():
    theirs = torch.nn.ConvTranspose2d(4, 6, 3, stride=2)
    ours = nnx.ConvTranspose(
        4,
        6,
        (3, 3),
        strides=2,
        padding="VALID",
        transpose_kernel=True,
        **_pair("ConvTranspose2d", (3, 3, 6, 4)),
    )
    x = np.random.default_rng(0).standard_normal((2, 5, 5, 4)).astype(np.float32)
    expected = theirs(torch.from_numpy(x).movedim(-1, 1)).movedim(1, -1).detach()
    np.testing.assert_allclose(ours(x), expected, rtol=1e-5, atol=1e-6)


def test_nnx_embed_has_torchs_rows():
    theirs = torch.nn.Embedding(10, 4, padding_idx=-2)
    init = default_weight("Embedding", padding_idx=-2, layout="flax")
    ours = nnx.Embed(10, 4, embedding_init=_by(TorchGenerator(3), init), rngs=nnx.Rngs(0))
    np.testing.assert_array_max_ulp(
        np.asarray(ours.embedding[...]), theirs.weight.detach().numpy(), maxulp=2
    )


def test_flax_takes_an_initializer_with_its_own_keys():
    layer = nnx.Linear(6, 4, kernel_init=default_weight("Linear", layout="flax"), rngs=nnx.Rngs(0))
    assert np.abs(layer.kernel[...]).max() < 1 / np.sqrt(6)


# ----------------------------------------------------------------------------------------- errors

WRONG = [
    (lambda: default_weight("Dense"), ValueError, "layer must be one of Linear, "),
    (lambda: default_weight("LSTM"), TypeError, "LSTM needs hidden_size"),
    (lambda: default_weight("Linear", hidden_size=3), TypeError, "no option of Linear"),
    (lambda: default_weight("GRU", hidden_size=0), ValueError, "must be positive, got 0"),
    (lambda: default_weight("Linear", padding_idx=0), TypeError, "not of Linear"),
    (lambda: default_weight("PReLU", layout="keras"), ValueError, "layout must be 'torch'"),
    (lambda: default_weight("Embedding", layout="keras"), ValueError, "layout must be 'torch'"),
    (lambda: default_bias("Linear"), TypeError, "Linear needs weight_shape"),
    (lambda: default_bias("LSTM", weight_shape=(3, 4), hidden_size=2), TypeError, "no option"),
    (lambda: default_bias("RMSNorm"), ValueError, "RMSNorm has no bias"),
    (lambda: default_bias("Conv2d", weight_shape=(3, 4)), ValueError, "has 4 axes"),
    (lambda: default_bias("Bilinear", weight_shape=(3, 0, 2)), ValueError, "in1 of Bilinear"),
]


@pytest.mark.parametrize(("call", "error", "message"), WRONG)
def test_what_does_not_fit_the_layer_is_refused(call, error, message):
    with pytest.raises(error, match=message):
        call()


@pytest.mark.parametrize(
    ("init", "shape", "error", "message"),
    [
        (default_weight("Conv2d"), (3, 4, 5), ValueError, "Conv2d has 4 axes"),
        (default_weight("MultiheadAttention"), (3,), ValueError, "has 2 axes"),
        (default_weight("Bilinear"), (3, 0, 2), ValueError, "in1 of Bilinear"),
        (default_weight("Embedding", padding_idx=4), (4, 2), IndexError, r"in \[-4, 4\)"),
        (default_weight("Linear"), (-1, 2), RuntimeError, "no negative length"),
    ],
)
def test_a_shape_that_does_not_fit_the_layer_is_refused(init, shape, error, message):
    with pytest.raises(error, match=message):
        init(TorchGenerator(0), shape)
