from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from confounds.errors import FormatError, OutcomesError, UsageError
from confounds.ingest import read_outcomes
from confounds.measures import Measure
from confounds.outcomes import Outcomes, stream
from confounds.outcomes.storage import from_arrow, read_text
from confounds.results import Finding

POINTS = Measure("points", "linear", 0, 100)


@pytest.fixture
def outcomes() -> Outcomes:
    frame = pd.DataFrame(
        {
            "task": "a",
            "metric": ["points", "accuracy"],
            "model": 'x "quoted", with a comma',
            "score": [87.5, 1 / 3],
            "n": [10, 30],
            "shots": [0, None],
            "seed": [None, 7],
            "family": "f",
            "source": "a.csv:2",
        }
    )
    note = Finding("seen", "Something was seen", 3, ("here", "there"), "note")
    return Outcomes(frame, measures={"points": POINTS}, notes=(note,))


def test_parquet_is_zstd_and_keeps_measures_and_notes(outcomes, tmp_path):
    path = outcomes.write(tmp_path / "t.parquet")
    assert pq.ParquetFile(path).metadata.row_group(0).column(0).compression == "ZSTD"
    again = Outcomes.read(path)
    assert again.measures == outcomes.measures
    assert again.notes == outcomes.notes
    assert again.digest() == outcomes.digest()


def test_whole_numbers_are_whole_on_disk(outcomes, tmp_path):
    schema = pq.read_schema(outcomes.write(tmp_path / "t.parquet"))
    assert {str(schema.field(name).type) for name in ("n", "shots", "seed")} == {"int64"}
    header, first, *_ = outcomes.write(tmp_path / "t.csv").read_text().splitlines()
    assert "87.5,10," in first
    assert ".0" not in first
    line = outcomes.write(tmp_path / "t.jsonl").read_text().splitlines()[0]
    assert json.loads(line)["shots"] == 0
    assert "seed" not in json.loads(line)
    assert header.startswith("task,metric,model,score,n,item,chance")


@pytest.mark.parametrize("suffix", [".csv", ".jsonl"])
def test_text_files_keep_declarations_and_notes_beside_them(outcomes, tmp_path, suffix):
    path = outcomes.write(tmp_path / f"t{suffix}")
    assert {one.name for one in tmp_path.iterdir()} == {path.name, f"{path.name}.meta.json"}
    for again in (Outcomes.read(path), stream(path), read_outcomes(path), read_outcomes(tmp_path)):
        assert again.measures == outcomes.measures
        assert again.notes[: len(outcomes.notes)] == outcomes.notes
    assert Outcomes.read(path).digest() == outcomes.digest()


def test_notes_are_of_the_table_as_it_was_written(outcomes, tmp_path):
    path = outcomes.write(tmp_path / "t.csv")
    path.write_text(path.read_text().replace("87.5", "88.5"))
    again = Outcomes.read(path)
    assert again.measures == outcomes.measures
    assert again.notes == ()


def test_text_files_alone_need_the_declarations_again(outcomes, tmp_path):
    path = outcomes.write(tmp_path / "t.csv")
    (tmp_path / "t.csv.meta.json").unlink()
    with pytest.raises(OutcomesError, match=rf"{path}: unknown metric 'points'"):
        Outcomes.read(path)
    again = Outcomes.read(path, measures={"points": POINTS})
    assert again.digest() == outcomes.digest()


def test_a_table_with_nothing_to_keep_has_no_file_beside_it(outcomes, tmp_path):
    path = outcomes.write(tmp_path / "t.csv")
    plain = Outcomes(outcomes.select(metric="accuracy").frame)
    plain.write(path)
    assert [one.name for one in tmp_path.iterdir()] == ["t.csv"]


@pytest.mark.parametrize("content", ["not json", "[]", '{"measures": [{"name": "x"}]}'])
def test_a_strange_file_beside_a_table_is_an_error(outcomes, tmp_path, content):
    path = outcomes.write(tmp_path / "t.csv")
    (tmp_path / "t.csv.meta.json").write_text(content)
    with pytest.raises(FormatError, match=r"t\.csv\.meta\.json: .*cannot be read"):
        Outcomes.read(path)


def test_same_table_same_bytes(outcomes, tmp_path):
    for suffix in (".parquet", ".csv", ".jsonl"):
        one = outcomes.write(tmp_path / f"one{suffix}").read_bytes()
        assert one == outcomes.write(tmp_path / f"two{suffix}").read_bytes()


def test_name_must_say_the_kind(outcomes, tmp_path):
    with pytest.raises(UsageError, match=r"must end in .parquet, .csv, .jsonl"):
        outcomes.write(tmp_path / "t.xlsx")
    with pytest.raises(UsageError, match=r"must end in .parquet, .csv, .jsonl"):
        Outcomes.read(tmp_path / "t.xlsx")


def test_failed_write_leaves_nothing(outcomes, tmp_path, monkeypatch):
    def fail(*_args, **_kwargs):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("confounds.outcomes.storage.pq.write_table", fail)
    with pytest.raises(OSError, match="No space left"):
        outcomes.write(tmp_path / "t.parquet")
    assert list(tmp_path.iterdir()) == []


def test_parquet_of_others_needs_no_metadata(tmp_path):
    path = tmp_path / "t.parquet"
    row = {"task": "a", "metric": "accuracy", "model": "m", "score": 0.5, "n": 10, "family": "f"}
    pd.DataFrame([row]).astype({"task": "category"}).to_parquet(path)
    table = Outcomes.read(path)
    assert table.frame["task"].tolist() == ["a"]
    assert table.notes == ()


def test_parquet_with_strange_metadata_is_an_error(outcomes, tmp_path):
    path = outcomes.write(tmp_path / "t.parquet")
    table = pq.read_table(path)
    for kept in (b"not json", b'{"measures": [{"name": "x"}]}'):
        pq.write_table(table.replace_schema_metadata({b"confounds": kept}), path)
        with pytest.raises(FormatError, match="declarations of metrics cannot be read"):
            Outcomes.read(path)


@pytest.mark.parametrize(
    ("name", "raw", "message"),
    [
        ("t.csv", b"", "the file is empty"),
        ("t.csv", b"task,metric\na,b,c\n", r"t\.csv:2: 3 cells, where the header has 2 columns"),
        ("t.csv", b"task\n\xe8\n", "t.csv:2: byte 0xe8 is not UTF-8"),
        ("t.jsonl", b'{"task": "a"}\n{"task"', "t.jsonl:2: not valid JSON"),
        ("t.jsonl", b"[1]\n", "t.jsonl:1: each line must be a JSON object"),
        ("t.jsonl", b"\n\n", "holds no rows"),
        ("t.parquet", b"PAR1PAR1", "not a readable Parquet file"),
    ],
)
def test_unreadable_file_is_one_clear_error(tmp_path, name, raw, message):
    path = tmp_path / name
    path.write_bytes(raw)
    with pytest.raises(FormatError, match=message):
        Outcomes.read(path)


def test_absent_file(tmp_path):
    with pytest.raises(FormatError, match="cannot be read"):
        Outcomes.read(tmp_path / "absent.csv")


def test_byte_order_mark_is_no_part_of_a_name(tmp_path: Path):
    path = tmp_path / "t.csv"
    path.write_bytes(b"\xef\xbb\xbftask,metric,model,score,n\na,accuracy,m,0.5,10\n")
    assert Outcomes.read(path).tasks == ("a",)
    assert read_text(path).startswith("task")


def test_texts_that_are_equal_are_read_as_one_object(tmp_path):
    """A table of items repeats few texts very often: as many objects would fill its memory."""
    texts = pa.chunked_array([["addition", None, "addition"], ["sorting", "addition"]])
    pq.write_table(pa.table({"task": texts}), tmp_path / "table.parquet", row_group_size=3)
    read = from_arrow(pq.read_table(tmp_path / "table.parquet"))["task"].to_numpy()
    assert list(read) == ["addition", None, "addition", "sorting", "addition"]
    assert read[0] is read[2] is read[4]


@pytest.mark.parametrize("suffix", [".jsonl", ".parquet"])
def test_items_that_are_named_by_large_numbers_keep_all_digits(tmp_path, suffix):
    """Beside a row without an item they became floats, and items beyond 2^53 one another."""
    same = {"task": "a", "metric": "accuracy", "model": "m", "score": 1.0, "n": 1}
    rows = [{**same, "item": 2**60 + number} for number in range(3)]
    rows.append({**same, "task": "b", "item": None})
    path = tmp_path / f"t{suffix}"
    if suffix == ".parquet":
        pq.write_table(pa.Table.from_pylist(rows), path)
    else:
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    wanted = [str(row["item"]) for row in rows[:3]]
    assert Outcomes.read(path).frame["item"].dropna().tolist() == wanted
    (tmp_path / "u.csv").write_text("task,metric,model,score,n\nc,accuracy,m,0.5,9\n")
    assert read_outcomes(tmp_path).frame["item"].dropna().tolist() == wanted
    path.write_bytes(path.read_bytes().replace(b'"item": null', b'"item": 7'))
    assert read_outcomes(tmp_path).frame["item"].dropna().tolist()[:3] == wanted
