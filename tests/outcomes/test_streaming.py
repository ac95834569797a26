from __future__ import annotations

import json
import subprocess
import sys

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from confounds.errors import FormatError, OutcomesError, UsageError
from confounds.outcomes import Outcomes, stream

SCHEMA = pa.schema(
    {
        **dict.fromkeys(("task", "metric", "model", "family", "item"), pa.string()),
        "score": pa.float64(),
        "n": pa.int64(),
    }
)
ROW = {"task": "a", "metric": "accuracy", "model": "m", "score": 1.0, "n": 1, "family": "f"}


def items(**changes) -> pd.DataFrame:
    frame = pd.DataFrame([{**ROW, "item": f"i{number}"} for number in range(6)])
    frame = frame.astype(object)
    for name, value in changes.items():
        frame.loc[3, name] = value
    return frame


def write(frame: pd.DataFrame, path):
    if path.suffix == ".jsonl":
        frame.to_json(path, orient="records", lines=True)
    else:
        frame.to_csv(path, index=False)
    return path


@pytest.mark.parametrize("suffix", [".csv", ".jsonl"])
@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"score": 87.5}, r"outside \[0, 1\] in 1 run; the first is 87.5 in column 'score' \(task"),
        ({"score": "high"}, "column 'score' holds 'high'; it must be a number"),
        ({"score": None}, "column 'score' is empty or NaN"),
        ({"n": None}, "column 'n' is empty or NaN"),
        ({"n": 4}, "a row with an item has n = 1"),
        ({"item": None}, "an average of a run stands beside its items"),
        ({"metric": "novel"}, "unknown metric 'novel'"),
        ({"model": None}, "column 'model' is empty; it must be a text"),
    ],
)
def test_wrong_rows_are_one_clear_error(tmp_path, suffix, changes, message):
    with pytest.raises(OutcomesError, match=message):
        stream(write(items(**changes), tmp_path / f"t{suffix}"))


def test_unreadable_files(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("task,metric,model,n\na,accuracy,m,1\n")
    with pytest.raises(OutcomesError, match="column 'score' is missing; required"):
        stream(path)
    path.write_bytes(b"task,metric,model,score,n\na,accuracy,m\xe8,1,1\n")
    with pytest.raises(FormatError, match=r"t\.csv:2: not UTF-8"):
        stream(path)
    (tmp_path / "t.jsonl").write_text('{"task": "a", "metric"')
    with pytest.raises(FormatError, match=r"t\.jsonl:1: not valid JSON"):
        stream(tmp_path / "t.jsonl")
    (tmp_path / "t.parquet").write_bytes(b"PAR1")
    with pytest.raises(FormatError, match="not a readable Parquet file"):
        stream(tmp_path / "t.parquet")
    with pytest.raises(UsageError):
        stream(tmp_path / "t.txt")


def test_averages_pass_through_and_their_repeats_are_noted(tmp_path):
    frame = pd.DataFrame([{**ROW, "score": 0.5, "n": 40}] * 2)
    outcomes = stream(write(frame, tmp_path / "t.csv"))
    assert outcomes.frame[["score", "n"]].to_numpy().tolist() == [[0.5, 40]]
    assert [(note.kind, note.count) for note in outcomes.notes] == [("duplicate_rows", 1)]
    frame.loc[1, "score"] = 0.6
    with pytest.raises(OutcomesError, match="rows repeat an earlier row with another score or n"):
        stream(write(frame, tmp_path / "t.csv"))


def test_what_the_first_lines_of_json_lack_or_write_as_whole_numbers_is_read_all_the_same(
    tmp_path,
):
    """Conditions were merged, and fractions rounded, that came after 20,480 lines."""
    path = tmp_path / "t.jsonl"
    first = [{**ROW, "item": f"i{number}", "score": 0} for number in range(21_000)]
    late = {**ROW, "score": 0.5, "seed": 1}
    rows = [*first, {**late, "item": "i0"}, {**late, "item": "i1", "shots": 5, "score": 1}]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    frame = stream(path).frame.sort_values("score")
    assert frame["score"].tolist() == [0, 0.5, 1]
    assert frame["n"].tolist() == [21_000, 1, 1]
    assert frame["shots"].tolist()[2:] == [5]
    assert frame["seed"].tolist()[1:] == [1, 1]
    assert frame["shots"].isna().tolist() == [True, True, False]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ('{"task": "a", "score": 0.1, "score": 0.9}', "'score' is there twice; name each once"),
        ("[1]", "each line must be a JSON object"),
        ('{"task": "a"', "not valid JSON"),
    ],
)
def test_a_wrong_line_of_json_is_named(tmp_path, line, message):
    path = write(items(), tmp_path / "t.jsonl")
    path.write_text(path.read_text() + f"\n\n{line}\n")
    with pytest.raises(FormatError, match=rf"t\.jsonl:9: {message}"):
        stream(path)


def test_keys_of_json_that_are_not_used_are_noted(tmp_path):
    outcomes = stream(write(items().assign(temperature=1), tmp_path / "t.jsonl"))
    assert outcomes.notes[0].where == ("temperature",)


def test_what_streaming_cannot_see_is_said(tmp_path):
    outcomes = stream(write(items(), tmp_path / "t.csv"))
    (note,) = outcomes.notes
    assert (note.kind, note.count) == ("streamed", 6)


def test_parquet_keeps_its_declarations(tmp_path):
    outcomes = Outcomes(items().assign(temperature=1))
    path = outcomes.write(tmp_path / "t.parquet")
    assert stream(path).notes[0].kind == "unused_columns"


def test_memory_does_not_grow_with_items(tmp_path):
    """A hundred times the items cost less than a tenth of what they take as rows (430 MB)."""
    script = (
        "import resource, sys\n"
        "from confounds.outcomes import stream\n"
        "stream(sys.argv[1])\n"
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)\n"
    )
    peaks = []
    for count in (20_000, 2_000_000):
        path = tmp_path / f"{count}.parquet"
        items = [f"item-{number}" for number in range(10_000)]
        with pq.ParquetWriter(path, SCHEMA, compression="zstd") as writer:
            for model in range(count // 10_000):
                same = {"task": "a", "metric": "accuracy", "model": f"m{model}", "family": "f"}
                columns = {name: [value] * 10_000 for name, value in same.items()}
                columns |= {"score": [1.0, 0.0] * 5_000, "n": [1] * 10_000, "item": items}
                writer.write_table(pa.table(columns, schema=SCHEMA))
        done = subprocess.run(
            [sys.executable, "-c", script, str(path)], capture_output=True, text=True, check=True
        )
        peaks.append(int(done.stdout))
    assert peaks[1] - peaks[0] < 43
