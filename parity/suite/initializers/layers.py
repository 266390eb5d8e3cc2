"""The rows of what torch's layers are filled with."""

from __future__ import annotations

from typing import Any

from parity.spec import FLOATS, Params
from parity.suite.initializers.laws import DEFAULT_BIAS, DEFAULT_WEIGHT
from parity.suite.initializers.rows import NORMAL_BITS, filled, initializer, torch_form

NORMS = (
    *((f"BatchNorm{n}d", (6,)) for n in (1, 2, 3)),
    *(("SyncBatchNorm", (6,)), ("LayerNorm", (6,)), ("GroupNorm", (2, 6))),
)
AFFINE = tuple((f"InstanceNorm{n}d", (6,), {"affine": True}) for n in (1, 2, 3))
RECURRENT = {"RNN": 1, "LSTM": 4, "GRU": 3}


def _weight(
    layer: str, made: tuple[Any, ...], shape: tuple[int, ...], label: str = "", **fields: Any
) -> Params:
    return _setting(label or layer, layer, made, shape, {"parameter": "weight"}, fields)


def _bias(
    layer: str, made: tuple[Any, ...], shape: tuple[int, ...], label: str = "", **fields: Any
) -> Params:
    return _setting(label or layer, layer, made, shape, {"parameter": "bias"}, fields)


def _setting(
    label: str,
    layer: str,
    made: tuple[Any, ...],
    shape: tuple[int, ...],
    options: dict[str, Any],
    fields: dict[str, Any],
) -> Params:
    """A setting whose reference is a parameter of the layer.

    Args:
        label: of the setting.
        layer: the class.
        made: the arguments of its constructor.
        shape: of the parameter.
        options: of the reference.
        fields: `dtypes` of the setting, `parameter` and `options` of the reference; all others are
            the subject's arguments.
    """
    dtypes = fields.pop("dtypes", ("float32",))
    reference = {name: fields.pop(name) for name in ("parameter", "options") if name in fields}
    return filled(
        shape,
        label=label,
        values={"seed": 42, "layer": layer, **fields},
        dtypes=dtypes,
        reference=torch_form("layer", made=made, **{**options, **reference}),
    )


def _of_weight(layer: str, made: tuple[Any, ...], weight: tuple[int, ...], **fields: Any) -> Params:
    """The bias of a layer whose weight is drawn before it."""
    size = 1
    for length in weight:
        size *= length
    transposed = layer.startswith("ConvTranspose")
    outputs = weight[1] * fields.pop("groups", 1) if transposed else weight[0]
    return _bias(layer, made, (outputs,), weight_shape=weight, skip=size, **fields)


def _recurrent_weights() -> list[Params]:
    found: list[Params] = []
    for layer, gates in RECURRENT.items():
        found.append(
            _weight(layer, (5, 7), (gates * 7, 5), parameter="weight_ih_l0", hidden_size=7)
        )
        found.append(
            _weight(f"{layer}Cell", (5, 7), (gates * 7, 5), parameter="weight_ih", hidden_size=7)
        )
    projection = _weight(
        "LSTM",
        (5, 7),
        (3, 7),
        "LSTM_projection",
        parameter="weight_hr_l0",
        options={"proj_size": 3},
        hidden_size=7,
        skip=28 * (5 + 3) + 2 * 28,
    )
    return [*found, projection]


def _recurrent_biases() -> list[Params]:
    """The first bias comes after two weights, the last one of the backward direction at the end."""
    return [
        *(
            _bias(
                layer, (5, 7), (gates * 7,), parameter="bias_ih_l0", hidden_size=7,
                skip=gates * 7 * (5 + 7),
            )
            for layer, gates in RECURRENT.items()
        ),
        _bias(
            "GRU", (5, 7), (21,), "GRU_backward", parameter="bias_hh_l0_reverse", hidden_size=7,
            options={"bidirectional": True}, skip=2 * 21 * (5 + 7) + 3 * 21,
        ),
    ]  # fmt: skip


SPECS = (
    initializer(
        "default_weight",
        params=(
            _weight("Linear", (64, 32), (32, 64), dtypes=FLOATS),
            _weight("Linear", (64, 32), (64, 32), "Linear_flax", layout="flax"),
            _weight("Bilinear", (5, 7, 3), (3, 5, 7)),
            _weight("Conv1d", (6, 8, 5), (8, 6, 5)),
            _weight("Conv2d", (3, 16, 3), (16, 3, 3, 3)),
            _weight("Conv2d", (8, 16, 3), (3, 3, 8, 16), "Conv2d_flax", layout="flax"),
            _weight("Conv2d", (8, 6, 3), (6, 4, 3, 3), "Conv2d_groups", options={"groups": 2}),
            _weight("Conv3d", (2, 4, 3), (4, 2, 3, 3, 3)),
            _weight("ConvTranspose1d", (6, 8, 5), (6, 8, 5)),
            _weight("ConvTranspose2d", (8, 16, 3), (8, 16, 3, 3)),
            _weight(
                "ConvTranspose2d",
                (8, 6, 3),
                (3, 3, 3, 8),
                "ConvTranspose2d_groups_flax",
                options={"groups": 2},
                layout="flax",
            ),
            _weight("ConvTranspose3d", (2, 4, 3), (2, 4, 3, 3, 3)),
            *_recurrent_weights(),
            _weight(
                "MultiheadAttention",
                (8, 2),
                (24, 8),
                parameter="in_proj_weight",
                skip=8 * 8 + 8,
            ),
            _weight(
                "MultiheadAttention",
                (8, 2),
                (8, 5),
                "MultiheadAttention_keys",
                options={"kdim": 5},
                parameter="k_proj_weight",
                skip=8 * 8 + 8 + 8 * 8,
            ),
            _weight(
                "MultiheadAttention",
                (8, 2),
                (24, 8),
                "MultiheadAttention_without_bias",
                options={"bias": False},
                parameter="in_proj_weight",
                skip=8 * 8,
            ),
            _weight("Embedding", (100, 8), (100, 8), dtypes=FLOATS),
            _weight("Embedding", (10, 8), (10, 8), "Embedding_flax", layout="flax"),
            *(
                _weight(
                    layer,
                    (10, 3),
                    (10, 3),
                    f"{layer},padding_idx={row}",
                    options={"padding_idx": row},
                    padding_idx=row,
                )
                for layer, row in (("Embedding", 2), ("Embedding", -1), ("EmbeddingBag", 0))
            ),
            *(_weight(layer, made, (6,)) for layer, made in NORMS),
            *(_weight(layer, made, (6,), options=options) for layer, made, options in AFFINE),
            _weight("RMSNorm", (6,), (6,)),
            _weight("PReLU", (3,), (3,), dtypes=FLOATS),
        ),
        budgets=NORMAL_BITS,
        signature="(layer)",
        extra=("hidden_size", "padding_idx", "layout"),
        laws=DEFAULT_WEIGHT,
    ),
    initializer(
        "default_bias",
        params=(
            _of_weight("Linear", (64, 32), (32, 64), dtypes=FLOATS),
            _of_weight("Linear", (0, 3), (3, 0), label="Linear_without_inputs"),
            _of_weight("Bilinear", (5, 7, 3), (3, 5, 7)),
            _of_weight("Conv1d", (6, 8, 5), (8, 6, 5)),
            _of_weight("Conv2d", (3, 16, 3), (16, 3, 3, 3)),
            _of_weight(
                "Conv2d", (8, 6, 3), (6, 4, 3, 3), label="Conv2d_groups", options={"groups": 2}
            ),
            _bias(
                "Conv2d",
                (3, 16, 3),
                (16,),
                "Conv2d_flax",
                weight_shape=(3, 3, 3, 16),
                skip=16 * 27,
                layout="flax",
            ),
            _of_weight("Conv3d", (2, 4, 3), (4, 2, 3, 3, 3)),
            _of_weight("ConvTranspose1d", (6, 8, 5), (6, 8, 5)),
            _of_weight("ConvTranspose2d", (8, 16, 3), (8, 16, 3, 3)),
            _of_weight(
                "ConvTranspose2d",
                (8, 6, 3),
                (8, 3, 3, 3),
                label="ConvTranspose2d_groups",
                groups=2,
                options={"groups": 2},
            ),
            _of_weight("ConvTranspose3d", (2, 4, 3), (2, 4, 3, 3, 3)),
            *_recurrent_biases(),
            _bias("MultiheadAttention", (8, 2), (24,), parameter="in_proj_bias"),
            _bias(
                "MultiheadAttention",
                (8, 2),
                (1, 1, 8),
                "MultiheadAttention_keys",
                parameter="bias_k",
                options={"add_bias_kv": True},
                skip=8 * 8 + 8 + 24 * 8,
            ),
            *(_bias(layer, made, (6,)) for layer, made in NORMS),
            *(_bias(layer, made, (6,), options=options) for layer, made, options in AFFINE),
        ),
        budgets=NORMAL_BITS,
        signature="(layer)",
        extra=("weight_shape", "hidden_size", "layout"),
        laws=DEFAULT_BIAS,
    ),
)
