"""Which networks are measured."""

import dataclasses

from experiments.study import option

INITIALIZERS = (
    "kaiming_normal",
    "xavier_uniform",
    "orthogonal",
    "torch_linear",
    "normal_0.02",
)
ACTIVATIONS = ("relu", "tanh", "gelu", "silu", "selu", "sigmoid")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Config:
    """Which networks, and how many of each."""

    initializer: tuple[str, ...] = option(INITIALIZERS, "of the weights; repeat for several")
    activation: tuple[str, ...] = option(ACTIVATIONS, "between layers; repeat for several")
    depth: int = option(50, "layers")
    width: int = option(256, "units of a layer")
    images: int = option(32, "digits that are sent through")
    networks: int = option(16, "networks of each kind, over which is averaged")
    seed: int = option(0, "of weights, images and cotangents")

    def __post_init__(self) -> None:
        """Refuses what cannot be built."""
        for name, known in (("initializer", INITIALIZERS), ("activation", ACTIVATIONS)):
            unknown = set(getattr(self, name)) - set(known)
            if unknown:
                raise ValueError(f"{name} must be among {known}, got {sorted(unknown)}")
        for name in ("depth", "width", "images", "networks"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 1, got {getattr(self, name)}")
