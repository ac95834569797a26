"""Several reports in one folder, and the page that leads to them."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from markupsafe import Markup

from confounds import text
from confounds.claim import LABELS
from confounds.errors import NothingSelectedError
from confounds.files import check_folder, write_whole
from confounds.report import _html, _write
from confounds.report._chart_forest import claim_names
from confounds.report._counts import counts, tally
from confounds.report._drawings import slug
from confounds.report.glance import lead

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from confounds.outcomes import Outcomes
    from confounds.results import Audit

_INDEX = _html.template("""\
<p class="lead">{{ lead }}</p>
{{ counts }}
<table class="reports">
<caption>A row a report: how many of its claims came out how, and which survive.</caption>
<thead><tr><th scope="col">Report</th><th scope="col">Claims</th>
{% for label in labels %}<th scope="col">{{ label | capitalize }}</th>{% endfor %}
<th scope="col">Explained by</th><th scope="col">Surviving claims</th></tr></thead>
<tbody>
{% for row in rows %}
<tr><th scope="row" data-label="Report"><a href="{{ row.file }}">{{ row.name | breakable }}</a></th>
<td class="number" data-label="Claims">{{ row.claims }}</td>
{% for label in labels %}
<td class="number" data-label="{{ label | capitalize }}">{{ row.counts[label] }}</td>
{% endfor %}
<td data-label="Explained by">{{ row.by }}</td>
<td data-label="Surviving claims">{% for task, anchor in row.surviving %}
<a href="{{ row.file }}#{{ anchor }}">{{ task | breakable }}</a>{{ ", " if not loop.last }}
{% else %}none{% endfor %}{{ row.more }}</td></tr>
{% endfor %}
</tbody></table>
""")
_MOST = 12


def write(
    reports: Mapping[str, Sequence[Audit]],
    folder: Path,
    outcomes: Mapping[str, Outcomes],
    *,
    interactive: bool,
    workers: int = 1,
) -> tuple[Path, ...]:
    """Write every report, then `index.html`, which leads to them and comes first in the result."""
    check_folder(folder)
    if not reports:
        msg = "there is no report to write"
        raise NothingSelectedError(msg)
    files = file_names(list(reports))
    written = [
        _write.write(
            tuple(audits),
            folder / files[name],
            outcomes.get(name),
            interactive=interactive,
            workers=workers,
        )
        for name, audits in reports.items()
    ]
    page = index({name: tuple(audits) for name, audits in reports.items()}, files)
    return (write_whole(folder / "index.html", page.encode()), *written)


def file_names(names: Sequence[str]) -> dict[str, str]:
    """Report -> name of its file; all different, and none of them the index."""
    taken = {"index"}
    found: dict[str, str] = {}
    for name in names:
        stem = slug(name)
        number = 2
        while stem in taken:
            stem, number = f"{slug(name)}-{number}", number + 1
        taken.add(stem)
        found[name] = f"{stem}.html"
    return found


def index(reports: Mapping[str, tuple[Audit, ...]], files: Mapping[str, str]) -> str:
    """The page that leads to the reports: verdicts of each, and what survives where."""
    every = tuple(audit for audits in reports.values() for audit in audits)
    content = _INDEX.render(
        lead=f"{text.plural(len(reports), 'report')}. {lead(every)}",
        counts=counts(every),
        labels=LABELS,
        rows=[_row(name, audits, files[name]) for name, audits in reports.items()],
    )
    # The section's template escaped it.
    section = {"title": "Reports", "id": "reports", "content": Markup(content)}  # noqa: S704
    parts = {"first": [section], "tasks": [], "last": []}
    title = f"Does it emerge? {text.plural(len(reports), 'report')}"
    return _write.rendered(parts, title)


def _row(name: str, audits: tuple[Audit, ...], file: str) -> dict[str, Any]:
    by = Counter(rival for audit in audits for rival in audit.verdict.explained_by)
    surviving = [
        (shown, f"task-{number}")
        for number, (shown, audit) in enumerate(zip(claim_names(audits), audits, strict=True), 1)
        if audit.verdict.label == "survives"
    ]
    return {
        "name": name,
        "file": file,
        "claims": len(audits),
        "counts": tally(audits),
        "by": ", ".join(f"{_html.words(rival)} ({n})" for rival, n in by.most_common()) or "none",
        "surviving": surviving[:_MOST],
        "more": f" and {len(surviving) - _MOST} more" if len(surviving) > _MOST else "",
    }
