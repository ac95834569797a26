"""The exported tables, made from audits."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from confounds import text
from confounds.export import _around, _columns
from confounds.export._columns import ID, Column, Sheet

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from confounds.outcomes import Outcomes
    from confounds.results import Audit, Estimate, ThresholdFit

Row = dict[str, Any]


def sheets(audits: Sequence[Audit], outcomes: Outcomes | None) -> tuple[Sheet, ...]:
    """Every table that has rows, verdicts first."""
    point_names = tuple(dict.fromkeys(name for audit in audits for p in audit.points for name in p))
    own = {column.name for column in ID}
    points = (*ID, *(_columns.of_outcomes(name) for name in point_names if name not in own))
    made = [
        _sheet("verdicts", "One row a claim: the verdict", _columns.VERDICTS, audits, _verdict),
        _sheet("estimates", "One row an estimate", _columns.ESTIMATES, audits, _estimates),
        _sheet("rivals", "One row a claim and rival", _columns.RIVALS, audits, _rivals),
        _sheet("points", "The scores behind the fits", points, audits, _points),
        _sheet("curves", "The fitted lines", _columns.CURVES, audits, _curves),
        _sheet("sharpness", "p against gradual", _columns.SHARPNESS, audits, _sharpness),
        _sheet("attribution", "What confounds carry", _around.ATTRIBUTION, audits, _around.shares),
        _sheet(
            "specifications",
            "One row a combination of choices",
            _around.SPECIFICATIONS,
            audits,
            _around.specifications,
        ),
        _sheet("power", "Power of the layout", _around.POWER, audits, _around.power),
        _sheet("slices", "Items by difficulty", _around.SLICES, audits, _around.slices),
        _sheet("remarks", "What to know of the numbers", _around.REMARKS, audits, _around.remarks),
        _sheet("findings", "Findings about the data", _columns.FINDINGS, audits, _findings),
    ]
    if outcomes is not None:
        made.append(_outcomes(outcomes, {audit.claim.task for audit in audits}))
    return tuple(sheet for sheet in made if sheet.rows)


def _sheet(
    name: str, title: str, columns: tuple[Column, ...], audits: Sequence[Audit], rows_of: Any
) -> Sheet:
    rows = tuple({**_id(audit), **row} for audit in audits for row in rows_of(audit))
    return Sheet(name, title, columns, rows)


def _id(audit: Audit) -> Row:
    claim = audit.claim
    return {"claim": claim.id, "task": claim.task, "metric": claim.metric}


def _verdict(audit: Audit) -> Iterator[Row]:
    claim, verdict = audit.claim, audit.verdict
    fit = audit.raw_fit
    yield {
        "scale": claim.scale,
        "condition": text.condition(claim.condition),
        "label": verdict.label,
        "explained_by": "; ".join(verdict.explained_by),
        "untested": "; ".join(verdict.untested),
        "reason": verdict.reason,
        "certain": "; ".join(verdict.certain),
        "expected": claim.expect,
        **{name: part.status for name, part in audit.apparent.items()},
        **(_fit(fit) if fit else {}),
        "smallest_effect": claim.smallest_effect,
        "gradual": claim.gradual,
        "margin": claim.margin,
        "null": claim.null,
        "shape": claim.shape,
        "ceiling": claim.ceiling,
    }


def _fit(fit: ThresholdFit) -> Row:
    known = {item.term: item for item in fit.estimates}
    row: Row = {}
    for name in ("effect", "threshold", "width"):
        row.update(_interval(name, known.get(name)))
    return {
        **row,
        "p_two_level": fit.p_two_level,
        "p_fixed_effect": fit.p_fixed_effect,
        "significant": fit.significant,
        "models": fit.models,
        "families": fit.families,
    }


def _interval(name: str, item: Estimate | None) -> Row:
    if item is None:
        return {}
    return {name: item.estimate, f"{name}_lower": item.ci_lower, f"{name}_upper": item.ci_upper}


def _estimates(audit: Audit) -> Iterator[Row]:
    for part in audit.apparent.values():
        yield from (_estimate(part.name, item) for item in part.estimates)
    raw = audit.raw_fit
    if raw is not None:
        yield from (_estimate("raw", item) for item in raw.estimates)
    for test in audit.tests:
        known = (test.effect, test.change, *test.estimates)
        yield from (_estimate(test.rival, item) for item in known if item is not None)
    yield from (_estimate("published", item) for item in audit.descriptions)
    curve = audit.exploration.multiverse if audit.exploration else None
    yield from (_estimate("specification curve", item) for item in (curve.joint if curve else ()))


def _estimate(part: str, item: Estimate) -> Row:
    names = ("term", "estimate", "std_error", "statistic", "p_value", "ci_lower", "ci_upper")
    return {"part": part, **{name: getattr(item, name) for name in names}, "level": item.level}


def _rivals(audit: Audit) -> Iterator[Row]:
    for test in audit.tests:
        effect = test.effect
        yield {
            "rival": test.rival,
            "status": test.status,
            "outcome": test.outcome,
            "strong": test.strong if test.status == "tested" else None,
            "null": test.null,
            "reason": test.reason,
            **_interval("left", effect),
            "left_level": effect.level if effect else None,
            "p_value": effect.p_value if effect else None,
            "p_adjusted": test.p_adjusted,
            **_interval("change", test.change),
            "models_needed": test.models_needed,
        }


def _points(audit: Audit) -> Iterator[Row]:
    yield from (dict(point) for point in audit.points)


def _fits(audit: Audit) -> Iterator[tuple[str, ThresholdFit]]:
    raw = audit.raw_fit
    if raw is not None:
        yield "raw", raw
    yield from ((test.rival, fit) for test in audit.tests for fit in test.fits if fit != raw)


def _curves(audit: Audit) -> Iterator[Row]:
    for name, fit in _fits(audit):
        about = {"fit": name, "condition": text.condition(fit.condition)}
        for line, curve in (("fitted", fit.fitted), ("smooth", fit.smooth)):
            for point in curve:
                drawn = {"scale": point.scale, "score": point.score}
                yield {**about, "line": line, **drawn, "lower": point.lower, "upper": point.upper}


def _sharpness(audit: Audit) -> Iterator[Row]:
    for name, fit in _fits(audit):
        about = {"fit": name, "condition": text.condition(fit.condition)}
        yield from ({**about, "gradual": width, "p_value": p} for width, p in fit.sharpness)


def _findings(audit: Audit) -> Iterator[Row]:
    for finding in audit.findings:
        yield {
            "kind": finding.kind,
            "level": finding.level,
            "message": finding.message,
            "count": finding.count,
            "where": "; ".join(finding.where),
        }


def _outcomes(outcomes: Outcomes, tasks: set[str]) -> Sheet:
    """The cleaned rows of the audited tasks; columns without a single value are left out."""
    frame = outcomes.frame
    frame = frame[frame["task"].isin(tasks)]
    known = [str(name) for name in frame.columns if frame[name].notna().any()]
    columns = tuple(_columns.of_outcomes(name) for name in known)
    values = zip(*(frame[name].tolist() for name in known), strict=True)
    rows = tuple(dict(zip(known, row, strict=True)) for row in values)
    return Sheet("outcomes", "The table of outcomes as it was audited", columns, rows)
