"""Training the ladder into a folder, and what a folder of it holds.

Each model is written whole or not at all, so a killed run goes on where it stopped.
"""

from __future__ import annotations

import json
import os
import platform
import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import torch
import transformers
from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, processors
from transformers import AutoModelForCausalLM, PreTrainedTokenizerFast

from confounds.ladder import recipe
from confounds.ladder.corpus import TUNING_DOCUMENTS
from confounds.ladder.recipe import ARMS, Rung, Trained
from confounds.ladder.shipped import FACTS, read_facts
from confounds.ladder.tokenizer import ANSWER_IS, CONTEXT, END, NUMBERS, START

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path


class Listener(Protocol):
    """Hears how far training is."""

    def model(self, name: str, steps: int) -> None:
        """A model begins."""
        ...

    def step(self) -> None:
        """A step is done."""
        ...


def build_tokenizer() -> PreTrainedTokenizerFast:
    """The characters of `tokenizer` as a tokenizer that transformers saves and loads."""
    tokenizer = Tokenizer(models.WordLevel(NUMBERS, unk_token=END))
    tokenizer.pre_tokenizer = pre_tokenizers.Split(Regex(f"{ANSWER_IS}|[\\s\\S]"), "isolated")
    tokenizer.decoder = decoders.Fuse()
    tokenizer.post_processor = processors.TemplateProcessing(
        single=f"{START} $A", special_tokens=[(START, NUMBERS[START])]
    )
    return PreTrainedTokenizerFast(  # type: ignore[no-untyped-call]
        tokenizer_object=tokenizer,
        bos_token=START,
        eos_token=END,
        pad_token=END,
        model_max_length=CONTEXT,
        clean_up_tokenization_spaces=False,
    )


class Silent:
    """Hears nothing."""

    def model(self, name: str, steps: int) -> None:
        """Hears nothing."""

    def step(self) -> None:
        """Hears nothing."""


@dataclass(frozen=True, slots=True)
class Work:
    """What is trained, and where.

    Attributes:
        folder: gets one folder a model.
        rungs: training runs, in order.
        device: `cpu`, `cuda`, ...
        steps: stop after so many; for trying out.
    """

    folder: Path
    rungs: Sequence[Rung] = recipe.RUNGS
    device: str = "cpu"
    steps: int | None = None


def train_ladder(work: Work, listener: Listener | None = None) -> tuple[str, ...]:
    """Train what is not in the folder yet.

    Returns:
        Names of the models that were trained now.
    """
    listener = listener or Silent()
    return tuple(name for rung in work.rungs for name in _train_rung(work, rung, listener))


def _train_rung(work: Work, rung: Rung, listener: Listener) -> list[str]:
    done = []
    base = work.folder / rung.name
    if not base.is_dir():
        pages = recipe.pages_of(rung)
        whole = len(pages) // recipe.training_of(rung).batch
        listener.model(rung.name, work.steps or whole)
        trained = recipe.train_model(
            rung, pages, device=work.device, steps=work.steps, progress=listener.step
        )
        for step, weights in trained.checkpoints.items():
            _write_checkpoint(work.folder / f"{rung.name}-step{step}", rung, step, weights)
        _write(base, trained, _facts(rung, trained))
        done.append(rung.name)
    if not recipe.is_tuned(rung) or work.steps is not None:
        return done
    for arm in ARMS:
        folder = work.folder / f"{rung.name}-{arm}"
        if not folder.is_dir():
            listener.model(folder.name, TUNING_DOCUMENTS // recipe.TUNING.batch)
            model: Any = AutoModelForCausalLM.from_pretrained(
                base, dtype=torch.float32, trust_remote_code=False, use_safetensors=True
            )
            tuned = recipe.tune_model(model.to(work.device), rung, arm, progress=listener.step)
            before = read_facts(base / FACTS)
            facts = {**_facts(rung, tuned), "arm": arm}
            facts |= {name: before[name] + facts[name] for name in ("steps", "tokens")}
            _write(folder, tuned, facts)
            done.append(folder.name)
    return done


def _write_checkpoint(
    folder: Path, rung: Rung, step: int, weights: dict[str, torch.Tensor]
) -> None:
    model = recipe.build_model(rung)
    model.load_state_dict(weights)
    tokens = step * recipe.training_of(rung).batch * CONTEXT
    trained = Trained(model, step, tokens)
    _write(folder, trained, {**_facts(rung, trained), "partial": True})


def _write(folder: Path, trained: Trained, facts: dict[str, Any]) -> None:
    """Weights in half precision, tokenizer and facts; in place in one step."""
    parts = folder.parent / f".{folder.name}.part"
    shutil.rmtree(parts, ignore_errors=True)
    parts.mkdir(parents=True)
    trained.model.cpu().half().save_pretrained(parts)
    build_tokenizer().save_pretrained(parts)
    (parts / FACTS).write_text(json.dumps(facts, indent=1) + "\n")
    for path in parts.iterdir():
        path.chmod(0o644)
    os.replace(parts, folder)  # noqa: PTH105 - a folder in place of none


def _facts(rung: Rung, trained: Trained) -> dict[str, Any]:
    return {
        "family": rung.family,
        "width": rung.width,
        "seed": rung.seed,
        "arm": None,
        "partial": False,
        "parameters": recipe.count_parameters(trained.model),
        "steps": trained.steps,
        "tokens": trained.tokens,
        "loss": trained.losses,
        "cpu_seconds": round(trained.seconds, 1),
        "torch": torch.__version__,
        "transformers": transformers.__version__,
        "machine": platform.machine(),
    }
