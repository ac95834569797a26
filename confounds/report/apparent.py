"""Is there an apparent emergence: is the ability present, was it absent, is the rise sharp?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from confounds import text
from confounds.report._html import template, words
from confounds.report._section import Section

if TYPE_CHECKING:
    from confounds.report._section import View
    from confounds.results import Audit, Part, ThresholdFit

QUESTIONS = {
    "presence": "Do the largest models beat chance and the majority answer?",
    "absence": "Are the smaller models shown to be at chance?",
    "departure": "Is the rise sharper than gradual growth?",
}

_APPARENT = template("""\
<ul class="parts">
{% for part in parts %}
<li><p><span class="status {{ part.status }}">{{ part.status }}</span>
<strong>{{ part.name }}</strong> {{ part.question }}</p>
<p>{{ part.reason }}</p>
{% if part.numbers %}
<p class="numbers-line">{% for name, value in part.numbers %}
<span>{{ name }} <b>{{ value }}</b></span>{{ "; " if not loop.last }}{% endfor %}</p>
{% endif %}</li>
{% endfor %}
</ul>
{% if numbers %}
<dl class="numbers">
{% for name, value in numbers %}
<div><dt>{{ name }}</dt><dd>{{ value }}</dd></div>
{% endfor %}
</dl>
{% endif %}
""")


_TERMS = {
    "effect": "step beyond gradual growth",
    "threshold": "threshold",
    "width": "width of the transition, decades",
    "kink": "kink, score points per decade",
    "excess": "excess over the smooth prediction",
}


def render(view: View) -> str:
    """The three parts with status, reason and numbers; then the numbers of the threshold fit."""
    parts = [_shown(part, view.audit.claim.scale) for part in view.audit.apparent.values()]
    fit = view.audit.raw_fit
    numbers = fit_numbers(view.audit, fit) if fit else []
    return _APPARENT.render(parts=parts, numbers=numbers) if parts or numbers else ""


def fit_numbers(audit: Audit, fit: ThresholdFit) -> list[tuple[str, str]]:
    """What a fit says, named and written out."""
    shown = [
        (_TERMS.get(item.term, words(item.term)), text.estimate(item, axis=audit.claim.scale))
        for item in fit.estimates
        if item.estimate is not None
    ]
    check = text.p_value(fit.p_fixed_effect) if fit.p_fixed_effect is not None else "not possible"
    tested = f"{text.plural(fit.models, 'model')}, {text.plural(fit.families, 'family')}"
    return [
        *shown,
        ("p, two-level", text.p_value(fit.p_two_level)),
        ("p, family fixed effect", check),
        ("sharper than gradual", "yes" if fit.significant else "not shown"),
        ("tested on", tested),
    ]


def _shown(part: Part, axis: str) -> dict[str, Any]:
    numbers = []
    for item in part.estimates:
        value = text.estimate(item, axis=axis)
        if item.p_value is not None:
            value += f", p {text.p_value(item.p_value)}"
        numbers.append((words(item.term), value))
    return {
        "name": words(part.name),
        "status": part.status,
        "question": QUESTIONS.get(part.name, ""),
        "reason": part.reason,
        "numbers": numbers,
    }


SECTION = Section("Apparent emergence", 30, render, scope="task", width="half")
