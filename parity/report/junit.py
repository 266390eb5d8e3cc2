"""Results as JUnit XML for continuous integration, with a test for each case."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from xml.etree import ElementTree

from parity.engine import Result
from parity.report.files import write_whole
from parity.report.summary import Replay
from parity.verdict import Outcome


def write(path: Path, results: Sequence[Result], replay: Replay) -> None:
    """Writes the results as an XML file.

    Args:
        path: of the file.
        results: MISMATCH and STALE become failures, ERROR and NOT_RUN become errors.
        replay: gives the command that each failure shows.
    """
    suites = ElementTree.Element("testsuites", name="parity")
    functions = dict.fromkeys(result.case.group[:2] for result in results)
    for function in functions:
        of = [result for result in results if result.case.group[:2] == function]
        failed = [result for result in of if _kind(result) == "failure"]
        errors = [result for result in of if _kind(result) == "error"]
        suite = ElementTree.SubElement(
            suites,
            "testsuite",
            name="/".join(function),
            tests=str(len(of)),
            failures=str(len(failed)),
            errors=str(len(errors)),
            time=f"{sum(result.seconds for result in of):.3f}",
        )
        for result in of:
            _case(suite, result, replay)
    text = ElementTree.tostring(suites, encoding="unicode", xml_declaration=True)
    write_whole(path, text + "\n")


def _kind(result: Result) -> str:
    """The element: failure or error; empty for a success."""
    if result.outcome.succeeds:
        return ""
    return "failure" if result.outcome in (Outcome.MISMATCH, Outcome.STALE) else "error"


def _case(suite: ElementTree.Element, result: Result, replay: Replay) -> None:
    family, name, *rest = result.case.id.split("/")
    case = ElementTree.SubElement(
        suite,
        "testcase",
        classname=f"{family}.{name}",
        name="/".join(rest),
        time=f"{result.seconds:.3f}",
    )
    if kind := _kind(result):
        failure = ElementTree.SubElement(case, kind, type=result.outcome, message=result.message)
        failure.text = "\n".join(filter(None, (result.traceback, replay(result.case))))
