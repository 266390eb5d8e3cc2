"""`python -m parity`: run, list, show, replay, check."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated

import typer

from parity.cases import Case, cases, select
from parity.engine import Result, run, succeeded
from parity.report.console import Reporter, description, details
from parity.spec import CHECKS, FLOATS, Points, Spec, on

Load = Callable[[], Sequence[Spec]]
USAGE_ERROR = 2

Select = Annotated[str, typer.Option(help="Part of a case id, or a shell pattern for all of it.")]
Dtype = Annotated[str, typer.Option(help=f"One dtype: {', '.join(FLOATS)}, ...")]
Check = Annotated[str, typer.Option(help=f"One check: {', '.join(CHECKS)}.")]
Seed = Annotated[int, typer.Option(help="All random numbers follow from it and the case id.")]


def app(load: Load) -> typer.Typer:
    """The command line over some rows.

    Args:
        load: called when a command needs the rows.
    """
    shell = typer.Typer(
        name="parity",
        help="Compares functions point by point with a reference and with the truth.",
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
    )

    @shell.command("run")
    def _run(
        select: Select = "",
        dtype: Dtype = "",
        check: Check = "",
        json: Annotated[Path | None, typer.Option(help="Write every case as JSON.")] = None,
        html: Annotated[Path | None, typer.Option(help="Write a page to read.")] = None,
        seed: Seed = 0,
    ) -> None:
        """Run cases; exit status 0 only if some ran and none failed."""
        chosen = _chosen(load, select, dtype, check)
        results = _report(chosen, seed, load)
        _write(results, seed, json, html)
        raise typer.Exit(0 if succeeded(results) else 1)

    @shell.command("list")
    def _list(select: Select = "", dtype: Dtype = "", check: Check = "") -> None:
        """Print the ids of cases."""
        for case in _chosen(load, select, dtype, check):
            typer.echo(case.id)

    @shell.command("show")
    def _show(case: str) -> None:
        """Print what a case compares, without running it."""
        typer.echo(description(_one(load, case)))

    @shell.command("replay")
    def _replay(case: str, seed: Seed = 0) -> None:
        """Run one case again and print everything about it."""
        results = run([_one(load, case)], seed)
        typer.echo(details(results[0], seed))
        raise typer.Exit(0 if succeeded(results) else 1)

    @shell.command("check")
    def _check(
        reference: Annotated[str, typer.Argument(help="For example torch:nn.functional.mish.")],
        subject: Annotated[str, typer.Argument(help="For example jax:my_package.mish.")],
        dtype: Dtype = "",
        check: Check = "",
        seed: Seed = 0,
    ) -> None:
        """Compare two functions of one array, point by point."""
        sys.path.insert(0, str(Path.cwd()))
        results = _report(select_pair(reference, subject, dtype, check), seed)
        raise typer.Exit(0 if succeeded(results) else 1)

    return shell


def main(load: Load) -> None:
    """Runs the command line."""
    app(load)()


def select_pair(reference: str, subject: str, dtype: str = "", check: str = "") -> list[Case]:
    """The cases of two functions of one array, each written backend:path."""
    spec = Spec(
        family="check",
        name=on(*_target(subject)).last_name,
        subject=on(*_target(subject)),
        reference=on(*_target(reference)),
        inputs=(Points(),),
        checks=("forward", "vjp", "jvp", "second", "vmap", "jit", "shapes"),
    )
    return select(cases([spec]), "", dtype, check)


def _target(text: str) -> tuple[str, str]:
    framework, colon, path = text.partition(":")
    if not colon:
        typer.echo(
            f"a function is written backend:path, such as jax:nn.silu, not {text!r}", err=True
        )
        raise typer.Exit(USAGE_ERROR)
    return framework, path


def _chosen(load: Load, pattern: str, dtype: str, check: str) -> list[Case]:
    chosen = select(cases(load()), pattern, dtype, check)
    if not chosen:
        typer.echo("no case matches", err=True)
        raise typer.Exit(USAGE_ERROR)
    return chosen


def _one(load: Load, name: str) -> Case:
    for case in cases(load()):
        if case.id == name:
            return case
    typer.echo(f"no case is called {name!r}", err=True)
    raise typer.Exit(USAGE_ERROR)


def _report(chosen: list[Case], seed: int, load: Load | None = None) -> list[Result]:
    with Reporter(len(chosen), seed, sys.stdout) as reporter:
        results = run(chosen, seed, reporter, load)
        reporter.finish(results)
    return results


def _write(results: list[Result], seed: int, json: Path | None, html: Path | None) -> None:
    if json is None and html is None:
        return
    from parity.report.files import write_whole
    from parity.report.json import as_dict, write

    data = as_dict(results, seed)
    if json is not None:
        write(json, data)
    if html is not None:
        from parity.report.html import render

        write_whole(html, render(data))
