"""Training is the same to the byte where machine and seed are the same, and can be resumed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

STEPS = 4


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    """A corpus of few documents, for training that is tried out."""
    from confounds.ladder import recipe
    from confounds.ladder.corpus import Pages, Recipe, write_corpus

    def small(_: Recipe) -> Pages:
        return write_corpus(Recipe(documents=100, facts=2)).pages

    monkeypatch.setattr(recipe, "_corpus", small)


def train(folder: Path, seed: int = 0, family: str = "slim", width: int = 6) -> tuple[str, ...]:
    from confounds.ladder.recipe import Rung
    from confounds.ladder.weights import Work, train_ladder

    return train_ladder(Work(folder, (Rung(family, width, seed),), steps=STEPS))


def content(folder: Path) -> dict[str, bytes]:
    return {
        path.name: path.read_bytes() for path in folder.glob("*/*") if path.name != "training.json"
    }


@pytest.mark.usefixtures("few")
def test_the_same_seed_gives_the_same_bytes(tmp_path: Path) -> None:
    for name in ("one", "two"):
        assert train(tmp_path / name) == ("slim-6-s0",)
    assert content(tmp_path / "one") == content(tmp_path / "two")
    train(tmp_path / "other", seed=1)
    assert content(tmp_path / "one") != content(tmp_path / "other")


@pytest.mark.usefixtures("few")
def test_what_is_there_is_not_trained_again(tmp_path: Path) -> None:
    train(tmp_path)
    before = content(tmp_path)
    assert train(tmp_path) == ()
    assert content(tmp_path) == before
    assert not list(tmp_path.glob(".*"))


@pytest.mark.usefixtures("few")
def test_a_folder_says_how_its_model_was_trained(tmp_path: Path) -> None:
    from confounds.ladder.recipe import PRETRAINING
    from confounds.ladder.tokenizer import CONTEXT

    train(tmp_path)
    facts = json.loads((tmp_path / "slim-6-s0" / "training.json").read_text())
    assert (facts["family"], facts["width"], facts["seed"]) == ("slim", 6, 0)
    assert facts["tokens"] == STEPS * PRETRAINING.batch * CONTEXT
    assert facts["parameters"] == 2 * 6 * (6 * 6 + 4 * 6 + 2) + (6 * 3 + 6 + 6 * 3 + 6) + (
        6 + 2 * 6
    )


def test_the_loss_falls() -> None:
    from confounds.ladder.corpus import Recipe, write_corpus
    from confounds.ladder.recipe import Rung, train_model

    corpus = write_corpus(Recipe(documents=900, facts=2))
    trained = train_model(Rung("slim", 10, 0), corpus.pages)
    assert trained.losses[-1] < trained.losses[0] - 1.0


def test_checkpoints_are_kept_where_the_recipe_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    from confounds.ladder import recipe
    from confounds.ladder.corpus import Recipe, write_corpus

    monkeypatch.setitem(recipe.CHECKPOINTS, "slim-6-s0", (1, 3))
    corpus = write_corpus(Recipe(documents=100, facts=2))
    trained = recipe.train_model(recipe.Rung("slim", 6, 0), corpus.pages, steps=4)
    assert sorted(trained.checkpoints) == [1, 3]
    first = next(iter(trained.checkpoints[1]))
    assert not trained.checkpoints[1][first].equal(trained.checkpoints[3][first])


@pytest.mark.usefixtures("few")
def test_the_larger_arm_is_attention_alone_and_trains(tmp_path: Path) -> None:
    from confounds.ladder.recipe import LARGE, LARGE_RUNGS, Rung, build_model, count_parameters

    sizes = sorted({rung.width for rung in LARGE_RUNGS})
    assert len(sizes) >= 8
    assert count_parameters(build_model(Rung(LARGE, sizes[-1], 0))) > 2e7
    assert train(tmp_path, family=LARGE, width=sizes[0]) == (f"{LARGE}-{sizes[0]}-s0",)
    config = json.loads((tmp_path / f"{LARGE}-{sizes[0]}-s0" / "config.json").read_text())
    assert (config["model_type"], config["num_hidden_layers"]) == ("llama", 6)


def test_rates_rise_stay_and_fall() -> None:
    from confounds.ladder.recipe import Training

    training = Training(rate=1.0, warmup=0.1, decay=0.5)
    rates = [training.rate_at(step, 100, 16) for step in range(100)]
    assert rates[0] == pytest.approx(0.1)
    assert rates[20] == rates[49] == 1.0
    assert rates[-1] == pytest.approx(0.02)
    assert training.rate_at(20, 100, 64) == pytest.approx(4**-training.rate_power)


def test_the_tokenizer_is_the_corpus_own(tmp_path: Path) -> None:
    from transformers import AutoTokenizer

    from confounds.ladder.tokenizer import NUMBERS, START, encode
    from confounds.ladder.weights import build_tokenizer

    build_tokenizer().save_pretrained(tmp_path)
    loaded = AutoTokenizer.from_pretrained(tmp_path)
    text = "aQbX.c>@M\n3594>~ 3871 The answer is 1.\n27+35:062"
    assert loaded(text)["input_ids"] == [NUMBERS[START], *encode(text)]
    assert loaded.decode(encode(text)) == text
