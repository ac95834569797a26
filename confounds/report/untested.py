"""What this table could not test, what it could not decide, and what data would."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from confounds import text
from confounds.reasons import left_open, would_decide
from confounds.report._chart_forest import claim_names
from confounds.report._html import template, words
from confounds.report._section import Section

if TYPE_CHECKING:
    from collections.abc import Sequence

    from confounds.report._section import View
    from confounds.results import Audit

_UNTESTED = template("""\
{% if untested %}
<table class="untested">
<caption>Rival explanations that could not be tested. A verdict says nothing about them.</caption>
<thead><tr><th scope="col">Rivals</th><th scope="col">What is missing</th>
<th scope="col">Claims</th></tr></thead>
<tbody>
{% for row in untested %}
<tr><th scope="row" data-label="Rivals">{{ row.rivals }}</th>
<td data-label="What is missing">{{ row.reason }}</td>
<td data-label="Claims">{{ row.claims }}</td></tr>
{% endfor %}
</tbody></table>
{% endif %}
{% if undecided %}
<table class="undecided">
<caption>Rival explanations that were tested and left open.</caption>
<thead><tr><th scope="col">Claim</th><th scope="col">Rivals left open</th>
<th scope="col">What would decide</th></tr></thead>
<tbody>
{% for row in undecided %}
<tr><th scope="row" data-label="Claim">{{ row.claim | breakable }}</th>
<td data-label="Left open">{{ row.rivals }}</td>
<td data-label="What would decide">{{ row.decide }}</td></tr>
{% endfor %}
</tbody></table>
{% endif %}
{% for line in absent %}
<p class="note">{{ line }}</p>
{% endfor %}
""")
AROUND = (
    "what each confound carries",
    "the specification curve",
    "power",
    "the shape by item difficulty",
)


def render(view: View) -> str:
    """The rivals not testable, by reason; those left open; then what was not asked for."""
    names = claim_names(view.audits)
    untested, undecided = _untested(names, view.audits), _undecided(names, view.audits)
    absent = _absent(names, view.audits)
    if not untested and not undecided and not absent:
        return ""
    return _UNTESTED.render(untested=untested, undecided=undecided, absent=absent)


def _absent(names: Sequence[str], audits: Sequence[Audit]) -> list[str]:
    """A line for every set of answers around a verdict that some claims come without."""
    claims: dict[tuple[str, ...], list[str]] = {}
    for name, audit in zip(names, audits, strict=True):
        found = audit.exploration
        there = (
            (found.attribution, found.multiverse, found.design, found.shape or found.slices)
            if found
            else (None,) * 4
        )
        missing = tuple(what for what, item in zip(AROUND, there, strict=True) if not item)
        if missing:
            claims.setdefault(missing, []).append(name)
    said = []
    for missing, concerned in claims.items():
        which = "any claim" if len(concerned) == len(audits) else _some(concerned)
        said.append(
            f"Not asked for, so not computed, for {which}: {text.sentence_list(missing)}; "
            "without --quick, a report has them."
        )
    return said


def _untested(names: Sequence[str], audits: Sequence[Audit]) -> list[dict[str, Any]]:
    """One row for every reason and the claims it concerns, with the rivals it holds for."""
    claims: dict[tuple[str, str], list[str]] = {}
    for name, audit in zip(names, audits, strict=True):
        for test in audit.tests:
            if test.status == "not_testable":
                claims.setdefault((test.rival, test.reason), []).append(name)
    rivals: dict[tuple[str, tuple[str, ...]], list[str]] = {}
    for (rival, reason), found in sorted(claims.items()):
        rivals.setdefault((reason, tuple(found)), []).append(words(rival))
    return [
        {
            "rivals": ", ".join(alike),
            "reason": reason,
            "claims": "all" if len(found) == len(audits) else _some(found),
        }
        for (reason, found), alike in rivals.items()
    ]


def _undecided(names: Sequence[str], audits: Sequence[Audit]) -> list[dict[str, Any]]:
    """One row for every inconclusive claim, with the rivals left open."""
    rows = []
    for name, audit in zip(names, audits, strict=True):
        left = left_open(audit)
        if audit.verdict.label == "inconclusive" and left:
            rivals = ", ".join(words(test.rival) for test in left)
            rows.append({"claim": name, "rivals": rivals, "decide": would_decide(audit, left)})
    return rows


def _some(claims: Sequence[str]) -> str:
    shown = text.sentence_list(claims[:6])
    return shown if len(claims) <= 6 else f"{', '.join(claims[:6])} and {len(claims) - 6} more"


SECTION = Section("What could not be tested", 80, render)
