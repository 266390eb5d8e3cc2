"""The rows of the initial weights and biases of torch's layers."""

from __future__ import annotations

import functools
import math
from typing import Any

from parity.spec import FLOATS, Setting
from parity.suite.initializers import laws
from parity.suite.initializers.domains import BIAS, WEIGHT
from parity.suite.initializers.rows import NORMAL_BITS, filled, initializer, reference
from parity.suite.rows import SINGLE, torch_stream

NORMS = {
    **dict.fromkeys(("BatchNorm1d", "BatchNorm2d", "BatchNorm3d", "SyncBatchNorm"), (6,)),
    "LayerNorm": (6,),
    "GroupNorm": (2, 6),
}
AFFINE = ("InstanceNorm1d", "InstanceNorm2d", "InstanceNorm3d")
TABLES = (("Embedding", 2), ("Embedding", -1), ("EmbeddingBag", 0))
GATES = {"RNN": 1, "LSTM": 4, "GRU": 3}
# The arguments of jaxact's function, which replace those of the constructor.
TOLD = ("weight_shape", "hidden_size", "layout")


def _new(
    kind: str, layer: str, made: laws.Shape, shape: laws.Shape, label: str = "", **fields: Any
) -> Setting:
    """A setting for a parameter of a new layer, which is constructed with these arguments.

    Of the fields, `parameter` is its name, if that is not its kind ("weight" or "bias"), and `skip`
    is how many numbers the layer draws before it, by default those of a weight of `weight_shape`.
    The others are arguments of jaxact's function (`TOLD`), of the constructor or of both
    (`padding_idx`).
    """
    dtypes, parameter = fields.pop("dtypes", SINGLE), fields.pop("parameter", kind)
    skip = fields.pop("skip", math.prod(fields.get("weight_shape", (0,))))
    options = {name: value for name, value in fields.items() if name not in TOLD}
    return filled(
        shape,
        label=label or layer,
        dtypes=dtypes,
        random=torch_stream(42, skip=skip, place=False),
        reference=reference(f"default_{kind}", made=made, options=options, parameter=parameter),
        layer=layer,
        **{name: fields[name] for name in (*TOLD, "padding_idx") if name in fields},
    )


_weight = functools.partial(_new, "weight")
_bias = functools.partial(_new, "bias")


SPECS = (
    initializer(
        "default_weight",
        reference=reference("default_weight"),
        signature=reference("default_weight"),
        domain=WEIGHT,
        settings=(
            filled(
                (7, 5),
                label="of_shape",
                dtypes=SINGLE,
                random=torch_stream(42, place=False),
                reference=reference("weight_of_layer"),
                layer="Linear",
            ),
            _weight("Linear", (64, 32), (32, 64), dtypes=FLOATS),
            _weight("Linear", (64, 32), (64, 32), "Linear_flax", layout="flax"),
            _weight("Bilinear", (5, 7, 3), (3, 5, 7)),
            _weight("Conv1d", (6, 8, 5), (8, 6, 5)),
            _weight("Conv2d", (3, 16, 3), (16, 3, 3, 3)),
            _weight("Conv2d", (8, 16, 3), (3, 3, 8, 16), "Conv2d_flax", layout="flax"),
            _weight("Conv2d", (8, 6, 3), (6, 4, 3, 3), "Conv2d_groups", groups=2),
            _weight("Conv3d", (2, 4, 3), (4, 2, 3, 3, 3)),
            _weight("ConvTranspose1d", (6, 8, 5), (6, 8, 5)),
            _weight("ConvTranspose2d", (8, 16, 3), (8, 16, 3, 3)),
            _weight(
                "ConvTranspose2d", (8, 6, 3), (3, 3, 3, 8), "ConvTranspose2d_groups_flax",
                groups=2, layout="flax",
            ),
            _weight("ConvTranspose3d", (2, 4, 3), (2, 4, 3, 3, 3)),
            *(
                _weight(layer + cell, (5, 7), (n * 7, 5), parameter=parameter, hidden_size=7)
                for layer, n in GATES.items()
                for cell, parameter in (("", "weight_ih_l0"), ("Cell", "weight_ih"))
            ),
            # An LSTM first draws its other weights and its biases, an attention layer its out_proj.
            _weight(
                "LSTM", (5, 7), (3, 7), "LSTM_projection", parameter="weight_hr_l0",
                skip=28 * (5 + 3) + 2 * 28, hidden_size=7, proj_size=3,
            ),
            _weight(
                "MultiheadAttention", (8, 2), (24, 8), parameter="in_proj_weight", skip=8 * 8 + 8
            ),
            _weight(
                "MultiheadAttention", (8, 2), (8, 5), "MultiheadAttention_keys",
                parameter="k_proj_weight", skip=8 * 8 + 8 + 8 * 8, kdim=5,
            ),
            _weight(
                "MultiheadAttention", (8, 2), (24, 8), "MultiheadAttention_without_bias",
                parameter="in_proj_weight", skip=8 * 8, bias=False,
            ),
            _weight("Embedding", (100, 8), (100, 8), dtypes=FLOATS),
            _weight("Embedding", (10, 8), (10, 8), "Embedding_flax", layout="flax"),
            *(
                _weight(layer, (10, 3), (10, 3), f"{layer},padding_idx={row}", padding_idx=row)
                for layer, row in TABLES
            ),
            *(_weight(layer, made, (6,)) for layer, made in NORMS.items()),
            *(_weight(layer, (6,), (6,), affine=True) for layer in AFFINE),
            _weight("RMSNorm", (6,), (6,)),
            _weight("PReLU", (3,), (3,), dtypes=FLOATS),
        ),
        budgets=NORMAL_BITS,
        omitted=("new",),
        laws=laws.DEFAULT_WEIGHT,
    ),
    initializer(
        "default_bias",
        reference=reference("default_bias"),
        signature=reference("default_bias"),
        domain=BIAS,
        settings=(
            filled(
                (7,),
                label="formula",
                dtypes=SINGLE,
                random=torch_stream(42, place=False),
                reference=reference("bias_of_layer"),
                layer="Linear",
                weight_shape=(7, 5),
            ),
            _bias("Linear", (64, 32), (32,), weight_shape=(32, 64), dtypes=FLOATS),
            _bias("Linear", (0, 3), (3,), "Linear_without_inputs", weight_shape=(3, 0)),
            _bias("Bilinear", (5, 7, 3), (3,), weight_shape=(3, 5, 7)),
            _bias("Conv1d", (6, 8, 5), (8,), weight_shape=(8, 6, 5)),
            _bias("Conv2d", (3, 16, 3), (16,), weight_shape=(16, 3, 3, 3)),
            _bias("Conv2d", (8, 6, 3), (6,), "Conv2d_groups", weight_shape=(6, 4, 3, 3), groups=2),
            _bias(
                "Conv2d", (3, 16, 3), (16,), "Conv2d_flax",
                weight_shape=(3, 3, 3, 16), layout="flax",
            ),
            _bias("Conv3d", (2, 4, 3), (4,), weight_shape=(4, 2, 3, 3, 3)),
            _bias("ConvTranspose1d", (6, 8, 5), (8,), weight_shape=(6, 8, 5)),
            _bias("ConvTranspose2d", (8, 16, 3), (16,), weight_shape=(8, 16, 3, 3)),
            _bias(
                "ConvTranspose2d", (8, 6, 3), (6,), "ConvTranspose2d_groups",
                weight_shape=(8, 3, 3, 3), groups=2,
            ),
            _bias("ConvTranspose3d", (2, 4, 3), (4,), weight_shape=(2, 4, 3, 3, 3)),
            *(
                _bias(k, (5, 7), (n * 7,), parameter="bias_ih_l0", skip=n * 7 * 12, hidden_size=7)
                for k, n in GATES.items()
            ),
            # The last of the biases of two directions.
            _bias(
                "GRU", (5, 7), (21,), "GRU_backward", parameter="bias_hh_l0_reverse",
                skip=2 * 21 * (5 + 7) + 3 * 21, hidden_size=7, bidirectional=True,
            ),
            _bias("MultiheadAttention", (8, 2), (24,), parameter="in_proj_bias"),
            _bias(
                "MultiheadAttention", (8, 2), (1, 1, 8), "MultiheadAttention_keys",
                parameter="bias_k", skip=8 * 8 + 8 + 24 * 8, add_bias_kv=True,
            ),
            *(_bias(layer, made, (6,)) for layer, made in NORMS.items()),
            *(_bias(layer, (6,), (6,), affine=True) for layer in AFFINE),
        ),
        budgets=NORMAL_BITS,
        omitted=("new",),
        laws=laws.DEFAULT_BIAS,
    ),
)  # fmt: skip
