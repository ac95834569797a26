"""Score against scale: the scores, the smooth null, the threshold curve, the baselines."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import altair as alt

from confounds import text
from confounds.measures import declared
from confounds.report import _chart, _points

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from confounds.report._chart import Palette
    from confounds.results import Audit, ThresholdFit

FITTED, SMOOTH, CHANCE, MAJORITY = (
    "with a threshold",
    "gradual growth only",
    "chance",
    "majority answer",
)
_DASHES = {FITTED: [1, 0], SMOOTH: [6, 4], CHANCE: [2, 3], MAJORITY: [9, 3, 2, 3]}


@dataclass(frozen=True)
class Panel:
    """One panel of scores.

    Attributes:
        points: the scores that are drawn, thinned.
        fit: the fit of this condition, or None where there is none.
        families: families in the order of their colours, the same for all panels of a task.
        metric: of this panel.
        legend: whether it explains its colours and lines itself.
        means: whether the points are means over conditions.
        reach: scores that the axis must hold besides its own, so that panels compare.
    """

    points: tuple[_points.Point, ...]
    fit: ThresholdFit | None
    families: tuple[str, ...]
    metric: str
    legend: bool = True
    means: bool = False
    reach: tuple[float, ...] = ()


def raw_panel(audit: Audit, *, legend: bool) -> Panel:
    """The panel of the claim's own condition."""
    points = _points.raw_points(audit)
    return _panel(audit, points, audit.raw_fit, legend=legend)


def controlled_panel(audit: Audit, rival: str, fit: ThresholdFit) -> Panel:
    """The panel of one controlled fit, in the colours of the raw one."""
    return _panel(audit, _points.controlled_points(audit, rival, fit), fit, legend=False)


def _panel(
    audit: Audit, points: list[_points.Point], fit: ThresholdFit | None, *, legend: bool
) -> Panel:
    families = _points.name_families(_points.raw_points(audit), len(_chart.SHAPES))
    for point in points:
        if point["family"] not in families:
            point["family"] = _points.OTHER
    names = {point["family"] for point in points} - set(families)
    most = _points.MOST_POINTS if legend else _points.MOST_SMALL
    shown, means = _points.thinned(points, most)
    metric = str((fit.condition if fit else {}).get("metric", audit.claim.metric))
    return Panel(tuple(shown), fit, (*families, *sorted(names)), metric, legend, means)


def curve_chart(audit: Audit, content: Panel, palette: Palette) -> Any:
    """One panel as a chart.

    Marks from back to front: the threshold's interval, the band of the fitted curve,
    baselines and curves, scores.
    """
    lines = line_rows(content)
    scales = [row["scale"] for row in (*content.points, *lines)]
    scores = [row["score"] for row in (*content.points, *lines)] + list(content.reach)
    measure = declared(content.metric)
    inside = all(0 <= score <= 1 for score in scores)
    bounded = inside and (measure is None or measure.likelihood == "binomial")
    x = _chart.scale_axis(audit.claim.scale, scales)
    y = _chart.score_axis(content.metric.replace("_", " "), scores, bounded=bounded)
    layers = [
        *_threshold(content.fit, x, palette),
        *_band(content, x, y, palette),
        *([_lines(lines, (x, y), palette, legend=content.legend)] if lines else []),
        *([_scores(content, (x, y), audit.claim.scale, palette)] if content.points else []),
    ]
    size = (340, 225) if content.legend else (205, 150)
    return _chart.layered(layers, size, palette, ("color", "shape", "strokeDash"))


def line_rows(content: Panel) -> list[dict[str, Any]]:
    """The lines of a panel: rows `scale score line`, baselines across the whole range."""
    fit, points = content.fit, content.points
    turn = _turn(content.metric)
    rows = (
        [
            {"scale": point.scale, "score": turn(point.score), "line": name}
            for name, curve in ((FITTED, fit.fitted), (SMOOTH, fit.smooth))
            for point in curve
        ]
        if fit
        else []
    )
    scales = [row["scale"] for row in (*points, *rows)]
    for name, column in ((CHANCE, "chance"), (MAJORITY, "majority")):
        level = _points.baseline(points, column)
        if level is not None:
            ends = (min(scales), max(scales))
            rows += [{"scale": end, "score": level, "line": name} for end in ends]
    return rows


def _turn(metric: str) -> Callable[[float], float]:
    """From the score that was fitted, in which more is better, to the metric's own."""
    measure = declared(metric)
    if measure is None or measure.higher_is_better:
        return float
    return (lambda score: 1 - score) if measure.likelihood == "binomial" else (lambda score: -score)


def _threshold(fit: ThresholdFit | None, x: alt.X, palette: Palette) -> list[Any]:
    """The threshold as a rule with its interval shaded, where there is one."""
    found = (
        next((item for item in fit.estimates if item.term == "threshold"), None) if fit else None
    )
    if found is None or found.estimate is None:
        return []
    rule = alt.Chart(_chart.rows([{"scale": found.estimate}])).mark_rule(
        color=palette.accent, opacity=0.7, strokeDash=[1, 2], clip=True, aria=False
    )
    if found.ci_lower is None or found.ci_upper is None:
        return [rule.encode(x=x)]
    ends = {"scale": found.ci_lower, "upper": found.ci_upper}
    zone = alt.Chart(_chart.rows([ends])).mark_rect(
        color=palette.accent, opacity=0.1, clip=True, aria=False
    )
    return [zone.encode(x=x, x2="upper:Q"), rule.encode(x=x)]


def _band(content: Panel, x: alt.X, y: alt.Y, palette: Palette) -> list[Any]:
    known = content.fit.fitted if content.fit else ()
    curve = [point for point in known if point.lower is not None and point.upper is not None]
    if not curve:
        return []
    turn = _turn(content.metric)
    edges = [sorted((turn(point.lower or 0.0), turn(point.upper or 0.0))) for point in curve]
    rows = [
        {"scale": point.scale, "score": low, "upper": high}
        for point, (low, high) in zip(curve, edges, strict=True)
    ]
    area = alt.Chart(_chart.rows(rows)).mark_area(
        color=palette.accent, opacity=0.13, clip=True, aria=False
    )
    return [area.encode(x=x, y=y, y2="upper:Q")]


def _lines(
    rows: Sequence[dict[str, Any]],
    axes: tuple[alt.X, alt.Y],
    palette: Palette,
    *,
    legend: bool,
) -> Any:
    names = [name for name in _DASHES if any(row["line"] == name for row in rows)]
    ink = {FITTED: palette.accent, SMOOTH: palette.ink}
    key = (
        alt.Legend(orient="top", symbolType="stroke", symbolSize=320, columns=2) if legend else None
    )
    color = alt.Color(
        "line:N",
        sort=names,
        scale=alt.Scale(domain=names, range=[ink.get(name, palette.rest) for name in names]),
        legend=key,
    )
    dash = alt.StrokeDash(
        "line:N",
        sort=names,
        scale=alt.Scale(domain=names, range=[_DASHES[name] for name in names]),
        legend=key,
    )
    lines = alt.Chart(_chart.rows(rows)).mark_line(strokeWidth=1.8, clip=True, aria=False)
    return lines.encode(x=axes[0], y=axes[1], color=color, strokeDash=dash)


def _scores(content: Panel, axes: tuple[alt.X, alt.Y], axis: str, palette: Palette) -> Any:
    families = list(content.families)
    other = {_points.OTHER: palette.rest}
    colors = [other.get(name, palette.series[i % 7]) for i, name in enumerate(families)]
    key = alt.Legend() if content.legend else None
    # In the order of families: neighbours that look alike are written once.
    ordered = sorted(content.points, key=lambda point: families.index(point["family"]))
    columns = ("model", "family", "recipe", "scale", "score", "n")
    rows = [
        {**{name: point[name] for name in columns}, "size": text.scale(point["scale"], axis)}
        for point in ordered
    ]
    marks = alt.Chart(_chart.rows(rows)).mark_point(
        filled=True, size=46 if content.legend else 30, opacity=0.75, aria=False
    )
    tooltip = [
        alt.Tooltip("model:N"),
        alt.Tooltip("recipe:N", title="family"),
        alt.Tooltip("size:N", title=axis),
        alt.Tooltip("score:Q", format=".3f"),
        alt.Tooltip("n:Q", title="items"),
    ]
    return marks.encode(
        fillOpacity=_chart.of_family("recipe"),
        tooltip=tooltip,
        x=axes[0],
        y=axes[1],
        color=alt.Color("family:N", scale=alt.Scale(domain=families, range=colors), legend=key),
        shape=alt.Shape(
            "family:N",
            scale=alt.Scale(domain=families, range=list(_chart.SHAPES[: len(families)])),
            legend=key,
        ),
    )
