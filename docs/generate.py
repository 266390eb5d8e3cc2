"""Writes what the documentation takes from the code and from measurements.

`python docs/generate.py` renders docs/results/activations.json into the README, and the docstrings
and rows into docs/activations.md. `python docs/generate.py results/parity.json` first takes over
the results of that run. A test compares what is committed with what this would write.
"""

import argparse
import importlib
import inspect
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from textwrap import fill
from typing import Any

from jaxact import activations
from parity.report.markdown import table
from parity.suite import activations as rows

ROOT = Path(__file__).parents[1]
RESULTS = ROOT / "docs" / "results" / "activations.json"
README = ROOT / "README.md"
ACTIVATIONS = ROOT / "docs" / "activations.md"

TABLE_BEGINS = "<!-- parity table: written by `make docs` -->\n"
TABLE_ENDS = "<!-- end of the parity table -->\n"
CASE_FIELDS = ("id", "function", "params", "dtype", "check", "outcome")
DISTANCES = ("subject_truth", "reference_truth")


@dataclass(frozen=True)
class Docstring:
    """A Google style docstring, taken apart."""

    summary: str
    notes: str = ""
    args: dict[str, str] = field(default_factory=dict)
    sections: dict[str, str] = field(default_factory=dict)


def parse(docstring: str) -> Docstring:
    """The parts of a docstring; a section is a line of one word and a colon, indented below."""
    parts = re.split(
        r"^([A-Z][a-z]+):\n(?= )", inspect.cleandoc(docstring) + "\n", flags=re.MULTILINE
    )
    summary, _, notes = parts[0].partition("\n")
    sections = dict(zip(parts[1::2], parts[2::2], strict=True))
    return Docstring(
        summary=summary.strip(),
        notes=" ".join(notes.split()),
        args=_entries(sections.get("Args", "")),
        sections={name: " ".join(text.split()) for name, text in sections.items()},
    )


def _entries(text: str) -> dict[str, str]:
    parts = re.split(r"^    ([\w, ]+):[ \n]", text, flags=re.MULTILINE)
    described = zip(parts[1::2], parts[2::2], strict=True)
    return {
        name: " ".join(words.split()) for names, words in described for name in names.split(", ")
    }


def slim(results: Mapping[str, Any]) -> dict[str, Any]:
    """What the table and its freshness need of a run's results."""
    cases = [
        {
            **{name: case[name] for name in CASE_FIELDS},
            "budget": case["budget"] and {"ulp": case["budget"]["ulp"]},
            "distance": {name: case["distance"][name] for name in DISTANCES},
        }
        for case in results["cases"]
    ]
    kept = {name: results[name] for name in ("schema", "summary", "environment")}
    return {**kept, "cases": cases}


def dump(results: Mapping[str, Any]) -> str:
    """JSON with one case a line, so that a change of one case is a change of one line."""
    head = json.dumps({name: part for name, part in results.items() if name != "cases"}, indent=1)
    cases = ",\n".join(json.dumps(case) for case in results["cases"])
    return f'{head.removesuffix("}").rstrip()},\n "cases": [\n{cases}\n]}}\n'


def readme(results: Mapping[str, Any]) -> str:
    """The README with the table of these results in its place."""
    before, _, rest = README.read_text(encoding="utf-8").partition(TABLE_BEGINS)
    _, _, after = rest.partition(TABLE_ENDS)
    where = results["environment"]
    packages = where["packages"]
    summary = results["summary"]
    caption = (
        f"{summary['cases']} cases, {summary['failed']} failed: jaxact {packages['jaxact']} on "
        f"jax {packages['jax']} against torch {packages['torch']}, {where['cpu']}, "
        f"{where['date'][:10]}. The last four columns are the largest errors against the truth, in "
        "ulp of float32, with default hyperparameters. A star: where the exact result crosses zero "
        "or is a small difference, an ulp says nothing and an absolute floor decides."
    )
    shown = table(results, names=("jaxact", "torch"))
    return f"{before}{TABLE_BEGINS}{fill(caption, 100)}\n\n{shown}{TABLE_ENDS}{after}"


def activations_page() -> str:
    """Each theme's functions, from their docstrings, and the differences declared in their rows."""
    text = [
        "# Activations\n",
        "<!-- written by `make docs` from the docstrings and the rows: do not edit -->\n",
        "All in `jaxact.functional`, with torch's parameter names, order and defaults.\n",
    ]
    for theme in _themes():
        text += [f"## {theme.__doc__.splitlines()[0].rstrip('.')}\n", _theme_table(theme)]
    text += ["## Where jaxact differs from torch on purpose\n"]
    text += ["Besides digits that torch loses, for which see [accuracy](accuracy.md):\n"]
    text += _differences()
    return "\n".join(text)


def _themes() -> list[Any]:
    names = dict.fromkeys(getattr(activations, name).__module__ for name in activations.__all__)
    return [importlib.import_module(name) for name in sorted(names)]


def _theme_table(theme: Any) -> str:
    lines = [
        "| call | formula | gradient and special values | source |",
        "| --- | --- | --- | --- |",
    ]
    for name in theme.__all__:
        function = getattr(theme, name)
        doc = parse(function.__doc__)
        cells = (f"`{call(function)}`", doc.summary, doc.notes, doc.sections["Source"])
        lines.append("| " + " | ".join(cell.replace("|", r"\|") for cell in cells) + " |")
    return "\n".join(lines) + "\n"


def call(function: Any) -> str:
    """The function's name and parameters with their defaults, without annotations."""
    signature = inspect.signature(function)
    bare = [p.replace(annotation=inspect.Parameter.empty) for p in signature.parameters.values()]
    return f"{function.__name__}{inspect.Signature(bare)}"


def _differences() -> Iterable[str]:
    for row in rows.SPECS:
        for quirk in row.quirks:
            yield f"- `{row.name}` ({', '.join(quirk.checks)}): {quirk.reason} ({quirk.source})"
    yield ""


def main() -> None:
    """Writes every generated page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("results", nargs="?", type=Path, help="a run's JSON to take over")
    taken_over = parser.parse_args().results
    if taken_over:
        RESULTS.write_text(
            dump(slim(json.loads(taken_over.read_text(encoding="utf-8")))), encoding="utf-8"
        )
    README.write_text(readme(json.loads(RESULTS.read_text(encoding="utf-8"))), encoding="utf-8")
    ACTIVATIONS.write_text(activations_page(), encoding="utf-8")


if __name__ == "__main__":
    main()
