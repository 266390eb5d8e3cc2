"""Shows results as they arrive: a progress bar on a terminal, plain lines in a pipe."""

from __future__ import annotations

import time
from collections.abc import Sequence
from types import TracebackType
from typing import TextIO

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from parity.cases import Case, LeftOut
from parity.engine import Result
from parity.report.snippet import snippet
from parity.report.summary import Replay, coverage_line, last_line, tally_lines
from parity.spec import CHECKS, NUMERIC_CHECKS, Budget
from parity.verdict import Outcome, default_budget

COLOURS = {
    Outcome.EXACT: "green",
    Outcome.WITHIN: "green",
    Outcome.CLOSER: "cyan",
    Outcome.QUIRK: "yellow",
}
# In a pipe there is a line after so many cases, or so many seconds.
PLAIN_EVERY, SECONDS = 200, 60.0


class Reporter:
    """Shows the progress of a run; used as a context manager, called with each result."""

    def __init__(self, total: int, replay: Replay, stream: TextIO) -> None:
        self.replay = replay
        self.total = total
        self.done = 0
        self.failed = 0
        self.started = self.said = time.monotonic()
        # No wrapping: a command that spans two lines cannot be pasted.
        self.console = Console(file=stream, soft_wrap=True, highlight=False)
        self.progress = Progress(
            TextColumn("parity"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
            TextColumn("{task.fields[failed]} failed  {task.description}"),
            console=self.console,
            transient=True,
            disable=not self.console.is_terminal,
        )
        self.task = self.progress.add_task("", total=total, failed=0)

    def __enter__(self) -> Reporter:
        self.progress.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.progress.stop()

    def __call__(self, result: Result) -> None:
        """Shows one more result."""
        self.done += 1
        self.failed += not result.outcome.succeeds
        self.progress.update(
            self.task, advance=1, failed=self.failed, description=result.case.setup.name
        )
        if not result.outcome.succeeds:
            self.console.print(failure_text(result, self.replay), markup=False)
        silent = time.monotonic() - self.said
        if not self.console.is_terminal and (self.done % PLAIN_EVERY == 0 or silent > SECONDS):
            self.said = time.monotonic()
            self.console.print(
                f"{self.done} of {self.total} cases, {self.failed} failed, {self._remaining()}"
            )

    def _remaining(self) -> str:
        """How long the rest takes at the speed so far."""
        seconds = (time.monotonic() - self.started) * (self.total / self.done - 1)
        return f"about {max(1, round(seconds / 60))} min left" if seconds > 45 else "soon done"

    def finish(self, results: Sequence[Result], missing: Sequence[LeftOut] = ()) -> None:
        """Prints the checks that were left out, and the last line."""
        self.progress.stop()
        for out in missing:
            self.console.print(f"not compared: {out.name}, {out.check}: {out.reason}", markup=False)
        if covered := coverage_line(results):
            self.console.print(covered, markup=False)
        for line in tally_lines(results):
            self.console.print(line, markup=False)
        self.console.print(last_line(results), markup=False)


def failure_text(result: Result, replay: Replay) -> str:
    """The failure, the command that replays it, and code that shows it without parity."""
    lines = [
        f"{result.outcome.upper()} {result.case.id}",
        *(f"  {line}" for line in result.message.splitlines()),
        *(f"    {line}" for line in result.traceback.splitlines()),
        f"  {replay(result.case)}",
        *(f"    {line}" for line in snippet(result).splitlines()),
    ]
    return "\n".join(lines)


def description(case: Case) -> str:
    """A description of what the case compares."""
    setup = case.setup
    lines = [f"{case.id}: {CHECKS[case.check]}", *_sides(case)]
    if case.check in NUMERIC_CHECKS:
        lines += [f"  input      {described}" for described in setup.inputs]
        lines += [f"  {name:<10} {described}" for name, described in setup.arrays.items()]
        lines += [f"  {name:<10} {value!r}" for name, value in setup.values.items()]
        lines += [f"  random     {setup.random}"] if setup.random else []
        lines.append(
            f"  budget     {_budget(case.budget or default_budget(case.check, case.dtype))}"
        )
    if case.bad_call is not None:
        lines.append(f"  bad call   {case.bad_call.reason}")
    lines += [f"  quirk      {quirk.reason} ({quirk.source})" for quirk in case.quirks]
    return "\n".join(lines)


def _sides(case: Case) -> list[str]:
    subject, reference = case.setup.subject, case.setup.reference
    return [
        f"  subject    {subject.backend}: {subject.name}",
        f"  reference  {reference.backend}: {reference.name}",
    ]


def details(result: Result) -> str:
    """The result of one case, and code that shows it without parity."""
    case = result.case
    lines = [f"{case.id}: {result.outcome}", *_sides(case)]
    lines += [f"  {line}" for line in result.message.splitlines()]
    lines += [f"    {line}" for line in result.traceback.splitlines()]
    if result.budget is not None:
        lines.append(f"  budget     {_budget(result.budget)}")
    for name, ulps in result.distance.items():
        if ulps is not None:
            lines.append(f"  {name.replace('_', ' - '):<22} {ulps:.4g} ulp at most")
    if result.worst is not None and result.worst.input:
        lines.append(f"  decided at {result.worst.entry} {result.worst.input}:")
        lines.append(f"    subject   {result.worst.subject!r}")
        lines.append(f"    reference {result.worst.reference!r}")
        lines.append(f"    truth     {result.worst.truth!r}")
    lines += [f"  quirk      {quirk.reason} ({quirk.source})" for quirk in result.quirks]
    lines += ["", *snippet(result).splitlines()]
    return "\n".join(lines).rstrip()


def _budget(budget: Budget) -> str:
    floor = f", floor {budget.floor:g} epsilon" if budget.floor else ""
    floor += f", rtol {budget.rtol:g}" if budget.rtol else ""
    floor += f", atol {budget.atol:g}" if budget.atol else ""
    floor += f", times 1 + {budget.per_step:g} steps" if budget.per_step else ""
    reason = f": {budget.reason}" if budget.reason else ""
    return f"{budget.ulp:g} ulp{floor}{reason}"
