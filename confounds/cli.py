"""The command `confounds`: parses and calls, computes nothing."""

from __future__ import annotations

import os
from dataclasses import replace
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
from confounds._cli_claims import audited, claims_of, exit_code, read_table, settings_of
from confounds._cli_options import (
    AuditOptions,
    CheckOptions,
    ExportOptions,
    IngestOptions,
    Kind,
    ListOptions,
    ReportOptions,
    TableFormat,
    command,
)
from confounds.errors import UsageError
from confounds.files import check_folder, check_page

if TYPE_CHECKING:
    from confounds.outcomes import Outcomes

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
    from confounds.outcomes.storage import check_suffix

    check_suffix(options.out)
    check_folder(options.out.parent)
    if os.path.realpath(options.out) in {os.path.realpath(path) for path in options.paths}:
        msg = f"option --out is {options.out}, which is read; name another file"
        raise UsageError(msg)
    with output.working(options, "reading"):
        outcomes = read_outcomes(
            options.paths if len(options.paths) > 1 else options.paths[0],
            models=options.models,
            tasks=options.tasks,
            map=options.map,
            format=options.format,
            rescore=options.rescore,
        )
    options.out.parent.mkdir(exist_ok=True)
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
    from confounds.pipeline import default_claim, quick_fits, split_items, testable_with, tied
    from confounds.quality import inspect_outcomes
    from confounds.wanted import columns_wanted

    outcomes = read_table(options, options.outcomes)
    if options.task:
        outcomes = _only(outcomes, options.task)
    claims = {task: default_claim(outcomes, task) for task in outcomes.tasks}
    fits = {task: quick_fits(claim, outcomes) for task, claim in claims.items()}
    apart = (finding for item in fits.values() for finding in split_items(item))
    findings = (*inspect_outcomes(outcomes), *apart)
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
        table, claims = claims_of(options)
        return _cli_strategy.answer(options, table, claims, settings_of(options))
    if options.report is not None:
        require_extra()
        check_page(options.report)
    found = audited(options)
    if options.report is not None:
        write_report(
            found.audits, options.report, outcomes=found.outcomes, workers=output.processors()
        )
    output.answer(
        options,
        lambda: audits_to_json(found.audits, found.silent),
        lambda: prose.audits_text(found.audits),
    )
    return exit_code([found], strict=options.strict)


@command(app, "report")
def report(options: ReportOptions) -> int:
    """Audit, and write the verdicts as one self-contained HTML file; an index of several.

    Without --claims, a task has a claim for each of its usual metrics, where `audit` has one.
    """
    from confounds.report import require_extra, write_report

    require_extra()
    if options.more:
        return _reports(options)
    check_page(options.out)
    found = audited(options, every_metric=True)
    write_report(
        found.audits,
        options.out,
        outcomes=found.outcomes,
        interactive=options.interactive,
        workers=output.processors(),
    )
    output.answer(
        options,
        lambda: output.to_document(
            out=str(options.out), verdicts=prose.verdicts(found.audits), not_audited=found.silent
        ),
        lambda: f"{prose.verdict_lines(found.audits)}\n\nReport: {options.out}",
    )
    return exit_code([found], strict=options.strict)


def _reports(options: ReportOptions) -> int:
    """A page a table, and an index that leads to them."""
    from confounds.report import write_reports

    if options.claims is not None or options.outcomes is None:
        msg = "--claims names one table; give several tables without it"
        raise UsageError(msg)
    check_folder(options.out)
    paths = (options.outcomes, *options.more)
    names = prose.table_names(paths)
    found = {
        name: audited(replace(options, outcomes=path), every_metric=True)
        for name, path in zip(names, paths, strict=True)
    }
    audits = {name: made.audits for name, made in found.items()}
    tables = {name: made.outcomes for name, made in found.items()}
    pages = write_reports(
        audits,
        options.out,
        outcomes=tables,
        interactive=options.interactive,
        workers=output.processors(),
    )
    output.answer(
        options,
        lambda: output.to_document(
            out=[str(page) for page in pages],
            reports={name: prose.verdicts(made) for name, made in audits.items()},
        ),
        lambda: f"{prose.reports_text(audits)}\n\nReports: {pages[0]}",
    )
    return exit_code(list(found.values()), strict=options.strict)


@command(app, "export")
def export(options: ExportOptions) -> int:
    """Audit, and write the results as tables for papers."""
    from confounds.export import export_audits, latex_layouts

    if (options.caption or options.label) and TableFormat.LATEX not in options.format:
        msg = "--caption and --label are for LaTeX tables; add --format latex"
        raise UsageError(msg)
    check_folder(options.out)
    layouts = latex_layouts(_by_table("caption", options), _by_table("label", options))
    found = audited(options)
    formats = tuple(str(item) for item in options.format)
    written = export_audits(
        found.audits, options.out, outcomes=found.outcomes, formats=formats, layouts=layouts
    )
    files = [str(path) for path in written]
    output.answer(
        options,
        lambda: output.to_document(
            out=files, verdicts=prose.verdicts(found.audits), not_audited=found.silent
        ),
        lambda: "\n".join(files),
    )
    return exit_code([found], strict=options.strict)


def _by_table(option: str, options: ExportOptions) -> dict[str, str]:
    """Table -> what an option says of it, from `TABLE=TEXT` given any number of times."""
    found = {}
    for value in getattr(options, option):
        table, equals, said = value.partition("=")
        if not equals:
            msg = f"option --{option} is '{value}'; write TABLE=TEXT, such as verdicts=..."
            raise UsageError(msg)
        found[table] = said
    return found


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


def _only(outcomes: Outcomes, tasks: list[str]) -> Outcomes:
    """The rows of these tasks; each of them must be there."""
    for task in tasks:
        outcomes.select(task=task)
    return outcomes.select(task=tasks)


if __name__ == "__main__":
    main()
