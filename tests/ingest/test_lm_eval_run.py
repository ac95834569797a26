from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from confounds.errors import FormatError
from confounds.ingest import read_outcomes

pytestmark = pytest.mark.probe


@pytest.fixture(scope="module")
def reported(lm_eval_run: Path) -> dict[str, dict[str, float | str]]:
    (path,) = lm_eval_run.rglob("results_*.json")
    return json.loads(path.read_text(encoding="utf-8"))["results"]


@pytest.fixture(scope="module")
def outcomes(lm_eval_run: Path):
    return read_outcomes(lm_eval_run)


def mean(outcomes, task: str, metric: str) -> float:
    return float(outcomes.select(task, metric).frame["score"].mean())


def test_every_reported_mean_is_reproduced_exactly(outcomes, reported):
    names = {
        ("tiny_choice", "acc,none"): "choice_accuracy",
        ("tiny_choice", "acc_norm,none"): "choice_accuracy_normalized",
        ("tiny_choice", "brier_score,none"): "brier",
        ("tiny_complete", "acc,none"): "accuracy",
        ("tiny_complete", "perplexity,none"): "perplexity",
        ("tiny_answer", "exact_match,strict"): "exact_match:strict",
        ("tiny_answer", "exact_match,flexible"): "exact_match:flexible",
    }
    means = {
        (task, key)
        for task, table in reported.items()
        for key, value in table.items()
        if "," in key and "_stderr" not in key and isinstance(value, float | int)
    }
    assert means == set(names)
    for (task, key), metric in names.items():
        assert mean(outcomes, task, metric) == reported[task][key], (task, key)


def test_rescored_accuracy_and_brier_are_those_of_the_harness(lm_eval_run, reported):
    """What `--rescore` gives is what the harness made of the same log-probabilities."""
    outcomes = read_outcomes(lm_eval_run, rescore=True)
    told = reported["tiny_choice"]
    brier = outcomes.select("tiny_choice", "brier").frame
    assert len(brier) == 48
    assert brier["score"].mean() == pytest.approx(told["brier_score,none"], rel=1e-12)
    accuracy = outcomes.select("tiny_choice", "choice_accuracy").frame["score"]
    assert accuracy.mean() == told["acc,none"]
    probability = outcomes.select("tiny_choice", "choice_probability").frame["score"]
    (path,) = lm_eval_run.rglob("samples_tiny_choice_*.jsonl")
    samples = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    shares = [np.array(sample["brier_score"][1].strip("[]").split(), float) for sample in samples]
    theirs = [share[int(sample["target"])] for share, sample in zip(shares, samples, strict=True)]
    assert probability.tolist() == pytest.approx(theirs, abs=1e-8)


def test_choices_are_scored_item_by_item_from_their_log_probabilities(lm_eval_run, outcomes):
    (path,) = lm_eval_run.rglob("samples_tiny_choice_*.jsonl")
    samples = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    plain, normalized = [], []
    for sample in samples:
        log_prob = np.array([float(answer[0]) for answer in sample["filtered_resps"]])
        texts = [one["arg_1"].removeprefix(" ") for one in sample["arguments"].values()]
        lengths = np.array([len(text) for text in texts])
        gold = int(sample["target"])
        plain.append(float(np.argmax(log_prob) == gold))
        normalized.append(float(np.argmax(log_prob / lengths) == gold))
    assert plain != normalized
    rows = outcomes.select("tiny_choice", "choice_accuracy").frame
    assert rows["item"].tolist() == [str(sample["doc_id"]) for sample in samples]
    assert rows["score"].tolist() == plain
    rows = outcomes.select("tiny_choice", "choice_accuracy_normalized").frame
    assert rows["score"].tolist() == normalized


def test_linear_metrics_follow_from_the_same_log_probabilities(outcomes, reported):
    probability = outcomes.select("tiny_choice", "choice_probability").frame["score"]
    assert 0 < probability.min() < probability.max() < 1
    log_prob = outcomes.select("tiny_complete", "target_log_prob").frame["score"]
    perplexity = reported["tiny_complete"]["perplexity,none"]
    assert np.exp(-log_prob.mean()) == pytest.approx(perplexity, rel=1e-12)


def test_rows_say_where_they_come_from_and_under_what_condition(outcomes):
    row = outcomes.select("tiny_choice", "choice_accuracy").frame.iloc[0]
    assert row["model"] == "tiny-neox"
    assert row["n"] == 1
    assert row["shots"] == 2
    assert row["demonstrations"] == "gold"
    assert row["chance"] == pytest.approx(1 / 3)
    assert row["chance_source"] == "uniform"
    assert row["source"].split("/")[-1].startswith("samples_tiny_choice_")
    assert row["source"].endswith(".jsonl:1")
    assert row["parameters"] > 10_000
    assert row["prompt"] == "completion"


def test_average_stands_where_items_cannot_reproduce_it(outcomes, reported):
    row = outcomes.select("tiny_complete", "perplexity").frame.iloc[0]
    assert row["item"] is None
    assert row["n"] == 30
    error = reported["tiny_complete"]["perplexity_stderr,none"]
    assert row["variance"] == pytest.approx(30 * error**2)


def test_results_without_samples_give_the_same_cells(lm_eval_run, outcomes, tmp_path):
    (path,) = lm_eval_run.rglob("results_*.json")
    (tmp_path / path.name).write_bytes(path.read_bytes())
    alone = read_outcomes(tmp_path / path.name)
    for task, metric in (
        ("tiny_choice", "choice_accuracy"),
        ("tiny_choice", "choice_accuracy_normalized"),
        ("tiny_answer", "exact_match:strict"),
    ):
        ours = outcomes.select(task, metric).cells()
        theirs = alone.select(task, metric).cells()
        assert ours[["model", "shots", "score", "n"]].equals(
            theirs[["model", "shots", "score", "n"]]
        )


def test_samples_of_fewer_items_than_the_reported_mean_are_not_believed(lm_eval_run, tmp_path):
    for path in lm_eval_run.rglob("*tiny_choice*.jsonl"):
        lines = path.read_text(encoding="utf-8").splitlines()
        (tmp_path / path.name).write_text("\n".join(lines[:20]), encoding="utf-8")
    (path,) = lm_eval_run.rglob("results_*.json")
    (tmp_path / path.name).write_bytes(path.read_bytes())
    outcomes = read_outcomes(tmp_path)
    reported = json.loads(path.read_text(encoding="utf-8"))["results"]["tiny_choice"]
    assert mean(outcomes, "tiny_choice", "choice_accuracy") == reported["acc,none"]
    assert outcomes.select("tiny_choice").frame["item"].isna().all()
    (note,) = [note for note in outcomes.notes if note.kind == "missing_samples"]
    assert note.where[0].endswith("tiny_choice: 20 of 48")


def test_samples_alone_ask_for_their_folder(lm_eval_run):
    path = next(lm_eval_run.rglob("samples_tiny_choice_*.jsonl"))
    with pytest.raises(FormatError, match="give the folder that holds it"):
        read_outcomes(path)


def test_truncated_samples_name_their_line(lm_eval_run, tmp_path):
    (path,) = lm_eval_run.rglob("results_*.json")
    (tmp_path / path.name).write_bytes(path.read_bytes())
    samples = next(lm_eval_run.rglob("samples_tiny_choice_*.jsonl"))
    raw = samples.read_bytes()
    (tmp_path / samples.name).write_bytes(raw[: len(raw) // 2])
    with pytest.raises(FormatError, match=rf"{samples.name}:\d+: the file is cut short"):
        read_outcomes(tmp_path)
