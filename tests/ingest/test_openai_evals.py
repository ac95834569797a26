"""Small logs written from the schema: openai/evals, `evals/record.py`, `evals/base.py`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from confounds.errors import FormatError, OutcomesError
from confounds.ingest import read_outcomes

SPEC = {
    "completion_fns": ["gpt2-xl", "gpt-4"],
    "eval_name": "quiz.dev.v0",
    "run_config": {"seed": 20220722, "eval_spec": {"args": {"num_few_shot": 2}}},
    "run_id": "230101ABC",
}


def event(number: int, kind: str, **data) -> dict:
    return {
        "run_id": "r",
        "event_id": 0,
        "sample_id": f"quiz.dev.{number}",
        "type": kind,
        "data": data,
    }


def write(
    folder: Path, events: list, *, spec: dict | None = None, report: dict | None = None
) -> Path:
    rows = [{"spec": SPEC if spec is None else spec}, *events]
    rows += [] if report is None else [{"final_report": report, "run_id": "r"}]
    path = folder / "run.jsonl"
    path.write_text("\n".join(json.dumps(row) for row in rows) + "\n", encoding="utf-8")
    return path


def test_matches_are_accuracy_item_by_item(tmp_path):
    events = [
        event(0, "sampling", prompt="?", sampled=["a"]),
        event(0, "match", correct=True, expected="a", picked="a"),
        event(1, "match", correct=False, expected="a", picked=None),
        event(1, "metrics", accuracy=0.0, f1_score=0.5, choice="B"),
    ]
    outcomes = read_outcomes(write(tmp_path, events, report={"accuracy": 0.5}))
    assert outcomes.select(metric="accuracy").frame["score"].tolist() == [1.0, 0.0]
    assert outcomes.select(metric="f1").frame["score"].tolist() == [0.5]
    row = outcomes.frame.iloc[0]
    assert (row["task"], row["model"], row["item"]) == ("quiz.dev.v0", "gpt2-xl", "quiz.dev.0")
    assert (row["shots"], row["seed"], row["n"]) == (2, 20220722, 1)
    assert row["source"] == "run.jsonl:3"
    assert row["run"] == "230101ABC"
    assert {note.kind for note in outcomes.notes}.isdisjoint({"not_a_mean_of_items"})


def test_several_answers_to_a_sample_are_seeds(tmp_path):
    events = [event(number, "match", correct=right) for number in (0, 1) for right in (True, False)]
    (cell,) = read_outcomes(write(tmp_path, events)).cells().to_dict("records")
    assert (cell["score"], cell["n"], cell["seeds"]) == (0.5, 2, 2)


def test_older_runs_name_their_model_otherwise(tmp_path):
    spec = {"model_names": {"completions": ["text-davinci-003"]}, "eval_name": "quiz"}
    path = write(tmp_path, [event(0, "match", correct=True)], spec=spec)
    assert read_outcomes(path).models == ("text-davinci-003",)


def test_what_went_wrong_is_noted(tmp_path):
    events = [event(0, "match", correct=True), event(1, "error", message="boom")]
    kinds = {note.kind for note in read_outcomes(write(tmp_path, events)).notes}
    assert {"failed_samples", "unfinished_runs"} <= kinds
    notes = read_outcomes(write(tmp_path, events, report={"accuracy": 0.3})).notes
    assert "not_a_mean_of_items" in {note.kind for note in notes}


def test_a_report_alone_needs_the_number_of_items(tmp_path):
    path = write(tmp_path, [], report={"accuracy": 0.25})
    with pytest.raises(OutcomesError, match=r"tasks\.csv"):
        read_outcomes(path)
    tasks = tmp_path / "tasks.csv"
    tasks.write_text("task,n\nquiz.dev.v0,80\n")
    (row,) = read_outcomes(path, tasks=tasks).frame.to_dict("records")
    assert (row["score"], row["n"]) == (0.25, 80)


@pytest.mark.parametrize(
    ("events", "spec", "message"),
    [
        ([], {"eval_name": "a"}, r"run\.jsonl:1: .*spec\.completion_fns"),
        ([], {"completion_fns": ["m"]}, r"run\.jsonl:1: .*spec\.eval_name"),
        ([event(0, "match", correct="yes")], None, r"run\.jsonl:2: 'correct' is 'yes'"),
        ([{"type": "match", "data": {}}], None, r"run\.jsonl:2: .* no 'sample_id'"),
        ([[1]], None, r"run\.jsonl:2: must be a JSON object"),
        ([{"spec": {"eval_name": "b"}}], None, r"run\.jsonl:2: another run begins here"),
    ],
)
def test_wrong_lines_are_refused_with_their_number(tmp_path, events, spec, message):
    with pytest.raises(FormatError, match=message):
        read_outcomes(write(tmp_path, events, spec=spec))


def test_a_truncated_log_is_refused(tmp_path):
    path = write(tmp_path, [event(0, "match", correct=True)])
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(FormatError, match=r"run\.jsonl:2: the file is cut short"):
        read_outcomes(path)
