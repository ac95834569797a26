"""Put the sections together and write the page."""

from __future__ import annotations

import base64
import hashlib
from typing import TYPE_CHECKING, Any

from altair.utils import schemapi
from markupsafe import Markup

from confounds import text
from confounds.claim import LABELS
from confounds.errors import NothingSelectedError
from confounds.files import check_page, write_whole
from confounds.report import _html, _live
from confounds.report._chart_forest import claim_names
from confounds.report._section import View
from confounds.report._tasks import by_order, shown, write_tasks

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from confounds.outcomes import Outcomes
    from confounds.results import Audit

# A page of 25 tasks stays under 3 MB and one of 200 under 10 MB.
TABLE_ROWS = 1000
MANY = 40


def write(
    audits: tuple[Audit, ...],
    path: Path,
    outcomes: Outcomes | None,
    *,
    interactive: bool,
    workers: int = 1,
) -> Path:
    """Write the page, whole or not at all."""
    check_page(path)
    content = page(audits, outcomes, interactive=interactive, workers=workers).encode()
    return write_whole(path, content)


def page(
    audits: tuple[Audit, ...],
    outcomes: Outcomes | None = None,
    *,
    interactive: bool = False,
    workers: int = 1,
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
        content = _content(view, workers)
    families = _live.families(audits) if interactive else []
    return rendered(content, _title(audits), _live.script() if interactive else "", families)


def rendered(
    content: dict[str, Any], title: str, script: str = "", families: Sequence[str] = ()
) -> str:
    """Sections in the frame of a page, with the policy that lets in its style and its script.

    No name of the data can hold what is not seen or turns the direction of writing.
    """
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
    html = text.printable(_html.without_blank_lines(html))
    element = f'<script type="module">{script}</script>\n' if script else ""
    return html.replace("</body>", f"{element}</body>")


def _content(view: View, workers: int) -> dict[str, Any]:
    """All sections: those before the tasks, the tasks, those after."""
    once = [section for section in by_order() if section.scope == "report"]
    first = [shown(item, view) for item in once if item.order < 20]
    tasks = write_tasks(view, claim_names(view.audits), workers)
    last = [shown(item, view) for item in once if item.order >= 20]
    return {
        "first": [item for item in first if item],
        "tasks": tasks,
        "last": [item for item in last if item],
    }


def _digest(text: str) -> str:
    """A content hash as a security policy names it."""
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"


def _title(audits: tuple[Audit, ...]) -> str:
    tasks = {audit.claim.task for audit in audits}
    about = next(iter(tasks)) if len(tasks) == 1 else text.plural(len(tasks), "task")
    return f"Does it emerge? An audit of {about}"
