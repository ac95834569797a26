"""How much of the raw effect each confound carries, and how much stays unexplained."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from confounds import text
from confounds.report import _chart
from confounds.report._chart_attribution import (
    UNEXPLAINED,
    UNITS,
    attribution_chart,
    attribution_rows,
    drawn,
)
from confounds.report._figure import data_table, figure
from confounds.report._html import template, words
from confounds.report._section import Section

if TYPE_CHECKING:
    from collections.abc import Sequence

    from markupsafe import Markup

    from confounds.exploration import Attribution
    from confounds.report._section import View
    from confounds.results import Estimate

METHODS = {"shapley": "Shapley", "gelbach": "Gelbach", "khb": "KHB (Karlson, Holm and Breen)"}

_ATTRIBUTION = template("""\
{% if conclusion %}<p>{{ conclusion }}</p>{% endif %}
{{ figure }}
{% for line in remarks %}
<p class="note">{{ line }}</p>
{% endfor %}
""")


def render(view: View) -> str:
    """The shares as bars, in words, and by every method in the table; then notes and refusals."""
    audit = view.audit
    known = audit.exploration.attribution if audit.exploration else ()
    if not known:
        return ""
    found = drawn(audit)
    return _ATTRIBUTION.render(
        conclusion=conclusion(found) if found else "",
        figure=_figure(view, found, known) if found else "",
        remarks=(*_notes(known), *_refused(known)),
    )


def conclusion(found: Attribution) -> str:
    """Who carries what of the raw effect, in one sentence."""
    rows = sorted(found.shares, key=lambda item: -(item.estimate or 0.0))
    carried = [_carried(item) for item in rows if item.term != UNEXPLAINED]
    left = next((item for item in rows if item.term == UNEXPLAINED), None)
    unit = " logits" if UNITS[found.method] == "logits" else ""
    total = f"the raw effect of {text.estimate(found.total)}{unit}"
    said = f"Of {total}, {text.sentence_list(carried)}"
    return f"{said}; {text.estimate(left)} stays unexplained." if left else f"{said}."


def _carried(item: Estimate) -> str:
    holds_zero = item.ci_lower is not None and item.ci_lower <= 0 <= (item.ci_upper or 0.0)
    shown = " (its interval holds 0)" if holds_zero else ""
    return f"{words(item.term)} carries {text.estimate(item)}{shown}"


def _notes(known: Sequence[Attribution]) -> list[str]:
    """What the reader of the shares must know, once for all methods that say it."""
    said = dict.fromkeys(note for item in known for note in item.notes)
    return [f"Note: {note.rstrip('. ')}." for note in said]


def _refused(known: Sequence[Attribution]) -> list[str]:
    """A line for every reason to refuse, with the methods that it stops."""
    reasons: dict[str, list[str]] = {}
    for item in known:
        if item.reason is not None:
            reasons.setdefault(item.reason, []).append(METHODS[item.method])
    every = sum(map(len, reasons.values())) == len(known)
    return [
        f"No attribution: {reason}."
        if every and len(reasons) == 1
        else f"No attribution by {text.sentence_list(methods)}: {reason}."
        for reason, methods in ((reason.rstrip(". "), found) for reason, found in reasons.items())
    ]


def _figure(view: View, found: Attribution, known: Sequence[Attribution]) -> Markup:
    task, count = view.audit.claim.task, len(attribution_rows(found))
    levels = sorted({item.level for item in found.shares})
    shown = text.sentence_list([f"{level:.0%}" for level in levels])
    caption = f"Shares by the method of {METHODS[found.method]}, with {shown} intervals."
    alt = f"{count} shares of the raw effect of {task}: {conclusion(found)}"
    rows = [_row(item, share) for item in known for share in item.shares]
    names = ("method", "share", "estimate", "ci_lower", "ci_upper", "unit")
    spec = _chart.specification(attribution_chart(found, _chart.PAGE))
    data = data_table(rows, names, "Data: shares by every method", view.table_rows)
    said = {"alt": alt, "caption": caption}
    return figure(spec, f"{view.anchor}-attribution", said, data, live=view.interactive)


def _row(item: Attribution, share: Estimate) -> dict[str, Any]:
    return {
        "method": METHODS[item.method],
        "share": words(share.term),
        "estimate": share.estimate,
        "ci_lower": share.ci_lower,
        "ci_upper": share.ci_upper,
        "unit": UNITS[item.method],
    }


SECTION = Section("What each confound carries", 52, render, scope="task", width="half")
