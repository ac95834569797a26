"""Models that an audit left out because their scale is not known, as a section of the report."""

from __future__ import annotations

from typing import TYPE_CHECKING

from confounds.report._html import template
from confounds.report._section import Section

if TYPE_CHECKING:
    from confounds.report._section import View

_LEFT_OUT = template("""\
<p class="left-out">{{ models | length }} of the models have no known scale:
{{ models | sentence }}. A models table (<code>--models</code>) would place them.</p>
""")


def render(view: View) -> str:
    """One line a task; nothing where every model has a place."""
    models = sorted(view.audit.unplaced)
    return _LEFT_OUT.render(models=models) if models else ""


SECTION = Section("Models left out", 75, render, scope="task")
