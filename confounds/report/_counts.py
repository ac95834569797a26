"""How many claims came out how: the row of numbers that a first screen begins with."""

from __future__ import annotations

from typing import TYPE_CHECKING

from markupsafe import Markup

from confounds.claim import LABELS
from confounds.report._html import template

if TYPE_CHECKING:
    from collections.abc import Sequence

    from confounds.results import Audit

_MEANINGS = {
    "survives": "it appears at scale, and no rival explanation that could be tested explains it",
    "explained": "it appears at scale, and a rival explanation explains it",
    "inconclusive": "this table cannot decide between emergence and a rival explanation",
    "absent": "there is no emergence to explain: not there at the top, or there all along",
}
_COUNTS = template("""\
<ul class="counts">
{% for label, count, meaning in counts %}
<li class="{{ label }}"><strong>{{ count }}</strong>
<span class="badge {{ label }}">{{ label }}</span>
<span class="meaning">{{ meaning }}</span></li>
{% endfor %}
</ul>
""")


def counts(audits: Sequence[Audit]) -> Markup:
    """A number for each verdict, with what the verdict means."""
    found = tally(audits)
    shown = [(label, found[label], _MEANINGS[label]) for label in LABELS]
    return Markup(_COUNTS.render(counts=shown))  # noqa: S704  the template escapes


def tally(audits: Sequence[Audit]) -> dict[str, int]:
    """Verdict -> how many claims have it."""
    found = [audit.verdict.label for audit in audits]
    return {label: found.count(label) for label in LABELS}
