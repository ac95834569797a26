"""What a section of the report is, and what it is given.

A section is one file that exports `SECTION`: a title, a place in the order, and `render`,
which turns a `View` into HTML. An empty string means that the audits carry nothing for it,
and the section is left out.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Callable

    from confounds.outcomes import Outcomes
    from confounds.results import Audit


@dataclass(frozen=True)
class View:
    """What a section may look at.

    Attributes:
        audits: all audits of the report, or the one of a task.
        outcomes: the table behind them, where it was given.
        anchor: prefix of ids, unique to the task on the page.
        table_rows: most rows of a table of data beneath a chart.
        panels: most small panels of one task.
        interactive: whether charts answer to the pointer.
        crowded: whether the page holds so many claims that each has room for less detail.
    """

    audits: tuple[Audit, ...]
    outcomes: Outcomes | None = None
    anchor: str = "page"
    table_rows: int = 200
    panels: int = 12
    interactive: bool = False
    crowded: bool = False

    @property
    def audit(self) -> Audit:
        """The audit of a section that is written for each task."""
        return self.audits[0]

    def of(self, number: int) -> View:
        """The view of one audit, counted from 1."""
        return replace(self, audits=(self.audits[number - 1],)).numbered(number)

    def numbered(self, number: int) -> View:
        """The same under the anchor of a task."""
        return replace(self, anchor=f"task-{number}")


@dataclass(frozen=True)
class Section:
    """One section of the report.

    Attributes:
        title: its heading.
        order: place on the page, low first.
        render: what it shows; an empty string leaves it out.
        scope: `report` (once) or `task` (for every audit).
        width: `full`, or `half` of the page beside another half.
    """

    title: str
    order: int
    render: Callable[[View], str]
    scope: Literal["report", "task"] = "report"
    width: Literal["full", "half"] = "full"
