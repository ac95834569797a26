"""Small score files, with the keys that INK-USC/predicting-big-bench reads of the real ones."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from confounds.errors import FormatError, OutcomesError
from confounds.ingest import read_outcomes
from confounds.pipeline import default_claim


def entry(shots: int = 0, subtask: str = "quiz", **rest) -> dict:
    given = {
        "score_dict": {"multiple_choice_grade": 0.4, "exact_str_match": 0.1, "novel": 23.5},
        "preferred_score": "multiple_choice_grade",
        "subtask_description": subtask,
        "low_score": 0.2,
        "high_score": 1.0,
        "number_of_shots": shots,
    }
    return {**given, **rest}


def write(folder: Path, entries: list, **rest) -> Path:
    model = {"model_family": "BIG-G T=0", "model_name": "8b", "total_params": 8e9}
    document = {"scores": entries, "task": {"task_name": "quiz"}, "model": model, **rest}
    path = folder / "scores_BIG-G_T=0_8b.json"
    path.write_text(json.dumps(document), encoding="utf-8")
    return path


@pytest.fixture
def tasks(tmp_path) -> Path:
    path = tmp_path / "tasks.csv"
    path.write_text("task,n\nquiz,100\nquiz:easy,50\nquiz:hard,50\n")
    return path


def test_scores_have_shots_size_and_the_low_score_as_chance(tmp_path, tasks):
    outcomes = read_outcomes(write(tmp_path, [entry(0), entry(3)]), tasks=tasks)
    frame = outcomes.select(metric="choice_accuracy").frame
    assert frame["score"].tolist() == [0.4, 0.4]
    assert frame["shots"].tolist() == [0, 3]
    assert frame["demonstrations"].tolist() == ["none", "gold"]
    assert frame["chance"].tolist() == [0.2, 0.2]
    assert set(frame["chance_source"]) == {"declared"}
    row = frame.iloc[0]
    assert (row["model"], row["family"], row["parameters"]) == ("BIG-G T=0 8b", "BIG-G T=0", 8e9)
    assert (row["n"], row["task"]) == (100, "quiz")
    assert outcomes.select(metric="exact_match").frame["chance"].isna().all()
    assert "unknown_metrics" in {note.kind for note in outcomes.notes}


def test_subtasks_are_tasks_and_their_average_is_left_out(tmp_path, tasks):
    total = entry(preferred_score="normalized_aggregate_score", subtask_description="all")
    entries = [entry(subtask="easy"), entry(subtask="hard"), total]
    outcomes = read_outcomes(write(tmp_path, entries), tasks=tasks)
    assert outcomes.tasks == ("quiz:easy", "quiz:hard")
    assert [one.count for one in outcomes.notes if one.kind == "group_averages"] == [1]


def test_the_high_score_is_the_ceiling_of_its_metric(tmp_path, tasks):
    outcomes = read_outcomes(write(tmp_path, [entry(high_score=0.9)]), tasks=tasks)
    assert outcomes.select(metric="choice_accuracy").frame["ceiling"].tolist() == [0.9]
    assert outcomes.select(metric="exact_match").frame["ceiling"].isna().all()
    assert "declared_ceiling" not in {note.kind for note in outcomes.notes}


@pytest.mark.parametrize("high", [100, 0.1, -1])
def test_a_high_score_beyond_the_range_is_noted_and_no_ceiling(tmp_path, tasks, high):
    outcomes = read_outcomes(write(tmp_path, [entry(high_score=high)]), tasks=tasks)
    assert outcomes.frame["ceiling"].isna().all()
    assert [one.count for one in outcomes.notes if one.kind == "declared_ceiling"] == [1]


def test_scores_in_percent_and_log_likelihoods_keep_their_range(tmp_path, tasks):
    one = entry(
        score_dict={"rougeLsum": 23.5, "bleu": 4.0, "log_likelihood": -3.5},
        preferred_score="rougeLsum",
        low_score=0,
        high_score=100,
    )
    outcomes = read_outcomes(write(tmp_path, [one]), tasks=tasks)
    scores = dict(zip(outcomes.frame["metric"], outcomes.frame["score"], strict=True))
    assert scores == {"rougeLsum": 23.5, "bleu": 4.0, "target_log_prob": -3.5}
    assert outcomes.select(metric="rougeLsum").frame["ceiling"].tolist() == [100]
    assert outcomes.measures["rougeLsum"].upper == 100


def test_the_default_claim_takes_the_ceiling(tmp_path, tasks):
    outcomes = read_outcomes(write(tmp_path, [entry(high_score=0.9)]), tasks=tasks)
    assert default_claim(outcomes, "quiz", metric="choice_accuracy").ceiling == 0.9
    assert default_claim(outcomes, "quiz", metric="exact_match").ceiling is None


def test_without_the_number_of_items_the_message_says_where_to_give_it(tmp_path):
    """In a tasks table alone: a map is for tables."""
    path = write(tmp_path, [entry()])
    where = r"column 'n' in .*scores\[0\] is empty \(task 'quiz'\).*a tasks.csv with task and n"
    with pytest.raises(OutcomesError, match=where) as caught:
        read_outcomes(path)
    assert "map" not in str(caught.value)
    constants = tmp_path / "map.toml"
    constants.write_text("[constants]\nn = 100\n")
    with pytest.raises(FormatError, match=r"is recognised; formats: table \(the map is for tables"):
        read_outcomes(tmp_path, map=constants)


def test_the_task_is_else_the_folder_of_the_results(tmp_path, tasks):
    folder = tmp_path / "quiz" / "results"
    folder.mkdir(parents=True)
    assert read_outcomes(write(folder, [entry()], task={}), tasks=tasks).tasks == ("quiz",)
    with pytest.raises(FormatError, match=r"name its task \(task\.task_name\)"):
        read_outcomes(write(tmp_path, [entry()], task={}))


@pytest.mark.parametrize(
    ("rest", "message"),
    [
        ({"model": {}}, r"name its model \(model\.model_name\)"),
        ({"scores": [entry(), {"low_score": 0}]}, r"scores\[1\]: 'score_dict' is missing"),
    ],
)
def test_wrong_files_are_refused(tmp_path, rest, message):
    with pytest.raises(FormatError, match=message):
        read_outcomes(write(tmp_path, [entry()], **rest))


def test_a_truncated_file_is_refused(tmp_path):
    path = write(tmp_path, [entry()])
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(FormatError, match="cut short"):
        read_outcomes(path)
