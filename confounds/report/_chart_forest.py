"""Effects with their intervals, a row each: of one task's rivals, or of all tasks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import altair as alt

from confounds.reasons import controlled
from confounds.report import _chart

if TYPE_CHECKING:
    from collections.abc import Sequence

    from confounds.report._chart import Palette
    from confounds.results import Audit, Estimate

RAW, LEFT, CHANGE = "raw", "left under control", "raw minus controlled"
MOST_TASKS = 80

_SHAPES = {RAW: "square", LEFT: "circle", CHANGE: "diamond"}
_TOLD = [
    alt.Tooltip("name:N", title="what"),
    alt.Tooltip("quantity:N"),
    *(alt.Tooltip(f"{name}:Q", format=".3f") for name in ("estimate", "lower", "upper")),
]
_LABEL_SHAPES = {
    "survives": "circle",
    "explained": "diamond",
    "inconclusive": "triangle-up",
    "absent": "square",
}


def raw_effect(audit: Audit) -> Estimate | None:
    """The step beyond gradual growth in the claim's own condition, if it was estimated."""
    fit = audit.raw_fit
    known = (item for item in (fit.estimates if fit else ()) if item.term == "effect")
    return next((item for item in known if item.estimate is not None), None)


def forest_rows(audit: Audit) -> list[dict[str, Any]]:
    """The rows of a task's forest: `name quantity estimate lower upper level outcome`."""
    raw = raw_effect(audit)
    rows = [_row("raw effect", RAW, raw, "")] if raw else []
    for test in audit.tests:
        for quantity, item in ((LEFT, controlled(audit, test)), (CHANGE, test.change)):
            if item is not None and item.estimate is not None:
                rows.append(_row(test.rival.replace("_", " "), quantity, item, test.outcome))
    return rows


def forest_chart(audit: Audit, palette: Palette) -> Any:
    """Effects of one task: raw, and for each rival what is left under its control."""
    rows = forest_rows(audit)
    quantities = [name for name in _SHAPES if any(row["quantity"] == name for row in rows)]
    colors = {RAW: palette.accent, LEFT: palette.ink, CHANGE: palette.rest}
    names = list(dict.fromkeys(row["name"] for row in rows))
    y = alt.Y("name:N", sort=names, axis=alt.Axis(title=None, domain=False, ticks=False))
    lanes = sorted({row["lane"] for row in rows})
    offset = alt.YOffset("lane:N", sort=lanes, scale=alt.Scale(paddingOuter=0.4))
    color = _nominal(alt.Color, "quantity", quantities, [colors[name] for name in quantities])
    shape = _nominal(alt.Shape, "quantity", quantities, [_SHAPES[name] for name in quantities])
    base = alt.Chart(_chart.rows(rows)).encode(y=y, yOffset=offset, color=color)
    smallest = audit.claim.smallest_effect
    layers = [
        *_references(rows, smallest, palette),
        base.mark_rule(strokeWidth=1.6, aria=False).encode(
            x=_effect_axis(rows, smallest), x2="upper:Q"
        ),
        base.mark_point(filled=True, size=52, opacity=1, aria=False).encode(
            x="estimate:Q", shape=shape, tooltip=_TOLD
        ),
    ]
    height = (34 if len(lanes) > 1 else 24) * len(names)
    return _chart.layered(layers, (250, height), palette)


def task_rows(audits: Sequence[Audit]) -> list[dict[str, Any]]:
    """A row for every audit whose raw effect is known, greatest first."""
    names = claim_names(audits)
    rows = [
        _row(name, audit.verdict.label, effect, audit.verdict.label)
        for name, audit in zip(names, audits, strict=True)
        if (effect := raw_effect(audit)) is not None
    ]
    return sorted(rows, key=lambda row: -row["estimate"])


def task_chart(rows: Sequence[dict[str, Any]], smallest: float, palette: Palette) -> Any:
    """Raw effects of all tasks, coloured by verdict."""
    rows = rows[:MOST_TASKS]
    labels = [name for name in _LABEL_SHAPES if any(row["quantity"] == name for row in rows)]
    names = [row["name"] for row in rows]
    y = alt.Y("name:N", sort=names, axis=alt.Axis(title=None, domain=False, ticks=False))
    color = _nominal(alt.Color, "quantity", labels, [palette.labels[name] for name in labels])
    shape = _nominal(alt.Shape, "quantity", labels, [_LABEL_SHAPES[name] for name in labels])
    base = alt.Chart(_chart.rows(rows)).encode(y=y, color=color)
    layers = [
        *_references(rows, smallest, palette),
        base.mark_rule(strokeWidth=1.6, aria=False).encode(
            x=_effect_axis(rows, smallest), x2="upper:Q"
        ),
        base.mark_point(filled=True, size=52, opacity=1, aria=False).encode(
            x="estimate:Q", shape=shape, tooltip=_TOLD
        ),
    ]
    return _chart.layered(layers, (300, 18 * len(rows)), palette)


def claim_names(audits: Sequence[Audit]) -> list[str]:
    """A name for every audit, all different: the task; its metric and id where that helps."""
    tasks = [audit.claim.task for audit in audits]
    names = [
        task if tasks.count(task) == 1 else f"{task}, {audit.claim.metric.replace('_', ' ')}"
        for task, audit in zip(tasks, audits, strict=True)
    ]
    return [
        name if names.count(name) == 1 else f"{name} ({audit.claim.id}, {number})"
        for number, (name, audit) in enumerate(zip(names, audits, strict=True), 1)
    ]


def _row(name: str, quantity: str, item: Estimate, outcome: str) -> dict[str, Any]:
    return {
        "name": name,
        "quantity": quantity,
        "lane": "b" if quantity == CHANGE else "a",
        "estimate": item.estimate,
        "lower": item.estimate if item.ci_lower is None else item.ci_lower,
        "upper": item.estimate if item.ci_upper is None else item.ci_upper,
        "level": item.level,
        "outcome": outcome,
    }


def _nominal(channel: Any, field: str, names: list[str], values: list[str]) -> Any:
    scale = alt.Scale(domain=names, range=values)
    return channel(f"{field}:N", scale=scale, legend=alt.Legend(columns=2))


def _effect_axis(rows: Sequence[dict[str, Any]], smallest: float) -> alt.X:
    ends = [row[key] for row in rows for key in ("lower", "upper")]
    low, high = min([-smallest, *ends]), max([smallest, *ends])
    room = 0.05 * (high - low)
    scale = alt.Scale(domain=[low - room, high + room], nice=False)
    return alt.X(
        "lower:Q", scale=scale, axis=alt.Axis(title="score points", tickCount=5, grid=False)
    )


def _references(rows: Sequence[dict[str, Any]], smallest: float, palette: Palette) -> list[Any]:
    """The zero line, and the zone of effects too small to matter."""
    x = _effect_axis(rows, smallest)
    zone = alt.Chart(_chart.rows([{"lower": -smallest, "upper": smallest}]))
    zero = alt.Chart(_chart.rows([{"lower": 0.0}]))
    return [
        zone.mark_rect(color=palette.ink, opacity=0.07, aria=False).encode(x=x, x2="upper:Q"),
        zero.mark_rule(color=palette.ink, opacity=0.5, aria=False).encode(x=x),
    ]
