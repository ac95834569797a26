"""Put the sections together and write the page."""

from __future__ import annotations

import base64
import hashlib
import re
from typing import TYPE_CHECKING, Any

from altair.utils import schemapi
from markupsafe import Markup

from confounds import plugins, text
from confounds.claim import LABELS
from confounds.errors import NothingSelectedError, UsageError
from confounds.files import write_whole
from confounds.reasons import certain, why
from confounds.report import _html, _live
from confounds.report._chart_forest import claim_names
from confounds.report._section import Section, View

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from confounds.outcomes import Outcomes
    from confounds.results import Audit

# A page of 25 tasks stays under 3 MB and one of 200 under 10 MB.
TABLE_ROWS = 1000
MANY = 40


def write(
    audits: tuple[Audit, ...], path: Path, outcomes: Outcomes | None, *, interactive: bool
) -> Path:
    """Write the page, whole or not at all."""
    if path.is_dir():
        msg = f"{path} is a folder; name a file for the report, such as {path / 'report.html'}"
        raise UsageError(msg)
    content = page(audits, outcomes, interactive=interactive).encode()
    return write_whole(path, content)


def page(
    audits: tuple[Audit, ...], outcomes: Outcomes | None = None, *, interactive: bool = False
) -> str:
    """The whole page as HTML; the same audits give the same text."""
    if not audits:
        msg = "there is no audit to report"
        raise NothingSelectedError(msg)
    crowded = len(audits) > MANY
    rows = 3 if crowded else max(5, min(200, TABLE_ROWS // len(audits)))
    view = View(
        audits,
        outcomes,
        table_rows=rows,
        panels=2 if crowded else 12,
        interactive=interactive,
        crowded=crowded,
    )
    # Altair checks every object against its schema when made: two thirds of the time.
    with schemapi.debug_mode(arg=False):
        content = _content(view)
    families = _live.families(audits) if interactive else []
    return rendered(content, _title(audits), _live.script() if interactive else "", families)


def rendered(
    content: dict[str, Any], title: str, script: str = "", families: Sequence[str] = ()
) -> str:
    """Sections in the frame of a page, with the policy that lets in its style and its script."""
    style = _html.style()
    html = _html.page_template().render(
        **content,
        title=title,
        style=Markup(style),  # noqa: S704  packaged with the code
        style_hash=_digest(style),
        script_hash=_digest(script) if script else "",
        labels=LABELS,
        families=families,
    )
    html = _html.without_blank_lines(html)
    element = f'<script type="module">{script}</script>\n' if script else ""
    return html.replace("</body>", f"{element}</body>")


def _content(view: View) -> dict[str, Any]:
    """All sections: those before the tasks, the tasks, those after."""
    sections = sorted(plugins.load_all("report").values(), key=lambda section: section.order)
    names = claim_names(view.audits)
    first = [_shown(item, view) for item in sections if _once(item) and item.order < 20]
    tasks = [_task(view.of(i), name, sections) for i, name in enumerate(names, 1)]
    last = [_shown(item, view) for item in sections if _once(item) and item.order >= 20]
    return {
        "first": [item for item in first if item],
        "tasks": tasks,
        "last": [item for item in last if item],
    }


def _digest(text: str) -> str:
    """A content hash as a security policy names it."""
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"


def _once(section: Section) -> bool:
    return section.scope == "report"


def _shown(section: Section, view: View) -> dict[str, Any] | None:
    """A section with its content, or None where it has none."""
    content = section.render(view)
    if not content.strip():
        return None
    slug = re.sub(r"[^a-z]+", "-", section.title.lower()).strip("-")
    return {
        "title": section.title,
        "id": slug if view.anchor == "page" else f"{view.anchor}-{slug}",
        "width": section.width,
        "content": Markup(content),  # noqa: S704  the section's template escaped it
    }


def _task(view: View, name: str, sections: list[Section]) -> dict[str, Any]:
    audit = view.audit
    shown = [_shown(item, view) for item in sections if item.scope == "task"]
    return {
        "anchor": view.anchor,
        "name": name,
        "label": audit.verdict.label,
        "why": why(audit),
        "certain": certain(audit),
        "statement": audit.claim.statement,
        "about": _about(audit),
        "families": "\n".join(_live.families((audit,))) if view.interactive else "",
        "sections": [item for item in shown if item],
    }


def _about(audit: Audit) -> str:
    claim = audit.claim
    metric = _html.words(claim.metric)
    return f"{metric} against {claim.scale}; {text.condition(claim.condition)}"


def _title(audits: tuple[Audit, ...]) -> str:
    tasks = {audit.claim.task for audit in audits}
    about = next(iter(tasks)) if len(tasks) == 1 else text.plural(len(tasks), "task")
    return f"Does it emerge? An audit of {about}"
