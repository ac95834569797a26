"""The options of every command, one frozen dataclass a command, and how typer reads them."""

from __future__ import annotations

import inspect
import traceback
from collections.abc import Callable
from dataclasses import MISSING, dataclass, field, fields
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Protocol, TypeVar, get_type_hints

import typer

from confounds.errors import ConfoundsError, UsageError
from confounds.text import printable

CRASHED = 70
"""Exit code of an error that is this package's own: EX_SOFTWARE of sysexits.h."""
INTERRUPTED = 130
"""Exit code of a command that was interrupted: 128 + SIGINT."""


class Kind(StrEnum):
    """What `confounds list` lists."""

    METRICS = "metrics"
    CURVES = "curves"
    RIVALS = "rivals"
    FORMATS = "formats"
    BACKENDS = "backends"
    ENGINES = "engines"
    SECTIONS = "sections"


class ScaleName(StrEnum):
    """The scale axes."""

    PARAMETERS = "parameters"
    TOKENS = "tokens"
    COMPUTE = "compute"


class TableFormat(StrEnum):
    """The formats that tables are exported in."""

    CSV = "csv"
    PARQUET = "parquet"
    LATEX = "latex"


@dataclass(frozen=True, kw_only=True)
class Options:
    """What every command takes."""

    json: Annotated[
        bool, typer.Option("--json", help="Print one JSON document on standard output.")
    ] = False
    seed: Annotated[
        int | None, typer.Option(help="Seed of the random draws; the default is fixed.")
    ] = None
    quiet: Annotated[bool, typer.Option("--quiet", help="Print errors only.")] = False


@dataclass(frozen=True, kw_only=True)
class IngestOptions(Options):
    """`confounds ingest`."""

    paths: Annotated[list[Path], typer.Argument(metavar="PATH...", help="Files or folders.")]
    out: Annotated[Path, typer.Option(help="Table to write: .parquet, .csv or .jsonl.")]
    format: Annotated[
        str | None, typer.Option(help="Reader to use; recognised when not given.")
    ] = None
    models: Annotated[
        Path | None,
        typer.Option(help="Table of models: model, family, parameters, tokens, tuning."),
    ] = None
    tasks: Annotated[Path | None, typer.Option(help="Table of tasks: chance, majority.")] = None
    map: Annotated[
        Path | None, typer.Option(help="map.toml: which column of the source is which.")
    ] = None
    rescore: Annotated[
        bool,
        typer.Option(
            "--rescore",
            help="Add linear metrics (probability of the right choice, Brier score, its "
            "log-probability) from the log-probabilities that the results keep of every choice.",
        ),
    ] = False


@dataclass(frozen=True, kw_only=True)
class CheckOptions(Options):
    """`confounds check`."""

    outcomes: Annotated[
        Path, typer.Argument(metavar="OUTCOMES", help="A table, or anything `ingest` recognises.")
    ]
    task: Annotated[list[str], typer.Option(help="Check this task only; may be repeated.")] = field(
        default_factory=list
    )


@dataclass(frozen=True, kw_only=True)
class ClaimOptions(Options):
    """What every command takes that audits claims."""

    outcomes: Annotated[
        Path | None,
        typer.Argument(
            metavar="OUTCOMES",
            help="A table, or anything `ingest` recognises; may be left to the claims file.",
        ),
    ] = None
    task: Annotated[list[str], typer.Option(help="Audit this task only; may be repeated.")] = field(
        default_factory=list
    )
    metric: Annotated[
        str | None,
        typer.Option(
            help="Audit this metric; by default a report has every usual metric of a task, an "
            "audit and an export the first."
        ),
    ] = None
    scale: Annotated[ScaleName | None, typer.Option(help="The scale axis.")] = None
    claims: Annotated[
        Path | None, typer.Option(help="Claims file (TOML) in place of a default claim a task.")
    ] = None
    strict: Annotated[
        bool, typer.Option("--strict", help="Exit with 3 where a verdict is inconclusive.")
    ] = False
    explore: Annotated[
        bool | None,
        typer.Option(
            "--explore/--quick",
            help="Compute shares, other choices, power and item slices too, or leave them out; "
            "a report and an export have them unless --quick is given.",
            show_default=False,
        ),
    ] = None


@dataclass(frozen=True, kw_only=True)
class AuditOptions(ClaimOptions):
    """`confounds audit`."""

    report: Annotated[Path | None, typer.Option(help="Write the HTML report here too.")] = None
    strategy: Annotated[
        str | None,
        typer.Option(
            metavar="COLUMN[=LEVEL/AGAINST]",
            help="Say instead where a strategy begins to help: reasoning, shots, prompt, ...",
        ),
    ] = None
    stated: Annotated[
        float | None,
        typer.Option(help="Where, on the axis of --scale, the strategy is said to begin to help."),
    ] = None


@dataclass(frozen=True, kw_only=True)
class ReportOptions(ClaimOptions):
    """`confounds report`."""

    more: Annotated[
        list[Path],
        typer.Argument(metavar="[OUTCOMES]...", help="Further tables, a report each."),
    ] = field(default_factory=list)
    out: Annotated[
        Path, typer.Option(help="HTML file to write; a folder where there are several tables.")
    ]
    interactive: Annotated[
        bool,
        typer.Option("--interactive", help="Add tooltips and filters, by a script in the page."),
    ] = False


@dataclass(frozen=True, kw_only=True)
class ExportOptions(ClaimOptions):
    """`confounds export`."""

    out: Annotated[Path, typer.Option(help="Folder to write into.")]
    format: Annotated[
        list[TableFormat], typer.Option(help="Format of the tables; may be repeated.")
    ] = field(default_factory=lambda: [TableFormat.CSV])
    caption: Annotated[
        list[str],
        typer.Option(
            metavar="TABLE=TEXT", help="Caption of a LaTeX table: of verdicts or of rivals."
        ),
    ] = field(default_factory=list)
    label: Annotated[
        list[str],
        typer.Option(metavar="TABLE=NAME", help="Label of a LaTeX table, such as tab:verdicts."),
    ] = field(default_factory=list)


@dataclass(frozen=True, kw_only=True)
class ListOptions(Options):
    """`confounds list`."""

    kind: Annotated[Kind, typer.Argument(help="What to list.")]


Chosen_contra = TypeVar("Chosen_contra", bound=Options, contravariant=True)


class Body(Protocol[Chosen_contra]):
    """A command: does what its options say, returns the exit code."""

    __name__: str

    def __call__(self, options: Chosen_contra, /) -> int: ...


def command(app: typer.Typer, name: str) -> Callable[[Body[Chosen_contra]], Body[Chosen_contra]]:
    """Register a function of one options dataclass as the command `name`.

    The fields of the dataclass become the command's arguments and options. An error of this
    package ends the command with its message on standard error and its exit code.
    """

    def register(body: Body[Chosen_contra]) -> Body[Chosen_contra]:
        kind: type[Chosen_contra] = get_type_hints(body)["options"]

        def run(**values: Any) -> None:
            raise typer.Exit(_finish(body, kind(**values)))

        hints = get_type_hints(kind, include_extras=True)
        parameters = [
            inspect.Parameter(
                item.name,
                inspect.Parameter.KEYWORD_ONLY,
                default=_default(item),
                annotation=hints[item.name],
            )
            for item in fields(kind)
        ]
        run.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
        run.__annotations__ = hints
        app.command(name, help=inspect.getdoc(body))(run)
        return body

    return register


def _default(item: Any) -> Any:
    if item.default is not MISSING:
        return item.default
    if item.default_factory is not MISSING:
        return item.default_factory()
    return inspect.Parameter.empty


def _finish(body: Body[Chosen_contra], options: Chosen_contra) -> int:
    try:
        _check_seed(options)
        return body(options)
    except ConfoundsError as error:
        typer.echo(printable(f"confounds: {error}"), err=True)
        return error.exit_code
    except OSError as error:
        place = f"{error.filename}: " if error.filename else ""
        typer.echo(printable(f"confounds: {place}{error.strerror or error}"), err=True)
        return ConfoundsError.exit_code
    except KeyboardInterrupt:
        typer.echo("confounds: interrupted", err=True)
        return INTERRUPTED
    except Exception as error:  # noqa: BLE001  a crash must not look like a claim that failed
        typer.echo(printable(traceback.format_exc()), err=True, nl=False)
        own = f"confounds: an error of its own: {type(error).__name__}: {error}"
        typer.echo(printable(own), err=True)
        return CRASHED


def _check_seed(options: Options) -> None:
    if options.seed is not None and options.seed < 0:
        msg = f"option --seed is {options.seed}; it must be a whole number of at least 0"
        raise UsageError(msg)
