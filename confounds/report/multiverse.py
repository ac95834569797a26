"""Would other defensible choices have said the same: the specification curve."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from confounds import text
from confounds.report import _chart
from confounds.report._chart_multiverse import (
    FEW_MARKS,
    MARKS,
    multiverse_chart,
    ranked,
    thinned,
)
from confounds.report._figure import data_table, figure
from confounds.report._html import template, words
from confounds.report._section import Section

if TYPE_CHECKING:
    from markupsafe import Markup

    from confounds.exploration import Multiverse, Specification
    from confounds.report._section import View

_MULTIVERSE = template("""\
<p>{{ conclusion }}</p>
{{ figure }}
{% if left_out %}
<p class="note">Could not be varied here: {{ left_out }}.</p>
{% endif %}
{% for note in notes %}
<p class="note">Note: {{ note }}.</p>
{% endfor %}
""")


def render(view: View) -> str:
    """The curve with its joint test; or, in one line, why there is none."""
    explored = view.audit.exploration
    found = explored.multiverse if explored else None
    if found is None:
        return ""
    known = ranked(found)
    return _MULTIVERSE.render(
        conclusion=conclusion(found),
        figure=_figure(view, found) if known else "",
        left_out="; ".join(item.rstrip(". ") for item in found.left_out),
        notes=[note.rstrip(". ") for note in found.notes],
    )


def conclusion(found: Multiverse) -> str:
    """How many combinations agree, jointly tested, and where the claim's own stands."""
    known = ranked(found)
    if not known:
        return (
            f"No specification curve: {(found.reason or 'no combination was fitted').rstrip('.')}."
        )
    total = len(known)
    positive = sum((item.effect.estimate or 0.0) > 0 for _, item in known)
    significant = sum(item.p_value is not None and item.p_value < 0.05 for _, item in known)
    first = (
        f"{'All' if positive == total else positive} of {text.plural(total, 'combination')}"
        if total > 1
        else "The one combination"
    )
    joint = [f"{words(item.term)} {text.estimate(item)}{_p(item.p_value)}" for item in found.joint]
    said = f"{first} of choices {_gives(total, positive)} a positive step, {significant} of them"
    said += (
        f" at p below .05. Jointly: {text.sentence_list(joint)}." if joint else " at p below .05."
    )
    own = next(((rank, item) for rank, item in known if item.default), None)
    if own is None:
        return said
    place = f"{text.estimate(own[1].effect)}, rank {total + 1 - own[0]} of {total} from the top"
    return f"{said} The claim's own: {place}."


def _gives(total: int, positive: int) -> str:
    return "gives" if total == 1 or positive == 1 else "give"


def _p(value: float | None) -> str:
    return "" if value is None else f" (p {text.p_value(value)})"


def _figure(view: View, found: Multiverse) -> Markup:
    marks = FEW_MARKS if view.crowded else MARKS
    claim, known, shown = view.audit.claim, ranked(found), thinned(found, marks)
    names = tuple(dict.fromkeys(name for _, item in known for name in item.choices))
    smallest = text.number(claim.smallest_effect)
    caption = (
        "Effects of all combinations with their intervals, smallest first; below, the choices "
        f"that made each. Shaded: smaller than {smallest}. Circled: the claim's own choices."
    )
    if len(shown) < len(known):
        caption += f" {len(shown)} of {len(known)} are drawn, evenly spaced."
    alt = f"Specification curve of {claim.task}: {conclusion(found)}"
    spec = _chart.specification(multiverse_chart(found, claim.smallest_effect, _chart.PAGE, marks))
    columns = (*names, "estimate", "ci_lower", "ci_upper", "p_value", "the claim's own")
    rows = [_row(item) for _, item in known]
    data = data_table(rows, columns, "Data: specifications", view.table_rows)
    said = {"alt": alt, "caption": caption}
    return figure(spec, f"{view.anchor}-multiverse", said, data, live=view.interactive)


def _row(item: Specification) -> dict[str, Any]:
    return {
        **item.choices,
        "estimate": item.effect.estimate,
        "ci_lower": item.effect.ci_lower,
        "ci_upper": item.effect.ci_upper,
        "p_value": item.p_value,
        "the claim's own": item.default,
    }


SECTION = Section("Specification curve", 54, render, scope="task", width="half")
