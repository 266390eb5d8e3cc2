"""The command line: `list`, `run NAME`, `bench FAMILY`; options come from each study's config."""

import dataclasses
import inspect
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated, Any, get_origin, get_type_hints

import typer
from rich.console import Console

from experiments.progress import Progress
from experiments.registry import BENCHMARKS, STUDIES
from experiments.study import Outcome, Study


def application(
    studies: Sequence[Study] = STUDIES, benchmarks: Sequence[Study] = BENCHMARKS
) -> typer.Typer:
    """The command line over the given studies and benchmarks."""
    app = typer.Typer(
        help="Studies that use jaxact and parity on real data.",
        no_args_is_help=True,
        add_completion=False,
    )

    @app.command("list")
    def _() -> None:
        """What there is to run."""
        for kind, rows in (("run", studies), ("bench", benchmarks)):
            for row in rows:
                typer.echo(f"{kind:5} {row.name:18} {row.summary}")

    app.add_typer(_group(studies), name="run", help="Run a study.")
    app.add_typer(_group(benchmarks), name="bench", help="Measure time against other libraries.")
    return app


def main() -> None:
    """`python -m experiments`."""
    application()(prog_name="python -m experiments")


def _group(studies: Sequence[Study]) -> typer.Typer:
    group = typer.Typer(no_args_is_help=True)
    # Keeps a group of one command a group.
    group.callback()(lambda: None)
    for study in studies:
        group.command(study.name, help=study.summary)(_command(study))
    return group


def _command(study: Study) -> Callable[..., None]:
    """A function whose parameters are the fields of the study's config, as typer reads them."""

    def command(*, out: Path, **options: Any) -> None:
        try:
            config = study.config(**{name: _frozen(value) for name, value in options.items()})
        except ValueError as error:
            raise typer.BadParameter(str(error)) from error
        outcome = study.run(config, out, Progress())
        _show(outcome)
        raise typer.Exit(1 if study.decides and not outcome.holds else 0)

    hints = get_type_hints(study.config)
    parameters = [
        _parameter(field.name, hints[field.name], field.default, field.metadata["help"])
        for field in dataclasses.fields(study.config)
    ]
    parameters.append(_parameter("out", Path, Path("results"), "folder for the results"))
    # typer reads the options from the signature, which pyright does not know as an attribute.
    command.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    command.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    return command


def _parameter(name: str, kind: Any, default: Any, help: str) -> inspect.Parameter:
    if get_origin(kind) is tuple:
        # typer calls an option that may be repeated a list; configs are frozen.
        kind, default = list[str], list(default)
    return inspect.Parameter(
        name,
        inspect.Parameter.KEYWORD_ONLY,
        default=default,
        annotation=Annotated[kind, typer.Option(help=help)],
    )


def _frozen(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def _show(outcome: Outcome) -> None:
    console = Console(highlight=False, soft_wrap=True)
    for verdict in outcome.verdicts:
        console.print(str(verdict), style="green" if verdict.holds else "bold red", markup=False)
    for path in outcome.files:
        console.print(f"wrote {path}", markup=False)
