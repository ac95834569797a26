"""Wrong inputs: each gives one clear message, whatever the door it comes through."""

from __future__ import annotations

import csv as csv_module
import json
import os
from pathlib import Path

import pytest
from typer.testing import CliRunner

from confounds.cli import app
from confounds.errors import FormatError, InputError, OutcomesError
from confounds.ingest import read_outcomes

GOOD = "task,metric,model,score,n,family,parameters\na,accuracy,m1,0.5,10,f,1e9\n"


def csv(path: Path, text: str | bytes) -> Path:
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def raised(path: Path) -> InputError:
    with pytest.raises(InputError) as caught:
        read_outcomes(path)
    assert "\n" not in str(caught.value)
    assert caught.value.exit_code == 4
    return caught.value


def test_missing_column(tmp_path):
    error = raised(csv(tmp_path / "t.csv", "task,metric,model,n\na,accuracy,m,10\n"))
    assert isinstance(error, OutcomesError)
    assert "column 'score' is missing; it has: task, metric, model, n" in str(error)


def test_score_out_of_range(tmp_path):
    error = raised(csv(tmp_path / "t.csv", GOOD.replace("0.5", "-0.5")))
    assert str(error) == (
        "1 score is outside [0, 1]; the first is -0.5 in column 'score' (t.csv:2, task "
        "'a'). Rescale it, or name the metric's range."
    )


@pytest.mark.parametrize("code", ["-1", "-100", "-999.0"])
def test_a_code_for_missing(tmp_path, code):
    error = raised(csv(tmp_path / "t.csv", GOOD.replace("0.5", code)))
    assert f"List {float(code):g} under 'missing' in map.toml" in str(error)


def test_no_number_of_items(tmp_path):
    for path, text in (
        ("a.csv", GOOD.replace(",10,", ",,")),
        ("b.csv", GOOD.replace(",n,", ",k,")),
    ):
        error = raised(csv(tmp_path / path, text))
        assert "[[scores]] or [constants] of map.toml, or in tasks.csv" in str(error)


def test_percent_for_proportion(tmp_path):
    error = raised(csv(tmp_path / "t.csv", GOOD + "a,accuracy,m2,87.5,10,f,1e9\n"))
    assert str(error) == (
        "1 score is outside [0, 1]; the first is 87.5 in column 'score' (t.csv:3, task "
        "'a'). Rescale it (percent: multiply = 0.01 in [[scores]] of map.toml), or name the "
        "metric's range."
    )


@pytest.mark.parametrize("value", ["NaN", "nan", "inf", "0", "-7", "7B"])
def test_size_that_is_none(tmp_path, value):
    error = raised(csv(tmp_path / "t.csv", GOOD.replace("1e9", value)))
    assert "column 'parameters' in t.csv:2 is" in str(error)


def test_empty_file(tmp_path):
    for name in ("t.csv", "t.jsonl", "t.parquet", "t.json"):
        error = raised(csv(tmp_path / name, ""))
        assert isinstance(error, FormatError)
        assert "the file is empty" in str(error)


def test_header_without_rows(tmp_path):
    error = raised(csv(tmp_path / "t.csv", GOOD.splitlines()[0] + "\n"))
    assert str(error) == f"{tmp_path / 't.csv'}: no scores are there; at least one is needed"


def test_truncated_json(tmp_path):
    error = raised(csv(tmp_path / "t.json", '{"results": {"a": {"acc": 0.5'))
    assert isinstance(error, FormatError)
    assert "t.json: the file is cut short (Expecting ',' delimiter at line 1 col" in str(error)
    error = raised(csv(tmp_path / "t.jsonl", '{"task": "a", "metric": "accuracy", "mod'))
    assert "t.jsonl:1: not valid JSON" in str(error)


def test_json_of_another_kind(tmp_path):
    error = raised(csv(tmp_path / "t.json", '{"scores": 1}'))
    assert "not recognised as any of the formats" in str(error)


def test_wrong_encoding(tmp_path):
    text = GOOD.replace("m1", "modèle").encode("latin-1")
    error = raised(csv(tmp_path / "t.csv", text))
    assert isinstance(error, FormatError)
    assert "t.csv:2: byte 0xe8 is not UTF-8" in str(error)


def test_utf16(tmp_path):
    error = raised(csv(tmp_path / "t.csv", GOOD.encode("utf-16")))
    assert "byte 0xff is not UTF-8" in str(error)


def test_unknown_metric(tmp_path):
    error = raised(csv(tmp_path / "t.csv", GOOD.replace("accuracy", "acuracy")))
    assert "unknown metric 'acuracy' (t.csv:2)" in str(error)
    assert "[metrics.acuracy] table in map.toml" in str(error)


def test_duplicates_with_different_scores(tmp_path):
    error = raised(csv(tmp_path / "t.csv", GOOD + GOOD.splitlines()[1].replace("0.5", "0.6")))
    assert "the first: t.csv:3 has score 0.6, t.csv:2 has 0.5" in str(error)
    assert "seed, run, item" in str(error)


def test_unreadable_parquet(tmp_path):
    error = raised(csv(tmp_path / "t.parquet", b"PAR1 this is no parquet file PAR1"))
    assert isinstance(error, FormatError)
    assert "not a readable Parquet file" in str(error)


def test_absent_file_and_empty_folder(tmp_path):
    assert "No such file" in str(raised(tmp_path / "absent.csv"))
    assert "no file in this folder is recognised" in str(raised(tmp_path))


def test_ragged_lines(tmp_path):
    error = raised(csv(tmp_path / "t.csv", GOOD + "a,accuracy,m2,0.5,10,f,1e9,extra\n"))
    assert "t.csv:3: 8 cells, where the header has 7 columns" in str(error)


def test_level_that_is_not_allowed(tmp_path):
    text = "task,metric,model,score,n,reasoning\na,accuracy,m,0.5,10,cot\n"
    error = raised(csv(tmp_path / "t.csv", text))
    assert "column 'reasoning' in t.csv:2 is 'cot'; allowed: direct, chain" in str(error)


@pytest.mark.parametrize("value", ["[" * 100_000, "1" * 10_000])
def test_lines_that_exhaust_a_parser(tmp_path, value):
    error = raised(csv(tmp_path / "t.jsonl", f'{{"task": "a", "metric": {value}'))
    assert "t.jsonl:1: nested too deeply, or a number too long" in str(error)


@pytest.mark.parametrize("name", ["t.xlsx", "t.tsv"])
def test_a_sheet_is_to_be_saved_as_csv(tmp_path, name):
    (tmp_path / name).write_text("a\tb\n")
    with pytest.raises(FormatError, match=r"save the table as \.csv"):
        read_outcomes(tmp_path / name)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes with names on this system")
def test_a_pipe_is_refused_and_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "t.csv")
    with pytest.raises(FormatError, match="is a pipe"):
        read_outcomes(tmp_path / "t.csv")


@pytest.mark.skipif(not Path("/dev/zero").exists(), reason="no such device on this system")
@pytest.mark.parametrize("device", ["/dev/zero", "/dev/null"])
def test_a_device_is_refused_and_not_read(tmp_path, device):
    (tmp_path / "t.csv").symlink_to(device)
    with pytest.raises(FormatError, match=r"t\.csv: is a device"):
        read_outcomes(tmp_path / "t.csv")
    with pytest.raises(FormatError, match="no file in this folder"):
        read_outcomes(tmp_path)


def test_a_link_to_itself_is_no_file(tmp_path):
    path = tmp_path / "t.csv"
    path.symlink_to(path)
    done = CliRunner().invoke(app, ["ingest", str(path), "--out", str(tmp_path / "o.parquet")])
    assert done.exit_code == 4
    assert "t.csv: cannot be read" in done.output


@pytest.mark.parametrize("name", ["t.csv.gz", "t.jsonl.zst", "t.zip"])
def test_what_is_packed_is_to_be_unpacked(tmp_path, name):
    (tmp_path / name).write_bytes(b"\x1f\x8b")
    with pytest.raises(FormatError, match="unpack it first"):
        read_outcomes(tmp_path / name)


def test_columns_without_end_are_refused_at_once(tmp_path):
    wide = ",".join(f"c{number}" for number in range(200_000))
    error = raised(csv(tmp_path / "t.csv", f"{wide}\n{wide}\n"))
    assert "t.csv:1: 200000 columns; at most 10000 are read" in str(error)
    row = {"task": "t", "metric": "accuracy", "model": "m", "score": 1, "n": 1}
    for count in (9_000, 10_000):
        line = json.dumps({**row, **{f"c{number}": "x" for number in range(count)}})
        (tmp_path / "t.jsonl").write_text(f"{line}\n")
        if count == 9_000:
            found = read_outcomes(tmp_path / "t.jsonl").notes
            assert [one.count for one in found if one.kind == "unused_columns"] == [9_000]
    assert "t.jsonl: 10005 columns" in str(raised(tmp_path / "t.jsonl"))


@pytest.fixture
def usual_limit():
    """The longest cell that the standard library reads; other libraries change it for everyone."""
    before = csv_module.field_size_limit(131_072)
    yield
    csv_module.field_size_limit(before)


@pytest.mark.usefixtures("usual_limit")
def test_a_cell_too_long_to_be_one_is_refused(tmp_path):
    long = "m" * 200_000
    error = raised(csv(tmp_path / "long.csv", f"{long}\n1\n"))
    assert "long.csv:1: not readable as CSV" in str(error)
    table, models = tmp_path / "t.csv", tmp_path / "models.csv"
    table.write_text(GOOD)
    models.write_text(f"model\n{long}\n")
    with pytest.raises(InputError, match=r"models\.csv: not readable as CSV"):
        read_outcomes(table, models=models)
