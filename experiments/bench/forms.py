"""Where a function is timed otherwise than its row says by default, and which are not timed.

A function that is not mentioned here is timed on the first setting of its row.
"""

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from experiments.bench import torch_forms
from experiments.bench.sides import Function
from experiments.bench.sizes import Numbers
from jaxact import functional
from parity.spec import Described, Fixed, Samples
from parity.suite.regularizers.penalties import TREE

# From a source of numbers and the shape of the first argument to an argument.
Make = Callable[[np.random.Generator, tuple[int, ...]], Numbers]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Form:
    """What is other than by default.

    Attributes:
        setting: the row's setting, by its name; by default the first.
        inputs: descriptions of the positional arguments.
        shape: of the first argument, in full size.
        sizes: by what they are in the row, sizes of any argument and numbers of classes.
        values: hyperparameters besides those of the setting, or instead.
        arguments: by place or name, arguments that are made and not drawn as described.
        value_only: whether no gradient is taken.
        jaxact, torch: in the place of the row's functions; torch's is prepared, see `TorchSide`.
    """

    setting: str | None = None
    inputs: tuple[Described, ...] | None = None
    shape: tuple[int, ...] | None = None
    sizes: Mapping[int, int] = dataclasses.field(default_factory=dict[int, int])
    values: Mapping[str, Any] = dataclasses.field(default_factory=dict[str, Any])
    arguments: Mapping[int | str, Make] = dataclasses.field(default_factory=dict[int | str, Make])
    value_only: bool = False
    jaxact: Function | None = None
    torch: Callable[..., Callable[[], Any]] | None = None


def _few_labels(source: np.random.Generator, first: tuple[int, ...]) -> Numbers:
    """[n, classes], four classes of each row and -1 after them."""
    rows, classes = first
    labels = np.full((rows, classes), -1)
    labels[:, :4] = source.permuted(np.tile(np.arange(classes), (rows, 1)), axis=1)[:, :4]
    return labels


# Of ctc_loss, whose first argument is [steps, batch, classes].
def _labels(source: np.random.Generator, first: tuple[int, ...]) -> Numbers:
    steps, batch, classes = first
    return source.integers(1, classes, (batch, min(60, steps // 3)))


def _frames(_: np.random.Generator, first: tuple[int, ...]) -> Numbers:
    return np.full(first[1], first[0])


def _lengths(_: np.random.Generator, first: tuple[int, ...]) -> Numbers:
    return np.full(first[1], min(60, first[0] // 3))


def _matrix(source: np.random.Generator, _: tuple[int, ...]) -> Numbers:
    return source.standard_normal((2, 3), np.float32) / 2


def _ctc_loss(scores: Any, *others: Any) -> Any:
    return functional.ctc_loss(functional.log_softmax(scores, 2), *others)


def _batch_norm(x: Any, mean: Any, var: Any, **options: Any) -> Any:
    """A training step's: the new running statistics besides."""
    y = functional.batch_norm(x, mean, var, **options)
    return y, functional.batch_norm_stats(x, mean, var)


P = {"p": 0.3}
VECTORS = Form(shape=(8192, 512))
IMAGES = (64, 64, 32, 32)
PIXELS = Form(shape=(1024, 3, 32, 32))
MATRIX, LENGTHS = Samples(shape=(6, 4)), Samples(shape=(6, 1), center=1.5)
UNITS = Fixed(values=(1.0,) * 6), Fixed(values=(1.0,) * 4)
WEIGHTS: Any = {"inputs": (TREE,)}

FORMS: Mapping[str, Form] = {
    # losses
    "cross_entropy": Form(shape=(4096, 10_000)),
    "nll_loss": Form(shape=(4096, 10_000)),
    "kl_div": Form(setting="reduction=batchmean"),
    "multilabel_margin_loss": Form(shape=(1024, 256), arguments={1: _few_labels}),
    "cosine_similarity": VECTORS,
    "pairwise_distance": VECTORS,
    "cosine_embedding_loss": VECTORS,
    "triplet_margin_loss": VECTORS,
    "triplet_margin_with_distance_loss": VECTORS,
    "ctc_loss": Form(
        shape=(300, 32, 64),
        arguments={1: _labels, 2: _frames, 3: _lengths},
        jaxact=_ctc_loss,
        torch=torch_forms.ctc_loss,
    ),
    # dropout
    **{
        name: Form(values=P)
        for name in (
            "dropout",
            "dropout1d",
            "dropout2d",
            "dropout3d",
            "alpha_dropout",
            "feature_alpha_dropout",
            "gaussian_dropout",
        )
    },
    "drop_path": Form(values=P, shape=IMAGES),
    "dropblock": Form(values=P, torch=torch_forms.dropblock),
    "dropconnect": Form(values=P, shape=(2048, 2048)),
    # normalization
    "batch_norm": Form(setting="evaluation", values={"training": True}, jaxact=_batch_norm),
    "layer_norm": Form(setting="learned"),
    "rms_norm": Form(setting="learned"),
    "group_norm": Form(setting="learned", values={"num_groups": 8}),
    "instance_norm": Form(setting="learned"),
    "local_response_norm": Form(setting="size=3", shape=(32, 64, 32, 32), values={"size": 5}),
    "weight_norm": Form(inputs=(MATRIX, LENGTHS), shape=(1024, 1024)),
    "spectral_norm": Form(inputs=(MATRIX, *UNITS), shape=(1024, 1024)),
    "spectral_norm_init": Form(inputs=(MATRIX,), shape=(1024, 1024), value_only=True),
    # trees of weights
    "group_lasso": Form(torch=torch_forms.group_lasso),
    "orthogonality_penalty": Form(torch=torch_forms.orthogonality_penalty),
    "jacobian_penalty": Form(sizes={3: 64, 4: 16, 5: 128, 6: 128}),
    "proximal_l1": Form(**WEIGHTS, values={"where": "weights"}),
    "proximal_group_lasso": Form(torch=torch_forms.proximal_group_lasso),
    "get_total_norm": Form(value_only=True),
    "clip_grad_norm": Form(torch=torch_forms.clip_grad_norm),
    "clip_grad_value": Form(**WEIGHTS, torch=torch_forms.clip_grad_value),
    "clip_grads_with_norm": Form(torch=torch_forms.clip_grads_with_norm),
    "adaptive_grad_clip": Form(torch=torch_forms.adaptive_grad_clip),
    "ema": Form(setting="decay=0.75", torch=torch_forms.ema),
    "swa": Form(torch=torch_forms.swa),
    # labels and images
    "smooth_labels": Form(setting="classes,smoothing=0.1", shape=(8192,), sizes={5: 1000}),
    **dict.fromkeys(
        (
            "adjust_brightness",
            "adjust_contrast",
            "adjust_saturation",
            "adjust_hue",
            "rotate",
            "horizontal_flip",
            "vertical_flip",
        ),
        PIXELS,
    ),
    "normalize_image": Form(setting="tuples", shape=PIXELS.shape),
    "affine": Form(shape=PIXELS.shape, arguments={"matrix": _matrix}),
}

DRAWN = "no function of torch, flax or optax draws it; parity's reference is told what was drawn"
ONE_BY_ONE = "torch has no such function; parity's reference handles one image after the other"
UNTIMED: Mapping[str, str] = {
    "linear_cross_entropy": "timed together with its memory, beside the plain composition",
    **dict.fromkeys(
        ("batch_norm_stats", "instance_norm_stats"),
        "torch computes them only together with the normalization, as `batch_norm` is timed",
    ),
    **dict.fromkeys(
        ("clip_by_grad_norm", "clip_by_grad_value", "clip_adaptively"),
        "optax transformations that call a function that is timed",
    ),
    **dict.fromkeys(
        (
            "random_crop",
            "random_horizontal_flip",
            "random_vertical_flip",
            "random_rotation",
            "random_affine",
            "random_erasing",
            "color_jitter",
            "mixup",
            "cutmix",
        ),
        DRAWN,
    ),
    **dict.fromkeys(("crop", "erase"), ONE_BY_ONE),
    "compose": "only calls the functions that it is given",
    "affine_matrix": "computes six numbers for each image",
    "early_stopping": "compares two numbers",
}
