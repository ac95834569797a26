"""Small files written from the schema: evalplus/evalplus, `evalplus/evaluate.py`, `evaluate`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from confounds.errors import FormatError
from confounds.ingest import read_outcomes
from confounds.ingest.evalplus import FORMAT

NAME = "EleutherAI--pythia-70m_vllm_temp_0.0_eval_results.json"


def sample(base: str | None, plus: str | None) -> dict:
    return {"solution": "pass", "base_status": base, "plus_status": plus, "base_fail_tests": []}


def write(folder: Path, problems: dict, name: str = NAME) -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    document = {"date": "2026-01-01 00:00", "hash": "h", "eval": problems}
    path.write_text(json.dumps(document), encoding="utf-8")
    return path


def scores(outcomes, task: str) -> list[float]:
    return outcomes.select(task=task).frame["score"].tolist()


def test_a_problem_passes_the_added_tests_only_with_both(tmp_path):
    problems = {
        "HumanEval/0": [sample("pass", "pass")],
        "HumanEval/1": [sample("pass", "fail")],
        "HumanEval/2": [sample("timeout", "pass")],
    }
    outcomes = read_outcomes(write(tmp_path, problems))
    assert scores(outcomes, "humaneval") == [1.0, 1.0, 0.0]
    assert scores(outcomes, "humaneval_plus") == [1.0, 0.0, 0.0]
    row = outcomes.frame.iloc[0]
    assert (row["model"], row["family"]) == ("EleutherAI/pythia-70m", "pythia")
    assert (row["metric"], row["n"], row["item"]) == ("pass_at_1", 1, "HumanEval/0")
    assert row["source"] == f"{NAME}: eval['HumanEval/0'][0]"


def test_samples_are_seeds_and_add_no_items(tmp_path):
    problems = {f"Mbpp/{i}": [sample("pass", None), sample("fail", None)] for i in range(3)}
    outcomes = read_outcomes(write(tmp_path, problems))
    assert outcomes.tasks == ("mbpp",)
    (cell,) = outcomes.cells().to_dict("records")
    assert (cell["score"], cell["n"], cell["seeds"]) == (0.5, 3, 2)


@pytest.mark.parametrize("name", ["HumanEval/{}", "HumanEval_{}"])
def test_the_first_layout_is_read_too(tmp_path, name):
    """As v0.2.0 writes it; v0.1.0 has `files` for `nfiles`, and names without the slash."""
    statuses = [("success", "success"), ("success", "failed"), ("timed out", "failed")]
    problems = {
        name.format(number): {"nfiles": 1, "base": [[base, [1]]], "plus": [[plus, [1]]]}
        for number, (base, plus) in enumerate(statuses)
    }
    outcomes = read_outcomes(write(tmp_path, problems))
    assert scores(outcomes, "humaneval") == [1.0, 1.0, 0.0]
    assert scores(outcomes, "humaneval_plus") == [1.0, 0.0, 0.0]
    assert outcomes.frame["item"].unique().tolist() == [f"HumanEval/{i}" for i in range(3)]


@pytest.mark.parametrize("plus", [None, []])
def test_the_first_layout_without_added_tests(tmp_path, plus):
    problems = {"HumanEval/0": {"nfiles": 1, "base": [["failed", []]], "plus": plus}}
    assert read_outcomes(write(tmp_path, problems)).tasks == ("humaneval",)


def test_a_status_that_is_unknown_is_no_score(tmp_path):
    problems = {"HumanEval/0": [sample(None, None)], "HumanEval/1": [sample("pass", None)]}
    outcomes = read_outcomes(write(tmp_path, problems))
    assert outcomes.frame["item"].tolist() == ["HumanEval/1"]
    assert outcomes.tasks == ("humaneval",)
    assert [one.count for one in outcomes.notes if one.kind == "unscored_samples"] == [1]


@pytest.mark.parametrize(
    ("name", "model"),
    [
        ("org--m_hf_temp_0.2.eval_results.json", "org/m"),
        ("org--m_openai_temp_0.0/eval_results.json", "org/m"),
        ("mine_eval_results.json", "mine"),
    ],
)
def test_files_are_named_after_their_model(tmp_path, name, model):
    path = write(tmp_path, {"HumanEval/0": [sample("pass", "pass")]}, name)
    assert FORMAT.recognises(path)
    assert read_outcomes(path).models == (model,)


@pytest.mark.parametrize(
    ("problems", "message"),
    [
        ({"HumanEval/0": 3}, r"eval\['HumanEval/0'\] must be a list of samples"),
        ({"HumanEval/0": [{}]}, r"eval\['HumanEval/0'\]\[0\]: 'base_status' is missing"),
    ],
)
def test_wrong_files_are_refused(tmp_path, problems, message):
    with pytest.raises(FormatError, match=message):
        read_outcomes(write(tmp_path, problems))


def test_a_truncated_file_is_refused(tmp_path):
    path = write(tmp_path, {"HumanEval/0": [sample("pass", "pass")]})
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(FormatError, match="cut short"):
        read_outcomes(path)
