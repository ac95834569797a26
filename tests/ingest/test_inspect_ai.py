"""Small logs written from the schema: UKGovernmentBEIS/inspect_ai, `src/inspect_ai/log/_log.py`."""

from __future__ import annotations

import importlib.util
import json
import math
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from archives import DEFLATED, ZSTANDARD, write_zip

from confounds.errors import FormatError
from confounds.ingest import read_outcomes
from confounds.ingest.inspect_ai import FORMAT


def header(**spec) -> dict:
    given = {
        "eval_id": "e1",
        "task": "quiz",
        "model": "hf/EleutherAI/pythia-70m",
        "task_args": {"fewshot": 3},
        "config": {"epochs": 1},
        "scorers": [{"name": "choice"}],
    }
    return {"version": 2, "status": "success", "eval": {**given, **spec}}


def sample(number: int, scores: dict, *, epoch: int = 1, **rest) -> dict:
    given = {name: {"value": value, "answer": "A"} for name, value in scores.items()}
    row = {"id": number, "epoch": epoch, "input": "?", "target": "ABCD"[number % 4]}
    return {**row, "choices": ["w", "x", "y", "z"], "scores": given, **rest}


def as_json(path: Path, samples: list | None, head: dict | None = None) -> Path:
    path.write_text(json.dumps({**(head or header()), "samples": samples}), encoding="utf-8")
    return path


def as_eval(path: Path, samples: list, head: dict | None = None, *, method=ZSTANDARD) -> Path:
    members = {"header.json": head or header(), "summaries.json": samples}
    return write_zip(path, {k: json.dumps(v).encode() for k, v in members.items()}, method=method)


LETTERS = [sample(number, {"choice": value}) for number, value in enumerate("CIPNC")]


@pytest.mark.parametrize(("completed", "count"), [(5, 0), (4, 0), (9, 4)])
def test_samples_that_the_results_count_and_the_log_lacks_are_told(tmp_path, completed, count):
    head = {**header(), "results": {"completed_samples": completed, "scores": []}}
    failed = sample(9, {}, error={"message": "lost"})
    outcomes = read_outcomes(as_eval(tmp_path / "a.eval", [*LETTERS, failed], head))
    notes = [one for one in outcomes.notes if one.kind == "missing_samples"]
    assert [one.count for one in notes] == ([count] if count else [])
    for one in notes:
        assert one.level == "warning"
        assert one.where == ("a.eval: EleutherAI/pythia-70m, quiz: 5 of 9",)


@pytest.mark.parametrize("method", [DEFLATED, ZSTANDARD])
def test_letters_are_scores_as_inspect_counts_them(tmp_path, method):
    outcomes = read_outcomes(as_eval(tmp_path / "a.eval", LETTERS, method=method))
    frame = outcomes.frame
    assert frame["score"].tolist() == [1.0, 0.0, 0.5, 0.0, 1.0]
    assert set(frame["metric"]) == {"accuracy"}
    assert set(frame["n"]) == {1}
    assert frame["chance"].tolist() == [0.25] * 5
    assert frame["majority"].tolist() == [0.4] * 5
    assert [note.count for note in outcomes.notes if note.kind == "no_answer"] == [1]


def test_condition_and_model_come_from_the_header(tmp_path):
    head = header(model_args={"revision": "step512"})
    head["plan"] = {"steps": [{"solver": "multiple_choice", "params": {"cot": True}}]}
    row = read_outcomes(as_json(tmp_path / "a.json", LETTERS, head)).frame.iloc[0]
    assert row["model"] == "EleutherAI/pythia-70m"
    assert row["family"] == "pythia"
    assert row["checkpoint"] == 512
    assert row["shots"] == 3
    assert row["demonstrations"] == "gold"
    assert row["reasoning"] == "chain"
    assert row["source"] == "a.json[0]"
    assert row["run"] == "e1"


def test_json_and_archive_give_the_same_scores(tmp_path):
    one = read_outcomes(as_json(tmp_path / "a.json", LETTERS)).frame.drop(columns="source")
    two = read_outcomes(as_eval(tmp_path / "a.eval", LETTERS)).frame.drop(columns="source")
    assert one.equals(two)


def test_epochs_are_seeds_and_add_no_items(tmp_path):
    samples = [
        sample(i, {"choice": "C" if e == 1 else "I"}, epoch=e) for e in (1, 2) for i in range(3)
    ]
    outcomes = read_outcomes(as_json(tmp_path / "a.json", samples))
    (cell,) = outcomes.cells().to_dict("records")
    assert (cell["score"], cell["n"], cell["seeds"]) == (0.5, 3, 2)


def test_tables_of_values_and_several_scorers_are_metrics_of_their_own(tmp_path):
    values = {"judge": "C", "other": "I", "exact": "C", "rubric": {"style": 0.5, "ok": True}}
    outcomes = read_outcomes(as_json(tmp_path / "a.json", [sample(0, values)]))
    scores = dict(zip(outcomes.frame["metric"], outcomes.frame["score"], strict=True))
    assert scores == {
        "accuracy:judge": 1.0,
        "accuracy:other": 0.0,
        "accuracy:rubric.ok": 1.0,
        "exact_match": 1.0,
        "rubric.style": 0.5,
    }


def test_numbers_beyond_one_need_a_declared_range(tmp_path):
    samples = [sample(i, {"choice": "C", "points": 10 * i}) for i in range(3)]
    path = as_json(tmp_path / "a.json", samples)
    outcomes = read_outcomes(path)
    assert outcomes.metrics == ("accuracy",)
    (note,) = (one for one in outcomes.notes if one.kind == "unknown_metrics")
    assert note.where == ("points",)
    declared = tmp_path / "map.toml"
    declared.write_text('[metrics.points]\nkind = "linear"\nrange = [0, 100]\n')
    frame = read_outcomes(path, map=declared).select(metric="points").frame
    assert frame["score"].tolist() == [0.0, 10.0, 20.0]


def test_what_is_not_scored_is_left_out_and_counted(tmp_path):
    samples = [
        sample(0, {"choice": "C"}),
        sample(1, {"choice": math.nan}),
        sample(2, {"choice": "maybe"}),
        sample(3, {}, error={"message": "boom"}),
    ]
    outcomes = read_outcomes(as_json(tmp_path / "a.json", samples))
    assert outcomes.frame["item"].tolist() == ["0"]
    counts = {note.kind: note.count for note in outcomes.notes}
    assert counts["unscored_samples"] == 2
    assert counts["failed_samples"] == 1


def test_summaries_without_choices_fall_back_on_the_samples(tmp_path):
    short = [{k: v for k, v in one.items() if k != "choices"} for one in LETTERS]
    members = {"header.json": header(), "summaries.json": short}
    members |= {f"samples/{i}_epoch_1.json": one for i, one in enumerate(LETTERS)}
    path = write_zip(tmp_path / "a.eval", {k: json.dumps(v).encode() for k, v in members.items()})
    frame = read_outcomes(path).frame
    assert frame["chance"].tolist() == [0.25] * 5
    assert frame["source"].iloc[0] == "a.eval:samples/0_epoch_1.json[0]"


def test_a_run_that_was_cut_off_is_read_from_its_journal(tmp_path):
    start = {key: value for key, value in header().items() if key != "status"}
    members = {"_journal/start.json": start}
    members |= {f"_journal/summaries/{i}.json": LETTERS[i : i + 1] for i in range(3)}
    path = write_zip(tmp_path / "a.eval", {k: json.dumps(v).encode() for k, v in members.items()})
    outcomes = read_outcomes(path)
    assert outcomes.frame["score"].tolist() == [1.0, 0.0, 0.5]
    assert "unfinished_runs" in {note.kind for note in outcomes.notes}


def test_of_samples_that_were_asked_again_the_last_counts(tmp_path):
    """As in Inspect, `write_buffered_samples`: a journal keeps what a retry supersedes."""
    start = {key: value for key, value in header().items() if key != "status"}
    again = [sample(0, {"choice": "I"}), {**LETTERS[1], "epoch": 2}]
    members = {"_journal/start.json": start, "_journal/summaries/1.json": LETTERS[:2]}
    members["_journal/summaries/2.json"] = again
    path = write_zip(tmp_path / "a.eval", {k: json.dumps(v).encode() for k, v in members.items()})
    frame = read_outcomes(path).frame
    assert frame[["item", "seed", "score"]].to_numpy().tolist() == [
        ["0", 1.0, 0.0],
        ["1", 1.0, 0.0],
        ["1", 2.0, 0.0],
    ]


def test_a_log_without_samples_gives_its_averages(tmp_path):
    head = header(config={"epochs": 2})
    metrics = {"accuracy": {"value": 0.6}, "stderr": {"value": 0.05}}
    scores = [{"name": "choice", "scorer": "choice", "metrics": metrics}]
    head["results"] = {"completed_samples": 200, "scores": scores}
    (row,) = read_outcomes(as_json(tmp_path / "a.json", None, head)).frame.to_dict("records")
    assert (row["metric"], row["score"], row["n"]) == ("accuracy", 0.6, 100)
    assert row["variance"] == pytest.approx(100 * 0.05**2)


def test_an_accuracy_that_the_samples_do_not_give_is_noted(tmp_path):
    head = header()
    told = {"name": "choice", "metrics": {"accuracy": {"value": 0.9}}}
    head["results"] = {"scores": [told]}
    notes = read_outcomes(as_json(tmp_path / "a.json", LETTERS, head)).notes
    assert "not_a_mean_of_items" in {note.kind for note in notes}
    told["metrics"]["accuracy"]["value"] = 0.5
    notes = read_outcomes(as_json(tmp_path / "b.json", LETTERS, head)).notes
    assert "not_a_mean_of_items" not in {note.kind for note in notes}


WRONG = {
    "no header": ({"summaries.json": []}, "neither header.json nor"),
    "no model": ({"header.json": {"eval": {"task": "a"}}}, r"name its model \(eval.model\)"),
    "a number": ({"header.json": 7}, "a.eval:header.json: must be a JSON object; found int"),
    "summaries": (
        {"header.json": header(), "summaries.json": {}},
        "summaries.json: must be a list",
    ),
    "no epoch": ({"header.json": header(), "summaries.json": [{"id": 1}]}, "'epoch' is missing"),
    "odd id": (
        {"header.json": header(), "summaries.json": [{"id": [], "epoch": 1}]},
        r"summaries.json\[0\]: id \[\]",
    ),
}


@pytest.mark.parametrize("name", WRONG)
def test_wrong_logs_are_refused_with_file_and_place(tmp_path, name):
    members, message = WRONG[name]
    content = {key: json.dumps(value).encode() for key, value in members.items()}
    with pytest.raises(FormatError, match=message):
        read_outcomes(write_zip(tmp_path / "a.eval", content))


def test_other_files_are_not_taken_for_logs(tmp_path):
    path = tmp_path / "a.json"
    path.write_text('{"version": 2, "results": {}}')
    assert not FORMAT.recognises(path)
    assert not FORMAT.recognises(write_zip(tmp_path / "a.zip", {"header.json": b"{}"}))


def test_ids_with_slashes_are_samples_too(tmp_path):
    short = [{k: v for k, v in one.items() if k != "choices"} for one in LETTERS]
    members = {"header.json": header(), "summaries.json": short}
    members |= {f"samples/a/{i}_epoch_1.json": one for i, one in enumerate(LETTERS[:2])}
    members |= {f"samples/b/{i}_epoch_1/sample.json": one for i, one in enumerate(LETTERS[2:])}
    members |= {"samples/b/2_epoch_1/messages/0.json": [1, 2]}
    path = write_zip(tmp_path / "a.eval", {k: json.dumps(v).encode() for k, v in members.items()})
    assert read_outcomes(path).frame["chance"].tolist() == [0.25] * 5


SHARES = (0.1, 0.2, 0.6, 0.05)


def written(number: int, letter: str, *, top: str = "ABCD", answer: str | None = None) -> dict:
    """A sample whose answer was written with the most probable tokens beside each token."""
    there = [{"token": f" {one}", "logprob": math.log(share)} for one, share in
             zip("ABCD", SHARES, strict=True) if one in top]  # fmt: skip
    there += [{"token": "A", "logprob": math.log(0.01)}]
    chosen = {"token": f" {letter}", "logprob": math.log(SHARES["ABCD".index(letter)])}
    noise = {"token": "ANSWER", "logprob": -0.1, "top_logprobs": []}
    content = [noise, {**chosen, "top_logprobs": there}, {"token": "<end>", "logprob": -0.1}]
    score = {"value": "C" if letter == "ABCD"[number % 4] else "I", "answer": answer or letter}
    row = sample(number, {}, output={"choices": [{"logprobs": {"content": content}}]})
    return {**row, "scores": {"choice": score}}


@pytest.mark.parametrize("kind", ["json", "eval"])
def test_letters_with_their_log_probabilities_are_rescored(tmp_path, kind):
    samples = [written(number, letter) for number, letter in enumerate("CBCC")]
    path = tmp_path / f"a.{kind}"
    if kind == "json":
        as_json(path, samples)
    else:
        summaries = [{k: v for k, v in one.items() if k != "output"} for one in samples]
        members = {"header.json": header(), "summaries.json": summaries}
        members |= {f"samples/{i}_epoch_1.json": one for i, one in enumerate(samples)}
        write_zip(path, {k: json.dumps(v).encode() for k, v in members.items()})
    assert read_outcomes(path).metrics == ("accuracy",)
    outcomes = read_outcomes(path, rescore=True)
    shares = np.add(SHARES, [0.01, 0, 0, 0])
    shares /= shares.sum()
    assert outcomes.select(metric="accuracy").frame["score"].tolist() == [0, 1, 1, 0]
    found = outcomes.select(metric="choice_probability").frame
    assert found["score"].tolist() == pytest.approx(shares)
    assert set(found["chance"]) == {0.25}
    brier = [((shares - np.eye(4)[number]) ** 2).sum() for number in range(4)]
    assert outcomes.select(metric="brier").frame["score"].tolist() == pytest.approx(brier)


def test_letters_that_are_not_all_there_are_not_rescored(tmp_path):
    samples = [written(0, "C"), written(1, "B", top="AB")]
    outcomes = read_outcomes(as_json(tmp_path / "a.json", samples), rescore=True)
    assert outcomes.select(metric="brier").frame["item"].tolist() == ["0"]
    assert [one.count for one in outcomes.notes if one.kind == "unrescored_items"] == [1]


def test_shuffled_choices_are_not_rescored(tmp_path):
    samples = [written(0, "C"), written(1, "B", answer="A")]
    with pytest.raises(FormatError, match="nothing can be rescored: the accuracy of"):
        read_outcomes(as_json(tmp_path / "a.json", samples), rescore=True)


RUN = """
import sys
import tiktoken


class Words:
    def encode(self, text, **_):
        return text.split()


tiktoken.get_encoding = lambda name: Words()
from inspect_ai import Task, eval
from inspect_ai.dataset import Sample
from inspect_ai.model import Logprob, Logprobs, ModelOutput, TopLogprob, get_model
from inspect_ai.scorer import Score, choice, mean, scorer
from inspect_ai.solver import multiple_choice


@scorer(metrics={"*": [mean()]})
def table():
    async def score(state, target):
        return Score(value={"a": 0.25, "b": float(state.epoch == 1)})

    return score


def output(letter):
    made = ModelOutput.from_content("mockllm/model", f"ANSWER: {letter}")
    top = [TopLogprob(token=f" {one}", logprob=-1.0 - (one != letter)) for one in "ABCD"]
    words = [Logprob(token="ANSWER:", logprob=-0.1), Logprob(token=f" {letter}", logprob=-1.0,
             top_logprobs=top)]
    made.choices[0].logprobs = Logprobs(content=words)
    return made


items = [Sample(id=i, input=f"q{i}", choices=list("wxyz"), target="ABCD"[i % 4]) for i in range(6)]
for kind in ("eval", "json"):
    outputs = [output("ABCD"[(i * 3) % 4]) for i in range(12)]
    task = Task(items, solver=multiple_choice(), scorer=[choice(), table()], name="mc", epochs=2)
    eval(
        [task], model=get_model("mockllm/model", custom_outputs=outputs), log_dir=sys.argv[1],
        log_format=kind, display="none", max_samples=1,
    )
"""


@pytest.fixture(scope="module")
def real_logs(tmp_path_factory) -> list[Path]:
    if importlib.util.find_spec("inspect_ai") is None:
        pytest.skip("inspect_ai is not installed; a real log needs it")
    folder = tmp_path_factory.mktemp("logs")
    done = subprocess.run(
        [sys.executable, "-c", RUN, str(folder)],
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return sorted(folder.iterdir(), key=lambda path: path.suffix)


def test_real_logs_give_the_scores_that_inspect_reports(real_logs):
    assert [path.suffix for path in real_logs] == [".eval", ".json"]
    results = json.loads(real_logs[1].read_text())["results"]["scores"]
    told = {score["name"]: score["metrics"] for score in results}
    for path in real_logs:
        outcomes = read_outcomes(path)
        cells = outcomes.cells().set_index("metric")
        assert cells.loc["accuracy", "score"] == pytest.approx(told["choice"]["accuracy"]["value"])
        assert cells.loc["table.a", "score"] == told["a"]["mean"]["value"]
        assert cells.loc["table.b", "score"] == told["b"]["mean"]["value"] == 0.5
        assert set(cells["n"]) == {6}
        assert set(cells["seeds"]) == {2}
        assert cells.loc["accuracy", "chance"] == 0.25
        assert "not_a_mean_of_items" not in {note.kind for note in outcomes.notes}


def test_real_logs_are_rescored(real_logs):
    right, wrong = np.exp(-1.0), np.exp(-2.0)
    share = np.array([right, wrong]) / (right + 3 * wrong)
    for path in real_logs:
        outcomes = read_outcomes(path, rescore=True)
        accuracy = outcomes.select(metric="accuracy").frame["score"].to_numpy()
        found = outcomes.select(metric="choice_probability").frame["score"].to_numpy()
        assert len(found) == 12
        assert found == pytest.approx(np.where(accuracy == 1, *share))
        assert {0.0, 1.0} == set(accuracy)
