"""Small details files written from the schema of huggingface/lighteval.

`src/lighteval/logging/info_loggers.py`, `DetailsLogger.Detail`, at v0.13.0, v0.9.2 and v0.6.0.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from confounds.errors import FormatError
from confounds.ingest import _parquet, read_outcomes
from confounds.ingest._lighteval_details import _parts

DATE = "2025-11-05T14-43-47.148527"


def new(number: int, acc: float, **metrics) -> dict:
    doc = {"query": "?", "choices": [" a", " b", " c", " d"], "gold_index": [1], "id": str(number)}
    response = {"logprobs": [-1.0, -2.0, -3.0, -4.0], "text": []}
    return {"doc": doc, "metric": {"acc": acc, **metrics}, "model_response": response}


def old(acc: float, *, as_text: bool = False, effective: int = 25) -> dict:
    row = {
        "example": "?",
        "choices": [" a", " b"],
        "gold_index": [0],
        "metrics": {"acc": acc, "acc_norm": 1.0},
        "num_asked_few_shots": 25,
        "num_effective_few_shots": effective,
    }
    return {key: str(value) for key, value in row.items()} if as_text else row


def write(folder: Path, rows: list, task: str = "arc:challenge|25") -> Path:
    home = folder / "details" / "EleutherAI" / "pythia-70m" / DATE
    home.mkdir(parents=True, exist_ok=True)
    path = home / f"details_{task}_{DATE}.parquet"
    pq.write_table(pa.Table.from_pylist(rows), path)
    return path


def test_details_of_0_11_and_later(tmp_path):
    path = write(tmp_path, [new(7, 1.0, em=None), new(8, 0.0, em=None)])
    frame = read_outcomes(tmp_path).frame
    assert frame["score"].tolist() == [1.0, 0.0]
    assert frame["item"].tolist() == ["7", "8"]
    row = frame.iloc[0]
    assert (row["task"], row["metric"], row["n"]) == ("arc:challenge", "choice_accuracy", 1)
    assert (row["model"], row["family"]) == ("EleutherAI/pythia-70m", "pythia")
    assert (row["shots"], row["demonstrations"]) == (25, "gold")
    assert (row["chance"], row["chance_source"]) == (0.25, "uniform")
    assert row["source"].endswith(f"{path.name}: row 0")


@pytest.mark.parametrize("as_text", [False, True])
def test_details_before_0_11_as_values_and_as_text(tmp_path, as_text):
    rows = [old(1.0, as_text=as_text), old(0.0, as_text=as_text, effective=20)]
    write(tmp_path, rows, "leaderboard|arc:challenge|25")
    outcomes = read_outcomes(tmp_path)
    frame = outcomes.select(metric="choice_accuracy").frame
    assert frame["score"].tolist() == [1.0, 0.0]
    assert frame["chance"].tolist() == [0.5, 0.5]
    assert set(frame["prompt"]) == {"leaderboard"}
    assert outcomes.metrics == ("choice_accuracy", "choice_accuracy_normalized")
    assert [one.count for one in outcomes.notes if one.kind == "fewer_shots"] == [1]


def test_values_as_text_and_as_values_are_the_same_table(tmp_path):
    """Also where scores are missing or no numbers, and items differ in choices and right ones."""
    rows = [old(1.0), old(0.0), old(1.0), old(0.0)]
    rows[1] |= {"choices": [], "gold_index": []}
    rows[2] |= {"choices": [" a", " b", " c"], "gold_index": [0, 2]}
    rows[3]["metrics"] = {"acc": None, "acc_norm": 1.0}
    tables = []
    for name, as_text in (("values", False), ("text", True)):
        written = [{key: str(value) if as_text else value for key, value in row.items()}
                   for row in rows]  # fmt: skip
        write(tmp_path / name, written)
        tables.append(read_outcomes(tmp_path / name).frame)
    pd.testing.assert_frame_equal(*tables)
    assert tables[0]["metric"].value_counts().to_dict() == {
        "choice_accuracy": 2, "accuracy": 1, "choice_accuracy_normalized": 4
    }  # fmt: skip
    chance = tables[0].loc[tables[0]["metric"] == "choice_accuracy", "chance"]
    assert chance.tolist() == pytest.approx([1 / 2, 2 / 3])


def test_the_first_leaderboard_has_scores_as_columns(tmp_path):
    folder = tmp_path / "details_EleutherAI__pythia-70m" / DATE
    folder.mkdir(parents=True)
    rows = [{"example": "?", "choices": [" a", " b"], "gold_index": 0, "acc": 1.0, "acc_norm": 0.0}]
    path = folder / f"details_harness|hendrycksTest-anatomy|5_{DATE}.parquet"
    pq.write_table(pa.Table.from_pylist(rows), path)
    frame = read_outcomes(path).frame
    assert set(frame["model"]) == {"EleutherAI/pythia-70m"}
    assert set(frame["task"]) == {"hendrycksTest-anatomy"}
    assert frame["score"].tolist() == [1.0, 0.0]
    assert set(frame["shots"]) == {5}


def test_the_results_of_the_run_name_its_model(tmp_path):
    write(tmp_path, [new(0, 1.0)])
    home = tmp_path / "results" / "EleutherAI" / "pythia-70m"
    home.mkdir(parents=True)
    told = {"config_general": {"model_name": "org/other"}}
    (home / f"results_{DATE}.json").write_text(json.dumps(told))
    assert read_outcomes(tmp_path).models == ("org/other",)


@pytest.mark.parametrize("unknown", ["nan", "inf", "-inf"])
def test_text_of_a_number_that_is_not_finite_is_a_missing_score(tmp_path, unknown):
    rows = [old(1.0, as_text=True), old(0.0, as_text=True)]
    write(tmp_path, [{**rows[0], "metrics": f"{{'acc': {unknown}, 'acc_norm': 1.0}}"}, rows[1]])
    outcomes = read_outcomes(tmp_path)
    assert outcomes.select(metric="choice_accuracy").frame["item"].tolist() == ["1"]
    assert len(outcomes.select(metric="choice_accuracy_normalized").frame) == 2
    (note,) = [one for one in outcomes.notes if one.kind == "unscored_samples"]
    assert (note.count, note.where) == (1, ("acc",))


def test_text_that_says_no_value_is_refused_without_addresses(tmp_path):
    write(tmp_path, [{**old(1.0, as_text=True), "metrics": "{'acc': missing}"}])
    with pytest.raises(FormatError, match=r"row 0: \"\{'acc': missing\}\" is no value") as caught:
        read_outcomes(tmp_path)
    assert " at 0x" not in str(caught.value)


def test_ids_that_repeat_give_way_to_places(tmp_path):
    write(tmp_path, [new(0, 1.0), new(0, 0.0)])
    assert read_outcomes(tmp_path).frame["item"].tolist() == ["0", "1"]


def test_what_is_no_score_of_one_item_is_left_out(tmp_path):
    write(tmp_path, [new(0, 1.0, mcc=[1, 0])])
    outcomes = read_outcomes(tmp_path)
    assert outcomes.metrics == ("choice_accuracy",)
    assert "unscored_samples" in {note.kind for note in outcomes.notes}


def test_wrong_files_are_refused(tmp_path):
    path = tmp_path / f"details_a|0_{DATE}.parquet"
    path.write_bytes(b"PAR1 no parquet PAR1")
    with pytest.raises(FormatError, match="not a readable Parquet file"):
        read_outcomes(path)
    pq.write_table(pa.table({"example": ["?"]}), path)
    with pytest.raises(FormatError, match="no column of scores"):
        read_outcomes(path)
    pq.write_table(pa.Table.from_pylist([new(0, 1.0)]), path)
    with pytest.raises(FormatError, match="nothing tells the model"):
        read_outcomes(path)
    pq.write_table(pa.table({"metrics": ["{" * 5000]}), path)
    with pytest.raises(FormatError, match=r"row 0: .* is no value that can be read"):
        read_outcomes(path)


def test_a_file_that_would_fill_memory_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(_parquet, "LARGEST", 10)
    with pytest.raises(FormatError, match="at most 10 are read"):
        read_outcomes(write(tmp_path, [new(0, 1.0)]))


def test_a_name_says_suite_task_and_shots():
    assert _parts("leaderboard|arc:challenge|25") == ("leaderboard", "arc:challenge", 25)
    assert _parts("arc:challenge|25") == (None, "arc:challenge", 25)
    assert _parts("gsm8k") == (None, "gsm8k", None)


RANKED = [([-1.0, -2.0, -3.0, -4.0], 0.0), ([-2.0, -1.0, -3.0, -4.0], 1.0)]


def ranked(number: int) -> dict:
    log_prob, acc = RANKED[number]
    row = new(number, acc)
    row["model_response"]["logprobs"] = log_prob
    return row


def written_before(number: int, predictions) -> dict:
    log_prob, acc = RANKED[number]
    row = {"choices": [" a", " b", " c", " d"], "gold_index": [1], "metrics": {"acc": acc}}
    return {**row, "predictions": predictions(log_prob)}


WRITTEN = {
    "0.11 and later": ranked,
    "0.9": lambda i: written_before(i, list),
    "0.6": lambda i: {
        k: str(v) for k, v in written_before(i, lambda few: [(one, False) for one in few]).items()
    },
    "the first leaderboard": lambda i: {
        "choices": ["a", "b", "c", "d"],
        "gold": 1,
        "acc": RANKED[i][1],
        "predictions": RANKED[i][0],
    },
}


@pytest.mark.parametrize("version", WRITTEN)
def test_stored_log_probabilities_give_linear_metrics(tmp_path, version):
    path = write(tmp_path, [WRITTEN[version](0), WRITTEN[version](1)])
    assert read_outcomes(path).metrics == ("choice_accuracy",)
    outcomes = read_outcomes(path, rescore=True)
    shares = [np.exp(one) / np.exp(one).sum() for one, _ in RANKED]
    right = np.array([0, 1, 0, 0])
    expected = {
        "choice_accuracy": [acc for _, acc in RANKED],
        "choice_probability": [share[1] for share in shares],
        "brier": [((share - right) ** 2).sum() for share in shares],
        "target_log_prob": [-2.0, -1.0],
    }
    assert set(outcomes.metrics) == set(expected)
    for metric, scores in expected.items():
        frame = outcomes.select(metric=metric).frame
        assert frame["score"].tolist() == pytest.approx(scores)
        assert frame["n"].tolist() == [1, 1]
    assert set(outcomes.select(metric="choice_probability").frame["chance"]) == {0.25}


def test_log_probabilities_that_do_not_give_the_accuracy_are_not_believed(tmp_path):
    wrong = ranked(1)
    wrong["metric"]["acc"] = 0.0
    path = write(tmp_path, [ranked(0), wrong])
    with pytest.raises(FormatError, match=r"nothing can be rescored: the accuracy of .*row 1 does"):
        read_outcomes(path, rescore=True)


def test_normalized_accuracy_serves_to_check_too(tmp_path):
    rows = [ranked(0), ranked(1)]
    for row in rows:
        row["metric"] = {"acc_norm": row["metric"]["acc"]}
    outcomes = read_outcomes(write(tmp_path, rows), rescore=True)
    assert "brier" in outcomes.metrics


def test_what_keeps_no_log_probabilities_says_so(tmp_path):
    path = write(tmp_path, [old(1.0)])
    with pytest.raises(FormatError, match="no log-probabilities of all choices are kept"):
        read_outcomes(path, rescore=True)


def test_items_without_log_probabilities_are_counted(tmp_path):
    bare = new(2, 1.0)
    bare["model_response"]["logprobs"] = []
    outcomes = read_outcomes(write(tmp_path, [ranked(0), ranked(1), bare]), rescore=True)
    assert len(outcomes.select(metric="brier").frame) == 2
    assert [one.count for one in outcomes.notes if one.kind == "unrescored_items"] == [1]
