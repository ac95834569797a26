"""Audits as tables for papers: CSV, Parquet, LaTeX, figures, and a description of it all."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from confounds.errors import MissingExtraError, NothingSelectedError, UsageError
from confounds.export import _files, _latex, _package, _sheets, _stale
from confounds.export._latex import LAYOUTS
from confounds.files import check_folder, write_whole
from confounds.report import _references, draw_figures

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from confounds.export._columns import Sheet
    from confounds.export._latex import Layout
    from confounds.outcomes import Outcomes
    from confounds.results import Audit

__all__ = ["FORMATS", "export_audits", "latex_layouts", "latex_table"]

FORMATS = ("csv", "parquet", "latex")


def export_audits(
    audits: Iterable[Audit],
    folder: str | Path,
    *,
    outcomes: Outcomes | None = None,
    formats: Iterable[str] = ("csv",),
    layouts: Mapping[str, Layout] = LAYOUTS,
) -> tuple[Path, ...]:
    """Write audits as tables, figures and their description.

    Args:
        audits: what to export.
        folder: where to; it is made if need be (not the one that holds it), files of the same
            names are replaced, and files that an earlier export wrote there and this one does not
            are removed, unless they were changed since.
        outcomes: the table behind the audits; the rows of their tasks are exported.
        formats: any of `csv`, `parquet`, `latex`.
        layouts: of the LaTeX tables, from `latex_layouts`.

    Returns:
        The files written: tables, figures (where the `report` extra is installed),
        `references.bib`, `datapackage.json`, `README.md`. The same audits give the same bytes.

    Raises:
        InputError: there is no folder to make it in.
        NothingSelectedError: there is no audit.
        UsageError: a format is not known, or the folder is a file.
    """
    audits, folder, formats = tuple(audits), Path(folder), tuple(formats)
    _check(audits, folder, formats)
    sheets = _sheets.sheets(audits, outcomes)
    contents = {**_tables(sheets, formats, layouts), **_figures(audits)}
    drawn = any(path.startswith("figures/") for path in contents)
    contents["references.bib"] = _references.bibtex(audits).encode()
    about = {
        "datapackage.json": _package.datapackage(audits, sheets, contents),
        "README.md": _package.readme(audits, sheets, contents, drawn=drawn),
    }
    files = {**contents, **about}
    for path in _stale.stale(folder, files):
        path.unlink()
    return tuple(write_whole(folder / path, content) for path, content in files.items())


def latex_table(
    audits: Iterable[Audit],
    table: str = "verdicts",
    *,
    caption: str | None = None,
    label: str | None = None,
) -> str:
    """One table for a paper, booktabs and siunitx, with a caption and label of one's own.

    Args:
        audits: what to tabulate.
        table: `verdicts` or `rivals`.
        caption: replaces the default; plain text, escaped here.
        label: of the table, for references to it; replaces the default.

    Raises:
        UsageError: there is no such table.
    """
    captions = {} if caption is None else {table: caption}
    labels = {} if label is None else {table: label}
    layout = _layout(table, latex_layouts(captions, labels))
    made = {sheet.name: sheet for sheet in _sheets.sheets(tuple(audits), None)}
    if table not in made:
        msg = f"the audits have no rows for the table '{table}'"
        raise NothingSelectedError(msg)
    return _latex.latex(made[table], layout)


def latex_layouts(
    captions: Mapping[str, str] | None = None, labels: Mapping[str, str] | None = None
) -> dict[str, Layout]:
    """How the LaTeX tables are set, with captions and labels of one's own.

    Args:
        captions: table (`verdicts`, `rivals`) -> its caption; plain text, escaped when set.
        labels: table -> its label, for references to it.

    Raises:
        UsageError: there is no such table.
    """
    layouts = dict(LAYOUTS)
    for table, caption in (captions or {}).items():
        layouts[table] = replace(_layout(table, layouts), caption=caption)
    for table, label in (labels or {}).items():
        layouts[table] = replace(_layout(table, layouts), label=label)
    return layouts


def _layout(table: str, layouts: Mapping[str, Layout]) -> Layout:
    if table not in layouts:
        msg = f"no LaTeX table '{table}'; there are: {', '.join(layouts)}"
        raise UsageError(msg)
    return layouts[table]


def _check(audits: tuple[Audit, ...], folder: Path, formats: tuple[str, ...]) -> None:
    unknown = [name for name in formats if name not in FORMATS]
    if unknown:
        msg = f"no export format '{unknown[0]}'; there are: {', '.join(FORMATS)}"
        raise UsageError(msg)
    if not audits:
        msg = "there is no audit to export"
        raise NothingSelectedError(msg)
    check_folder(folder)


def _tables(
    sheets: Sequence[Sheet], formats: tuple[str, ...], layouts: Mapping[str, Layout]
) -> dict[str, bytes]:
    contents: dict[str, bytes] = {}
    for sheet in sheets:
        if "csv" in formats:
            contents[f"{sheet.name}.csv"] = _files.csv_bytes(sheet)
        if "parquet" in formats:
            contents[f"{sheet.name}.parquet"] = _files.parquet_bytes(sheet)
        if "latex" in formats and sheet.name in layouts:
            contents[f"{sheet.name}.tex"] = _latex.latex(sheet, layouts[sheet.name]).encode()
    return contents


def _figures(audits: tuple[Audit, ...]) -> dict[str, bytes]:
    """Every drawing as SVG and PDF; nothing where the extra is not installed."""
    contents: dict[str, bytes] = {}
    try:
        for drawing in draw_figures(audits):
            contents[f"figures/{drawing.name}.svg"] = drawing.svg.encode()
            contents[f"figures/{drawing.name}.pdf"] = drawing.pdf
    except MissingExtraError:
        return {}
    return contents
