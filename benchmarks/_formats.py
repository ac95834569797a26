"""Folders of made-up results in each format, for the benchmark of reading.

Inspect's log is written by Inspect itself (its mock model); the others follow the schemas that the
readers name. A sample carries as much text as real ones do, about 2 KB in lm-eval's.
"""

from __future__ import annotations

import json
import os
import random
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq

if TYPE_CHECKING:
    from pathlib import Path

MODEL = "EleutherAI/pythia-70m"
DATE = "2026-01-02T03-04-05.678901"
CHOICES = ("a copper wire", "a wooden spoon", "a glass rod", "a rubber band")
WORDS = "which of these objects conducts electricity best when it is dry and cold".split()  # noqa: SIM905


def write_lm_eval(folder: Path, samples: int, task: str = "quiz", seed: int = 0) -> None:
    """Results and samples of one task, answered by choice."""
    draw = random.Random(seed)  # noqa: S311  made-up data need no cryptography
    home = folder / f"{seed:04d}"
    home.mkdir(parents=True, exist_ok=True)
    right = 0
    with (home / f"samples_{task}_{DATE}.jsonl").open("w") as file:
        for number in range(samples):
            row = _lm_eval_sample(number, draw)
            right += int(row["acc"])
            file.write(json.dumps(row) + "\n")
    document = {
        "results": {task: {"alias": task, "acc,none": right / samples}},
        "configs": {task: {"output_type": "multiple_choice", "target_delimiter": " "}},
        "n-shot": {task: 5},
        "n-samples": {task: {"original": samples, "effective": samples}},
        "config": {"model": "hf", "model_args": {"pretrained": f"org/tiny-{seed}"}},
    }
    (home / f"results_{DATE}.json").write_text(json.dumps(document))


def _lm_eval_sample(number: int, draw: random.Random) -> dict[str, Any]:
    """One sample as 0.4.13 logs it: the five-shot context once for each choice."""
    question = " ".join(draw.choices(WORDS, k=60))
    context = f"Question: {question}?\nAnswer:"
    gold = draw.randrange(len(CHOICES))
    log_prob = [round(-draw.random() * 20, 6) for _ in CHOICES]
    pairs = [[str(value), "False"] for value in log_prob]
    chosen = max(range(len(CHOICES)), key=log_prob.__getitem__)
    return {
        "doc_id": number,
        "doc": {"id": number, "question": question, "choices": list(CHOICES), "label": gold},
        "target": str(gold),
        "arguments": {
            f"gen_args_{place}": {"arg_0": context, "arg_1": f" {choice}"}
            for place, choice in enumerate(CHOICES)
        },
        "resps": [[pair] for pair in pairs],
        "filtered_resps": pairs,
        "filter": "none",
        "metrics": ["acc"],
        "doc_hash": f"{draw.getrandbits(256):064x}",
        "prompt_hash": f"{draw.getrandbits(256):064x}",
        "target_hash": f"{draw.getrandbits(256):064x}",
        "acc": float(chosen == gold),
    }


def write_inspect(folder: Path, samples: int) -> None:
    """A log that Inspect writes of its mock model, which answers A to every question."""
    os.environ["INSPECT_DISPLAY"] = "none"
    from inspect_ai import Task  # noqa: PLC0415  it takes seconds to import
    from inspect_ai import eval as run  # noqa: PLC0415
    from inspect_ai.dataset import MemoryDataset, Sample  # noqa: PLC0415
    from inspect_ai.model import ModelOutput, ModelUsage, get_model  # noqa: PLC0415
    from inspect_ai.scorer import choice  # noqa: PLC0415
    from inspect_ai.solver import multiple_choice  # noqa: PLC0415

    draw = random.Random(0)  # noqa: S311  made-up data need no cryptography
    asked = [
        Sample(
            input=" ".join(draw.choices(WORDS, k=60)),
            target=draw.choice("ABCD"),
            choices=list(CHOICES),
            id=number,
        )
        for number in range(samples)
    ]
    answer = ModelOutput.from_content("mockllm/model", "ANSWER: A")
    answer.usage = ModelUsage(input_tokens=80, output_tokens=3, total_tokens=83)
    answers = (answer.model_copy(deep=True) for _ in asked)
    task = Task(dataset=MemoryDataset(asked), solver=multiple_choice(), scorer=choice())
    model = get_model("mockllm/model", custom_outputs=answers)
    run(task, model=model, log_dir=str(folder), display="none", log_realtime=False)


def write_helm(folder: Path, samples: int) -> None:
    """One run of a task answered by choice."""
    draw = random.Random(0)  # noqa: S311  made-up data need no cryptography
    spec = {
        "name": f"quiz:model={MODEL}",
        "adapter_spec": {
            "method": "multiple_choice_joint",
            "model": MODEL,
            "max_train_instances": 5,
        },
    }
    stats, instances = [], []
    for number in range(samples):
        own = {"instance_id": f"id{number}", "perturbation": None, "train_trial_index": 0}
        named = {"exact_match": draw.randrange(2), "num_train_instances": 5, "inference_runtime": 1}
        listed = [
            {"name": {"name": name, "split": "test"}, "count": 1, "sum": value, "mean": value}
            for name, value in named.items()
        ]
        stats.append({**own, "stats": listed})
        text = " ".join(draw.choices(WORDS, k=60))
        references = [{"output": {"text": one}, "tags": []} for one in CHOICES]
        instances.append({"id": f"id{number}", "input": {"text": text}, "references": references})
    files = {"run_spec": spec, "per_instance_stats": stats, "instances": instances}
    for name, document in files.items():
        (folder / f"{name}.json").write_text(json.dumps(document))


def write_lighteval(folder: Path, samples: int) -> None:
    """Details of one task, as lighteval 0.11 and later write them."""
    draw = random.Random(0)  # noqa: S311  made-up data need no cryptography
    rows = [
        {
            "doc": {
                "query": " ".join(draw.choices(WORDS, k=60)),
                "choices": list(CHOICES),
                "gold_index": [draw.randrange(4)],
                "id": str(number),
            },
            "metric": {"acc": float(draw.randrange(2))},
            "model_response": {"logprobs": [-draw.random() for _ in CHOICES], "text": []},
        }
        for number in range(samples)
    ]
    home = folder / "details" / "EleutherAI" / "pythia-70m" / DATE
    home.mkdir(parents=True)
    pq.write_table(pa.Table.from_pylist(rows), home / f"details_quiz|5_{DATE}.parquet")


def write_openai_evals(folder: Path, samples: int) -> None:
    """The log of one run: what was sampled, and whether it matched."""
    draw = random.Random(0)  # noqa: S311  made-up data need no cryptography
    spec = {"completion_fns": [MODEL], "eval_name": "quiz.dev.v0", "run_id": "R", "run_config": {}}
    with (folder / "run.jsonl").open("w") as file:
        file.write(json.dumps({"spec": spec}) + "\n")
        for number in range(samples):
            prompt = " ".join(draw.choices(WORDS, k=60))
            answer = draw.choice(CHOICES)
            for kind, data in (
                ("sampling", {"prompt": prompt, "sampled": [answer]}),
                (
                    "match",
                    {"correct": answer == CHOICES[0], "expected": CHOICES[0], "picked": answer},
                ),
            ):
                row = {"run_id": "R", "event_id": number, "sample_id": f"quiz.dev.{number}"}
                file.write(json.dumps({**row, "type": kind, "data": data}) + "\n")


def write_evalplus(folder: Path, samples: int) -> None:
    """Verdicts on programs, with the programs."""
    draw = random.Random(0)  # noqa: S311  made-up data need no cryptography
    body = "def solve(values):\n" + "    values = sorted(values)\n" * 20 + "    return values\n"
    problems = {
        f"HumanEval/{number}": [
            {
                "task_id": f"HumanEval/{number}",
                "solution": body,
                "base_status": draw.choice(("pass", "fail")),
                "plus_status": draw.choice(("pass", "fail")),
                "base_fail_tests": [],
                "plus_fail_tests": [],
            }
        ]
        for number in range(samples)
    }
    name = "EleutherAI--pythia-70m_vllm_temp_0.0_eval_results.json"
    document = {"date": "2026-01-01 00:00", "hash": "h", "eval": problems}
    (folder / name).write_text(json.dumps(document))


def load_lm_eval(folder: Path) -> int:
    """Pandas on the samples files, as lm-eval's own examples read them."""
    import pandas as pd  # noqa: PLC0415  each reader's memory is measured with its own imports

    files = sorted(folder.rglob("samples_*.jsonl"))
    return len(pd.concat([pd.read_json(path, lines=True) for path in files]))


def table_lm_eval(folder: Path) -> int:
    """Pandas, up to item, metric and score."""
    import pandas as pd  # noqa: PLC0415

    loaded = [pd.read_json(path, lines=True) for path in sorted(folder.rglob("samples_*.jsonl"))]
    wide = pd.concat(loaded)[["doc_id", "acc"]]
    return len(wide.melt("doc_id", var_name="metric", value_name="score"))


def load_inspect(folder: Path) -> int:
    """Inspect's own table of samples."""
    from inspect_ai.analysis import samples_df  # noqa: PLC0415

    return len(samples_df(str(folder), quiet=True))


def load_lighteval(folder: Path) -> int:
    """Pandas on the details."""
    import pandas as pd  # noqa: PLC0415

    return sum(len(pd.read_parquet(path)) for path in folder.rglob("*.parquet"))


def table_lighteval(folder: Path) -> int:
    """Pandas on the columns that this takes, up to item, metric, score and number of choices."""
    import pandas as pd  # noqa: PLC0415

    columns = ["doc.id", "doc.choices", "doc.gold_index", "metric"]
    loaded = pd.concat(
        [pd.read_parquet(path, columns=columns) for path in folder.rglob("*.parquet")]
    )
    wide = pd.DataFrame(loaded["metric"].tolist())
    wide["item"] = loaded["id"].to_numpy()
    wide["choices"] = loaded["choices"].str.len().to_numpy()
    return len(wide.melt(["item", "choices"], var_name="metric", value_name="score"))


def load_openai_evals(folder: Path) -> int:
    """Pandas on the log, as the examples of OpenAI evals read it."""
    import pandas as pd  # noqa: PLC0415

    return len(pd.read_json(folder / "run.jsonl", lines=True)) // 2


def table_openai_evals(folder: Path) -> int:
    """Pandas, up to item, metric and score."""
    import pandas as pd  # noqa: PLC0415

    events = pd.read_json(folder / "run.jsonl", lines=True)
    matches = events[events["type"] == "match"]
    score = [float(one["correct"]) for one in matches["data"]]
    return len(pd.DataFrame({"item": matches["sample_id"], "metric": "accuracy", "score": score}))
