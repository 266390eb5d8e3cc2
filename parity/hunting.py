"""Random calls of all domains, with one seed after the other, for as long as there is time."""

from __future__ import annotations

import time
from collections.abc import Sequence

from parity.engine import Result


class Hunt:
    """The random calls of several seeds.

    Args:
        minutes: how long to go on; the last seed is finished.
    """

    def __init__(self, minutes: float) -> None:
        self.started = time.monotonic()
        self.seconds = 60 * minutes
        self.seeds = 0
        self.calls = 0
        self.failed = 0

    @property
    def goes_on(self) -> bool:
        """Whether there is time for another seed."""
        return not self.seeds or time.monotonic() - self.started < self.seconds

    def add(self, results: Sequence[Result]) -> None:
        """Counts the calls of one more seed."""
        self.seeds += 1
        self.calls += sum(result.visited.calls for result in results if result.visited)
        self.failed += sum(not result.outcome.succeeds for result in results)

    @property
    def summary(self) -> str:
        """The last line of the output."""
        minutes = (time.monotonic() - self.started) / 60
        return (
            f"hunt: {self.calls:,} calls, {self.seeds} seeds, {minutes:.1f} minutes, "
            f"{self.failed} functions failed"
        )
