"""How every benchmark is configured: which functions, how often, how large."""

import dataclasses
import importlib
from typing import ClassVar

from experiments.study import option


@dataclasses.dataclass(frozen=True, kw_only=True)
class Config:
    """What is timed, and for how long; a benchmark says of which families."""

    families: ClassVar[tuple[str, ...]] = ("activations", "losses", "regularizers")

    function: tuple[str, ...] = option((), "time only this function; repeat for several")
    rounds: int = option(11, "rounds over all functions; medians over them are reported")
    scale: float = option(1.0, "size of the arrays, in parts of the full ones")
    table: str = option("", "also write the page of the documentation to this file")

    def __post_init__(self) -> None:
        """Refuses what cannot be timed."""
        unknown = sorted(set(self.function) - self.functions()) if self.function else []
        if unknown:
            modules = " or ".join(f"jaxact.{family}" for family in self.families)
            raise ValueError(
                f"function must be one of {modules} that is timed, got {', '.join(unknown)}"
            )
        if self.rounds < 1:
            raise ValueError(f"rounds must be at least 1, got {self.rounds}")
        if not 0 < self.scale <= 1:
            raise ValueError(f"scale must be above 0 and at most 1, got {self.scale}")

    @classmethod
    def functions(cls) -> set[str]:
        """The names that may be asked for."""
        # Not at the top: listing the benchmarks must not load a framework.
        families = (importlib.import_module(f"jaxact.{family}") for family in cls.families)
        return {name for family in families for name in family.__all__}


@dataclasses.dataclass(frozen=True, kw_only=True)
class ActivationsConfig(Config):
    """Which activations are timed, and for how long."""

    families: ClassVar[tuple[str, ...]] = ("activations",)

    rounds: int = option(15, "rounds over all functions; medians over them are reported")

    @property
    def elements(self) -> int:
        """Numbers in the input: a multiple of 2^16, so that it can be cut into rows and images."""
        return max(int(2**22 * self.scale) // 2**16, 1) * 2**16


@dataclasses.dataclass(frozen=True, kw_only=True)
class LossesConfig(Config):
    """Which losses are measured, and for how long."""

    families: ClassVar[tuple[str, ...]] = ("losses",)


@dataclasses.dataclass(frozen=True, kw_only=True)
class RegularizersConfig(Config):
    """Which regularizers are measured, and for how long."""

    families: ClassVar[tuple[str, ...]] = ("regularizers",)


@dataclasses.dataclass(frozen=True, kw_only=True)
class OptimizersConfig(Config):
    """Which optimizers are measured, and for how long."""

    families: ClassVar[tuple[str, ...]] = ("optim",)

    @classmethod
    def functions(cls) -> set[str]:
        """The optimizers that are timed."""
        steps = importlib.import_module("experiments.bench.optimizer_steps")
        return {optimizer.name for optimizer in steps.OPTIMIZERS}


@dataclasses.dataclass(frozen=True, kw_only=True)
class CompilingConfig(Config):
    """Which functions are compiled, and how often."""

    rounds: int = option(7, "rounds over all functions; medians over them are reported")
