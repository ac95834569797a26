"""Exported tables hold the audit's numbers, describe themselves, and run nowhere."""

from __future__ import annotations

import csv
import hashlib
import importlib.util
import json
import re
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq
import pytest
from explored import NOT_OFF
from hypothesis import given
from hypothesis import strategies as st

from confounds import export
from confounds.errors import MissingExtraError, NothingSelectedError, UsageError
from confounds.export import _files, _latex, export_audits, latex_table
from confounds.export._columns import Column, Sheet
from confounds.outcomes import Outcomes
from confounds.results import Estimate
from confounds.text import printable

drawn = pytest.mark.skipif(
    importlib.util.find_spec("altair") is None, reason="the [report] extra is not installed"
)
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")
CASTS = {"string": str, "number": float, "integer": int, "boolean": {"true": 1, "false": 0}.get}


@pytest.fixture
def no_figures(monkeypatch) -> None:
    absent = MissingExtraError("altair", "report")

    def missing(_: object) -> None:
        raise absent

    monkeypatch.setattr(export, "draw_figures", missing)


@pytest.fixture
def folder(audits, tmp_path, no_figures) -> Path:
    export_audits(audits, tmp_path / "out", formats=("csv", "parquet", "latex"))
    return tmp_path / "out"


def read(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_every_number_of_the_audits_is_exported_in_full(audits, folder) -> None:
    rows = read(folder / "verdicts.csv")
    assert [row["label"] for row in rows] == [audit.verdict.label for audit in audits]
    assert float(rows[0]["effect"]) == audits[0].fits[0]["effect"].estimate
    assert float(rows[0]["threshold_upper"]) == audits[0].fits[0]["threshold"].ci_upper
    assert float(rows[0]["p_two_level"]) == audits[0].fits[0].p_two_level
    assert rows[4]["effect"] == rows[4]["models"] == ""
    assert rows[2]["certain"] == "; ".join(audits[2].verdict.certain) != ""
    rivals = read(folder / "rivals.csv")
    assert len(rivals) == sum(len(audit.tests) for audit in audits)
    left = [float(row["left"]) for row in rivals if row["left"]]
    assert left == [test.effect.estimate for a in audits for test in a.tests if test.effect]
    tidy = pd.concat([audit.tidy() for audit in audits])
    beside = ("published", "specification curve")
    estimates = [row for row in read(folder / "estimates.csv") if row["part"] not in beside]
    assert [float(row["estimate"]) for row in estimates] == tidy["estimate"].tolist()


def test_the_description_fits_every_file(folder) -> None:
    package = json.loads((folder / "datapackage.json").read_text(encoding="utf-8"))
    described = {resource["path"] for resource in package["resources"]}
    present = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}
    assert present == described | {"datapackage.json", "README.md"}
    names = [resource["name"] for resource in package["resources"]]
    assert len(set(names)) == len(names)
    for resource in package["resources"]:
        content = (folder / resource["path"]).read_bytes()
        assert re.fullmatch(r"[a-z0-9._-]+", resource["name"])
        assert resource["bytes"] == len(content)
        assert resource["hash"] == f"sha256:{hashlib.sha256(content).hexdigest()}"


def test_every_column_is_described_and_every_value_is_of_its_type(folder) -> None:
    package = json.loads((folder / "datapackage.json").read_text(encoding="utf-8"))
    tables = [item for item in package["resources"] if item["format"] == "csv"]
    assert {table["path"] for table in tables} == {
        f"{name}.csv"
        for name in [
            *("verdicts", "estimates", "rivals", "points", "curves", "sharpness", "findings"),
            *("attribution", "specifications", "power", "slices", "remarks"),
        ]
    }
    for table in tables:
        rows = read(folder / table["path"])
        fields = table["schema"]["fields"]
        assert list(rows[0]) == [field["name"] for field in fields]
        for field in fields:
            assert field["description"]
            assert field["source"]
            cast = CASTS[field["type"]]
            assert all(cast(row[field["name"]]) is not None for row in rows if row[field["name"]])


def test_frictionless_finds_the_package_valid(folder) -> None:
    frictionless = pytest.importorskip("frictionless", reason="frictionless is not installed")
    report = frictionless.validate(str(folder / "datapackage.json"))
    assert report.valid, report.flatten(["name", "rowNumber", "fieldName", "message"])


def test_what_stands_around_a_verdict_is_exported(audits, folder) -> None:
    explored = audits[1].exploration
    shares = read(folder / "attribution.csv")
    known = [item for found in explored.attribution for item in found.shares]
    assert [float(row["estimate"]) for row in shares if row["estimate"]] == [
        item.estimate for item in known
    ]
    assert [row["reason"] for row in shares if row["reason"]] == [
        "the metric is no proportion",
        *["shots and tuning vary together"] * 2,
    ]
    made = read(folder / "specifications.csv")
    assert len(made) == len(explored.multiverse.specifications)
    own = [row["choices"] for row in made if row["own"] == "true"]
    assert own == ["scale=compute; metric=exact_match; null=gradual; baseline=chance"]
    assert len(read(folder / "power.csv")) == 8 + 5 + 1
    joint = [row for row in read(folder / "estimates.csv") if row["part"] == "specification curve"]
    assert [row["term"] for row in joint] == ["median_effect", "share_significant"]
    remarks = [(row["about"], row["kind"], row["remark"]) for row in read(folder / "remarks.csv")]
    assert remarks.count(("attribution", "note", NOT_OFF)) == 1
    assert remarks.count(("power", "refused", "only 4 models have a known size")) == 1
    assert ("specification curve", "note", "all 24 specifications were run") in remarks
    assert len(read(folder / "slices.csv")) == 3 * 13


def test_parquet_holds_what_csv_holds(folder) -> None:
    table = pq.read_table(folder / "rivals.parquet")
    rows = read(folder / "rivals.csv")
    known = [row["left"] for row in rows]
    assert [None if text == "" else float(text) for text in known] == table["left"].to_pylist()
    assert str(table.schema.field("models_needed").type) == "int64"
    about = table.schema.field("left").metadata
    assert about[b"unit"] == b"score points"


def test_latex_holds_the_numbers_of_the_audit(audits, folder) -> None:
    tex = (folder / "verdicts.tex").read_text(encoding="utf-8")
    lines = [line for line in tex.splitlines() if line.startswith("    hindu")]
    cells = [cell.strip() for cell in lines[0].rstrip("\\ ").split("&")]
    assert cells == [
        r"hindu\_knowledge", "explained", "0.31", "0.21", "0.4",
        r"{\textless{}0.001}", "17", r"in\_context",
    ]  # fmt: skip
    assert r"\begin{tabular}{llS[table-format=1.2]S[table-format=-1.2]S[table-format=1.2]" in tex
    assert tex.count(r"\\") == len(audits) + 1
    assert r"\toprule" in tex


def test_caption_and_label_are_the_authors(audits) -> None:
    tex = latex_table(audits, "rivals", caption="50% of {claims} & more", label="tab:mine")
    assert r"\caption{50\% of \{claims\} \& more}" in tex
    assert r"\label{tab:mine}" in tex
    with pytest.raises(UsageError, match="no LaTeX table 'x'; there are: verdicts, rivals"):
        latex_table(audits, "x")


@given(st.text(max_size=40))
def test_escaped_text_has_no_command_but_those_that_stand_for_characters(value: str) -> None:
    escaped = _latex.escape(value)
    commands = r"\\(textbackslash|textasciitilde|textasciicircum|textless|textgreater"
    commands += r"|textquotedbl|textquotesingle|textasciigrave)\{\}|\\[{}$&%#_]|\\texttt\{\?\}"
    assert not set(re.sub(commands, "", escaped)) & set("\\{}$&%#_~^\n\r")


def test_an_interval_without_end_is_set(audits) -> None:
    fit = audits[0].fits[0]
    open_ended = Estimate("effect", 0.3, ci_lower=0.1, ci_upper=float("inf"))
    fit = replace(fit, estimates=(open_ended, *fit.estimates[2:]))
    tex = latex_table((replace(audits[0], fits=(fit,)),))
    assert r"{$\infty$}" in tex


@pytest.mark.parametrize("start", FORMULA)
def test_no_text_becomes_a_formula(start, audits, tmp_path, no_figures) -> None:
    name = f"{start}HYPERLINK(1)"
    claim = replace(audits[0].claim, task=name)
    points = tuple({**point, "model": name} for point in audits[0].points[:4])
    hostile = replace(audits[0], claim=claim, points=points)
    export_audits((hostile,), tmp_path)
    for path in tmp_path.glob("*.csv"):
        with path.open(encoding="utf-8", newline="") as file:
            cells = [cell for row in csv.reader(file) for cell in row]
        texts = [cell for cell in cells if not re.fullmatch(r"-?[\d.]+(e-?\d+)?|-INF", cell)]
        assert not [
            cell for cell in texts if cell.startswith(("=", "+", "-", "@", "\t", "\r", "\n"))
        ]
    shown = printable(name)
    assert read(tmp_path / "verdicts.csv")[0]["task"] == (shown if start == "\r" else f"'{shown}")


@given(st.floats(allow_nan=False))
def test_numbers_are_never_changed(value: float) -> None:
    sheet = Sheet("a", "a", (Column("x", "number", "x"),), ({"x": value},))
    written = _files.csv_bytes(sheet).decode().splitlines()[1]
    assert float(written) == value
    assert not written.startswith("'")


@pytest.mark.parametrize("value", ["-5", "+1e3", "-.5"])
def test_a_number_written_as_text_stays_as_it_is(value: str) -> None:
    assert _files.inert(value) == value


def test_the_table_is_exported_as_it_was_audited(audits, tmp_path, no_figures) -> None:
    frame = pd.DataFrame(
        {
            "task": [audits[0].claim.task, audits[0].claim.task, "not audited"],
            "metric": ["exact_match"] * 3,
            "model": ["m", "=n", "m"],
            "family": ["f"] * 3,
            "score": [0.5, 0.25, 0.5],
            "n": [4, 8, 2],
            "parameters": [1e9, float("nan"), 1e9],
            "shots": [None, None, 3],
        }
    )
    export_audits(audits[:1], tmp_path, outcomes=Outcomes(frame))
    rows = read(tmp_path / "outcomes.csv")
    assert [row["model"] for row in rows] == ["m", "'=n"]
    assert [row["parameters"] for row in rows] == ["1000000000.0", ""]
    assert [row["n"] for row in rows] == ["4", "8"]
    assert "shots" not in rows[0]


def test_exporting_again_removes_only_what_was_exported_and_left_alone(
    audits, tmp_path, folder
) -> None:
    (folder / "mine.csv").write_text("a\n1\n")
    (folder / "rivals.tex").write_text("set by hand")
    outside = tmp_path / "outside.csv"
    outside.write_text("kept")
    package = json.loads((folder / "datapackage.json").read_text(encoding="utf-8"))
    checksum = hashlib.sha256(b"kept").hexdigest()
    package["resources"].append({"path": "../outside.csv", "hash": f"sha256:{checksum}"})
    (folder / "datapackage.json").write_text(json.dumps(package), encoding="utf-8")
    written = export_audits(audits, folder)
    present = {path for path in folder.rglob("*") if path.is_file()}
    assert present == {*written, folder / "mine.csv", folder / "rivals.tex"}
    assert not {path for path in written if path.suffix in (".tex", ".parquet")}
    assert outside.read_text() == "kept"


@pytest.mark.parametrize("package", ["[]", "not json", '{"name": "other"}', None])
def test_no_file_is_removed_on_the_word_of_another_program(
    audits, tmp_path, no_figures, package
) -> None:
    content = b"x"
    (tmp_path / "verdicts.tex").write_bytes(content)
    checksum = f"sha256:{hashlib.sha256(content).hexdigest()}"
    other = {"name": "other", "resources": [{"path": "verdicts.tex", "hash": checksum}]}
    (tmp_path / "datapackage.json").write_text(package or json.dumps(other))
    export_audits(audits, tmp_path)
    assert (tmp_path / "verdicts.tex").read_bytes() == content


def test_without_the_extra_the_readme_says_what_is_missing(folder) -> None:
    readme = (folder / "README.md").read_text(encoding="utf-8")
    assert 'pip install "emergence-confounds[report]"' in readme
    assert "| hindu_knowledge | exact_match | explained | in_context |" in readme
    assert not (folder / "figures").exists()


@drawn
def test_figures_are_drawn_the_same_every_time(audits, tmp_path) -> None:
    first = export_audits(audits[3:], tmp_path / "a")
    second = export_audits(audits[3:], tmp_path / "b")
    assert [path.read_bytes() for path in first] == [path.read_bytes() for path in second]
    names = sorted(path.name for path in (tmp_path / "a" / "figures").iterdir())
    assert names == [
        f"{stem}.{suffix}"
        for stem in (
            "001-misconceptions-curve",
            "001-misconceptions-residuals",
            "001-misconceptions-rivals",
            "001-misconceptions-sharpness",
            "002-codenames-curve",
        )
        for suffix in ("pdf", "svg")
    ]
    assert (tmp_path / "a" / "figures" / names[0]).read_bytes().startswith(b"%PDF")
    svg = (tmp_path / "a" / "figures" / names[1]).read_text(encoding="utf-8")
    assert "var(" not in svg
    assert "currentColor" not in svg


def test_what_cannot_be_exported_is_said(audits, tmp_path) -> None:
    with pytest.raises(UsageError, match="no export format 'xlsx'; there are: csv, parquet, latex"):
        export_audits(audits, tmp_path, formats=("csv", "xlsx"))
    with pytest.raises(NothingSelectedError, match="there is no audit to export"):
        export_audits((), tmp_path)
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match="is a file; name a folder"):
        export_audits(audits, tmp_path / "file")
    assert [path.name for path in tmp_path.iterdir()] == ["file"]
