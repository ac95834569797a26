"""Samples as v0.3 (`--write_out`), v0.4.0, v0.4.2 and v0.4.3 write them: no filter, no metrics."""

from __future__ import annotations

import json

import numpy as np
import pytest
from lm_eval_files import DATE, new, old, sample, write, write_samples

from confounds.errors import FormatError
from confounds.ingest import read_outcomes

RIGHT, WRONG = ["-1.0", "-2.0"], ["-2.0", "-1.0"]


def bare(number: int, log_prob: list[str], **scores) -> dict:
    row = sample(number, target="0", log_prob=log_prob)
    kept = ("doc_id", "doc", "target", "arguments", "resps", "filtered_resps")
    return {**{key: row[key] for key in kept}, **scores}


def test_metrics_are_those_of_the_result_file(tmp_path):
    results = {"a": {"acc,none": 0.5, "exact_match,none": 0.5}}
    document = new(results)
    document["configs"]["a"] = {"output_type": "generate_until"}
    write(tmp_path / f"results_{DATE}.json", document)
    rows = [bare(i, RIGHT, exact_match=float(i), acc=float(i)) for i in (0, 1)]
    write_samples(tmp_path, "a", rows)
    frame = read_outcomes(tmp_path).frame
    assert set(frame["metric"]) == {"accuracy", "exact_match"}
    assert frame["item"].tolist() == ["0", "1", "0", "1"]
    assert frame["score"].tolist() == [0, 1, 0, 1]


def test_rows_of_an_item_follow_the_order_of_the_filters(tmp_path):
    results = {"a": {"exact_match,strict": 0.0, "exact_match,flexible": 1.0}}
    document = new(results)
    document["configs"]["a"] = {"output_type": "generate_until"}
    write(tmp_path / f"results_{DATE}.json", document)
    rows = [bare(i, RIGHT, exact_match=s) for s in (0.0, 1.0) for i in (0, 1)]
    write_samples(tmp_path, "a", rows)
    outcomes = read_outcomes(tmp_path)
    assert outcomes.select(metric="exact_match:strict").frame["score"].tolist() == [0, 0]
    assert outcomes.select(metric="exact_match:flexible").frame["score"].tolist() == [1, 1]
    assert "not_a_mean_of_items" not in {note.kind for note in outcomes.notes}


@pytest.mark.parametrize("prefix", ["pretrained__org__m,dtype__x", "pretrained=org__m,dtype=x"])
def test_one_list_named_after_the_arguments_of_the_model(tmp_path, prefix):
    document = new({"a": {"acc,none": 0.5}})
    document["config"]["model_args"] = "pretrained=org/m,dtype=x"
    write(tmp_path / "results.json", document)
    rows = [bare(0, RIGHT, acc=1.0), bare(1, WRONG, acc=0.0)]
    path = tmp_path / f"{prefix}_a.jsonl"
    path.write_text(json.dumps(rows, indent=2), encoding="utf-8")
    outcomes = read_outcomes(tmp_path)
    frame = outcomes.select(metric="choice_accuracy").frame
    assert frame["score"].tolist() == [1, 0]
    lines = path.read_text(encoding="utf-8").splitlines()
    starts = [int(one.rsplit(":", 1)[1]) for one in frame["source"]]
    assert [lines[start - 1] for start in starts] == ["  {", "  {"]
    assert outcomes.select(metric="brier").frame["score"].notna().all()
    path.write_text(path.read_text(encoding="utf-8")[:-30], encoding="utf-8")
    with pytest.raises(FormatError, match=rf"_a\.jsonl:{starts[1]}: not valid JSON"):
        read_outcomes(tmp_path)


def test_json_lines_of_the_second_leaderboard_are_called_json(tmp_path):
    write(tmp_path / f"results_{DATE}.json", new({"a": {"acc,none": 0.5}}))
    write_samples(tmp_path, "a", [bare(0, RIGHT, acc=1.0), bare(1, WRONG, acc=0.0)])
    (path,) = tmp_path.glob("samples_*")
    path.rename(path.with_suffix(".json"))
    outcomes = read_outcomes(tmp_path)
    assert outcomes.select(metric="choice_accuracy").frame["item"].tolist() == ["0", "1"]
    assert "unread_files" not in {note.kind for note in outcomes.notes}


def test_what_0_3_writes_out(tmp_path):
    write(tmp_path / "out.json", old(0.5, 2))
    rows = [
        {"doc_id": i, "prompt_0": "?", "logit_0": -1.0, "logit_1": -2.0, "truth": i}
        | {"acc": str(1.0 - i)}
        for i in (0, 1)
    ]
    path = tmp_path / "wsc_write_out_info.json"
    path.write_text(json.dumps(rows, indent=4), encoding="utf-8")
    outcomes = read_outcomes(tmp_path)
    assert outcomes.select(metric="choice_accuracy").frame["score"].tolist() == [1, 0]
    assert outcomes.select(metric="target_log_prob").frame["score"].tolist() == [-1, -2]
    assert "recomputed_differs" not in {note.kind for note in outcomes.notes}


def test_doubled_requests_of_mutual_information_are_no_choices(tmp_path):
    results = {"a": {"acc,none": 1.0, "acc_mutual_info,none": 1.0}}
    write(tmp_path / f"results_{DATE}.json", new(results))
    row = bare(0, [*RIGHT, "-0.1", "-9.0"], acc=1.0, acc_mutual_info=1.0)
    write_samples(tmp_path, "a", [row])
    outcomes = read_outcomes(tmp_path)
    assert outcomes.select(metric="choice_accuracy").frame["chance"].tolist() == [0.5]
    probability = outcomes.select(metric="choice_probability").frame["score"].iloc[0]
    assert probability == pytest.approx(1 / (1 + np.exp(-1)))
