"""Tiny models with random weights, and a study that asks them."""

from __future__ import annotations

import importlib.util
import json
import random
from pathlib import Path
from typing import Any

import pytest

WORDS = "red blue green yellow seven hundred twenty quick brown fox dog cat".split()  # noqa: SIM905
SHAPE = {
    "vocab_size": 512,
    "hidden_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "intermediate_size": 64,
    "max_position_embeddings": 2048,
    "initializer_range": 0.5,
    "bos_token_id": 0,
    "eos_token_id": 0,
    "pad_token_id": 0,
}
GROUPED = {"num_key_value_heads": 2}
KINDS: dict[str, tuple[str, dict[str, Any]]] = {
    "gpt_neox": ("GPTNeoX", {}),
    "llama": ("Llama", GROUPED),
    "qwen2": ("Qwen2", GROUPED),
    "mistral": ("Mistral", {**GROUPED, "sliding_window": 24, "head_dim": 8}),
    "qwen2_mixed": (
        "Qwen2",
        {**GROUPED, "use_sliding_window": True, "sliding_window": 24, "max_window_layers": 1},
    ),
    "gemma2": ("Gemma2", {**GROUPED, "sliding_window": 24, "head_dim": 8}),
}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    missing = [name for name in ("torch", "transformers") if not importlib.util.find_spec(name)]
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.probe)
            if missing:
                item.add_marker(pytest.mark.skip(reason=f"{missing[0]} is not installed"))


def make_tokenizer(folder: Path) -> None:
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    raw = Tokenizer(models.BPE())
    raw.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    raw.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(
        vocab_size=400, special_tokens=["<|end|>"], initial_alphabet=alphabet, show_progress=False
    )
    raw.train_from_iterator([f"Question: {w} {w}? Answer: {w}" for w in WORDS] * 3, trainer)
    special = dict.fromkeys(("eos_token", "bos_token", "pad_token"), "<|end|>")
    PreTrainedTokenizerFast(tokenizer_object=raw, **special).save_pretrained(folder)


def make_model(kind: str, folder: Path, seed: int = 0) -> Path:
    import torch
    import transformers

    torch.manual_seed(seed)
    transformers.utils.logging.disable_progress_bar()
    if kind == "bloom":
        config: Any = transformers.BloomConfig(
            vocab_size=512, hidden_size=32, n_layer=2, n_head=4, initializer_range=0.5,
            bos_token_id=0, eos_token_id=0, pad_token_id=0,
        )  # fmt: skip
        model = transformers.BloomForCausalLM(config)
    elif kind == "t5":
        config = transformers.T5Config(
            vocab_size=512, d_model=32, d_kv=8, d_ff=64, num_layers=2, num_heads=4,
            decoder_start_token_id=0, pad_token_id=0, eos_token_id=0, initializer_factor=3.0,
        )  # fmt: skip
        model = transformers.T5ForConditionalGeneration(config)
    else:
        name, options = KINDS[kind]
        config = getattr(transformers, f"{name}Config")(**SHAPE, **options)
        model = getattr(transformers, f"{name}ForCausalLM")(config)
    model.save_pretrained(folder)
    make_tokenizer(folder)
    return folder


@pytest.fixture(scope="session")
def model_folder(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Folder of a tiny model of one kind, made once."""
    root = tmp_path_factory.mktemp("models")

    def folder(kind: str) -> Path:
        return root / kind if (root / kind).exists() else make_model(kind, root / kind)

    return folder


def make_items(count: int, seed: int = 0) -> list[dict[str, Any]]:
    draw = random.Random(seed)
    items = []
    for number in range(count):
        choices = draw.sample(WORDS, 4)
        prompt = f"what is {' '.join(draw.choices(WORDS, k=5))}"
        target = draw.choice(choices)
        items.append({"id": f"q{number}", "prompt": prompt, "target": target, "choices": choices})
    return items


def write_jsonl(path: Path, rows: list[dict[str, Any]]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


STUDY = """
name = "tiny"
seeds = [0, 1]
metrics = ["exact_match", "choice_accuracy", "target_log_prob"]
[[models]]
path = "{model}"
name = "tiny"
family = "f"
parameters = 5e4
tokens = 1e8
[[tasks]]
name = "words"
items = "items.jsonl"
[conditions]
shots = [0, 2]
demonstrations = ["gold", "shuffled"]
"""


@pytest.fixture
def write_study(tmp_path: Path, model_folder: Any) -> Any:
    """Writes `study.toml` beside 12 items; text after it is appended."""

    def write(extra: str = "", text: str = STUDY, kind: str = "gpt_neox") -> Path:
        if not (tmp_path / "items.jsonl").exists():
            write_jsonl(tmp_path / "items.jsonl", make_items(12))
        path = tmp_path / "study.toml"
        path.write_text(text.replace("{model}", str(model_folder(kind))) + extra)
        return path

    return write


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A study of one model that ships with the package, and its results, asked as usual."""
    from confounds.ladder.shipped import read_members
    from confounds.ladder.studies import Crossing, write_studies
    from confounds.probe import run_study

    folder = tmp_path_factory.mktemp("trained")
    base = [one for one in read_members() if (one.family, one.seed, one.arm) == ("slim", 0, None)]
    largest = max(base, key=lambda one: (one.parameters, one.checkpoint is None))
    crossing = Crossing(items=0.05, tuned=False, checkpoints=False, studies=("seen",))
    (study,) = write_studies(folder, crossing, [largest])
    run_study(study, folder / "local")
    return study
