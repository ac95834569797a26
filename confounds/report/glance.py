"""The first screen: every claim, its verdict, the effect, and what explains it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from confounds import text
from confounds.claim import LABELS
from confounds.reasons import certain, why
from confounds.report import _chart
from confounds.report._chart_forest import (
    MOST_TASKS,
    claim_names,
    raw_effect,
    task_chart,
    task_rows,
)
from confounds.report._counts import counts
from confounds.report._figure import data_table, figure
from confounds.report._html import template, words
from confounds.report._section import Section

if TYPE_CHECKING:
    from markupsafe import Markup

    from confounds.report._section import View
    from confounds.results import Audit

_GLANCE = template("""\
<p class="lead">{{ lead }}</p>
{{ counts }}
<table class="glance">
<caption>Step: the jump at the threshold beyond gradual growth, in score points, with its
interval. Left: what remains of it under the control. Left open: a rival explanation that this table
cannot rule out.</caption>
<thead><tr><th scope="col">Task</th><th scope="col">Verdict</th><th scope="col">Step</th>
<th scope="col">Why</th><th scope="col">Untested rivals</th>
{% if expected %}<th scope="col">Expected</th>{% endif %}</tr></thead>
{% for label, rows in groups %}
<tbody>
{% for row in rows %}
<tr><th scope="row" data-label="Task">
<a href="#{{ row.anchor }}">{{ row.name | breakable }}</a></th>
<td data-label="Verdict"><span class="badge {{ label }}">{{ label }}</span></td>
<td data-label="Step" class="number">{{ row.effect }}</td>
<td data-label="Why" class="why">{{ row.why }}</td>
<td data-label="Untested rivals">{{ row.untested }}</td>
{% if expected %}<td data-label="Expected">{{ row.expected }}</td>{% endif %}</tr>
{% endfor %}
</tbody>
{% endfor %}
</table>
{{ chart }}
""")


def render(view: View) -> str:
    """The counts, the table of verdicts, and the effects of all tasks in one chart."""
    names = claim_names(view.audits)
    rows = [_row(i, name, audit) for i, (name, audit) in enumerate(zip(names, view.audits), 1)]  # noqa: B905
    groups = [(label, [row for row in rows if row["label"] == label]) for label in LABELS]
    return _GLANCE.render(
        lead=lead(view.audits),
        counts=counts(view.audits),
        groups=[(label, found) for label, found in groups if found],
        expected=any(audit.claim.expect for audit in view.audits),
        chart=_chart_of(view),
    )


def lead(audits: tuple[Audit, ...]) -> str:
    """The result in two or three sentences."""
    return " ".join(part for part in (_decided(audits), _undecided(audits)) if part)


def _undecided(audits: tuple[Audit, ...]) -> str:
    """How many claims the table leaves open, and in how many there is nothing to explain."""
    labels = [audit.verdict.label for audit in audits]
    left, absent = labels.count("inconclusive"), labels.count("absent")
    said = [f"the table cannot decide {left}"] if left else []
    said += [f"in {absent} there is nothing to explain"] if absent else []
    return f"{text.sentence_list(said).capitalize()}." if said else ""


def _decided(audits: tuple[Audit, ...]) -> str:
    """How many claims survive, and what explains how many."""
    total = text.plural(len(audits), "claim")
    surviving = [audit for audit in audits if audit.verdict.label == "survives"]
    explained = [audit for audit in audits if audit.verdict.label == "explained"]
    if surviving:
        first = (
            f"Of {total}, {len(surviving)} survived every rival explanation that could be tested"
        )
    else:
        first = f"Of {total}, none survived every rival explanation that could be tested"
    if not explained:
        return f"{first}; none was explained by one."
    by: dict[str, int] = {}
    for audit in explained:
        for rival in audit.verdict.explained_by:
            by[rival] = by.get(rival, 0) + 1
    ranked = sorted(by, key=lambda rival: (-by[rival], rival))
    several = len(explained) > 1
    named = [f"{words(rival)} ({by[rival]})" if several else words(rival) for rival in ranked]
    shown = text.sentence_list(named)
    return f"{first}; {len(explained)} {_were(len(explained))} explained, by {shown}."


def _row(number: int, name: str, audit: Audit) -> dict[str, Any]:
    verdict, expect = audit.verdict, audit.claim.expect
    met = (
        "" if expect is None else ("as expected" if expect == verdict.label else "not as expected")
    )
    return {
        "anchor": f"task-{number}",
        "name": name,
        "label": verdict.label,
        "effect": text.estimate(raw_effect(audit)),
        "why": "; ".join((why(audit), *_at_least(audit))),
        "untested": _untested(audit),
        "expected": f"{expect}: {met}" if expect else text.MISSING,
    }


def _at_least(audit: Audit) -> tuple[str, ...]:
    """Of a claim left open, what rivals are shown to carry all the same."""
    if audit.verdict.label != "inconclusive":
        return ()
    return tuple(sentence for sentence in certain(audit) if sentence.startswith("at least"))


def _untested(audit: Audit) -> str:
    """The rivals that could not be tested, by name where they are few."""
    untested = audit.verdict.untested
    if len(untested) > 3:
        return f"{len(untested)} of {max(len(audit.tests), len(untested))}"
    return ", ".join(words(rival) for rival in untested) or "none"


def _chart_of(view: View) -> Markup | str:
    rows = task_rows(view.audits)
    if len(rows) < 2:
        return ""
    smallest = min(audit.claim.smallest_effect for audit in view.audits)
    shown = min(MOST_TASKS, len(rows))
    caption = (
        "The step of every claim in its own condition, with its interval, before any rival is "
        f"considered. Shaded: below {text.number(smallest)}, the smallest effect of interest."
    )
    if shown < len(rows):
        caption += f" The {shown} greatest of {len(rows)} are drawn."
    alt = f"Forest of the raw effects of {shown} claims, coloured by verdict."
    spec = _chart.specification(task_chart(rows, smallest, _chart.PAGE))
    table = [{**row, "verdict": row["quantity"]} for row in rows]
    data = data_table(
        table,
        ("name", "verdict", "estimate", "lower", "upper"),
        "Data: raw effects",
        max(view.table_rows, 100),
    )
    said = {"alt": alt, "caption": caption, "kind": "wide"}
    return figure(spec, "glance-effects", said, data, live=view.interactive)


def _were(count: int) -> str:
    return "was" if count == 1 else "were"


SECTION = Section("Verdicts at a glance", 10, render)
