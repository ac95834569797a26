"""What the folder says of itself: `datapackage.json`, `README.md`, `references.bib`."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

from confounds import text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from confounds.export._columns import Column, Sheet
    from confounds.results import Audit

NAME = "emergence-audit"
_CITATION = (
    "Cite the version of confounds named in `datapackage.json` (under `manifest`), the source of "
    "the scores, and the works in `references.bib`."
)
_FORMATS = {
    "csv": "text/csv",
    "parquet": "application/vnd.apache.parquet",
    "tex": "application/x-tex",
    "svg": "image/svg+xml",
    "pdf": "application/pdf",
    "bib": "application/x-bibtex",
}


def datapackage(
    audits: Sequence[Audit], sheets: Sequence[Sheet], contents: dict[str, bytes]
) -> bytes:
    """The description of the folder as a Frictionless data package.

    Args:
        audits: what was exported.
        sheets: the tables, for the meaning of their columns.
        contents: path in the folder -> what the file holds.
    """
    known = {sheet.name: sheet for sheet in sheets}
    document = {
        "$schema": "https://datapackage.org/profiles/2.0/datapackage.json",
        "name": NAME,
        "title": f"Audit of {text.plural(len(audits), 'claim')} of emergent ability",
        "description": "Verdicts, estimates and scores, as computed by confounds. Text that a "
        "spreadsheet would take for a formula has an apostrophe in front.",
        "resources": [
            _resource(path, content, known.get(path.rsplit(".", 1)[0]))
            for path, content in contents.items()
        ],
        "manifest": audits[0].manifest,
    }
    return _json(document)


def readme(
    audits: Sequence[Audit], sheets: Sequence[Sheet], contents: dict[str, bytes], *, drawn: bool
) -> bytes:
    """The folder in words: its files, and every column's meaning and unit."""
    parts = [
        "# Results of an audit of emergent abilities",
        _verdicts(audits),
        "## Files",
        _files(contents, sheets),
        _notes(contents, drawn=drawn),
        *(_columns(sheet) for sheet in sheets),
        "## Citation",
        _CITATION,
    ]
    return ("\n\n".join(part for part in parts if part) + "\n").encode()


def _resource(path: str, content: bytes, sheet: Sheet | None) -> dict[str, Any]:
    suffix = path.rsplit(".", 1)[1]
    resource: dict[str, Any] = {
        "name": path.lower().replace("/", "-").replace(".", "-"),
        "path": path,
        "format": suffix,
        "mediatype": _FORMATS[suffix],
        "bytes": len(content),
        "hash": f"sha256:{hashlib.sha256(content).hexdigest()}",
    }
    if sheet is None or suffix not in ("csv", "parquet"):
        return {**resource, "type": "file"}
    fields = [_field(column) for column in sheet.columns]
    if suffix == "parquet":
        # Validators read Parquet through frames that turn a missing whole number into NaN.
        return {**resource, "title": sheet.title, "type": "file", "columns": fields}
    schema = {"fields": fields, "missingValues": [""]}
    about = {"title": sheet.title, "type": "table", "encoding": "utf-8"}
    return {**resource, **about, "schema": schema}


def _field(column: Column) -> dict[str, str]:
    field = {
        "name": column.name,
        "type": column.kind,
        "description": column.meaning,
        "source": column.source,
    }
    return {**field, "unit": column.unit} if column.unit else field


def _verdicts(audits: Sequence[Audit]) -> str:
    rows = tuple(
        {
            "task": audit.claim.task,
            "metric": audit.claim.metric,
            "verdict": audit.verdict.label,
            "explained_by": audit.verdict.explained_by,
        }
        for audit in audits
    )
    return text.Table(("task", "metric", "verdict", "explained_by"), rows).markdown()


def _files(contents: dict[str, bytes], sheets: Sequence[Sheet]) -> str:
    titles = {sheet.name: sheet.title for sheet in sheets}
    titles["references"] = "what the method rests on"
    lines = [
        f"- `{path}`: {titles.get(path.rsplit('.', 1)[0], 'a table set for LaTeX')}"
        for path in contents
        if not path.startswith("figures/")
    ]
    figures = sum(path.startswith("figures/") for path in contents)
    if figures:
        lines.append(f"- `figures/`: {text.plural(figures, 'drawing')}, SVG and PDF")
    return "\n".join([*lines, "- `datapackage.json`: all of this for programs (Frictionless)"])


def _notes(contents: dict[str, bytes], *, drawn: bool) -> str:
    notes = []
    if any(path.endswith(".csv") for path in contents):
        notes.append(
            "CSV is UTF-8; a missing value is an empty cell. Text that begins with `=`, `+`, "
            "`-`, `@`, a tab or a line break has an apostrophe in front, so that no spreadsheet "
            "runs it; numbers are written in full and never changed. Control characters, and "
            "others that are not seen, are written as U+FFFD and their code; Parquet has names as "
            "they are."
        )
    if any(path.endswith(".tex") for path in contents):
        notes.append(
            "The LaTeX tables fit the width of a page. They need "
            "`\\usepackage{booktabs,longtable,siunitx,textcomp}` and `\\usepackage[T1]{fontenc}`. "
            "Numbers are written to six digits and rounded by `\\sisetup` in each table. Names in "
            "scripts other than Latin need XeLaTeX or LuaLaTeX."
        )
    if not drawn:
        notes.append(
            'Figures were not drawn: `pip install "emergence-confounds[report]"` and export again.'
        )
    return "\n\n".join(notes)


def _columns(sheet: Sheet) -> str:
    rows = tuple(
        {
            "column": column.name,
            "type": column.kind,
            "meaning": column.meaning,
            "unit": column.unit or None,
            "source": column.source,
        }
        for column in sheet.columns
    )
    table = text.Table(("column", "type", "meaning", "unit", "source"), rows)
    return f"## Columns of {sheet.name}\n\n{table.markdown()}"


def _json(document: dict[str, Any]) -> bytes:
    written = json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False)
    return f"{text.printable_json(written)}\n".encode()
