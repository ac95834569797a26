"""A study file says what it says; the parts that depend on one another agree."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from confounds.errors import StudyError
from confounds.study import Condition, Study, TokenScores

EXAMPLE = """
name = "tiny"
seeds = [0]
metrics = ["exact_match", "choice_accuracy", "target_log_prob"]
[[models]]
path = "models/tiny-a"
family = "tiny"
parameters = 1.2e6
tokens = 1e8
tuning = "base"
[[tasks]]
name = "arithmetic"
items = "items.jsonl"
[conditions]
shots = [0, 5]
demonstrations = ["gold"]
prompt = ["completion"]
[prompts.completion]
item = "{prompt}"
target = " {target}"
separator = "\\n\\n"
"""


def read(folder: Path, text: str = EXAMPLE) -> Study:
    path = folder / "study.toml"
    path.write_text(text)
    return Study.read(path)


def test_example(tmp_path: Path) -> None:
    study = read(tmp_path)
    assert study.models[0].label == "tiny-a"
    assert study.conditions_crossed() == (
        Condition(0, "none", "direct", "completion"),
        Condition(5, "gold", "direct", "completion"),
    )
    assert study.format("completion").style == "closed"
    assert study.resolve("items.jsonl") == tmp_path.resolve() / "items.jsonl"


@pytest.mark.parametrize(
    ("path", "label"),
    [("models/tiny-a", "tiny-a"), ("EleutherAI/pythia-70m", "pythia-70m"), ("a/b c", "b-c")],
)
def test_a_model_is_named_by_the_end_of_its_path(tmp_path: Path, path: str, label: str) -> None:
    assert read(tmp_path, EXAMPLE.replace("models/tiny-a", path)).models[0].label == label


def test_two_of_a_name(tmp_path: Path) -> None:
    twice = EXAMPLE.replace("[[tasks]]", '[[models]]\npath = "other/tiny-a"\n[[tasks]]')
    with pytest.raises(StudyError, match="two of 'models' are named 'tiny-a'"):
        read(tmp_path, twice)


def test_a_study_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(StudyError, match=r"gone.toml: cannot be read \(No such file"):
        Study.read(tmp_path / "gone.toml")


def test_a_chat_template_is_part_of_the_format() -> None:
    columns = Condition(5, "gold", "chain", "letter", chat=True).columns
    assert columns == {
        "shots": 5, "demonstrations": "gold", "reasoning": "chain", "prompt": "letter+chat",
    }  # fmt: skip


def test_tokens_add_up() -> None:
    values = np.array([-0.5, -1.5], dtype=np.float32)
    ranks = np.array([0, 0], dtype=np.int32)
    scores = TokenScores(ranks, values, values, values, ranks)
    assert scores.total == -2.0
    assert scores.greedy
    assert not TokenScores(ranks, values, values, values, np.array([0, 1], dtype=np.int32)).greedy
