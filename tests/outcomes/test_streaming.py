from __future__ import annotations

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
    with pytest.raises(FormatError, match="cannot be read"):
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
