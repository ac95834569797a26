"""The command `confounds`: parses and calls, computes nothing."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from confounds import (
    __version__,
    _cli_agreement,
    _cli_ladder,
    _cli_models,
    _cli_phases,
    _cli_power,
    _cli_probe,
    _cli_rivals,
    _cli_strategy,
)
from confounds import _cli_output as output
from confounds import _cli_prose as prose
from confounds._clash import refuse_clash
from confounds._cli_options import (
    AuditOptions,
    CheckOptions,
    ClaimOptions,
    ExportOptions,
    IngestOptions,
    Kind,
    ListOptions,
    Options,
    ReportOptions,
    command,
)
from confounds.errors import NothingSelectedError, UsageError

if TYPE_CHECKING:
    from confounds.claim import Claim, ClaimFile, Scale
    from confounds.outcomes import Outcomes
    from confounds.pipeline import Settings
    from confounds.results import Audit

app = typer.Typer(
    name="confounds",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
    help="Puts claims that an ability emerges at scale, and every rival explanation, to test.",
    epilog=(
        "Exit codes: 0 done and holds, 1 a claim failed its expectation, 2 usage, "
        "3 inconclusive under --strict, 4 bad input, 5 nothing selected, "
        "70 an error of confounds itself."
    ),
)


def main() -> None:
    """Run the command line."""
    refuse_clash()
    app()


@app.callback(invoke_without_command=True)
def _confounds(
    *, version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False
) -> None:
    if version:
        typer.echo(f"confounds {__version__}")
        raise typer.Exit


_cli_ladder.register(app)
_cli_models.register(app)
_cli_probe.register(app)
_cli_power.register(app)
_cli_phases.register(app)
_cli_agreement.register(app)


@command(app, "ingest")
def ingest(options: IngestOptions) -> int:
    """Read published results and write them as one table of outcomes."""
    from confounds.ingest import read_outcomes

    with output.working(options, "reading"):
        outcomes = read_outcomes(
            options.paths if len(options.paths) > 1 else options.paths[0],
            models=options.models,
            tasks=options.tasks,
            map=options.map,
            format=options.format,
        )
    options.out.parent.mkdir(parents=True, exist_ok=True)
    outcomes.write(options.out)
    output.answer(
        options,
        lambda: output.to_document(
            out=str(options.out),
            outcomes=prose.summary(outcomes),
            findings=prose.findings_document(outcomes.notes),
        ),
        lambda: (
            f"{prose.headline(outcomes, str(options.out))}\n{prose.findings_text(outcomes.notes)}"
        ),
    )
    return 0


@command(app, "check")
def check(options: CheckOptions) -> int:
    """Say what is in a table, what is wrong with it, what it can test and cannot tell apart."""
    from confounds.pipeline import default_claim, quick_fits, testable_with, tied
    from confounds.quality import inspect_outcomes
    from confounds.wanted import columns_wanted

    outcomes = _read(options, options.outcomes)
    if options.task:
        outcomes = _only(outcomes, options.task)
    findings = inspect_outcomes(outcomes)
    claims = {task: default_claim(outcomes, task) for task in outcomes.tasks}
    fits = {task: quick_fits(claim, outcomes) for task, claim in claims.items()}
    rivals = {task: testable_with(item) for task, item in fits.items()}
    wanted = columns_wanted(outcomes, rivals)
    ties = {task: tied(item) for task, item in fits.items()}
    output.answer(
        options,
        lambda: output.to_document(
            outcomes=prose.summary(outcomes),
            findings=prose.findings_document(findings),
            rivals=rivals,
            wanted=_cli_rivals.wanted_document(wanted),
            ties=prose.ties_document(ties),
        ),
        lambda: "\n\n".join(
            (
                prose.headline(outcomes, str(options.outcomes)),
                prose.findings_text(findings),
                prose.testable_text(rivals),
                _cli_rivals.wanted_text(wanted),
                prose.ties_text(ties),
            )
        ),
    )
    return 0


@command(app, "audit")
def audit(options: AuditOptions) -> int:
    """Put the claims, and every rival explanation, to test; one default claim a task."""
    from confounds.report import require_extra, write_report
    from confounds.results import audits_to_json

    _cli_strategy.check(options)
    if options.strategy is not None:
        table, claims = _claimed(options)
        return _cli_strategy.answer(options, table, claims, _settings(options))
    if options.report is not None:
        require_extra()
    audits, outcomes = _audited(options)
    if options.report is not None:
        write_report(audits, options.report, outcomes=outcomes)
    output.answer(options, lambda: audits_to_json(audits), lambda: prose.audits_text(audits))
    return _exit_code(audits, strict=options.strict)


@command(app, "report")
def report(options: ReportOptions) -> int:
    """Audit, and write the verdicts as one self-contained HTML file; an index of several."""
    from confounds.report import require_extra, write_report

    require_extra()
    if options.more:
        return _reports(options)
    audits, outcomes = _audited(options, every_metric=True)
    write_report(audits, options.out, outcomes=outcomes, interactive=options.interactive)
    output.answer(
        options,
        lambda: output.to_document(out=str(options.out), verdicts=prose.verdicts(audits)),
        lambda: f"{prose.audits_text(audits)}\n\nReport: {options.out}",
    )
    return _exit_code(audits, strict=options.strict)


def _reports(options: ReportOptions) -> int:
    """A page a table, and an index that leads to them."""
    from confounds.report import write_reports

    if options.claims is not None or options.outcomes is None:
        msg = "--claims names one table; give several tables without it"
        raise UsageError(msg)
    paths = (options.outcomes, *options.more)
    names = prose.table_names(paths)
    found = {
        name: _audited(replace(options, outcomes=path), every_metric=True)
        for name, path in zip(names, paths, strict=True)
    }
    audits = {name: made for name, (made, _) in found.items()}
    tables = {name: table for name, (_, table) in found.items()}
    pages = write_reports(audits, options.out, outcomes=tables, interactive=options.interactive)
    output.answer(
        options,
        lambda: output.to_document(
            out=[str(page) for page in pages],
            reports={name: prose.verdicts(made) for name, made in audits.items()},
        ),
        lambda: f"{prose.reports_text(audits)}\n\nReports: {pages[0]}",
    )
    return _exit_code(tuple(a for made in audits.values() for a in made), strict=options.strict)


@command(app, "export")
def export(options: ExportOptions) -> int:
    """Audit, and write the results as tables for papers."""
    from confounds.export import export_audits

    audits, outcomes = _audited(options)
    formats = tuple(str(item) for item in options.format)
    written = export_audits(audits, options.out, outcomes=outcomes, formats=formats)
    files = [str(path) for path in written]
    output.answer(
        options,
        lambda: output.to_document(out=files, verdicts=prose.verdicts(audits)),
        lambda: "\n".join(files),
    )
    return _exit_code(audits, strict=options.strict)


@command(app, "list")
def list_(options: ListOptions) -> int:
    """List what the package knows of one kind."""
    told = options.kind is Kind.RIVALS
    rows = _cli_rivals.known() if told else prose.known(options.kind)
    output.answer(
        options,
        lambda: output.to_document(kind=str(options.kind), known=rows),
        lambda: _cli_rivals.known_text(rows) if told else prose.known_text(rows),
    )
    return 0


def _read(options: Options, path: Path) -> Outcomes:
    from confounds.ingest import read_outcomes

    with output.working(options, f"reading {path}"):
        return read_outcomes(path)


def _only(outcomes: Outcomes, tasks: list[str]) -> Outcomes:
    """The rows of these tasks; each of them must be there."""
    for task in tasks:
        outcomes.select(task=task)
    return outcomes.select(task=tasks)


def _settings(options: Options) -> Settings:
    from confounds.pipeline import Settings

    settings = Settings(workers=os.cpu_count() or 1)
    return settings if options.seed is None else replace(settings, seed=options.seed)


def _claimed(
    options: ClaimOptions, *, every_metric: bool = False
) -> tuple[Outcomes, tuple[Claim, ...]]:
    """The table, and the claims on it: those of a file, or default ones."""
    from confounds.pipeline import default_claim, default_claims

    file = _claim_file(options)
    path = options.outcomes or (file.outcomes if file else None)
    if path is None:
        msg = "no table to audit; name OUTCOMES, or a claims file with --claims"
        raise UsageError(msg)
    outcomes = _read(options, path)
    if file is not None:
        return outcomes, file.claims
    scale: Scale | None = None if options.scale is None else options.scale.value
    if every_metric and options.metric is None:
        return outcomes, default_claims(outcomes, options.task or None, scale)
    tasks = options.task or outcomes.tasks
    found = [default_claim(outcomes, task, metric=options.metric, scale=scale) for task in tasks]
    return outcomes, tuple(found)


def _audited(
    options: ClaimOptions, *, every_metric: bool = False
) -> tuple[tuple[Audit, ...], Outcomes]:
    from confounds.pipeline import audit_all

    outcomes, claims = _claimed(options, every_metric=every_metric)
    with output.working(options, "auditing"):
        settings = replace(_settings(options), explore=_explores(options))
        audits = audit_all(outcomes, claims=claims, settings=settings)
    return audits, outcomes


def _explores(options: ClaimOptions) -> bool:
    """Whether to compute what stands around a verdict: pages and tables show it."""
    shown = not isinstance(options, AuditOptions) or options.report is not None
    return shown if options.explore is None else options.explore


def _claim_file(options: ClaimOptions) -> ClaimFile | None:
    """The claim file asked for, its claims on the tasks asked for."""
    from confounds.claim import read_claims

    if options.claims is None:
        return None
    if options.metric is not None or options.scale is not None:
        msg = "--metric and --scale are for default claims; those of --claims name their own"
        raise UsageError(msg)
    file = read_claims(options.claims)
    kept = tuple(item for item in file.claims if item.task in options.task or not options.task)
    if not kept:
        known = ", ".join(sorted({item.task for item in file.claims}))
        msg = f"{file.path}: no claim on {', '.join(options.task)}; there are claims on: {known}"
        raise NothingSelectedError(msg)
    return replace(file, claims=kept)


def _exit_code(audits: tuple[Audit, ...], *, strict: bool) -> int:
    """1 where a verdict is not the expected one; an inconclusive verdict contradicts nothing.

    Standard error names each claim that fails.
    """
    unmet = [audit for audit in audits if audit.verdict.label != audit.claim.expect]
    undecided = [audit for audit in unmet if audit.verdict.label == "inconclusive"]
    wrong = [audit for audit in unmet if audit.held is False and audit not in undecided]
    for audit in wrong + (undecided if strict else []):
        typer.echo(prose.failure(audit), err=True)
    if wrong:
        return 1
    return 3 if strict and undecided else 0


if __name__ == "__main__":
    main()
