"""How tables and results look in a notebook: small HTML tables, everything escaped."""

from __future__ import annotations

import html
from typing import TYPE_CHECKING, Any

from confounds import text

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable, Mapping, Sequence


class Shown:
    """A result that a notebook shows by what it tells of itself: `glance()`, then `tidy()`."""

    __slots__ = ()

    def _repr_html_(self) -> str:
        told = (getattr(self, name, None) for name in ("glance", "tidy"))
        frames = [tell() for tell in told if tell is not None]
        tables = [table(frame.to_dict("records")) for frame in frames if len(frame)]
        return shown(type(self).__name__, tables)


def shown(heading: str, tables: Iterable[text.Table]) -> str:
    """Tables under a heading, as HTML in which nothing of the data has a meaning."""
    parts = [f"<p><strong>{html.escape(heading)}</strong></p>", *(table.html() for table in tables)]
    return text.printable("\n".join(parts))


def table(rows: Sequence[Mapping[Hashable, Any]], caption: str = "") -> text.Table:
    """Rows that all have the same columns, with those columns that hold anything."""
    made = [{str(name): value for name, value in row.items()} for row in rows]
    names = [name for name in made[0] if any(not text.is_missing(row[name]) for row in made)]
    return text.Table(tuple(names), tuple(made), caption)
