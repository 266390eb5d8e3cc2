"""Wrong functions, with mistakes that somebody really made; every one has to be caught.

Each is right except for its one mistake, and goes through the whole engine in place of the subject
of a row or a setting.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from parity.cases import Case, Setup, case_of_call, cases, select
from parity.spec import Spec
from parity.verdict import Outcome

Function = Callable[..., Any]


@dataclass(frozen=True, kw_only=True)
class Mutant:
    """A wrong function.

    Args:
        mistake: what is wrong, in snake_case.
        spec: the row that has to catch it.
        subject: the wrong function.
        case: the rest of the case's id after the function's name; that of a single call, too.
        outcome: how that case has to fail; ERROR only if the mistake is an exception.
    """

    mistake: str
    spec: Spec
    subject: Function
    case: str
    outcome: Outcome = Outcome.MISMATCH

    def cases(self) -> list[Case]:
        """The case that has to fail, with the wrong function as its subject."""
        name = f"{self.spec.family}/{self.spec.name}/{self.case}"
        wrong = replace(self.spec, subject=replace(self.spec.subject, call=self.subject))
        call = case_of_call([wrong], name)
        if call is not None:
            return [call]
        found = select(cases([self.spec]), name)
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
            function: the name of the row that has to catch it.
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
