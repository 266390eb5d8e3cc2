"""`python -m parity`: run, list, show, replay, check."""

from __future__ import annotations

import ast
import os
import shlex
import sys
from collections.abc import Callable, Sequence
from importlib import metadata
from pathlib import Path
from typing import Annotated, Any, NamedTuple, NoReturn, cast

import typer

from parity import compiled, spec
from parity.backends import INSTALL, to_install
from parity.cases import (
    CHOICES_ONLY,
    Case,
    Coverage,
    LeftOut,
    Source,
    case_of_call,
    case_of_torch,
    cases,
    left_out,
    select,
)
from parity.covering import CHOICES, NOTHING, PAIRS
from parity.engine import run, succeeded
from parity.hunting import Hunt
from parity.pairs import PairError, pair, target_of
from parity.report.console import Reporter, description, details
from parity.report.summary import Replay, replay_by_check, replay_by_id
from parity.spec import CHECKS, FLOATS, Budget, Spec
from parity.verdict import default_budget

Load = Callable[[], Sequence[Spec]]
USAGE_ERROR = 2
MODULE = "python -m parity"

Select = Annotated[str, typer.Option(help="Part of a case id, or a shell pattern for all of it.")]
Dtype = Annotated[str, typer.Option(help=f"One dtype: {', '.join(FLOATS)}, ...")]
Check = Annotated[str, typer.Option(help=f"One check: {', '.join(CHECKS)}.")]
Seed = Annotated[int, typer.Option(help="It and the case id determine all random numbers.")]
Pairs = Annotated[
    bool, typer.Option("--pairs", help="In calls of domains, let every pair of choices meet.")
]
Draws = Annotated[int, typer.Option(help="Random calls of each domain besides, by the seed.")]
Cache = Annotated[
    bool,
    typer.Option(
        "--cache/--no-cache", help=f"Keep compiled programs in {compiled.folder().parent}."
    ),
]
From = Annotated[
    Source, typer.Option(help="The calls: those that rows describe, or those of torch's own tests.")
]
Json = Annotated[Path | None, typer.Option(help="Write every case as JSON.")]
Html = Annotated[Path | None, typer.Option(help="Write a page to read.")]
Junit = Annotated[Path | None, typer.Option(help="Write a test for each case as JUnit XML.")]


class Files(NamedTuple):
    """The files that results are written to; None for a file that was not requested."""

    json: Path | None
    html: Path | None
    junit: Path | None


def app(load: Load, program: str = MODULE) -> typer.Typer:
    """The command line over some rows.

    Args:
        load: returns the rows; called when a command needs them.
        program: the command that starts it, for the replay commands that it prints.
    """
    shell = typer.Typer(
        name="parity",
        help="Compares functions point by point with a reference and with the truth.",
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
    )

    @shell.callback()
    def _version(
        version: Annotated[
            bool, typer.Option("--version", help="Print the version.", callback=_print_version)
        ] = False,
    ) -> None:
        pass

    @shell.command("run")
    def _run(
        select: Select = "",
        dtype: Dtype = "",
        check: Check = "",
        json: Json = None,
        html: Html = None,
        junit: Junit = None,
        seed: Seed = 0,
        pairs: Pairs = False,
        draws: Draws = 0,
        cache: Cache = True,
        source: From = Source.ROWS,
    ) -> None:
        """Run cases; exit status 0 only if some ran and none failed."""
        if cache:
            compiled.keep()
        coverage = Coverage(meeting=PAIRS if pairs else CHOICES, draws=draws, source=source)
        chosen = _chosen(_cases(load, coverage), select, dtype, check)
        names = {case.setup.name for case in chosen}
        found = left_out(load(), coverage)
        missing = [out for out in found if out.name in names or not (select or dtype or check)]
        replay = replay_by_id(program, seed)
        _finish(chosen, seed, replay, missing, Files(json, html, junit), load, coverage)

    @shell.command("hunt")
    def _hunt(
        minutes: Annotated[float, typer.Option(help="How long.")] = 10.0,
        select: Select = "",
        draws: Annotated[int, typer.Option(help="Calls of each domain for each seed.")] = 100,
        seed: Annotated[int, typer.Option(help="The first seed.")] = 0,
        cache: Cache = True,
    ) -> None:
        """Make random calls of every domain, with one seed after the other, until time is up."""
        if cache:
            compiled.keep()
        coverage = Coverage(meeting=NOTHING, draws=draws)
        chosen = _chosen(cases(load(), coverage), select, "", "calls")
        hunt = Hunt(minutes)
        while hunt.goes_on:
            with Reporter(len(chosen), replay_by_id(program, seed), sys.stdout) as reporter:
                hunt.add(run(chosen, seed, reporter, load, coverage))
            seed += 1
        typer.echo(hunt.summary)
        raise typer.Exit(1 if hunt.failed else 0)

    @shell.command("list")
    def _list(
        select: Select = "", dtype: Dtype = "", check: Check = "", source: From = Source.ROWS
    ) -> None:
        """Print the ids of cases."""
        for case in _chosen(_cases(load, Coverage(source=source)), select, dtype, check):
            typer.echo(case.id)

    @shell.command("show")
    def _show(case: str) -> None:
        """Print what a case compares, without running it."""
        typer.echo(description(_one(load, case)))

    @shell.command("replay")
    def _replay(case: str, seed: Seed = 0) -> None:
        """Run one case again and print everything about it."""
        results = run([_one(load, case)], seed)
        typer.echo(details(results[0]))
        raise typer.Exit(0 if succeeded(results) else 1)

    shell.command("check")(_check)
    return shell


def _check(
    reference: Annotated[str, typer.Argument(help="For example torch:nn.functional.mish.")],
    subject: Annotated[str, typer.Argument(help="For example jax:jax.nn.mish, or jax:mine.py:f.")],
    inputs: Annotated[
        list[str] | None,
        typer.Option(
            "--input",
            metavar="[NAME=]DESCRIPTION",
            help="An argument, by position or by name: 'Samples(shape=(8, 3))', or a tree of these."
            " Without it, each parameter without a default value is visited point by point.",
        ),
    ] = None,
    set: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME=VALUE", help="A hyperparameter of both functions."),
    ] = None,
    set_reference: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME=VALUE", help="A hyperparameter of the reference only."),
    ] = None,
    set_subject: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME=VALUE", help="A hyperparameter of the subject only."),
    ] = None,
    truth: Annotated[str, typer.Option(help="A function that says which one is right.")] = "",
    span: Annotated[
        str, typer.Option(metavar="LOW,HIGH", help="Only points between LOW and HIGH.")
    ] = "",
    ulp: Annotated[
        float | None,
        typer.Option(
            help="The allowed error in units in the last place; in epsilons where terms cancel."
        ),
    ] = None,
    rtol: Annotated[
        float, typer.Option(help="Errors up to atol + rtol |reference| are allowed as well.")
    ] = 0.0,
    atol: Annotated[float, typer.Option(help="See --rtol.")] = 0.0,
    signs_of_zero: Annotated[
        bool, typer.Option(help="Whether a zero has to have the reference's sign.")
    ] = True,
    nan: Annotated[
        bool, typer.Option(help="Whether the result has to be nan where the reference is.")
    ] = True,
    dtype: Dtype = "",
    check: Check = "",
    json: Json = None,
    html: Html = None,
    junit: Junit = None,
    seed: Seed = 0,
) -> None:
    """Compare two functions of your own; agreement with the reference is enough."""
    sys.path.insert(0, str(Path.cwd()))
    described = [_described(text) for text in inputs or ()]
    positional = [tree for name, tree in described if not name]
    try:
        found = pair(
            _target(subject, set_subject),
            _target(reference, set_reference),
            inputs=positional or None,
            arrays={name: tree for name, tree in described if name},
            values=_values("--set", set),
            truth=target_of(truth) if truth else None,
            span=_span(span),
            budget=_budget(ulp, rtol, atol, signs_of_zero, nan),
        )
    except PairError as error:
        _refuse(str(error))
    except ImportError as error:
        _refuse(f"{error}{to_install(error)}")
    chosen = _chosen(found.cases, "", dtype, check)
    options = _repeated(
        {"--input": inputs, "--set": set, "--set-reference": set_reference}
        | {"--set-subject": set_subject, "--truth": truth, "--span": span, "--ulp": ulp}
        | {"--rtol": rtol, "--atol": atol, "--seed": seed}
    )
    options += [] if signs_of_zero else ["--no-signs-of-zero"]
    options += [] if nan else ["--no-nan"]
    replay = replay_by_check(f"{MODULE} check {shlex.join([reference, subject, *options])}")
    missing = [out for out in found.left_out if not check or out.check == check]
    _finish(chosen, seed, replay, missing, Files(json, html, junit))


def main(load: Load) -> None:
    """Runs the command line."""
    app(load, _program())()


def _program() -> str:
    """The command that started this process."""
    called = Path(sys.argv[0])
    if called.name == "__main__.py":
        return MODULE
    return called.name if called.suffix != ".py" else f"python {os.path.relpath(called)}"


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"parity {metadata.version('jaxact')}")
        raise typer.Exit


def _refuse(message: str) -> NoReturn:
    typer.echo(message, err=True)
    raise typer.Exit(USAGE_ERROR)


# ---------------------------------------------------------------------------- arguments of `check`


def _target(text: str, options: list[str] | None) -> spec.Target:
    named = target_of(text)
    given = _values("an option of a function", options)
    return spec.on(named.backend, named.call, **given)


def _described(text: str) -> tuple[str, Any]:
    """An argument's name, which is empty if it is given by position, and its description."""
    name, equals, rest = text.partition("=")
    named = bool(equals) and name.strip().isidentifier()
    known = {kind.__name__: kind for kind in spec.DESCRIPTIONS}
    try:
        tree = eval(rest if named else text, {"__builtins__": {}, "inf": float("inf"), **known})
    except Exception as error:
        _refuse(
            "--input must be a description such as 'Samples(shape=(8, 3))', or a tree of such, of "
            f"{', '.join(known)}, got {text!r} ({error})"
        )
    return (name.strip() if named else ""), tree


def _values(option: str, texts: list[str] | None) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for text in texts or ():
        name, equals, value = text.partition("=")
        if not equals or not name.isidentifier():
            _refuse(f"{option} must be NAME=VALUE, got {text!r}")
        values[name] = _literal(value)
    return values


def _literal(text: str) -> Any:
    """The text as a Python literal (a number, a tuple, None, ...), else the text itself."""
    try:
        return ast.literal_eval(text)
    except (SyntaxError, ValueError):
        return text


def _span(text: str) -> tuple[float, float] | None:
    if not text:
        return None
    try:
        low, high = map(float, text.split(","))
    except ValueError:
        _refuse(f"--span must be LOW,HIGH, got {text!r}")
    return low, high


def _budget(
    ulp: float | None, rtol: float, atol: float, signs_of_zero: bool, nan: bool
) -> Budget | None:
    """The tolerances as a budget; None if none is given."""
    if ulp is None and not rtol and not atol and signs_of_zero and nan:
        return None
    default = default_budget("forward", "float32").ulp if not rtol and not atol else 0.0
    allowed = default if ulp is None else ulp
    return Budget(
        ulp=allowed,
        # Where terms cancel, an ulp of the result is too small a unit: allow as many epsilons of
        # the terms instead.
        floor=allowed,
        rtol=rtol,
        atol=atol,
        signs_of_zero=signs_of_zero,
        nan=nan,
        reason="given on the command line",
    )


def _repeated(options: dict[str, Any]) -> list[str]:
    """The options that were given, as command line arguments."""
    written: list[str] = []
    for name, value in options.items():
        several = cast("list[Any]", value if isinstance(value, list) else [value])
        for one in several if value else ():
            written += [name, str(one)]
    return written


# ------------------------------------------------------------------------------------------- cases


def _cases(load: Load, coverage: Coverage) -> list[Case]:
    try:
        return cases(load(), coverage)
    except ModuleNotFoundError as error:
        if coverage.source is not Source.TORCH:
            raise
        _refuse(f"--source torch needs {error.name}: {INSTALL}")


def _chosen(found: Sequence[Case], pattern: str, dtype: str, check: str) -> list[Case]:
    _one_of("--dtype", dtype, dict.fromkeys(case.dtype for case in found))
    _one_of("--check", check, CHECKS)
    chosen = select(found, pattern, dtype, check)
    if not chosen:
        filters = {"--select": pattern, "--dtype": dtype, "--check": check}
        said = " ".join(f"{name} {value}" for name, value in filters.items() if value)
        _refuse(f"no case matches {said}: `list` prints the {len(found)} that there are")
    return chosen


def _one_of(option: str, value: str, choices: Any) -> None:
    if value and value not in choices:
        _refuse(f"{option} must be one of {', '.join(choices)}, got {value!r}")


def _one(load: Load, name: str) -> Case:
    for case in (case_of_call(load(), name), case_of_torch(load(), name), *cases(load())):
        if case is not None and case.id == name:
            return case
    _refuse(f"no case is called {name!r}: `list` prints those that there are")


def _finish(
    chosen: list[Case],
    seed: int,
    replay: Replay,
    missing: Sequence[LeftOut],
    files: Files,
    load: Load | None = None,
    coverage: Coverage = CHOICES_ONLY,
) -> NoReturn:
    """Runs the cases, shows and writes their results, and exits with status 0 if all succeeded."""
    with Reporter(len(chosen), replay, sys.stdout) as reporter:
        results = run(chosen, seed, reporter, load, coverage)
        reporter.finish(results, missing)
    if files.junit is not None:
        from parity.report import junit

        junit.write(files.junit, results, replay)
    if files.json is not None or files.html is not None:
        from parity.report.files import write_whole
        from parity.report.json import as_dict, write

        data = as_dict(results, seed, replay, missing)
        if files.json is not None:
            write(files.json, data)
        if files.html is not None:
            from parity.report.html import render

            write_whole(files.html, render(data))
    raise typer.Exit(0 if succeeded(results) else 1)
