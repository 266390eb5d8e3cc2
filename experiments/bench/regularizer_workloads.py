"""What every regularizer is timed on, and what torch, flax and optax offer for the same work."""

import dataclasses
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import flax.linen
import jax
import jax.numpy as jnp
import numpy as np
import optax
import torch
from numpy.typing import NDArray

from experiments.bench.timing import Call
from jaxact import functional, regularizers

Numbers = NDArray[Any]
Function = Callable[..., Any]

JAXACT, TORCH, FLAX, OPTAX = "jaxact", "torch", "flax", "optax"
P = 0.3
LEAVES = 30


@dataclasses.dataclass(frozen=True, kw_only=True)
class Workload:
    """One regularizer on arrays of one size.

    Attributes:
        function: its name.
        size: of what it is given.
        sides: makes the calls to be timed, by library; compiling takes a while.
    """

    function: str
    size: str
    sides: Callable[[], dict[str, Call]]


def workloads(scale: float) -> Iterator[Workload]:
    """Every regularizer that another library has too or that has work to do.

    Args:
        scale: the size, in parts of the full one.
    """
    yield from _dropouts(scale)
    yield from _normalizations(scale)
    yield from _rescalings(scale)
    yield from _penalties(scale)
    yield from _updates(scale)
    yield from _clippings(scale)
    yield from _averages(scale)
    yield from _labels(scale)


def _parts(whole: int, scale: float) -> int:
    return max(int(whole * scale), 16)


def _normal(*shape: int) -> Numbers:
    return np.random.default_rng(0).standard_normal(shape, dtype=np.float32)


def _size(shape: Sequence[int]) -> str:
    return " x ".join(map(str, shape))


# ------------------------------------------------------------------- values and their gradients


def _pulled(function: Function, arrays: Sequence[Numbers], *constants: Any) -> Call:
    """Value and gradients in all arrays under a cotangent, as one program.

    The function gives the value, and whatever else it computes.
    """

    def both(arrays: Any, cotangent: Any, constants: Any) -> Any:
        value, pull, rest = jax.vjp(lambda *a: function(*a, *constants), *arrays, has_aux=True)
        return value, rest, pull(cotangent)

    given = [jnp.asarray(array) for array in arrays]
    cotangent = jnp.asarray(_normal(*jax.eval_shape(function, *given, *constants)[0].shape))
    program = jax.jit(both).lower(given, cotangent, constants).compile()
    return lambda: jax.block_until_ready(program(given, cotangent, constants))


def _torch_pulled(function: Function, arrays: Sequence[Numbers]) -> Call:
    leaves = [torch.tensor(array, requires_grad=True) for array in arrays]
    cotangent = torch.tensor(_normal(*function(*leaves).shape))
    return lambda: torch.autograd.grad(function(*leaves), leaves, cotangent)


def _alone(function: Function) -> Function:
    """The function's value, and nothing else."""
    return lambda *arguments: (function(*arguments), ())


def _differentiated(
    name: str,
    arrays: Sequence[Numbers],
    ours: Function,
    theirs: Function,
    others: Mapping[str, tuple[Function, Sequence[Numbers]]] | None = None,
    constants: tuple[Any, ...] = (),
) -> Workload:
    """A workload of value and gradients.

    Args:
        name: of the regularizer.
        arrays: what it is given.
        ours: of the arrays and the constants.
        theirs: the same in torch, of the arrays.
        others: by library, the same there and the arrays in its own layout.
        constants: what is not differentiated, such as a random key.
    """

    def sides() -> dict[str, Call]:
        calls = {
            JAXACT: _pulled(_alone(ours), arrays, *constants),
            TORCH: _torch_pulled(theirs, arrays),
        }
        for library, (function, own) in (others or {}).items():
            calls[library] = _pulled(_alone(function), own, *constants)
        return calls

    return Workload(function=name, size=_size(arrays[0].shape), sides=sides)


# ----------------------------------------------------------------------------------- dropout


def _dropouts(scale: float) -> Iterator[Workload]:
    n = _parts(64, scale)
    flat, lines = _normal(n * 65536), _normal(n, 256, 256)
    images, volumes = _normal(n, 64, 32, 32), _normal(n, 64, 4, 16, 16)
    weight = _normal(n * 32, 2048)
    plain = torch.nn.functional
    yield _random("dropout", flat, plain.dropout, dropped=())
    yield _random("dropout1d", lines, plain.dropout1d, dropped=(2,))
    yield _random("dropout2d", images, plain.dropout2d, dropped=(2, 3))
    yield _random("dropout3d", volumes, plain.dropout3d, dropped=(2, 3, 4))
    yield _random("alpha_dropout", flat, plain.alpha_dropout)
    yield _random("feature_alpha_dropout", images, plain.feature_alpha_dropout)
    yield _random("drop_path", images, _torch_drop_path, dropped=(1, 2, 3))
    yield _random("dropblock", images, _torch_dropblock)
    yield _random("dropconnect", weight, plain.dropout, dropped=())
    yield _random("gaussian_dropout", flat, _torch_gaussian_dropout)


def _random(
    name: str, x: Numbers, theirs: Function, dropped: tuple[int, ...] | None = None
) -> Workload:
    """A workload of value and gradient for one draw.

    Args:
        name: of the regularizer.
        x: what it is given.
        theirs: torch's, or written with torch.
        dropped: the axes that share a draw, for flax; None if flax has nothing like it.
    """
    function = getattr(regularizers, name)

    def ours(x: jax.Array, key: jax.Array) -> jax.Array:
        return function(x, P, training=True, key=key)

    others: dict[str, tuple[Function, Sequence[Numbers]]] = {}
    if dropped is not None:
        module = flax.linen.Dropout(P, broadcast_dims=dropped, deterministic=False)

        def of_flax(x: jax.Array, key: jax.Array) -> Any:
            return module.apply({}, x, rngs={"dropout": key})

        others = {FLAX: (of_flax, [x])}
    return _differentiated(
        name, [x], ours, lambda x: theirs(x, P, training=True), others, (jax.random.key(0),)
    )


def _torch_drop_path(x: torch.Tensor, p: float, training: bool) -> torch.Tensor:
    kept = torch.empty((len(x),) + (1,) * (x.ndim - 1)).bernoulli_(1 - p).div_(1 - p)
    return x * kept


def _torch_dropblock(x: torch.Tensor, p: float, training: bool, size: int = 7) -> torch.Tensor:
    *_, height, width = x.shape
    seeds = height - size + 1, width - size + 1
    gamma = p * height * width / (size**2 * seeds[0] * seeds[1])
    noise = torch.empty(*x.shape[:2], *seeds).bernoulli_(gamma)
    noise = torch.nn.functional.pad(noise, [size // 2] * 4)
    kept = 1 - torch.nn.functional.max_pool2d(noise, size, 1, size // 2)
    return x * kept * (kept.numel() / kept.sum())


def _torch_gaussian_dropout(x: torch.Tensor, p: float, training: bool) -> torch.Tensor:
    return x * torch.empty_like(x).normal_(1, (p / (1 - p)) ** 0.5)


# ------------------------------------------------------------------------------ normalization


def _normalizations(scale: float) -> Iterator[Workload]:
    rows, features = _normal(_parts(8192, scale), 512), (_normal(512), _normal(512))
    images, channels = _normal(_parts(64, scale), 64, 32, 32), (_normal(64), _normal(64))
    last = np.ascontiguousarray(np.moveaxis(images, 1, -1))
    plain, linen = torch.nn.functional, flax.linen
    yield _batch_norm(images, last, channels)
    yield _differentiated(
        "layer_norm",
        [rows, *features],
        lambda x, w, b: functional.layer_norm(x, (512,), w, b),
        lambda x, w, b: plain.layer_norm(x, (512,), w, b),
        {FLAX: (_linen(linen.LayerNorm(epsilon=1e-5)), [rows, *features])},
    )
    yield _differentiated(
        "rms_norm",
        [rows, features[0]],
        lambda x, w: functional.rms_norm(x, (512,), w),
        lambda x, w: plain.rms_norm(x, (512,), w),
        {FLAX: (_linen(linen.RMSNorm()), [rows, features[0]])},
    )
    yield _differentiated(
        "group_norm",
        [images, *channels],
        lambda x, w, b: functional.group_norm(x, 8, w, b),
        lambda x, w, b: plain.group_norm(x, 8, w, b),
        {FLAX: (_linen(linen.GroupNorm(8, epsilon=1e-5)), [last, *channels])},
    )
    yield _differentiated(
        "instance_norm",
        [images, *channels],
        lambda x, w, b: functional.instance_norm(x, weight=w, bias=b),
        lambda x, w, b: plain.instance_norm(x, weight=w, bias=b),
        {FLAX: (_linen(linen.InstanceNorm(epsilon=1e-5)), [last, *channels])},
    )


def _linen(module: Any) -> Function:
    """A module as a function of x and its parameters."""

    def apply(x: jax.Array, *parameters: jax.Array) -> Any:
        named = dict(zip(("scale", "bias"), parameters, strict=False))
        return module.apply({"params": named}, x)

    return apply


def _batch_norm(images: Numbers, last: Numbers, parameters: Sequence[Numbers]) -> Workload:
    """A training step's: value, gradients and the new running statistics."""
    channels = images.shape[1]
    running = jnp.zeros(channels), jnp.ones(channels)
    module = flax.linen.BatchNorm(use_running_average=False, momentum=0.9)

    def ours(x: jax.Array, w: jax.Array, b: jax.Array, mean: jax.Array, var: jax.Array) -> Any:
        y = functional.batch_norm(x, mean, var, w, b, training=True)
        return y, functional.batch_norm_stats(x, mean, var)

    def of_flax(x: jax.Array, w: jax.Array, b: jax.Array, mean: jax.Array, var: jax.Array) -> Any:
        state = {"params": {"scale": w, "bias": b}, "batch_stats": {"mean": mean, "var": var}}
        return module.apply(state, x, mutable=["batch_stats"])

    def sides() -> dict[str, Call]:
        mean, var = torch.zeros(channels), torch.ones(channels)

        def theirs(x: torch.Tensor, w: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
            return torch.nn.functional.batch_norm(x, mean, var, w, b, training=True)

        return {
            JAXACT: _pulled(ours, [images, *parameters], *running),
            TORCH: _torch_pulled(theirs, [images, *parameters]),
            FLAX: _pulled(of_flax, [last, *parameters], *running),
        }

    return Workload(function="batch_norm", size=_size(images.shape), sides=sides)


# ---------------------------------------------------------------------------------- rescaling


def _rescalings(scale: float) -> Iterator[Workload]:
    rows, images = _normal(_parts(8192, scale), 512), _normal(_parts(32, scale), 64, 32, 32)
    weight, size = _normal(_parts(1024, scale), 1024), np.abs(_normal(_parts(1024, scale), 1))
    plain = torch.nn.functional
    yield _differentiated("normalize", [rows], functional.normalize, plain.normalize)
    yield _differentiated(
        "local_response_norm",
        [images],
        lambda x: functional.local_response_norm(x, 5),
        lambda x: plain.local_response_norm(x, 5),
    )
    yield _differentiated("weight_norm", [weight, size], regularizers.weight_norm, _torch_weight)
    yield _spectral_norm(weight)


def _torch_weight(v: torch.Tensor, g: torch.Tensor) -> torch.Tensor:
    return torch._weight_norm(v, g, 0)


def _spectral_norm(weight: Numbers) -> Workload:
    """With one step of the power iteration, as in training."""
    u, v = _normal(len(weight)), _normal(weight.shape[1])

    def ours(w: jax.Array, u: jax.Array, v: jax.Array) -> Any:
        divided, *state = regularizers.spectral_norm(w, u, v)
        return divided, state

    def sides() -> dict[str, Call]:
        layer = torch.nn.Linear(*weight.shape[::-1], bias=False)
        with torch.no_grad():
            layer.weight.copy_(torch.tensor(weight))
        layer = torch.nn.utils.parametrizations.spectral_norm(layer)
        original = layer.parametrizations.weight.original
        cotangent = torch.tensor(_normal(*weight.shape))
        return {
            JAXACT: _pulled(ours, [weight], jnp.asarray(u), jnp.asarray(v)),
            TORCH: lambda: torch.autograd.grad(layer.weight, original, cotangent),
        }

    return Workload(function="spectral_norm", size=_size(weight.shape), sides=sides)


# ------------------------------------------------------------------------------ trees of weights


def _tree(scale: float) -> dict[str, Numbers]:
    """Four million weights in thirty matrices, and their biases."""
    rows = _parts(352, scale)
    weights = {f"{i}/weight": _normal(rows, 384) for i in range(LEAVES)}
    return weights | {f"{i}/bias": _normal(rows) for i in range(LEAVES)}


def _tree_size(tree: Mapping[str, Numbers]) -> str:
    return f"{sum(leaf.size for leaf in tree.values()):,} in {len(tree)} leaves"


def _as_jax(tree: Mapping[str, Numbers]) -> dict[str, jax.Array]:
    return {name: jnp.asarray(leaf) for name, leaf in tree.items()}


def _compiled(function: Function, *arguments: Any) -> Call:
    program = jax.jit(function).lower(*arguments).compile()
    return lambda: jax.block_until_ready(program(*arguments))


def _on_tree(
    name: str,
    tree: Mapping[str, Numbers],
    ours: Function,
    theirs: Callable[[list[torch.Tensor]], Call],
    of_optax: Function | None = None,
) -> Workload:
    """A workload of a function of a tree.

    Args:
        name: of the regularizer.
        tree: what it is given.
        ours: of the tree.
        theirs: from torch's tensors of the weights, which come without the biases where ours leaves
            those alone, to the call.
        of_optax: the same there, of the tree.
    """

    def sides() -> dict[str, Call]:
        calls = {
            JAXACT: _compiled(ours, _as_jax(tree)),
            TORCH: theirs([torch.tensor(leaf) for leaf in tree.values()]),
        }
        return calls | ({OPTAX: _compiled(of_optax, _as_jax(tree))} if of_optax else {})

    return Workload(function=name, size=_tree_size(tree), sides=sides)


def _penalties(scale: float) -> Iterator[Workload]:
    tree = _tree(scale)

    def of_torch(term: Callable[[torch.Tensor], torch.Tensor]) -> Function:
        def call(tensors: list[torch.Tensor]) -> Call:
            weights = [w.requires_grad_() for w in tensors if w.ndim > 1]

            def penalty() -> torch.Tensor:
                return torch.stack([term(w) for w in weights]).sum()

            return lambda: torch.autograd.grad(penalty(), weights)

        return call

    def squares(tree: dict[str, jax.Array]) -> jax.Array:
        weights = [leaf for leaf in tree.values() if leaf.ndim > 1]
        return optax.tree.norm(weights, squared=True)

    def penalty(name: str, term: Any, of_optax: Function | None = None) -> Workload:
        return _on_tree(
            name,
            tree,
            jax.value_and_grad(getattr(regularizers, name)),
            of_torch(term),
            jax.value_and_grad(of_optax) if of_optax else None,
        )

    def gram(w: torch.Tensor) -> torch.Tensor:
        return (w @ w.T - torch.eye(len(w))).square().sum()

    yield penalty("l1_penalty", lambda w: w.abs().sum())
    yield penalty("l2_penalty", lambda w: w.square().sum(), squares)
    yield penalty("elastic_net", lambda w: w.abs().sum() / 2 + w.square().sum() / 4)
    yield penalty("group_lasso", lambda w: w.norm(dim=1).sum() * w.shape[1] ** 0.5)
    yield penalty("orthogonality_penalty", gram)


def _updates(scale: float) -> Iterator[Workload]:
    tree = _tree(scale)

    def of_torch(step: Callable[[torch.Tensor], torch.Tensor]) -> Function:
        def call(tensors: list[torch.Tensor]) -> Call:
            weights = [w for w in tensors if w.ndim > 1]
            return lambda: [step(w) for w in weights]

        return call

    decay = optax.add_decayed_weights(
        0.1, mask=lambda tree: jax.tree.map(lambda leaf: leaf.ndim > 1, tree)
    )
    yield _on_tree(
        "coupled_weight_decay",
        tree,
        lambda tree: regularizers.coupled_weight_decay(tree, tree, 0.1),
        of_torch(lambda w: w.add(w, alpha=0.1)),
        lambda tree: decay.update(tree, decay.init(tree), tree)[0],
    )
    yield _on_tree(
        "decoupled_weight_decay",
        tree,
        lambda tree: regularizers.decoupled_weight_decay(tree, 1e-3, 0.1),
        of_torch(lambda w: w * (1 - 1e-4)),
    )
    yield _on_tree(
        "max_norm",
        tree,
        lambda tree: regularizers.max_norm(tree, 3.0),
        of_torch(lambda w: torch.renorm(w, 2, 0, 3.0)),
    )
    yield _on_tree(
        "proximal_l1",
        tree,
        lambda tree: regularizers.proximal_l1(tree, 0.5),
        of_torch(lambda w: torch.nn.functional.softshrink(w, 0.5)),
    )


def _clippings(scale: float) -> Iterator[Workload]:
    tree = _tree(scale)

    def of_torch(clip: Function) -> Function:
        def call(tensors: list[torch.Tensor]) -> Call:
            for tensor in tensors:
                tensor.grad = tensor.clone()
            return lambda: clip(tensors)

        return call

    def transformed(transformation: optax.GradientTransformation) -> Function:
        def update(tree: dict[str, jax.Array]) -> Any:
            return transformation.update(tree, transformation.init(tree), tree)[0]

        return update

    yield _on_tree(
        "clip_grad_norm",
        tree,
        lambda tree: regularizers.clip_grad_norm(tree, 1.0),
        of_torch(lambda tensors: torch.nn.utils.clip_grad_norm_(tensors, 1.0)),
        transformed(optax.clip_by_global_norm(1.0)),
    )
    yield _on_tree(
        "get_total_norm",
        tree,
        regularizers.get_total_norm,
        of_torch(lambda tensors: torch.nn.utils.get_total_norm([t.grad for t in tensors])),
        optax.tree.norm,
    )
    yield _on_tree(
        "clip_grad_value",
        tree,
        lambda tree: regularizers.clip_grad_value(tree, 0.5),
        of_torch(lambda tensors: torch.nn.utils.clip_grad_value_(tensors, 0.5)),
        transformed(optax.clip(0.5)),
    )
    yield _on_tree(
        "adaptive_grad_clip",
        tree,
        lambda tree: regularizers.adaptive_grad_clip(tree, tree),
        of_torch(_torch_adaptive_clip),
        transformed(optax.adaptive_grad_clip(0.01)),
    )


def _torch_adaptive_clip(tensors: list[torch.Tensor]) -> None:
    for tensor in tensors:
        grad = tensor.grad
        assert grad is not None
        axes = tuple(range(1, tensor.ndim)) or None
        most = torch.linalg.vector_norm(tensor, dim=axes, keepdim=True).clamp_min(1e-3) * 0.01
        norm = torch.linalg.vector_norm(grad, dim=axes, keepdim=True)
        grad.mul_((most / norm.clamp_min(1e-6)).clamp_max(1))


def _averages(scale: float) -> Iterator[Workload]:
    swa_utils = torch.optim.swa_utils
    yield _average(
        "ema",
        _tree(scale),
        swa_utils.get_ema_multi_avg_fn(),
        lambda mean, tree: optax.incremental_update(tree, mean, 1e-3),
    )
    yield _average("swa", _tree(scale), swa_utils.get_swa_multi_avg_fn())


def _average(
    name: str, tree: Mapping[str, Numbers], theirs: Function, of_optax: Function | None = None
) -> Workload:
    """The second update of a mean, for the first one copies."""

    def sides() -> dict[str, Call]:
        average, weights = getattr(regularizers, name)(), _as_jax(tree)
        state = average.update(average.init(weights), weights)
        tensors = [torch.tensor(leaf) for leaf in tree.values()]
        means, n = [tensor.clone() for tensor in tensors], torch.tensor(1)
        calls = {
            JAXACT: _compiled(average.update, state, weights),
            TORCH: lambda: theirs(means, tensors, n),
        }
        return calls | ({OPTAX: _compiled(of_optax, state.params, weights)} if of_optax else {})

    return Workload(function=name, size=_tree_size(tree), sides=sides)


# ------------------------------------------------------------------------------------- labels


def _labels(scale: float) -> Iterator[Workload]:
    labels = np.random.default_rng(0).integers(0, 1000, _parts(8192, scale))

    def theirs() -> torch.Tensor:
        one_hot = torch.nn.functional.one_hot(torch.tensor(labels), 1000).float()
        return one_hot * 0.9 + 0.1 / 1000

    def sides() -> dict[str, Call]:
        given = jnp.asarray(labels)
        return {
            JAXACT: _compiled(lambda t: regularizers.smooth_labels(t, 1000), given),
            TORCH: theirs,
            OPTAX: _compiled(lambda t: optax.smooth_labels(jax.nn.one_hot(t, 1000), 0.1), given),
        }

    yield Workload(function="smooth_labels", size=f"{len(labels)} x 1000", sides=sides)
