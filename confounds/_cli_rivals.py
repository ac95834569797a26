"""What the commands say of rival explanations: each with its null and needs, and what to add."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from confounds import plugins, text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from confounds.wanted import Wanted


def known() -> list[dict[str, Any]]:
    """Every rival: what it asks, its null, and what it needs of a table."""
    nulls, needs = (plugins.sentences("rivals", name) for name in ("null", "needs"))
    return [
        {"name": name, "summary": summary, "null": nulls[name], "needs": needs[name]}
        for name, summary in plugins.summaries("rivals").items()
    ]


def known_text(rows: Sequence[dict[str, Any]]) -> str:
    """The same, three lines a rival."""
    width = max(len(row["name"]) for row in rows)
    return "\n".join(
        f"{row['name']:{width}}  {row['summary']}\n"
        f"{'':{width}}  null: {row['null']}\n"
        f"{'':{width}}  needs: {row['needs']}"
        for row in rows
    )


def wanted_document(wanted: Sequence[Wanted]) -> list[dict[str, Any]]:
    """What one more column would buy, for a document."""
    return [asdict(item) for item in wanted]


def wanted_text(wanted: Sequence[Wanted]) -> str:
    """What one more column would buy, a line a rival."""
    if not wanted:
        return "No further column would let another rival be tested."
    lines = [
        "What one more column, rows at another level of one, or more models would let be tested"
    ]
    for item in wanted:
        columns = " or ".join(item.columns)
        words = {"column": columns, "level": f"another {columns}", "models": "more models"}
        what = words[item.lack]
        tasks = text.plural(len(item.tasks), "task")
        lines.append(f"  {what}: {item.rival}, in {tasks} ({item.needs})")
    return "\n".join(lines)
