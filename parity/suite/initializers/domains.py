"""What initializers may get: arrays of which shape and dtype, in which layout."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from parity.domains import LONG, Choice, Domain, Draw, Made, OneOf, Tensor, Together
from parity.dtypes import numpy_dtype

LAYOUT = OneOf("torch", "flax")
ANY = ("o i", "o i k l", "", "o", "o i k l j")
KERNELS = ("o i", "o i k l", "o i k", "o i k l j")
# Blocks of 16 numbers and a remainder, also fewer than 16.
LENGTHS = {"o": (16, 1, 0, LONG), "i": (33, 2), "k": (3, 4), "l": (2,), "j": (3,)}


def domain_of(
    *axes: str,
    impossible: tuple[Together, ...] = (),
    **arguments: Choice,
) -> Domain:
    """An array with some of these axes; the other arguments are those of the initializer."""
    return Domain(
        # What is no template has another meaning on each side.
        refusals=False,
        # Only its shape and dtype matter.
        arguments={
            "tensor": Tensor(axes=axes, differentiated=False),
            **arguments,
            "layout": LAYOUT,
        },
        lengths=LENGTHS,
        # torch's stream is drawn for numbers.
        impossible=(
            *impossible,
            *(
                {"random": "stream", factor.name: "array"}
                for name, choice in arguments.items()
                for factor in choice.factors(name)
                if factor.name.endswith(".type")
            ),
        ),
    )


# The shapes of weights in torch's layout, by layer.
WEIGHTS: dict[str, tuple[int, ...]] = {
    "Linear": (7, 5),
    "Bilinear": (3, 5, 7),
    "Conv1d": (8, 6, 5),
    "Conv2d": (16, 3, 3, 2),
    "Conv3d": (4, 2, 3, 2, 3),
    "ConvTranspose1d": (6, 8, 5),
    "ConvTranspose2d": (8, 16, 3, 2),
    "LSTM": (28, 5),
    "GRUCell": (21, 5),
    "RNN": (7, 5),
    "Embedding": (10, 3),
    "EmbeddingBag": (10, 3),
    "LayerNorm": (6,),
    "BatchNorm2d": (6,),
    "PReLU": (3,),
}
TABLES = ("Embedding", "EmbeddingBag")
RECURRENT = {"LSTM": 7, "GRUCell": 7, "RNN": 7}
# The lengths of biases, by layer.
BIASES = {
    **{layer: WEIGHTS[layer][0] for layer in ("Linear", "Bilinear", "Conv1d", "Conv2d", "Conv3d")},
    **{layer: WEIGHTS[layer][1] for layer in ("ConvTranspose1d", "ConvTranspose2d")},
    **{layer: WEIGHTS[layer][0] for layer in RECURRENT},
    **dict.fromkeys(("LayerNorm", "BatchNorm2d", "MultiheadAttention"), 6),
}
# Layers whose bias depends on the number of inputs.
COUNTED = tuple(layer for layer in BIASES if layer in WEIGHTS and len(WEIGHTS[layer]) > 1)[:7]


def in_flax_order(shape: tuple[int, ...]) -> tuple[int, ...]:
    """(out, in, *kernel) as (*kernel, in, out)."""
    return (*shape[2:], shape[1], shape[0]) if len(shape) > 1 else shape


def _weight(draw: Draw) -> NDArray[np.generic]:
    layer, shape = draw.made["layer"], WEIGHTS[draw.made["layer"]]
    flax = draw.made["layout"] == "flax" and layer not in TABLES
    return np.zeros(in_flax_order(shape) if flax else shape, numpy_dtype(draw.dtype))


def _bias(draw: Draw) -> NDArray[np.generic]:
    return np.zeros(BIASES[draw.made["layer"]], numpy_dtype(draw.dtype))


def _weight_shape(draw: Draw) -> tuple[int, ...] | None:
    layer = draw.made["layer"]
    shape = WEIGHTS.get(layer, ())
    flax = draw.made["layout"] == "flax"
    return (in_flax_order(shape) if flax else shape) if layer in COUNTED else None


HIDDEN_SIZE = Made(lambda draw: RECURRENT.get(draw.made["layer"]))
WEIGHT = Domain(
    arguments={
        "layer": OneOf(*WEIGHTS),
        "hidden_size": HIDDEN_SIZE,
        "padding_idx": OneOf(None, 3, -1),
        "layout": LAYOUT,
        "tensor": Made(_weight),
    },
    impossible=(
        {
            "layer": tuple(layer for layer in WEIGHTS if layer not in TABLES),
            "padding_idx": ("3", "-1"),
        },
    ),
    refusals=False,
)
BIAS = Domain(
    arguments={
        "layer": OneOf(*BIASES),
        "hidden_size": HIDDEN_SIZE,
        "layout": LAYOUT,
        "weight_shape": Made(_weight_shape),
        "tensor": Made(_bias),
    },
    refusals=False,
)
