"""The smallest files of results that each reader reads, and how to write them when changed."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from archives import DEFLATED, write_zip

DATE = "2026-01-01T00-00-00.000000"
INSPECT = {
    "version": 2,
    "status": "success",
    "eval": {"task": "t", "model": "m", "task_args": {"fewshot": 1}, "config": {"epochs": 1}},
    "plan": {"steps": [{"solver": "multiple_choice", "params": {"cot": False}}]},
    "results": {"scores": [{"name": "choice", "metrics": {"accuracy": {"value": 1.0}}}]},
    "samples": [
        {
            "id": 1,
            "epoch": 1,
            "choices": ["a", "b"],
            "target": "A",
            "scores": {"s": {"value": "C"}},
        },
        {"id": 2, "epoch": 1, "scores": {"s": {"value": {"k": 0.5, "l": [1]}}}},
    ],
}
HELM = {
    "name": "quiz:model=m",
    "adapter_spec": {"method": "multiple_choice_joint", "model": "m", "max_train_instances": 1},
}
STATS = [
    {
        "instance_id": "id0",
        "perturbation": None,
        "train_trial_index": 0,
        "stats": [{"name": {"name": "exact_match", "split": "test"}, "mean": 1.0}],
    }
]
PREDICTIONS = [{"instance_id": "id0", "train_trial_index": 0, "stats": {"exact_match": 1.0}}]
STATE = {
    "request_states": [
        {
            "instance": {
                "id": "id0",
                "references": [
                    {"output": {"text": "a"}, "tags": ["correct"]},
                    {"output": {"text": "b"}, "tags": []},
                ],
            },
            "train_trial_index": 0,
            "output_mapping": {"A": "a", "B": "b"},
            "result": {
                "completions": [
                    {"tokens": [{"text": "A", "logprob": -1, "top_logprobs": {"A": -1, "B": -2}}]}
                ]
            },
        }
    ]
}
BIG_BENCH = {
    "task": {"task_name": "t"},
    "model": {"model_family": "f", "model_name": "m", "total_params": 1e9},
    "scores": [
        {
            "score_dict": {"exact_str_match": 0.5},
            "preferred_score": "exact_str_match",
            "subtask_description": "t",
            "low_score": 0.0,
            "high_score": 1.0,
            "number_of_shots": 0,
        }
    ],
}
EVALPLUS = {"eval": {"HumanEval/0": [{"base_status": "pass", "plus_status": "pass"}]}}
EVALS = [
    {"spec": {"completion_fns": ["m"], "eval_name": "t", "run_config": {"seed": 1}}},
    {"type": "match", "sample_id": "1", "data": {"correct": True}},
    {"type": "metrics", "sample_id": "1", "data": {"f1_score": 0.5}},
    {"final_report": {"accuracy": 1.0}},
]
DETAILS = [
    {
        "doc": {"choices": ["a", "b"], "gold_index": [0], "id": "1"},
        "metric": {"acc": 1.0},
        "num_asked_few_shots": "1",
    }
]
LM_EVAL = {
    "results": {"t": {"acc,none": 1.0, "acc_stderr,none": "N/A", "alias": "t"}},
    "configs": {"t": {"output_type": "multiple_choice", "doc_to_choice": ["a", "b"]}},
    "n-shot": {"t": 0},
    "n-samples": {"t": {"original": 1, "effective": 1}},
    "config": {"model_args": {"pretrained": "m", "revision": "step1"}, "fewshot_seed": 1},
    "group_subtasks": {"t": []},
}
SAMPLES = [
    {
        "doc_id": 0,
        "target": "0",
        "arguments": {"gen_args_0": {"arg_0": "?", "arg_1": " a"}},
        "filtered_resps": [["-1.0", "True"], ["-2.0", "False"]],
        "filter": "none",
        "metrics": ["acc"],
        "acc": 1.0,
    }
]
TABLE = [
    {"task": "t", "metric": "accuracy", "model": "m", "score": 0.5, "n": 10, "shots": 0},
    {"task": "t", "metric": "accuracy", "model": "k", "score": 0.25, "n": 10, "shots": 5},
]
PUBLISHED = [
    {
        "run_id": "r1",
        "filename": "strategyqa/task.json",
        "number_of_data": 2285,
        "model": "davinci",
        "prompt_type": "closed",
        "number_of_shots": 5,
        "seed": None,
        "exact_match_accuracy": 0.6,
        "exact_match_f1": 0.5,
        "bert_score_accuracy": 0.7,
        "bert_score_f1": 0.6,
        "edit_distance": 12.5,
        "single_bert_score": 0.9,
    }
]
CELL = "cells/model=m/task=t/aa.parquet"
MANIFEST = {
    "confounds_probe": 1,
    "study": "s",
    "models": {"m": {"family": "f", "parameters": 1e6}},
    "cells": [
        {"file": CELL, "model": "m", "task": "t", "kind": "condition", "seed": 3,
         "condition": {"shots": 5, "demonstrations": "gold"}},
        {"file": "cells/bb.parquet", "model": "m", "task": "t", "kind": "condition", "seed": 4,
         "condition": None},
    ],
}  # fmt: skip
DECLARED = {
    "exact_match": {"kind": "discontinuous", "lower": "0.0", "upper": "1.0", "chance": "zero",
                    "higher_is_better": True, "summary": ""}
}  # fmt: skip


class NotWritableError(Exception):
    """No file of this kind can hold the document."""


@dataclass(frozen=True)
class Valid:
    """A file that is read without complaint.

    Attributes:
        form: name of the reader.
        document: what it holds.
        write: writes a document into a folder; returns the file to read.
        content: name of the file that holds the document, where that is another one.
    """

    form: str
    document: Any
    write: Callable[[Path, Any], Path]
    content: str | None = None

    def place(self, folder: Path) -> tuple[Path, Path]:
        """Write the file as it should be; the file to read, and the one to break."""
        path = self.write(folder, self.document)
        return path, path if self.content is None else folder / self.content


def as_json(name: str) -> Callable[[Path, Any], Path]:
    """Writes a document as JSON."""

    def write(folder: Path, document: Any) -> Path:
        path = folder / name
        path.write_text(json.dumps(document), encoding="utf-8")
        return path

    return write


def as_lines(name: str) -> Callable[[Path, Any], Path]:
    """Writes a list as JSON Lines."""

    def write(folder: Path, document: Any) -> Path:
        path = folder / name
        rows = document if isinstance(document, list) else [document]
        path.write_text("\n".join(json.dumps(row) for row in rows), encoding="utf-8")
        return path

    return write


def as_csv(name: str) -> Callable[[Path, Any], Path]:
    """Writes a list of rows as CSV."""

    def write(folder: Path, document: Any) -> Path:
        path = folder / name
        rows = [row for row in listed(document) if isinstance(row, dict)]
        names = list(dict.fromkeys(name for row in rows for name in row))
        with path.open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, names)
            writer.writeheader()
            writer.writerows(rows)
        return path

    return write


def as_parquet(name: str) -> Callable[[Path, Any], Path]:
    """Writes a list of rows as Parquet."""

    def write(folder: Path, document: Any) -> Path:
        path = folder / name
        path.parent.mkdir(exist_ok=True)
        try:
            pq.write_table(pa.Table.from_pylist(document), path)
        except (pa.ArrowException, AttributeError, TypeError, OverflowError, ValueError) as error:
            raise NotWritableError from error
        return path

    return write


def beside(
    main: Callable[[Path, Any], Path], other: Callable[[Path, Any], Path], given: Any
) -> Callable[[Path, Any], Path]:
    """Writes a document by `main`, which is the file to read, and what is given beside it."""

    def write(folder: Path, document: Any) -> Path:
        other(folder, given)
        return main(folder, document)

    return write


def among(
    main: Callable[[Path, Any], Path], given: Any, other: Callable[[Path, Any], Path]
) -> Callable[[Path, Any], Path]:
    """Writes a document by `other`, beside the given one, which is the file to read."""

    def write(folder: Path, document: Any) -> Path:
        other(folder, document)
        return main(folder, given)

    return write


def as_archive(folder: Path, document: Any) -> Path:
    """Writes a log of Inspect as an archive."""
    rows = document.get("samples") if isinstance(document, dict) else document
    members = {"header.json": document, "summaries.json": rows}
    content = {name: json.dumps(one).encode() for name, one in members.items()}
    return write_zip(folder / "a.eval", content, method=DEFLATED)


def as_probed(folder: Path, document: Any) -> Path:
    """Writes the folder of a study, with one cell."""
    table = pa.table(
        {"item": ["a"], "choices": pa.array([4], pa.int32()), "score:exact_match": [1.0]},
        metadata={
            "confounds.baselines": json.dumps({"exact_match": 0.5}),
            "confounds.measures": json.dumps(DECLARED),
        },
    )
    (folder / CELL).parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(table, folder / CELL)
    return as_json("manifest.json")(folder, document)


def listed(document: Any) -> list[Any]:
    """The document where it is a list, else a list of it."""
    return document if isinstance(document, list) else [document]


DETAILS_NAME = f"details_org__m/details_t|1_{DATE}.parquet"
RESULTS_NAME = f"results_{DATE}.json"
SAMPLES_NAME = f"samples_t_{DATE}.jsonl"
SPEC = as_json("run_spec.json")
FILES: dict[str, Valid] = {
    "inspect json": Valid("inspect_ai", INSPECT, as_json("a.json")),
    "inspect archive": Valid("inspect_ai", INSPECT, as_archive),
    "helm spec": Valid("helm", HELM, beside(SPEC, as_json("per_instance_stats.json"), STATS)),
    "helm stats": Valid(
        "helm", STATS, among(SPEC, HELM, as_json("per_instance_stats.json")),
        "per_instance_stats.json",
    ),
    "helm predictions": Valid(
        "helm", PREDICTIONS, among(SPEC, HELM, as_json("display_predictions.json")),
        "display_predictions.json",
    ),
    "big_bench": Valid("big_bench", BIG_BENCH, as_json("scores_m.json")),
    "evalplus": Valid("evalplus", EVALPLUS, as_json("m_eval_results.json")),
    "openai_evals": Valid("openai_evals", EVALS, as_lines("run.jsonl")),
    "lighteval": Valid("lighteval", DETAILS, as_parquet(DETAILS_NAME)),
    "lm_eval": Valid("lm_eval", LM_EVAL, as_json(RESULTS_NAME)),
    "lm_eval samples": Valid(
        "lm_eval", SAMPLES, among(as_json(RESULTS_NAME), LM_EVAL, as_lines(SAMPLES_NAME)),
        SAMPLES_NAME,
    ),
    "table csv": Valid("table", TABLE, as_csv("t.csv")),
    "table jsonl": Valid("table", TABLE, as_lines("t.jsonl")),
    "table parquet": Valid("table", TABLE, as_parquet("t.parquet")),
    "on_emergence": Valid("on_emergence", PUBLISHED, as_csv("evaluation_scores.csv")),
    "probed": Valid("probed", MANIFEST, as_probed),
}  # fmt: skip


def places(document: Any, here: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Keys that lead to every value of a document."""
    inside: list[tuple[Any, Any]] = []
    if isinstance(document, dict):
        inside = list(document.items())
    elif isinstance(document, list):
        inside = list(enumerate(document))
    found = [here] if here else []
    return found + [place for key, one in inside for place in places(one, (*here, key))]


def changed(document: Any, place: tuple[Any, ...], value: Any) -> Any:
    """The document with another value in one place."""
    copy = json.loads(json.dumps(document))
    target = copy
    for key in place[:-1]:
        target = target[key]
    target[place[-1]] = value
    return copy
