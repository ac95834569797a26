"""What a table of this layout could have shown, and what more models would buy."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from confounds import text
from confounds.report import _chart
from confounds.report._chart_power import WANTED, power_chart
from confounds.report._figure import data_table, figure
from confounds.report._html import template
from confounds.report._section import Section

if TYPE_CHECKING:
    from collections.abc import Sequence

    from markupsafe import Markup

    from confounds.exploration import Design, PowerPoint
    from confounds.report._section import View

_FURTHER = ("paired", "equivalence", "equivalence_at_chance")
_POWER = template("""\
<p>{{ conclusion }}</p>
{{ figure }}
{% if additions %}
<p>What models added to these would buy at a step of {{ at }}:</p>
<ul class="plain">
{% for what, power in additions %}
<li>{{ what }}: power {{ power }}</li>
{% endfor %}
</ul>
{% endif %}
{% if assumptions %}
<p class="note">Simulated:</p>
<ul class="plain note">
{% for line in assumptions %}
<li>{{ line }}.</li>
{% endfor %}
</ul>
{% endif %}
""")


def render(view: View) -> str:
    """Power over the step and over the models, in words and drawn; or why there is none."""
    explored = view.audit.exploration
    design = explored.design if explored else None
    if design is None:
        return ""
    if design.reason is not None and not (design.by_effect or design.by_models):
        return _POWER.render(
            conclusion=f"Power was not simulated: {design.reason.rstrip('. ')}.",
            figure="",
            additions=(),
            assumptions=(),
            at="",
        )
    added = [(item.added or "the table as it is", _power(item)) for item in design.additions]
    return _POWER.render(
        conclusion=conclusion(design, view.audit.claim.smallest_effect),
        figure=_figure(view, design) if design.by_effect or design.by_models else "",
        additions=added,
        assumptions=[item.rstrip(". ") for item in design.assumptions],
        at=text.number(design.additions[0].effect) if design.additions else "",
    )


def conclusion(design: Design, smallest: float) -> str:
    """The smallest step that would be found, and the models needed for the smallest of interest."""
    said = []
    if design.by_effect:
        models = text.plural(design.by_effect[0].models, "model")
        largest = max(point.effect for point in design.by_effect)
        found = (
            f"a true step of {text.number(design.minimum_effect)} or more is found with"
            if design.minimum_effect is not None
            else f"not even a true step of {text.number(largest)} is found with"
        )
        said.append(f"With {models} as they lie here, {found} {WANTED:.0%} power.")
    if design.by_models:
        most = max(point.models for point in design.by_models)
        needed = (
            f"about {text.plural(design.models_needed, 'model')}"
            if design.models_needed is not None
            else f"more than {text.plural(most, 'model')}"
        )
        said.append(f"A step of {text.number(smallest)} takes {needed}, laid out like these.")
    return " ".join(said)


def _power(point: PowerPoint) -> str:
    return f"{point.power:.0%}\N{NO-BREAK SPACE}±\N{NO-BREAK SPACE}{2 * point.std_error:.0%}"


def _figure(view: View, design: Design) -> Markup:
    audit = view.audit
    smallest, fit = audit.claim.smallest_effect, audit.raw_fit
    own = design.by_effect[0].models if design.by_effect else (fit.models if fit else None)
    caption = (
        f"Upright bars: two simulation errors. Level line: {WANTED:.0%}. Dotted: the smallest "
        f"effect of interest, {text.number(smallest)}, and the models of this table."
    )
    caption += _kinds((*design.by_effect, *design.by_models))
    alt = f"Power for {audit.claim.task}: {conclusion(design, smallest)}"
    spec = _chart.specification(power_chart(design, smallest, own, _chart.PAGE))
    rows = [
        _row(what, point)
        for what, points in (
            ("over steps", design.by_effect),
            ("over models", design.by_models),
            ("models added", design.additions),
        )
        for point in points
    ]
    columns = ("models", "effect", "power", "std_error", *_FURTHER, "added")
    known = [name for name in columns if any(row[name] is not None for row in rows)]
    names = ("simulated", *known)
    data = data_table(rows, names, "Data: power", view.table_rows)
    said = {"alt": alt, "caption": caption}
    return figure(spec, f"{view.anchor}-power", said, data, live=view.interactive)


def _kinds(points: Sequence[PowerPoint]) -> str:
    """What the further lines are, where they were simulated."""
    said = ""
    if any(point.paired is not None for point in points):
        said += " Paired: against a condition of the same models that has no step."
    if any(point.equivalence is not None for point in points):
        said += " Shown to have none: a controlled curve that has no step, as “explained” needs it."
    return said


def _row(what: str, point: PowerPoint) -> dict[str, Any]:
    return {
        "simulated": what,
        "models": point.models,
        "effect": point.effect,
        "power": point.power,
        "std_error": point.std_error,
        "paired": point.paired,
        "equivalence": point.equivalence,
        "equivalence_at_chance": point.equivalence_at_chance,
        "added": point.added,
    }


SECTION = Section("Power and design", 72, render, scope="task", width="half")
