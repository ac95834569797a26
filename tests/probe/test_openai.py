"""Through a server: a local model's scores, or none at all where they cannot be trusted."""

from __future__ import annotations

import json
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from completions import Answer, Completions, RefusalError, neighbours, serving

from confounds.errors import ProbeError
from confounds.ingest import read_outcomes
from confounds.probe import _http, run_study

KEY = "sk-never-to-be-told-7f3a"
STUDY = """
name = "served"
seeds = [0]
metrics = ["exact_match", "choice_accuracy", "target_log_prob", "token_accuracy"]
[[models]]
name = "tiny"
family = "f"
parameters = 5e4
{model}
[[tasks]]
name = "words"
items = "items.jsonl"
[conditions]
shots = [0, 1]
"""
KEYS = ["task", "item", "metric", "prompt"]


@pytest.fixture
def completions(model_folder: Any) -> Completions:
    from transformers import AutoModelForCausalLM, AutoTokenizer

    folder = model_folder("gpt_neox")
    model = AutoModelForCausalLM.from_pretrained(folder).eval()
    return Completions(model, AutoTokenizer.from_pretrained(folder))


@pytest.fixture
def url(completions: Completions) -> Iterator[str]:
    with serving(completions) as address:
        yield address


@pytest.fixture
def study(write_study: Any, url: str, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Writes a study of the server; `tokenizer` sends tokens, `more` are further keys of it."""
    monkeypatch.setattr(_http, "FIRST_WAIT", 0.001)

    def write(more: str = "", metrics: str | None = None, extra: str = "") -> Path:
        server = f'server = {{ url = "{url}", retries = 2{more} }}'
        text = STUDY.replace("{model}", f'path = "served/tiny"\nbackend = "openai"\n{server}')
        if metrics is not None:
            line = next(line for line in text.splitlines() if line.startswith("metrics"))
            text = text.replace(line, f"metrics = {metrics}")
        return write_study(extra, text=text)

    return write


def scores(folder: Path) -> pd.Series:
    return read_outcomes(folder).frame.set_index(KEYS)["score"].sort_index()


@pytest.mark.parametrize("sent", ["text", "tokens"])
def test_the_scores_are_those_of_the_model_itself(trained: Path, tmp_path: Path, sent: str) -> None:
    from transformers import AutoModelForCausalLM, AutoTokenizer

    text = trained.read_text()
    path = json.loads(next(line for line in text.splitlines() if line.startswith("path"))[7:])
    model = AutoModelForCausalLM.from_pretrained(path, dtype="float32").eval()
    with serving(Completions(model, AutoTokenizer.from_pretrained(path))) as url:
        keys = f'url = "{url}", tokenizer = "{path}"' if sent == "tokens" else f'url = "{url}"'
        server = f'path = "served"\nbackend = "openai"\nserver = {{ {keys} }}'
        study = trained.with_name(f"{sent}.toml")
        study.write_text(text.replace(f'path = "{path}"', server))
        run = run_study(study, tmp_path / "served")
    assert (run.done, run.notes) == (4, [])
    ours, theirs = scores(tmp_path / "served"), scores(trained.parent / "local")
    assert ours.index.equals(theirs.index)
    np.testing.assert_allclose(ours, theirs, atol=1e-4)
    spread = theirs.groupby("metric").std()
    assert (spread > 0.1).all(), spread
    cells = [pq.read_table(one, partitioning=None) for one in tmp_path.rglob("*.parquet")]
    known = {one is not None for cell in cells for ids in cell["ids"].to_pylist() for one in ids}
    assert known == {sent == "tokens"}


def test_it_resumes_and_the_address_is_no_part_of_a_cell(
    study: Any, completions: Completions, tmp_path: Path
) -> None:
    path = study()
    run_study(path, tmp_path / "out")
    asked = len(completions.requests)
    path.write_text(path.read_text().replace("127.0.0.1", "localhost"))
    again = run_study(path, tmp_path / "out")
    assert (again.done, again.found, len(completions.requests)) == (0, 2, asked)
    next((tmp_path / "out").rglob("*.parquet")).unlink()
    resumed = run_study(path, tmp_path / "out")
    assert (resumed.done, resumed.found) == (1, 1)
    path.write_text(path.read_text().replace('path = "served/tiny"', 'path = "served/other"'))
    assert run_study(path, tmp_path / "out").done == 2


def only_written(_body: Answer, answer: Answer) -> None:
    """As servers do that leave the prompt out."""
    for choice in answer["choices"]:
        if choice["logprobs"]:
            choice["logprobs"] = {name: some[-1:] for name, some in choice["logprobs"].items()}


def cut(_body: Answer, answer: Answer) -> None:
    for choice in answer["choices"]:
        if choice["logprobs"]:
            choice["logprobs"] = {name: some[2:] for name, some in choice["logprobs"].items()}


def ignored(_body: Answer, answer: Answer) -> None:
    answer["choices"][0]["logprobs"] = None


def as_chat(_body: Answer, answer: Answer) -> None:
    """The form of llama.cpp's server."""
    answer["choices"][0]["logprobs"] = {"content": [{"token": " a", "logprob": -1.0}]}


def uneven(_body: Answer, answer: Answer) -> None:
    if answer["choices"][0]["logprobs"]:
        answer["choices"][0]["logprobs"]["tokens"].pop()


def shifted(_body: Answer, answer: Answer) -> None:
    found = answer["choices"][0]["logprobs"]
    if found:
        found["text_offset"] = [one + (at > 3) for at, one in enumerate(found["text_offset"])]


def zeros(_body: Answer, answer: Answer) -> None:
    found = answer["choices"][0]["logprobs"]
    if found:
        found["token_logprobs"] = [0.0 for _ in found["token_logprobs"]]


def no_tops(_body: Answer, answer: Answer) -> None:
    found = answer["choices"][0]["logprobs"]
    if found:
        found["top_logprobs"] = None


def refused(body: Answer) -> None:
    """As llama.cpp's server does."""
    if body.get("echo"):
        raise RefusalError(400, json.dumps({"error": {"message": "Only no echo is supported"}}))


WRONG = {
    "only_written": (only_written, "1 tokens that came back do not spell it: the server drops"),
    "cut": (cut, "do not spell it"),
    "ignored": (ignored, "the server ignores 'echo' and 'logprobs'"),
    "as_chat": (as_chat, "log-probabilities of tokens that it wrote, not of the prompt"),
    "uneven": (uneven, "not equally long"),
    "shifted": (shifted, r"puts token 5 at character \d+ of the prompt; it is at \d+"),
    "zeros": (zeros, "every log-probability is exactly 0"),
    "neighbours": (neighbours, "its numbers are those of another position"),
    "no_tops": (no_tops, "not in the form of completions"),
}


@pytest.mark.parametrize("kind", WRONG)
def test_numbers_that_are_not_the_prompts_are_refused_with_the_reason(
    study: Any, completions: Completions, tmp_path: Path, kind: str
) -> None:
    completions.after, reason = WRONG[kind]
    metrics = '["choice_accuracy", "target_log_prob"]'
    message = rf"not available: choice_accuracy, target_log_prob \(.*{reason}"
    with pytest.raises(ProbeError, match=message):
        run_study(study(metrics=metrics), tmp_path / "out")
    assert not list((tmp_path / "out").rglob("*.parquet"))


def test_tokens_that_do_not_all_come_back(
    study: Any, completions: Completions, model_folder: Any, tmp_path: Path
) -> None:
    completions.after = cut
    tokenizer = f', tokenizer = "{model_folder("gpt_neox")}"'
    message = r"\d+ tokens were sent, and log-probabilities of \d+ came back"
    with pytest.raises(ProbeError, match=message):
        run_study(study(tokenizer, metrics='["target_log_prob"]'), tmp_path / "out")


def test_a_start_token_may_be_left_out(
    study: Any, completions: Completions, model_folder: Any, tmp_path: Path
) -> None:
    path = study(f', tokenizer = "{model_folder("gpt_neox")}"', metrics='["target_log_prob"]')
    text = path.read_text() + '[prompts.closed]\nitem = "{prompt}"\n'
    path.write_text(text.replace("shots = [0, 1]", "shots = [0]"))
    run_study(path, tmp_path / "all")

    def left_out(body: Answer, answer: Answer) -> None:
        found = answer["choices"][0]["logprobs"]
        if found and body.get("echo"):
            for name, some in found.items():
                found[name] = some[1:]
            found["token_logprobs"][0] = found["top_logprobs"][0] = None

    completions.after = left_out
    run_study(path, tmp_path / "without")
    ours, theirs = scores(tmp_path / "without"), scores(tmp_path / "all")
    np.testing.assert_array_equal(ours, theirs)


def test_another_tokenizer_than_the_servers(
    study: Any, completions: Completions, model_folder: Any, tmp_path: Path
) -> None:
    def reversed_words(_body: Answer, answer: Answer) -> None:
        found = answer["choices"][0]["logprobs"]
        if found:
            found["tokens"] = [one[::-1] + "?" for one in found["tokens"]]

    completions.after = reversed_words
    tokenizer = f', tokenizer = "{model_folder("gpt_neox")}"'
    with pytest.raises(ProbeError, match="in the study's tokenizer: another tokenizer"):
        run_study(study(tokenizer, metrics='["target_log_prob"]'), tmp_path / "out")


def test_a_server_that_turns_wrong_later_fails_its_cell(
    study: Any, completions: Completions, tmp_path: Path
) -> None:
    def late(body: Answer, answer: Answer) -> None:
        if len(completions.requests) > 60:
            only_written(body, answer)

    completions.after = late
    with pytest.raises(
        ProbeError, match=r"1 cells could not be asked .'tiny': EchoError: .* 1 were"
    ):
        run_study(study(", at_once = 1", metrics='["target_log_prob"]'), tmp_path / "out")


@pytest.mark.parametrize("kind", ["refused", "ignored"])
def test_else_only_text_is_taken_and_that_is_said(
    study: Any, completions: Completions, tmp_path: Path, kind: str
) -> None:
    if kind == "refused":
        completions.before = refused
    else:
        completions.after = ignored
    run = run_study(study(extra="[generation]\nmax_tokens = 4\n"), tmp_path / "out")
    assert run.done == 2
    assert len(run.notes) == 1
    told, names = run.notes[0].split("; not available: ")
    assert told == "'tiny' is asked for text only, and answers are read from it"
    assert names.startswith("choice_accuracy, target_log_prob, token_accuracy (")
    assert ("Only no echo is supported" in run.notes[0]) == (kind == "refused")
    outcomes = read_outcomes(tmp_path / "out")
    assert outcomes.metrics == ("exact_match",)
    assert any(note.kind == "unavailable_metrics" for note in outcomes.notes)
    cell = pq.read_table(next((tmp_path / "out").rglob("*.parquet")), partitioning=None)
    assert set(cell["score:target_log_prob"].to_pylist()) == {None}
    assert None not in cell["generated"].to_pylist()


def test_text_is_the_local_models_text(
    study: Any, write_study: Any, model_folder: Any, completions: Completions, tmp_path: Path
) -> None:
    rules = '[generation]\nmax_tokens = 6\nstop = ["e"]\n'
    metrics = '["answer_parsed", "token_edit"]'
    tokenizer = f', tokenizer = "{model_folder("gpt_neox")}"'
    run_study(study(tokenizer, metrics, rules), tmp_path / "served")
    text = STUDY.replace("{model}", f'path = "{model_folder("gpt_neox")}"')
    line = next(line for line in text.splitlines() if line.startswith("metrics"))
    local = write_study(rules, text=text.replace(line, f"metrics = {metrics}"))
    run_study(local, tmp_path / "local")
    both = [
        {row["item"]: row["generated"] for one in (tmp_path / name).rglob("*.parquet")
         for row in pq.read_table(one, partitioning=None).to_pylist()}
        for name in ("served", "local")
    ]  # fmt: skip
    assert both[0] == both[1]
    assert any(both[0].values())
    assert not any("e" in text for text in both[0].values())


def test_the_key_is_in_the_header_and_nowhere_else(
    study: Any, completions: Completions, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SERVED_KEY", KEY)
    path = study(', key_variable = "SERVED_KEY"')
    run_study(path, tmp_path / "out")
    assert {one["Authorization"] for one in completions.headers} == {f"Bearer {KEY}"}

    def tells(_body: Answer) -> None:
        raise RefusalError(401, json.dumps({"error": {"message": f"wrong key {KEY}"}}))

    completions.before = tells
    with pytest.raises(ProbeError, match=r"ServerError: status 401: wrong key \*\*\*") as refused:
        run_study(path, tmp_path / "refused")
    told = "".join(traceback.TracebackException.from_exception(
        refused.value, capture_locals=True).format())  # fmt: skip
    files = [one.read_bytes() for one in tmp_path.rglob("*") if one.is_file()]
    assert len(files) > 8
    assert all(KEY.encode() not in content for content in (*files, told.encode()))


@pytest.mark.parametrize("value", [None, "", "two words", "line\nbreak"])
def test_a_key_that_is_not_there_or_is_none(
    study: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, value: str | None
) -> None:
    monkeypatch.delenv("SERVED_KEY", raising=False)
    if value is not None:
        monkeypatch.setenv("SERVED_KEY", value)
    with pytest.raises(
        ProbeError, match=r"environment variable SERVED_KEY (is not|holds)"
    ) as error:
        run_study(study(', key_variable = "SERVED_KEY"'), tmp_path / "out")
    assert "words" not in str(error.value)
