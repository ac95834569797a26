"""The sections of every task, written one after the other or by several processes."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from altair.utils import schemapi
from markupsafe import Markup

from confounds import plugins, text
from confounds.processes import spread
from confounds.reasons import certain, why
from confounds.report import _html, _live

if TYPE_CHECKING:
    from collections.abc import Sequence

    from confounds.report._section import Section, View
    from confounds.results import Audit

FEW = 24
"""Claims up to which a page is written sooner than processes are started."""
CHUNK = 8


def write_tasks(view: View, names: Sequence[str], workers: int) -> list[dict[str, Any]]:
    """The content of every task, in the order of the audits; it does not depend on `workers`."""
    if workers <= 1 or len(names) <= FEW:
        sections = by_order()
        return [_task(view.of(i), name, sections) for i, name in enumerate(names, 1)]
    jobs = [(number, *each) for number, each in enumerate(zip(names, view.audits, strict=True), 1)]
    page = replace(view, audits=())
    return spread(_task_shared, page, jobs, workers=workers, chunk=CHUNK)


def _task_shared(page: View, job: tuple[int, str, Audit]) -> dict[str, Any]:
    number, name, audit = job
    view = replace(page, audits=(audit,)).numbered(number)
    with schemapi.debug_mode(arg=False):
        return _task(view, name, by_order())


def by_order() -> list[Section]:
    """Every section, in its place on the page."""
    return sorted(plugins.load_all("report").values(), key=lambda section: section.order)


def shown(section: Section, view: View) -> dict[str, Any] | None:
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
    found = [shown(item, view) for item in sections if item.scope == "task"]
    return {
        "anchor": view.anchor,
        "name": name,
        "label": audit.verdict.label,
        "why": why(audit),
        "certain": certain(audit),
        "statement": audit.claim.statement,
        "about": _about(audit),
        "families": "\n".join(_live.families((audit,))) if view.interactive else "",
        "sections": [item for item in found if item],
    }


def _about(audit: Audit) -> str:
    claim = audit.claim
    metric = _html.words(claim.metric)
    return f"{metric} against {claim.scale}; {text.condition(claim.condition)}"
