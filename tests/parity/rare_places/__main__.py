# pyright: basic
"""Measures how many functions that are wrong at a rare place are caught.

python -m tests.parity.rare_places [PATTERN] [--calls-only] [--out FILE]
"""

from __future__ import annotations

import argparse
import json
import time
import traceback
from fnmatch import fnmatchcase
from pathlib import Path

from tests.parity.rare_places.measure import Found, measured, rare_places, table


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("pattern", nargs="?", default="*", help="of row/mistake")
    parser.add_argument("--calls-only", action="store_true", help="leave out the other cases")
    parser.add_argument("--file", default="", help="of this folder, without .py")
    parser.add_argument("--out", type=Path, help="a file for the results, one a line")
    options = parser.parse_args()
    found: list[Found] = []
    for rare in rare_places(options.file):
        name = f"{rare.spec.name}/{rare.mistake}"
        if not fnmatchcase(name, options.pattern):
            continue
        started = time.monotonic()
        try:
            result = measured(rare, points=not options.calls_only)
        except Exception:
            print(name, traceback.format_exc(), flush=True)
            continue
        found.append(result)
        seconds = time.monotonic() - started
        note = f"{result.by:9} {result.made:3} calls, {result.reached} reached, {seconds:.0f} s"
        print(f"{note}  {rare.spec.family}/{name}: {result.message:.160}", flush=True)
        if options.out:
            entry = {
                "name": name,
                "kind": rare.kind,
                "by": result.by,
                "made": result.made,
                "reached": result.reached,
                "message": result.message,
            }
            with options.out.open("a") as file:
                file.write(json.dumps(entry) + "\n")
    print(*table(found), sep="\n")


if __name__ == "__main__":
    main()
