"""Each rival explanation: its null, what is left of the effect under its control, the outcome."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from confounds import text
from confounds.reasons import controlled, further, said_of_all, would_decide
from confounds.report._html import template, words
from confounds.report._section import Section

if TYPE_CHECKING:
    from confounds.report._section import View
    from confounds.results import Audit, Estimate, RivalTest

_ORDER = {"explained": 0, "inconclusive": 1, "survives": 2, "not_testable": 3}
_RIVALS = template("""\
{% if rows %}
<table class="rivals">
<caption>Rival explanations. “Left” is the step that remains where the rival cannot act.
{% if every %}Of those left open: {{ every }}.{% endif %}</caption>
<thead><tr><th scope="col">Rival</th><th scope="col">Outcome</th><th scope="col">Left</th>
<th scope="col">p, adjusted</th><th scope="col">Raw minus controlled</th>
<th scope="col">Why</th></tr></thead>
<tbody>
{% for row in rows %}
<tr><th scope="row" data-label="Rival">{{ row.rival }}</th>
<td data-label="Outcome"><span class="badge {{ row.kind }}">{{ row.outcome }}</span></td>
<td data-label="Left" class="number">{{ row.left }}</td>
<td data-label="p, adjusted" class="number">{{ row.p }}</td>
<td data-label="Raw minus controlled" class="number">{{ row.change }}</td>
<td data-label="Why" class="why">{{ row.reason }}
{% if row.null %}<br><span class="null">Null: {{ row.null }}</span>{% endif %}
{% if row.numbers %}<br><span class="numbers-line">{{ row.numbers }}</span>{% endif %}
{% if row.needed %}<br>{{ row.needed | capitalize }} it.{% endif %}</td></tr>
{% endfor %}
</tbody></table>
{% endif %}
{% if untested %}
<p class="note">Not testable with this table: {{ untested }}.
<a href="#what-could-not-be-tested">What is missing<span class="hidden"> for
{{ task }}</span></a></p>
{% endif %}
""")


def render(view: View) -> str:
    """A row for every rival tested, those that explain the claim first; then the names of others.

    Why they could not be tested stands once on the page, for all claims together.
    """
    tests = sorted(view.audit.tests, key=lambda test: _ORDER[test.outcome])
    if not tests:
        return ""
    every = said_of_all(view.audit)
    rows = [_row(view.audit, test, every) for test in tests if test.status == "tested"]
    untested = [words(test.rival) for test in tests if test.status != "tested"]
    task = view.audit.claim.task
    return _RIVALS.render(rows=rows, every=every, untested=", ".join(untested), task=task)


def _row(audit: Audit, test: RivalTest, every: str) -> dict[str, Any]:
    axis, fit = audit.claim.scale, audit.raw_fit
    # Where no departure is shown, what would decide the claim stands at its head.
    departs = fit is not None and fit.significant
    left = test.outcome == "inconclusive"
    outcome = words(test.outcome)
    return {
        "rival": words(test.rival),
        "outcome": f"{outcome}, strongly"
        if test.strong and test.outcome == "survives"
        else outcome,
        "kind": test.outcome.replace("_", "-"),
        "left": text.estimate(controlled(audit, test)),
        "p": text.p_value(test.p_adjusted),
        "change": text.estimate(test.change),
        "reason": further(test, every),
        "null": test.null,
        "numbers": "; ".join(_number(item, axis) for item in test.estimates if _known(item)),
        "needed": would_decide(audit, (test,)) if left and departs else "",
    }


def _known(item: Estimate) -> bool:
    return item.estimate is not None or item.p_value is not None


def _number(item: Estimate, axis: str) -> str:
    """An estimate by name; the p-value alone where there is nothing else."""
    if item.estimate is None:
        return f"{_term(item)}: p {text.p_value(item.p_value)}"
    return f"{_term(item)}: {text.estimate(item, axis=axis)}"


def _term(item: Estimate) -> str:
    """The name of an estimate; `effect:<which>` is the step under that metric or format."""
    kind, _, which = item.term.partition(":")
    return f"left, {words(which)}" if which else words(kind)


SECTION = Section("Rival explanations", 50, render, scope="task")
