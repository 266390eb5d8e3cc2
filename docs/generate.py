"""Writes the parts of the documentation that come from the code and from measurements.

`python docs/generate.py` renders docs/results/FAMILY.json, the docstrings and the rows of every
family into docs/FAMILY.md, and a summary of all families into the README.
`python docs/generate.py results/parity.json` first copies the results of that run into
docs/results. A test compares the committed pages with the output of this script.
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

from jaxact import functional
from parity import suite
from parity.report.markdown import overview, table

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
README = ROOT / "README.md"

TABLE_BEGINS = "<!-- parity table: written by `make docs` -->\n"
TABLE_ENDS = "<!-- end of the parity table -->\n"
TITLES = {"optim": "Optimizers and schedules"}
CASE_FIELDS = ("id", "function", "params", "dtype", "check", "outcome")
DISTANCES = ("subject_truth", "reference_truth")
CAPTION = (
    "The last four columns are the largest errors against the truth, in ulp of float32, with "
    "default hyperparameters. A star: where the exact result crosses zero or is a small "
    "difference, an ulp says nothing and an absolute floor decides."
)


def results_of(family: str) -> Path:
    """The committed results of a family's rows."""
    return DOCS / "results" / f"{family}.json"


def page_of(family: str) -> Path:
    """The page about a family."""
    return DOCS / f"{family}.md"


@dataclass(frozen=True)
class Docstring:
    """The parts of a Google-style docstring."""

    summary: str
    notes: str = ""
    args: dict[str, str] = field(default_factory=dict)
    sections: dict[str, str] = field(default_factory=dict)


def parse(docstring: str) -> Docstring:
    """Splits a docstring; a section is a word with a colon, followed by indented lines."""
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


def slim(results: Mapping[str, Any], family: str) -> dict[str, Any]:
    """The part of a run's results that the tables of one family and their tests need."""
    cases = [
        {
            **{name: case[name] for name in CASE_FIELDS},
            "budget": case["budget"] and {"ulp": case["budget"]["ulp"]},
            "distance": {name: case["distance"][name] for name in DISTANCES},
        }
        for case in results["cases"]
        if case["family"] == family
    ]
    kept = {name: results[name] for name in ("schema", "environment")}
    return {**kept, "cases": cases}


def dump(results: Mapping[str, Any]) -> str:
    """JSON with one case per line, so that a change of one case changes one line."""
    head = json.dumps({name: part for name, part in results.items() if name != "cases"}, indent=1)
    cases = ",\n".join(json.dumps(case) for case in results["cases"])
    return f'{head.removesuffix("}").rstrip()},\n "cases": [\n{cases}\n]}}\n'


def load(family: str) -> dict[str, Any]:
    """The committed results of a family."""
    return json.loads(results_of(family).read_text(encoding="utf-8"))


def readme() -> str:
    """The README with its table replaced by the summary of the committed results."""
    before, _, rest = README.read_text(encoding="utf-8").partition(TABLE_BEGINS)
    _, _, after = rest.partition(TABLE_ENDS)
    results = {family: load(family) for family in suite.FAMILIES}
    linked = {f"[{f}](docs/{f}.md)": found["cases"] for f, found in results.items()}
    where = fill(_measured_on(next(iter(results.values()))), 100)
    return f"{before}{TABLE_BEGINS}{where}\n\n{overview(linked)}{TABLE_ENDS}{after}"


def _measured_on(results: Mapping[str, Any]) -> str:
    where = results["environment"]
    packages = where["packages"]
    return (
        f"Measured: jaxact {packages['jaxact']} on jax {packages['jax']} against torch "
        f"{packages['torch']}, {where['cpu']}, {where['date'][:10]}."
    )


def family_page(family: str) -> str:
    """The page of a family: functions by theme, results, and differences from torch."""
    results = load(family)
    text = [
        f"# {TITLES.get(family, family.capitalize())}\n",
        "<!-- written by `make docs` from docstrings, rows and results: do not edit -->\n",
        f"{_where(family)} What torch has keeps torch's parameter names, order and defaults.\n",
    ]
    for theme in _themes(family):
        text += [f"## {theme.__doc__.splitlines()[0].rstrip('.')}\n", _theme_table(theme)]
    text += ["## Parity with torch\n", fill(f"{_measured_on(results)} {CAPTION}", 100) + "\n"]
    text += [table(results, names=("jaxact", "torch"))]
    text += ["## Where jaxact differs from torch on purpose\n"]
    differences = list(_differences(family))
    declared = "the differences that the rows declare:" if differences else "none is declared."
    text += [f"Besides digits that torch loses, {declared}\n", *differences]
    return "\n".join(text).rstrip("\n") + "\n"


def _where(family: str) -> str:
    module = importlib.import_module(f"jaxact.{family}")
    there = [hasattr(functional, name) for name in module.__all__]
    if all(there):
        return "All in `jaxact.functional`."
    some = ", those of torch.nn.functional in `jaxact.functional` as well" if any(there) else ""
    return f"All in `jaxact.{family}`{some}."


def _themes(family: str) -> list[Any]:
    functions = importlib.import_module(f"jaxact.{family}")
    names = {getattr(functions, name).__module__ for name in functions.__all__}
    return [importlib.import_module(name) for name in sorted(names)]


def _theme_table(theme: Any) -> str:
    lines = [
        "| call | formula | gradient and special values | source |",
        "| --- | --- | --- | --- |",
    ]
    functions = [getattr(theme, name) for name in theme.__all__]
    # A class holds a state, which the function that makes it describes.
    for function in (f for f in functions if not inspect.isclass(f)):
        doc = parse(function.__doc__)
        cells = (f"`{call(function)}`", doc.summary, doc.notes, doc.sections["Source"])
        lines.append("| " + " | ".join(cell.replace("|", r"\|") for cell in cells) + " |")
    return "\n".join(lines) + "\n"


def call(function: Any) -> str:
    """The function's name and parameters with their defaults, without annotations."""
    signature = inspect.signature(function)
    bare = [p.replace(annotation=inspect.Parameter.empty) for p in signature.parameters.values()]
    return f"{function.__name__}{inspect.Signature(bare)}"


def _differences(family: str) -> Iterable[str]:
    for row in suite.load():
        for quirk in row.quirks if row.family == family else ():
            yield f"- `{row.name}` ({', '.join(quirk.checks)}): {quirk.reason} ({quirk.source})"


def main() -> None:
    """Writes every generated page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("results", nargs="?", type=Path, help="a run's JSON file, to copy")
    taken_over = parser.parse_args().results
    for family in suite.FAMILIES:
        if taken_over:
            results = json.loads(taken_over.read_text(encoding="utf-8"))
            results_of(family).write_text(dump(slim(results, family)), encoding="utf-8")
        page_of(family).write_text(family_page(family), encoding="utf-8")
    README.write_text(readme(), encoding="utf-8")


if __name__ == "__main__":
    main()
