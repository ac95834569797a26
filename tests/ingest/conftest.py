"""A real run of lm-eval: a tiny model with random weights, three local tasks, samples logged."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

SHARED = Path(__file__).resolve().parents[2] / "../shared/data"

MODEL = """
import sys
from pathlib import Path
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import GPTNeoXConfig, GPTNeoXForCausalLM, PreTrainedTokenizerFast
import torch

folder = Path(sys.argv[1])
words = Path(sys.argv[2]).read_text(encoding="utf-8").splitlines()
tokenizer = Tokenizer(models.BPE())
tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
tokenizer.decoder = decoders.ByteLevel()
trainer = trainers.BpeTrainer(
    vocab_size=300, special_tokens=["<end>"],
    initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False,
)
tokenizer.train_from_iterator(words, trainer)
PreTrainedTokenizerFast(
    tokenizer_object=tokenizer, eos_token="<end>", pad_token="<end>", bos_token="<end>"
).save_pretrained(folder)
torch.manual_seed(7)
config = GPTNeoXConfig(
    vocab_size=tokenizer.get_vocab_size(), hidden_size=32, num_hidden_layers=2,
    num_attention_heads=2, intermediate_size=64, max_position_embeddings=256,
    bos_token_id=0, eos_token_id=0,
)
GPTNeoXForCausalLM(config).save_pretrained(folder)
"""

CHOICE = """
task: tiny_choice
dataset_path: json
dataset_kwargs:
  data_files:
    train: {folder}/choice_train.jsonl
    test: {folder}/choice_test.jsonl
output_type: multiple_choice
test_split: test
fewshot_split: train
doc_to_text: "Question: {{{{question}}}}\\nAnswer:"
doc_to_target: label
doc_to_choice: options
metric_list:
  - metric: acc
    aggregation: mean
    higher_is_better: true
  - metric: acc_norm
    aggregation: mean
    higher_is_better: true
  - metric: brier_score
    higher_is_better: false
metadata:
  version: 1.0
"""

COMPLETE = """
task: tiny_complete
dataset_path: json
dataset_kwargs:
  data_files:
    train: {folder}/complete.jsonl
    test: {folder}/complete.jsonl
output_type: loglikelihood
test_split: test
fewshot_split: train
doc_to_text: "{{{{prompt}}}}"
doc_to_target: "{{{{' ' + target}}}}"
metric_list:
  - metric: perplexity
    aggregation: perplexity
    higher_is_better: false
  - metric: acc
    aggregation: mean
    higher_is_better: true
metadata:
  version: 1.0
"""

ANSWER = """
task: tiny_answer
dataset_path: json
dataset_kwargs:
  data_files:
    train: {folder}/complete.jsonl
    test: {folder}/complete.jsonl
output_type: generate_until
test_split: test
fewshot_split: train
doc_to_text: "{{{{prompt}}}}"
doc_to_target: "{{{{target[0]}}}}"
generation_kwargs:
  until: ["\\n"]
  max_gen_toks: 8
  do_sample: false
filter_list:
  - name: strict
    filter:
      - function: regex
        regex_pattern: "answer is (\\\\w+)"
      - function: take_first
  - name: flexible
    filter:
      - function: regex
        regex_pattern: "(\\\\w)"
      - function: take_first
metric_list:
  - metric: exact_match
    aggregation: mean
    higher_is_better: true
metadata:
  version: 1.0
"""


def write_items(folder: Path) -> None:
    """Items whose choices differ in length, so that the two accuracies differ."""
    words = ("red", "blue", "yellowish green", "dark", "a very pale violet", "grey", "tan", "ochre")
    for name, start, count in (("choice_train", 0, 8), ("choice_test", 8, 48)):
        with (folder / f"{name}.jsonl").open("w", encoding="utf-8") as file:
            for number in range(start, start + count):
                options = [words[(number * step + step) % len(words)] for step in (1, 3, 5)]
                row = {"question": f"colour {number}?", "options": options, "label": number % 3}
                file.write(json.dumps(row) + "\n")
    with (folder / "complete.jsonl").open("w", encoding="utf-8") as file:
        for number in range(30):
            row = {"prompt": f"The colour of {number} is", "target": words[number % len(words)]}
            file.write(json.dumps(row) + "\n")
    (folder / "words.txt").write_text("\n".join(words) * 3, encoding="utf-8")


@pytest.fixture(scope="session")
def lm_eval_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder with the result file and the samples of one run."""
    for package in ("lm_eval", "torch", "transformers", "tokenizers", "datasets"):
        if importlib.util.find_spec(package) is None:
            pytest.skip(f"{package} is not installed; a real run of lm-eval needs it")
    folder = tmp_path_factory.mktemp("lm_eval")
    model, tasks, out = folder / "tiny-neox", folder / "tasks", folder / "out"
    tasks.mkdir()
    write_items(folder)
    for name, text in (("choice", CHOICE), ("complete", COMPLETE), ("answer", ANSWER)):
        (tasks / f"{name}.yaml").write_text(text.format(folder=folder), encoding="utf-8")
    local = {"HF_HUB_OFFLINE": "1", "HF_DATASETS_OFFLINE": "1", "HF_HOME": str(folder / "hf")}
    environment = {**os.environ, **local, "TOKENIZERS_PARALLELISM": "false", "OMP_NUM_THREADS": "1"}
    commands = (
        [sys.executable, "-c", MODEL, str(model), str(folder / "words.txt")],
        [
            *(sys.executable, "-m", "lm_eval", "run", "--model", "hf", "--device", "cpu"),
            *("--model_args", f"pretrained={model},dtype=float32", "--batch_size", "8"),
            *("--tasks", "tiny_choice,tiny_complete,tiny_answer", "--num_fewshot", "2"),
            *("--include_path", str(tasks), "--log_samples", "--output_path", str(out)),
        ],
    )
    for command in commands:
        done = subprocess.run(
            command, env=environment, capture_output=True, text=True, check=False, timeout=600
        )
        assert done.returncode == 0, done.stderr[-3000:]
    return out
