"""Names with control characters are text in every file, and names that differ still differ."""

from __future__ import annotations

import csv
import json
import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from confounds import export
from confounds.cli import app
from confounds.export import latex_table
from confounds.text import Table, printable, printable_json

NAMES = ("evil\x1b[2J", "evil\x1c[2J", "evil\x9b2J", "evil\x7f", "evil\u202e", "evil\u200b", "evil")
STEERING = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u200b\u202a-\u202e\u2066-\u2069]")


@pytest.mark.report
@pytest.mark.parametrize("interactive", [False, True])
def test_a_page_holds_none_and_shows_every_name(tmp_path, hostile, interactive):
    from confounds.report import write_report

    outcomes, audits = hostile(*NAMES)
    path = write_report(audits, tmp_path / "a.html", outcomes=outcomes, interactive=interactive)
    page = path.read_text(encoding="utf-8").split('<script type="module">')[0]
    assert not STEERING.search(page)
    assert "\\u001b" not in page
    for number, name in enumerate(NAMES):
        assert f"{printable(name)}{number}" in page, name


def test_exported_tables_hold_none_and_names_stay_apart(tmp_path, hostile, monkeypatch):
    monkeypatch.setattr(export, "_figures", lambda _: {})
    outcomes, audits = hostile(*NAMES)
    written = export.export_audits(
        audits, tmp_path, outcomes=outcomes, formats=("csv", "latex", "parquet")
    )
    for path in written:
        if path.suffix != ".parquet":
            assert not STEERING.search(path.read_bytes().decode()), path.name
    with (tmp_path / "outcomes.csv").open(encoding="utf-8", newline="") as file:
        assert len({row["family"] for row in csv.DictReader(file)}) == len(NAMES)


def test_names_stay_apart_in_every_kind_of_table(hostile):
    names = [*NAMES, "two\nlines", "two\tlines", "two lines"]
    table = Table(("task",), tuple({"task": name} for name in names))
    for shown in (table.text(), table.markdown(), table.html().replace("<tr>", "\n<tr>")):
        assert len(set(shown.strip().split("\n"))) >= len(names) + 1
    _, (audit,) = hostile(*NAMES)
    claims = (replace(audit.claim, id=name, task=name) for name in names)
    tex = latex_table([replace(audit, claim=claim) for claim in claims])
    rows = [line for line in tex.splitlines() if line.startswith(("    evil", "    two"))]
    assert len(set(rows)) == len(names)


def test_documents_keep_names_and_steer_nothing(tmp_path, hostile):
    outcomes, _ = hostile(*NAMES)
    path = tmp_path / "t.csv"
    outcomes.write(path)
    done = CliRunner().invoke(app, ["check", str(path), "--json"])
    assert not STEERING.search(done.stdout)
    assert json.loads(done.stdout)["outcomes"]["models"] == sorted(outcomes.models)


@given(st.text(alphabet="a�\x1b\x1c\x9b\u202e\u200b01BC", max_size=6))
def test_what_is_marked_is_marked_once_and_documents_lose_nothing(name):
    assert printable(printable(name)) == printable(name)
    assert not STEERING.search(printable(name))
    document = json.dumps([name], ensure_ascii=False)
    assert json.loads(printable_json(document)) == [name]
    assert not STEERING.search(printable_json(document))
