"""A run trained again, on whatever machine this is, scores what the shipped one scores."""

from __future__ import annotations

from pathlib import Path
from typing import Any

AGAIN, BEFORE = "reader-283-s0", "reader-100-s0"
TOLERANCE = 0.05
"""Of the share of right answers, and of their mean probability (see the card)."""


def score(folder: Path) -> tuple[float, float]:
    """Share of questions whose right value is the likeliest of those shown, and its mean share."""
    import torch
    from transformers import AutoModelForCausalLM

    from confounds.ladder.items import lookup_task
    from confounds.ladder.tokenizer import NUMBERS, START, encode

    questions = lookup_task(200).questions
    ids = torch.tensor([[NUMBERS[START], *encode(f"{one.prompt}>")] for one in questions])
    choices = torch.tensor([[NUMBERS[value] for value in one.choices] for one in questions])
    right = torch.tensor([one.choices.index(one.target) for one in questions])
    model: Any = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
    with torch.no_grad():
        shares = model(ids).logits[:, -1].gather(-1, choices).softmax(-1)
    found = shares.gather(-1, right[:, None])
    return float((shares.argmax(-1) == right).float().mean()), float(found.mean())


def test_the_whole_recipe_gives_the_shipped_scores_within_the_stated_tolerance(
    tmp_path: Path,
) -> None:
    from confounds.ladder.recipe import RUNGS
    from confounds.ladder.shipped import WEIGHTS
    from confounds.ladder.weights import Work, train_ladder

    rungs = tuple(rung for rung in RUNGS if rung.name == AGAIN)
    assert train_ladder(Work(tmp_path, rungs)) == (AGAIN,)
    mine, shipped, shorter = (
        score(folder) for folder in (tmp_path / AGAIN, WEIGHTS / AGAIN, WEIGHTS / BEFORE)
    )
    for again, before, less in zip(mine, shipped, shorter, strict=True):
        assert abs(again - before) < TOLERANCE
        assert less < before - 10 * TOLERANCE
