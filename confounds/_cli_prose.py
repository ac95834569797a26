"""What the commands say of a table, of findings and of audits: as text and for a document."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from confounds import measures, plugins, text
from confounds._cli_options import Kind
from confounds.claim import LABELS
from confounds.results import Audit, Finding, RivalTest

if TYPE_CHECKING:
    from confounds.inference.identifiability import Tie
    from confounds.outcomes import Outcomes

_FOLDERS = {
    Kind.CURVES: "curves",
    Kind.RIVALS: "rivals",
    Kind.FORMATS: "ingest",
    Kind.BACKENDS: "probe",
    Kind.ENGINES: "engines",
    Kind.SECTIONS: "report",
}
_NAMED = 10


def summary(outcomes: Outcomes) -> dict[str, Any]:
    """What is in a table, for a document."""
    return {
        "rows": len(outcomes),
        "tasks": list(outcomes.tasks),
        "metrics": list(outcomes.metrics),
        "models": list(outcomes.models),
        "digest": outcomes.digest(),
    }


def headline(outcomes: Outcomes, place: str) -> str:
    """What is in a table, in one line."""
    counts = (
        (len(outcomes), "row"),
        (len(outcomes.tasks), "task"),
        (len(outcomes.models), "model"),
        (len(outcomes.metrics), "metric"),
    )
    shown = ", ".join(text.plural(count, noun) for count, noun in counts)
    return f"{place}: {shown} ({', '.join(outcomes.metrics)})"


def findings_text(findings: tuple[Finding, ...]) -> str:
    """Findings as a list: level, kind, count, message, and the first places."""
    if not findings:
        return "Findings: none."
    lines = ["Findings"]
    for finding in findings:
        lines.append(f"  {finding.level}: {finding.kind} ({finding.count:,}): {finding.message}")
        if finding.where:
            lines.append(f"    where: {', '.join(finding.where)}")
    return "\n".join(lines)


def testable_text(testable: Mapping[str, Mapping[str, str | None]]) -> str:
    """Task -> rival -> reason (None where it can be tested), told rival by rival."""
    lines = ["Rival explanations that this table can test"]
    for rival in sorted({rival for reasons in testable.values() for rival in reasons}):
        reasons = [reasons[rival] for reasons in testable.values() if rival in reasons]
        lines.append(f"  {rival}: {reasons.count(None)} of {text.plural(len(reasons), 'task')}")
        missing = Counter(reason for reason in reasons if reason is not None)
        lines += [
            f"    {text.plural(count, 'task')}: {reason}" for reason, count in missing.most_common()
        ]
    return "\n".join(lines)


def ties_text(ties: Mapping[str, tuple[Tie, ...]]) -> str:
    """Task -> ties, told tie by tie: which tasks, what is tied, which rows would break it."""
    tasks: dict[Tie, list[str]] = {}
    for task, found in ties.items():
        for tie in found:
            tasks.setdefault(tie, []).append(task)
    if not tasks:
        return "Factors that this table cannot tell apart: none."
    lines = ["Factors that this table cannot tell apart"]
    for tie in sorted(tasks, key=lambda item: item.kind):
        where = text.plural(len(tasks[tie]), "task")
        lines.append(f"  {tie.kind}: {tie.first} and {tie.second} ({where}): {tie.message}")
        lines.append(f"    would break it: {'; '.join(tie.rows)}")
    return "\n".join(lines)


def ties_document(ties: Mapping[str, tuple[Tie, ...]]) -> dict[str, list[dict[str, Any]]]:
    """Task -> its ties, for a document."""
    return {task: [asdict(tie) for tie in found] for task, found in ties.items()}


def findings_document(findings: tuple[Finding, ...]) -> list[dict[str, Any]]:
    """Findings for a document."""
    return [asdict(finding) for finding in findings]


def audits_text(audits: tuple[Audit, ...]) -> str:
    """A row a claim; a single claim is told in full."""
    names = ("claim", "condition", "scale", "verdict", "effect", "p_two_level", "explained_by")
    table = text.Table(names, tuple(_audit_row(audit) for audit in audits)).text()
    table = "\n".join([table, *_left_out(audits)])
    if len(audits) > 1:
        return f"{table}\n\nEvery claim in full: --json, --report FILE.html, or one --task."
    return "\n\n".join([table, *_audit_in_full(audits[0])])


def verdict_lines(audits: tuple[Audit, ...]) -> str:
    """A line a claim: its verdict and what decided."""
    from confounds.reasons import why

    lines = [
        text.one_line(f"{audit.claim.id}: {audit.verdict.label}: {why(audit)}") for audit in audits
    ]
    return "\n".join([*lines, *_left_out(audits)])


def table_names(paths: Sequence[Path]) -> list[str]:
    """A name for each of several tables, all different: the file's, or else the whole path."""
    stems = [path.stem if path.suffix else path.name for path in paths]
    names = [
        stem if stem and stems.count(stem) == 1 else str(path)
        for stem, path in zip(stems, paths, strict=True)
    ]
    return [
        name if names.count(name) == 1 else f"{name} ({number})"
        for number, name in enumerate(names, 1)
    ]


def reports_text(reports: Mapping[str, tuple[Audit, ...]]) -> str:
    """How many claims of each report came out how."""
    names = ("report", "claims", *LABELS)
    rows: list[dict[str, Any]] = [
        {"report": name, "claims": len(audits), **Counter(a.verdict.label for a in audits)}
        for name, audits in reports.items()
    ]
    filled = [dict.fromkeys(LABELS, 0) | row for row in rows]
    return text.Table(names, tuple(filled)).text()


def failure(audit: Audit) -> str:
    """Why a claim failed, in one line."""
    claim, label = audit.claim, audit.verdict.label
    if claim.expect is None:
        return f"confounds: claim '{claim.id}': {label}, which --strict does not pass"
    return f"confounds: claim '{claim.id}' failed: expected {claim.expect}, found {label}"


def not_audited(claim: str, reason: str) -> str:
    """Why a claim could not be audited, in one line."""
    return f"claim '{claim}' not audited: {reason}"


def _left_out(audits: tuple[Audit, ...]) -> Iterator[str]:
    """A line for each group of claims that leave the same models out, unless none does."""
    groups = Counter((audit.claim.scale, audit.unplaced) for audit in audits if audit.unplaced)
    for (scale, models), claims in groups.items():
        shown = ", ".join(models[:_NAMED])
        more = f" and {len(models) - _NAMED} more" if len(models) > _NAMED else ""
        yield (
            f"note: {text.plural(len(models), 'model')} left out of "
            f"{text.plural(claims, 'claim')}, {scale} unknown: {shown}{more} "
            "(ingest --models can give it; --scale takes another axis)"
        )


def _audit_row(audit: Audit) -> dict[str, Any]:
    fit = audit.raw_fit
    return {
        "claim": audit.claim.id,
        "condition": text.condition(audit.claim.condition),
        "scale": audit.claim.scale,
        "verdict": audit.verdict.label,
        "effect": text.estimate(fit["effect"]) if fit else None,
        "p_two_level": fit.p_two_level if fit else None,
        "explained_by": ", ".join(audit.verdict.explained_by) or None,
    }


def _audit_in_full(audit: Audit) -> Iterator[str]:
    from confounds.reasons import certain, further, said_of_all, why

    claim = audit.claim
    yield f"{claim.statement or claim.id} ({claim.metric}, {text.condition(claim.condition)})"
    yield f"{audit.verdict.label}: {why(audit)}"
    if audit.verdict.certain:
        yield f"certain, whatever the verdict: {'; '.join(certain(audit))}"
    parts = "\n".join(
        f"  {part.name}: {part.status}; {part.reason}" for part in audit.apparent.values()
    )
    if parts:
        yield "\n".join([f"Apparent emergence\n{parts}", *_notes(audit)])
    every = said_of_all(audit)
    tests = "\n".join(
        f"  {test.rival}: {_outcome(test)}; {further(test, every)}{_change(test)}"
        for test in audit.tests
    )
    if tests:
        said = f" ({every})" if every else ""
        yield f"Rival explanations{said}\n{tests}"


def _notes(audit: Audit) -> Iterator[str]:
    """What a reader of the raw fit must know, where departure has not said it."""
    fit, departure = audit.raw_fit, audit.apparent.get("departure")
    said = departure.reason if departure else ""
    for note in fit.notes if fit else ():
        if note not in said:
            yield f"  note: {note}"


def _change(test: RivalTest) -> str:
    """The paired change, which is known better than either step; the outcome may rest on less."""
    if test.change is None or test.change.estimate is None:
        return ""
    shown = text.estimate(test.change)
    return f"; the step in the raw condition less that in the controlled one: {shown}"


def _outcome(test: RivalTest) -> str:
    effect = f", effect {text.estimate(test.effect)}" if test.effect else ""
    return f"{test.outcome.replace('_', ' ')}{effect}"


def verdicts(audits: tuple[Audit, ...]) -> list[dict[str, Any]]:
    """The verdicts alone, for a document."""
    return [
        {
            "claim": audit.claim.id,
            "task": audit.claim.task,
            "metric": audit.claim.metric,
            "label": audit.verdict.label,
            "explained_by": list(audit.verdict.explained_by),
            "untested": list(audit.verdict.untested),
            "certain": list(audit.verdict.certain),
        }
        for audit in audits
    ]


def known(kind: Kind) -> list[dict[str, Any]]:
    """What the package knows of one kind: a name and what it is; metrics with what they declare."""
    if kind is not Kind.METRICS:
        found = plugins.summaries(_FOLDERS[kind])
        return [{"name": name, "summary": summary} for name, summary in found.items()]
    return [
        {
            "name": item.name,
            "kind": item.kind,
            "lower": item.lower if math.isfinite(item.lower) else None,
            "upper": item.upper if math.isfinite(item.upper) else None,
            "higher_is_better": item.higher_is_better,
            "chance": item.chance,
            "summary": item.summary,
        }
        for item in sorted(measures.DECLARED.values(), key=lambda item: item.name)
    ]


def known_text(rows: list[dict[str, Any]]) -> str:
    """The same as a table."""
    names = tuple(rows[0]) if rows else ("name",)
    return text.Table(names, tuple(rows)).text()
