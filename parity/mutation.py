"""Wrong functions: mistakes that somebody really made. Every one has to be caught.

Each is as right as can be but for its one mistake, and goes through the whole engine in the place
of a row's or a setting's subject.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from parity.cases import Case, Setup, cases, select
from parity.spec import Spec
from parity.verdict import Outcome

Function = Callable[..., Any]


@dataclass(frozen=True, kw_only=True)
class Mutant:
    """A wrong function.

    Args:
        mistake: what is wrong, in snake_case.
        spec: the row that has to notice.
        subject: the wrong function.
        case: the rest of the case's id after the function's name.
        outcome: how that case has to fail; a crash shows nothing unless it is the mistake.
    """

    mistake: str
    spec: Spec
    subject: Function
    case: str
    outcome: Outcome = Outcome.MISMATCH

    def cases(self) -> list[Case]:
        """The case that has to fail, with the wrong subject in the place of its own."""
        found = select(cases([self.spec]), f"{self.spec.family}/{self.spec.name}/{self.case}")
        return [replace(case, setup=self._wrong(case.setup)) for case in found]

    def _wrong(self, setup: Setup) -> Setup:
        return replace(setup, subject=replace(setup.subject, call=self.subject))


class Mutants:
    """The wrong functions of a family, in the order of their definition.

    Args:
        specs: the family's rows.
    """

    def __init__(self, specs: Sequence[Spec]) -> None:
        self._specs = {spec.name: spec for spec in specs}
        self._found: list[Mutant] = []

    def __iter__(self) -> Iterator[Mutant]:
        return iter(self._found)

    def __len__(self) -> int:
        return len(self._found)

    def wrong(
        self, function: str, case: str, outcome: Outcome = Outcome.MISMATCH
    ) -> Callable[[Function], Function]:
        """Registers the decorated function as a mutant; its name is the mistake.

        Args:
            function: the row that has to notice.
            case: the rest of the case's id after the function's name.
            outcome: how that case has to fail.
        """

        def register(subject: Function) -> Function:
            mutant = Mutant(
                mistake=subject.__name__.strip("_"),
                spec=self._specs[function],
                subject=subject,
                case=case,
                outcome=outcome,
            )
            self._found.append(mutant)
            return subject

        return register
