"""Progress of a study: a bar on a terminal, plain lines in a pipe."""

import contextlib
import time
from collections.abc import Generator
from typing import Protocol

from rich.console import Console, RenderableType
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Bar


class Advance(Protocol):
    """Called before each stage with its name."""

    def __call__(self, stage: str) -> None:
        """Say that `stage` begins."""


class Progress:
    """Shows the stages of a study as they begin."""

    def __init__(self, console: Console | None = None) -> None:
        self._console = console or Console()
        if not self._console.is_terminal:
            # A pipe has no width of its own, and tables need one.
            self._console.width = 120

    @contextlib.contextmanager
    def stages(self, title: str, total: int) -> Generator[Advance]:
        """Gives a function to call before each of `total` stages.

        Args:
            title: what the stages belong to.
            total: their number.
        """
        shown = self._bar if self._console.is_terminal else self._lines
        with shown(title, total) as advance:
            yield advance

    def show(self, content: RenderableType) -> None:
        """Prints a table or a text."""
        self._console.print(content)

    @contextlib.contextmanager
    def _bar(self, title: str, total: int) -> Generator[Advance]:
        columns = (
            TextColumn("{task.fields[title]}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TextColumn("{task.description}"),
        )
        with Bar(*columns, console=self._console) as bar:
            task = bar.add_task("", total=total, title=title)
            begun = 0

            def advance(stage: str) -> None:
                nonlocal begun
                bar.update(task, completed=begun, description=stage)
                begun += 1

            yield advance
            bar.update(task, completed=begun, description="")

    @contextlib.contextmanager
    def _lines(self, title: str, total: int) -> Generator[Advance]:
        start, begun = time.perf_counter(), 0

        def advance(stage: str) -> None:
            nonlocal begun
            begun += 1
            self._print(f"{title}: [{begun}/{total}] {stage}")

        yield advance
        self._print(f"{title}: {begun} of {total} done in {time.perf_counter() - start:.1f} s")

    def _print(self, line: str) -> None:
        self._console.print(line, markup=False, highlight=False, soft_wrap=True)
