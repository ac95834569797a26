"""Result files of lm-eval, 0.3 and 0.4, and samples beside them."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

DATE = "2026-01-02T03-04-05.678901"


def write(path: Path, document: dict) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(document), encoding="utf-8")
    return path


def old(accuracy: float = 0.25, n: int = 100, **config) -> dict:
    error = np.sqrt(accuracy * (1 - accuracy) / (n - 1))
    arguments = "pretrained=EleutherAI/pythia-v1.1-70m,revision=step1000"
    return {
        "results": {"wsc": {"acc": accuracy, "acc_stderr": error}},
        "versions": {"wsc": 0},
        "config": {"model": "hf-causal", "model_args": arguments, "num_fewshot": 5, **config},
    }


def new(results: dict, **rest) -> dict:
    return {
        "results": results,
        "configs": {name: {"output_type": "multiple_choice"} for name in results},
        "n-shot": dict.fromkeys(results, 0),
        "n-samples": {name: {"original": 4, "effective": 4} for name in results},
        "config": {"model": "hf", "model_args": {"pretrained": "org/tiny"}, "fewshot_seed": 1234},
        **rest,
    }


def sample(number: int, *, target: str, log_prob: list[str], filter_name: str = "none") -> dict:
    best = int(np.argmax([float(one) for one in log_prob]))
    texts = [" yes", " no", " perhaps"][: len(log_prob)]
    return {
        "doc_id": number,
        "doc": {},
        "target": target,
        "arguments": {f"gen_args_{i}": {"arg_0": "?", "arg_1": t} for i, t in enumerate(texts)},
        "resps": [[[one, "False"]] for one in log_prob],
        "filtered_resps": [[one, "False"] for one in log_prob],
        "filter": filter_name,
        "metrics": ["acc"],
        "acc": float(str(best) in target),
    }


def write_samples(folder: Path, task: str, samples: list[dict]) -> None:
    lines = "\n".join(json.dumps(one) for one in samples)
    (folder / f"samples_{task}_{DATE}.jsonl").write_text(lines + "\n", encoding="utf-8")
