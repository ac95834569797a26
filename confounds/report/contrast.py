"""The raw curve beside the same curve where each rival cannot act."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from markupsafe import Markup

from confounds import text
from confounds.report import _chart
from confounds.report._chart_curve import (
    Panel,
    controlled_panel,
    curve_chart,
    line_rows,
    raw_panel,
)
from confounds.report._figure import data_table, figure
from confounds.report._html import template, words
from confounds.report._section import Section

if TYPE_CHECKING:
    from confounds.report._section import View
    from confounds.results import Audit, ThresholdFit


_CONTRAST = template("""\
<div class="panels">
{% for panel in panels %}
{{ panel }}
{% endfor %}
</div>
<p class="note">Colours and lines as in the curve above.</p>
{{ data }}
{% if left %}
<p class="note">{{ left | plural("further controlled fit") }} not drawn;
<code>confounds export</code> writes them all.</p>
{% endif %}
""")


def render(view: View) -> str:
    """Small panels: raw first, then one for every controlled fit; one table of all scores."""
    audit = view.audit
    raw = audit.raw_fit
    controlled = [
        (_title(audit, test.rival, fit), controlled_panel(audit, test.rival, fit))
        for test in audit.tests
        for fit in test.fits
        if fit != raw
    ]
    if not controlled or raw is None:
        return ""
    panels = _shared([("raw", raw_panel(audit, legend=False)), *controlled])
    shown = panels[: view.panels]
    if view.crowded:
        shown = [(name, replace(content, points=())) for name, content in shown]
    drawn = [_panel(view, number, *item) for number, item in enumerate(shown)]
    left = len(panels) - len(drawn)
    return _CONTRAST.render(panels=drawn, data=_data(view, panels), left=left)


def _title(audit: Audit, rival: str, fit: ThresholdFit) -> str:
    """The rival and what its control changes."""
    claimed = {"metric": audit.claim.metric, **audit.claim.condition}
    changed = {key: value for key, value in fit.condition.items() if claimed.get(key) != value}
    return f"{words(rival)}: {text.condition(changed)}" if changed else words(rival)


def _shared(panels: list[tuple[str, Panel]]) -> list[tuple[str, Panel]]:
    """Panels of one metric with one axis, so that heights can be compared."""
    reach: dict[str, list[float]] = {}
    for _, content in panels:
        scores = [row["score"] for row in (*content.points, *line_rows(content))]
        reach.setdefault(content.metric, []).extend(scores)
    ends = {metric: (min(scores), max(scores)) for metric, scores in reach.items() if scores}
    return [(name, replace(item, reach=ends.get(item.metric, ()))) for name, item in panels]


def _panel(view: View, number: int, title: str, content: Panel) -> Markup:
    audit, fit = view.audit, content.fit
    effect = next((item for item in fit.estimates if item.term == "effect"), None) if fit else None
    p = text.p_value(fit.p_two_level if fit else None)
    lines = "" if content.points else "; lines only"
    said = {
        "alt": f"{audit.claim.task}, {title}: {words(content.metric)} against {audit.claim.scale}.",
        "caption": f"step {text.estimate(effect)}, p {p}{lines}",
        "title": title,
    }
    spec = _chart.specification(curve_chart(audit, content, _chart.PAGE))
    # Small panels stay still on an interactive page: live, they would double its size.
    return figure(spec, f"{view.anchor}-panel-{number}", said, Markup(""))


def _data(view: View, panels: list[tuple[str, Panel]]) -> Markup:
    """The scores of all panels: a row for every model and size, a column for every panel."""
    axis = view.audit.claim.scale
    rows: dict[tuple[float, str], dict[str, Any]] = {}
    for title, content in panels:
        for point in content.points:
            key = (point["scale"], point["model"])
            row = rows.setdefault(key, {"model": point["model"], axis: point["scale"]})
            row[title] = point["score"]
    columns = ("model", axis, *(title for title, content in panels if content.points))
    return data_table([rows[key] for key in sorted(rows)], columns, "Data: scores", view.table_rows)


SECTION = Section("Raw beside controlled", 60, render, scope="task")
