"""The report: one HTML file that needs no network, no script and no server.

A file of this folder without a leading underscore is a section.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from confounds.errors import MissingExtraError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from confounds.outcomes import Outcomes
    from confounds.results import Audit

__all__ = ["Drawing", "draw_figures", "require_extra", "write_report", "write_reports"]

_NEEDED = {"altair": "altair", "jinja2": "jinja2", "vl_convert": "vl-convert-python"}


@dataclass(frozen=True, slots=True)
class Drawing:
    """One chart of a report.

    Attributes:
        name: stem of a file name.
        caption: what it shows.
        svg: the drawing as an SVG document.
        pdf: the drawing as a PDF document.
    """

    name: str
    caption: str
    svg: str
    pdf: bytes


def write_report(
    audits: Iterable[Audit],
    path: str | Path,
    *,
    outcomes: Outcomes | None = None,
    interactive: bool = False,
    workers: int = 1,
) -> Path:
    """Write audits as one self-contained HTML page.

    Args:
        audits: what to report, in this order.
        path: the file; it is replaced in one step, or not at all.
        outcomes: the table behind the audits, so that the page can say what is in it and
            what is wrong with it.
        interactive: add tooltips, families to pick and a filter of claims. The page then
            carries a script of its own (0.9 MB) and the data of its charts again (about as
            much as the page itself); without scripts it shows the same.
        workers: processes that draw, where there are many audits; with more than one, a script
            needs `if __name__ == "__main__":`.

    Returns:
        The path written. The same audits give the same bytes.

    Raises:
        MissingExtraError: the `report` extra is not installed.
        InputError: there is no folder for its folder.
        NothingSelectedError: there is no audit.
        UsageError: the path is a folder.
    """
    require_extra()
    from confounds.report import _write  # noqa: PLC0415  needs the extra

    return _write.write(
        tuple(audits), Path(path), outcomes, interactive=interactive, workers=workers
    )


def write_reports(
    reports: Mapping[str, Sequence[Audit]],
    folder: str | Path,
    *,
    outcomes: Mapping[str, Outcomes] | None = None,
    interactive: bool = False,
    workers: int = 1,
) -> tuple[Path, ...]:
    """Write several reports, one page each, and an index that leads to them.

    Args:
        reports: name -> what to report on that page, such as a benchmark each.
        folder: where to; it is made if need be (not the one that holds it), and pages of the same
            names are replaced.
        outcomes: name -> the table behind it.
        interactive: as for `write_report`.
        workers: as for `write_report`.

    Returns:
        `index.html`, then the pages in the order given.

    Raises:
        MissingExtraError: the `report` extra is not installed.
        InputError: there is no folder to make it in.
        NothingSelectedError: there is no report, or no audit in one.
        UsageError: the folder is a file.
    """
    require_extra()
    from confounds.report import _index  # noqa: PLC0415  needs the extra

    return _index.write(
        reports, Path(folder), outcomes or {}, interactive=interactive, workers=workers
    )


def draw_figures(audits: Iterable[Audit]) -> Iterator[Drawing]:
    """The charts of the report one by one, for files of their own.

    Raises:
        MissingExtraError: the `report` extra is not installed.
    """
    require_extra()
    from confounds.report import _drawings  # noqa: PLC0415  needs the extra

    return _drawings.draw_all(tuple(audits))


def require_extra() -> None:
    """Raise `MissingExtraError` unless everything that draws is installed."""
    for module, package in _NEEDED.items():
        if find_spec(module) is None:
            raise MissingExtraError(package, "report")
