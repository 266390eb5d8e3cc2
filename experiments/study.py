"""What a study is: a name, a frozen configuration, and a function from it to verdicts and files."""

import dataclasses
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from experiments.progress import Progress
from experiments.results import measured_on


@dataclasses.dataclass(frozen=True, kw_only=True)
class Verdict:
    """One claim that a study tests, with the number that decided it.

    Attributes:
        claim: what must be true, as a sentence.
        holds: whether it was.
        detail: the measured number beside its limit.
    """

    claim: str
    holds: bool
    detail: str

    def __str__(self) -> str:
        """The line that the console prints."""
        return f"{'holds ' if self.holds else 'FAILED'}  {self.claim}: {self.detail}"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Outcome:
    """What a study leaves behind.

    Attributes:
        verdicts: every claim that it tested; at least one.
        files: every file that it wrote.
    """

    verdicts: Sequence[Verdict]
    files: Sequence[Path]

    @property
    def holds(self) -> bool:
        """Whether the study claimed something and all of it holds."""
        return bool(self.verdicts) and all(verdict.holds for verdict in self.verdicts)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Study:
    """A row of the registry.

    Attributes:
        name: what a person types.
        summary: one line for `list`.
        config: a frozen dataclass; its fields are the options of the command line, with the
            `help` in a field's metadata as their description.
        run: from a config, the folder for results and a progress display to the outcome.
        decides: whether a claim that does not hold is a failed run. Timings are the machine's as
            much as the code's: a benchmark says which limits were missed and has done its job.
    """

    name: str
    summary: str
    config: type[Any]
    run: Callable[[Any, Path, Progress], Outcome]
    decides: bool = True


def option(default: Any, help: str) -> Any:
    """A field of a configuration: its default and its description on the command line."""
    return dataclasses.field(default=default, metadata={"help": help})


def findings(study: str, config: Any, verdicts: Sequence[Verdict], **where: Any) -> dict[str, Any]:
    """What every file of results begins with.

    Args:
        study: its name.
        config: a frozen dataclass.
        verdicts: every claim that was tested.
        **where: what else the result holds for, beside date, versions and machine.
    """
    return {
        "schema": 1,
        "study": study,
        "config": dataclasses.asdict(config),
        "environment": {**measured_on(), **where},
        "holds": all(verdict.holds for verdict in verdicts),
        "verdicts": [dataclasses.asdict(verdict) for verdict in verdicts],
    }
