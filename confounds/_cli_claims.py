"""What the commands that audit have in common: table, claims, audits, and the exit code."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import starmap
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from confounds import _cli_output as output
from confounds import _cli_prose as prose
from confounds._cli_options import AuditOptions, ClaimOptions, Options
from confounds.errors import NothingSelectedError, UsageError
from confounds.text import one_line, printable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from confounds.claim import Claim, ClaimFile, Scale
    from confounds.outcomes import Outcomes
    from confounds.pipeline import Settings
    from confounds.results import Audit


def read_table(options: Options, path: Path) -> Outcomes:
    """A table of outcomes, or anything that is read as one; what looks misnamed in it is said."""
    from confounds.ingest import read_outcomes

    with output.working(options, f"reading {path}"):
        outcomes = read_outcomes(path)
    unused = [
        name for note in outcomes.notes if note.kind == "unused_columns" for name in note.where
    ]
    if not options.quiet and any("nearest" in name for name in unused):
        told = f"note: {path}: columns that are not used: {', '.join(unused)}"
        typer.echo(printable(told), err=True)
    return outcomes


def settings_of(options: Options) -> Settings:
    """The settings of an audit that uses every processor."""
    from confounds.pipeline import Settings

    settings = Settings(workers=output.processors())
    return settings if options.seed is None else replace(settings, seed=options.seed)


def claims_of(
    options: ClaimOptions, *, every_metric: bool = False
) -> tuple[Outcomes, tuple[Claim, ...]]:
    """The table, and the claims on it: those of a file, or default ones."""
    from confounds.pipeline import default_claim, default_claims

    file = _claim_file(options)
    path = options.outcomes or (file.outcomes if file else None)
    if path is None:
        msg = "no table to audit; name OUTCOMES, or a claims file with --claims"
        raise UsageError(msg)
    outcomes = read_table(options, path)
    if file is not None:
        return outcomes, file.claims
    scale: Scale | None = None if options.scale is None else options.scale.value
    if every_metric and options.metric is None:
        return outcomes, default_claims(outcomes, options.task or None, scale)
    rows = outcomes if options.metric is None else outcomes.select(metric=options.metric)
    tasks = options.task or rows.tasks
    found = [default_claim(outcomes, task, metric=options.metric, scale=scale) for task in tasks]
    return outcomes, tuple(found)


@dataclass(frozen=True)
class Audited:
    """A table, what was audited on it, and the claims that it has no row of, with what there is."""

    outcomes: Outcomes
    audits: tuple[Audit, ...]
    silent: dict[str, str]


def audited(options: ClaimOptions, *, every_metric: bool = False) -> Audited:
    """The claims audited that the table has rows of; at least one must be."""
    from confounds.claim import without_rows
    from confounds.pipeline import audit_all

    outcomes, claims = claims_of(options, every_metric=every_metric)
    silent = without_rows(claims, outcomes)
    sound = [claim for claim in claims if claim.id not in silent]
    if not sound:
        raise NothingSelectedError("; ".join(starmap(prose.not_audited, silent.items())))
    with output.working(options, "auditing"):
        settings = replace(settings_of(options), explore=_explores(options))
        audits = audit_all(outcomes, claims=sound, settings=settings)
    return Audited(outcomes, audits, silent)


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


def exit_code(found: Sequence[Audited], *, strict: bool) -> int:
    """The gravest of what happened: 1 a verdict is not the expected one, 5 a claim has no rows.

    An inconclusive verdict contradicts nothing, and is 3 under `strict` only. Standard error names
    each claim that fails and each that could not be audited.
    """
    unmet = [
        audit
        for made in found
        for audit in made.audits
        if audit.verdict.label != audit.claim.expect
    ]
    undecided = [audit for audit in unmet if audit.verdict.label == "inconclusive"]
    wrong = [audit for audit in unmet if audit.held is False and audit not in undecided]
    for audit in wrong + (undecided if strict else []):
        typer.echo(one_line(prose.failure(audit)), err=True)
    silent = [item for made in found for item in made.silent.items()]
    for claim, reason in silent:
        typer.echo(one_line(f"confounds: {prose.not_audited(claim, reason)}"), err=True)
    if wrong:
        return 1
    if silent:
        return NothingSelectedError.exit_code
    return 3 if strict and undecided else 0
