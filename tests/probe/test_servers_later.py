"""A server whose numbers turn wrong later, or now and then: no cell is written from them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from completions import Answer, Completions, behind, neighbours, serving, without_its_own

from confounds.errors import ProbeError
from confounds.probe import run_study

Served = tuple[Completions, Path]


@pytest.fixture
def served(trained: Path) -> Iterator[Served]:
    """A model whose likeliest tokens differ from place to place, and its study behind a server."""
    from transformers import AutoModelForCausalLM, AutoTokenizer

    text = trained.read_text()
    path = json.loads(next(line for line in text.splitlines() if line.startswith("path"))[7:])
    model = AutoModelForCausalLM.from_pretrained(path, dtype="float32").eval()
    completions = Completions(model, AutoTokenizer.from_pretrained(path))
    with serving(completions) as url:
        server = f'path = "served"\nbackend = "openai"\nserver = {{ url = "{url}", at_once = 1 }}'
        study = trained.with_name("later.toml")
        study.write_text(text.replace(f'path = "{path}"', server))
        yield completions, study


LATER = {
    "all": (lambda number: number > 12, "leaves out that token, which this server's lists named"),
    "some": (lambda number: number > 12 and number % 3 == 0, "leaves out that token"),
}


@pytest.mark.parametrize("when", LATER)
def test_numbers_of_another_position_are_refused_whenever_they_come(
    served: Served, tmp_path: Path, when: str
) -> None:
    completions, study = served
    wrong, reason = LATER[when]

    def late(body: Answer, answer: Answer) -> None:
        if wrong(len(completions.requests)):
            neighbours(body, answer)

    completions.after = late
    with pytest.raises(ProbeError, match=f"EchoError: .*{reason}"):
        run_study(study, tmp_path / "out")


@pytest.mark.parametrize("share", [1, 3])
def test_numbers_of_the_distribution_behind_a_token_are_found_by_what_is_written(
    served: Served, tmp_path: Path, share: int
) -> None:
    completions, study = served

    def late(body: Answer, answer: Answer) -> None:
        if len(completions.requests) > 12 and len(completions.requests) % share == 0:
            behind(completions, body, answer)

    completions.after = late
    with pytest.raises(ProbeError, match=r"EchoError: .*are those of another position"):
        run_study(study, tmp_path / "out")


def test_where_lists_do_not_name_their_tokens_the_texts_of_a_question_must_agree(
    served: Served, tmp_path: Path
) -> None:
    completions, study = served
    completions.after = without_its_own
    assert run_study(study, tmp_path / "right").done == 4

    def late(body: Answer, answer: Answer) -> None:
        if completions.requests.index(body) % 2:
            neighbours(body, answer)
        without_its_own(body, answer)

    completions.requests.clear()
    completions.after = late
    with pytest.raises(ProbeError, match="another position"):
        run_study(study, tmp_path / "wrong")


def test_a_context_is_sent_alone_again_for_every_sixteenth_question(
    served: Served, tmp_path: Path
) -> None:
    completions, study = served
    run = run_study(study, tmp_path / "out")
    alone = [body for body in completions.requests if body.get("logprobs") and not body.get("echo")]
    asked = sum(pq.read_table(one, partitioning=None).num_rows for one in
                tmp_path.rglob("*.parquet"))  # fmt: skip
    trials = 3
    assert asked > 32
    assert -(-asked // 16) <= len(alone) - trials <= asked // 16 + run.done
