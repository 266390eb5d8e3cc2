"""What is measured, and how closely."""

import dataclasses

from experiments.activation_rows import check_functions
from experiments.study import option

SIDES = ("jaxact", "jax.nn", "torch")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Config:
    """What is measured, and how closely."""

    function: tuple[str, ...] = option((), "measure only this function; repeat for several")
    side: tuple[str, ...] = option(SIDES, "whose functions to measure; repeat for several")
    step: int = option(1021, "visit every step-th of all float32 bit patterns")
    table: str = option("", "also write the page of the documentation to this file")

    def __post_init__(self) -> None:
        """Refuses what cannot be measured."""
        check_functions(self.function)
        unknown = set(self.side) - set(SIDES)
        if unknown or "jaxact" not in self.side:
            raise ValueError(f"side must be among {SIDES} and include jaxact, got {self.side}")
        if self.step < 1:
            raise ValueError(f"step must be at least 1, got {self.step}")
