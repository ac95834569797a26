"""The command `confounds probe`."""

from __future__ import annotations

import os
import re
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from confounds import _cli_output as output
from confounds._cli_options import Options, command
from confounds.errors import UsageError
from confounds.files import check_folder
from confounds.text import plural

if TYPE_CHECKING:
    from confounds.engines import Engine
    from confounds.probe import Run, RunSettings


@dataclass(frozen=True, kw_only=True)
class ProbeOptions(Options):
    """`confounds probe`."""

    study: Annotated[Path, typer.Argument(metavar="STUDY.toml", help="The study file.")]
    out: Annotated[Path | None, typer.Option(help="Folder to write into, or to resume.")] = None
    plan: Annotated[
        bool, typer.Option("--plan", help="Print cells, tokens and estimated time; run nothing.")
    ] = False
    shard: Annotated[
        str | None, typer.Option(help="Do the i-th of N parts only, as i/N from 1/N to N/N.")
    ] = None
    device: Annotated[
        str, typer.Option(help="auto, cpu, cuda, or several joined by commas, a worker each.")
    ] = "auto"
    batch_tokens: Annotated[
        int | None, typer.Option(min=1, help="Tokens in one pass; chosen by device if not given.")
    ] = None
    engine: Annotated[
        str, typer.Option(help="Where cells are asked: local, ray or slurm (`list engines`).")
    ] = "local"
    address: Annotated[
        str | None,
        typer.Option(help="Ray cluster: auto, HOST:PORT or ray://...; else Ray starts here."),
    ] = None
    workers: Annotated[
        int | None,
        typer.Option(min=1, help="How many at once: processes, Ray workers or SLURM jobs."),
    ] = None
    engine_option: Annotated[
        list[str],
        typer.Option(metavar="KEY=VALUE", help="Setting of the engine, such as partition=gpu."),
    ] = field(default_factory=list)


def register(app: typer.Typer) -> None:
    """Add the command to an app."""
    command(app, "probe")(probe)


def probe(options: ProbeOptions) -> int:
    """Put a study to its models; run again to resume. Its folder is a table for `audit`."""
    _prepare_libraries()
    if options.plan:
        return _plan(options)
    if options.out is None:
        msg = "option --out is missing: name the folder to write into, or ask for --plan"
        raise UsageError(msg)
    check_folder(options.out)
    run = _run(options, options.out)
    for note in [] if options.quiet or options.json else run.notes:
        typer.echo(f"confounds: {note}", err=True)
    output.answer(
        options,
        lambda: output.to_document(
            out=str(run.folder),
            done=run.done,
            found=run.found,
            rescored=run.rescored,
            tokens=run.tokens,
            failures=[],
            notes=run.notes,
        ),
        lambda: _told(run),
    )
    return 0


def _told(run: Run) -> str:
    stored = f" ({run.rescored} of them from stored answers)" if run.rescored else ""
    done = f"{plural(run.done, 'cell')} asked{stored}, {run.found} were there"
    return f"{done}; next: confounds audit {run.folder}"


def _prepare_libraries() -> None:
    """Keep the model libraries, where the study needs them, from printing when loaded."""
    os.environ["TRANSFORMERS_VERBOSITY"] = "error"
    os.environ["HF_HUB_DISABLE_PROGRESS_BARS"] = "1"


def _run(options: ProbeOptions, out: Path) -> Run:
    from confounds.engines import Job
    from confounds.plugins import load
    from confounds.probe._progress import Silent, shown_bar

    engine: Engine = load("engines", options.engine)
    job = Job(
        options.study,
        out,
        _settings(options),
        options.address,
        options.workers,
        _engine_options(options),
    )
    if options.quiet or options.json or not sys.stderr.isatty():
        return engine.run(job, Silent())
    with shown_bar() as bar:
        return engine.run(job, bar)


def _engine_options(options: ProbeOptions) -> dict[str, str]:
    found = {}
    for one in options.engine_option:
        key, sign, value = one.partition("=")
        if not (key and sign and value):
            msg = f"option --engine-option is '{one}'; write KEY=VALUE, such as partition=gpu"
            raise UsageError(msg)
        found[key] = value
    return found


def _settings(options: ProbeOptions) -> RunSettings:
    from confounds.probe import RunSettings

    shard = None
    if options.shard is not None:
        parts = re.fullmatch(r"(\d+)/(\d+)", options.shard)
        if parts is None:
            msg = f"option --shard is '{options.shard}'; write i/N, such as 1/8"
            raise UsageError(msg)
        shard = int(parts[1]), int(parts[2])
    return RunSettings(device=options.device, shard=shard, batch_tokens=options.batch_tokens)


def _plan(options: ProbeOptions) -> int:
    from confounds.probe._estimate import describe, estimate, total_seconds

    lines = estimate(options.study)
    output.answer(
        options,
        lambda: output.to_document(
            cells=[vars(line) for line in lines],
            tokens=sum(line.tokens for line in lines),
            seconds=total_seconds(lines),
        ),
        lambda: describe(lines),
    )
    return 0
