"""Names in torch.nn.functional that jaxact.functional lacks, with their replacements."""

import importlib

_LAX_CONVOLUTION = "jax.lax.conv_general_dilated or flax.nnx.Conv"
_LAX_TRANSPOSE = "jax.lax.conv_transpose or flax.nnx.ConvTranspose"
_POOL = "jax.lax.reduce_window or flax.nnx"
# Maps a name in torch 2.13 to its counterpart in jax or flax; None if none is known to agree.
_ELSEWHERE: dict[str, str | None] = {
    **dict.fromkeys(("conv1d", "conv2d", "conv3d", "conv_tbc"), _LAX_CONVOLUTION),
    **dict.fromkeys([f"conv_transpose{n}d" for n in (1, 2, 3)], _LAX_TRANSPOSE),
    **{f"{kind}_pool{n}d": f"{_POOL}.{kind}_pool" for kind in ("avg", "max") for n in (1, 2, 3)},
    **dict.fromkeys([f"max_pool{n}d_with_indices" for n in (1, 2, 3)], None),
    **dict.fromkeys([f"max_unpool{n}d" for n in (1, 2, 3)], None),
    **dict.fromkeys([f"lp_pool{n}d" for n in (1, 2, 3)], None),
    **dict.fromkeys([f"adaptive_avg_pool{n}d" for n in (1, 2, 3)], None),
    **dict.fromkeys([f"adaptive_max_pool{n}d" for n in (1, 2, 3)], None),
    **dict.fromkeys([f"adaptive_max_pool{n}d_with_indices" for n in (1, 2, 3)], None),
    **dict.fromkeys([f"fractional_max_pool{n}d" for n in (2, 3)], None),
    **dict.fromkeys([f"fractional_max_pool{n}d_with_indices" for n in (2, 3)], None),
    **dict.fromkeys(("affine_grid", "grid_sample", "fold", "unfold", "bilinear", "pdist"), None),
    **dict.fromkeys(("channel_shuffle", "native_channel_shuffle", "embedding_bag"), None),
    **dict.fromkeys(("pixel_shuffle", "pixel_unshuffle"), "jnp.reshape and jnp.transpose"),
    **dict.fromkeys(("grouped_mm", "scaled_mm", "scaled_grouped_mm"), "jax.lax.ragged_dot"),
    **dict.fromkeys(("interpolate", "upsample", "upsample_bilinear"), "jax.image.resize"),
    "upsample_nearest": "jax.image.resize",
    "embedding": "weight[input]",
    "multi_head_attention_forward": "jax.nn.dot_product_attention or flax.nnx.MultiHeadAttention",
    "scaled_dot_product_attention": "jax.nn.dot_product_attention",
    "one_hot": "jax.nn.one_hot",
    "pad": "jnp.pad",
}
_NAMESPACES = ("functional", "regularizers", "initializers")


def missing(module: str, name: str) -> AttributeError:
    """The error for a name that a public module lacks; says where to find it or its replacement."""
    return AttributeError(
        f"module 'jaxact.{module}' has no attribute {name!r}{_hint(module, name)}"
    )


def _hint(module: str, name: str) -> str:
    # torch appends an underscore to the names of in-place functions.
    plain = name.rstrip("_")
    for namespace in _NAMESPACES:
        found = importlib.import_module(f"jaxact.{namespace}")
        if plain in found.__all__ and (namespace, plain) != (module, name):
            return f"; write jaxact.{namespace}.{plain}"
    if name not in _ELSEWHERE:
        return ""
    instead = _ELSEWHERE[name]
    return f": torch has it, jaxact has not; {instead or 'jax and flax have no'}" + (
        " is the closest function, and differs from torch's" if instead else " counterpart either"
    )
